//! What an operator sets.

mod credit;
mod http;
mod limits;
mod onion;
mod roles;
mod settlement;
mod shards;

use std::path::PathBuf;

use nonos_mesh::core::DirectoryLimits;
use nonos_types::{Amount, Fault, Fuel, Pages};
use nonos_worker::{Runner, Worker};
use serde::Deserialize;

pub use self::{
    credit::Credit,
    http::{Http, HttpListen, HttpListenError, MetricsAccess},
    limits::{Disk, Limits, Memory, Monthly, Percent, QuietHours, Upload},
    onion::{CoverName, Family, Onion, Policy},
    roles::{Pin, Pins},
    settlement::{AnchorName, Evm, Settlement},
    shards::Mesh,
};
use crate::choice::{Backend, Choice, Facts, Method, NoMethod, Profile, Purpose, System, Wish, choose};

/// A node's configuration, as `config.toml` has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of the network: nodes of different networks do not speak to each other.
    pub network: String,
    /// Multiaddrs to listen on.
    pub listen: Vec<String>,
    /// Multiaddrs of peers to keep connected to.
    pub peers: Vec<String>,
    /// Which part of the mesh it hears.
    pub mesh: Mesh,
    /// Whose descriptors it keeps.
    pub directory: Directory,
    /// How it hides.
    pub onion: Onion,
    /// Which roles it takes.
    pub roles: Pins,
    /// How much of the machine it uses.
    pub limits: Limits,
    /// What it does as an executor.
    pub executor: Executor,
    /// How much may be unpaid between it and a peer.
    pub credit: Credit,
    /// How its jobs and those of others are proved.
    pub proving: Proving,
    /// Where it runs capsules.
    pub sandbox: Sandbox,
    /// What it does as a verifier.
    pub verifier: Verifier,
    /// How its books are settled.
    pub settlement: Settlement,
    /// Where its page is.
    pub http: Http,
    /// How the machine is measured.
    pub probe: Probe,
    /// Guilty peers within ten minutes, being more than a fifth of all, from which on nobody is blacklisted without
    /// the operator: a fault of this program is then the likelier cause.
    pub brake_peers: usize,
    /// Seconds after which a job is given to another executor.
    pub award_timeout_s: u64,
}

/// Whose descriptors a node keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Directory {
    /// Most descriptors.
    pub most: usize,
    /// Bits of work that a node must have done for its name; one's own name is worked for, too.
    #[serde(deserialize_with = "stamp_bits")]
    pub stamp_bits: u32,
    /// Most nodes in one /24 (IPv4) or /48 (IPv6).
    pub of_prefix: usize,
    /// Are all nodes in one house, with private addresses? Then those have no such limit.
    pub lan: bool,
}

impl Directory {
    /// Most bits of work: an hour or so of one core.
    pub const MAX_STAMP_BITS: u32 = 32;

    pub(crate) fn limits(self) -> DirectoryLimits {
        DirectoryLimits {
            most: self.most,
            stamp_bits: self.stamp_bits,
            of_prefix: self.of_prefix,
            private_prefixes: !self.lan,
        }
    }
}

fn stamp_bits<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let bits = u32::deserialize(deserializer)?;
    let most = Directory::MAX_STAMP_BITS;
    if bits <= most {
        Ok(bits)
    } else {
        let message = format!("{bits} bits of work are more than anyone should do: at most {most}");
        Err(serde::de::Error::custom(message))
    }
}

impl Default for Directory {
    fn default() -> Self {
        let limits = DirectoryLimits::default();
        Self {
            most: limits.most,
            stamp_bits: limits.stamp_bits,
            of_prefix: limits.of_prefix,
            lan: !limits.private_prefixes,
        }
    }
}

/// What a node does as an executor.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Executor {
    /// Does it run capsules of others?
    pub enabled: bool,
    /// Least price for a million units of fuel.
    pub min_fuel_price: Amount,
    /// Most fuel of a capsule's policy.
    pub max_fuel: Fuel,
    /// Most memory of a capsule's policy, in pages of 64 KiB.
    pub max_pages: Pages,
    /// Most bytes of input.
    pub max_input: u64,
    /// May other executors prove segments of its long runs, for a part of the fee?
    pub share_segments: bool,
    /// Least it proves a segment for another executor for, in atto-NONOS.
    pub segment_price: Amount,
    /// Most it pays for a segment; however much that is, helpers get at most half of what it gets.
    pub segment_fee: Option<Amount>,
    /// Most segments that it proves for an executor before that has paid.
    pub segment_credit: u32,
}

