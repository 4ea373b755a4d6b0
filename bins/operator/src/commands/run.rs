//! `operator run`: a node, until it is told to stop.

use super::Context;
use crate::{
    datadir::DataArgs,
    failure::Failure,
    notify::{self, notify},
    output::{joined, say},
    overrides::Overrides,
    passphrase::PassphraseArgs,
};
use nonos_node::{
    Conduct, Config, DataDir, Handle, Node, NodeOptions, Proofs,
    api::{Reloaded, Request, Status},
};
use nonos_trust::keystore;
use std::{
    io::{self, IsTerminal as _},
    num::NonZeroUsize,
    path::Path,
    process,
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};
use tracing_subscriber::EnvFilter;

/// How often a new node is asked where it listens, and how long between.
const ASKED: (u32, Duration) = (100, Duration::from_millis(100));

/// Runs the node until Ctrl-C, SIGTERM or a request to stop.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    overrides: Overrides,
    /// How much to log to stderr: error, warn, info, debug, trace, or directives as in `info,nonos_mesh=debug`.
    #[arg(long, value_name = "LEVEL", env = "NONOS_LOG", default_value = "info")]
    log: String,
    /// Starts also if the books are older than what was signed with this key, as after a restored backup. Nothing is
    /// signed then before `operator ledger resume`.
    #[arg(long)]
    old_books: bool,
    /// How the node behaves: other than as it should only in meshes that try what others make of it.
    #[arg(long, value_enum, default_value_t, hide = true)]
    conduct: ConductArg,
    /// Stops also when stdin ends, which it does when whoever holds its other end is gone, however that came.
    #[arg(long, hide = true)]
    while_stdin: bool,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum ConductArg {
    #[default]
    Honest,
    ForgeResults,
    RelayUnchecked,
    ForgeSegments,
}

impl Run {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        self.start_log()?;
        let data = DataDir::open(&self.data.path()?)?;
        let config = self.config(&data.config())?;
        let identity = keystore::open(&data.keystore(), &self.passphrase.known()?)?;
        let params = context.params.clone().unwrap_or_else(|| data.params());
        let queue = NonZeroUsize::new(config.verifier.queue).unwrap_or(NonZeroUsize::MIN);
        let cores = config.limits.cores(cores());
        let verifying = threads(config.verifier.threads).min(cores);
        let proofs = Proofs::new(params, verifying, queue)?.proving_on(cores)?;
        let options = NodeOptions {
            data,
            identity,
            config,
            proofs: Arc::new(proofs),
            old_books: self.old_books,
            conduct: match self.conduct {
                ConductArg::Honest => Conduct::Honest,
                ConductArg::ForgeResults => Conduct::ForgeResults,
                ConductArg::RelayUnchecked => Conduct::RelayUnchecked,
                ConductArg::ForgeSegments => Conduct::ForgeSegments,
            },
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime
            .map_err(Failure::Runtime)?
            .block_on(serve(options, self.while_stdin))
    }

    fn config(&self, path: &Path) -> Result<Config, Failure> {
        let mut config = Config::parse(&super::config::read(path)?)?;
        self.overrides.apply(&mut config);
        Ok(config)
    }

    fn start_log(&self) -> Result<(), Failure> {
        // A bare level is for this program; libraries say only what should be looked at.
        let directives = if self.log.bytes().all(|b| b.is_ascii_alphabetic()) {
            format!("warn,nonos={0},operator={0}", self.log)
        } else {
            self.log.clone()
        };
        let filter = EnvFilter::builder()
            .parse(directives)
            .map_err(|_| Failure::BadLog {
                level: self.log.clone(),
            })?;
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .init();
        Ok(())
    }
}

async fn serve(options: NodeOptions, while_stdin: bool) -> Result<(), Failure> {
    // Before the node starts, so that no signal is lost.
    let mut stop = Stop::new()?;
    let hangup = signal(SignalKind::hangup()).map_err(Failure::Runtime)?;
    let listeners = options.config.listen.len();
    let node = Node::start(options).await?;
    say(&format!("node {}", node.id()));
    match node.page() {
        Some(at) => say(&format!(
            "page on http://{at}: `operator dashboard` makes the link that opens it"
        )),
        None => say("no page is served"),
    }
    notify(notify::READY);
    let announced = tokio::spawn(announce(node.handle(), listeners));
    let reloading = tokio::spawn(reload(node.handle(), hangup));
    tokio::select! {
        () = stop.asked() => say("stopping; again to stop at once"),
        () = stdin_ended(), if while_stdin => say("stdin has ended: stopping"),
        () = node.stopped() => {}
    }
    announced.abort();
    reloading.abort();
    notify(notify::STOPPING);
    tokio::select! {
        () = node.shutdown() => {}
        () = stop.asked() => process::exit(130),
    }
    Ok(())
}

/// Has the node read its configuration again at each SIGHUP.
async fn reload(node: Handle, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        let done = node.ask(Request::Reload).await;
        let done = done.map(serde_json::from_value::<Reloaded>);
        match done {
            Ok(Ok(done)) => say(&format!(
                "config.toml was read again: {} changed; from the next start on: {}",
                joined(&done.applied),
                joined(&done.restart)
            )),
            Ok(Err(_)) => {}
            Err(error) => say(&error.to_string()),
        }
    }
}

/// Says where the node listens, once it does.
async fn announce(node: Handle, listeners: usize) {
    let mut said: Vec<String> = Vec::new();
    for _ in 0..ASKED.0 {
        let status = node.ask(Request::Status).await.ok();
        let status: Option<Status> = status.and_then(|status| serde_json::from_value(status).ok());
        for address in status.into_iter().flat_map(|status| status.addresses) {
            if !said.contains(&address) {
                say(&format!("listening on {address}"));
                said.push(address);
            }
        }
        if said.len() >= listeners {
            return;
        }
        tokio::time::sleep(ASKED.1).await;
    }
}

/// Cores that there are.
fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Threads that verify: as configured, or one less than there are cores.
fn threads(configured: usize) -> NonZeroUsize {
    NonZeroUsize::new(configured)
        .or_else(|| NonZeroUsize::new(cores().get() - 1))
        .unwrap_or(NonZeroUsize::MIN)
}

/// Waits until there is nothing more to read from stdin; on a thread of its own, which ends with the process.
async fn stdin_ended() {
    let (ended, heard) = oneshot::channel();
    thread::spawn(move || {
        // An error is an end, too.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _nobody_waits = ended.send(());
    });
    let _ = heard.await;
}

/// Ctrl-C and SIGTERM.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(Failure::Runtime)?,
            terminate: signal(SignalKind::terminate()).map_err(Failure::Runtime)?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
