//! Ends that are hidden or invented.

use super::liar::State;
use super::*;

/// Three steps that cost 1 each, and the end.
fn cheap() -> Program {
    program([set(1, 5), set(2, 6), set(3, 7)])
}

/// Runs with a budget; from step `at` on, the row number `row` is executed instead of what is due.
fn insists(program: &Program, fuel: u64, at: usize, row: u8) -> Claim {
    let row = move |i: usize, due: &mut u8| {
        if i >= at {
            *due = if i == at { row } else { 0 };
        }
    };
    let lies = Lies {
        fuel: Some(fuel),
        row: Some(&row),
        ..Lies::default()
    };
    Claim::lie(program, &NO_TAPES, lies)
}

#[test]
fn refuses_to_hide_that_the_fuel_ran_out() {
    // #43: of a budget of 2, three are spent.
    let honest = Claim::lie(
        &cheap(),
        &NO_TAPES,
        Lies {
            fuel: Some(2),
            ..Lies::default()
        },
    );
    accepted(&honest);
    assert_eq!(
        honest.public.last[..2],
        [u64::from(cheap().halts.out_of_fuel), 2],
        "the run ends in the end of exhausted runs with all of its fuel used"
    );
    let mut claim = insists(&cheap(), 2, 2, 0);
    assert_eq!(claim.public.last[1], 3);
    // Fuel over the budget is the statement's to refuse; here it can only be said to be less.
    claim.public.last[1] = 2;
    refused_by(&claim, &["STEP/fuel-last"]);
}

#[test]
fn refuses_to_invent_that_the_fuel_ran_out() {
    // Of a budget of 10, one is spent; the exhausted run must have spent all of it.
    let result = |i: usize, step: &mut Step| {
        if i == 1 {
            step.c = 0;
        }
    };
    let row = |i: usize, due: &mut u8| *due = u8::from(i == 1);
    let lie = |fuel: u64| {
        let next = move |i: usize, state: &mut State| {
            if i == 1 {
                state.fuel = fuel;
            }
        };
        let lies = Lies {
            row: Some(&row),
            result: Some(&result),
            next: Some(&next),
            ..Lies::default()
        };
        Claim::lie(&cheap(), &NO_TAPES, lies)
    };
    // A budget of 1 is exhausted: the step costs 1 more.
    accepted(&lie(1));
    refused_by(&lie(10), &["STEP/fuel-next"]);
    let mut claim = lie(10);
    *claim.cell("STEP", 1, "gap_lo[0]") = 9;
    refused_by(&claim, &["STEP/spent"]);
    // What is missing said to be negative, or to be in another limb.
    *claim.cell("STEP", 1, "c[0]") = super::claim::M61 - 9;
    refused_by(&claim, &["STEP/Range16"]);
    *claim.cell("STEP", 1, "c[0]") = 0;
    *claim.cell("STEP", 1, "c[1]") = 1;
    refused_by(&claim, &["STEP/spent"]);
    let mut claim = lie(1);
    *claim.cell("STEP", 1, "c[1]") = 1;
    refused_by(&claim, &["STEP/spent"]);
}

#[test]
fn refuses_a_stack_said_to_be_exhausted_that_is_not() {
    let call = Instr {
        imm: 1 | 3 << 32,
        target: 1,
        ic: 3,
        flags: flag::COPY | flag::WC | flag::JMP | flag::CALL | flag::ROOM,
        ..Instr::default()
    };
    let mut lie = program([call]);
    // The alternatives are: the fuel, the stack.
    refused_by(&insists(&lie, 10, 0, 2), &["STEP/empty"]);
    lie.room = 0;
    accepted(&insists(&lie, 10, 0, 2));
    refused_by(&insists(&lie, 10, 0, 0), &["STEP/room-next"]);
}

#[test]
fn refuses_an_end_of_another_kind() {
    // A run that exhausts its stack, passed off as one that traps otherwise, returns, exits or runs out of fuel.
    let call = Instr {
        imm: 1 | 3 << 32,
        target: 1,
        ic: 3,
        flags: flag::COPY | flag::WC | flag::JMP | flag::CALL | flag::ROOM,
        ..Instr::default()
    };
    let mut lie = program([call]);
    lie.room = 0;
    let honest = insists(&lie, 10, 0, 2);
    let halts = lie.halts;
    let ends = halts
        .traps
        .into_iter()
        .chain([halts.returned, halts.exited, halts.out_of_fuel]);
    for end in ends.map(u64::from).filter(|end| *end != honest.public.last[0]) {
        let mut claim = honest.clone();
        claim.public.last[0] = end;
        refused_by(&claim, &["STEP/pc-last"]);
        for row in 1..claim.rows("STEP") {
            *claim.cell("STEP", row, "pc") = end;
        }
        refused_by(&claim, &["STEP/pc-next"]);
        let target = claim.cell("STEP", 0, "target_lo");
        *target = end;
        refused_by(&claim, &["STEP/Program"]);
    }
}
