//! How many bits the profiles have, and whether the tables fit the field. Computed from the parameters in use.

use nonos_machine::air::{Interval, Range, TableShape};
use nonos_machine::tables;
use p3_field::PrimeField32;
use p3_fri::FriParameters;
use p3_security::logup::{LogUpAir, security_term};
use p3_security::stark::{conjectured_security_report, proven_security_report};
use p3_security::{GrindingSites, InstanceShape, StarkAirParams};

use crate::Profile;
use crate::config::{LOG_ARITY, LOG_FINAL, MAX_LOG, Val};

/// The largest proof there is: every table as tall as any may be. Returns conjectured and proven bits.
#[expect(clippy::print_stdout, reason = "the figures are for people, too")]
fn bits(profile: Profile) -> (f64, f64) {
    let p = profile.parameters();
    let regime = FriParameters::<()> {
        log_blowup: p.log_blowup,
        log_final_poly_len: LOG_FINAL,
        max_log_arity: LOG_ARITY,
        num_queries: p.queries,
        query_proof_of_work_bits: p.work[0],
        batch_proof_of_work_bits: p.work[1],
        commit_proof_of_work_bits: p.work[2],
        mmcs: (),
    }
    .security_regime();
    let tables = tables::system().tables;
    let columns: usize = tables.iter().map(|t| t.columns.len()).sum();
    let messages: usize = tables.iter().map(|t| t.messages.len()).sum();
    let constraints: usize = tables.iter().map(|t| t.constraints.len()).sum();
    let parts = tables.iter().flat_map(|t| &t.messages).map(|m| m.parts.len());
    let air = StarkAirParams {
        // Each message has at most one column with a rule, and each table a sum with three.
        num_constraints: constraints + messages + 3 * tables.len(),
        max_constraint_degree: (1 << p.log_chunks) + 1,
        num_quotient_chunks: 1 << p.log_chunks,
        max_combo: 2,
    };
    let shape = InstanceShape {
        log_trace_length: usize::from(MAX_LOG),
        modulus_bits: 123,
        collision_resistance: 128,
        // Two points for each column; four coordinates for each column of sums; 128 for the fixed tables.
        num_batched_functions: 2 * (columns + 4 * (messages + 2 * tables.len())) + 128,
    };
    let lookups = LogUpAir {
        num_interactions: messages + 16,
        max_message_width: parts.max().unwrap_or(0),
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
        "{profile:?}: {:.1} conjectured (by {}), {:.1} proven",
        conjectured.security_bits(),
        binding.label,
        proven.security_bits()
    );
    (conjectured.security_bits(), proven.security_bits())
}

#[test]
fn every_profile_has_a_hundred_bits_by_the_conjecture() {
    for profile in Profile::ALL {
        let (conjectured, proven) = bits(profile);
        assert!(conjectured >= 100.0, "{profile:?}: {conjectured}");
        assert!(proven < conjectured, "{profile:?} is said to be conjectured only");
    }
}

/// Columns whose size follows from the program, which the verifier lowers itself, so that their values in an accepted
/// trace are those of a run: pc, fp.
const OF_THE_PROGRAM: [&str; 2] = ["pc", "fp"];

/// Rules that could wrap by the declared ranges alone, and why they do not.
const BOUNDED_OTHERWISE: [(&str, &str, &str); 5] = [
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
];

/// A rule over the integers is one modulo p only if no side of it can reach p.
#[test]
fn no_constraint_wraps_in_the_field() {
    let p = i128::from(Val::ORDER_U32);
    let mut wrapping = vec![];
    for table in tables::system().tables {
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
