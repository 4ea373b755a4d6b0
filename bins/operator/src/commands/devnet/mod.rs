//! `operator devnet`: a small real mesh on this machine, which runs, proves, verifies and pays.

mod check;
mod error;
mod facts;
mod home;
mod nodes;
mod report;
mod sample;
mod watch;

use super::Context;
use crate::{backend, failure::Failure, output::say};
pub(crate) use error::Error;
use facts::{Asked, Facts};
use home::Home;
use nodes::{Host, LOOK, Nodes};
use nonos_node::{
    api::{Done, JobView, PeerView, Published, Request, Status, Submission, Submitted, What},
    choice::Choice,
};
use nonos_types::{Amount, CapsuleHash, Fault, JobId, NodeId};
use report::{Report, Times};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::{Duration, Instant},
};
use watch::{Before, Board, Watched};

/// The node that offers the jobs, and the one that publishes the capsule; of a half of a mesh that is cut in two, too.
const REQUESTER: usize = 0;
const PUBLISHER: usize = 1;
/// How long after a cut nodes must have noticed.
const APART: Duration = Duration::from_secs(30);

/// Most to pay for a job, and per million units of fuel: the sample needs eleven thousand.
const MAX_FEE: Amount = Amount::from_atto(1_000_000_000_000_000_000);
const FUEL_PRICE: Amount = Amount::from_atto(1_000_000_000_000_000_000);

/// How long nodes may take to find each other.
const MEET: Duration = Duration::from_secs(60);

/// Starts a small real mesh on this machine: nodes with keys, stores and ledgers of their own run a sample capsule
/// (SHA-256), prove the run, verify each other's proofs and pay.
///
/// With --exit, status 0 means: every job was proved with the right result, verified by all honest nodes and paid
/// once; the ledgers agree; every malicious node is blacklisted by every honest one.
#[derive(Debug, clap::Args)]
pub(crate) struct Devnet {
    /// How many nodes.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = count(2, 32))]
    nodes: u16,
    /// How many jobs.
    #[arg(long, value_name = "M", default_value_t = 3, value_parser = count(1, 1000))]
    jobs: u16,
    #[command(flatten)]
    backend: backend::Options,
    /// How many of the nodes make receipts with broken proofs.
    #[arg(long, value_name = "K", default_value_t = 0)]
    malicious: u16,
    /// What to hash; given more than once, jobs take turns [default: texts of at most 64 bytes].
    #[arg(long, value_name = "TEXT")]
    input: Vec<String>,
    /// Cuts the mesh in two as the jobs are offered, half of them on either side, and heals it after so long.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    partition: Option<Duration>,
    /// Directory of the nodes' data, where a devnet of before is taken up again [default: a temporary one, removed
    /// at the end].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Each node is a process of its own.
    #[arg(long)]
    processes: bool,
    /// Ends when the jobs are done, with status 0 if all is as it should be.
    #[arg(long)]
    exit: bool,
    /// Seconds until the jobs must be done [default: 300, and 60 for each job].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    timeout: Option<u32>,
}

fn count(least: i64, most: i64) -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(least..=most)
}

/// Seconds, with an `s` after them or without.
fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix('s').unwrap_or(text);
    match number.parse() {
        Ok(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds)),
        _ => Err("1 to 3600 seconds are wanted, such as 20s".to_owned()),
    }
}

/// A mesh whose nodes know each other.
struct Mesh {
    watched: Vec<Watched>,
    nodes: Nodes,
    /// After the nodes, which live in it.
    home: Home,
}

/// Jobs that were offered.
struct Offered {
    asked: Vec<Asked>,
    at: BTreeMap<JobId, Instant>,
    before: Before,
    verifiers: u16,
}