/// How runs are proved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Proving {
    /// The proof system of jobs that this node offers, where the job names none. Others' jobs name theirs.
    pub backend: Backend,
    /// What the proofs of such jobs are wanted for.
    pub purpose: Purpose,
    /// What this node's STARK proofs are optimised for.
    pub profile: ProfileName,
}

/// The profiles of the STARK.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileName {
    /// The time of proving.
    #[default]
    Fast,
    /// The size of the proof.
    Small,
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Fast => Self::Fast,
            ProfileName::Small => Self::Small,
        }
    }
}

impl Proving {
    /// The proof system of a job that this node offers, if the job names `backend`.
    ///
    /// # Errors
    /// [`NoMethod`].
    pub(crate) fn of_job(&self, backend: Option<Backend>) -> Result<Choice, NoMethod> {
        let wish = Wish {
            backend: backend.unwrap_or(self.backend),
            purpose: self.purpose,
            // The executor's to choose.
            profile: None,
        };
        // Both systems hide what is sealed. Who offers a job has not run it.
        choose(&wish, &Facts::default())
    }

    /// How this node proves a run by this system.
    pub(crate) fn method(&self, system: System) -> Method {
        match system {
            System::Halo2 => Method::Halo2,
            System::Stark => Method::Stark(self.profile.into()),
        }
    }
}

/// Where a node runs capsules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sandbox {
    /// In this process or in others?
    pub mode: SandboxMode,
    /// A program that is a worker, instead of this one; see [`nonos_worker::serve_if_asked`].
    pub worker: Option<PathBuf>,
}

/// Whether capsules are run in the node's process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxMode {
    /// Each run in a process of its own.
    #[default]
    Process,
    /// In the node's process, for embedders whose program is no worker and who have no other.
    InProcess,
}

impl Sandbox {
    /// The node's own process.
    pub fn in_process() -> Self {
        Self {
            mode: SandboxMode::InProcess,
            worker: None,
        }
    }

    pub(crate) fn runner(&self) -> Runner {
        match (self.mode, &self.worker) {
            (SandboxMode::InProcess, _) => Runner::InProcess,
            (SandboxMode::Process, Some(program)) => Runner::Process(Worker::new(program)),
            (SandboxMode::Process, None) => Runner::Process(Worker::this_program()),
        }
    }
}

/// What a node does as a verifier.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Verifier {
    /// Threads; 0 for one less than there are cores.
    pub threads: usize,
    /// Receipts that may wait.
    pub queue: usize,
}

/// How the machine is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// A few MiB of disk and network: a first impression.
    Quick,
    /// More, for figures that hold.
    Full,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            network: "nonos-main".to_owned(),
            listen: vec![
                "/ip4/0.0.0.0/udp/4710/quic-v1".to_owned(),
                "/ip4/0.0.0.0/tcp/4710".to_owned(),
            ],
            peers: vec![],
            mesh: Mesh::default(),
            directory: Directory::default(),
            onion: Onion::default(),
            roles: Pins::default(),
            limits: Limits::default(),
            executor: Executor::default(),
            credit: Credit::default(),
            proving: Proving::default(),
            sandbox: Sandbox::default(),
            verifier: Verifier::default(),
            settlement: Settlement::default(),
            http: Http::default(),
            probe: Probe::Quick,
            brake_peers: nonos_trust::TrustBook::BRAKE_PEERS,
            award_timeout_s: 600,
        }
    }
}

impl Default for Executor {
    fn default() -> Self {
        Self {
            enabled: true,
            min_fuel_price: Amount::ZERO,
            max_fuel: Fuel::new((1 << 30) - 1),
            max_pages: Pages::new(16_384),
            max_input: 1 << 20,
            share_segments: true,
            segment_price: Amount::ZERO,
            segment_fee: None,
            segment_credit: 32,
        }
    }
}

impl Default for Verifier {
    fn default() -> Self {
        Self {
            threads: 0,
            queue: 256,
        }
    }
}

/// Why a text is not a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("config.toml, line {line}, column {column}: {message}")]
pub struct ConfigError {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl ConfigError {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        Fault::Caller
    }
}

