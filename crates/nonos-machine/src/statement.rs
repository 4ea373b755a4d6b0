//! The statement that a proof of a run proves: this capsule, on these public tapes, ended this way.

use std::sync::Arc;

use nonos_package::{Net, Package, Policy};
use nonos_types::{
    ByteLen, CapsuleHash, ExecutionRecord, Fault, Fuel, InboundDigest, InputDigest, MachineVersion, Outcome,
    Output, OutputDigest, Payload, SegmentChain, Value, ValueType, wire,
};
use nonos_verify::{Malformed, Statement, StatementId, Violation};

use crate::air;
use crate::isa::Program;
use crate::lower::{LowerError, Lowered, Options, lower};
use crate::tables::{self, MAX_ROWS, PublicRun, TapeWords};
use crate::trace::Trace;
use crate::{End, Inputs, Limits, Run, execute_traced};

/// Version of the lowering, the fuel table and the tables: what a proof means. A change to any of them is a
/// new version.
pub const VERSION: MachineVersion = MachineVersion::new(2);

/// More than the fuel of the longest run that one proof can show: every step costs at most 255.
const MAX_FUEL: Fuel = Fuel::new(1 << 30);

/// What is run: a capsule, or a plain module under the default policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A capsule.
    Capsule(Box<Package>),
    /// A wasm module without a package, under [`Policy::for_module`].
    Module(Arc<[u8]>),
}

impl Subject {
    /// The digest that a record names it by: the package's, or of the module's bytes.
    pub fn capsule_hash(&self) -> CapsuleHash {
        match self {
            Self::Capsule(package) => package.capsule_hash(),
            Self::Module(wasm) => CapsuleHash::hash(&[wasm]),
        }
    }

    /// The policy of a call of `entry`.
    pub fn policy(&self, entry: &str) -> Policy {
        match self {
            Self::Capsule(package) => package.policy().clone(),
            Self::Module(_) => Policy::for_module(entry),
        }
    }

    /// The module's bytes.
    pub fn module(&self) -> &[u8] {
        match self {
            Self::Capsule(package) => package.module(),
            Self::Module(wasm) => wasm,
        }
    }

    /// Lowers the module for a run from `entry`.
    ///
    /// # Errors
    /// [`StatementError::Lower`], [`StatementError::Differs`] for another entry than the policy's.
    pub fn lower(&self, entry: &str) -> Result<Lowered, StatementError> {
        let policy = self.policy(entry);
        if policy.entry != entry {
            return Err(StatementError::Differs { part: "entry" });
        }
        let options = Options {
            entry,
            max_pages: policy.max_pages,
            hosts: policy.host,
        };
        Ok(lower(self.module(), &options)?)
    }

    /// The statement's first attachment: the program, behind a byte that says what it is.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, bytes) = match self {
            Self::Capsule(package) => (0, package.bytes()),
            Self::Module(wasm) => (1, &wasm[..]),
        };
        [&[kind], bytes].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (0, package) => Some(Self::Capsule(Box::new(Package::decode(package).ok()?))),
            (1, wasm) => Some(Self::Module(wasm.into())),
            _ => None,
        }
    }
}

/// The public tapes of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicTapes {
    /// Public input.
    pub input: Vec<u8>,
    /// Mesh inbound.
    pub inbound: Vec<u8>,
    /// Result, outbound and log: the words written, of which the last may have up to 7 bytes beyond the exact
    /// length. Those bytes are not part of any digest, but they are part of the run.
    pub outputs: [TapeWords; 3],
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireTape {
    #[prost(fixed64, repeated, tag = "1")]
    words: Vec<u64>,
    #[prost(uint64, tag = "2")]
    len: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireTapes {
    #[prost(bytes = "vec", tag = "1")]
    input: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    inbound: Vec<u8>,
    #[prost(message, repeated, tag = "3")]
    outputs: Vec<WireTape>,
}

impl TapeWords {
    /// The bytes, cut to the exact length.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(usize::try_from(self.len).unwrap_or(usize::MAX));
        bytes
    }

    fn is_valid(&self) -> bool {
        let words = self.words.len() as u64;
        words < 1 << 24 && self.len <= 8 * words && self.len + 7 >= 8 * words
    }
}

impl PublicTapes {
    /// Most bytes of all tapes together, encoded.
    pub const MAX: ByteLen = ByteLen::new(64 << 20);

    /// The statement's second attachment.
    pub fn to_bytes(&self) -> Vec<u8> {
        let wire_tape = |tape: &TapeWords| WireTape {
            words: tape.words.clone(),
            len: tape.len,
        };
        wire::encode(&WireTapes {
            input: self.input.clone(),
            inbound: self.inbound.clone(),
            outputs: self.outputs.iter().map(wire_tape).collect(),
        })
    }

