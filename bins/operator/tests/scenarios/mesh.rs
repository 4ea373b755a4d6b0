//! Nodes on a network, each of which is told the addresses of its two neighbours in a ring.

use ed25519_dalek::SigningKey;
use nonos_node::api::{JobState, Published, Request, Submission, Submitted};
use nonos_package::builder;
use nonos_types::{Amount, CapsuleHash, JobId, NodeId};
use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

use crate::{
    lan::Lan,
    node::{Node, fits},
};

const MODULE: &[u8] = include_bytes!("../../../../capsules/sha256/capsule.wasm");
const MANIFEST: &str = include_str!("../../../../capsules/sha256/manifest.toml");

/// No executor that is to run capsules.
pub(crate) const NO_EXECUTORS: &str = "[executor]\nenabled = false";

/// The nodes run until this is dropped.
pub(crate) struct Mesh {
    pub(crate) nodes: Vec<Node>,
    pub(crate) lan: Lan,
    _home: TempDir,
}

impl Mesh {
    /// Makes so many nodes; nothing, having said why, where there can be no network for them.
    pub(crate) fn new(nodes: usize, settings: &str) -> Option<Self> {
        let lan = Lan::new(nodes)?;
        let home = TempDir::with_prefix("nonos-scenario-").expect("a temporary directory");
        assert!(fits(home.path()), "TMPDIR is too long a path for sockets");
        let make = |host: usize| {
            let mut neighbours = vec![(host + 1) % nodes, (host + nodes - 1) % nodes];
            neighbours.dedup();
            Node::new(home.path(), &lan, host, &neighbours, settings)
        };
        Some(Self {
            nodes: (0..nodes).map(make).collect(),
            lan,
            _home: home,
        })
    }

    /// Starts all of them; how long it took until each was connected to every other.
    pub(crate) fn start(&mut self, within: u64) -> Duration {
        let started = Instant::now();
        self.nodes.iter_mut().for_each(Node::start);
        self.joined(within);
        started.elapsed()
    }

    /// Waits until each is connected to every other.
    pub(crate) fn joined(&mut self, within: u64) {
        let all = self.ids();
        until_or("each node is connected to every other", within, || {
            let missing = self.missing(|_| all.clone());
            missing
                .is_empty()
                .then_some(())
                .ok_or_else(|| format!("not connected: {missing:?}"))
        });
    }

    /// Waits until no node is connected to one that is on another bridge.
    pub(crate) fn apart(&mut self, within: u64, bridge_of: impl Fn(usize) -> usize) {
        let ids: Vec<_> = self.nodes.iter().map(|node| node.id).collect();
        until_or("nodes on different bridges have noticed", within, || {
            let mut still = Vec::new();
            for (host, node) in self.nodes.iter_mut().enumerate() {
                let connected = node.connected();
                let across = |it: &usize| bridge_of(*it) != bridge_of(host) && connected.contains(&ids[*it]);
                still.extend((0..ids.len()).filter(across).map(|it| (host, it)));
            }
            still
                .is_empty()
                .then_some(())
                .ok_or_else(|| format!("still connected: {still:?}"))
        });
    }

    fn ids(&self) -> BTreeSet<NodeId> {
        self.nodes.iter().map(|node| node.id).collect()
    }

    /// Pairs of hosts of which the first is not connected to the second and should be.
    fn missing(&mut self, wanted: impl Fn(usize) -> BTreeSet<NodeId>) -> Vec<(usize, usize)> {
        let ids: Vec<_> = self.nodes.iter().map(|node| node.id).collect();
        let mut missing = Vec::new();
        for (host, node) in self.nodes.iter_mut().enumerate() {
            let connected = node.connected();
            let lacks = |other: &usize| {
                *other != host && wanted(host).contains(&ids[*other]) && !connected.contains(&ids[*other])
            };
            missing.extend((0..ids.len()).filter(lacks).map(|other| (host, other)));
        }
        missing
    }

    /// The sample capsule, given by this node.
    pub(crate) fn publish(&mut self, by: usize) -> CapsuleHash {
        self.publish_module(by, MODULE)
    }

