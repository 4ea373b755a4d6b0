//! Proofs of the benchmark programs by both backends, from the statement to a verified proof.

use std::time::Duration;

use nonos_machine::{ExecutionStatement, Secret};
use nonos_verify::{Erased, Proof, ProveError, Prover, Proving, Seed, Statement as _, Verifier};
use nonos_verify_stark::{Profile, Stark};

use crate::child::{Figures, start};
use crate::programs::{named, programs};
use crate::proofs;
use crate::report::{
    Result, cpu_time, grouped, median_time, millis, peak_mebibytes, speak, table, tell, timed,
};
use crate::samples::Sample;

/// First argument of the process that measures one row.
pub(crate) const CHILD: &str = "child-stark";

/// The best of so many proofs counts.
const PROOFS: usize = 3;
/// Longer runs are not for halo2: its largest circuit has no room for them, or it takes minutes.
const HALO2_STEPS: u64 = 50_000;

/// How a run is proved.
#[derive(Clone, Copy, PartialEq)]
enum How {
    Fast,
    Small,
    Halo2,
}

impl How {
    const ALL: [Self; 3] = [Self::Fast, Self::Small, Self::Halo2];

    fn name(self) -> &'static str {
        match self {
            Self::Fast => "STARK fast",
            Self::Small => "STARK small",
            Self::Halo2 => "halo2",
        }
    }
}

/// A backend's two faces.
trait Backend: Prover<ExecutionStatement> + Verifier {}
impl<T: Prover<ExecutionStatement> + Verifier> Backend for T {}

fn backend(how: How) -> Result<Box<dyn Backend>> {
    Ok(match how {
        How::Fast => Box::new(Erased::new(Stark::new(Profile::Fast))),
        How::Small => Box::new(Erased::new(Stark::new(Profile::Small))),
        How::Halo2 => Box::new(proofs::backend()?.0),
    })
}

/// A proved run: one proof for now, whatever its length.
struct Proved {
    proof_bytes: usize,
    check: Box<dyn Fn() -> Result<()>>,
}

/// Proves a run by one proof; `None` if it is too long for that.
fn prove(backend: &'static dyn Backend, statement: &ExecutionStatement) -> Result<Option<Proved>> {
    let mut seeds = || {
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).expect("the system gives randomness");
        Seed::new(fresh)
    };
    let proof: Proof = match backend.prove(statement, &Secret::default(), &mut Proving::new(&mut seeds)) {
        Ok(proof) => proof,
        Err(ProveError::TooLarge { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let public = statement.public();
    Ok(Some(Proved {
        proof_bytes: proof.bytes.len(),
        check: Box::new(move || Ok(backend.verify(&public, &proof)?)),
    }))
}

/// Measures one row.
pub(crate) fn child(arguments: &[String]) -> Result<()> {
    let [how, name] = arguments else {
        return Err("a backend and a program are needed".into());
    };
    let how = How::ALL.into_iter().find(|known| known.name() == how);
    let how = how.ok_or("no such backend")?;
    let sample = named(name)?;
    let run = sample.machine_run()?;
    let steps = run.steps;
    tell("steps", steps);
    tell("fuel", run.fuel.get());
    if how == How::Halo2 && steps > HALO2_STEPS {
        return Ok(());
    }
    // The statement of a run that one proof has no room for cannot be made.
    let Ok(statement) = sample.statement() else {
        return Ok(());
    };
    let backend: &'static dyn Backend = Box::leak(backend(how)?);
    let mut best = Duration::MAX;
    for number in 0..PROOFS {
        let before = cpu_time()?;
        let (proved, time) = timed(|| prove(backend, &statement))?;
        let Some(proved) = proved else {
            return Ok(());
        };
        best = best.min(time);
        if number == 0 {
            // Before more proofs could add to it.
            tell("peak_mib", peak_mebibytes()?);
            tell("cpu_us", (cpu_time()? - before).as_micros());
            tell("proof_bytes", proved.proof_bytes);
            tell("verify_us", median_time(&proved.check)?.as_micros());
        }
    }
    tell("prove_us", best.as_micros());
    Ok(())
}

/// Proves every program, each in a process of its own.
pub(crate) fn figures() -> Result<()> {
    let mut rows = vec![];
    for sample in programs()? {
        for how in How::ALL {
            speak(&format!("{}, {}", sample.name, how.name()));
            let row = start(&[CHILD, how.name(), &sample.name])?;
            if how != How::Halo2 || row.contains_key("prove_us") {
                rows.push(cells(&sample, how, &row));
            }
        }
    }
    let head = [
        "program",
        "backend",
        "steps",
        "fuel",
        "prove, s",
        "fuel/s",
        "peak, MiB",
        "proof, bytes",
        "verify, ms",
    ];
    table(head, &rows);
    Ok(())
}

fn cells(sample: &Sample, how: How, row: &Figures) -> [String; 9] {
    let number = |name: &str| row.get(name).map_or("–".to_owned(), |n| grouped(*n));
    let time = |name: &str| row.get(name).map(|us| Duration::from_micros(*us));
    let seconds = time("prove_us").map(|time| time.as_secs_f64());
    let rate = seconds.map(|s| row["fuel"] as f64 / s);
    [
        sample.name.clone(),
        how.name().to_owned(),
        number("steps"),
        number("fuel"),
        seconds.map_or("– (needs segments)".to_owned(), |s| format!("{s:.2}")),
        rate.map_or("–".to_owned(), |rate| grouped(rate as u64)),
        number("peak_mib"),
        number("proof_bytes"),
        time("verify_us").map_or("–".to_owned(), millis),
    ]
}
