//! What is run: the sample capsules on inputs of several sizes.

use std::sync::Arc;

use nonos_capsule::{Claim, Context, Inputs, Sandbox};
use nonos_machine::{ExecutionStatement, Limits, Run, Secret, Subject, VERSION, execute};
use nonos_types::Value;

use crate::report::Result;

pub(crate) const ENTRY: &str = "main";

const SHA256: &[u8] = include_bytes!("../../capsules/sha256/capsule.wasm");
const SIEVE: &[u8] = include_bytes!("../../capsules/sieve/capsule.wasm");
const DECLARATION: &[u8; 1024] = include_bytes!("../../capsules/sha256/inputs/declaration-1k.txt");

pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) wasm: Arc<[u8]>,
    pub(crate) arguments: Vec<Value>,
    pub(crate) input: Vec<u8>,
}

/// SHA-256 of `len` bytes of the sample text, from its block `block` on, again and again if it is shorter.
pub(crate) fn sha256(len: usize, block: usize) -> Sample {
    let name = if len < 1024 {
        format!("SHA-256, {len} B")
    } else {
        format!("SHA-256, {} KiB", len / 1024)
    };
    let text = DECLARATION.iter().cycle().skip(64 * block);
    Sample {
        name,
        wasm: SHA256.into(),
        arguments: vec![],
        input: text.take(len).copied().collect(),
    }
}

pub(crate) fn sieve(limit: u64) -> Sample {
    let name = format!("sieve to {}", crate::report::grouped(limit));
    Sample {
        name,
        wasm: SIEVE.into(),
        arguments: vec![],
        input: limit.to_le_bytes().to_vec(),
    }
}

/// Those that are executed.
pub(crate) fn executed() -> Vec<Sample> {
    vec![
        sha256(64, 0),
        sha256(1 << 10, 0),
        sha256(1 << 16, 0),
        sieve(1_000),
        sieve(200_000),
    ]
}

impl Sample {
    pub(crate) fn subject(&self) -> Subject {
        Subject::Module(self.wasm.clone())
    }

    pub(crate) fn inputs(&self) -> Inputs {
        Inputs {
            input: self.input.clone(),
            ..Inputs::default()
        }
    }

    /// Its run on the machine, however long.
    pub(crate) fn machine_run(&self) -> Result<Run> {
        let program = self.subject().lower(ENTRY)?.program;
        let arguments: Vec<u64> = self.arguments.iter().map(|value| value.word()).collect();
        let inputs = nonos_machine::Inputs {
            input: &self.input,
            arguments: &arguments,
            ..nonos_machine::Inputs::default()
        };
        let limits = Limits {
            fuel: self.subject().policy(ENTRY).fuel,
            steps: 1 << 26,
        };
        Ok(execute(&program, &inputs, limits))
    }

    /// The statement of the sandbox's run.
    pub(crate) fn statement(&self) -> Result<ExecutionStatement> {
        let subject = self.subject();
        let capsule = Sandbox::new().load_module(&self.wasm, &subject.policy(ENTRY))?;
        let inputs = self.inputs();
        let run = capsule.run(&self.arguments, &inputs)?;
        let context = Context {
            policy: capsule.policy(),
            hash: subject.capsule_hash(),
            machine: VERSION,
            arguments: &self.arguments,
            inputs: &inputs,
            sealed_input: None,
            poi_pre: None,
            poi_post: None,
        };
        let record = run.record(Claim::outside_jobs(), &context)?;
        Ok(ExecutionStatement::of_run(
            subject,
            record,
            inputs.input,
            inputs.inbound,
            &Secret::default(),
        )?)
    }
}
