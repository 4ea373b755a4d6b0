//! Forged memory and growth.

use nonos_machine::isa::Space;
use nonos_machine::trace::Access;

use super::liar::State;
use super::*;

const WIDTHS: [(u16, u64); 4] = [
    (ext::MEM_W1, 1),
    (ext::MEM_W2, 2),
    (ext::MEM_W4, 4),
    (ext::MEM_W8, 8),
];

/// A word stored at 0 and 8, then one load with the address in register 1.
fn load(code: u16, address: u64, offset: u64) -> Program {
    let store = ext::MEM | ext::MEM_STORE | ext::MEM_W8;
    let words = [
        set(2, 0x8182_8384_8586_8788),
        state(store, 8, 2, 0),
        state(store, 8, 2, 8),
        set(1, address),
        state(ext::MEM | code, 1, 3, offset),
    ];
    program(words.into_iter().chain(give(3)))
}

const LOAD: usize = 4;

#[test]
fn refuses_another_value_of_every_load() {
    // #1: every width, offset and sign; every byte of the result.
    for (width_code, width) in WIDTHS {
        for at in 0..8 {
            let signs: &[u16] = match width {
                8 => &[0],
                4 => &[0, ext::MEM_SIGNED | ext::MEM_RES64],
                _ => &[0, ext::MEM_SIGNED, ext::MEM_SIGNED | ext::MEM_RES64],
            };
            for sign in signs {
                let lie = load(width_code | sign, at, 0);
                let trace = run(&lie, &NO_TAPES, Lies::default());
                for byte in 0..8 {
                    let table = if at + width > 8 { "MEMX" } else { "MEM" };
                    let rule = if byte < width { "window" } else { "extend" };
                    let claim = forged_result(&lie, LOAD, trace.steps[LOAD].c ^ 1 << (8 * byte));
                    refused_by(&claim, &[&format!("{table}/{rule}")]);
                }
            }
        }
    }
}

#[test]
fn refuses_a_sign_that_the_loaded_value_does_not_have() {
    let lie = load(ext::MEM_W1 | ext::MEM_SIGNED | ext::MEM_RES64, 0, 0);
    let mut claim = forged_result(&lie, LOAD, 0x88);
    assert_eq!(claim.rows("MEM"), 3);
    *claim.cell("MEM", 2, "fill64") = 0;
    *claim.cell("MEM", 2, "fill") = 0;
    refused_by(&claim, &["MEM/sign"]);
    *claim.cell("MEM", 2, "sign") = 0;
    refused_by(&claim, &["MEM/sign"]);
    *claim.cell("MEM", 2, "top") = 0;
    *claim.cell("MEM", 2, "rest") = 0;
    refused_by(&claim, &["MEM/top"]);
}

#[test]
fn refuses_a_load_from_another_address() {
    // The run reads byte 1 where it should read byte 0; the row says so consistently.
    let (says, does) = (load(ext::MEM_W1, 0, 0), load(ext::MEM_W1, 1, 0));
    let claim = Claim::lie(&does, &NO_TAPES, Lies::default());
    let forged = run(&does, &NO_TAPES, Lies::default()).steps[LOAD].c;
    let mut wrong = forged_result(&says, LOAD, forged);
    let row = claim.clone().take("MEM", 2);
    wrong.take("MEM", 2);
    wrong.insert("MEM", 2, row);
    refused_by(&wrong, &["Ext"]);
    *wrong.cell("MEM", 2, "a[0]") = 0;
    refused_by(&wrong, &["MEM/address"]);
    // Two offsets at once, or none.
    *wrong.cell("MEM", 2, "a[0]") = 1;
    *wrong.cell("MEM", 2, "sel[0]") = 1;
    assert!(wrong.verdict().contains("MEM/one-hot"));
    // A width the program does not name: two bytes where it says one.
    let mut wrong = forged_result(&says, LOAD, 0x8788);
    *wrong.cell("MEM", 2, "width[0]") = 0;
    *wrong.cell("MEM", 2, "width[1]") = 1;
    *wrong.cell("MEM", 2, "top") = 0x87;
    *wrong.cell("MEM", 2, "rest") = 0x0e;
    refused_by(&wrong, &["Ext"]);
}

