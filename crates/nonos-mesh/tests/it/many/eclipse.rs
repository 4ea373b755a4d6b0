//! One node, and many that want to be all it hears: they dial it until there is room for no other, and fill its directory with
//! names of theirs.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use nonos_mesh::{
    Acceptance, Config, Event, Events, Limits, Mesh, Multiaddr, PeerInfo, Weight,
    core::{Candidate, Directory, DirectoryLimits, Link, Move, Neighbours, Prefix, Regard, Way, Wish},
    start,
};
use nonos_types::{
    Accusation, Epoch, Evidence, ForkedHead, JournalRoot, Message, MessageId, NodeId, RelayHead, Signed,
};
use tokio::time::Instant;

use super::{Known, Running, load, lock, within};
use crate::sample::{NOW, key, listed_at, network, node};

/// The one, and those that mean well; the two first of them it trusts, having seen them do well.
const VICTIM: u8 = 1;
const HONEST: [u8; 4] = [2, 3, 4, 5];
const TRUSTED: [u8; 2] = [2, 3];
/// A trusted one that comes when there is no room any more.
const LATE: u8 = 6;
const FIRST_HOSTILE: u8 = 10;

/// A node at a place of its own: all of 127/8 is this machine.
struct Placed {
    address: Multiaddr,
    mesh: Mesh,
    heard: Arc<Mutex<BTreeSet<MessageId>>>,
}

impl Placed {
    async fn start(seed: u8, peers: Vec<Multiaddr>, limits: Limits, forwards: bool) -> Self {
        let config = Config {
            network: network(),
            listen: vec![format!("/ip4/127.1.{seed}.1/tcp/0").parse().expect("an address")],
            peers,
            limits,
            clock: Arc::new(Running(Instant::now())),
            shards: nonos_types::Shards::ALL,
            onion: None,
        };
        let (mesh, mut events) = start(config, &key(seed), Arc::new(Known::new())).expect("it starts");
        let address = loop {
            if let Event::Listening(address) = events.recv().await.expect("not shut down") {
                break address;
            }
        };
        let heard = Arc::default();
        tokio::spawn(live(mesh.clone(), events, Arc::clone(&heard), forwards));
        Self { address, mesh, heard }
    }

    fn has_heard(&self, message: &Message) -> bool {
        lock(&self.heard).contains(&message.id())
    }
}

/// Believes all, and passes it on or does not.
async fn live(mesh: Mesh, mut events: Events, heard: Arc<Mutex<BTreeSet<MessageId>>>, forwards: bool) {
    while let Some(event) = events.recv().await {
        if let Event::Message { message, ticket, .. } = event {
            lock(&heard).insert(message.id());
            let acceptance = if forwards {
                Acceptance::Accept
            } else {
                Acceptance::Ignore
            };
            mesh.report(ticket, acceptance).await;
        }
    }
}

fn regard(of: NodeId) -> Regard {
    if TRUSTED.map(node).contains(&of) {
        Regard::Trusted
    } else {
        Regard::Newcomer
    }
}

fn link(it: &PeerInfo) -> Link {
    Link {
        shards: nonos_types::Shards::ALL,
        peer: it.id,
        way: if it.outbound { Way::Outbound } else { Way::Inbound },
        prefix: Prefix::at(&it.address.to_string()),
        regard: regard(it.id),
        since_ms: 0,
        served_ms: 0,
        held: false,
    }
}

fn candidates(directory: &Directory) -> Vec<Candidate> {
    let candidate = |it: &Signed<nonos_types::Descriptor>| Candidate {
        shards: it.shards,
        peer: it.signer(),
        prefix: Some(Prefix::of(it)),
        regard: regard(it.signer()),
        trust_ppm: match regard(it.signer()) {
            Regard::Trusted => 800_000,
            _ => 300_000,
        },
        age_s: 60,
    };
    directory.iter().map(candidate).collect()
}

/// Does as a node's engine does, each quarter of a second.
async fn choose(mesh: Mesh, directory: Directory) {
    let started = Instant::now();
    let mut neighbours = Neighbours::new(Wish::default(), &[7; 32]);
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    let mut connected = BTreeSet::new();
    loop {
        tick.tick().await;
        let now = u64::try_from(started.elapsed().as_millis()).expect("a short test");
        let links: Vec<Link> = mesh.peers().await.iter().map(link).collect();
        let before = std::mem::replace(&mut connected, links.iter().map(|it| it.peer).collect());
        connected
            .difference(&before)
            .for_each(|peer| neighbours.connected(*peer, now));
        before
            .difference(&connected)
            .for_each(|peer| neighbours.lost(*peer, now));
        for next in neighbours.moves(&links, &candidates(&directory), now) {
            match next {
                Move::Dial(peer) => {
                    let listed = directory.get(peer).expect("it was drawn from there");
                    let address = listed.addresses[0].parse().expect("an address");
                    // Of many some are refused; they are drawn again.
                    let _ = mesh.dial(Some(peer), address).await;
                }
                Move::LetGo(peer) => mesh.let_go(peer).await,
            }
        }
    }
}