impl Config {
    /// Reads `config.toml`. What it does not set has its default; what is not known is refused.
    ///
    /// ```
    /// use nonos_node::Config;
    ///
    /// assert_eq!(Config::parse(Config::DEFAULT_TEXT)?, Config::default());
    /// let error = Config::parse("network = \"mine\"\nlisten_on = []\n").unwrap_err();
    /// assert_eq!((error.line, error.column), (2, 1));
    /// # Ok::<_, nonos_node::ConfigError>(())
    /// ```
    ///
    /// ```
    /// use nonos_node::Config;
    ///
    /// let config = Config::parse("network = \"example\"")?;
    /// assert_eq!(config.network, "example");
    /// let error = Config::parse("netwrok = \"example\"").expect_err("a key that there is not");
    /// assert!(error.to_string().contains("netwrok"), "{error}");
    /// # Ok::<_, nonos_node::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError`] with the place.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let bad = |start: usize, message: &str| {
            let before = &text[..start.min(text.len())];
            ConfigError {
                line: before.matches('\n').count() + 1,
                column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
                message: message.to_owned(),
            }
        };
        let config: Self = toml::from_str(text)
            .map_err(|error| bad(error.span().map_or(0, |span| span.start), error.message()))?;
        if config.roles.executor == Pin::On && !config.executor.enabled {
            let message = "`executor = \"on\"` under [roles] contradicts `enabled = false` under [executor]";
            return Err(bad(text.find("[roles]").unwrap_or(0), message));
        }
        if let Some(message) = config.settlement.mistake() {
            return Err(bad(text.find("[settlement]").unwrap_or(0), &message));
        }
        Ok(config)
    }

    /// Most memory of a capsule's policy.
    pub(crate) fn max_pages(&self) -> Pages {
        let within = self
            .limits
            .memory
            .map(|it| it.get().get() / Pages::new(1).bytes().get());
        let within = within.and_then(|pages| u32::try_from(pages).ok());
        within.map_or(self.executor.max_pages, |pages| {
            self.executor.max_pages.min(Pages::new(pages))
        })
    }

    /// What the operator wants of each role.
    pub(crate) fn pins(&self) -> Pins {
        let mut pins = self.roles;
        if !self.executor.enabled {
            pins.executor = Pin::Off;
        }
        pins
    }

    /// The default configuration, with comments.
    pub const DEFAULT_TEXT: &'static str = r#"# Configuration of an operator node. What is commented out has the value shown.

# Nodes of different networks do not speak to each other.
#network = "nonos-main"

# Where to listen: multiaddrs.
#listen = ["/ip4/0.0.0.0/udp/4710/quic-v1", "/ip4/0.0.0.0/tcp/4710"]

# Peers to keep connected to: multiaddrs. There is no DNS and no built-in peer.
#peers = ["/ip4/192.0.2.7/tcp/4710"]

# Seconds after which a job of this node is given to another executor.
#award_timeout_s = 600

# How the machine is measured at the first start: "quick" or "full".
#probe = "quick"

# So many peers found guilty within ten minutes, being more than a fifth of all, stop the blacklisting: a fault of
# this program is then the likelier cause.
#brake_peers = 3

[mesh]
# The shards of whose capsules this node hears what becomes of their jobs: "all", or some of 0 to 3 (the first two bits of a
# capsule's hash), such as [0, 2]. It runs, verifies and keeps only what is of these, and of its own jobs wherever they are.
# All nodes of the network must know of shards.
#shards = "all"

[directory]
# Most nodes that are known.
#most = 10000
# Work that a node must have done for its name, in bits (16 take a tenth of a second, each more twice as long, 32 at most):
# the same in the whole network.
#stamp_bits = 16
# Most nodes in one /24 (IPv4) or /48 (IPv6).
#of_prefix = 8
# Whether all nodes are in one house, with private addresses: then those have no such limit.
#lan = false