impl Devnet {
    /// Does it.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long it took is part of what is shown"
    )]
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let started = Instant::now();
        let (nodes, malicious) = (usize::from(self.nodes), usize::from(self.malicious));
        if nodes.saturating_sub(malicious) < 2 {
            return Err(Error::TooFewHonest { nodes, malicious }.into());
        }
        let choice = self.backend.of_jobs()?;
        // Each half needs a requester and an executor that are honest.
        if self.partition.is_some() && nodes - malicious < nodes / 2 + 2 {
            return Err(Error::HalfTooSmall { nodes, malicious }.into());
        }
        let mut mesh = self.start(&choice, context)?;
        let capsule = mesh.publish(PUBLISHER)?;
        let mut times = Times::default();
        let cut = match self.partition {
            Some(_) => Some(mesh.cut()?),
            None => None,
        };
        let offered = self.offer(&mut mesh, capsule, &choice)?;
        let mut board = Board::new(&mesh.watched, nodes - malicious - 1);
        for (job, asked) in offered.asked.iter().enumerate() {
            board.job(asked.job, format!("job {job}"));
        }
        let (facts, findings) = self.watch(&mut mesh, &offered, &mut board, &mut times, cut)?;
        board.finish();
        times.total = started.elapsed();
        let report = Report::new(&facts, &findings, &times, &choice);
        context.output.print(&report, || report.text().to_owned())?;
        for finding in &findings {
            say(&format!("not ok: {finding}"));
        }
        if !self.exit {
            mesh.stay(&mut board, capsule)?;
        }
        if findings.is_empty() {
            return Ok(());
        }
        let fault = if findings.iter().any(|it| it.fault() == Fault::Peer) {
            Fault::Peer
        } else {
            Fault::Environment
        };
        Err(Error::NotOk { fault }.into())
    }

    fn timeout(&self) -> Duration {
        let seconds = self.timeout.unwrap_or(300 + 60 * u32::from(self.jobs));
        Duration::from_secs(seconds.into())
    }

    /// Starts the nodes; all but the first are told where the first is.
    fn start(&self, choice: &Choice, context: &Context) -> Result<Mesh, Failure> {
        let params = context.params()?;
        let home = Home::new(self.data.as_deref())?;
        let host = if self.processes {
            Host::Processes { params }
        } else {
            Host::here(params)?
        };
        let mut mesh = Mesh {
            watched: Vec::new(),
            nodes: Nodes::new(host, self.malicious.into(), choice.method)?,
            home,
        };
        let honest = usize::from(self.nodes - self.malicious);
        let mut peers = Vec::new();
        for node in 0..usize::from(self.nodes) {
            let (client, status) = mesh.nodes.start(mesh.home.place(node), node >= honest, &peers)?;
            if node == REQUESTER {
                peers = status.addresses;
            }
            mesh.watched.push(Watched::new(status.id, client));
        }
        say(&format!(
            "{} nodes run in {}",
            self.nodes,
            mesh.home.path().display()
        ));
        mesh.meet()?;
        if !self.exit {
            let link = super::dashboard::link(&mesh.home.place(REQUESTER).data)?;
            say(&format!(
                "the page of node 0, for a browser of this machine, once: {}",
                link.url()
            ));
        }
        Ok(mesh)
    }

    /// Verifiers that are promised a bounty for each job: all but the requester, who pays, and the executor; in a mesh that is cut,
    /// no more than there are in either half, since those of the other come when it is known what they would have to
    /// show. Where a half has none, the other's do come in time.
    fn promised(&self) -> u16 {
        if self.partition.is_none() {
            return self.nodes - self.malicious - 2;
        }
        let first = self.nodes / 2;
        let second = self.nodes - first - self.malicious;
        first.min(second).saturating_sub(2).max(1)
    }

    #[expect(clippy::disallowed_methods, reason = "the figures start here")]
    fn offer(&self, mesh: &mut Mesh, capsule: CapsuleHash, choice: &Choice) -> Result<Offered, Failure> {
        let mut offered = Offered {
            asked: Vec::new(),
            at: BTreeMap::new(),
            before: watch::trust(&mut mesh.watched)?,
            verifiers: self.promised(),
        };
        let other = usize::from(self.nodes / 2);
        for (number, input) in sample::inputs(&self.input, self.jobs.into())
            .into_iter()
            .enumerate()
        {
            let requester = if self.partition.is_some() && number % 2 == 1 {
                other
            } else {
                REQUESTER
            };
            let submission = Submission {
                capsule,
                arguments: Vec::new(),
                input_hex: hex::encode(&input),
                inbound: vec![],
                max_fee: MAX_FEE,
                fuel_price: FUEL_PRICE,
                verifiers: offered.verifiers,
                slots: 1,
                deadline_s: self.timeout().as_secs(),
                backend: Some(choice.method.system().name().to_owned()),
                sealed_input_hex: None,
                seal_result: false,
                weights: vec![],
            };
            let now = Instant::now();
            let Submitted { job, .. } = mesh.watched[requester].call(&Request::Submit(submission))?;
            offered.at.insert(job, now);
            offered.asked.push(Asked {
                job,
                requester,
                input,
            });
        }
        Ok(offered)
    }

    /// Until all is as it should be, something is wrong for good, or time is up.
    #[expect(clippy::disallowed_methods, reason = "the devnet has a deadline")]
    fn watch(
        &self,
        mesh: &mut Mesh,
        offered: &Offered,
        board: &mut Board,
        times: &mut Times,
        mut cut: Option<Instant>,
    ) -> Result<(Facts, Vec<check::Finding>), Failure> {
        let mut healed = None;
        let deadline = Instant::now() + self.timeout();
        let honest = usize::from(self.nodes - self.malicious);
        loop {
            mesh.news(board)?;
            for (job, at) in &offered.at {
                if !times.verified.contains_key(job) && mesh.verifiers(*job, honest) + 1 >= honest {
                    times.verified.insert(*job, at.elapsed());
                }
            }
            if let (Some(since), Some(lasts)) = (cut, self.partition)
                && since.elapsed() >= lasts
            {
                say(&format!("the mesh is whole again after {} s", lasts.as_secs()));
                mesh.heal()?;
                healed = Some((since.elapsed(), Instant::now()));
                cut = None;
            }
            let late = Instant::now() >= deadline;
            // The books are recomputed only when the jobs look done.
            if late || (cut.is_none() && times.verified.len() == offered.asked.len() && mesh.paid(offered)?) {
                let facts = watch::collect(
                    &mut mesh.watched,
                    &mesh.nodes,
                    &offered.asked,
                    offered.verifiers,
                    &offered.before,
                )?;
                let findings = check::check(&facts);
                times.cut = healed.map(|(cut, since)| (cut, since.elapsed()));
                if late || findings.is_empty() || findings.iter().any(check::Finding::is_final) {
                    return Ok((facts, findings));
                }
            }
            mesh.nodes.pause(LOOK)?;
        }
    }
}

