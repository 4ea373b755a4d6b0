//! Why a command did not do its work, and the exit code that says who must act.

use nonos_node::{Backends, api::RequestError, choice::NoMethod};
use nonos_types::{CapsuleHash, Fault, JobId, ReceiptId};
use nonos_verify::BackendId;
use std::{io, path::PathBuf, process::ExitCode};

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Failure {
    /// A file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file is longer than what it should be can be.
    #[error("{} is longer than {limit} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Most bytes it may have.
        limit: u64,
    },
    /// A text file is not UTF-8.
    #[error("{} is not UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// A file's name is not UTF-8, and cannot be told to the node.
    #[error("the name of {} is not UTF-8: rename it", path.display())]
    BadFileName {
        /// The file.
        path: PathBuf,
    },
    /// There is a unit already.
    #[error("{} is there already: `--force` writes over it", path.display())]
    ServiceExists {
        /// The unit.
        path: PathBuf,
    },
    /// A bundle was not read to its end.
    #[error(
        "{} was taken in only as far as it is sound: {damage}; import it again when you have a whole copy",
        path.display()
    )]
    DamagedBundle {
        /// Its file.
        path: PathBuf,
        /// What is wrong, in the node's words.
        damage: RequestError,
    },
    /// A key file does not hold 32 bytes in hexadecimal.
    #[error("{} is not a key file (64 hexadecimal digits)", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// A key file that others may read.
    #[error("{} can be read by others: chmod 600 it, and consider the key known", path.display())]
    OpenKey {
        /// The file.
        path: PathBuf,
    },
    /// A segment job is not one, or does not lead where it says.
    #[error(transparent)]
    Segment(#[from] nonos_verify_stark::JobError),
    /// Sealed tapes are not proved in segments.
    #[error(
        "a run with a sealed input is not cut into segments: prove it in one piece, with `capsule prove`"
    )]
    SealedSegments,
    /// The system's random generator failed.
    #[error("the system gave no random bytes")]
    Random(#[source] getrandom::Error),
    /// stdout could not be written.
    #[error("cannot write to stdout")]
    Stdout(#[source] io::Error),
    /// No directory for parameters is known.
    #[error("no directory for parameters: give --params DIR, or set HOME")]
    NoParamsDirectory,
    /// The record of used nonces cannot be opened.
    #[error(transparent)]
    Store(#[from] nonos_node::DatabaseError),
    /// The package, manifest or module is refused.
    #[error(transparent)]
    Package(#[from] nonos_package::Error),
    /// The module is refused.
    #[error(transparent)]
    Module(#[from] nonos_package::instructions::Error),
    /// The capsule cannot be run.
    #[error(transparent)]
    Capsule(#[from] nonos_capsule::Error),
    /// The process that runs the capsule did not do as it should, or says why there is no run.
    #[error(transparent)]
    Worker(#[from] nonos_worker::Error),
    /// A value cannot be read.
    #[error(transparent)]
    Value(#[from] nonos_types::Error),
    /// The record and the program do not go together, or such a run has no proof yet.
    #[error(transparent)]
    Statement(#[from] nonos_machine::StatementError),
    /// There is no devnet, or not a good one.
    #[error(transparent)]
    Devnet(#[from] crate::commands::DevnetError),
    /// Settling failed, where no node was asked.
    #[error(transparent)]
    Settle(#[from] crate::commands::SettleError),
    /// A node cannot be made or started.
    #[error(transparent)]
    Node(#[from] nonos_node::Error),
    /// A data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] nonos_node::DataDirError),
    /// A node does not answer, or refuses.
    #[error(transparent)]
    Client(#[from] nonos_node::ClientError),
    /// The node's key cannot be had.
    #[error(transparent)]
    Keystore(#[from] nonos_trust::keystore::KeystoreError),
    /// The backend cannot be set up.
    #[error("the halo2 backend cannot be set up")]
    Halo2(#[source] nonos_verify_halo2::Error),
    /// No proof was made.
    #[error("no proof was made")]
    Prove(#[source] nonos_verify::ProveError),
    /// The proof is refused.
    #[error("the proof is refused")]
    Refused(#[source] nonos_verify::VerifyError),
    /// The proof object is refused.
    #[error("the proof is refused")]
    Object(#[source] nonos_verify::ObjectError),
    /// The proof file is about another program than the one named.
    #[error("the proof is refused: it is about another program, {proven}, not about {named}")]
    OtherProgram {
        /// What the proof is about.
        proven: CapsuleHash,
        /// What was named.
        named: CapsuleHash,
    },
    /// The proof file is about another input than the one named.
    #[error("the proof is refused: it is about another public input")]
    OtherInput,
    /// This program has no such backend.
    #[error(
        "the proof is for backend `{backend}`, which this program does not have; it has {}",
        Backends::known().map(|known| known.to_string()).join(", ")
    )]
    UnknownBackend {
        /// Its name.
        backend: BackendId,
    },
    /// No backend proves the run.
    #[error(transparent)]
    NoMethod(#[from] NoMethod),
    /// The run is longer than a proof can be.
    #[error(
        "too long to prove: the run takes {}{steps} machine steps, and one proof holds {limit}; split the input over \
         several runs, or lower the fuel limit so that the run ends earlier",
        if *at_least { "more than " } else { "" }
    )]
    TooManySteps {
        /// Steps counted.
        steps: u64,
        /// Whether counting was given up there.
        at_least: bool,
        /// Most steps.
        limit: u64,
    },
    /// The run is longer than what is planned.
    #[error(
        "the run takes {}{steps} machine steps, and only runs of at most {limit} are planned; the stark backend proves it in \
         segments (`capsule prove`, or `segment cut` to share the work)",
        if *at_least { "more than " } else { "" }
    )]
    TooLongToPlan {
        /// Steps counted.
        steps: u64,
        /// Whether counting was given up there.
        at_least: bool,
        /// Most steps.
        limit: u64,
    },
    /// There is no such exported function.
    #[error("the module exports no function `{entry}`; it exports {}", if exports.is_empty() { "none" } else { exports })]
    NoExport {
        /// Name asked for.
        entry: String,
        /// Names there are.
        exports: String,
    },
    /// Another number of arguments than the function takes.
    #[error("`{entry}` takes {expected} arguments, {given} are given")]
    ArgumentCount {
        /// The function.
        entry: String,
        /// How many it takes.
        expected: usize,
        /// How many there are.
        given: usize,
    },
    /// No directory for the node's data is known.
    #[error("no data directory: give --data DIR, or set HOME")]
    NoDataDirectory,
    /// A file with a passphrase or a key's words that others may read.
    #[error("{} can be read by others: chmod 600 it, and consider what is in it known", path.display())]
    OpenPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// Words are a key that is not encrypted: they are not written where nobody looks.
    #[error(
        "24 words are shown on a terminal only: give --words-to FILE, or make an encrypted backup with -o FILE"
    )]
    WordsNotShown,
    /// The backup is of another node than the one that is here.
    #[error(
        "the backup is of node {node}, and the key here is that of {here}: another --data, or another file"
    )]
    OtherBackup {
        /// The backup's.
        node: nonos_types::NodeId,
        /// That of the data directory.
        here: nonos_types::NodeId,
    },
    /// Nobody is there to type a passphrase or a key's words.
    #[error(
        "there is no terminal to ask on for `{wanted}`: give a file with it, by --passphrase-file or the option that --help names for it"
    )]
    NoTerminal {
        /// What is asked for.
        wanted: String,
    },
    /// The terminal could not be read.
    #[error("cannot read the passphrase from the terminal")]
    Prompt(#[source] io::Error),
    /// Typed twice, differently.
    #[error("the two passphrases differ: nothing was made")]
    PassphrasesDiffer,
    /// `--log` is neither a level nor directives.
    #[error("`{level}` is neither a level (error, warn, info, debug, trace) nor a list of directives")]
    BadLog {
        /// What it is.
        level: String,
    },
    /// Not hexadecimal digits, in pairs.
    #[error("{what} is not hexadecimal")]
    NotHex {
        /// What should be.
        what: &'static str,
    },
    /// The file is not exported evidence.
    #[error("{} is not what `operator trust evidence --export` writes", path.display())]
    NotEvidence {
        /// The file.
        path: PathBuf,
        /// Where it is not.
        #[source]
        source: serde_json::Error,
    },
    /// A part of exported evidence is not hexadecimal.
    #[error("the evidence is damaged: {field} is not hexadecimal")]
    BadEvidence {
        /// The part.
        field: &'static str,
    },
    /// The evidence is about a capsule that is not at hand.
    #[error("the evidence comes without the capsule's package: give it by --capsule FILE")]
    NoPackage,
    /// The evidence shows no fault.
    #[error(
        "the evidence shows no fault of the accused: the proof is valid, or is not the one that was signed for"
    )]
    NotGuilty,
    /// The evidence cannot be judged here.
    #[error("the evidence cannot be judged: {reason}")]
    Indeterminate {
        /// Why not.
        reason: String,
    },
    /// The job has no result.
    #[error("job {job} has no result yet: it is {state}")]
    NoResult {
        /// The job.
        job: JobId,
        /// Where it stands.
        state: &'static str,
    },
    /// The job has no good receipt, or not of this slot.
    #[error(
        "job {job} has no good receipt of slot {slot} here: `operator job show {job}` says how far it is"
    )]
    NoReceipt {
        /// The job.
        job: JobId,
        /// The slot.
        slot: u16,
    },
    /// A file with a receipt is refused.
    #[error(transparent)]
    ReceiptFile(#[from] nonos_verify::ReceiptFileError),
    /// A receipt comes without the capsule that it is about.
    #[error("the capsule {capsule} is not in the file: give it by --capsule FILE")]
    NoCapsule {
        /// The capsule.
        capsule: CapsuleHash,
    },
    /// The run of a receipt cannot be repeated by who has not its sealed input.
    #[error(
        "the input of this run is sealed: only who has it can run it again; `operator receipt verify` checks the proof"
    )]
    SealedRun,
    /// A run that was repeated ended otherwise.
    #[error("run again, it differs from what the receipt says: {}", parts.join(", "))]
    ReplayDiffers {
        /// What differs.
        parts: Vec<&'static str>,
    },
    /// The job's result is not for this node.
    #[error("the result of job {job} is sealed to its requester")]
    ResultOfAnother {
        /// The job.
        job: JobId,
    },
    /// The job's result is sealed to this node, which cannot open it.
    #[error("the sealed result of job {job} is not here: {reason}")]
    ResultNotHere {
        /// The job.
        job: JobId,
        /// Why not.
        reason: String,
    },
    /// The job's result is here, and longer than a node's answers.
    #[error(
        "the result of job {job} is here and too long to be shown: it comes to {len} bytes, and a node's answers carry 16 MiB"
    )]
    ResultTooLong {
        /// The job.
        job: JobId,
        /// Its bytes, or those of all tapes that it is among.
        len: u64,
    },
    /// Two inputs are to come from stdin.
    #[error("only one input can be read from stdin")]
    StdinTwice,
    /// A message is known, and its bytes are not here.
    #[error("the bytes of the message of receipt {receipt} are not here")]
    NoMessage {
        /// Its receipt.
        receipt: ReceiptId,
    },
    /// A message is of another channel.
    #[error("receipt {receipt} is not of capsule {capsule}")]
    OtherChannel {
        /// Its receipt.
        receipt: ReceiptId,
        /// The channel that was named.
        capsule: CapsuleHash,
    },
    /// The job's time is over.
    #[error("job {job} has expired without a good receipt")]
    Expired {
        /// The job.
        job: JobId,
    },
    /// Nobody begins the job any more.
    #[error("job {job} was cancelled by its requester")]
    Cancelled {
        /// The job.
        job: JobId,
    },
    /// The node's answer is not what it should be.
    #[error("the node's answer cannot be read: {field}")]
    BadAnswer {
        /// What of it.
        field: &'static str,
    },
    /// The runtime or its signals cannot be set up.
    #[error("the system gives no threads or signals")]
    Runtime(#[source] io::Error),
    /// There is no link to the node's page.
    #[error(transparent)]
    Link(#[from] nonos_node::LinkError),
    /// The configuration is refused.
    #[error(transparent)]
    Config(#[from] nonos_node::ConfigError),
    /// A configuration has mistakes, which were told.
    #[error("{} has {mistakes} mistake{}", path.display(), if *mistakes == 1 { "" } else { "s" })]
    BadConfig {
        /// Its file.
        path: PathBuf,
        /// How many.
        mistakes: usize,
    },
    /// Something that a node needs is not as it should be, as was told.
    #[error("{failed} of {checks} checks failed")]
    Unwell {
        /// How many.
        failed: usize,
        /// Of how many.
        checks: usize,
        /// Who must act.
        fault: Fault,
    },
    /// A flag's value is none that it can have.
    #[error("{flag}: {reason}")]
    BadSetting {
        /// The flag.
        flag: &'static str,
        /// Why not.
        reason: String,
    },
    /// Nobody is there to be asked.
    #[error(
        "there is no terminal to ask on: give --yes, which takes what is not given by its default, and any of {flags}"
    )]
    NobodyToAsk {
        /// The flags.
        flags: String,
    },
    /// Source does not become a module, or a capsule's directory is none.
    #[error(transparent)]
    Sdk(#[from] crate::sdk::SdkError),
    /// The machine cannot be measured.
    #[error(transparent)]
    Probe(#[from] nonos_state::probe::Error),
}

impl Failure {
    /// Who must act.
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound => Fault::Caller,
            Self::File { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => Fault::Caller,
            Self::File { .. }
            | Self::Random(_)
            | Self::Stdout(_)
            | Self::Prompt(_)
            | Self::BadAnswer { .. }
            | Self::Runtime(_) => Fault::Environment,
            Self::NoDataDirectory
            | Self::OpenPassphrase { .. }
            | Self::NoTerminal { .. }
            | Self::WordsNotShown
            | Self::OtherBackup { .. }
            | Self::PassphrasesDiffer
            | Self::BadLog { .. }
            | Self::NotHex { .. }
            | Self::OtherChannel { .. }
            | Self::NoPackage
            | Self::NotText { .. }
            | Self::BadFileName { .. }
            | Self::ServiceExists { .. }
            | Self::NotAKey { .. }
            | Self::OpenKey { .. }
            | Self::NoParamsDirectory
            | Self::NoExport { .. }
            | Self::TooManySteps { .. }
            | Self::TooLongToPlan { .. }
            | Self::StdinTwice
            | Self::ResultOfAnother { .. }
            | Self::NoCapsule { .. }
            | Self::SealedRun
            | Self::BadConfig { .. }
            | Self::NobodyToAsk { .. }
            | Self::BadSetting { .. }
            | Self::ArgumentCount { .. } => Fault::Caller,
            Self::NotEvidence { .. }
            | Self::BadEvidence { .. }
            | Self::NotGuilty
            | Self::Indeterminate { .. }
            | Self::NoResult { .. }
            | Self::NoReceipt { .. }
            | Self::ReplayDiffers { .. }
            | Self::ResultNotHere { .. }
            | Self::ResultTooLong { .. }
            | Self::NoMessage { .. }
            | Self::Expired { .. }
            | Self::Cancelled { .. }
            | Self::TooLong { .. }
            | Self::OtherProgram { .. }
            | Self::OtherInput
            | Self::UnknownBackend { .. } => Fault::Peer,
            Self::DamagedBundle { damage, .. } => damage.fault(),
            Self::Unwell { fault, .. } => *fault,
            Self::NoMethod(error) => error.fault(),
            Self::Link(error) => error.fault(),
            Self::Config(error) => error.fault(),
            Self::Sdk(error) => error.fault(),
            Self::Probe(error) => error.fault(),
            Self::Store(error) => error.fault(),
            Self::Devnet(error) => error.fault(),
            Self::Settle(error) => error.fault(),
            Self::Node(error) => error.fault(),
            Self::DataDir(error) => error.fault(),
            Self::Client(error) => error.fault(),
            Self::Keystore(error) => error.fault(),
            Self::Statement(error) => error.fault(),
            Self::Halo2(error) => error.fault(),
            Self::Prove(error) => error.fault(),
            Self::Segment(error) => error.fault(),
            Self::SealedSegments => Fault::Caller,
            Self::Refused(error) => error.fault(),
            Self::Object(error) => error.fault(),
            Self::ReceiptFile(error) => error.fault(),
            Self::Package(error) => error.fault(),
            Self::Module(error) => error.fault(),
            Self::Capsule(error) => error.fault(),
            Self::Worker(error) => error.fault(),
            Self::Value(error) => error.fault(),
        }
    }

    /// 1 this machine, 2 the command line, 3 what somebody else made, 4 a defect of this program.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.fault() {
            Fault::Environment => 1,
            Fault::Caller => 2,
            Fault::Peer => 3,
            Fault::Bug => 4,
        })
    }
}
