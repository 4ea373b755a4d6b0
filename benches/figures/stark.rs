//! Proofs of the benchmark programs by both backends, from the statement to a verified proof. A run for which one STARK
//! proof would need more than [`MEMORY`] is proved in segments, one after the other.

use std::time::Duration;

use nonos_benches::Row;
use nonos_machine::{ExecutionStatement, Secret};
use nonos_types::ByteLen;
use nonos_verify::{Erased, Proof, Prover, Proving, Seed, Statement as _, Verifier};
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

/// The best of so many proofs counts, or the first if it took longer than that.
const PROOFS: usize = 3;
const LONG: Duration = Duration::from_secs(10);
/// Longer runs are not for halo2: its largest circuit has no room for them, or it takes minutes.
const HALO2_STEPS: u64 = 50_000;
/// What a proof may take, as an operator would set it by `--max-memory`.
const MEMORY: ByteLen = ByteLen::new(2 << 30);

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

    /// Of the STARK.
    fn profile(self) -> Option<Profile> {
        match self {
            Self::Fast => Some(Profile::Fast),
            Self::Small => Some(Profile::Small),
            Self::Halo2 => None,
        }
    }
}

/// A backend's two faces.
trait Backend: Prover<ExecutionStatement> + Verifier {}
impl<T: Prover<ExecutionStatement> + Verifier> Backend for T {}

fn backend(how: How) -> Result<Box<dyn Backend>> {
    Ok(match how.profile() {
        Some(profile) => {
            let steps = Stark::segment_steps(profile, MEMORY);
            Box::new(Erased::new(Stark::new(profile).with_segments(steps)))
        }
        None => Box::new(proofs::backend()?.0),
    })
}

fn prove(backend: &dyn Backend, statement: &ExecutionStatement) -> Result<Proof> {
    let mut seeds = || {
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).expect("the system gives randomness");
        Seed::new(fresh)
    };
    Ok(backend.prove(statement, &Secret::default(), &mut Proving::new(&mut seeds))?)
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
    if let Some(profile) = how.profile() {
        let most = u64::from(Stark::segment_steps(profile, MEMORY));
        tell("segments", steps.div_ceil(most));
    }
    let statement = sample.statement()?;
    let backend = backend(how)?;
    let mut best = Duration::MAX;
    for number in 0..PROOFS {
        let before = cpu_time()?;
        let (proof, time) = timed(|| prove(&*backend, &statement))?;
        best = best.min(time);
        if number == 0 {
            // Before more proofs could add to it.
            tell("peak_mib", peak_mebibytes()?);
            tell("cpu_us", (cpu_time()? - before).as_micros());
            tell("proof_bytes", proof.bytes.len());
            let public = statement.public();
            let verify = || Ok(backend.verify(&public, &proof)?);
            tell("verify_us", median_time(&verify)?.as_micros());
            if time > LONG {
                break;
            }
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
                leave(&sample, how, &row)?;
                rows.push(cells(&sample, how, &row));
            }
        }
    }
    let head = [
        "program",
        "backend",
        "steps",
        "fuel",
        "segments",
        "prove, s",
        "fuel/s",
        "peak, MiB",
        "proof, bytes",
        "verify, ms",
    ];
    table(head, &rows);
    Ok(())
}

/// Leaves a row for the page.
fn leave(sample: &Sample, how: How, row: &Figures) -> Result<()> {
    let of = |line: Row, name: &str, figure: &str, unit: f64| match row.get(figure) {
        Some(number) => line.number(name, *number as f64 / unit),
        None => line,
    };
    let mut line = Row::of("proofs")
        .text("program", &sample.name)
        .text("backend", how.name());
    for (name, figure, unit) in [
        ("steps", "steps", 1.0),
        ("fuel", "fuel", 1.0),
        ("segments", "segments", 1.0),
        ("prove_s", "prove_us", 1e6),
        ("peak_mib", "peak_mib", 1.0),
        ("proof_bytes", "proof_bytes", 1.0),
        ("verify_ms", "verify_us", 1e3),
    ] {
        line = of(line, name, figure, unit);
    }
    Ok(line.leave()?)
}

fn cells(sample: &Sample, how: How, row: &Figures) -> [String; 10] {
    let number = |name: &str| row.get(name).map_or("–".to_owned(), |n| grouped(*n));
    let time = |name: &str| row.get(name).map(|us| Duration::from_micros(*us));
    let seconds = time("prove_us").map(|time| time.as_secs_f64());
    let rate = seconds.map(|s| row["fuel"] as f64 / s);
    [
        sample.name.clone(),
        how.name().to_owned(),
        number("steps"),
        number("fuel"),
        number("segments"),
        seconds.map_or("–".to_owned(), |s| format!("{s:.2}")),
        rate.map_or("–".to_owned(), |rate| grouped(rate as u64)),
        number("peak_mib"),
        number("proof_bytes"),
        time("verify_us").map_or("–".to_owned(), millis),
    ]
}
