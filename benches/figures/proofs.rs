//! Proving and verifying with halo2.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, fs};

use nonos_benches::Row;
use nonos_machine::{ExecutionStatement, Secret};
use nonos_types::VkDigest;
use nonos_verify::{Claim, Erased, Proof, Prover as _, Proving, Seed, Statement as _, Verifier as _};
use nonos_verify_halo2::{Halo2, ParamsEvent, ParamsStore};
use tempfile::TempDir;

use crate::child::{Figures, start};
use crate::report::{
    Result, cpu_time, grouped, median, median_time, millis, peak_mebibytes, speak, table, tell, timed,
};
use crate::samples::{Sample, sha256, sieve};

/// First arguments of the processes that measure one row.
pub(crate) const CHILDREN: [&str; 3] = ["child-prove", "child-verify", "child-batch"];

/// Lengths of the inputs.
const SIZES: [usize; 2] = [64, 1024];
/// Proofs made of each length, of different inputs; the first also makes the key.
const PROOFS: usize = 4;
const BATCHES: [usize; 4] = [1, 8, 32, 64];
/// What the other capsule of a batch computes: about as many steps as SHA-256 of 64 bytes.
const LIMIT: u64 = 900;
/// Stands for that capsule where others have a length.
const SIEVE: usize = 0;

pub(crate) type Backend = Erased<ExecutionStatement, Halo2>;

/// Runs one of [`CHILDREN`].
pub(crate) fn child(which: &str, arguments: &[String]) -> Result<()> {
    let [directory, number] = arguments else {
        return Err("a directory and a number are needed".into());
    };
    let (directory, number) = (Path::new(directory), number.parse()?);
    match which {
        "child-prove" => prove(directory, number),
        "child-verify" => verify(directory, number),
        _ => batch(directory, number),
    }
}

/// Proofs on disk, and the figures of making them.
pub(crate) struct Made {
    directory: TempDir,
    figures: Vec<Figures>,
}

impl Made {
    pub(crate) fn new() -> Result<Self> {
        let directory = TempDir::new()?;
        let mut figures = vec![];
        row("child-prove", directory.path(), SIEVE)?;
        for size in SIZES {
            let mut made = row("child-prove", directory.path(), size)?;
            if made["derived"] > 0 {
                speak("the public parameters were derived, which happens once: measuring again");
                made = row("child-prove", directory.path(), size)?;
            }
            figures.push(made);
        }
        Ok(Self { directory, figures })
    }

    pub(crate) fn proofs(&self) -> Result<()> {
        let mut rows = vec![];
        for (size, made) in SIZES.into_iter().zip(&self.figures) {
            let checked = row("child-verify", self.directory.path(), size)?;
            let seconds = |name| format!("{:.2}", made[name] as f64 / 1e6);
            let millis = |name| format!("{:.1}", checked[name] as f64 / 1e3);
            rows.push([
                sha256(size, 0).name,
                grouped(made["steps"]),
                seconds("first_us"),
                seconds("again_us"),
                seconds("cpu_us"),
                seconds("model_us"),
                made["peak_mib"].to_string(),
                made["model_mib"].to_string(),
                grouped(made["proof_bytes"]),
                millis("first_us"),
                millis("again_us"),
                checked["peak_mib"].to_string(),
            ]);
        }
        table(
            [
                "run",
                "steps",
                "prove first, s",
                "prove, s",
                "prove, CPU s",
                "planned, CPU s",
                "prove peak, MiB",
                "planned, MiB",
                "proof, bytes",
                "verify first, ms",
                "verify, ms",
                "verify peak, MiB",
            ],
            &rows,
        );
        Ok(())
    }

    pub(crate) fn batches(&self) -> Result<()> {
        let mut rows = vec![];
        for count in BATCHES {
            let row = row("child-batch", self.directory.path(), count)?;
            let time = Duration::from_micros(row["us"]);
            Row::of("batches")
                .text("backend", "halo2")
                .number("proofs", count as f64)
                .number("each_ms", time.as_secs_f64() * 1e3 / count as f64)
                .number("peak_mib", row["peak_mib"] as f64)
                .leave()?;
            rows.push([
                count.to_string(),
                millis(time),
                millis(time / u32::try_from(count)?),
                row["peak_mib"].to_string(),
            ]);
        }
        table(["proofs", "ms", "ms per proof", "peak, MiB"], &rows);
        Ok(())
    }
}

