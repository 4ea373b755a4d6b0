//! A node that is a process in a host of its own.

use nonos_node::{
    Client, ClientError, DataDir,
    api::{JobView, PeerView, Request, Status},
};
use nonos_trust::keystore::{Cost, Passphrase};
use nonos_types::{JobId, NodeId};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{
    lan::{Lan, address},
    mesh::until,
};

const PASSPHRASE: &[u8] = b"of a scenario";
/// Lines of what a node said that are shown where a test fails.
const SHOWN: usize = 15;

/// It is killed when this is dropped.
pub(crate) struct Node {
    pub(crate) id: NodeId,
    host: usize,
    namespace: String,
    data: PathBuf,
    process: Option<Child>,
    client: Option<Client>,
}

impl Node {
    /// Makes one that knows the addresses of these hosts; it does not run yet.
    pub(crate) fn new(home: &Path, lan: &Lan, host: usize, peers: &[usize], settings: &str) -> Self {
        let data = home.join(host.to_string());
        let both = |host: usize| {
            let address = address(host);
            format!("\"/ip4/{address}/udp/4710/quic-v1\", \"/ip4/{address}/tcp/4710\"")
        };
        let known: Vec<_> = peers.iter().map(|peer| both(*peer)).collect();
        let config = format!(
            "network = \"scenario\"\nlisten = [{}]\npeers = [{}]\n{settings}\n[directory]\nlan = true\n",
            both(host),
            known.join(", "),
        );
        let passphrase = Passphrase::new(PASSPHRASE.to_vec()).expect("long enough");
        let id = nonos_node::init(&data, &passphrase, Cost::MIN, &config).expect("a node is made");
        let mut file = OpenOptions::new();
        let file = file
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(passphrase_of(&data));
        file.expect("a file").write_all(PASSPHRASE).expect("written");
        Self {
            id,
            host,
            namespace: lan.namespace(host),
            data,
            process: None,
            client: None,
        }
    }

