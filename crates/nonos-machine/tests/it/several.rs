//! Several values: results of functions, parameters and results of blocks, branches that carry them.

use nonos_machine::End;

use crate::reference::{agree, agree_at_each_budget};

#[test]
fn returns_locals_in_any_order() {
    let run = agree(
        r#"(module (func (export "run") (param i64 i64 i32) (result i64 i64 i32 i64 i64)
            local.get 1 local.get 0 local.get 2 i64.const -7 local.get 1))"#,
        &[3, 4, 5],
    );
    assert_eq!(run.end, End::Return(vec![4, 3, 5, 7_u64.wrapping_neg(), 4]));
    let run = agree(
        r#"(module (func (export "run") (param i32 i32 i32) (result i32 i32 i32)
            i32.const 9 local.get 1 local.get 2 local.get 0 return))"#,
        &[3, 4, 5],
    );
    assert_eq!(run.end, End::Return(vec![4, 5, 3]));
}

#[test]
fn returns_sixteen_values_through_calls() {
    let types = "i32 i64 ".repeat(8);
    let gets: String = (0..16).rev().map(|n| format!("local.get {n} ")).collect();
    let turned = "i64 i32 ".repeat(8);
    let wat = format!(
        r#"(module
            (func $turn (param {types}) (result {turned}) {gets})
            (func $back (param {turned}) (result {types}) {gets})
            (func (export "run") (param {types}) (result {types})
                local.get 0 {} call $turn call $back))"#,
        (1..16).map(|n| format!("local.get {n} ")).collect::<String>()
    );
    let arguments: Vec<u64> = (100..116).collect();
    assert_eq!(agree(&wat, &arguments).end, End::Return(arguments));
}

#[test]
fn uses_the_results_of_a_call_one_by_one() {
    for argument in [0, 1, 2, 77] {
        agree_at_each_budget(
            r#"(module
                (func $split (param i32) (result i32 i64 i32)
                    local.get 0 i32.const 3 i32.mul local.get 0 i64.extend_i32_u i64.const 5 i64.add
                    local.get 0 i32.const 1 i32.shr_u)
                (func $join (param i32 i64 i32) (result i64)
                    local.get 0 i64.extend_i32_u local.get 1 i64.mul local.get 2 i64.extend_i32_u i64.sub)
                (func (export "run") (param i32) (result i64 i32 i64) (local i64 i32)
                    local.get 0 call $split call $join
                    local.get 0 i32.const 4 i32.add call $split
                    local.get 0 i32.add i64.extend_i32_u i64.add local.set 1
                    local.get 0 call $split drop drop
                    i32.sub
                    local.get 0 call $split
                    local.set 2 drop local.get 2 i32.xor i32.add
                    local.get 1))"#,
            &[argument],
        );
    }
}

#[test]
fn gives_blocks_parameters_and_results() {
    for argument in 0..5 {
        agree_at_each_budget(
            r#"(module (type $t (func (param i32 i64) (result i64 i32)))
                (func (export "run") (param i32) (result i64 i64 i32 i64) (local i64)
                    i64.const 1000
                    local.get 0 local.get 0 i64.extend_i32_u i64.const 3 i64.mul
                    block (type $t)
                        local.get 0 i32.const 2 i32.eq
                        if (type $t)
                            local.set 1 local.set 0 local.get 1 i32.const 4 br 1
                        else
                            drop i64.extend_i32_u i32.const 6
                        end
                        local.get 0 i32.const 3 i32.eq br_if 0
                        i32.const 1 i32.add
                        local.get 0 i32.const 4 i32.eq br_if 0
                        drop drop i64.const 55 local.get 0
                    end
                    local.get 0 i32.add
                    i64.const 2))"#,
            &[argument],
        );
    }
}

#[test]
fn takes_parameters_through_both_arms() {
    for argument in 0..4 {
        let wat = r#"(module (type $t (func (param i32 i64 i32) (result i32 i64 i32)))
            (func (export "run") (param i32) (result i32 i64 i32 i32 i64 i32)
                local.get 0 i64.const 5 i32.const 6
                local.get 0 i32.const 1 i32.and
                if (type $t) i32.const 1 i32.sub end
                local.get 0 i64.const 7 local.get 0
                local.get 0 i32.const 2 i32.and
                if (type $t)
                    drop local.get 0 i32.const 10 i32.add
                    local.get 0 i32.const 3 i32.eq if unreachable_or_not end
                else
                    local.get 0 i32.mul
                end))"#;
        agree_at_each_budget(&wat.replace("unreachable_or_not", "nop"), &[argument]);
        agree_at_each_budget(&wat.replace("unreachable_or_not", "unreachable"), &[argument]);
    }
}

