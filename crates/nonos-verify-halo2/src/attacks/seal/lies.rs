//! Each breaks one rule of SEAL, and is consistent otherwise.

use super::bench::*;
use crate::Error;
use crate::seal::{Use, column, rows};
use nonos_seal::{Block, Place, Tape};

/// What a lie in an honest run breaks: this, and nothing else. And the real verifier refuses its proof, which one that
/// does not know the rule accepts.
fn breaks(bench: &Bench, rules: &[&str], lie: &Lie) {
    let lying = bench.lying(lie);
    let broken: Vec<String> = lying.broken().into_iter().collect();
    assert_eq!(broken, rules);
    let verdict = lying.verify(&lying.force());
    assert!(matches!(verdict, Err(Error::Rejected)), "{rules:?}: {verdict:?}");
    if rules
        .iter()
        .all(|rule| rule.starts_with(char::is_lowercase) && !rule.contains(' '))
    {
        let gullible = lying.unchecked(rules);
        let verdict = gullible.verify(&gullible.force());
        assert!(verdict.is_ok(), "without {rules:?}: {verdict:?}");
    }
}

/// A run on these blocks as the input, read as this tape.
fn input(bench: &Bench, blocks: Vec<Block>, tape: Tape) -> Lie {
    let outputs: Vec<Vec<u64>> = bench.run.seal[2..].to_vec();
    Lie::new(move |run| {
        let used = Use {
            more: !outputs.is_empty(),
            ..used(&tape)
        };
        run.seal = rows(&blocks, used);
        run.seal.extend(outputs.clone());
        *run = Run {
            seal: std::mem::take(&mut run.seal),
            ..Run::default()
        };
        run.read(&tape);
        if !outputs.is_empty() {
            run.write(&super::bench::outputs());
        }
    })
}

#[test]
fn refuses_bytes_behind_the_end_of_the_input() {
    let bench = Bench::honest(true, false);
    // 12 bytes, and limbs 2 and 3 of the last word are not all zero.
    let mut blocks = Bench::input_blocks();
    blocks[1].len = Some(12);
    blocks[1].words[1] |= 5 << 32;
    let tape = Tape {
        words: blocks[1].words[..2].to_vec(),
        len: 12,
    };
    let lie = input(&bench, blocks, tape);
    // The shifted word is cut to 64 bits.
    breaks(&bench, &["slack"], &lie);
    // Another scale, that shifts nothing; another tail.
    breaks(&bench, &["slack"], &Lie::cell(1, "scale", 1));
}

#[test]
fn refuses_a_needless_block_a_gap_and_words_that_are_not_there() {
    let bench = Bench::honest(true, false);
    let honest = Bench::input_blocks();
    let tape = |words: &[u64]| Tape {
        words: words.to_vec(),
        len: 8 * words.len() as u64,
    };
    // Six words, then an end without any.
    let full: Vec<u64> = (1..7).collect();
    let mut blocks = honest.clone();
    blocks[1] = Block {
        words: [1, 2, 3, 4, 5, 6],
        used: 6,
        len: None,
        ..honest[1]
    };
    blocks.push(Block {
        place: Place::Tape(1),
        pos: 6,
        words: [0; 6],
        used: 0,
        len: Some(48),
    });
    breaks(&bench, &["used"], &input(&bench, blocks.clone(), tape(&full)));
    // Five words in a block that is not the last.
    blocks[1].used = 5;
    blocks[1].words[5] = 0;
    blocks[2] = Block {
        pos: 6,
        words: [9, 0, 0, 0, 0, 0],
        used: 1,
        len: Some(56),
        ..blocks[2]
    };
    let mut gap = tape(&[1, 2, 3, 4, 5, 9]);
    gap.len = 56;
    let skipped = input(&bench, blocks, gap);
    let skips = Lie::new(move |run| {
        (skipped.change)(run);
        // The word at 6 is taken, and the one at 5 is not there.
        run.taker[5][3] = 6;
        run.taker[6][3] = 7;
        run.seal[2][column("taken")] = 1;
    });
    breaks(&bench, &["used"], &skips);
    // Something in the place of a word that is not used.
    breaks(
        &bench,
        &["zeros"],
        &Lie::new(|run| run.seal[1][column("limb") + 23] = 7),
    );
    // A used word behind one that is not.
    let hole = Lie::new(|run| {
        run.seal[1][column("used") + 3] = 1;
        run.seal[1][column("words_lo")] = 3;
        run.seal[1][column("len_lo")] = 24;
        run.seal[1][column("pad")..][..3].fill(0);
        run.seal[1][column("scale")] = 1;
        // The tail is that of word 1, then of word 3, which is zero.
        let shifted = column("shifted");
        for i in 0..4 {
            run.seal[1][shifted + i] = run.seal[1][column("tail") + i];
        }
        run.taker[2][3] = 3;
        for row in [3, 4] {
            run.taker[row][5] = 24;
        }
    });
    breaks(&bench, &["used"], &hole);
}

