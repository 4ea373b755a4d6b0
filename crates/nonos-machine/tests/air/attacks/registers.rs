//! Forged registers, initial values, time and fuel.

use nonos_machine::air::Bus;
use nonos_machine::isa::Space;

use super::claim::KOALA_BEAR;
use super::liar::State;
use super::values::with_result;
use super::*;

#[test]
fn refuses_another_operand_than_the_program_names() {
    let lie = with_result([set(1, 5), copy(2, 1)], 2);
    // A copy that changes the value, an immediate that is another.
    refused_by(&forged_result(&lie, 1, 6), &["STEP/copy"]);
    let b = |i: usize, step: &mut Step| {
        if i == 0 {
            (step.b, step.c) = (6, 6);
        }
    };
    let mut claim = Claim::lie(
        &lie,
        &NO_TAPES,
        Lies {
            result: Some(&b),
            ..Lies::default()
        },
    );
    refused_by(&claim, &["STEP/b-imm"]);
    *claim.cell("STEP", 0, "imm[0]") = 6;
    refused_by(&claim, &["STEP/Program"]);
    // An operand that no register gives.
    let code = Instr {
        flags: flag::ADD | flag::WC,
        ic: 1,
        imm: 5,
        ..Instr::default()
    };
    let lie = with_result([code], 1);
    let a = |i: usize, step: &mut Step| {
        if i == 0 {
            (step.a, step.c) = (1, 6);
        }
    };
    refused_by(
        &Claim::lie(
            &lie,
            &NO_TAPES,
            Lies {
                result: Some(&a),
                ..Lies::default()
            },
        ),
        &["STEP/a-unread"],
    );
}

#[test]
fn refuses_another_operation_than_the_programs() {
    // #37: an honest sum, where the program says difference.
    let (says, does) = (
        with_result([set(1, 5), set(2, 3), sum(flag::SUB, 3, 1, 2)], 3),
        with_result([set(1, 5), set(2, 3), sum(flag::ADD, 3, 1, 2)], 3),
    );
    let mut claim = Claim::lie(&does, &NO_TAPES, Lies::default());
    claim.public.lookups = Claim::lie(&says, &NO_TAPES, Lies::default()).public.lookups;
    refused_by(&claim, &["STEP/Program"]);
    // A result written to another register.
    let does = with_result([set(1, 5), set(2, 3), sum(flag::SUB, 4, 1, 2)], 3);
    let mut claim = Claim::lie(&does, &NO_TAPES, Lies::default());
    claim.public.lookups = Claim::lie(&says, &NO_TAPES, Lies::default()).public.lookups;
    refused_by(&claim, &["STEP/Program"]);
}

#[test]
fn refuses_two_values_of_one_register_in_one_step() {
    // #6: both operands are the same register, the second one read as something else.
    let lie = with_result([set(1, 5), sum(flag::ADD, 2, 1, 1)], 2);
    let read = |i: usize, slot: usize, seen: &mut (u64, u32)| {
        if (i, slot) == (1, 1) {
            seen.0 = 6;
        }
    };
    refused_by(
        &Claim::lie(
            &lie,
            &NO_TAPES,
            Lies {
                read: Some(&read),
                ..Lies::default()
            },
        ),
        &["Memory"],
    );
    // An operand that is also the destination, read after the write.
    let lie = with_result([set(1, 5), sum(flag::ADD, 1, 1, 1)], 1);
    let read = |i: usize, slot: usize, seen: &mut (u64, u32)| {
        if (i, slot) == (1, 0) {
            seen.0 = 7;
        }
    };
    refused_by(
        &Claim::lie(
            &lie,
            &NO_TAPES,
            Lies {
                read: Some(&read),
                ..Lies::default()
            },
        ),
        &["Memory"],
    );
}

#[test]
fn refuses_a_stale_read() {
    let lie = with_result([set(1, 5), set(1, 7), copy(2, 1)], 2);
    accepted(&Claim::lie(&lie, &NO_TAPES, Lies::default()));
    // What the first write sent was received by the second already.
    let first = 4 + 3;
    for seen_then in [(5, first), (0, 0), (5, 2 * 4 + 3)] {
        let read = |i: usize, slot: usize, seen: &mut (u64, u32)| {
            if (i, slot) == (2, 1) {
                *seen = seen_then;
            }
        };
        refused_by(
            &Claim::lie(
                &lie,
                &NO_TAPES,
                Lies {
                    read: Some(&read),
                    ..Lies::default()
                },
            ),
            &["Memory"],
        );
    }
}

