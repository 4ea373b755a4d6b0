//! Forged tapes and globals.

use nonos_machine::trace::Access;

use super::claim::KOALA_BEAR;
use super::*;

const READ: u16 = ext::HOST | ext::HOST_READ;
const WRITE: u16 = ext::HOST | ext::HOST_WRITE;
const COMMIT: u16 = ext::HOST | ext::HOST_COMMIT;
const LEN: u16 = ext::HOST | ext::HOST_LEN;

/// Two words, 13 bytes.
fn tapes() -> [TapeWords; 4] {
    let mut tapes = NO_TAPES;
    tapes[0] = TapeWords::from_bytes(b"thirteen byte");
    tapes
}

fn lie_on(program: &Program, lies: Lies<'_>) -> Claim {
    accepted(&Claim::lie(program, &tapes(), Lies::default()));
    Claim::lie(program, &tapes(), lies)
}

fn forged(program: &Program, at: usize, result: u64, old_new: Option<[u64; 2]>) -> Claim {
    let value = move |i: usize, step: &mut Step| {
        if i == at {
            step.c = result;
        }
    };
    let access = move |i: usize, accesses: &mut Vec<Access>| {
        if let (true, Some([old, new])) = (i == at, old_new) {
            (accesses[0].old, accesses[0].new) = (old, new);
        }
    };
    lie_on(
        program,
        Lies {
            result: Some(&value),
            access: Some(&access),
            ..Lies::default()
        },
    )
}

#[test]
fn refuses_another_word_length_or_end_of_an_input() {
    let tapes = tapes();
    let [first, second] = tapes[0].words[..] else {
        panic!("two words")
    };
    let reads = [
        state(READ, 0, 1, 0),
        state(READ, 0, 2, 0),
        state(READ, 0, 3, 0),
        sum(flag::ADD, 1, 1, 2),
    ];
    let lie = program(reads.into_iter().chain(give(1)));
    // Another word, the next word, the same word again, the end before it is reached.
    refused_by(&forged(&lie, 0, first ^ 1, None), &["HOST/Tape"]);
    refused_by(&forged(&lie, 0, second, None), &["HOST/Tape"]);
    refused_by(&forged(&lie, 1, first, Some([0, 1])), &["Memory"]);
    refused_by(&forged(&lie, 0, 0, Some([0, 0])), &["HOST/Tape"]);
    // Read and not counted, a word skipped, the end passed.
    let mut stays = forged(&lie, 0, first, Some([0, 0]));
    *stays.cell("HOST", 0, "end") = 0;
    // The word read next is the first once more.
    assert!(stays.verdict().contains("HOST/advance"));
    let mut skips = forged(&lie, 0, first, Some([0, 2]));
    refused_by(&skips, &["HOST/advance"]);
    *skips.cell("HOST", 0, "next_lo") = 1;
    refused_by(&skips, &["Memory"]);
    let past = forged(&lie, 2, 0, Some([2, 3]));
    refused_by(&past, &["HOST/Tape"]);
    let lie = program([state(LEN, 0, 1, 0)].into_iter().chain(give(1)));
    for length in [12, 14, 16] {
        refused_by(&forged(&lie, 0, length, None), &["HOST/Tape"]);
    }
    // Length and word confused: the word at 0 of a tape said to be its length.
    refused_by(&forged(&lie, 0, first, None), &["HOST/Tape"]);
}

