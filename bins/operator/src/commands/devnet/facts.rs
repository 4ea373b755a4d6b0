//! What the nodes of a devnet say of themselves, collected.

use nonos_node::api::{Books, JobView, NodeEvent, Status, TrustView, Verified};
use nonos_types::{JobId, NodeId};
use std::path::PathBuf;

/// All of a devnet, as seen at one time.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Verifiers promised a bounty, per job.
    pub(super) verifiers: u16,
    /// What was asked, in order.
    pub(super) jobs: Vec<Asked>,
    /// The nodes.
    pub(super) nodes: Vec<NodeFacts>,
}

/// A job that was offered.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Its name.
    pub(super) job: JobId,
    /// Position of the node that offered it.
    pub(super) requester: usize,
    /// Its public input.
    pub(super) input: Vec<u8>,
}

/// What one node says.
#[derive(Clone, Debug)]
pub(super) struct NodeFacts {
    /// Its data directory.
    pub(super) data_dir: PathBuf,
    /// Was it started to forge results?
    pub(super) malicious: bool,
    /// How it is.
    pub(super) status: Status,
    /// The jobs it knows.
    pub(super) jobs: Vec<JobView>,
    /// Its books.
    pub(super) books: Books,
    /// Its books, recomputed; or why they are wrong.
    pub(super) ledger: Result<Verified, String>,
    /// What it thought of its peers before the jobs.
    pub(super) trust_before: Vec<TrustView>,
    /// What it thinks of them now.
    pub(super) trust: Vec<TrustView>,
    /// What happened, oldest first.
    pub(super) events: Vec<NodeEvent>,
}

impl Facts {
    /// The node that offered a job.
    pub(super) fn requester(&self, asked: &Asked) -> &NodeFacts {
        &self.nodes[asked.requester]
    }

    /// The nodes that were not started to forge results, with their positions.
    pub(super) fn honest(&self) -> impl Iterator<Item = (usize, &NodeFacts)> {
        self.nodes.iter().enumerate().filter(|(_, node)| !node.malicious)
    }

    /// Position of a node.
    pub(super) fn position(&self, id: NodeId) -> Option<usize> {
        self.nodes.iter().position(|node| node.id() == id)
    }
}

impl NodeFacts {
    /// Its name.
    pub(super) fn id(&self) -> NodeId {
        self.status.id
    }

    /// A job, as it sees it.
    pub(super) fn job(&self, job: JobId) -> Option<&JobView> {
        self.jobs.iter().find(|view| view.job == job)
    }
}