#[test]
fn refuses_a_crossing_access_in_one_word_and_the_reverse() {
    // #7: the second access is not made.
    let lie = load(ext::MEM_W2, 7, 0);
    let mut claim = Claim::lie(&lie, &NO_TAPES, Lies::default());
    accepted(&claim);
    let crossing = claim.take("MEMX", 0);
    let mut row = claim.witness.tables[claim.table("MEM")].cells.clone();
    row.truncate(claim.witness.tables[claim.table("MEM")].width);
    let (mut back, at) = (claim.clone(), claim.rows("MEM"));
    claim.insert("MEM", at, row);
    let names: Vec<&str> = claim.system.tables[claim.table("MEM")]
        .columns
        .iter()
        .map(|column| column.name)
        .collect();
    let from: Vec<&str> = claim.system.tables[claim.table("MEMX")]
        .columns
        .iter()
        .map(|column| column.name)
        .collect();
    for name in names {
        let place = from
            .iter()
            .position(|other| *other == name)
            .expect("MEMX has the columns of MEM");
        *claim.cell("MEM", at, name) = crossing[place];
    }
    // The chain of the second word, without the access.
    let second = claim.cell_row(Space::Linear.key(1));
    *claim.cell("CELLS", second, "stamp_lo") = 3 * 4 + 2;
    refused_by(&claim, &["MEM/fits"]);
    // An access that does not cross, made as one that does: sends the word after it too.
    back.insert("MEMX", 0, crossing);
    for (column, value) in [("sel[7]", 0), ("sel[6]", 1)] {
        *back.cell("MEMX", 0, column) = value;
    }
    assert!(back.verdict().contains("MEMX/fits"));
}

#[test]
fn refuses_a_store_that_is_skipped_or_spills() {
    let store = ext::MEM | ext::MEM_STORE | ext::MEM_W2;
    let code = [
        set(1, 0x1234),
        state(store, 8, 1, 3),
        state(ext::MEM | ext::MEM_W8, 8, 2, 0),
    ];
    let lie = program(code.into_iter().chain(give(2)));
    accepted(&Claim::lie(&lie, &NO_TAPES, Lies::default()));
    let with = |new: u64| {
        let access = |i: usize, accesses: &mut Vec<Access>| {
            if i == 1 {
                accesses[0].new = new;
            }
        };
        // The load that follows sees it.
        Claim::lie(
            &lie,
            &NO_TAPES,
            Lies {
                access: Some(&access),
                ..Lies::default()
            },
        )
    };
    refused_by(&with(0), &["MEM/window"]);
    refused_by(&with(0x1235 << 24), &["MEM/window"]);
    refused_by(&with(0x1234 << 24 | 1), &["MEM/outside"]);
    refused_by(&with(0x1234 << 24 | 1 << 40), &["MEM/outside"]);
    // A load that writes what it says it read (#38).
    let lie = program(
        [state(ext::MEM | ext::MEM_W1, 8, 1, 0)]
            .into_iter()
            .chain(give(1)),
    );
    let result = |i: usize, step: &mut Step| step.c += u64::from(i == 0);
    let access = |i: usize, accesses: &mut Vec<Access>| {
        if i == 0 {
            accesses[0].new = 1;
        }
    };
    let lies = Lies {
        result: Some(&result),
        access: Some(&access),
        ..Lies::default()
    };
    refused_by(&Claim::lie(&lie, &NO_TAPES, lies), &["MEM/load"]);
    // The access itself left out, or one made that no step asks for.
    let mut claim = Claim::lie(&lie, &NO_TAPES, Lies::default());
    let row = claim.take("MEM", 0);
    let cell = claim.cell_row(Space::Linear.key(0));
    *claim.cell("CELLS", cell, "stamp_lo") = 0;
    refused_by(&claim, &["Ext"]);
    // #14: a second access, of its own time, in a row that would be padding.
    let mut claim = Claim::lie(&lie, &NO_TAPES, Lies::default());
    claim.insert("MEM", 1, row);
    for (column, value) in [
        ("store", 1),
        ("n[0]", 9),
        ("d[0]", 9),
        ("top", 9),
        ("rest", 18),
        ("clk_lo", 2),
    ] {
        *claim.cell("MEM", 1, column) = value;
    }
    *claim.cell("MEM", 1, "gap_lo[0]") = 3;
    *claim.cell("CELLS", cell, "stamp_lo") = 2 * 4 + 2;
    *claim.cell("CELLS", cell, "last[0]") = 9;
    refused_by(&claim, &["Ext"]);
}

