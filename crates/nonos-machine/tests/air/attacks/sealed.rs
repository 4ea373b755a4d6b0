//! Positions, writes behind a cut word, and calls on tapes that are sealed.

use nonos_machine::air::Bus;

use super::*;

const READ: u16 = ext::HOST | ext::HOST_READ;
const WRITE: u16 = ext::HOST | ext::HOST_WRITE;
const COMMIT: u16 = ext::HOST | ext::HOST_COMMIT;
const LEN: u16 = ext::HOST | ext::HOST_LEN;
const POS: u16 = ext::HOST | ext::HOST_POS;

/// The second alternative of a write, behind that of the fuel: its last word is cut.
const STUCK: u8 = 2;

#[test]
fn refuses_another_position() {
    let write = [set(1, 3), set(2, 5), state(WRITE, 1, 2, 0)];
    let lie = program(write.into_iter().chain([state(POS, 1, 3, 0)]).chain(give(3)));
    accepted(&Claim::lie(&lie, &NO_TAPES, Lies::default()));
    for wrong in [0, 2, 1 << 16 | 1, 1 << 32 | 1, 1 << 48 | 1] {
        let value = move |i: usize, step: &mut Step| {
            if i == 3 {
                step.c = wrong;
            }
        };
        let lies = Lies {
            result: Some(&value),
            ..Lies::default()
        };
        refused_by(&Claim::lie(&lie, &NO_TAPES, lies), &["HOST/position"]);
    }
    // Of an input.
    let lie = program([set(1, 0), state(POS, 1, 3, 0)].into_iter().chain(give(3)));
    let mut claim = Claim::lie(&lie, &NO_TAPES, Lies::default());
    refused_by(&claim, &["HOST/output"]);
    *claim.cell("HOST", 0, "out") = super::claim::M61 - 3;
    refused_by(&claim, &["HOST/Range8"]);
}

#[test]
fn refuses_a_write_said_to_be_stuck_that_is_not() {
    let stuck = |program: &Program, at: usize| {
        let row = move |i: usize, row: &mut u8| {
            if i == at {
                *row = STUCK;
            }
        };
        let lies = Lies {
            row: Some(&row),
            ..Lies::default()
        };
        Claim::lie(program, &NO_TAPES, lies)
    };
    let code = |length: u64| {
        let write = [set(1, 3), set(2, 5), state(WRITE, 1, 2, 0), set(3, length)];
        let again = [state(COMMIT, 1, 3, 0), state(WRITE, 1, 2, 0)];
        program(write.into_iter().chain(again))
    };
    accepted(&stuck(&code(6), 5));
    let mut claim = stuck(&code(8), 5);
    refused_by(&claim, &["HOST/stuck"]);
    let last = claim.first_row("HOST", "kind[4]", 1);
    *claim.cell("HOST", last, "out") = super::claim::M61 - 1;
    refused_by(&claim, &["HOST/Range8"]);
    // And the other way round, a write that is stuck and made.
    refused_by(
        &Claim::lie(&code(6), &NO_TAPES, Lies::default()),
        &["HOST/pad-kept"],
    );
}

/// The call made as the sealed one of its kind.
fn seal(claim: &mut Claim, row: usize, kind: usize) {
    *claim.cell("HOST", row, &format!("kind[{kind}]")) = 0;
    *claim.cell("HOST", row, &format!("kind[{}]", kind + 6)) = 1;
}

#[test]
fn gives_the_words_of_sealed_tapes_to_who_receives_them() {
    let mut tapes = NO_TAPES;
    tapes[1] = TapeWords::from_bytes(b"thirteen byte");
    let word = tapes[1].words[0];
    let limbs = |word: u64| (0..4).map(move |i| word >> (16 * i) & 0xffff);
    let message = |head: [u64; 4], word: u64| -> (Bus, Vec<u64>) {
        (Bus::Sealed, head.into_iter().chain(limbs(word)).collect())
    };
    let calls = [
        set(1, 1),
        state(LEN, 1, 2, 0),
        state(READ, 1, 2, 0),
        state(READ, 1, 2, 0),
        state(READ, 1, 2, 0),
        set(1, 3),
        state(WRITE, 1, 2, 0),
    ];
    let lie = program(calls);
    let mut claim = Claim::lie(&lie, &tapes, Lies::default());
    accepted(&claim);
    // Nobody receives it.
    for (row, kind) in [(0, 0), (1, 1), (2, 1), (3, 1), (4, 2)] {
        let mut alone = claim.clone();
        seal(&mut alone, row, kind);
        let expected: &[&str] = if row == 4 {
            &["Output", "Sealed"]
        } else {
            &["Sealed"]
        };
        refused_by(&alone, expected);
        seal(&mut claim, row, kind);
    }
    let is_sealed = |(bus, row): &(Bus, Vec<u64>)| match bus {
        Bus::Tape => row[1] == 1,
        Bus::Output => row[0] == 3,
        _ => false,
    };
    claim.public.lookups.retain(|row| !is_sealed(row));
    claim.public.received.retain(|row| !is_sealed(row));
    let honest = [
        message([0, 1, 0, 0], 13),
        message([1, 1, 0, 0], word),
        message([1, 1, 1, 0], tapes[1].words[1]),
        message([1, 1, 2, 1], 0),
        message([2, 3, 0, 0], 0),
    ];
    claim.public.received.extend(honest.clone());
    accepted(&claim);
    // Each of them with another kind, tape, position, end or word.
    for i in 0..honest.len() {
        for part in 0..8 {
            let mut other = claim.clone();
            let last = other.public.received.len() - honest.len() + i;
            other.public.received[last].1[part] ^= 1;
            refused_by(&other, &["Sealed"]);
        }
    }
    // A sealed call on the open tape of the same run.
    let mut open = Claim::lie(&lie, &tapes, Lies::default());
    seal(&mut open, 1, 1);
    open.public.received.push(message([1, 0, 0, 0], word));
    refused_by(&open, &["Sealed"]);
}
