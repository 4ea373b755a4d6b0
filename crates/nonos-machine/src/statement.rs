//! The statement that a proof of a run proves: this capsule, on these public tapes, ended this way.

mod call;
mod secret;
mod subject;
mod tapes;

pub use secret::{Salt, SealedInput, Secret};
pub use subject::Subject;
pub use tapes::PublicTapes;

use std::sync::Arc;

use nonos_package::Net;
use nonos_types::{
    ByteLen, CommitmentScheme, ExecutionRecord, Fault, Fuel, InboundDigest, InputDigest, MachineVersion,
    Outcome, Output, OutputDigest, Payload, SegmentChain, Value, ValueType,
};
use nonos_verify::{Malformed, Statement, StatementId, Violation};

use crate::air;
use crate::isa::Program;
use crate::lower::{LowerError, Lowered};
use crate::tables::{self, Hidden, MAX_ROWS, PublicRun, TapeWords};
use crate::trace::Trace;
use crate::{End, Inputs, Limits, Run, execute, execute_traced};

/// Version of the lowering, the fuel table and the tables: what a proof means. A change to any of them is a
/// new version.
pub const VERSION: MachineVersion = MachineVersion::new(2);

/// Why a record is not a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// The module cannot be lowered.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// A part of the record is not what the capsule, its policy or the tapes say.
    #[error("the record's {part} is not that of the capsule and tapes given")]
    Differs {
        /// The part.
        part: &'static str,
    },
    /// The run is longer than one proof can be.
    #[error("the run takes more than {limit} machine steps; split the input")]
    TooLong {
        /// Most steps.
        limit: usize,
    },
}

impl StatementError {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Lower(error) => error.fault(),
            Self::Differs { .. } => Fault::Peer,
            Self::TooLong { .. } => Fault::Caller,
        }
    }
}

/// A run's record with everything its digests name, checked against each other: the statement of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionStatement {
    record: ExecutionRecord,
    subject: Subject,
    tapes: PublicTapes,
    program: Program,
    run: PublicRun,
    /// Of sealed input and sealed outputs.
    digests: [Option<[u8; 32]>; 2],
}

impl ExecutionStatement {
    /// The statement of a record, given the output words themselves.
    ///
    /// # Errors
    /// [`StatementError`], if a part differs from what the capsule, its policy and the tapes say.
    pub fn new(
        subject: Subject,
        record: ExecutionRecord,
        tapes: PublicTapes,
    ) -> Result<Self, StatementError> {
        let proven = &record.proven;
        let policy = subject.policy(&proven.entry);
        let Lowered { program, entry } = subject.lower(&proven.entry)?;
        let differs = |part| Err(StatementError::Differs { part });
        let hidden = secret::hidden(proven);
        let digests = secret::digests(proven);
        let output = match proven.output {
            Output::Digest(digest) => digest == tapes.output_digest(),
            // Nothing of them is shown.
            Output::Commitment(_) => tapes.outputs.iter().all(|tape| *tape == TapeWords::default()),
        };
        let values = match &proven.outcome {
            Outcome::Return(values) => values.iter().map(|v| v.word()).collect(),
            Outcome::Exit(code) => vec![u64::from(*code)],
            Outcome::Trap(_) | Outcome::OutOfFuel => vec![],
        };
        let spends_all = proven.outcome == Outcome::OutOfFuel;
        let types = |values: &[Value]| values.iter().map(|v| v.kind()).collect::<Vec<ValueType>>();
        let returns = |values: &[Value]| types(values) == entry.results;
        let checks = [
            ("capsule hash", proven.capsule == subject.capsule_hash()),
            ("policy hash", proven.policy == policy.hash()),
            ("machine version", proven.machine == VERSION),
            ("arguments", types(&proven.arguments) == entry.params),
            ("input digest", proven.input == InputDigest::hash(&[&tapes.input])),
            (
                "inbound digest",
                proven.inbound == InboundDigest::hash(&[&tapes.inbound]),
            ),
            ("commitment scheme", digests.is_some()),
            ("output digest", output),
            ("output length", tapes.outputs.iter().all(tapes::is_valid)),
            (
                "inbound tape",
                policy.net != Net::None || tapes.inbound.is_empty(),
            ),
            (
                "results",
                !matches!(&proven.outcome, Outcome::Return(values) if !returns(values)),
            ),
            (
                "fuel",
                proven.fuel_used <= policy.fuel && (!spends_all || proven.fuel_used == policy.fuel),
            ),
            ("segment chain", proven.segment_chain == SegmentChain::ZERO),
        ];
        if let Some((part, _)) = checks.into_iter().find(|(_, holds)| !holds) {
            return differs(part);
        }
        let whole = |words: Vec<u64>| TapeWords {
            len: 8 * words.len() as u64,
            words,
        };
        let arguments = whole(proven.arguments.iter().map(|v| v.word()).collect());
        let [result, outbound, log] = tapes.outputs.clone();
        let run = PublicRun {
            inputs: [
                TapeWords::from_bytes(&tapes.input),
                TapeWords::default(),
                TapeWords::from_bytes(&tapes.inbound),
                arguments,
            ],
            outputs: [result, outbound, log, whole(values)],
            halt: program.halts.of(&proven.outcome),
            fuel: proven.fuel_used.get(),
            pages: proven.peak_pages.get(),
            hidden,
        };
        Ok(Self {
            record,
            subject,
            tapes,
            program,
            run,
            digests: digests.unwrap_or_default(),
        })
    }