#[test]
fn refuses_a_read_of_what_is_written_later() {
    // #17: the chain of accesses balances, but one goes back in time.
    let lie = with_result([set(1, 5), copy(2, 1), set(1, 7)], 2);
    let read = |i: usize, slot: usize, seen: &mut (u64, u32)| {
        if (i, slot) == (1, 1) {
            seen.0 = 7;
        }
    };
    let mut claim = Claim::lie(
        &lie,
        &NO_TAPES,
        Lies {
            read: Some(&read),
            ..Lies::default()
        },
    );
    let (read_stamp, write_stamp, first_stamp) = (2 * 4 + 1, 3 * 4 + 3, 4 + 3u64);
    claim.split(
        "STEP",
        2,
        ["gap_lo[2]", "gap_hi[2]"],
        write_stamp - 1 - first_stamp,
    );
    *claim.cell("STEP", 1, "gap_lo[1]") = super::claim::M61 + read_stamp - 1 - write_stamp;
    let row = claim.first_row("CELLS", "key_lo", 1);
    *claim.cell("CELLS", row, "stamp_lo") = read_stamp;
    refused_by(&claim, &["STEP/Range16"]);
    // The step itself back in time.
    *claim.cell("STEP", 1, "gap_lo[1]") = 0;
    *claim.cell("STEP", 1, "clk") = 4;
    let against = claim.verdict();
    assert!(against.contains("STEP/clk-next"), "{against:?}");
}

#[test]
fn refuses_a_second_initial_value_of_a_register() {
    // #15, #16: the register is written, and read as if it had not been.
    let lie = with_result([set(1, 5), copy(2, 1)], 2);
    let read = |i: usize, slot: usize, seen: &mut (u64, u32)| {
        if (i, slot) == (1, 1) {
            *seen = (0, 0);
        }
    };
    let mut claim = Claim::lie(
        &lie,
        &NO_TAPES,
        Lies {
            read: Some(&read),
            ..Lies::default()
        },
    );
    let row = claim.first_row("CELLS", "key_lo", 1);
    let mut second = claim.take("CELLS", row);
    claim.insert("CELLS", row, second.clone());
    *claim.cell("CELLS", row, "stamp_lo") = 4 + 3;
    *claim.cell("CELLS", row, "gap_lo") = 0;
    claim.insert("CELLS", row + 1, std::mem::take(&mut second));
    *claim.cell("CELLS", row + 1, "last[0]") = 0;
    *claim.cell("CELLS", row + 1, "stamp_lo") = 2 * 4 + 1;
    refused_by(&claim, &["CELLS/order"]);
    // The second one out of reach of the order, behind an empty row.
    let second = claim.take("CELLS", row + 1);
    let end = claim.rows("CELLS");
    let width = second.len();
    claim.insert("CELLS", end, vec![0; width]);
    claim.insert("CELLS", end + 1, second);
    refused_by(&claim, &["CELLS/prefix"]);
    // Keys or gaps wide enough to come round.
    let mut claim = Claim::lie(&lie, &NO_TAPES, Lies::default());
    *claim.cell("CELLS", 0, "gap_hi") = 1 << 13;
    *claim.cell("CELLS", 0, "gap13") = 8 << 13;
    assert!(claim.verdict().contains("CELLS/Range16"));
    *claim.cell("CELLS", 0, "gap13") = 0;
    assert!(claim.verdict().contains("CELLS/gap13"));
    *claim.cell("CELLS", 0, "key_hi") = 1 << 13;
    assert!(claim.verdict().contains("CELLS/key13"));
}