#[test]
fn refuses_calls_on_the_wrong_tape() {
    // Each is a trap in truth.
    for (call, tape, rules) in [
        (READ, 3, &["HOST/Tape"][..]),
        (LEN, 4, &["HOST/Tape"]),
        (READ, 9, &["HOST/Tape"]),
        (COMMIT, 0, &["HOST/Range8"]),
    ] {
        let lie = program([set(1, tape), state(call, 1, 2, 0)].into_iter().chain(give(3)));
        let mut claim = Claim::lie(&lie, &tapes(), Lies::default());
        if call == COMMIT {
            *claim.cell("HOST", 0, "out") = super::claim::M61 - 3;
        }
        refused_by(&claim, rules);
    }
    let lie = program([set(1, 0), state(COMMIT, 1, 2, 0)].into_iter().chain(give(3)));
    refused_by(&Claim::lie(&lie, &tapes(), Lies::default()), &["HOST/output"]);
    // A write to an input, while the verifier takes nothing from it.
    let lie = program([set(1, 3), state(WRITE, 1, 1, 0)].into_iter().chain(give(3)));
    let mut claim = Claim::lie(&lie, &tapes(), Lies::default());
    claim
        .public
        .received
        .retain(|(bus, row)| *bus != nonos_machine::air::Bus::Output || row[0] != 3);
    refused_by(&claim, &["Output"]);
}

/// 5 is written to the result tape, then `n` committed.
fn commits(n: u64) -> Program {
    program([
        set(1, 3),
        set(2, 5),
        state(WRITE, 1, 2, 0),
        set(3, n),
        state(COMMIT, 1, 3, 0),
    ])
}

#[test]
fn refuses_another_output_than_was_written() {
    let lie = commits(6);
    accepted(&Claim::lie(&lie, &NO_TAPES, Lies::default()));
    // Another word, one that is written and not shown, one that is shown and not written.
    let mut other = forged_result(&lie, 2, 6);
    other.witness = Claim::lie(&lie, &NO_TAPES, Lies::default()).witness;
    refused_by(&other, &["Output"]);
    refused_by(&forged_result(&lie, 2, 6), &["STEP/copy"]);
    let hidden = |new: u64| forged(&lie, 2, 5, Some([0, new]));
    let mut claim = hidden(0);
    assert!(claim.verdict().contains("HOST/advance"));
    claim = hidden(2);
    assert!(claim.verdict().contains("HOST/advance"));
    // Written twice at one place.
    let twice = program([
        set(1, 3),
        set(2, 5),
        state(WRITE, 1, 2, 0),
        set(2, 6),
        state(WRITE, 1, 2, 0),
    ]);
    refused_by(
        &forged(&twice, 4, 6, Some([0, 1])),
        &["Final", "Memory", "Output"],
    );
}

#[test]
fn refuses_another_committed_length() {
    for (n, pad) in [(8, 0), (1, 7), (3, 5)] {
        let lie = commits(n);
        let honest = Claim::lie(&lie, &NO_TAPES, Lies::default());
        accepted(&honest);
        let wrong = (pad + 1) % 8;
        refused_by(&forged(&lie, 4, n, Some([1, 1 | wrong << 32])), &["HOST/length"]);
    }
    // Lengths that trap: too short by a byte, too long by one, far too long.
    for n in [0, 9, 1 << 32 | 8, 1 << 48 | 8, u64::MAX] {
        let mut claim = Claim::lie(&commits(n), &NO_TAPES, Lies::default());
        *claim.cell("HOST", 1, "high") = (n >> 16 & 0xffff) << 5 & 0xffff;
        refused_by(&claim, &["HOST/length"]);
    }
    // Lengths that are right in a 31-bit field.
    for n in [KOALA_BEAR + 8, 2 * KOALA_BEAR + 3] {
        let access = |i: usize, accesses: &mut Vec<Access>| {
            if i == 4 {
                accesses[0].new = 1 | (8 - n % KOALA_BEAR) << 32;
            }
        };
        let mut claim = Claim::lie(
            &commits(n),
            &NO_TAPES,
            Lies {
                access: Some(&access),
                ..Lies::default()
            },
        );
        assert_eq!(
            claim.verdict_modulo(KOALA_BEAR),
            BTreeSet::from(["HOST/Range16".to_owned()])
        );
        *claim.cell("HOST", 1, "high") = 0;
        assert_eq!(
            claim.verdict_modulo(KOALA_BEAR),
            BTreeSet::from(["HOST/length".to_owned()])
        );
    }
    // A write after it; the cut that it made forgotten by the write.
    let after = |n: u64| {
        let mut lie = commits(n);
        lie.code.splice(5..5, [set(2, 7), state(WRITE, 1, 2, 0)]);
        lie.halts.returned = 7;
        lie
    };
    refused_by(
        &Claim::lie(&after(6), &NO_TAPES, Lies::default()),
        &["HOST/pad-kept"],
    );
    let access = |i: usize, accesses: &mut Vec<Access>| {
        if i == 6 {
            accesses[0].new = 2;
        }
    };
    let lies = Lies {
        access: Some(&access),
        ..Lies::default()
    };
    refused_by(&Claim::lie(&after(6), &NO_TAPES, lies), &["HOST/pad-kept"]);
}

