//! Relays that are asked about their journals, over the network.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use nonos_mesh::{
    Cursor, FetchError, Limits, Object, Objects, Page, Part,
    core::journal::{Answer, Ask, Journal, Serve},
};
use nonos_types::{
    ByteLen, Consistency, Epoch, Inclusion, JournalRoot, MessageId, NodeId, RelayHead, Signed,
};

use crate::{
    node::{Node, Setup},
    raw::{self, Raw},
    sample::{NOW, at, key, network},
};

/// A journal that peers may ask.
struct Relay(Mutex<(Journal, Serve)>);

impl Objects for Relay {
    fn read(&self, _: &Object, _: ByteLen, _: ByteLen) -> Option<Part> {
        None
    }

    fn messages_after(&self, cursor: Cursor, _: usize) -> Page {
        Page {
            next: cursor,
            messages: vec![],
        }
    }

    fn journal(&self, from: NodeId, ask: &Ask) -> Option<Answer> {
        let (journal, serve) = &mut *self.0.lock().expect("not poisoned");
        serve.answer(journal, from, ask, NOW)
    }
}

fn id(n: u64) -> MessageId {
    MessageId::hash(&[&n.to_le_bytes()])
}

fn include(message: u64, head: &Signed<RelayHead>) -> Ask {
    Ask::Include {
        epoch: head.epoch,
        message: id(message),
        head: head.id(),
    }
}

fn extend(first: &Signed<RelayHead>, second: &Signed<RelayHead>) -> Ask {
    Ask::Extend {
        epoch: first.epoch,
        first: first.id(),
        second: second.id(),
    }
}

/// A relay that has signed for three messages and then for five, and those heads.
fn relay() -> (Relay, [Signed<RelayHead>; 2]) {
    let mut journal = Journal::new(network(), None);
    let heads = [(0..3, NOW), (3..5, at(30))].map(|(messages, now)| {
        for n in messages {
            assert!(journal.accept(id(n), now));
        }
        let head = Signed::new(journal.due(now).expect("something new"), &key(1));
        journal.signed(&head);
        head
    });
    (Relay(Mutex::new((journal, Serve::new()))), heads)
}

/// A relay, what it has signed, and a peer of it.
async fn asked() -> (Node, [Signed<RelayHead>; 2], Node) {
    let (relay, heads) = relay();
    let relay = Setup::new(1).start_with(Arc::new(relay)).await;
    let mut peer = Setup::dialling(2, &relay).start().await;
    peer.connected(relay.id).await;
    (relay, heads, peer)
}

#[tokio::test]
async fn a_relay_shows_where_a_message_is_in_what_it_signed_for() {
    let (relay, [old, new], peer) = asked().await;
    for n in 0..5 {
        let answer = peer.mesh.journal(relay.id, include(n, &new)).await;
        let Answer::Included(inclusion) = answer.expect("an answer") else {
            panic!("it is there")
        };
        assert_eq!(inclusion.root(&id(n), new.size), Some(new.root));
        assert_ne!(inclusion.root(&id(n + 1), new.size), Some(new.root));
    }
    let answer = peer.mesh.journal(relay.id, extend(&old, &new)).await;
    let Answer::Extended(consistency) = answer.expect("an answer") else {
        panic!("it goes on")
    };
    assert!(consistency.holds((old.size, old.root), (new.size, new.root)));
}

#[tokio::test]
async fn what_a_relay_did_not_sign_for_is_absent() {
    let (relay, [old, new], peer) = asked().await;
    let other_hour = Ask::Include {
        epoch: Epoch::new(new.epoch.get() - 1),
        message: id(0),
        head: new.id(),
    };
    let other_head = Ask::Include {
        epoch: new.epoch,
        message: id(0),
        head: id(0),
    };
    for ask in [
        include(9, &new),
        include(4, &old),
        other_hour,
        other_head,
        extend(&new, &old),
    ] {
        let answer = peer.mesh.journal(relay.id, ask).await;
        assert_eq!(answer.expect("an answer"), Answer::Absent, "{ask:?}");
    }
}

#[tokio::test]
async fn a_node_that_signs_nothing_says_that_all_is_absent() {
    let relay = Setup::new(1).start().await;
    let mut peer = Setup::dialling(2, &relay).start().await;
    peer.connected(relay.id).await;
    let (_, [head, _]) = self::relay();
    let answer = peer.mesh.journal(relay.id, include(0, &head)).await;
    assert_eq!(answer.expect("an answer"), Answer::Absent);
}

