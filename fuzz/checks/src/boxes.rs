//! What is opened with a secret key: strangers' bytes are refused, and only what was sealed opens, to what was sealed.
//!
//! The first byte says which box the rest is for.

use nonos_trust::{
    Identity,
    boxes::{self, BoxError, BoxSecret, ContentKey, InputLabel, Place},
};
use nonos_types::{Commitment, CommitmentScheme, JobId, NetworkId, Salt, SealedKey, Slot};

/// Whose boxes they are, and what for.
struct Desk {
    identity: Identity,
    label: InputLabel,
    place: Place,
}

impl Desk {
    fn new() -> Self {
        let identity = Identity::from_seed([7; 32]);
        let (network, executor) = (NetworkId::named("example"), identity.node_id());
        let commitment = Commitment {
            scheme: CommitmentScheme::POSEIDON2_KOALABEAR_1,
            digest: [6; 32],
        };
        let label = InputLabel {
            network,
            requester: executor,
            commitment,
        };
        let place = Place {
            network,
            job: JobId::hash(&[b"a job"]),
            slot: Slot::ZERO,
            executor,
        };
        Self {
            identity,
            label,
            place,
        }
    }

    fn content_key(&self) -> ContentKey {
        boxes::content_key(&self.identity, &Salt::new([5; 16]), &self.label)
    }

    fn secret(&self) -> BoxSecret {
        boxes::slot_secret(&self.identity, &self.place)
    }
}

/// An input of each kind that opens.
///
/// # Errors
/// None, with these keys and lengths.
pub fn samples() -> Result<[(&'static str, Vec<u8>); 4], BoxError> {
    let desk = Desk::new();
    let (key, to) = (desk.content_key(), desk.secret().public());
    let first = |kind: u8, rest: &[u8]| [&[kind], rest].concat();
    Ok([
        (
            "input",
            first(
                0,
                &boxes::seal_input(&key, &desk.label, &[4; 32], b"balance: 1200")?,
            ),
        ),
        (
            "key",
            first(
                1,
                boxes::seal_key(&desk.identity, &to, &desk.place, &key)?.as_bytes(),
            ),
        ),
        (
            "result",
            first(
                2,
                &boxes::seal_result(&desk.identity, &to, &desk.place, b"an opening")?,
            ),
        ),
        ("sealed", first(3, b"any text")),
    ])
}

/// Checks one input.
///
/// # Panics
/// If a box opens to something else than is in it.
pub fn check(bytes: &[u8]) {
    let desk = Desk::new();
    let (content, secret) = (desk.content_key(), desk.secret());
    match bytes.split_first() {
        Some((0, sealed)) => {
            if let Ok((salt, input)) = boxes::open_input(&content, &desk.label, sealed) {
                let again = boxes::seal_input(&content, &desk.label, &salt, &input);
                assert_eq!(again.as_deref(), Ok(sealed));
            }
        }
        Some((1, sealed)) => {
            if let Ok(sealed) = sealed.try_into() {
                let _opened = boxes::open_key(&secret, &desk.place, &SealedKey::from_bytes(sealed));
            }
        }
        Some((2, sealed)) => {
            let _opened = boxes::open_result(&secret, &desk.place, sealed);
        }
        // Not bytes of a stranger, but what is sealed of them opens again.
        Some((_, input)) => {
            let sealed = boxes::seal_result(&desk.identity, &secret.public(), &desk.place, input);
            let opened = boxes::open_result(&secret, &desk.place, &sealed.expect("it is short"));
            assert_eq!(opened.as_deref().map(Vec::as_slice), Ok(input));
        }
        None => {}
    }
}
