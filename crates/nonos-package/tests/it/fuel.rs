//! Where a function pays and how much.

use nonos_package::{
    HostCall,
    fuel::{self, Charge},
};
use wasmparser::{Parser, Payload};

fn charges_of(wasm: &[u8], imports: &[HostCall]) -> Result<Vec<Charge>, fuel::Error> {
    let body = Parser::new(0)
        .parse_all(wasm)
        .find_map(|payload| match payload.unwrap() {
            Payload::CodeSectionEntry(body) => Some(body),
            _ => None,
        });
    fuel::charges(&body.unwrap(), imports)
}

fn charges(body: &str) -> Vec<(u32, u16)> {
    let wasm = wat::parse_str(format!("(module (func (param i32) {body}))")).unwrap();
    charges_of(&wasm, &[])
        .unwrap()
        .into_iter()
        .map(|charge| (charge.op_index, charge.cost))
        .collect()
}

#[test]
fn a_straight_line_is_one_block() {
    assert_eq!(charges("local.get 0 i32.const 1 i32.add drop"), [(0, 3)]);
}

#[test]
fn an_empty_function_is_free() {
    assert_eq!(charges("nop"), []);
}

#[test]
fn declared_locals_are_paid_on_entry_and_parameters_are_not() {
    assert_eq!(charges("(local i32 i64 i64)"), [(0, 3)]);
}

#[test]
fn every_round_of_a_loop_pays() {
    // loop, br, end, end
    assert_eq!(charges("loop br 0 end"), [(1, 1)]);
}

#[test]
fn both_arms_and_what_follows_pay_for_themselves() {
    // 0 get, 1 if, 2 const, 3 drop, 4 else, 5 get, 6 get, 7 drop, 8 drop, 9 end, 10 const, 11 drop, 12 end
    let body = "local.get 0 if i32.const 1 drop else local.get 0 local.get 0 drop drop end i32.const 1 drop";
    assert_eq!(charges(body), [(0, 2), (2, 1), (5, 2), (10, 1)]);
}

#[test]
fn a_conditional_branch_ends_a_block_and_a_call_does_not() {
    let body = "block local.get 0 br_if 0 local.get 0 call 0 local.get 0 drop end";
    assert_eq!(charges(body), [(0, 2), (3, 5)]);
}

#[test]
fn code_that_cannot_run_is_free() {
    // 0 block, 1 br, 2 const, 3 if, 4 const, 5 drop, 6 end, 7 end, 8 const, 9 drop, 10 end
    let body = "block br 0 i32.const 1 if i32.const 2 drop end end i32.const 3 drop";
    assert_eq!(charges(body), [(0, 1), (8, 1)]);
    assert_eq!(charges("return i32.const 1 drop"), [(0, 1)]);
    assert_eq!(
        charges("local.get 0 if unreachable i32.const 1 drop else i32.const 1 drop end"),
        [(0, 2), (6, 1)]
    );
}

#[test]
fn host_calls_cost_more_than_calls() {
    let wasm = wat::parse_str(
        r#"(module (import "nonos" "checkpoint" (func)) (import "nonos" "exit" (func (param i32)))
           (func call 0 i32.const 0 call 1 call 2))"#,
    )
    .unwrap();
    let imports = [HostCall::Checkpoint, HostCall::Exit];
    assert_eq!(
        charges_of(&wasm, &imports).unwrap(),
        [Charge {
            op_index: 0,
            cost: 1024 + 1 + 13 + 3
        }]
    );
}

#[test]
fn refuses_a_block_that_costs_more_than_sixteen_bits() {
    let body =
        |n: usize| wat::parse_str(format!("(module (func {}))", "i32.const 0 drop ".repeat(n))).unwrap();
    assert_eq!(
        charges_of(&body(65_535), &[]).unwrap(),
        [Charge {
            op_index: 0,
            cost: 65_535
        }]
    );
    assert!(matches!(
        charges_of(&body(65_536), &[]),
        Err(fuel::Error::BlockTooLong { .. })
    ));
}

