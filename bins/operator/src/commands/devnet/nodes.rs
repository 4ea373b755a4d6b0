//! Starts the nodes of a devnet, in this process or each in its own, and stops them whatever happens.

use super::{
    error::Error,
    home::{Place, failed},
};
use crate::{failure::Failure, files, output::say};
use nonos_node::{
    Client, Conduct, Config, DataDir, Node, NodeOptions, Proofs,
    api::{Done, Request, Status},
    choice::Method,
};
use nonos_trust::keystore::{self, Cost, Passphrase};
use std::{
    fs::OpenOptions,
    num::NonZeroUsize,
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};
use tokio::{
    process::{Child, Command},
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    time::timeout,
};

/// How often something that is waited for is looked at.
pub(super) const LOOK: Duration = Duration::from_millis(200);
/// How long a node may take to start, and to stop.
const START: Duration = Duration::from_secs(120);
const STOP: Duration = Duration::from_secs(20);

/// Loopback, and a port that the system chooses.
const LISTEN: &str = "/ip4/127.0.0.1/tcp/0";
const NETWORK: &str = "devnet";
/// Receipts that may wait to be verified.
const QUEUE: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// Where nodes run.
pub(super) enum Host {
    /// In this process, which has the proof systems once.
    Here(Arc<Proofs>),
    /// Each in a process of its own, with this directory of parameters.
    Processes { params: PathBuf },
}

/// The nodes, which stop when this is dropped.
pub(super) struct Nodes {
    host: Host,
    /// What their files say.
    config: String,
    running: Vec<Running>,
    interrupt: mpsc::Receiver<()>,
    /// There until this is dropped.
    runtime: Option<Runtime>,
}

struct Running {
    place: Place,
    malicious: bool,
    life: Life,
}

enum Life {
    Here(Option<Node>),
    Process(Child),
}

impl Host {
    /// In this process.
    pub(super) fn here(params: PathBuf) -> Result<Self, Failure> {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = NonZeroUsize::new(cores.saturating_sub(1)).unwrap_or(NonZeroUsize::MIN);
        Ok(Self::Here(Arc::new(Proofs::new(params, threads, QUEUE)?)))
    }
}

impl Nodes {
    /// None yet, and this many of them malicious, all to prove by one method; but Ctrl-C is caught from now on.
    pub(super) fn new(host: Host, malicious: usize, method: Method) -> Result<Self, Failure> {
        let system = |action| move |source| Error::System { action, source };
        let runtime = Runtime::new().map_err(system("start the runtime's threads"))?;
        let (sender, interrupt) = mpsc::channel();
        let (mut ctrl_c, mut terminate) = {
            let _entered = runtime.enter();
            let listen = |kind| signal(kind).map_err(system("listen for signals"));
            (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?)
        };
        runtime.spawn(async move {
            tokio::select! {
                _ = ctrl_c.recv() => {}
                _ = terminate.recv() => {}
            }
            // Who does not listen any more is about to stop anyway.
            let _ = sender.send(());
        });
        Ok(Self {
            host,
            config: config_text(malicious, method),
            running: Vec::new(),
            interrupt,
            runtime: Some(runtime),
        })
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("there until this is dropped")
    }