    /// The statement of a record whose run can be repeated here: runs it to learn the output words.
    ///
    /// With a salt for the outputs, the digest of the outputs in the record gives way to the commitment to them.
    ///
    /// # Errors
    /// [`StatementError`]; `Differs` also where the machine ends otherwise than the record says.
    pub fn of_run(
        subject: Subject,
        mut record: ExecutionRecord,
        input: Vec<u8>,
        inbound: Vec<u8>,
        secret: &Secret,
    ) -> Result<Self, StatementError> {
        let proven = &record.proven;
        let program = subject.lower(&proven.entry)?.program;
        let arguments: Vec<u64> = proven.arguments.iter().map(|v| v.word()).collect();
        let inputs = Inputs {
            input: &input,
            inbound: &inbound,
            sealed: secret.tape(),
            arguments: &arguments,
        };
        let run = run(&program, &inputs, subject.policy(&proven.entry).fuel);
        let [result, outbound, log, _] = run.written.clone();
        let mut outputs = [result, outbound, log];
        if let Some(salt) = &secret.outputs {
            if proven.output != Output::Digest(OutputDigest::hash(&run.outputs.each_ref().map(Vec::as_slice)))
            {
                return Err(StatementError::Differs { part: "output" });
            }
            let sealed = secret::seal(secret.scheme, &outputs, salt);
            record.proven.output = Output::Commitment(sealed.ok_or(StatementError::Differs {
                part: "commitment scheme",
            })?);
            outputs = Default::default();
        }
        let tapes = PublicTapes {
            input,
            inbound,
            outputs,
        };
        let statement = Self::new(subject, record, tapes)?;
        secret.opens(&statement.record.proven)?;
        statement.compare(&run, secret)?;
        Ok(statement)
    }

    /// The record.
    pub fn record(&self) -> &ExecutionRecord {
        &self.record
    }

    /// What was run.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The public tapes.
    pub fn tapes(&self) -> &PublicTapes {
        &self.tapes
    }

    /// The lowered program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What the verifier computes itself.
    pub fn public_side(&self) -> air::Public {
        air::Public {
            digests: self.digests,
            ..tables::public(&self.program, &self.run)
        }
    }

    /// The scheme of the commitments to sealed tapes, which a backend must be able to prove; `None` if there are none.
    pub fn scheme(&self) -> Option<CommitmentScheme> {
        secret::scheme(&self.record.proven)
    }

    /// Which tapes the verifier does not see.
    pub fn hidden(&self) -> Hidden {
        self.run.hidden
    }

    /// The public side of the run itself.
    pub fn run(&self) -> &PublicRun {
        &self.run
    }

    /// What enters the run.
    pub fn inputs<'a>(&'a self, secret: &'a Secret) -> Inputs<'a> {
        Inputs {
            input: &self.tapes.input,
            inbound: &self.tapes.inbound,
            sealed: secret.tape(),
            arguments: &self.run.inputs[3].words,
        }
    }

    /// The fuel that the policy allows.
    pub fn fuel_limit(&self) -> Fuel {
        self.subject.policy(&self.record.proven.entry).fuel
    }