#[tokio::test]
async fn who_asks_too_often_is_told_nothing_and_others_are() {
    let (relay, [head, _], peer) = asked().await;
    let mut other = Setup::dialling(3, &relay).start().await;
    other.connected(relay.id).await;
    for _ in 0..Serve::RATE.burst {
        let answer = peer.mesh.journal(relay.id, include(0, &head)).await;
        answer.expect("an answer");
    }
    let answer = peer.mesh.journal(relay.id, include(0, &head)).await;
    assert!(
        matches!(answer, Err(FetchError::Busy | FetchError::Timeout)),
        "{answer:?}"
    );
    let answer = other.mesh.journal(relay.id, include(0, &head)).await;
    assert!(matches!(answer, Ok(Answer::Included(_))), "{answer:?}");
}

/// What a node makes of these bytes when it asks whether a message is in a log.
async fn answered(bytes: Vec<u8>) -> Result<Answer, FetchError> {
    let mut alice = Setup::new(1).start().await;
    let mut liar = Raw::dialling(3, &alice).await;
    alice.connected(liar.id).await;
    let (_, [head, _]) = relay();
    let asking = tokio::spawn({
        let (mesh, liar) = (alice.mesh.clone(), liar.id);
        async move { mesh.journal(liar, include(0, &head)).await }
    });
    liar.asked().await;
    liar.answer(raw::Answer::Bytes(bytes)).await;
    asking.await.expect("no panic")
}

/// Bytes as a field of a protobuf message.
fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let len = bytes.len();
    let (low, high) = ((len & 0x7f) as u8, u8::try_from(len >> 7).expect("short"));
    let len = if high == 0 {
        vec![low]
    } else {
        vec![low | 0x80, high]
    };
    [vec![tag], len, bytes.to_vec()].concat()
}

/// A response with this answer in it, as it is sent.
fn framed(answer: &[u8]) -> Vec<u8> {
    let response = field(0x3a, answer);
    let len = u32::try_from(response.len()).expect("short").to_be_bytes();
    [len.to_vec(), response].concat()
}

#[tokio::test]
async fn an_answer_to_another_question_is_refused() {
    let extended = Answer::Extended(Consistency { path: vec![] }).to_bytes();
    for bytes in [
        framed(&extended),
        // An empty page, and that there is nothing.
        vec![0, 0, 0, 4, 0x12, 2, 0x08, 5],
        vec![0, 0, 0, 2, 0x18, 1],
    ] {
        let answer = answered(bytes.clone()).await;
        assert!(
            matches!(answer, Err(FetchError::BadAnswer)),
            "{bytes:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn garbage_and_what_is_too_long_are_refused() {
    let path = |roots: usize| {
        let included = [vec![0x08, 1], field(0x12, &[7; 32]).repeat(roots)].concat();
        framed(&field(0x0a, &included))
    };
    let longest = answered(path(RelayHead::MAX_PATH)).await.expect("an answer");
    assert!(matches!(longest, Answer::Included(it) if it.path.len() == RelayHead::MAX_PATH));
    for bytes in [
        path(RelayHead::MAX_PATH + 1),
        framed(b"garbage"),
        framed(&[]),
        b"garbage".to_vec(),
        vec![0xff; 64],
    ] {
        let answer = answered(bytes.clone()).await;
        assert!(
            matches!(answer, Err(FetchError::BadAnswer)),
            "{bytes:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_false_way_does_not_lead_to_the_head() {
    let (_, [head, _]) = relay();
    for (index, path) in [(0, vec![]), (1, vec![JournalRoot::ZERO; 2]), (2, vec![head.root])] {
        let said = Answer::Included(Inclusion { index, path });
        let Ok(Answer::Included(it)) = answered(framed(&said.to_bytes())).await else {
            panic!("it is read")
        };
        assert_ne!(it.root(&id(0), head.size), Some(head.root), "{index}");
    }
}

#[tokio::test]
async fn a_relay_that_is_silent_is_waited_for_no_longer_than_it_may_take() {
    let limits = Limits {
        journal_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let mut alice = Setup {
        limits,
        ..Setup::new(1)
    }
    .start()
    .await;
    let liar = Raw::dialling(3, &alice).await;
    alice.connected(liar.id).await;
    let (_, [head, _]) = relay();
    let answer = alice.mesh.journal(liar.id, include(0, &head)).await;
    assert!(matches!(answer, Err(FetchError::Timeout)), "{answer:?}");
}

#[tokio::test]
async fn a_question_that_is_none_is_not_answered_and_the_next_one_is() {
    let (_, [head, _]) = relay();
    let mut alice = Setup::new(1).start_with(Arc::new(relay().0)).await;
    let mut raw = Raw::dialling(3, &alice).await;
    alice.connected(raw.id).await;
    let request = |ask: &[u8]| {
        let len = u8::try_from(ask.len()).expect("short");
        [&[0, 0, 0, len + 2, 0x32, len], ask].concat()
    };
    assert_eq!(raw.request(request(b"garbage")).await, None);
    assert_eq!(raw.request(request(&[7; 100])).await, None);
    let answer = raw.request(request(&include(0, &head).to_bytes())).await;
    assert_eq!(answer.expect("an answer")[4], 0x3a);
}
