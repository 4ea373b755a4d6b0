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

#[test]
fn refuses_to_price_what_is_outside_of_the_set() {
    let wasm = wat::parse_str("(module (func (param i32) local.get 0 local.get 0 i32.div_u drop))").unwrap();
    let Err(fuel::Error::Unpriced { opcode, .. }) = charges_of(&wasm, &[]) else {
        panic!("was priced")
    };
    assert_eq!(opcode, "i32.div_u");
}
