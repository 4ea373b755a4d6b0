//! Runs without proofs: the machine's executors, the sandbox, and the interpreter under it.

use std::time::Duration;

use nonos_capsule::Sandbox;
use nonos_machine::{Inputs, Limits, execute, execute_traced};
use nonos_types::Fuel;

use crate::plain::{self, Plain};
use crate::report::{Result, grouped, median_time, millis, table};
use crate::samples::{ENTRY, Sample, executed, sha256, sieve};

struct Size {
    instructions: u64,
    steps: u64,
    fuel: Fuel,
}

const STEPS: u64 = 1 << 26;

impl Sample {
    fn limits(&self) -> Limits {
        Limits {
            fuel: self.subject().policy(ENTRY).fuel,
            steps: STEPS,
        }
    }

    /// Runs it everywhere, which has to be the same run, and tells how long it is.
    fn size(&self) -> Result<Size> {
        let subject = self.subject();
        let program = subject.lower(ENTRY)?.program;
        let inputs = Inputs {
            input: &self.input,
            ..Inputs::default()
        };
        let run = execute(&program, &inputs, self.limits());
        let capsule = Sandbox::new().load_module(&self.wasm, &subject.policy(ENTRY))?;
        let sandboxed = capsule.run(&[], &self.inputs())?;
        let plain = Plain::new(&self.wasm)?.run(&self.input)?;
        if run.outputs[0] != sandboxed.outputs.result || plain != sandboxed.outputs.result {
            return Err(format!("{}: machine, sandbox and interpreter differ", self.name).into());
        }
        if run.fuel != sandboxed.fuel_used {
            return Err(format!("{}: machine and sandbox use different fuel", self.name).into());
        }
        let instructions = plain::instructions(&self.wasm, &self.input)?;
        Ok(Size {
            instructions,
            steps: run.steps,
            fuel: run.fuel,
        })
    }

    fn row(
        &self,
        how: &str,
        size: &Size,
        time: Duration,
        interpreter: Duration,
        in_steps: bool,
    ) -> [String; 6] {
        let rate = |count: u64| format!("{:.1}", count as f64 / time.as_secs_f64() / 1e6);
        [
            self.name.clone(),
            how.to_owned(),
            millis(time),
            if in_steps {
                rate(size.steps)
            } else {
                "–".to_owned()
            },
            rate(size.instructions),
            format!("{:.2}", time.as_secs_f64() / interpreter.as_secs_f64()),
        ]
    }
}

/// How long the programs are.
pub(crate) fn programs() -> Result<()> {
    let mut rows = vec![];
    for sample in executed() {
        let size = sample.size()?;
        rows.push([
            sample.name,
            grouped(size.instructions),
            grouped(size.steps),
            format!("{:.3}", size.steps as f64 / size.instructions as f64),
            grouped(size.fuel.get()),
        ]);
    }
    table(
        [
            "program",
            "wasm instructions",
            "machine steps",
            "steps per instruction",
            "fuel",
        ],
        &rows,
    );
    Ok(())
}

/// How fast they run.
pub(crate) fn speeds() -> Result<()> {
    let mut rows = vec![];
    for sample in executed() {
        let size = sample.size()?;
        let subject = sample.subject();
        let inputs = sample.inputs();

        let plain = Plain::new(&sample.wasm)?;
        let interpreter = median_time(|| plain.run(&sample.input))?;
        rows.push(sample.row("plain wasmi", &size, interpreter, interpreter, false));

        let capsule = Sandbox::new().load_module(&sample.wasm, &subject.policy(ENTRY))?;
        let time = median_time(|| Ok(capsule.run(&[], &inputs)?))?;
        rows.push(sample.row("sandbox", &size, time, interpreter, false));

        let program = subject.lower(ENTRY)?.program;
        let limits = sample.limits();
        let inputs = Inputs {
            input: &sample.input,
            ..Inputs::default()
        };
        let time = median_time(|| Ok(execute(&program, &inputs, limits)))?;
        rows.push(sample.row("machine", &size, time, interpreter, true));

        let time = median_time(|| Ok(execute_traced(&program, &inputs, limits)))?;
        rows.push(sample.row("machine, traced", &size, time, interpreter, true));
    }
    table(
        [
            "program",
            "executor",
            "ms",
            "M steps/s",
            "M instructions/s",
            "time / plain wasmi",
        ],
        &rows,
    );
    Ok(())
}

/// What comes before a run, once for each module.
pub(crate) fn loading() -> Result<()> {
    let mut rows = vec![];
    for sample in [sha256(64, 0), sieve(1_000)] {
        let subject = sample.subject();
        let policy = subject.policy(ENTRY);
        let sandbox = Sandbox::new();
        rows.push([
            sample
                .name
                .split(' ')
                .next()
                .unwrap_or_default()
                .trim_end_matches(',')
                .to_owned(),
            grouped(sample.wasm.len() as u64),
            millis(median_time(|| Plain::new(&sample.wasm))?),
            millis(median_time(|| Ok(sandbox.load_module(&sample.wasm, &policy)?))?),
            millis(median_time(|| Ok(subject.lower(ENTRY)?))?),
        ]);
    }
    table(
        [
            "module",
            "bytes",
            "plain wasmi, ms",
            "sandbox, ms",
            "lowering, ms",
        ],
        &rows,
    );
    Ok(())
}