#[test]
fn knows_conditions_of_blocks_with_parameters() {
    for condition in [0, 1] {
        let wat = format!(
            r#"(module (type $t (func (param i32 i32) (result i32 i32)))
                (func (export "run") (param i32) (result i32 i32 i32 i32)
                    i32.const 1 local.get 0 i32.const {condition} if (type $t) i32.const 7 i32.add end
                    i32.const 2 local.get 0
                    i32.const {condition} if (type $t) drop local.get 0 local.set 0 local.get 0
                    else i32.const 9 i32.add end))"#
        );
        agree_at_each_budget(&wat, &[30]);
    }
}

#[test]
fn goes_round_a_loop_with_parameters() {
    for argument in 0..6 {
        // Constants enter the loop, other values come back: a wide one where a narrow one was.
        let run = agree_at_each_budget(
            r#"(module (type $t (func (param i64 i64 i32) (result i64)))
                (func (export "run") (param i32) (result i64 i32) (local i64 i64 i32)
                    i64.const 0 i64.const 1 local.get 0
                    loop (type $t)
                        local.set 3 local.set 2 local.set 1
                        local.get 2
                        local.get 1 local.get 2 i64.add i64.const 0x100 i64.add
                        local.get 3 i32.const 1 i32.sub
                        local.get 3 br_if 0
                        drop i64.sub
                    end
                    local.get 3))"#,
            &[argument],
        );
        assert!(matches!(run.end, End::Return(values) if values.len() == 2));
    }
    // A wrap that could be left out for the constant is needed for what comes round.
    let run = agree_at_each_budget(
        r#"(module (type $t (func (param i64 i32) (result i32)))
            (func (export "run") (result i32) (local i32)
                i64.const 7 i32.const 2
                loop (type $t)
                    local.set 0
                    i32.wrap_i64 drop
                    i64.const 0x1_0000_0005
                    local.get 0 i32.const 1 i32.sub
                    local.get 0 br_if 0
                    drop i32.wrap_i64
                end))"#,
        &[],
    );
    assert_eq!(run.end, End::Return(vec![5]));
}

#[test]
fn carries_several_values_over_values_below() {
    for argument in 0..7 {
        agree_at_each_budget(
            r#"(module (type $pair (func (result i32 i64)))
                (func $f (param i32) (result i32 i64) (local i64)
                    i32.const 90
                    block (type $pair)
                        i32.const 1 i64.const 2
                        block (type $pair)
                            i64.const 11
                            local.get 0 i64.const 12
                            local.get 0 i32.const 1 i32.eq br_if 2
                            local.get 0 i32.const 2 i32.eq br_if 0
                            local.get 0 i32.const 3 i32.eq br_if 1
                            local.get 0 i32.const 4 i32.eq if i32.const 5 i64.const 6 br 2 end
                            local.get 0 i32.const 5 i32.eq if i32.const 5 i64.const 6 return end
                            local.get 0 i32.const 6 i32.eq if i32.const 5 i64.const 6 br 3 end
                            local.set 1 drop drop
                            local.get 0 i64.const -1
                        end
                        drop drop
                        i64.const 3 i64.add
                    end
                    local.set 1 i32.add
                    local.get 1)
                (func (export "run") (param i32) (result i64 i32)
                    (local i64) local.get 0 call $f local.set 1 local.get 1 i64.const 1 i64.add local.set 1
                    local.set 0 local.get 1 local.get 0))"#,
            &[argument],
        );
    }
}

#[test]
fn skips_what_cannot_be_reached() {
    agree_at_each_budget(
        r#"(module (type $t (func (param i32 i64) (result i64 i32)))
            (func (export "run") (param i32) (result i64 i32)
                block
                    local.get 0 br_if 0
                    i64.const 1 i32.const 2 return
                    block (type $t) br 1 i64.const 3 loop (param i64) br 0 end i32.const 1 end drop drop
                    local.get 0 if (type $t) drop drop i64.const 4 i32.const 1 else unreachable end drop drop
                    unreachable
                end
                i64.const 5 i32.const 6 br 0
                if (type $t) unreachable else drop drop i64.const 1 i32.const 1 end))"#,
        &[1],
    );
}