/// A descriptor of a name that nobody has, somewhere else.
fn nobody(number: u32) -> Message {
    let [a, b, c, _] = number.to_le_bytes();
    let address = format!("/ip4/127.{}.{a}.{b}/tcp/1", 100 + c)
        .parse()
        .expect("an address");
    let mut seed = [9; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    let key = ed25519_dalek::SigningKey::from_bytes(&seed);
    let Message::Descriptor(it) = listed_at(0, &address) else {
        unreachable!("it is a descriptor")
    };
    Signed::new(it.value().clone(), &key).into()
}

/// That a relay keeps two logs.
fn evidence(accuser: u8) -> Message {
    let head = |byte: u8| {
        let head = RelayHead {
            network: network(),
            epoch: Epoch::of(NOW),
            size: 1,
            root: JournalRoot::from_bytes([byte; 32]),
            previous: None,
            at: NOW,
        };
        Signed::new(head, &key(200))
    };
    let fork = ForkedHead::of(&head(1), &head(2)).expect("a fork");
    let accusation = Accusation {
        network: network(),
        evidence: Evidence::ForkedHead(Box::new(fork)),
        at: NOW,
    };
    Signed::new(accusation, &key(accuser)).into()
}

/// So many that are hostile and so many names that nobody has.
#[expect(clippy::print_stderr, reason = "what was measured is said")]
async fn besiege(hostile: u8, names: u32, siege: Duration) {
    let mut honest: Vec<Placed> = vec![];
    for seed in HONEST {
        let peers = honest.iter().map(|it| it.address.clone()).collect();
        honest.push(Placed::start(seed, peers, Limits::default(), true).await);
    }
    let limits = Limits {
        inbound: hostile.into(),
        ..Limits::default()
    };
    let victim = Placed::start(VICTIM, vec![], limits, true).await;
    let mut enemies = vec![];
    for seed in FIRST_HOSTILE..FIRST_HOSTILE + hostile {
        enemies.push(Placed::start(seed, vec![victim.address.clone()], Limits::default(), false).await);
    }
    let mut directory = Directory::new(DirectoryLimits {
        stamp_bits: 0,
        ..DirectoryLimits::default()
    });
    let seeds = HONEST.into_iter().chain(FIRST_HOSTILE..);
    let real = seeds.zip(honest.iter().chain(&enemies));
    let listed = real.map(|(seed, it)| listed_at(seed, &it.address));
    for message in listed.chain((0..names).map(nobody)) {
        if let Message::Descriptor(it) = message {
            directory.learn(&it, None, NOW);
        }
    }
    assert_eq!(
        directory.len(),
        HONEST.len() + usize::from(hostile) + names as usize
    );
    let dialled_by = |peers: &[PeerInfo], way: bool| peers.iter().filter(|it| it.outbound == way).count();
    // They are there first.
    let full = Instant::now();
    while dialled_by(&victim.mesh.peers().await, false) < hostile.into() {
        assert!(full.elapsed() < Duration::from_secs(60), "they do not get in");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let since = Instant::now();
    let choosing = tokio::spawn(choose(victim.mesh.clone(), directory));
    let kept = |peers: &[PeerInfo]| {
        let good = HONEST.map(node);
        peers
            .iter()
            .filter(|it| it.outbound && good.contains(&it.id))
            .count()
    };
    while kept(&victim.mesh.peers().await) < 2 {
        assert!(since.elapsed() < Duration::from_secs(20), "no two that mean well");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let found = since.elapsed();
    // From one that it is not told of by anybody else.
    let accusation = evidence(HONEST[3]);
    honest[3].mesh.publish(&accusation).await.expect("published");
    let heard = within("the evidence is heard", Duration::from_secs(60), || {
        victim.has_heard(&accusation)
    })
    .await;
    // One it trusts dials it, and finds room.
    victim.mesh.weigh(node(LATE), Weight::TRUSTED).await;
    let late = Placed::start(LATE, vec![victim.address.clone()], Limits::default(), true).await;
    let came = Instant::now();
    while !victim.mesh.peers().await.iter().any(|it| it.id == node(LATE)) {
        assert!(
            came.elapsed() < Duration::from_secs(20),
            "one that is trusted is shut out"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let came = came.elapsed();

    let (mut fewest, started) = (usize::MAX, Instant::now());
    let mut most = (0, 0);
    while started.elapsed() < siege {
        let peers = victim.mesh.peers().await;
        fewest = fewest.min(kept(&peers));
        most = (
            most.0.max(dialled_by(&peers, false)),
            most.1.max(dialled_by(&peers, true)),
        );
        assert!(peers.iter().any(|it| it.id == node(LATE)), "it is shut out again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    choosing.abort();
    eprintln!(
        "{hostile} hostile that dial one node, and {names} names of nobody in its directory: 2 of {} honest dialled after {found:.1?}, evidence \
         heard {heard:.1?} after it was said, a trusted one let in after {came:.1?}; for {siege:?} at least {fewest} honest outbound, at most {} in \
         and {} out; {}",
        HONEST.len(),
        most.0,
        most.1,
        load()
    );
    assert!(fewest >= 2);
    assert!(most.0 <= usize::from(hostile), "{} have dialled it", most.0);
    for it in honest.into_iter().chain(enemies).chain([victim, late]) {
        it.mesh.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_eight_besiege_hears_others_still() {
    besiege(8, 100, Duration::from_secs(3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_a_node_that_sixty_four_besiege_hears_others_still() {
    besiege(64, 2_000, Duration::from_secs(60)).await;
}