    /// Reads them; `None` if the bytes are not those of tapes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let wire: WireTapes = wire::decode("public tapes", Self::MAX, bytes).ok()?;
        let tape = |wire: WireTape| TapeWords {
            words: wire.words,
            len: wire.len,
        };
        let outputs: Vec<TapeWords> = wire.outputs.into_iter().map(tape).collect();
        Some(Self {
            input: wire.input,
            inbound: wire.inbound,
            outputs: outputs.try_into().ok()?,
        })
    }

    /// The digest of the output tapes.
    pub fn output_digest(&self) -> OutputDigest {
        let [result, outbound, log] = self.outputs.each_ref().map(TapeWords::bytes);
        OutputDigest::hash(&[&result, &outbound, &log])
    }
}

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
    /// Such a run has no proof yet.
    #[error("a run that {what} has no proof yet")]
    NotProvable {
        /// What is not provable.
        what: String,
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
            Self::NotProvable { .. } | Self::TooLong { .. } => Fault::Caller,
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
        if proven.sealed_input.is_some() {
            return Err(StatementError::NotProvable {
                what: "has sealed input".into(),
            });
        }
        let Output::Digest(output) = proven.output else {
            return Err(StatementError::NotProvable {
                what: "hides its result".into(),
            });
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
            ("output digest", output == tapes.output_digest()),
            ("output length", tapes.outputs.iter().all(TapeWords::is_valid)),
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
                proven.fuel_used <= policy.fuel
                    && proven.fuel_used < MAX_FUEL
                    && (!spends_all || proven.fuel_used == policy.fuel),
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
            hidden: tables::Hidden::default(),
        };
        Ok(Self {
            record,
            subject,
            tapes,
            program,
            run,
        })
    }

    /// The statement of a record whose run can be repeated here: runs it to learn the output words.
    ///
    /// # Errors
    /// [`StatementError`]; `Differs` also where the machine ends otherwise than the record says.
    pub fn of_run(
        subject: Subject,
        record: ExecutionRecord,
        input: Vec<u8>,
        inbound: Vec<u8>,
    ) -> Result<Self, StatementError> {
        let proven = &record.proven;
        let program = subject.lower(&proven.entry)?.program;
        let arguments: Vec<u64> = proven.arguments.iter().map(|v| v.word()).collect();
        let inputs = Inputs {
            input: &input,
            inbound: &inbound,
            sealed: &[],
            arguments: &arguments,
        };
        let limits = Limits {
            fuel: subject.policy(&proven.entry).fuel,
            steps: MAX_ROWS as u32,
        };
        let (run, trace) = execute_traced(&program, &inputs, limits);
        if run.end == End::TooManySteps {
            return Err(StatementError::TooLong { limit: MAX_ROWS });
        }
        let [result, outbound, log, _] = trace
            .map(|trace| PublicRun::of(&program, &trace, Default::default()).outputs)
            .unwrap_or_default();
        let statement = Self::new(
            subject,
            record,
            PublicTapes {
                input,
                inbound,
                outputs: [result, outbound, log],
            },
        )?;
        statement.compare(&run)?;
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
        tables::public(&self.program, &self.run)
    }

    /// Runs the program again and records it.
    ///
    /// # Errors
    /// [`StatementError::Differs`] if the run does not end as the record says; [`StatementError::TooLong`].
    pub fn trace(&self) -> Result<Trace, StatementError> {
        let arguments = &self.run.inputs[3].words;
        let tapes = &self.tapes;
        let inputs = Inputs {
            input: &tapes.input,
            inbound: &tapes.inbound,
            sealed: &[],
            arguments,
        };
        let fuel = self.subject.policy(&self.record.proven.entry).fuel;
        let (run, trace) = execute_traced(
            &self.program,
            &inputs,
            Limits {
                fuel,
                steps: MAX_ROWS as u32,
            },
        );
        if run.end == End::TooManySteps {
            return Err(StatementError::TooLong { limit: MAX_ROWS });
        }
        self.compare(&run)?;
        let trace = trace.ok_or(StatementError::Differs { part: "outcome" })?;
        let written = PublicRun::of(&self.program, &trace, self.run.inputs.clone());
        if written != self.run {
            return Err(StatementError::Differs { part: "output words" });
        }
        Ok(trace)
    }

    fn compare(&self, run: &Run) -> Result<(), StatementError> {
        let proven = &self.record.proven;
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
                run.outputs == self.tapes.outputs.each_ref().map(TapeWords::bytes),
            ),
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
    /// Nothing: sealed tapes have no proof yet, and all else is public.
    type Witness = ();

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
            StatementError::NotProvable { .. } | StatementError::TooLong { .. } => malformed("outcome"),
        })
    }

    fn check(&self, (): &()) -> Result<(), Violation> {
        self.trace().map(|_| ()).map_err(|error| match error {
            StatementError::Differs { part } => Violation { clause: part },
            _ => Violation { clause: "length" },
        })
    }
}