impl Mesh {
    /// Waits until the first node has a connection to every other that it does not refuse.
    fn meet(&mut self) -> Result<(), Failure> {
        let Self { watched, nodes, .. } = self;
        let ids: Vec<NodeId> = watched.iter().map(|node| node.id).collect();
        nodes.wait(MEET, "a connection to every node", |_| {
            let first = &mut watched[REQUESTER];
            let status: Status = first.call(&Request::Status)?;
            let peers: Vec<PeerView> = first.call(&Request::Peers)?;
            let mut known: BTreeSet<NodeId> = status.blacklisted.into_iter().collect();
            known.extend(
                peers
                    .iter()
                    .filter(|peer| peer.address.is_some())
                    .map(|peer| peer.id),
            );
            known.insert(status.id);
            Ok(ids.iter().all(|id| known.contains(id)).then_some(()))
        })
    }

    fn publish(&mut self, by: usize) -> Result<CapsuleHash, Failure> {
        let package_hex = hex::encode(sample::capsule()?.bytes());
        let published: Published = self.watched[by].call(&Request::Publish {
            package_hex,
            without_dependencies: false,
        })?;
        Ok(published.capsule)
    }

    /// Cuts the mesh in two halves, which both have the capsule, and waits until none is connected to the other.
    #[expect(clippy::disallowed_methods, reason = "how long it lasts is measured")]
    fn cut(&mut self) -> Result<Instant, Failure> {
        let half = self.watched.len() / 2;
        self.publish(half + PUBLISHER)?;
        let ids: Vec<NodeId> = self.watched.iter().map(|node| node.id).collect();
        let other = |node: usize| if node < half { &ids[half..] } else { &ids[..half] };
        let own = |node: usize| if node < half { &ids[..half] } else { &ids[half..] };
        let connected = |watched: &mut Watched| -> Result<BTreeSet<NodeId>, Failure> {
            let peers: Vec<PeerView> = watched.call(&Request::Peers)?;
            let connected = peers.iter().filter(|it| it.address.is_some());
            Ok(connected.map(|it| it.id).collect())
        };
        let Self { watched, nodes, .. } = self;
        nodes.wait(MEET, "the connections within each half", |_| {
            for (node, watched) in watched.iter_mut().enumerate() {
                let (peers, me) = (connected(watched)?, watched.id);
                if !own(node).iter().all(|it| *it == me || peers.contains(it)) {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })?;
        for (node, watched) in watched.iter_mut().enumerate() {
            let peers = other(node).to_vec();
            let _: Done = watched.call(&Request::Avoid { peers })?;
        }
        nodes.wait(APART, "the halves to be apart", |_| {
            for (node, watched) in watched.iter_mut().enumerate() {
                let peers = connected(watched)?;
                if other(node).iter().any(|it| peers.contains(it)) {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })?;
        say(&format!(
            "the mesh is cut in two: nodes 0 to {}, and the rest",
            half - 1
        ));
        Ok(Instant::now())
    }

    fn heal(&mut self) -> Result<(), Failure> {
        for watched in &mut self.watched {
            let _: Done = watched.call(&Request::Avoid { peers: vec![] })?;
        }
        Ok(())
    }

    /// Tells what has happened.
    fn news(&mut self, board: &mut Board) -> Result<(), Failure> {
        let mut news = Vec::new();
        for (position, node) in self.watched.iter_mut().enumerate() {
            news.extend(node.news()?.into_iter().map(|event| (position, event.what)));
        }
        // Nodes are asked one after the other: what one did because of another is told after it.
        news.sort_by_key(|(_, what)| watch::rank(what));
        for (position, what) in &news {
            board.tell(*position, what);
        }
        Ok(())
    }

    /// How many of the honest nodes have verified a receipt of the job, as they said so far.
    fn verifiers(&self, job: JobId, honest: usize) -> usize {
        let verified = |node: &&Watched| {
            let is = |what: &What| matches!(what, What::Checked { job: of, valid: true, .. } if *of == job);
            node.events().iter().any(|event| is(&event.what))
        };
        self.watched[..honest].iter().filter(verified).count()
    }

    fn paid(&mut self, offered: &Offered) -> Result<bool, Failure> {
        for asked in &offered.asked {
            let view: JobView = self.watched[asked.requester].call(&Request::Job { job: asked.job })?;
            if !check::is_paid(&view) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Stays up until Ctrl-C.
    fn stay(mut self, board: &mut Board, capsule: CapsuleHash) -> Result<(), Failure> {
        let data = self.nodes.about(REQUESTER).0;
        let data = data.display();
        say(&format!(
            "the mesh stays up until Ctrl-C; from another terminal:\n  \
             printf 'any text' | operator job submit {capsule} --input - --wait --data {data}\n  \
             operator job list --data {data}\n  \
             operator status --data {data}\n  \
             operator dashboard --data {data}"
        ));
        if self.home.is_temporary() {
            say("its data will be removed then (--data DIR keeps it)");
        }
        loop {
            self.news(board)?;
            match self.nodes.pause(LOOK) {
                Ok(()) => {}
                Err(Error::Interrupted) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