    /// Starts its process.
    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// The same, with further arguments.
    pub(crate) fn start_with(&mut self, arguments: &[&str]) {
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.log())
            .expect("a log");
        let process = Command::new("ip")
            .args([
                "netns",
                "exec",
                &self.namespace,
                env!("CARGO_BIN_EXE_operator"),
                "run",
            ])
            .args(["--while-stdin", "--log", "info", "--data"])
            .arg(&self.data)
            .arg("--passphrase-file")
            .arg(passphrase_of(&self.data))
            .args(arguments)
            // Shared, so that proving parameters are derived once for all tests.
            .env("NONOS_PARAMS", concat!(env!("CARGO_TARGET_TMPDIR"), "/params"))
            .env_remove("NONOS_PEERS")
            .env_remove("NONOS_LISTEN")
            // Kept open as long as this process lives: the node ends with it.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.process = Some(process.expect("ip is there"));
        self.client = None;
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Both fail only if it has ended already.
            let _ = process.kill();
            let _ = process.wait();
        }
        self.client = None;
    }

    /// Waits until it has ended by itself, and gives the last thing it said.
    pub(crate) fn ended(&mut self) -> String {
        let process = self.process.as_mut().expect("started");
        until("a node ends", 60, || process.try_wait().expect("waited for"));
        self.process = None;
        let said = fs::read_to_string(self.log()).expect("a log");
        said.lines().last().unwrap_or_default().to_owned()
    }

    /// How far its books go, as is written beside its key.
    pub(crate) fn books_head(&self) -> Vec<u8> {
        fs::read(self.data.join("keys/books.head")).unwrap_or_default()
    }

    /// Asks it; it must have an answer. It is waited for if it has only just been started.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> T {
        self.try_ask(request)
            .unwrap_or_else(|error| panic!("node {}: {error}", self.host))
    }

    fn try_ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, ClientError> {
        let (data, process) = (&self.data, &mut self.process);
        let client = self.client.get_or_insert_with(|| {
            until("a node runs", 120, || {
                let ended = process.as_mut().expect("started").try_wait().expect("waited for");
                assert_eq!(ended, None, "the node has ended");
                Client::connect(data).ok()
            })
        });
        client.call(request)
    }

    pub(crate) fn status(&mut self) -> Status {
        self.ask(&Request::Status)
    }

    /// Whom it is connected to.
    pub(crate) fn connected(&mut self) -> BTreeSet<NodeId> {
        let peers: Vec<PeerView> = self.ask(&Request::Peers);
        let connected = peers.iter().filter(|peer| peer.address.is_some());
        connected.map(|peer| peer.id).collect()
    }

    /// A job, if it knows it.
    pub(crate) fn job(&mut self, job: JobId) -> Option<JobView> {
        match self.try_ask(&Request::Job { job }) {
            Ok(view) => Some(view),
            Err(ClientError::Refused(_)) => None,
            Err(error) => panic!("node {}: {error}", self.host),
        }
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Why it refuses what is asked.
    pub(crate) fn refusal(&mut self, request: &Request) -> String {
        match self.try_ask::<serde_json::Value>(request) {
            Err(ClientError::Refused(error)) => error.message,
            other => panic!("node {}: {other:?}", self.host),
        }
    }

    /// Most memory it ever had, in MiB.
    pub(crate) fn peak_mib(&self) -> u64 {
        self.memory_kib("VmHWM:") >> 10
    }

    /// Memory it has, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        self.memory_kib("VmRSS:")
    }

    fn memory_kib(&self, name: &str) -> u64 {
        let status = fs::read_to_string(self.of_process("status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.expect("it has memory").trim().trim_end_matches(" kB");
        kib.parse().expect("a number")
    }

    /// Files and sockets it has open.
    pub(crate) fn open_files(&self) -> u64 {
        fs::read_dir(self.of_process("fd")).expect("it runs").count() as u64
    }

    fn of_process(&self, name: &str) -> String {
        // `ip` has become the node.
        let process = self.process.as_ref().expect("it runs").id();
        format!("/proc/{process}/{name}")
    }

    /// Takes over another node's name and data, but not its addresses.
    pub(crate) fn become_copy_of(&mut self, other: &Path) {
        for part in ["keys", "db"] {
            fs::remove_dir_all(self.data.join(part)).expect("it has one");
            copy(&other.join(part), &self.data.join(part));
        }
        // Whose data these are.
        fs::copy(other.join("data.toml"), self.data.join("data.toml")).expect("it has one");
    }

    /// A copy of its data, while it does not run.
    pub(crate) fn back_up(&self) -> PathBuf {
        let backup = self.data.with_extension("backup");
        copy(&self.data, &backup);
        backup
    }

    /// Puts its data back to what they were.
    pub(crate) fn restore(&self, backup: &Path) {
        fs::remove_dir_all(&self.data).expect("it has data");
        copy(backup, &self.data);
    }

    /// Puts back its database alone.
    pub(crate) fn restore_database(&self, backup: &Path) {
        fs::remove_dir_all(self.data.join("db")).expect("it has one");
        copy(&backup.join("db"), &self.data.join("db"));
    }

    fn log(&self) -> PathBuf {
        self.data.with_extension("log")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let said = fs::read_to_string(self.log()).unwrap_or_default();
            let lines: Vec<_> = said.lines().collect();
            let shown = &lines[lines.len().saturating_sub(SHOWN)..];
            eprintln!("node {} said at last: {shown:#?}", self.host);
        }
    }
}

/// As `cp -a` does it, with the files' modes.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.expect("cp is there").success(), "{from:?} is copied");
}

fn passphrase_of(data: &Path) -> PathBuf {
    data.with_extension("passphrase")
}

/// Where its socket is must not be too long a path.
pub(crate) fn fits(home: &Path) -> bool {
    DataDir::socket(&home.join("99")).as_os_str().len() < 108
}
