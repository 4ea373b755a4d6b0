//! `br_table`, typed `select`.

use nonos_machine::End;

use crate::reference::{agree, agree_at_each_budget};

/// Every index of a table with `targets`, and some beyond.
fn indices(targets: u64) -> impl Iterator<Item = u64> {
    (0..targets + 3).chain([1 << 31, (1 << 32) - 1])
}

/// A function with blocks of depth 0 to 3 around a table.
fn switch(table: &str) -> String {
    format!(
        r#"(module (func (export "run") (param i32) (result i32) (local i32)
            block block block block
                local.get 0 br_table {table}
            end local.get 1 i32.const 1 i32.add local.set 1
            end local.get 1 i32.const 10 i32.add local.set 1
            end local.get 1 i32.const 100 i32.add local.set 1
            end local.get 1 i32.const 1000 i32.add))"#
    )
}

#[test]
fn goes_where_the_index_says() {
    let steps: Vec<(&str, u64)> = vec![
        ("2", 0),
        ("1 3", 1),
        ("0 0", 1),
        ("2 1 0", 2),
        ("0 1 2 3", 3),
        ("3 2 1 0 3", 4),
        ("0 0 0 1 1 1 1 2 2 3", 9),
        ("0 1 0 1 0 1 0 2", 7),
        ("3 3 3 3 3 3 3 3 3", 8),
        ("3 2 1 0 1 2 3 3 0", 8),
    ];
    for (table, targets) in steps {
        for index in indices(targets) {
            agree_at_each_budget(&switch(table), &[index]);
        }
    }
}

#[test]
fn goes_by_a_jump_into_a_row_of_jumps() {
    // Three steps to the block, wherever it is: the check, the jump, the row.
    let steps = |table: &str, index| agree(&switch(table), &[index]).steps;
    assert_eq!(steps("3 2 1 0 1 2 3 3 0", 0), steps("3 2 1 0 1 2 3 3 0", 6));
    // Runs of equal targets are told apart by one comparison each.
    assert!(steps("3 3 3 3 3 3 3 3 0", 7) < steps("3 2 3 2 3 2 3 3 0", 7));
}

#[test]
fn knows_an_index() {
    for index in [0, 1, 2, 3, -1_i32 as u32] {
        let wat = switch("2 1 3 0").replace("local.get 0 br_table", &format!("i32.const {index} br_table"));
        agree_at_each_budget(&wat, &[0]);
    }
}

#[test]
fn carries_values_to_blocks_functions_and_loops() {
    for table in [
        "0 1 2 3",
        "3 2 1 0",
        "0 0 1 1 2 2 3 3",
        "2 0 3 1 0 2 1 3",
        "0",
        "3",
        "1 2",
    ] {
        for index in 0..9 {
            for below in ["", "i32.const 70", "local.get 0 i32.const 5 i32.mul"] {
                let wat = format!(
                    r#"(module (type $t (func (result i32 i64)))
                        (func $f (param i32) (result i32 i64) (local i64)
                            block (type $t)
                                i32.const 50
                                block (type $t)
                                    block (type $t)
                                        {below}
                                        local.get 0 i32.const 1 i32.shl local.get 1 i64.const 4 i64.sub
                                        local.get 0 br_table {table}
                                    end
                                    i64.const 100 i64.add
                                end
                                i64.const 1000 i64.add
                                local.set 1 i32.add local.get 1
                            end
                            i64.const 10000 i64.add)
                        (func (export "run") (param i32) (result i32 i64) local.get 0 call $f))"#
                );
                agree_at_each_budget(&wat, &[index]);
            }
        }
    }
    for argument in 0..4 {
        agree_at_each_budget(
            r#"(module (type $t (func (param i32 i32) (result i32 i32)))
                (func (export "run") (param i32) (result i32 i32) (local i32 i32)
                    block (type 1)
                        i32.const 0 local.get 0
                        loop (type $t)
                            local.set 1 local.set 2
                            local.get 2 local.get 1 i32.add
                            local.get 1 i32.const 1 i32.sub
                            local.get 1 br_table 1 2 0 0 0 1
                        end
                        i32.const 7 i32.add
                    end
                    i32.const 100 i32.add)
                (type (func (result i32 i32))))"#,
            &[argument],
        );
    }
}

#[test]
fn skips_code_behind_a_table() {
    agree_at_each_budget(
        r#"(module (func (export "run") (param i32) (result i32)
            block (result i32)
                i32.const 3 local.get 0 br_table 0 0 1
                i32.const 1 i32.add loop br 0 end local.get 0 if unreachable else nop end
            end
            local.get 0 i32.add))"#,
        &[1],
    );
}

#[test]
fn selects_references_by_their_type() {
    for argument in [0, 1, 2] {
        agree(
            r#"(module (func (export "run") (param i32) (result i32 i64 i32)
                ref.null extern ref.null extern local.get 0 select (result externref) ref.is_null
                i64.const 5 i64.const 6 local.get 0 select (result i64)
                ref.null func ref.func 0 local.get 0 select (result funcref) ref.is_null)
                (elem declare func 0))"#,
            &[argument],
        );
    }
}

#[test]
fn keeps_references_in_locals_and_globals() {
    let run = agree(
        r#"(module (global $g (mut funcref) (ref.null func)) (elem declare func $f)
            (func $f (param funcref) (result funcref i32) local.get 0 local.get 0 ref.is_null)
            (func (export "run") (result i32 i32 i32 i32) (local funcref externref)
                local.get 0 ref.is_null
                local.get 1 ref.is_null
                ref.func $f local.set 0
                global.get $g ref.is_null
                local.get 0 call $f drop global.set $g
                global.get $g ref.is_null))"#,
        &[],
    );
    assert_eq!(run.end, End::Return(vec![1, 1, 1, 0]));
}
