//! What a node asks its witnesses to sign, and what they answer, between real nodes.

use std::sync::{Arc, Mutex};

use nonos_mesh::{Cursor, FetchError, Object, Objects, Page, Part};
use nonos_types::{ByteLen, Envelope, Error, NodeId, Payload};

use crate::{
    node::{Node, Setup, soon},
    sample::key,
};

/// Something that is signed; what it says is not the mesh's matter.
#[derive(Debug)]
struct Note(Vec<u8>);

impl Payload for Note {
    const TYPE: &'static str = "note";
    const MAX: ByteLen = ByteLen::new(1024);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self(bytes.to_vec()))
    }
}

fn note(len: usize, signer: u8) -> Envelope {
    Envelope::sign(&Note(vec![7; len]), &key(signer))
}

/// Answers with this, and remembers what it was asked.
struct Witness {
    answer: Option<Envelope>,
    asked: Mutex<Vec<(NodeId, Envelope)>>,
}

impl Objects for Witness {
    fn read(&self, _: &Object, _: ByteLen, _: ByteLen) -> Option<Part> {
        None
    }

    fn messages_after(&self, cursor: Cursor, _: usize) -> Page {
        Page {
            next: cursor,
            messages: vec![],
        }
    }

    fn witness(&self, from: NodeId, asked: &Envelope) -> Option<Envelope> {
        let mut all = self.asked.lock().expect("not poisoned");
        all.push((from, asked.clone()));
        self.answer.clone()
    }
}

async fn nodes(answer: Option<Envelope>) -> (Arc<Witness>, Node, Node) {
    let witness = Arc::new(Witness {
        answer,
        asked: Mutex::default(),
    });
    let at_witness = Setup::new(1).start_with(Arc::clone(&witness) as _).await;
    let mut node = Setup::dialling(2, &at_witness).start().await;
    node.connected(at_witness.id).await;
    (witness, at_witness, node)
}

#[tokio::test]
async fn what_is_asked_comes_as_it_was_signed_and_so_does_the_answer() {
    let (witness, at_witness, node) = nodes(Some(note(60, 1))).await;
    let heard = soon("an answer", node.mesh.witness(at_witness.id, &note(250, 2))).await;
    assert_eq!(heard.expect("an answer"), note(60, 1));
    let asked = witness.asked.lock().expect("not poisoned").clone();
    assert_eq!(asked, [(node.id, note(250, 2))]);
}

#[tokio::test]
async fn what_another_signed_does_not_reach_the_witness() {
    let (witness, at_witness, node) = nodes(Some(note(60, 1))).await;
    let heard = soon("an answer", node.mesh.witness(at_witness.id, &note(60, 3))).await;
    assert!(matches!(heard, Err(FetchError::NotFound)), "{heard:?}");
    assert!(witness.asked.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn what_another_signed_is_no_answer() {
    let (_, at_witness, node) = nodes(Some(note(60, 3))).await;
    let heard = soon("an answer", node.mesh.witness(at_witness.id, &note(60, 2))).await;
    assert!(matches!(heard, Err(FetchError::BadAnswer)), "{heard:?}");
}

#[tokio::test]
async fn who_is_no_witness_says_so() {
    let (_, at_witness, node) = nodes(None).await;
    let heard = soon("an answer", node.mesh.witness(at_witness.id, &note(60, 2))).await;
    assert!(matches!(heard, Err(FetchError::NotFound)), "{heard:?}");
    // As every node is that does not say otherwise.
    let other = Setup::new(3).start().await;
    let mut node = Setup::dialling(4, &other).start().await;
    node.connected(other.id).await;
    let heard = soon("an answer", node.mesh.witness(other.id, &note(60, 4))).await;
    assert!(matches!(heard, Err(FetchError::NotFound)), "{heard:?}");
}
