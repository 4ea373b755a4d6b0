//! Two nodes of eight whose clocks are a quarter of an hour off, one each way: what they say is heard, they hear, they hide; and
//! each finds out that it is they who are wrong.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use nonos_mesh::{
    Acceptance, Event, Events, Mesh, Object,
    core::{
        Budgets, Clocks, Skew,
        onion::{Hiding, Mix, Target},
    },
};
use nonos_types::{ByteLen, CapsuleHash, Clock, Message, MessageId, Timestamp};
use tokio::time::Instant;

use crate::{
    node::{Node, Setup, soon, until},
    onion::config,
    sample::{at, claim, network, node, receipt},
};

const NODES: u8 = 8;
/// Which of them are off, and by how many seconds.
const AHEAD: (u8, i64) = (3, 900);
const BEHIND: (u8, i64) = (6, -900);

/// A clock that goes, and is so many seconds ahead.
struct Off {
    ahead: i64,
    started: Instant,
}

impl Clock for Off {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.started.elapsed().as_secs()).expect("a short test");
        at(self.ahead + elapsed)
    }
}

fn ahead(seed: u8) -> i64 {
    [AHEAD, BEHIND]
        .into_iter()
        .find_map(|(of, ahead)| (of == seed).then_some(ahead))
        .unwrap_or(0)
}

struct Member {
    seed: u8,
    mesh: Mesh,
    clock: Arc<Off>,
    heard: Arc<Mutex<BTreeSet<MessageId>>>,
}

impl Member {
    fn new(seed: u8, node: Node, clock: Arc<Off>) -> Self {
        let heard = Arc::default();
        tokio::spawn(live(node.mesh.clone(), node.events, Arc::clone(&heard)));
        Self {
            seed,
            mesh: node.mesh,
            clock,
            heard,
        }
    }

    fn has_heard(&self, message: &Message) -> bool {
        self.heard.lock().expect("not poisoned").contains(&message.id())
    }

    /// What it signs now, by its own clock.
    fn says(&self, number: u8) -> [Message; 2] {
        let now = self.clock.now();
        [
            receipt(self.seed, number, now),
            claim(network(), self.seed, number.into(), now),
        ]
    }
}

/// Believes all, and publishes what is entrusted to it.
async fn live(mesh: Mesh, mut events: Events, heard: Arc<Mutex<BTreeSet<MessageId>>>) {
    while let Some(event) = events.recv().await {
        match event {
            Event::Message { message, ticket, .. } => {
                heard.lock().expect("not poisoned").insert(message.id());
                mesh.report(ticket, Acceptance::Accept).await;
            }
            Event::Entrusted(message) => {
                heard.lock().expect("not poisoned").insert(message.id());
                mesh.publish(&message).await.expect("published");
            }
            _ => {}
        }
    }
}

fn capsule() -> (Object, Vec<u8>) {
    (Object::Capsule(CapsuleHash::hash(&[b"small"])), vec![7; 20_000])
}

