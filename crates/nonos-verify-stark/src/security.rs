//! How many bits the profiles have, and whether the tables fit the field. Computed from the parameters in use.

use nonos_machine::air::{Interval, Range, TableShape};
use nonos_machine::tables;
use p3_field::PrimeField32;
use p3_security::logup::{LogUpAir, security_term};
use p3_security::stark::{conjectured_security_report, proven_security_report};
use p3_security::{GrindingSites, InstanceShape, StarkAirParams};

use crate::chip::kinds;
use crate::config::Val;
use crate::poseidon::DIGEST;
use crate::seal::SealTable;
use crate::tree::chips::{LEAF_WIDTH, NODE_WIDTH};
use crate::{Profile, hiding};

/// The largest proof there is: every table as tall as any may be. Returns conjectured and proven bits.
#[expect(clippy::print_stdout, reason = "the figures are for people, too")]
fn bits(profile: Profile, hiding: bool) -> (f64, f64) {
    let p = profile.parameters();
    let regime = p.fri(()).security_regime();
    let tables = tables::system().tables;
    let columns: usize = tables.iter().map(|t| t.columns.len()).sum();
    let messages: usize = tables.iter().map(|t| t.messages.len()).sum();
    let constraints: usize = tables.iter().map(|t| t.constraints.len()).sum();
    let parts = tables.iter().flat_map(|t| &t.messages).map(|m| m.parts.len());
    let doubled = usize::from(hiding);
    // What is opened: of each table its columns, those of its sums, chunks of its quotient, and what masks them. The
    // tables of this backend have less than 512 columns and 64 messages, but for those of a segment.
    let own = 512 + LEAF_WIDTH + NODE_WIDTH;
    let (degree, count) = (p.degree(), kinds().len());
    let chunks = if hiding { 8 } else { 2 };
    let ring = hiding::COLUMNS * doubled * count;
    let messages = messages + 64 + doubled * count;
    let masks = doubled * degree;
    let opened = 2 * (columns + own + ring + masks * count)
        + 2 * (degree * (messages + count) + masks * count)
        + chunks * (degree + masks) * count
        + (degree + masks) * doubled * count;
    let air = StarkAirParams {
        // Each message has at most one column with a rule, and each table a sum with three.
        // No table of this backend has more rules than three for two columns.
        num_constraints: constraints + messages + 3 * count + 3 * own / 2,
        max_constraint_degree: 3,
        num_quotient_chunks: chunks,
        max_combo: 2,
    };
    let shape = InstanceShape {
        log_trace_length: usize::from(*profile.logs(hiding).end()) + doubled,
        modulus_bits: if p.quintic { 154 } else { 123 },
        collision_resistance: 128,
        num_batched_functions: opened,
    };
    let lookups = LogUpAir {
        num_interactions: messages,
        // Those between the levels of the tree are the widest: two digests, height and index.
        max_message_width: parts.max().unwrap_or(0).max(2 * DIGEST + 2),
    };
    let sites = GrindingSites {
        batch_combination: p.work[1],
        lookup_challenge: p.work[3],
        out_of_domain: p.work[4],
    };
    let lookup = security_term(&lookups, &shape, &sites).expect("there are lookups");
    let conjectured = conjectured_security_report(&regime, &air, &shape, &[lookup], &sites);
    let proven = proven_security_report(&regime, &air, &shape, &[lookup], &sites);
    let binding = conjectured.binding();
    println!(
        "{profile:?}, hiding {hiding}: {:.1} conjectured (by {}), {:.1} proven",
        conjectured.security_bits(),
        binding.label,
        proven.security_bits(),
    );
    (conjectured.security_bits(), proven.security_bits())
}

#[test]
fn every_profile_has_the_bits_that_it_promises() {
    for profile in Profile::ALL {
        let (least, least_proven) = match profile {
            Profile::Fast | Profile::Small => (100.0, 50.0),
            Profile::Strong => (128.0, 100.0),
        };
        for hiding in [false, true] {
            let (conjectured, proven) = bits(profile, hiding);
            assert!(conjectured >= least, "{profile:?} {hiding}: {conjectured}");
            assert!(proven >= least_proven, "{profile:?} {hiding}: {proven}");
            assert!(
                proven < conjectured,
                "{profile:?} {hiding}: said to be conjectured only"
            );
        }
    }
}

/// Plonky3 checks it, too, where it proves and where it verifies.
#[test]
fn the_least_hiding_table_has_more_random_rows_than_are_opened() {
    for profile in Profile::ALL {
        let p = profile.parameters();
        let least = 1 << profile.logs(true).start();
        assert!(least >= 2 * (p.queries + 2 * p.degree()), "{profile:?}");
        assert!(profile.logs(true).contains(&8), "COUNT8 has 2^8 rows");
    }
}

/// Columns whose size follows from the program, which the verifier lowers itself, so that their values in an accepted
/// trace are those of a run: pc, fp.
const OF_THE_PROGRAM: [&str; 2] = ["pc", "fp"];

/// Rules that could wrap by the declared ranges alone, and why they do not.
const BOUNDED_OTHERWISE: [(&str, &str, &str); 7] = [
    (
        "STEP",
        "pc-next",
        "a jump to an operand is to a pc that the program made: a link, a table entry, an index",
    ),
    (
        "STEP",
        "fp-next",
        "the frame to go back by is a constant of the call",
    ),
    ("HOST", "length", "`high = 2^5·c_1` is 16-bit, so c_1 has 11 bits"),
    (
        "CELLS",
        "order",
        "`key13 = 8·key_hi` and `gap13 = 8·gap_hi` are 16-bit, so key and gap have 29 bits",
    ),
    ("CELLS", "a message", "the same key"),
    (
        "SEAL",
        "length",
        "`high = 2^5·len_1` is 16-bit, so len_1 has 11 bits",
    ),
    (
        "SEAL",
        "count",
        "any number is sound; the rule is that it is zero",
    ),
];

/// A rule over the integers is one modulo p only if no side of it can reach p.
#[test]
fn no_constraint_wraps_in_the_field() {
    let p = i128::from(Val::ORDER_U32);
    let mut wrapping = vec![];
    let seal = TableShape::record(&SealTable);
    for table in tables::system().tables.into_iter().chain([seal]) {
        let cell = |t: &TableShape, col| {
            let column = &t.columns[usize::from(col)];
            if OF_THE_PROGRAM.contains(&column.name) {
                return Some(Interval {
                    lo: 0,
                    hi: (1 << 29) - 1,
                });
            }
            if column.range == Range::Inverse {
                None
            } else {
                t.interval(nonos_machine::air::Col(col))
            }
        };
        for c in &table.constraints {
            // An inverse is any element: those rules are about being zero, not about size.
            if let Some(Interval { lo, hi }) = c.expr.interval(&|col| cell(&table, col.0))
                && (lo <= -p || hi >= p)
            {
                wrapping.push((table.name, c.id));
            }
        }
        for m in &table.messages {
            for part in &m.parts {
                let Some(Interval { lo, hi }) = part.interval(&|col| cell(&table, col.0)) else {
                    continue;
                };
                if hi - lo >= p {
                    wrapping.push((table.name, "a message"));
                }
            }
        }
    }
    wrapping.dedup();
    assert_eq!(wrapping, BOUNDED_OTHERWISE.map(|(table, rule, _)| (table, rule)));
}