#[test]
fn refuses_a_second_initial_value_reached_around_a_31_bit_field() {
    let lie = program([set(1, 5), copy(2, 1)].into_iter().chain(give(2)));
    let read = |i: usize, slot: usize, seen: &mut (u64, u32)| {
        if (i, slot) == (1, 1) {
            *seen = (0, 0);
        }
    };
    let mut claim = Claim::lie(
        &lie,
        &NO_TAPES,
        Lies {
            read: Some(&read),
            ..Lies::default()
        },
    );
    let row = claim.first_row("CELLS", "key_lo", 1);
    let mut second = claim.take("CELLS", row);
    claim.insert("CELLS", row, second.clone());
    *claim.cell("CELLS", row, "stamp_lo") = 4 + 3;
    let c = |claim: &Claim, name: &str| {
        claim.system.tables[claim.table("CELLS")]
            .columns
            .iter()
            .position(|c| c.name == name)
            .expect("a column")
    };
    second[c(&claim, "last[0]")] = 0;
    second[c(&claim, "stamp_lo")] = 2 * 4 + 1;
    // After the last cell, an untouched one at the greatest key, and from there around the field.
    let top = (1u64 << 30) - 1;
    let end = claim.rows("CELLS");
    let last = *claim.cell("CELLS", end - 1, "key_lo") | *claim.cell("CELLS", end - 1, "key_hi") << 16;
    let gap = |claim: &mut Claim, row: usize, gap: u64| {
        claim.split("CELLS", row, ["gap_lo", "gap_hi"], gap);
        *claim.cell("CELLS", row, "gap13") = gap >> 16 << 3;
    };
    gap(&mut claim, end - 1, top - last - 1);
    claim.insert("CELLS", end, vec![0; second.len()]);
    for (column, value) in [
        ("real", 1),
        ("key_lo", top & 0xffff),
        ("key_hi", top >> 16),
        ("key13", top >> 16 << 3),
    ] {
        *claim.cell("CELLS", end, column) = value;
    }
    gap(&mut claim, end, KOALA_BEAR + 1 - top - 1);
    claim.insert("CELLS", end + 1, second);
    assert_eq!(
        claim.verdict_modulo(KOALA_BEAR),
        BTreeSet::from(["CELLS/Range16".to_owned()])
    );
}

#[test]
fn refuses_initial_values_that_the_program_does_not_set() {
    // #39: of a word the program sets to `truth`, the run uses `used`.
    let key = Space::Global.key(2);
    let claim = |truth: u64, used: u64| {
        let mut lie = program([state(ext::GLOBAL, 0, 1, 2)].into_iter().chain(give(1)));
        lie.data = if used == 0 { vec![] } else { vec![(key, used)] };
        let mut claim = Claim::lie(&lie, &NO_TAPES, Lies::default());
        accepted(&claim);
        claim.public.received.retain(|(bus, _)| *bus != Bus::Data);
        if truth > 0 {
            claim
                .public
                .received
                .push((Bus::Data, vec![u64::from(key), truth, 0, 0, 0]));
        }
        claim
    };
    accepted(&claim(77, 77));
    refused_by(&claim(77, 0), &["Data"]);
    refused_by(&claim(77, 78), &["Data"]);
    refused_by(&claim(0, 77), &["Data"]);
    let mut unmarked = claim(0, 77);
    let row = unmarked.first_row("CELLS", "data", 1);
    *unmarked.cell("CELLS", row, "data") = 0;
    refused_by(&unmarked, &["CELLS/zero-init"]);
    // Two cells for one word: the one used is zero.
    let mut twice = claim(77, 0);
    let row = twice.first_row("CELLS", "key_hi", u64::from(key >> 16));
    let mut second = twice.take("CELLS", row);
    twice.insert("CELLS", row, second.clone());
    for (column, value) in [
        ("data", 1),
        ("init[0]", 77),
        ("last[0]", 77),
        ("stamp_lo", 0),
        ("gap_lo", 0),
    ] {
        *twice.cell("CELLS", row, column) = value;
    }
    twice.insert("CELLS", row + 1, std::mem::take(&mut second));
    refused_by(&twice, &["CELLS/order"]);
    // A mark without a cell.
    let mut mark = claim(77, 0);
    let end = mark.rows("CELLS");
    let mut row = vec![0; mark.take("CELLS", end - 1).len()];
    mark = claim(77, 0);
    row[1] = 1;
    mark.insert("CELLS", end, row);
    for (column, value) in [
        ("key_lo", u64::from(key & 0xffff)),
        ("key_hi", u64::from(key >> 16)),
        ("key13", u64::from(key >> 16 << 3)),
        ("init[0]", 77),
    ] {
        *mark.cell("CELLS", end, column) = value;
    }
    refused_by(&mark, &["CELLS/marks"]);
}

