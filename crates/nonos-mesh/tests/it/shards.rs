//! Nodes that hear some shards only.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use nonos_mesh::{
    Acceptance, Event, Events, Limits, Mesh,
    core::{Promise, Topic},
};
use nonos_types::{
    Amount, ByteLen, CapsuleHash, Kind, Message, MessageId, NodeId, Offer, ReceiptId, Salt, Shard, Shards,
    Signed, Verdict, Weights,
};

use crate::{
    node::{Node, Setup, soon},
    raw::{self, Raw},
    sample::{NOW, at, claim, key, network, receipt},
};

fn shards(numbers: &[u32]) -> Shards {
    let shard = |number: &u32| Shard::new(*number).expect("one of four");
    numbers.iter().map(shard).collect()
}

fn verdict(author: u8, shard: Option<u32>) -> Message {
    let verdict = Verdict {
        network: network(),
        receipt: ReceiptId::ZERO,
        valid: true,
        at: NOW,
        shard: shard.and_then(Shard::new),
        work: None,
    };
    Signed::new(verdict, &key(author)).into()
}

fn offer(author: u8, capsule: u8) -> Message {
    let offer = Offer {
        network: network(),
        capsule: CapsuleHash::from_bytes([capsule; 32]),
        entry: "main".to_owned(),
        arguments: vec![],
        input: nonos_types::InputDigest::ZERO,
        input_len: ByteLen::ZERO,
        backend: nonos_types::BackendId::new("test/v1"),
        max_fee: Amount::ZERO,
        fuel_price: Amount::ZERO,
        verifiers: 0,
        slots: std::num::NonZeroU8::MIN,
        created: NOW,
        deadline: at(60),
        salt: Salt::new([author; 16]),
        sealed: None,
        result_key: None,
        weights: Weights::default(),
        inbound: None,
    };
    Signed::new(offer, &key(author)).into()
}

fn topic(kind: Kind, shard: Option<u32>) -> Topic {
    let shard = shard.and_then(Shard::new);
    let mut topics = Topic::all();
    let found = topics.find(|it| it.kind() == kind && it.shard() == shard);
    found.expect("it is there")
}

#[test]
fn a_message_is_where_its_shard_says_and_nowhere_else() {
    let in_second = receipt(1, 0x7f, NOW);
    assert_eq!(Topic::of(&in_second), topic(Kind::Receipt, Some(1)));
    for shard in 0..4 {
        let here = |kind, message: &Message| topic(kind, Some(shard)).carries(message);
        assert_eq!(here(Kind::Receipt, &in_second), shard == 1);
        assert_eq!(here(Kind::Offer, &offer(1, 0xff)), shard == 3);
        assert_eq!(here(Kind::Verdict, &verdict(1, Some(2))), shard == 2);
        // They do not say it.
        assert!(here(Kind::Claim, &claim(network(), 1, 0, NOW)));
        assert!(!here(Kind::Award, &claim(network(), 1, 0, NOW)));
        assert!(!here(Kind::Verdict, &verdict(1, None)));
    }
    // What programs do that know of no shards but those of receipts.
    assert!(topic(Kind::Offer, None).carries(&offer(1, 0xff)));
    assert!(topic(Kind::Verdict, None).carries(&verdict(1, None)));
    assert!(!topic(Kind::Verdict, None).carries(&verdict(1, Some(2))));
    assert!(!Topic::all().any(|it| it.kind() == Kind::Receipt && it.shard().is_none()));
}

#[test]
fn who_wants_some_shards_listens_to_no_other() {
    let some: Vec<_> = Topic::of_shards(shards(&[1, 2])).collect();
    assert_eq!(some.len(), 4 + 2 * 6);
    let whole = some.iter().filter(|it| it.shard().is_none());
    assert!(whole.clone().all(|it| !Topic::is_sharded(it.kind())));
    assert_eq!(Topic::of_shards(Shards::ALL).count(), Topic::COUNT);
    assert_eq!(Topic::of_older().count(), 13);
    // To be heard by who listens to less is nothing that can be asked of anyone.
    let names: BTreeSet<_> = Topic::all().map(|it| it.name(network())).collect();
    assert_eq!(names.len(), Topic::COUNT);
    assert!(names.iter().any(|it| it.ends_with("/1/job/award/3")));
}