[onion]
# Whether others learn which capsules this node looks up, and where its receipts come from: "preferred" hides it as far as
# there are enough nodes, "required" does not do it where that is not possible, "off" never hides and helps nobody to.
#policy = "preferred"
# Frames of 4 KiB that are sent when there is nothing to say, so that nobody sees when there is: "low" (each five seconds),
# "normal" (each second; with what is passed on for others about 1 GB a day), "high" (four each second), "metered" (none).
#cover = "normal"
# Nodes on a route, 2 to 5, and milliseconds that each holds a frame, on average.
#hops = 3
#delay_ms = 300
# Seconds for which a node must have been known before frames go through it.
#min_age_s = 3600
# For who runs several nodes: words that are the same in all of them. No two of them are hops of one route, of anybody's.
# Others see that they belong together. Nodes that are too old to know of families take no descriptor with one.
#family = "some words"

[roles]
# Whether this node gives peers objects that are others' (seeder), runs their jobs (executor), says for a bounty which
# receipts verify (verifier), and passes on what others say (broadcaster): "on", "off", or "auto", as the load allows.
# `operator roles explain` says what came of it, and why.
#seeder = "auto"
#executor = "auto"
#verifier = "auto"
#broadcaster = "auto"

[limits]
# How much of the machine this node uses. Sizes have their unit: KB, MB, GB, TB, or KiB, MiB, GiB, TiB.
# Share of the cores, in per cent, that proofs may use, and that verifying others' may use.
#cpu = 100
# Memory of a run and of a proof, 256MiB at least. With it no job by halo2 is run, which cannot keep to it.
#memory = "4GiB"
# All of the data directory, 256MiB at least. What others have, too, is dropped first; then nothing more is taken on.
#disk = "20GB"
# Kilobits per second of objects that peers get from this node, 512 at least. Messages are not held back.
#upload_kbit_s = 20000
# Bytes sent and received in a calendar month (UTC), 1MB at least. After them nothing is given, run, verified or passed on
# for others until the next.
#monthly = "500GB"
# When nothing is run or seeded for others, each day (UTC).
#quiet_hours = ["22:00-06:00"]

[executor]
# Run capsules of others?
#enabled = true
# Least price for a million units of fuel, in atto-NONOS (1 NONOS = 10^18).
#min_fuel_price = "0"
# Most fuel, pages of memory (64 KiB each) and bytes of input of a job.
#max_fuel = 1073741823
#max_pages = 16384
#max_input = 1048576
# May other executors prove segments of its long runs? They are paid out of its own part of the fee, half of that at most;
# and most it pays for a segment, in atto-NONOS, if half is too much.
#share_segments = true
#segment_fee = "1000000000000000000"
# Least it proves a segment of another's run for, and how many for one executor before that has paid.
#segment_price = "0"
#segment_credit = 32

[credit]
# The most, in atto-NONOS, that a peer nothing is known of may leave unpaid before this node runs nothing more for it: a
# quarter of it on probation, four times as much if it is known, sixteen times if it is trusted.
#base = "10000000000000000000000"
# The most that this node comes to owe a peer.
#most_owed = "1000000000000000000000000"

[proving]
# The proof system of jobs of this node that name none: "stark", quick proofs of some 400 KB, "halo2", proofs of about
# 50 KB that take some fifty times as long, or "auto", which takes what suits the purpose.
#backend = "auto"
# What such proofs are wanted for: "quick" or "compact".
#purpose = "quick"
# What this node makes STARK proofs for: "fast", or "small", half the size in twice the time.
#profile = "fast"

[sandbox]
# Where capsules run: "process", each run in a process of its own that can do nothing else, or "in-process".
#mode = "process"
# The program of that process, if it is not this one.
#worker = "/usr/local/bin/operator"

[verifier]
# Threads that verify; 0 for one less than there are cores.
#threads = 0
# Receipts that may wait.
#queue = 256

[settlement]
# Where batches of the books are anchored (`operator settle`): "none", and they stay pending; "file", one in the data
# directory, which a person carries to the witnesses; "witness", the same, and they are asked over the mesh; or "evm", a
# contract on a chain.
#anchor = "none"
# What batches show that this node owes no peer more than, net, in atto-NONOS.
#limit = "79228162514264337593543950336"
# Node ids of those who are asked to countersign, and how many of them must have, 0 for more than half.
#witnesses = []
#threshold = 0
# Node ids of those whose batches this node countersigns, when they ask over the mesh.
#witness_for = []