/// Every operator that had none in version 1, with what it costs beside its operands, each of which costs 1.
#[test]
fn prices_are_those_of_the_spec() {
    let cost = |operands: usize, op: &str| {
        let text = format!(
            "(module (memory 1) (table $t 1 funcref) (data $d \"\") (elem $e func) (type $f (func))
                (func $g {} {op}))",
            "i32.const 0 ".repeat(operands)
        );
        let wasm = wat::parse_str(text).unwrap();
        let charges = charges_of(&wasm, &[]).unwrap();
        charges
            .iter()
            .map(|charge| usize::from(charge.cost))
            .sum::<usize>()
            - operands
    };
    for op in ["div_s", "div_u", "rem_s", "rem_u"] {
        assert_eq!(cost(2, &format!("i32.{op} drop")), 4, "{op}");
        assert_eq!(
            cost(0, &format!("i64.const 1 i64.const 1 i64.{op} drop")),
            6,
            "{op}"
        );
    }
    for op in ["clz", "ctz", "popcnt"] {
        assert_eq!(cost(1, &format!("i32.{op} drop")), 2, "{op}");
        assert_eq!(cost(0, &format!("i64.const 1 i64.{op} drop")), 3, "{op}");
    }
    assert_eq!(cost(1, "br_table 0 0"), 2);
    assert_eq!(cost(1, "call_indirect (type $f)"), 6);
    assert_eq!(cost(1, "return_call_indirect (type $f)"), 6);
    assert_eq!(cost(0, "call $g"), 3);
    assert_eq!(cost(0, "return_call $g"), 3);
    assert_eq!(cost(0, "ref.null func drop"), 1);
    assert_eq!(cost(0, "ref.func $g drop"), 1);
    assert_eq!(cost(0, "ref.null extern ref.is_null drop"), 2);
    assert_eq!(cost(3, "select (result i32) drop"), 1);
    assert_eq!(cost(1, "table.get $t drop"), 3);
    assert_eq!(cost(1, "ref.null func table.set $t"), 1 + 3);
    assert_eq!(cost(0, "table.size $t drop"), 1);
    assert_eq!(cost(0, "data.drop $d elem.drop $e"), 2);
    for op in [
        "memory.copy",
        "memory.fill",
        "memory.init $d",
        "table.copy",
        "table.init $e",
    ] {
        assert_eq!(cost(3, op), 16, "{op}");
    }
    assert_eq!(
        cost(0, "i32.const 0 ref.null func i32.const 0 table.fill $t"),
        3 + 16
    );
    assert_eq!(cost(0, "ref.null func i32.const 0 table.grow $t drop"), 2 + 16);
}

#[test]
fn units_are_for_started_words_and_for_entries() {
    assert_eq!(fuel::memory_units(0).get(), 0);
    assert_eq!(fuel::memory_units(u32::MAX).get(), 4 << 29);
    assert_eq!(
        [1, 7, 8, 9].map(|bytes| fuel::memory_units(bytes).get()),
        [4, 4, 4, 8]
    );
    assert_eq!(
        [0, 1, 9].map(|entries| fuel::entry_units(entries).get()),
        [0, 4, 36]
    );
    assert_eq!(HostCall::ALL.map(fuel::trampoline), [14, 14, 15, 15, 1024, 14]);
}

#[test]
fn what_follows_a_tail_call_or_a_jump_by_table_is_dead() {
    let dead = |op: &str| {
        let text = format!(
            "(module (table 1 funcref) (type $f (func)) (func (block i32.const 0 {op} i32.const 1 drop) i32.const 2 drop))"
        );
        let charges = charges_of(&wat::parse_str(text).unwrap(), &[]).unwrap();
        charges
            .iter()
            .map(|it| (it.op_index, it.cost))
            .collect::<Vec<_>>()
    };
    // 0 block, 1 const, 2 op, 3 const, 4 drop, 5 end, 6 const
    assert_eq!(dead("br_table 0"), [(0, 3), (6, 1)]);
    assert_eq!(dead("return_call_indirect (type $f)"), [(0, 7), (6, 1)]);
    assert_eq!(dead("return_call 0"), [(0, 4), (6, 1)]);
    assert_eq!(dead("call_indirect (type $f)"), [(0, 8), (6, 1)], "goes on");
}

#[test]
fn a_tail_call_of_a_host_call_costs_what_a_call_of_it_costs() {
    let wasm =
        wat::parse_str(r#"(module (import "nonos" "checkpoint" (func)) (func return_call 0))"#).unwrap();
    let charge = Charge {
        op_index: 0,
        cost: 1024,
    };
    assert_eq!(charges_of(&wasm, &[HostCall::Checkpoint]).unwrap(), [charge]);
}

#[test]
fn refuses_to_price_what_is_outside_of_the_set() {
    let wasm = wat::parse_str("(module (func f64.const 1 f64.sqrt drop))").unwrap();
    let Err(fuel::Error::Unpriced { opcode, .. }) = charges_of(&wasm, &[]) else {
        panic!("was priced")
    };
    assert_eq!(opcode, "f64.const");
}
