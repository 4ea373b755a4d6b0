//! Where the STARK prover's time goes.

use std::time::Duration;

use nonos_machine::Secret;
use nonos_verify::{ProofSystem as _, Proving, Seed};
use nonos_verify_stark::{Profile, Stark};

use crate::programs::{fib, json};
use crate::report::{Result, millis, speak, table};
use crate::samples::{Sample, sha256};
use crate::spans::{Spans, Times};

/// The shortest of so many proofs is shown, or of as many as begin in this time.
const PROOFS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(20);
/// What Plonky3 names the spans in which the threads of its pool extend columns, and make quotients.
const EXTEND: &str = "coset_lde_batch_with_transform";
const QUOTIENT: &str = "compute quotient";

/// A part of proving.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Run,
    Rows,
    Fields,
    Public,
    Extend,
    Hash,
    LogUp,
    Quotient,
    Open,
    Grind,
    Other,
}

const PARTS: [(Part, &str); 11] = [
    (Part::Run, "trace: run again, recorded"),
    (Part::Rows, "trace: rows of the machine's tables"),
    (Part::Fields, "trace: field elements, lookups counted"),
    (Part::Public, "the verifier's tables, committed"),
    (Part::Extend, "commit: extend columns"),
    (Part::Hash, "commit: Merkle trees"),
    (Part::LogUp, "LogUp columns"),
    (Part::Quotient, "quotient"),
    (Part::Open, "open (FRI)"),
    (Part::Grind, "grinding"),
    (Part::Other, "other"),
];

impl Part {
    /// Of the caller's spans; the first that is known decides.
    fn of(chain: &[&str]) -> Self {
        let is = |name: &str| chain.contains(&name);
        if is("trace") {
            Self::Run
        } else if is("witness") {
            Self::Rows
        } else if is("tables") {
            Self::Fields
        } else if is("public tables") {
            Self::Public
        } else if is("grind for proof-of-work witness") {
            Self::Grind
        } else if is("generate lookup permutation") {
            Self::LogUp
        } else if [
            "FRI prover",
            "evaluate matrix",
            "compute_inverse_denominators",
            "reduce matrix quotient",
        ]
        .into_iter()
        .any(is)
        {
            Self::Open
        } else if is("build merkle tree") {
            Self::Hash
        } else {
            Self::Other
        }
    }
}

/// Tells where the time goes for a loop, a hash and a parser.
pub(crate) fn profile() -> Result<()> {
    let spans = Spans::install()?;
    let samples = [fib(100_000)?, sha256(1 << 10, 0), json()];
    let columns = samples.iter().map(|sample| column(&spans, sample));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let mut head = ["part", "", "%", "", "%", "", "%"].map(str::to_owned);
    for (i, sample) in samples.iter().enumerate() {
        head[2 * i + 1] = format!("{}, ms", sample.name);
    }
    let mut rows: Vec<[String; 7]> = vec![];
    for (part, name) in PARTS {
        let mut row: [String; 7] = std::array::from_fn(|_| name.to_owned());
        for (i, times) in columns.iter().enumerate() {
            let time = times[part as usize];
            let total: Duration = times.iter().sum();
            row[2 * i + 1] = millis(time);
            row[2 * i + 2] = format!("{:.1}", 100.0 * time.as_secs_f64() / total.as_secs_f64());
        }
        rows.push(row);
    }
    let mut row: [String; 7] = std::array::from_fn(|_| "all".to_owned());
    for (i, times) in columns.iter().enumerate() {
        row[2 * i + 1] = millis(times.iter().sum());
        row[2 * i + 2] = "100".to_owned();
    }
    rows.push(row);
    table(head.each_ref().map(String::as_str), &rows);
    Ok(())
}

/// Time of each part.
fn column(spans: &Spans, sample: &Sample) -> Result<[Duration; PARTS.len()]> {
    let statement = sample.statement()?;
    let stark = Stark::new(Profile::Fast);
    let mut seeds = || Seed::new([0; 32]);
    let all = |times: &Times| times.caller.values().sum::<Duration>();
    let (mut best, mut total): (Option<Times>, _) = (None, Duration::ZERO);
    for _ in 0..PROOFS {
        if total > PATIENCE {
            break;
        }
        let times =
            spans.of(|| Ok(stark.prove(&statement, &Secret::default(), &mut Proving::new(&mut seeds))?))?;
        total += all(&times);
        if best.as_ref().is_none_or(|best| all(&times) < all(best)) {
            best = Some(times);
        }
    }
    let times = best.unwrap_or_default();
    details(sample, &times);
    let mut parts = [Duration::ZERO; PARTS.len()];
    for (chain, time) in &times.caller {
        parts[Part::of(chain) as usize] += *time;
    }
    // The caller waits for these, outside of spans of its own. Quotients are extended as well, which is part of theirs.
    let quotient = times.in_pool(&[QUOTIENT]);
    let extend = times.in_pool(&[EXTEND, QUOTIENT]) - quotient;
    for (time, part) in [(extend, Part::Extend), (quotient, Part::Quotient)] {
        parts[part as usize] += time;
        parts[Part::Other as usize] = parts[Part::Other as usize].saturating_sub(time);
    }
    Ok(parts)
}

/// Says each chain of spans that takes more than a two-hundredth of the time.
fn details(sample: &Sample, times: &Times) {
    for (who, sums) in [("", &times.caller), ("pool: ", &times.pool)] {
        let total: Duration = sums.values().sum();
        for (chain, time) in sums.iter().filter(|(_, time)| **time * 200 > total) {
            speak(&format!(
                "{}: {who}{} {}",
                sample.name,
                millis(*time),
                chain.join(" > ")
            ));
        }
    }
}