#[test]
fn refuses_a_clock_fuel_or_frame_that_starts_elsewhere() {
    // #13, #17, #18: the whole chain moved, every bus with it.
    let lie = with_result([set(1, 5), state(ext::GROW, 1, 2, 9), copy(3, 2)], 3);
    let honest = Claim::lie(&lie, &NO_TAPES, Lies::default());
    let moved = |by: u64| {
        let mut claim = honest.clone();
        for row in 0..claim.rows("STEP") {
            let clk = *claim.cell("STEP", row, "clk");
            for (n, slot) in [0, 1, 3].into_iter().enumerate() {
                let names = [format!("gap_lo[{n}]"), format!("gap_hi[{n}]")];
                let gap = *claim.cell("STEP", row, &names[0]) | *claim.cell("STEP", row, &names[1]) << 16;
                if gap == 4 * clk + slot - 1 {
                    claim.split("STEP", row, [&names[0], &names[1]], gap + 4 * by);
                }
            }
            *claim.cell("STEP", row, "clk") += by;
        }
        for table in ["GROW", "HOST"] {
            let clk = *claim.cell(table, 0, "clk_lo");
            claim.split(table, 0, ["clk_lo", "clk_hi"], clk + by);
        }
        let gap = *claim.cell("HOST", 0, "gap_lo");
        claim.split("HOST", 0, ["gap_lo", "gap_hi"], gap + 4 * by);
        for row in 0..claim.rows("CELLS") {
            let stamp = *claim.cell("CELLS", row, "stamp_lo");
            if stamp > 0 {
                claim.split("CELLS", row, ["stamp_lo", "stamp_hi"], stamp + 4 * by);
            }
        }
        claim
    };
    accepted(&moved(0));
    refused_by(&moved(1), &["STEP/clk-first"]);
    // That is also how the last steps of the longest run look: no range stands against them.
    let last = nonos_machine::tables::MAX_ROWS as u64 - honest.witness.tables[0].len() as u64;
    refused_by(&moved(last), &["STEP/clk-first"]);
    let mut claim = honest.clone();
    for row in 0..claim.rows("STEP") {
        *claim.cell("STEP", row, "fuel") += 10;
    }
    claim.public.last[1] += 10;
    refused_by(&claim, &["STEP/fuel-first"]);
    let mut claim = honest.clone();
    for row in 0..claim.rows("STEP") {
        *claim.cell("STEP", row, "fp") += 100;
    }
    for row in 0..claim.rows("CELLS") {
        if *claim.cell("CELLS", row, "key_hi") == 0 {
            *claim.cell("CELLS", row, "key_lo") += 100;
        }
    }
    let registers = (0..claim.rows("CELLS"))
        .filter(|row| *claim.cell("CELLS", *row, "key_hi") == 0)
        .count();
    *claim.cell("CELLS", registers - 1, "gap_lo") -= 100;
    refused_by(&claim, &["STEP/fp-first"]);
}

#[test]
fn refuses_fuel_that_is_not_paid() {
    // #43.
    let lie = with_result([set(1, 5), copy(2, 1)], 2);
    let next = |i: usize, state: &mut State| {
        if i == 1 {
            state.fuel -= 1;
        }
    };
    let claim = Claim::lie(
        &lie,
        &NO_TAPES,
        Lies {
            next: Some(&next),
            ..Lies::default()
        },
    );
    let mut cheap = claim.clone();
    refused_by(&claim, &["STEP/fuel-next"]);
    *cheap.cell("STEP", 1, "cost") = 0;
    refused_by(&cheap, &["STEP/Program"]);
}

#[test]
fn refuses_other_fuel_or_memory_than_the_run_had() {
    // #35: what the verifier is told, against what the first and last rows say.
    let honest = Claim::lie(
        &with_result([set(1, 5), state(ext::GROW, 1, 2, 9)], 2),
        &NO_TAPES,
        Lies::default(),
    );
    accepted(&honest);
    for by in [1, u64::MAX, 1 << 16, 1 << 31] {
        let mut claim = honest.clone();
        claim.public.last[1] = claim.public.last[1].wrapping_add(by);
        refused_by(&claim, &["STEP/fuel-last"]);
        let mut claim = honest.clone();
        claim.public.last[2] = claim.public.last[2].wrapping_add(by);
        refused_by(&claim, &["STEP/pages-last"]);
        let mut claim = honest.clone();
        claim.public.first[1] = claim.public.first[1].wrapping_add(by);
        refused_by(&claim, &["STEP/pages-first"]);
    }
}

#[test]
fn refuses_fuel_that_comes_round_a_31_bit_field() {
    let mut claim = Claim::lie(&with_result([set(1, 5)], 1), &NO_TAPES, Lies::default());
    claim.public.last[1] += KOALA_BEAR;
    let fits = claim.public.last[1] >> claim.system.public_bits.1[1] == 0;
    assert!(!fits, "verifiers refuse values wider than declared");
    assert_eq!(
        claim.verdict_modulo(KOALA_BEAR),
        BTreeSet::new(),
        "they must, for the field does not"
    );
}