    /// Starts one, and waits until it can be asked: a connection to it, and where it listens.
    pub(super) fn start(
        &mut self,
        place: Place,
        malicious: bool,
        peers: &[String],
    ) -> Result<(Client, Status), Failure> {
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy).map_err(Failure::Random)?;
        let secret = place.passphrase(&entropy)?;
        let passphrase = Passphrase::new(secret.to_vec())?;
        if !place.is_taken() {
            nonos_node::init(&place.data, &passphrase, Cost::MIN, &self.config)?;
        }
        let life = match &self.host {
            Host::Here(proofs) => {
                let data = DataDir::open(&place.data)?;
                files::write(&data.config(), self.config.as_bytes())?;
                let options = NodeOptions {
                    identity: keystore::open(&data.keystore(), &passphrase)?,
                    data,
                    config: Config {
                        peers: peers.to_vec(),
                        ..Config::parse(&self.config)?
                    },
                    proofs: Arc::clone(proofs),
                    old_books: false,
                    conduct: if malicious {
                        Conduct::ForgeResults
                    } else {
                        Conduct::Honest
                    },
                };
                Life::Here(Some(self.runtime().block_on(Node::start(options))?))
            }
            Host::Processes { params } => {
                // Opened, so that it is not another process's.
                let data = DataDir::open(&place.data)?;
                files::write(&data.config(), self.config.as_bytes())?;
                drop(data);
                let mut command = process(&place, malicious, peers)?;
                let _entered = self.runtime().enter();
                let spawned = command.env("NONOS_PARAMS", params).spawn();
                Life::Process(spawned.map_err(|source| Error::System {
                    action: "start a node's process",
                    source,
                })?)
            }
        };
        self.running.push(Running {
            place,
            malicious,
            life,
        });
        self.ready(self.running.len() - 1)
    }

    fn ready(&mut self, node: usize) -> Result<(Client, Status), Failure> {
        let data = self.running[node].place.data.clone();
        let mut asked = None;
        self.wait(START, &format!("the start of node {node}"), |_| {
            if asked.is_none() {
                asked = Client::connect(&data).ok();
            }
            let Some(client) = &mut asked else { return Ok(None) };
            let status: Status = client.call(&Request::Status)?;
            Ok((!status.addresses.is_empty()).then_some(status))
        })
        .map(|status| (asked.expect("it answered"), status))
    }

    /// Looks until there is something to see.
    #[expect(clippy::disallowed_methods, reason = "the devnet has a deadline")]
    pub(super) fn wait<T>(
        &mut self,
        within: Duration,
        what: &str,
        mut look: impl FnMut(&mut Self) -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        let started = Instant::now();
        loop {
            if let Some(seen) = look(self)? {
                return Ok(seen);
            }
            if started.elapsed() > within {
                let what = what.to_owned();
                return Err(Error::TooSlow { what, within }.into());
            }
            self.pause(LOOK)?;
        }
    }

    /// Does nothing for a while, unless it is interrupted or a node ends.
    pub(super) fn pause(&mut self, time: Duration) -> Result<(), Error> {
        if self.interrupt.recv_timeout(time) != Err(mpsc::RecvTimeoutError::Timeout) {
            return Err(Error::Interrupted);
        }
        for (node, running) in self.running.iter_mut().enumerate() {
            if let Life::Process(child) = &mut running.life
                && let Ok(Some(status)) = child.try_wait()
            {
                let log = running.place.log.clone();
                return Err(Error::NodeEnded { node, status, log });
            }
        }
        Ok(())
    }

    /// A node's data directory, and whether it was started to forge results.
    pub(super) fn about(&self, node: usize) -> (PathBuf, bool) {
        let running = &self.running[node];
        (running.place.data.clone(), running.malicious)
    }
}

/// `operator run`, with what the node is told in arguments.
fn process(place: &Place, malicious: bool, peers: &[String]) -> Result<Command, Failure> {
    let program = std::env::current_exe().map_err(|source| Error::System {
        action: "find this program",
        source,
    })?;
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&place.log)
        .map_err(failed("write", &place.log))?;
    let mut command = Command::new(program);
    command.arg("run").arg("--data").arg(&place.data);
    command.arg("--passphrase-file").arg(&place.passphrase);
    command.args(["--listen", LISTEN, "--while-stdin"]);
    for peer in peers {
        command.args(["--peer", peer]);
    }
    if malicious {
        command.args(["--conduct", "forge-results"]);
    }
    command
        // Kept open as long as this process lives: the node ends with it, even where it is killed.
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        // Ctrl-C is for the devnet, which stops its nodes.
        .process_group(0)
        .kill_on_drop(true);
    Ok(command)
}

/// What a devnet's node is told by its file. Its peers change with every start, and are not in it.
fn config_text(malicious: usize, method: Method) -> String {
    // Under which profile is the executor's to choose; by which backend is in the offers.
    let proving = method.profile().map_or_else(String::new, |profile| {
        format!("[proving]\nprofile = \"{profile}\"\n")
    });
    format!(
        "# A node of `operator devnet`, which writes this at every start.\nnetwork = \"{NETWORK}\"\nlisten = \
         [\"{LISTEN}\"]\n# All that are malicious, and no more, may be found so at once.\nbrake_peers = {}\n[directory]\nlan = true\n# That \
         many nodes share a machine is no reason to do less.\n[roles]\nseeder = \"on\"\nexecutor = \"on\"\nverifier = \
         \"on\"\nbroadcaster = \"on\"\n{proving}",
        malicious + 1
    )
}

impl Drop for Nodes {
    fn drop(&mut self) {
        // All are told before any is waited for.
        for running in &self.running {
            if let Life::Process(_) = running.life
                && let Ok(mut client) = Client::connect(&running.place.data)
            {
                let _: Result<Done, _> = client.call(&Request::Stop);
            }
        }
        let runtime = self.runtime.take().expect("dropped once");
        for (node, running) in self.running.iter_mut().enumerate() {
            let stopped = match &mut running.life {
                Life::Here(running) => match running.take() {
                    Some(node) => runtime.block_on(async { timeout(STOP, node.shutdown()).await.is_ok() }),
                    None => true,
                },
                Life::Process(child) => runtime.block_on(async {
                    let ended = timeout(STOP, child.wait()).await.is_ok();
                    ended || child.kill().await.is_err()
                }),
            };
            if !stopped {
                say(&format!(
                    "node {node} did not stop within {} s, and was ended",
                    STOP.as_secs()
                ));
            }
        }
        // A proof that is being made is not waited for.
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
}
