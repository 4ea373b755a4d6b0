use nonos_mesh::{Cursor, FetchError, Page, Refusal};
use nonos_types::{Message, Shards};

use crate::{
    node::{Node, Setup, Shelf},
    raw::{Answer, Raw},
    sample::{NOW, at, claim, network, receipt, tampered},
};

/// A node with a log, and one that has missed it.
async fn with_log(log: Vec<Vec<u8>>) -> (Node, Node) {
    let shelf = Shelf {
        log,
        ..Shelf::empty()
    };
    let alice = Setup {
        shelf,
        ..Setup::new(1)
    };
    let alice = alice.start().await;
    let mut bob = Setup::dialling(2, &alice).start().await;
    bob.connected(alice.id).await;
    (alice, bob)
}

#[tokio::test]
async fn what_was_missed_is_fetched_in_pages_and_let_in_by_the_same_rules() {
    let log: Vec<Message> = (0..600)
        .map(|age| receipt(3, (age % 256) as u8, at(-1000 * age)))
        .collect();
    let (alice, bob) = with_log(log.iter().map(Message::to_bytes).collect()).await;
    let (mut cursor, mut missed) = (Cursor::START, vec![]);
    loop {
        let page = bob
            .mesh
            .messages_after(alice.id, cursor, Shards::ALL)
            .await
            .expect("a page");
        assert!(page.messages.len() <= Page::MAX_MESSAGES);
        if page.messages.is_empty() {
            assert_eq!(page.next, cursor);
            break;
        }
        cursor = page.next;
        for bytes in page.messages {
            missed.push(bob.mesh.check(&bytes, alice.id).expect("let in"));
        }
    }
    assert_eq!(missed, log);
    // What the application had no use for then it may ask for again.
    assert_eq!(bob.mesh.check(&log[0].to_bytes(), alice.id).as_ref(), Ok(&log[0]));
    assert_eq!(bob.mesh.drops().duplicate, 0);
}

#[tokio::test]
async fn what_was_heard_can_be_asked_for_again() {
    let (alice, mut bob) = with_log(vec![]).await;
    let message = claim(network(), 1, 0, NOW);
    alice.mesh.publish(&message).await.expect("published");
    assert_eq!(bob.message().await.0, message);
    for mesh in [&bob.mesh, &alice.mesh] {
        assert_eq!(mesh.check(&message.to_bytes(), alice.id).as_ref(), Ok(&message));
    }
}

#[tokio::test]
async fn a_false_log_is_refused_message_by_message() {
    let log = vec![
        b"garbage".to_vec(),
        tampered(&receipt(3, 0, NOW)),
        claim(nonos_types::NetworkId::named("another"), 3, 0, NOW).to_bytes(),
        claim(network(), 3, 0, at(-2401)).to_bytes(),
        vec![7; 990_000],
    ];
    let (alice, bob) = with_log(log).await;
    let page = bob
        .mesh
        .messages_after(alice.id, Cursor::START, Shards::ALL)
        .await;
    let refusals: Vec<_> = page
        .expect("a page")
        .messages
        .iter()
        .map(|bytes| bob.mesh.check(bytes, alice.id).expect_err("refused"))
        .collect();
    assert!(
        matches!(
            refusals[..],
            [
                Refusal::Malformed,
                Refusal::BadSignature,
                Refusal::ForeignNetwork,
                Refusal::Stale,
                Refusal::Oversize { .. },
            ]
        ),
        "{refusals:?}"
    );
}

#[tokio::test]
async fn a_log_that_does_not_move_is_refused() {
    let mut alice = Setup::new(1).start().await;
    let mut liar = Raw::dialling(3, &alice).await;
    alice.connected(liar.id).await;
    let framed = |bytes: &[u8]| [&[0, 0, 0, bytes.len() as u8], bytes].concat();
    // One message and the same cursor; no message and a smaller cursor. Asked for after 5.
    for answer in [
        framed(&[0x12, 5, 0x08, 5, 0x12, 1, 7]),
        framed(&[0x12, 2, 0x08, 4]),
        framed(&[0x0a, 0]),
    ] {
        let asking = tokio::spawn({
            let (mesh, liar) = (alice.mesh.clone(), liar.id);
            async move { mesh.messages_after(liar, Cursor::new(5), Shards::ALL).await }
        });
        liar.asked().await;
        liar.answer(Answer::Bytes(answer)).await;
        let page = asking.await.expect("no panic");
        assert!(matches!(page, Err(FetchError::BadAnswer)), "{page:?}");
    }
}