# A contract on an EVM chain: a node of the chain, by HTTP, on this machine or at the end of a tunnel; the contract
# (`operator settle deploy` makes one); most for a unit of gas, in 10^9 of the smallest unit; seconds after which more is
# offered; and blocks that make a batch final. The account is `keys/evm` (`operator settle account new`).
#[settlement.evm]
#rpc = "http://127.0.0.1:8545"
#chain_id = 1
#contract = "0x0000000000000000000000000000000000000000"
#max_fee_gwei = 50
#patience_s = 300
#confirmations = 12

[http]
# Where the page, its API and the metrics are: an address of this machine alone, as in "127.0.0.1:4780", "off", or "auto":
# that one, or another port if somebody has it. `operator dashboard` gives the link.
#listen = "auto"
# Who may read /metrics: "token", whoever can read the file run/http-token, or "open", every program of this machine.
#metrics = "token"
"#;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_on_off_or_the_nodes_own_matter() {
        let config = Config::parse("[roles]\nseeder = \"off\"\nverifier = \"on\"\n").expect("roles");
        let pins = [
            config.pins().seeder,
            config.pins().executor,
            config.pins().verifier,
        ];
        assert_eq!(pins, [Pin::Off, Pin::Auto, Pin::On]);
        let off = Config::parse("[executor]\nenabled = false\n").expect("no executor");
        assert_eq!(off.pins().executor, Pin::Off);
        for (text, line, why) in [
            ("[roles]\nseeder = true\n", 2, "string"),
            ("[roles]\nseeder = \"maybe\"\n", 2, "unknown variant"),
            ("[roles]\nminer = \"on\"\n", 2, "unknown field"),
            (
                "[executor]\nenabled = false\n[roles]\nexecutor = \"on\"\n",
                3,
                "contradicts",
            ),
        ] {
            let error = Config::parse(text).expect_err(text);
            assert_eq!(error.line, line, "{error}");
            assert!(error.message.contains(why), "{error}");
        }
    }

    #[test]
    fn nobody_works_forever_for_a_name() {
        let error = Config::parse("[directory]\nstamp_bits = 33\n").expect_err("too much");
        assert_eq!((error.line, error.column), (2, 14));
        assert!(error.message.contains("at most 32"), "{error}");
        assert!(Config::parse("[directory]\nstamp_bits = 32\n").is_ok());
    }

    #[test]
    fn jobs_are_proved_quickly_unless_something_else_is_set() {
        let of_job = |text: &str, backend| {
            let config = Config::parse(text).expect("a configuration");
            let choice = config.proving.of_job(backend).expect("public tapes");
            choice.method.system()
        };
        let halo2 = "[proving]\nbackend = \"halo2\"\n";
        assert_eq!(of_job("", None), System::Stark);
        assert_eq!(of_job("[proving]\npurpose = \"compact\"\n", None), System::Halo2);
        assert_eq!(of_job(halo2, None), System::Halo2);
        assert_eq!(of_job(halo2, Some(Backend::Is(System::Stark))), System::Stark);
        assert_eq!(of_job(halo2, Some(Backend::Auto)), System::Stark);
        let error = Config::parse("[proving]\nbackend = \"halo3\"\n").expect_err("there is none");
        assert!(error.message.contains("there are: auto, stark, halo2"), "{error}");
        let small = Config::parse("[proving]\nprofile = \"small\"\n").expect("a configuration");
        let method = small.proving.method(System::Stark);
        assert_eq!(method, Method::Stark(Profile::Small));
    }

    fn sandbox(text: &str) -> Result<Sandbox, ConfigError> {
        Config::parse(&format!("[sandbox]\n{text}")).map(|config| config.sandbox)
    }

    #[test]
    fn capsules_run_in_other_processes_unless_told_otherwise() {
        let this = Runner::Process(Worker::this_program());
        assert_eq!(Config::default().sandbox.runner(), this);
        assert_eq!(sandbox("mode = \"process\"").map(|it| it.runner()), Ok(this));
        let other = sandbox("worker = \"/opt/worker\"").map(|it| it.runner());
        assert_eq!(other, Ok(Runner::Process(Worker::new("/opt/worker"))));
        assert_eq!(sandbox("mode = \"in-process\""), Ok(Sandbox::in_process()));
        assert_eq!(Sandbox::in_process().runner(), Runner::InProcess);
        let error = sandbox("mode = \"thread\"").expect_err("there is no such mode");
        assert_eq!(error.line, 2);
    }
}
