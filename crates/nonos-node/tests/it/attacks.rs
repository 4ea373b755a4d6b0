//! A peer driven by hand, among real nodes.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use ed25519_dalek::SigningKey;
use nonos_mesh::{Acceptance, Config, Cursor, Event, Limits, Multiaddr, Object, Objects, Page, Part};
use nonos_node::{
    Conduct,
    api::{JobState, Request, Status, TrustView},
};
use nonos_types::{
    Amount, Award, ByteLen, Clock, FeeKind, Incarnation, JobId, Line, Message, NetworkId, NodeId, ReceiptId,
    Sequence, Signed, Slot, Timestamp, Voucher,
};

use crate::mesh::{Mesh, addresses, ask, job, publish, stop, submission, submit, until};

struct Now;

impl Clock for Now {
    #[expect(
        clippy::disallowed_methods,
        reason = "the nodes it speaks to have the system's clock, too"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::new(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .expect("after 1970")
                .as_secs(),
        )
    }
}

/// Gives other bytes for everything, or waits until it is let go.
#[derive(Default)]
struct Evil {
    stalls: bool,
    asked: Mutex<Vec<Object>>,
    let_go: (Mutex<bool>, Condvar),
}

impl Evil {
    fn let_go(&self) {
        *self.let_go.0.lock().expect("not poisoned") = true;
        self.let_go.1.notify_all();
    }
}

impl Objects for Evil {
    fn read(&self, object: &Object, _: ByteLen, _: ByteLen) -> Option<Part> {
        self.asked.lock().expect("not poisoned").push(*object);
        if self.stalls {
            let waiting = self.let_go.0.lock().expect("not poisoned");
            let _let_go = self
                .let_go
                .1
                .wait_while(waiting, |let_go| !*let_go)
                .expect("not poisoned");
        }
        let bytes = vec![7; 100];
        Some(Part {
            total: ByteLen::new(100),
            bytes,
        })
    }

    fn messages_after(&self, cursor: Cursor, _: usize) -> Page {
        Page {
            next: cursor,
            messages: vec![],
        }
    }
}

struct Peer {
    mesh: nonos_mesh::Mesh,
    key: SigningKey,
    evil: Arc<Evil>,
}

fn network() -> NetworkId {
    NetworkId::named("tests")
}