    /// Runs the program again, and compares.
    ///
    /// # Errors
    /// [`StatementError::Differs`] if the secret does not open the record's commitments, or the run does not end as
    /// the record says.
    pub fn repeat(&self, secret: &Secret) -> Result<Run, StatementError> {
        secret.opens(&self.record.proven)?;
        let run = run(&self.program, &self.inputs(secret), self.fuel_limit());
        self.compare(&run, secret)?;
        Ok(run)
    }

    /// Runs the program again and records it.
    ///
    /// # Errors
    /// As [`repeat`](Self::repeat); [`StatementError::TooLong`].
    pub fn trace(&self, secret: &Secret) -> Result<Trace, StatementError> {
        secret.opens(&self.record.proven)?;
        let limits = Limits {
            fuel: self.fuel_limit(),
            steps: MAX_ROWS as u64,
        };
        let (run, trace) = execute_traced(&self.program, &self.inputs(secret), limits);
        let trace = trace.ok_or(StatementError::TooLong { limit: MAX_ROWS })?;
        self.compare(&run, secret)?;
        Ok(trace)
    }

    fn compare(&self, run: &Run, secret: &Secret) -> Result<(), StatementError> {
        let proven = &self.record.proven;
        let mut written = run.written.clone();
        if let Some(salt) = &secret.outputs {
            let (tapes, _) = written.split_at_mut(3);
            let opens = match proven.output {
                Output::Commitment(sealed) => secret::seal(sealed.scheme, tapes, salt) == Some(sealed),
                Output::Digest(_) => false,
            };
            if !opens {
                return Err(StatementError::Differs {
                    part: "sealed output",
                });
            }
            tapes.fill(TapeWords::default());
        }
        let ends = match (&run.end, &proven.outcome) {
            (End::Return(words), Outcome::Return(values)) => {
                values.iter().map(|v| v.word()).eq(words.iter().copied())
            }
            (End::Exit(code), Outcome::Exit(claimed)) => code == claimed,
            (End::Trap(kind), Outcome::Trap(claimed)) => kind == claimed,
            (End::OutOfFuel, Outcome::OutOfFuel) => true,
            _ => false,
        };
        let checks = [
            ("outcome", ends),
            ("fuel", run.fuel == proven.fuel_used),
            ("peak memory", run.pages == proven.peak_pages),
            (
                "output",
                self.run.hidden.outputs || run.outputs == self.tapes.outputs.each_ref().map(TapeWords::bytes),
            ),
            ("output words", written == self.run.outputs),
        ];
        match checks.into_iter().find(|(_, holds)| !holds) {
            Some((part, _)) => Err(StatementError::Differs { part }),
            None => Ok(()),
        }
    }
}

impl Statement for ExecutionStatement {
    const ID: StatementId = StatementId::new("nonos/execution/1");
    const MAX_PUBLIC: ByteLen = ByteLen::new(PublicTapes::MAX.get() + (32 << 20));
    type Witness = Secret;

    fn bytes(&self) -> Vec<u8> {
        self.record.to_bytes()
    }

    fn attachments(&self) -> Vec<Arc<[u8]>> {
        vec![self.subject.to_bytes().into(), self.tapes.to_bytes().into()]
    }

    fn decode(public: &nonos_verify::Public) -> Result<Self, Malformed> {
        let malformed = |part| Malformed { part };
        let record =
            ExecutionRecord::from_bytes(public.statement()).map_err(|_| malformed("execution record"))?;
        let subject = public
            .attachment(0)
            .and_then(Subject::from_bytes)
            .ok_or(malformed("capsule"))?;
        let tapes = public
            .attachment(1)
            .and_then(PublicTapes::from_bytes)
            .ok_or(malformed("public tapes"))?;
        if public.attachments() != 2 {
            return Err(malformed("attachments"));
        }
        Self::new(subject, record, tapes).map_err(|error| match error {
            StatementError::Differs { part } => malformed(part),
            StatementError::Lower(_) => malformed("module"),
            StatementError::TooLong { .. } => malformed("outcome"),
        })
    }

    fn check(&self, secret: &Secret) -> Result<(), Violation> {
        self.repeat(secret).map(|_| ()).map_err(|error| match error {
            StatementError::Differs { part } => Violation { clause: part },
            _ => Violation { clause: "length" },
        })
    }
}

/// Every step costs fuel or is followed by one that does, so the fuel bounds the steps.
fn run(program: &Program, inputs: &Inputs<'_>, fuel: Fuel) -> Run {
    let steps = u64::MAX;
    execute(program, inputs, Limits { fuel, steps })
}