#[test]
fn who_says_what_makes_no_sense_promises_what_older_programs_do() {
    for text in [
        "",
        "nonos",
        "nonos shards=",
        "nonos shards=16",
        "nonos shards=+1",
        "nonos shards=1 ",
    ] {
        assert_eq!(Promise::of_text(text), Promise::Older, "{text:?}");
    }
    for bits in 0..16 {
        let promise = Promise::Shards(Shards::from_bits(bits).expect("four bits"));
        assert_eq!(Promise::of_text(&promise.to_text()), promise);
    }
}

/// A verdict of another shard than its topic's, and then a good message of the same peer.
#[tokio::test]
async fn a_verdict_in_the_topic_of_another_shard_is_refused_and_counted() {
    let mut alice = Setup::new(1).start().await;
    let raw = Raw::dialling(4, &alice).await;
    alice.connected(raw.id).await;
    let good = verdict(4, Some(3));
    raw.publish(topic(Kind::Verdict, Some(1)), verdict(4, Some(2)).to_bytes());
    raw.publish(topic(Kind::Verdict, Some(3)), good.to_bytes());
    let (message, _, ticket) = alice.message().await;
    assert_eq!((message, ticket.shard()), (good, Shard::new(3)));
    assert_eq!(alice.mesh.drops().malformed, 1);
}

/// One that knows of no shards but those of receipts, and says nothing of any.
#[tokio::test]
async fn a_peer_of_a_program_that_knows_no_shards_is_heard_and_hears() {
    let older = raw::Setup {
        topics: Topic::of_older().collect(),
        ..raw::Setup::new(4)
    };
    let mut alice = Setup::new(1).start().await;
    let mut raw = older.dial(&alice).await;
    raw.told().await;
    alice.connected(raw.id).await;
    assert_eq!(alice.mesh.peers().await[0].shards, Shards::ALL);
    let said = [offer(4, 0xff), verdict(4, None), claim(network(), 4, 0, NOW)];
    for message in &said {
        raw.publish(topic(message.kind(), None), message.to_bytes());
    }
    let mut heard = vec![];
    for _ in 0..3 {
        let (message, _, ticket) = alice.message().await;
        assert_eq!(ticket.shard(), None);
        heard.push(message);
    }
    assert!(said.iter().all(|message| heard.contains(message)));
}

/// It says that it listens to two shards, and listens to one.
#[tokio::test]
async fn a_peer_that_promises_a_shard_and_does_not_listen_to_it_is_cut() {
    let liar = |promised| raw::Setup {
        agent: Promise::Shards(promised).to_text(),
        topics: Topic::of_shards(shards(&[0])).collect(),
        ..raw::Setup::new(3)
    };
    let setup = || Setup {
        limits: Limits {
            hello_timeout: Duration::from_millis(500),
            ..Limits::default()
        },
        ..Setup::new(1)
    };
    let alice = setup().start().await;
    let mut raw = liar(shards(&[0, 1])).dial(&alice).await;
    raw.cut().await;
    assert!(alice.mesh.peers().await.is_empty());
    // What it does would do, had it promised that.
    let mut alice = setup().start().await;
    let raw = liar(shards(&[0])).dial(&alice).await;
    alice.connected(raw.id).await;
    assert_eq!(alice.mesh.peers().await[0].shards, shards(&[0]));
}

/// What one of many has heard.
struct Ear {
    id: NodeId,
    shards: Shards,
    mesh: Mesh,
    heard: Arc<Mutex<BTreeSet<MessageId>>>,
}

impl Ear {
    async fn start(seed: u8, shards: Shards, earlier: &[Node]) -> Node {
        let setup = Setup {
            shards,
            peers: earlier.iter().map(|it| it.address.clone()).collect(),
            ..Setup::new(seed)
        };
        setup.start().await
    }

    /// Lets it accept all that it hears.
    fn open(node: Node, shards: Shards) -> Self {
        let heard = Arc::<Mutex<BTreeSet<MessageId>>>::default();
        tokio::spawn(hear(node.mesh.clone(), node.events, Arc::clone(&heard)));
        Self {
            id: node.id,
            shards,
            mesh: node.mesh,
            heard,
        }
    }