    /// The same with bytes in it that are for nothing.
    pub(crate) fn publish_padded(&mut self, by: usize, padding: &[u8]) -> CapsuleHash {
        // A custom section: its length as a LEB128 of five bytes, and an empty name.
        let mut module = [MODULE, &[0]].concat();
        let len = padding.len() + 1;
        module.extend((0..5).map(|byte| ((len >> (7 * byte)) & 127) as u8 | if byte < 4 { 128 } else { 0 }));
        module.push(0);
        module.extend_from_slice(padding);
        self.publish_module(by, &module)
    }

    fn publish_module(&mut self, by: usize, module: &[u8]) -> CapsuleHash {
        let author = SigningKey::from_bytes(&[7; 32]);
        let package = builder::pack(module, MANIFEST, &author).expect("a package");
        let package_hex = hex::encode(package.bytes());
        let published: Published = self.nodes[by].ask(&Request::Publish {
            package_hex,
            without_dependencies: false,
        });
        published.capsule
    }

    /// Offers the hash of a text as a job.
    pub(crate) fn submit(&mut self, by: usize, capsule: CapsuleHash, text: &str, how: &How) -> JobId {
        let submitted: Submitted = self.nodes[by].ask(&how.hash(capsule, text));
        submitted.job
    }

    /// Is it paid, as this node sees it?
    pub(crate) fn is_paid(&mut self, node: usize, job: JobId) -> bool {
        self.nodes[node]
            .job(job)
            .is_some_and(|view| view.state == JobState::Paid)
    }

    /// Each node offers a job, which all others hear of; how long it took the last.
    pub(crate) fn all_publish(&mut self, capsule: CapsuleHash, text: &str, within: u64) -> Duration {
        let mut longest = Duration::ZERO;
        for by in 0..self.nodes.len() {
            let how = How {
                backend: "stark",
                verifiers: 0,
            };
            let job = self.submit(by, capsule, &format!("{text}, of node {by}"), &how);
            let since = Instant::now();
            until_or(&format!("all have heard of the job of node {by}"), within, || {
                let nodes = self.nodes.iter_mut().enumerate();
                let deaf = nodes.filter_map(|(host, node)| node.job(job).is_none().then_some(host));
                let deaf: Vec<_> = deaf.collect();
                deaf.is_empty()
                    .then_some(())
                    .ok_or_else(|| format!("deaf: {deaf:?}"))
            });
            longest = longest.max(since.elapsed());
        }
        longest
    }
}

/// How a job is to be proved and verified.
pub(crate) struct How {
    pub(crate) backend: &'static str,
    pub(crate) verifiers: u16,
}

impl How {
    /// The request to hash a text.
    pub(crate) fn hash(&self, capsule: CapsuleHash, text: &str) -> Request {
        Request::Submit(Submission {
            capsule,
            arguments: vec![],
            input_hex: hex::encode(text),
            inbound: vec![],
            max_fee: "0.01 NONOS".parse().expect("an amount"),
            fuel_price: Amount::ZERO,
            verifiers: self.verifiers,
            slots: 1,
            deadline_s: 900,
            backend: Some(self.backend.to_owned()),
            sealed_input_hex: None,
            seal_result: false,
            weights: vec![],
        })
    }
}

/// Asks until there is an answer, for so many seconds.
#[track_caller]
pub(crate) fn until<T>(what: &str, within: u64, mut ask: impl FnMut() -> Option<T>) -> T {
    until_or(what, within, || ask().ok_or_else(String::new))
}

/// The same, and says what the last answer lacked.
#[track_caller]
pub(crate) fn until_or<T>(what: &str, within: u64, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let started = Instant::now();
    loop {
        // Asked once more after the last wait: what counts is whether it was so in time.
        let late = started.elapsed() > Duration::from_secs(within);
        match ask() {
            Ok(answer) => return answer,
            Err(lacks) => assert!(!late, "not within {within} s: {what}; {lacks}"),
        }
        thread::sleep(Duration::from_millis(100));
    }
}