/// All connected to all, and able to hide.
async fn members() -> Vec<Member> {
    let (mut nodes, mut mixes) = (Vec::<(u8, Node, Arc<Off>)>::new(), vec![]);
    for seed in 1..=NODES {
        let clock = Arc::new(Off {
            ahead: ahead(seed),
            started: Instant::now(),
        });
        let mut setup = Setup {
            peers: nodes.iter().map(|(_, it, _)| it.address.clone()).collect(),
            onion: Some(config(seed)),
            clock: Arc::clone(&clock) as _,
            ..Setup::new(seed)
        };
        setup.shelf.objects.extend([capsule()]);
        let node = setup.start().await;
        mixes.push(Mix {
            node: node.id,
            keys: node.keys.clone(),
            prefix: None,
            family: None,
            introducer: None,
            confirmed: true,
            weight_ppm: 1_000_000,
        });
        nodes.push((seed, node, clock));
    }
    let mut members = vec![];
    for (seed, it, clock) in nodes {
        let others = mixes.iter().filter(|mix| mix.node != it.id).cloned();
        it.mesh.set_mixes(others.collect()).await;
        members.push(Member::new(seed, it, clock));
    }
    for it in &members {
        soon("all connected, and hidden", async {
            while it.mesh.peers().await.len() < usize::from(NODES) - 1
                || (it.mesh.anonymity().await).is_none_or(|it| it.hiding != Hiding::Full)
            {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    members
}

/// All have heard a message but who said it.
async fn heard_by_all(members: &[Member], message: &Message) {
    let others = || members.iter().filter(|it| node(it.seed) != message.signer());
    until("all have heard", || others().all(|it| it.has_heard(message))).await;
}

#[test]
fn clocks_may_be_a_quarter_of_an_hour_off_each_way_and_messages_ten_minutes_on_their_way() {
    assert_eq!(Budgets::WINDOW, 600 + 900 + 900);
    // What can come while it is timely is remembered, so that none of it comes twice.
    let budgets = Budgets::default();
    let [known, newcomers] = [budgets.known, budgets.newcomers].map(|rate| u64::from(rate.per_second));
    let most =
        2 * budgets.window * (known + newcomers) + u64::from(budgets.known.burst + budgets.newcomers.burst);
    assert!(budgets.remembered as u64 >= most, "{most}");
}

#[expect(clippy::print_stderr, reason = "what was measured is said")]
#[tokio::test(flavor = "multi_thread")]
async fn two_of_eight_whose_clocks_are_wrong_hear_and_are_heard_and_are_told() {
    let members = members().await;
    let started = Instant::now();
    for number in 0..3 {
        for it in &members {
            for message in it.says(number) {
                it.mesh.publish(&message).await.expect("published");
                heard_by_all(&members, &message).await;
            }
        }
    }
    let heard = started.elapsed();

    let by_seed = |seed: u8| &members[usize::from(seed) - 1];
    let started = Instant::now();
    for (seed, _) in [AHEAD, BEHIND] {
        // Each from one that is right, by others; and one that is right from each.
        for (from, to) in [(seed, 1), (2, seed)] {
            let it = by_seed(from);
            let (object, bytes) = capsule();
            let fetched = it
                .mesh
                .fetch_hidden(object, Target::Of(vec![node(to)]), ByteLen::new(64 << 10), 3);
            let fetched = soon("the object", fetched).await;
            assert_eq!(fetched.expect("it is there"), (node(to), bytes));
            let [message, _] = it.says(100 + seed);
            let published = it.mesh.publish_hidden(&message, Target::Of(vec![node(to)]), 3);
            assert_eq!(soon("word", published).await.expect("taken on"), node(to));
            heard_by_all(&members, &message).await;
        }
    }
    let hidden = started.elapsed();

    let mut said = vec![];
    for it in &members {
        let Skew {
            own,
            heard,
            agree,
            strange,
            ..
        } = it.mesh.skew();
        let own = own.expect("most agree").get();
        said.push((own, agree));
        assert!((own - ahead(it.seed)).abs() <= 5, "node {}: {own}", it.seed);
        assert_eq!(it.mesh.skew().is_off(), ahead(it.seed) != 0, "node {}", it.seed);
        // Each has dialled those before it; where they are enough, only they are believed.
        let before = usize::from(it.seed) - 1;
        let believed = if before < Clocks::FEWEST {
            usize::from(NODES) - 1
        } else {
            before
        };
        assert_eq!(heard, believed, "node {}", it.seed);
        let mut off: Vec<_> = strange.iter().map(|(peer, _)| *peer).collect();
        off.sort_unstable();
        let others = [AHEAD.0, BEHIND.0].into_iter().filter(|of| *of != it.seed);
        let mut expected: Vec<_> = others.map(node).collect();
        expected.sort_unstable();
        assert_eq!(off, expected, "node {}", it.seed);
    }
    eprintln!(
        "clocks {} s and {} s off: 48 messages heard by all in {heard:.1?}; 4 objects fetched and 4 messages published by way of others in {hidden:.1?}; \
         seconds ahead, and peers who say so, as each node sees itself: {said:?}",
        AHEAD.1, BEHIND.1
    );
    for it in members {
        it.mesh.shutdown().await;
    }
}

/// One whose clock is so wrong that nothing it says is let in, nor what it hears, finds out by that.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_shut_out_by_its_clock_is_told_so() {
    let mut others = vec![];
    for seed in 1..=3 {
        let node = Setup::new(seed).start().await;
        others.push(node);
    }
    let clock = Arc::new(Off {
        ahead: 86_400,
        started: Instant::now(),
    });
    let off = Setup {
        peers: others.iter().map(|it| it.address.clone()).collect(),
        clock: Arc::clone(&clock) as _,
        ..Setup::new(4)
    };
    let mut off = off.start().await;
    for it in &mut others {
        it.connected(off.id).await;
    }
    soon("all are connected", async {
        while off.mesh.peers().await.len() < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for (it, seed) in others.iter().zip(1..) {
        it.mesh
            .publish(&claim(network(), seed, 0, at(0)))
            .await
            .expect("published");
    }
    until("three were heard", || off.mesh.skew().heard == 3).await;
    let skew = off.mesh.skew();
    assert!(skew.is_off());
    assert_eq!(skew.own.map(|it| it.get() / 3600), Some(24));
    let stale = off
        .mesh
        .drops()
        .iter()
        .any(|(name, count)| name == "stale" && count == 3);
    assert!(stale, "none of it was let in");
    tokio::time::sleep(Duration::from_millis(10)).await;
    while let Ok(event) = off.events.try_recv() {
        assert!(matches!(event, Event::Connected(_)), "{event:?}");
    }
}