#[test]
fn refuses_other_words_lengths_and_ends_than_those_committed() {
    let bench = Bench::honest(true, true);
    // Another word, another position, another length or end.
    let taken = |row: usize, cell: usize, value: u64| Lie::new(move |run| run.taker[row][cell] = value);
    for lie in [
        taken(0, 5, 60),
        taken(1, 3, 0),
        taken(2, 3, 1),
        taken(3, 5, 13),
        taken(4, 5, 16),
    ] {
        breaks(&bench, &["Sealed"], &lie);
    }
    // A length that is none: of the salt's block, of a block of the outputs.
    for row in [0, 2, 3] {
        for what in ["lengths", "ends"] {
            let lie = Lie::new(move |run| {
                run.seal[row][column(what)] += 1;
                let cell = |name| run.seal[row][column(name)];
                let (len, words) = (cell("len_lo"), cell("words_lo"));
                if what == "lengths" {
                    run.take([0, 1, 0, 0], len);
                } else {
                    run.take([1, 1, words, 1], 0);
                }
            });
            breaks(&bench, &["count"], &lie);
        }
    }
    // The same words, said to be longer or shorter by a byte.
    let shorter = Lie::new(|run| {
        run.seal[1][column("len_lo")] = 13;
        (run.taker[3][5], run.taker[4][5]) = (13, 13);
    });
    breaks(&bench, &["length"], &shorter);
    // Another number of words.
    let fewer = Lie::new(|run| {
        run.seal[1][column("words_lo")] = 3;
        run.seal[1][column("len_lo")] = 22;
        run.taker[2][3] = 3;
        (run.taker[3][5], run.taker[4][5]) = (22, 22);
    });
    breaks(&bench, &["words"], &fewer);
}

#[test]
fn refuses_output_words_that_are_left_out_invented_or_moved() {
    let bench = Bench::honest(false, true);
    let first = 1;
    // Committed to and not written: the word is not taken.
    let invented = Lie::new(move |run| {
        run.seal[first][column("taken")] = 0;
        run.taker.remove(0);
    });
    breaks(&bench, &["taken"], &invented);
    // Written and not committed to.
    breaks(&bench, &["Sealed"], &Lie::new(|run| run.take([2, 3, 2, 0], 4)));
    // Read as if it were an input.
    breaks(&bench, &["Sealed"], &Lie::new(|run| run.taker[0][1] = 1));
    // Another final position.
    breaks(&bench, &["Final"], &Lie::new(|run| run.taker[2][5] = 3));
    let hidden = Lie::new(move |run| {
        run.seal[first][column("final")] = 0;
        run.taker.remove(2);
    });
    breaks(&bench, &["close"], &hidden);
    // A word of the salt.
    let salt = Lie::new(|run| {
        run.seal[0][column("taken")] = 1;
        let limbs: Vec<u64> = run.seal[0][column("limb")..][..4].to_vec();
        let word = (0..4).map(|i| limbs[i] << (16 * i)).sum();
        run.take([0, 0, 0, 0], word);
    });
    breaks(&bench, &["taken"], &salt);
    // A word that is not there.
    let nothing = Lie::new(move |run| {
        run.seal[2][column("taken")] = 1;
        run.take([2, 4, 0, 0], 0);
    });
    breaks(&bench, &["taken"], &nothing);
}