#[test]
fn refuses_accesses_out_of_bounds() {
    // Each is the last byte of the memory and beyond; the truth is a trap.
    for (width_code, width, address, table) in [
        (ext::MEM_W1, 1, 0x10000u64, "MEM"),
        (ext::MEM_W8, 8, 0x3ffe_ffff, "MEMX"),
        (ext::MEM_W2, 2, 0xffff, "MEMX"),
        (ext::MEM_W8, 8, 0x10000 - 7, "MEMX"),
    ] {
        let code = [set(1, address), state(ext::MEM | width_code, 1, 2, 0)];
        let mut lie = program(code.into_iter().chain(give(2)));
        lie.pages = 0x4000;
        let mut claim = Claim::lie(&lie, &NO_TAPES, Lies::default());
        // So many pages there are not: the truth is one.
        for row in 0..claim.rows("STEP") {
            *claim.cell("STEP", row, "pages") = 1;
        }
        *claim.cell(table, 0, "pages") = 1;
        *claim.cell("HOST", 0, "pages") = 1;
        claim.public.first[1] = 1;
        claim.public.last[2] = 1;
        let last = (address + width - 1) >> 16;
        *claim.cell(table, 0, "slack") = super::claim::M61 - last;
        refused_by(&claim, &[&format!("{table}/Range16")]);
        *claim.cell(table, 0, "slack") = 0;
        refused_by(&claim, &[&format!("{table}/slack")]);
    }
    // The last byte said to be on the same page as the first.
    let code = [set(1, 0xffff), state(ext::MEM | ext::MEM_W2, 1, 2, 0)];
    let mut lie = program(code.into_iter().chain(give(2)));
    lie.pages = 2;
    let mut claim = Claim::lie(&lie, &NO_TAPES, Lies::default());
    accepted(&claim);
    *claim.cell("MEMX", 0, "j[0]") = 0;
    *claim.cell("MEMX", 0, "slack") = 1;
    refused_by(&claim, &["MEMX/wrap"]);
    *claim.cell("MEMX", 0, "x2[0]") = 0x2000;
    refused_by(&claim, &["MEMX/wrap"]);
    *claim.cell("MEMX", 0, "x2_8[0]") = 0x10000;
    refused_by(&claim, &["MEMX/Range16"]);
}

#[test]
fn accepts_memory_at_its_greatest() {
    // Its last word, growth up to its last page, growth by one more, and the address before the wrap.
    let code = [
        set(1, 16_382),
        state(ext::GROW, 1, 2, 16_384),
        set(1, 1),
        state(ext::GROW, 1, 2, 16_384),
        state(ext::GROW, 1, 2, 16_384),
        set(1, 0xffff_ffff),
        state(ext::GROW, 1, 2, 16_384),
        set(1, 0x3fff_ffff),
        state(ext::MEM | ext::MEM_STORE | ext::MEM_W1, 1, 1, 0),
        set(1, 0x3fff_fff8),
        state(ext::MEM | ext::MEM_W8, 1, 3, 0),
        set(1, 0x3fff_fff1),
        state(ext::MEM | ext::MEM_STORE | ext::MEM_W8, 1, 1, 3),
        set(1, 0x3ffe_ffff),
        state(ext::MEM | ext::MEM_STORE | ext::MEM_W8, 1, 1, 0),
    ];
    accepted(&Claim::lie(
        &program(code.into_iter().chain(give(3))),
        &NO_TAPES,
        Lies::default(),
    ));
}