    fn has(&self, message: &Message) -> bool {
        self.heard.lock().expect("not poisoned").contains(&message.id())
    }
}

async fn hear(mesh: Mesh, mut events: Events, heard: Arc<Mutex<BTreeSet<MessageId>>>) {
    while let Some(event) = events.recv().await {
        if let Event::Message { message, ticket, .. } = event {
            heard.lock().expect("not poisoned").insert(message.id());
            mesh.report(ticket, Acceptance::Accept).await;
        }
    }
}

/// Asks until it is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    soon(what, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Seven nodes with two shards each, and one with all.
#[tokio::test(flavor = "multi_thread")]
async fn each_hears_all_of_its_shards_and_nothing_of_others() {
    let of = |seed: u8| match seed {
        8 => Shards::ALL,
        _ => shards(&[u32::from(seed) % 4, u32::from(seed + 1) % 4]),
    };
    let mut nodes = Vec::new();
    for seed in 1..=8 {
        nodes.push(Ear::start(seed, of(seed), &nodes).await);
    }
    let ears: Vec<Ear> = (1..=8)
        .zip(nodes)
        .map(|(seed, node)| Ear::open(node, of(seed)))
        .collect();
    soon("all are connected", async {
        for ear in &ears {
            while ear.mesh.peers().await.len() < 7 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    })
    .await;
    for ear in &ears {
        for peer in ear.mesh.peers().await {
            let it = ears.iter().find(|it| it.id == peer.id).expect("one of them");
            assert_eq!(peer.shards, it.shards);
        }
    }
    let mut said = vec![];
    for (index, ear) in (1..=8_u8).zip(&ears) {
        for shard in Shard::all() {
            // Also by those who do not hear it themselves.
            let capsule = shard.get() << 6 | index;
            let messages = [
                receipt(index, capsule, NOW),
                offer(index, capsule),
                verdict(index, Some(shard.get().into())),
                claim(network(), index, u16::from(shard.get()), NOW),
            ];
            for message in messages {
                let published = ear.mesh.publish_in(&message, Some(shard)).await;
                published.expect("published");
                said.push((shard, index, message));
            }
        }
    }
    let whole = || {
        said.iter().all(|(shard, by, message)| {
            let mut others = (1..=8).zip(&ears).filter(|(index, _)| index != by);
            others.all(|(_, ear)| !ear.shards.contains(*shard) || ear.has(message))
        })
    };
    until("all of each shard is there", whole).await;
    for (shard, _, message) in &said {
        for ear in ears.iter().filter(|ear| !ear.shards.contains(*shard)) {
            assert!(
                !ear.has(message),
                "{:?} of {shard:?} at {:?}",
                message.kind(),
                ear.shards
            );
        }
    }
}

#[tokio::test]
async fn a_shard_is_listened_to_for_a_while_and_peers_are_told() {
    let mut alice = Setup::new(1).start().await;
    let mut bob = Setup {
        shards: shards(&[0]),
        ..Setup::dialling(2, &alice)
    }
    .start()
    .await;
    let told = async |alice: &mut Node| loop {
        if let Event::Shards(peer, shards) = alice.event().await {
            return (peer, shards);
        }
    };
    assert_eq!(told(&mut alice).await, (bob.id, shards(&[0])));
    alice.connected(bob.id).await;
    bob.connected(alice.id).await;

    bob.mesh.listen(shards(&[2])).await;
    // Topic after topic is told.
    while told(&mut alice).await != (bob.id, shards(&[0, 2])) {}
    let award = claim(network(), 1, 1, NOW);
    alice
        .mesh
        .publish_in(&award, Shard::new(2))
        .await
        .expect("published");
    let (message, _, ticket) = bob.message().await;
    assert_eq!((message, ticket.shard()), (award, Shard::new(2)));

    bob.mesh.listen(Shards::NONE).await;
    while told(&mut alice).await != (bob.id, shards(&[0])) {}
    let (foreign, own) = (receipt(1, 0x80, NOW), receipt(1, 0x00, NOW));
    alice.mesh.publish(&foreign).await.expect("published");
    alice.mesh.publish(&own).await.expect("published");
    assert_eq!(bob.message().await.0, own);
}