#[test]
fn refuses_tapes_in_another_order_missing_or_unfinished() {
    let bench = Bench::honest(true, true);
    // Rows 0 and 1 are the input's; 2 the outputs' salt, 3 the result, 4 outbound, 5 and 6 the log.
    let tape = |name: &'static str| column(name);
    let swapped = Lie::new(move |run| {
        for (row, was, is) in [(3, "tape3", "tape4"), (4, "tape4", "tape3")] {
            run.seal[row][tape(was)] = 0;
            run.seal[row][tape(is)] = 1;
        }
        for row in &mut run.taker {
            row[2] = match row[2] {
                3 => 4,
                4 => 3,
                other => other,
            };
        }
    });
    breaks(&bench, &["order"], &swapped);
    // Outbound left out, with its final position.
    let left_out = Lie::new(move |run| {
        run.seal.remove(4);
        run.taker.retain(|row| row[2] != 4);
        run.seal[2][column("left")] -= 1;
        run.seal[3][column("left")] -= 1;
    });
    breaks(&bench, &["order"], &left_out);
    // The input twice, the second time unread.
    let twice = Lie::new(move |run| {
        let stream: Vec<Vec<u64>> = run.seal[..2].to_vec();
        for mut row in stream.into_iter().rev() {
            for cell in ["lengths", "ends"] {
                row[column(cell)] = 0;
            }
            row[column("taken")..][..6].fill(0);
            run.seal.insert(2, row);
        }
    });
    breaks(&bench, &["order"], &twice);
    // The outputs' stream left out, whole, where none was written.
    let silent = move |run: &mut Run| {
        run.seal.truncate(2);
        run.taker.retain(|row| row[2] == 1);
    };
    breaks(&bench, &["more"], &Lie::new(silent));
    let forgotten = Lie::new(move |run| {
        silent(run);
        run.seal[1][column("more")] = 0;
    });
    breaks(&bench, &["more"], &forgotten);
    let denied = Lie::new(move |run| {
        silent(run);
        (0..2).for_each(|row| run.seal[row][column("more")] = 0);
    });
    breaks(&bench, &["public first"], &denied);
    // One that the public side does not ask for, behind the input's.
    let needless = Bench::honest(true, false);
    let salt = bench.run.seal[2..].to_vec();
    let extra = Lie::new(move |run| {
        run.seal.extend(salt.clone());
        run.write(&super::bench::outputs());
    });
    let lying = needless.lying(&extra);
    assert!(lying.broken().contains("more"), "{:?}", lying.broken());
    assert!(lying.verify(&lying.force()).is_err());
    // The streams in the other order, though the public side asks for the input first.
    let other_way = Lie::new(move |run| run.seal.rotate_left(2));
    breaks(&bench, &["more", "order", "public first"], &other_way);
    // A row of nothing first, or between the streams.
    let late = Lie::new(move |run| run.seal.insert(0, vec![0; run.seal[0].len()]));
    breaks(&bench, &["first", "order", "public first"], &late);
    let apart = Lie::new(move |run| run.seal.insert(2, vec![0; run.seal[0].len()]));
    breaks(&bench, &["more", "order"], &apart);
    // Another number of blocks, which the hash starts from.
    breaks(&bench, &["left"], &Lie::cell(0, "left", 3));
    // Two kinds at once; none.
    for (row, cell, value) in [(1, "tape5", 1), (1, "tape1", 0), (2, "salt", 0), (7, "real", 1)] {
        let lie = Lie::new(move |run| {
            run.seal.push(vec![0; run.seal[0].len()]);
            run.seal[row][column(cell)] = value;
        });
        let lying = bench.lying(&lie);
        assert!(lying.broken().contains("kind"), "{cell}: {:?}", lying.broken());
        assert!(lying.verify(&lying.force()).is_err(), "{cell}");
    }
}

#[test]
fn refuses_a_stream_that_the_table_ends_before_its_digest() {
    // 249 rows, none of which ends the stream: the commitment could be any.
    let mut blocks = Bench::input_blocks();
    blocks.truncate(1);
    for i in 0..248 {
        blocks.push(Block {
            place: Place::Tape(1),
            pos: 6 * i,
            words: [1; 6],
            used: 6,
            len: None,
        });
    }
    let bench = Bench::honest(true, false);
    let lie = Lie::new(move |run| {
        run.seal = rows(&blocks, Use::default());
        run.taker.clear();
    });
    breaks(&bench, &["whole"], &lie);
}

#[test]
fn refuses_a_false_permutation_or_start_of_the_hash() {
    let bench = Bench::honest(true, false);
    let plan = &bench.keys.plan;
    let base = plan.hashed().expect("SEAL").base();
    let mock = super::Mock {
        plan,
        statement: &bench.statement,
    };
    for (col, rules) in [
        (base, &["sponge-next", "sponge-square", "sponge-power"][..]),
        (base + 3, &["sponge-power", "sponge-square"]),
        (base + 4, &["sponge-power", "sponge-square"]),
    ] {
        let mut trace = bench.trace();
        let (column, row) = mock.place(super::SEAL, 1, col);
        trace.columns[column][row] += pasta_curves::Fp::from(1);
        let broken = mock.broken(&trace);
        for rule in rules {
            assert!(broken.contains(*rule), "{col}: {broken:?}");
        }
    }
}