#[test]
fn refuses_one_tape_call_made_as_another() {
    let lie = program([state(READ, 0, 1, 0)].into_iter().chain(give(1)));
    let mut claim = Claim::lie(&lie, &tapes(), Lies::default());
    *claim.cell("HOST", 0, "kind[0]") = 1;
    assert!(claim.verdict().contains("HOST/kind"));
    *claim.cell("HOST", 0, "kind[1]") = 0;
    assert!(claim.verdict().contains("Ext"));
}

#[test]
fn refuses_a_forged_global() {
    let get = |register| state(ext::GLOBAL, 0, register, 1);
    let put = state(ext::GLOBAL | ext::GLOBAL_SET, 0, 1, 1);
    let lie = program(
        [set(1, 5), put, get(2), set(3, 0), get(3)]
            .into_iter()
            .chain(give(3)),
    );
    accepted(&Claim::lie(&lie, &NO_TAPES, Lies::default()));
    // A get that gives another value: without writing it, and writing it.
    refused_by(&forged_result(&lie, 2, 6), &["Ext"]);
    refused_by(&forged(&lie, 2, 6, Some([5, 6])), &["GLOBAL/get"]);
    refused_by(&forged(&lie, 2, 6, Some([6, 6])), &["Memory"]);
    // A set that does not, and of another global.
    refused_by(&forged(&lie, 1, 5, Some([0, 0])), &["Ext"]);
    let access = |i: usize, accesses: &mut Vec<Access>| {
        if i == 1 {
            accesses[0].key += 1;
        }
    };
    let lies = Lies {
        access: Some(&access),
        ..Lies::default()
    };
    let mut claim = Claim::lie(&lie, &NO_TAPES, lies);
    let at = claim.first_row("GLOBAL", "set", 1);
    *claim.cell("GLOBAL", at, "f_lo") = 2;
    refused_by(&claim, &["Ext"]);
}

#[test]
fn refuses_another_position_and_a_cut_that_is_none() {
    let write = state(WRITE, 1, 2, 0);
    let lie = program(
        [
            set(1, 3),
            set(2, 5),
            write,
            state(ext::HOST | ext::HOST_POS, 1, 4, 0),
        ]
        .into_iter()
        .chain(give(4)),
    );
    for wrong in [0, 2, 1 << 16 | 1, 1 << 32 | 1, 1 << 48 | 1] {
        refused_by(&forged_result(&lie, 3, wrong), &["HOST/position"]);
    }
    // The trap of a write behind a cut word, where none is cut: the second alternative, after the fuel's.
    let stuck = |i: usize, row: &mut u8| *row = if i == 2 { 2 } else { 0 };
    let lies = Lies {
        row: Some(&stuck),
        ..Lies::default()
    };
    let mut claim = Claim::lie(&program([set(1, 3), set(2, 5), write]), &NO_TAPES, lies);
    refused_by(&claim, &["HOST/stuck"]);
    *claim.cell("HOST", 0, "out") = super::claim::M61 - 1;
    refused_by(&claim, &["HOST/Range8"]);
}
