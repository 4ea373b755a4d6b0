//! Forged control flow, ends and padding.

use nonos_machine::isa::op;

use super::liar::State;
use super::*;

/// A function at 4 that returns what it gets plus 1, called with 5.
fn calls() -> Program {
    let call = Instr {
        imm: 2 | 3 << 32,
        target: 6,
        ic: 3,
        flags: flag::COPY | flag::WC | flag::JMP | flag::CALL | flag::ROOM,
        ..halt()
    };
    let [tape, write] = give(4);
    let plus = Instr {
        flags: flag::ADD | flag::RA | flag::WC,
        ia: 1,
        ic: 1,
        imm: 1,
        ..Instr::default()
    };
    let back = Instr {
        flags: flag::RET | flag::RA | flag::IND | flag::COPY,
        ..Instr::default()
    };
    let mut lie = program([set(4, 5), call, tape, write, jump(8), jump(8), plus, back]);
    assert_eq!(lie.halts.returned, 8);
    lie.room = 1;
    lie
}

#[test]
fn refuses_a_forged_return() {
    // #2: to another instruction, to another frame; by the instruction, by the link word.
    let lie = calls();
    accepted(&Claim::lie(&lie, &NO_TAPES, Lies::default()));
    let steps = run(&lie, &NO_TAPES, Lies::default()).steps.len();
    assert_eq!(steps, 8);
    for forged in [4 | 3 << 32, 8 | 3 << 32, 2 | 2 << 32] {
        let result = move |i: usize, step: &mut Step| {
            if i == 3 {
                step.a = forged;
            }
        };
        let lies = Lies {
            result: Some(&result),
            ..Lies::default()
        };
        refused_by(&Claim::lie(&lie, &NO_TAPES, lies), &["Memory"]);
    }
    let next = |change: fn(&mut State)| {
        let next = move |i: usize, state: &mut State| {
            if i == 3 {
                change(state);
            }
        };
        Claim::lie(
            &lie,
            &NO_TAPES,
            Lies {
                next: Some(&next),
                ..Lies::default()
            },
        )
        .verdict()
    };
    let only = |rule: &str| BTreeSet::from([rule.to_owned()]);
    assert_eq!(next(|state| state.pc = 4), only("STEP/pc-next"));
    assert_eq!(next(|state| state.fp = 1), only("STEP/fp-next"));
    assert_eq!(next(|state| state.room += 1), only("STEP/room-next"));
}

#[test]
fn refuses_more_open_calls_than_allowed() {
    let mut lie = calls();
    lie.room = 0;
    let mut claim = Claim::lie(&lie, &NO_TAPES, Lies::default());
    // −1 room as a 16-bit number, as what it is, and a start with 1.
    refused_by(&claim, &["STEP/room-next"]);
    let rooms = |claim: &mut Claim, map: &dyn Fn(u64) -> u64| {
        for row in 0..claim.rows("STEP") {
            let room = claim.cell("STEP", row, "room");
            *room = map(*room);
        }
    };
    let mut below = claim.clone();
    rooms(&mut below, &|room| {
        if room == 0xffff {
            super::claim::M61 - 1
        } else {
            room
        }
    });
    refused_by(&below, &["STEP/Range16"]);
    rooms(&mut claim, &|room| (room + 1) & 0xffff);
    refused_by(&claim, &["STEP/room-first"]);
}

#[test]
fn refuses_a_branch_not_taken_taken_past_and_a_trap_passed() {
    // #37: the comparison says no and the branch goes, or the reverse; an instruction left out, made twice.
    let compare = |op: u16| Instr {
        flags: flag::ALU | flag::BR | flag::RA,
        op,
        ia: 1,
        target: 4,
        ..Instr::default()
    };
    for (op, wrong) in [(op::CMP | op::CMP_EQ, 4), (op::CMP | op::CMP_EQ | op::CMP_NEG, 2)] {
        let lie = program(
            [set(1, 5), compare(op), set(2, 1), set(2, 2), copy(3, 2)]
                .into_iter()
                .chain(give(3)),
        );
        accepted(&Claim::lie(&lie, &NO_TAPES, Lies::default()));
        let next = |i: usize, state: &mut State| {
            if i == 1 {
                state.pc = wrong;
            }
        };
        let lies = Lies {
            next: Some(&next),
            ..Lies::default()
        };
        refused_by(&Claim::lie(&lie, &NO_TAPES, lies), &["STEP/pc-next"]);
        let honest = run(&lie, &NO_TAPES, Lies::default()).steps[1].c;
        refused_by(&forged_result(&lie, 1, honest ^ 1), &["CMP/result"]);
    }
    let lie = program([set(1, 5), set(1, 6), set(2, 1)].into_iter().chain(give(1)));
    for (at, to) in [(0, 2), (1, 1)] {
        let next = |i: usize, state: &mut State| {
            if i == at {
                state.pc = to;
            }
        };
        let lies = Lies {
            next: Some(&next),
            ..Lies::default()
        };
        refused_by(&Claim::lie(&lie, &NO_TAPES, lies), &["STEP/pc-next"]);
    }
    // Starting past the first instruction.
    let mut claim = Claim::lie(&lie, &NO_TAPES, Lies::default());
    claim.take("STEP", 0);
    assert!(claim.verdict().contains("STEP/pc-first"));
}

#[test]
fn refuses_to_end_elsewhere_or_go_on_after_the_end() {
    // #20, #36: two ends; the run reaches the first one and claims, or goes on to, the second.
    let mut lie = program([set(1, 5), halt(), set(1, 6)].into_iter().chain(give(1)));
    (lie.code[1].cost, lie.halts.exited) = (0, 1);
    let mut claim = Claim::lie(&lie, &NO_TAPES, Lies::default());
    accepted(&claim);
    claim.public.last[0] = u64::from(lie.halts.returned);
    refused_by(&claim, &["STEP/pc-last"]);
    // Said not to be an end at all; then nothing fits it any more.
    *claim.cell("STEP", 1, "flags[13]") = 0;
    assert!(
        claim
            .verdict()
            .is_superset(&BTreeSet::from(["STEP/halt-last".into(), "STEP/Program".into()]))
    );
    // A register read while the run stands still.
    let mut claim = Claim::lie(&lie, &NO_TAPES, Lies::default());
    let end = claim.take("STEP", 1);
    claim.insert("STEP", 1, end.clone());
    claim.insert("STEP", 2, end);
    *claim.cell("STEP", 2, "clk") = 3;
    accepted(&claim);
    *claim.cell("STEP", 2, "flags[0]") = 1;
    assert!(claim.verdict().contains("STEP/Program"));
}