#[test]
fn refuses_another_outcome_of_growth() {
    // Within the limit, at it, over it, with a high limb; the opposite claimed, everything else with it.
    let c = |fails: bool| if fails { u64::from(u32::MAX) } else { 1 };
    for (delta, most, fails) in [
        (1, 5, false),
        (4, 5, false),
        (5, 5, true),
        (0xff00, 5, true),
        (1 << 16, 5, true),
    ] {
        let lie = program(
            [set(1, delta), state(ext::GROW, 1, 2, most)]
                .into_iter()
                .chain(give(2)),
        );
        let claim = forged_result(&lie, 1, c(fails));
        accepted(&claim);
        let result = |i: usize, step: &mut Step| {
            if i == 1 {
                step.c = c(!fails);
                step.dpages = if fails { delta as u32 & 0xffff } else { 0 };
            }
        };
        let mut claim = Claim::lie(
            &lie,
            &NO_TAPES,
            Lies {
                result: Some(&result),
                ..Lies::default()
            },
        );
        let high = delta >> 16 > 0;
        let (limbs, grown) = if fails {
            ([1, 0], delta & 0xffff)
        } else {
            ([0xffff; 2], 0)
        };
        let cells = [
            ("ok", u64::from(fails)),
            ("over", u64::from(!fails)),
            ("high", 0),
            ("slack", 0),
        ];
        let rest = [("c[0]", limbs[0]), ("c[1]", limbs[1]), ("dpages", grown)];
        for (column, value) in cells.into_iter().chain(rest) {
            *claim.cell("GROW", 0, column) = value;
        }
        let rules: &[&str] = if high { &["GROW/high"] } else { &["GROW/slack"] };
        let against = claim.verdict();
        if (delta, most, fails) == (4, 5, false) || !high {
            assert_eq!(against.into_iter().collect::<Vec<_>>(), rules, "{delta}");
        } else {
            assert!(against.contains("GROW/high"), "{against:?}");
        }
    }
    let lie = program([set(1, 2), state(ext::GROW, 1, 2, 5)].into_iter().chain(give(2)));
    // Failing for a high limb that is not there.
    let mut claim = forged_result(&lie, 1, u64::from(u32::MAX));
    let cells = [
        ("ok", 0),
        ("high", 1),
        ("slack", 0),
        ("c[0]", 0xffff),
        ("c[1]", 0xffff),
        ("dpages", 0),
    ];
    for (column, value) in cells {
        *claim.cell("GROW", 0, column) = value;
    }
    let steps = claim.rows("STEP");
    *claim.cell("STEP", 1, "dpages") = 0;
    for row in 2..steps {
        *claim.cell("STEP", row, "pages") = 1;
    }
    *claim.cell("HOST", 0, "pages") = 1;
    claim.public.last[2] = 1;
    refused_by(&claim, &["GROW/high"]);
    // Neither, another result, other growth, growth without an operation.
    let mut claim = forged_result(&lie, 1, 7);
    *claim.cell("GROW", 0, "c[0]") = 7;
    refused_by(&claim, &["GROW/result"]);
    *claim.cell("GROW", 0, "ok") = 0;
    assert!(claim.verdict().contains("GROW/case"));
    let grows = |at: usize, by: u32| {
        let result = move |i: usize, step: &mut Step| {
            if i == at {
                step.dpages += by;
            }
        };
        Claim::lie(
            &lie,
            &NO_TAPES,
            Lies {
                result: Some(&result),
                ..Lies::default()
            },
        )
    };
    let mut claim = grows(1, 1);
    *claim.cell("GROW", 0, "dpages") = 3;
    refused_by(&claim, &["GROW/delta"]);
    refused_by(&grows(0, 1), &["STEP/pages-still"]);
    let next = |i: usize, state: &mut State| state.pages += u32::from(i == 0);
    let lies = Lies {
        next: Some(&next),
        ..Lies::default()
    };
    refused_by(&Claim::lie(&lie, &NO_TAPES, lies), &["STEP/pages-next"]);
}
