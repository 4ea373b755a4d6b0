//! Two nodes of a mesh in one process: one publishes a signed message and gives an object, the other hears and fetches.
//!
//! `cargo run -p nonos-examples-node --example mesh`
//!
//! There is no server: the second is told an address of the first, and that is all. They talk over loopback, by the
//! transports that they would use anywhere. What a message is worth, and who is to be believed, is the application's
//! affair: here everything is accepted.

use std::error::Error;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use nonos_mesh::core::Download;
use nonos_mesh::{Acceptance, Config, Cursor, Event, Limits, Object, Objects, Page, Part, start};
use nonos_types::{
    ByteLen, Claim, Clock, InputDigest, JobId, Message, NetworkId, NodeId, Shards, Signed, Slot, Timestamp,
};

/// A clock that stands still; a real one asks the system.
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::new(1_800_000_000)
    }
}

/// What a node gives to others: here, one object at most.
struct Shelf(Option<(Object, Vec<u8>)>);

impl Objects for Shelf {
    fn read(&self, object: &Object, offset: ByteLen, most: ByteLen) -> Option<Part> {
        let (_, bytes) = self.0.as_ref().filter(|(name, _)| name == object)?;
        let start = usize::try_from(offset.get()).ok()?;
        let end = start
            .saturating_add(usize::try_from(most.get()).ok()?)
            .min(bytes.len());
        Some(Part {
            total: ByteLen::from(bytes.len()),
            bytes: bytes.get(start..end)?.to_vec(),
        })
    }

    fn messages_after(&self, cursor: Cursor, _: usize) -> Page {
        Page {
            next: cursor,
            messages: vec![],
        }
    }
}

/// What the second node heard, and what it fetched.
async fn meet() -> Result<(Message, Vec<u8>), Box<dyn Error>> {
    let network = NetworkId::named("example");
    let config = |peers| -> Result<Config, Box<dyn Error>> {
        Ok(Config {
            network,
            listen: vec!["/ip4/127.0.0.1/tcp/0".parse()?],
            peers,
            limits: Limits::default(),
            clock: Arc::new(Fixed),
            shards: Shards::ALL,
            onion: None,
        })
    };
    let (alice, bob) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
    let alices_id = NodeId::from_bytes(alice.verifying_key().to_bytes());

    // An object's name is its digest, so that it does not matter who gives it.
    let text = b"what Alice has".to_vec();
    let object = Object::Input(InputDigest::hash(&[&text]));
    let shelf = Arc::new(Shelf(Some((object, text))));
    let (of_alice, mut at_alice) = start(config(vec![])?, &alice, shelf)?;
    let Some(Event::Listening(address)) = at_alice.recv().await else {
        return Err("Alice does not listen".into());
    };
    let (of_bob, mut at_bob) = start(config(vec![address])?, &bob, Arc::new(Shelf(None)))?;
    while !matches!(at_alice.recv().await, Some(Event::Connected(_))) {}

    let claim = Claim {
        network,
        job: JobId::ZERO,
        slot: Slot::ZERO,
        at: Fixed.now(),
        box_key: None,
    };
    of_alice
        .publish(&Message::from(Signed::new(claim, &alice)))
        .await?;
    let heard = loop {
        match at_bob.recv().await {
            Some(Event::Message { message, ticket, .. }) => {
                // Signature, network, time and budgets were checked; this lets it go on to others.
                of_bob.report(ticket, Acceptance::Accept).await;
                break message;
            }
            Some(_) => {}
            None => return Err("Bob has stopped".into()),
        }
    };

    let mut download = Download::new(object, ByteLen::new(1 << 20), [alices_id]);
    let fetched = of_bob.gather(&mut download, |_, _, _| {}, |_| true).await?;
    of_alice.shutdown().await;
    of_bob.shutdown().await;
    Ok((heard, fetched))
}

#[expect(clippy::print_stdout, reason = "an example speaks")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (heard, fetched) = meet().await?;
    println!("heard {heard:?}\nfetched {:?}", String::from_utf8_lossy(&fetched));
    Ok(())
}

#[tokio::test]
async fn one_hears_and_fetches_what_the_other_has() {
    let (heard, fetched) = meet().await.expect("they meet");
    let alice = SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes();
    assert_eq!(heard.signer(), NodeId::from_bytes(alice));
    assert_eq!(fetched, b"what Alice has");
}