fn row(which: &str, directory: &Path, number: usize) -> Result<Figures> {
    start(&[which, &directory.to_string_lossy(), &number.to_string()])
}

/// A backend, and whether it has derived public parameters.
pub(crate) fn backend() -> Result<(Backend, Arc<AtomicBool>)> {
    let derived = Arc::new(AtomicBool::new(false));
    let listener = derived.clone();
    let params = ParamsStore::in_directory(env::temp_dir().join("nonos-params")).on_event(move |event| {
        if matches!(event, ParamsEvent::Generating { .. }) {
            listener.store(true, Ordering::Relaxed);
        }
    });
    Ok((Erased::new(Halo2::new(params)?), derived))
}

fn file(directory: &Path, size: usize, number: usize) -> PathBuf {
    directory.join(format!("{size}-{number}.proof"))
}

/// What the `number`th proof of a length is of.
fn sample(size: usize, number: usize) -> Sample {
    match size {
        SIEVE => sieve(LIMIT + number as u64),
        _ => sha256(size, number),
    }
}

fn prove(directory: &Path, size: usize) -> Result<()> {
    let (backend, derived) = backend()?;
    let mut seeds = || {
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).expect("the system gives randomness");
        Seed::new(fresh)
    };
    let (mut again, mut cpu) = (vec![], vec![]);
    for number in 0..PROOFS {
        let statement = sample(size, number).statement()?;
        let before = cpu_time()?;
        let (proof, time) =
            timed(|| Ok(backend.prove(&statement, &Secret::default(), &mut Proving::new(&mut seeds))?))?;
        if number == 0 {
            // Before more proofs could add to it.
            tell("peak_mib", peak_mebibytes()?);
            tell("first_us", time.as_micros());
            tell("proof_bytes", proof.bytes.len());
            let trace = statement.trace(&Secret::default())?;
            let estimate =
                backend
                    .backend()
                    .estimate(statement.program(), &trace, &statement.public_side())?;
            tell("model_us", (estimate.cpu_seconds * 1e6) as u64);
            tell("model_mib", estimate.memory >> 20);
            tell("steps", statement.trace(&Secret::default())?.steps.len());
        } else {
            again.push(time);
            cpu.push(cpu_time()? - before);
        }
        fs::write(
            file(directory, size, number),
            [&proof.vk.as_bytes()[..], &proof.bytes].concat(),
        )?;
    }
    tell("again_us", median(again).as_micros());
    tell("cpu_us", median(cpu).as_micros());
    tell("derived", u8::from(derived.load(Ordering::Relaxed)));
    Ok(())
}

fn claim(directory: &Path, size: usize, number: usize) -> Result<Claim> {
    let bytes = fs::read(file(directory, size, number))?;
    let (vk, proof) = bytes
        .split_first_chunk::<32>()
        .ok_or("a proof file is too short")?;
    let public = sample(size, number).statement()?.public();
    Ok(Claim {
        public,
        proof: Proof::new(VkDigest::from_bytes(*vk), proof),
    })
}

fn verify(directory: &Path, size: usize) -> Result<()> {
    let claim = claim(directory, size, 0)?;
    let (backend, _) = backend()?;
    let check = || Ok(backend.verify(&claim.public, &claim.proof)?);
    let (_, first) = timed(check)?;
    tell("peak_mib", peak_mebibytes()?);
    tell("first_us", first.as_micros());
    tell("again_us", median_time(check)?.as_micros());
    Ok(())
}

fn batch(directory: &Path, count: usize) -> Result<()> {
    // Of two capsules, in turn.
    let claims = (0..count)
        .map(|i| claim(directory, [SIZES[0], SIEVE][i % 2], i / 2 % PROOFS))
        .collect::<Result<Vec<_>>>()?;
    let (backend, _) = backend()?;
    let check = || {
        let verdicts = backend.verify_batch(&claims);
        Ok(verdicts.into_iter().collect::<std::result::Result<Vec<_>, _>>()?)
    };
    // The first makes the key.
    check()?;
    tell("us", median_time(check)?.as_micros());
    tell("peak_mib", peak_mebibytes()?);
    Ok(())
}