impl Peer {
    /// It is asked first, since its name is the lowest; and it passes on what it hears.
    async fn start(stalls: bool, peers: &[String]) -> Self {
        let key = (0..=255)
            .map(|seed| SigningKey::from_bytes(&[seed; 32]))
            .min_by_key(|key| key.verifying_key().to_bytes())
            .expect("256 of them");
        let evil = Arc::new(Evil {
            stalls,
            ..Evil::default()
        });
        let config = Config {
            network: network(),
            listen: vec!["/ip4/127.0.0.1/tcp/0".parse().expect("an address")],
            peers: peers
                .iter()
                .map(|it| it.parse::<Multiaddr>().expect("an address"))
                .collect(),
            limits: Limits::default(),
            clock: Arc::new(Now),
            shards: nonos_types::Shards::ALL,
            onion: None,
        };
        let (mesh, mut events) = nonos_mesh::start(config, &key, Arc::clone(&evil) as _).expect("it starts");
        let forwards = mesh.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Message { ticket, .. } = event {
                    forwards.report(ticket, Acceptance::Accept).await;
                }
            }
        });
        Self { mesh, key, evil }
    }

    fn id(&self) -> NodeId {
        NodeId::from_bytes(self.key.verifying_key().to_bytes())
    }

    async fn stop(self) {
        self.evil.let_go();
        self.mesh.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_gives_other_bytes_stops_no_job_and_blames_nobody() {
    let mesh = Mesh::new();
    let requester = mesh.start("requester", &[], Conduct::Honest).await;
    let at = addresses(&requester).await;
    let executor = mesh.start("executor", &at, Conduct::Honest).await;
    let both = [at, addresses(&executor).await].concat();
    let peer = Peer::start(false, &both).await;
    for node in [&requester, &executor] {
        until(node, Request::Status, |it: &Status| it.peers == 2).await;
    }
    let capsule = publish(&requester).await;
    let id = submit(&requester, submission(capsule, 20, 0)).await;
    job(&executor, id, |it| it.state == JobState::Paid).await;
    assert!(
        peer.evil
            .asked
            .lock()
            .expect("not poisoned")
            .contains(&Object::Capsule(capsule))
    );
    for node in [&requester, &executor] {
        let status: Status = ask(node, Request::Status).await;
        assert_eq!(status.blacklisted, []);
        let trust: Vec<TrustView> = ask(node, Request::Trust).await;
        assert!(trust.iter().all(|it| it.score_ppm >= 300_000), "{trust:?}");
    }
    peer.stop().await;
    stop([requester, executor]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_answers_holds_up_nobody_for_long() {
    let mesh = Mesh::new();
    let requester = mesh.start("requester", &[], Conduct::Honest).await;
    let at = addresses(&requester).await;
    let executor = mesh.start("executor", &at, Conduct::Honest).await;
    let both = [at, addresses(&executor).await].concat();
    let peer = Peer::start(true, &both).await;
    for node in [&requester, &executor] {
        until(node, Request::Status, |it: &Status| it.peers == 2).await;
    }
    let capsule = publish(&requester).await;
    let id = submit(&requester, submission(capsule, 20, 0)).await;
    job(&executor, id, |it| it.state == JobState::Paid).await;
    assert!(
        peer.evil
            .asked
            .lock()
            .expect("not poisoned")
            .contains(&Object::Capsule(capsule))
    );
    peer.stop().await;
    stop([requester, executor]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn awards_and_vouchers_of_a_stranger_change_nothing() {
    let mesh = Mesh::new();
    let requester = mesh.start("requester", &[], Conduct::Honest).await;
    let at = addresses(&requester).await;
    let peer = Peer::start(false, &at).await;
    until(&requester, Request::Status, |it: &Status| it.peers == 1).await;
    let capsule = publish(&requester).await;
    let id = submit(&requester, submission(capsule, 20, 0)).await;

    let award = Award {
        network: network(),
        job: id,
        slot: Slot::ZERO,
        executor: peer.id(),
        at: Now.now(),
        sealed_key: None,
    };
    let voucher = |job: JobId| Voucher {
        network: network(),
        payee: requester.id(),
        incarnation: Incarnation::ZERO,
        sequence: Sequence::new(1),
        total: Amount::from_atto(1 << 90),
        lines: vec![Line {
            job,
            slot: Slot::ZERO,
            kind: FeeKind::Execute,
            receipt: ReceiptId::ZERO,
            amount: Amount::from_atto(1 << 90),
        }],
        at: Now.now(),
    };
    let messages: [Message; 3] = [
        Signed::new(voucher(JobId::ZERO), &peer.key).into(),
        Signed::new(voucher(id), &peer.key).into(),
        Signed::new(award, &peer.key).into(),
    ];
    for message in &messages {
        peer.mesh.publish(message).await.expect("it is sent");
    }
    // What comes after them in the same order was judged after them.
    let honest = mesh.start("honest", &at, Conduct::Honest).await;
    job(&requester, id, |it| it.state == JobState::Paid).await;
    let paid = job(&honest, id, |it| it.state == JobState::Paid).await;
    assert_eq!(paid.executor, Some(honest.id()));
    let status: Status = ask(&requester, Request::Status).await;
    let fee = paid.receipt.expect("paid for").fee.atto();
    // No bounty was offered, and a share of nobody else is the executor's.
    let seeded: u128 = paid
        .booked
        .iter()
        .filter(|it| it.kind == FeeKind::Seed)
        .map(|it| it.amount.atto())
        .sum();
    let own_share = fee / 10 - seeded;
    assert_eq!(status.balance, format!("-{}", fee - own_share));
    peer.stop().await;
    stop([requester, honest]).await;
}
