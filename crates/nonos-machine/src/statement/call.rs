//! The statement of a call that is nobody's job.

use nonos_types::{
    Assignment, Attested, AuditRoot, CheckpointRoot, ExecutionRecord, InboundDigest, InputDigest, Outcome,
    Output, OutputDigest, Proven, SegmentChain, Value, ValueType,
};

use super::{ExecutionStatement, SealedInput, Secret, StatementError, Subject, VERSION, run};
use crate::{End, Inputs};

impl ExecutionStatement {
    /// Calls `entry` on the machine and states how that ended: what a backend is tried on, without a sandbox, a job or
    /// a node. The record names no job, and nothing is attested.
    ///
    /// With a [`Secret`], its parts are sealed.
    ///
    /// ```
    /// use nonos_machine::{ExecutionStatement, Secret, Subject};
    /// use nonos_types::{Outcome, Value};
    /// use nonos_verify::Statement;
    ///
    /// let wasm = wat::parse_str(
    ///     r#"(module (func (export "mul") (param i64 i64) (result i64) local.get 0 local.get 1 i64.mul))"#,
    /// )?;
    /// let (subject, secret) = (Subject::Module(wasm.into()), Secret::default());
    /// let arguments = [Value::I64(6), Value::I64(7)];
    /// let statement = ExecutionStatement::of_call(subject, "mul", &arguments, b"", &secret)?;
    /// assert_eq!(statement.record().proven.outcome, Outcome::Return(vec![Value::I64(42)]));
    /// statement.check(&secret)?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StatementError`], also for arguments that are not of the entry's types and for a secret's scheme that is not known.
    pub fn of_call(
        subject: Subject,
        entry: &str,
        arguments: &[Value],
        input: &[u8],
        secret: &Secret,
    ) -> Result<Self, StatementError> {
        let lowered = subject.lower(entry)?;
        let types: Vec<ValueType> = arguments.iter().map(|value| value.kind()).collect();
        if types != lowered.entry.params {
            return Err(StatementError::Differs { part: "arguments" });
        }
        // Under the scheme of the backend that is to prove it, as the outputs are.
        let by_scheme = |input: &SealedInput| {
            let commitment = input.commitment_by(secret.scheme);
            commitment.ok_or(StatementError::Differs {
                part: "commitment scheme",
            })
        };
        let sealed_input = secret.input.as_ref().map(by_scheme).transpose()?;
        let policy = subject.policy(entry);
        let words: Vec<u64> = arguments.iter().map(|value| value.word()).collect();
        let inputs = Inputs {
            input,
            sealed: secret.tape(),
            arguments: &words,
            ..Inputs::default()
        };
        let run = run(&lowered.program, &inputs, policy.fuel);
        let value = |(word, kind): (&u64, &ValueType)| match kind {
            ValueType::I32 => Value::I32(*word as u32),
            ValueType::I64 => Value::I64(*word),
        };
        let outcome = match &run.end {
            End::Return(words) => {
                Outcome::Return(words.iter().zip(&lowered.entry.results).map(value).collect())
            }
            End::Exit(code) => Outcome::Exit(*code),
            End::Trap(kind) => Outcome::Trap(*kind),
            End::OutOfFuel => Outcome::OutOfFuel,
            End::TooManySteps => unreachable!("there is no limit of steps"),
        };
        let job = Assignment::NONE;
        let proven = Proven {
            network: job.network,
            job: job.job,
            slot: job.slot,
            nonce: job.nonce(),
            executor: job.executor,
            capsule: subject.capsule_hash(),
            machine: VERSION,
            policy: policy.hash(),
            entry: entry.to_owned(),
            arguments: arguments.to_vec(),
            input: InputDigest::hash(&[input]),
            sealed_input,
            inbound: InboundDigest::hash(&[b""]),
            output: Output::Digest(OutputDigest::hash(&run.outputs.each_ref().map(Vec::as_slice))),
            outcome,
            fuel_used: run.fuel,
            peak_pages: run.pages,
            segment_chain: SegmentChain::ZERO,
        };
        let attested = Attested {
            checkpoint_root: CheckpointRoot::ZERO,
            audit_root: AuditRoot::ZERO,
            poi_pre: None,
            poi_post: None,
        };
        let record = ExecutionRecord { proven, attested };
        Self::of_run(subject, record, input.to_vec(), Vec::new(), secret)
    }
}
