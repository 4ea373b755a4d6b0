use ed25519_dalek::SigningKey;
use nonos_state::{Error, Snapshot};
use nonos_types::{Digest, Envelope, NodeId, Payload as _, Signed, Timestamp};

use crate::{
    profile::widest,
    sample::{key, snapshot},
};

type Refused = nonos_types::Error;

fn read(snapshot: &Snapshot) -> Result<Snapshot, Refused> {
    Snapshot::from_bytes(&snapshot.to_bytes())
}

/// The vectors of `docs/spec/poi.md`.
#[test]
fn bytes_are_those_of_the_spec() {
    let signed = Signed::new(snapshot(), &key());
    assert_eq!(
        hex::encode(snapshot().to_bytes()),
        include_str!("../vectors/snapshot.hex").trim()
    );
    assert_eq!(
        hex::encode(signed.to_bytes()),
        include_str!("../vectors/snapshot-envelope.hex").trim()
    );
    assert_eq!(
        snapshot().hash().to_string(),
        "2e842d32b3b1a40abc31053fe0c8ab82bc626507da439b25219063a1745666db"
    );
    let received = Signed::<Snapshot>::from_bytes(&signed.to_bytes()).expect("verifies");
    assert_eq!(
        (received.value(), received.signer()),
        (&snapshot(), snapshot().node)
    );
}

#[test]
fn every_flipped_bit_of_a_signed_snapshot_is_refused() {
    let sent = Signed::new(snapshot(), &key()).to_bytes();
    for at in 0..sent.len() {
        for bit in 0..8 {
            let mut bad = sent.clone();
            bad[at] ^= 1 << bit;
            assert!(
                Signed::<Snapshot>::from_bytes(&bad).is_err(),
                "byte {at} bit {bit}"
            );
        }
    }
}

#[test]
fn refuses_a_snapshot_of_another_node() {
    let other = SigningKey::from_bytes(&[8; 32]);
    let sent = Envelope::sign(&snapshot(), &other).to_bytes();
    let refused = Signed::<Snapshot>::from_bytes(&sent).err();
    assert_eq!(
        refused,
        Some(Refused::WrongSigner {
            message: "poi snapshot"
        })
    );
}

#[test]
fn the_hash_covers_every_field() {
    type Change = fn(&mut Snapshot);
    let changes: [Change; 5] = [
        |it| it.network = Digest::ZERO,
        |it| it.node = NodeId::NONE,
        |it| it.profile.kernel.push('x'),
        |it| it.taken_at = Timestamp::ZERO,
        |it| it.expires = Timestamp::ZERO,
    ];
    let mut seen = std::collections::HashSet::from([snapshot().hash(), snapshot().profile.digest()]);
    for (index, change) in changes.iter().enumerate() {
        let mut other = snapshot();
        change(&mut other);
        assert!(seen.insert(other.hash()), "change {index} is not seen");
    }
}

#[test]
fn refuses_to_count_for_more_than_a_week_or_not_at_all() {
    let until = |expires| {
        let mut it = snapshot();
        it.expires = Timestamp::new(expires);
        read(&it).err()
    };
    let (taken, week) = (1_700_000_000, 7 * 86_400);
    let bad = Some(Refused::BadField {
        message: "poi snapshot",
        field: "expires",
    });
    assert_eq!(until(taken + week + 1), bad);
    assert_eq!(until(taken), bad);
    assert_eq!(until(taken - 1), bad);
    assert_eq!(until(taken + week), None);
    assert_eq!(until(taken + 1), None);
}

#[test]
fn counts_from_its_measurement_until_it_expires() {
    let snapshot = snapshot();
    let at = |now: u64| snapshot.check_at(Timestamp::new(now));
    let (taken, expires) = (snapshot.taken_at.get(), snapshot.expires.get());
    for now in [taken, taken + 1, expires - 1] {
        assert_eq!(at(now), Ok(()));
    }
    for now in [0, taken - 1, expires, expires + 1, u64::MAX] {
        let error = Error::NotCurrent {
            taken_at: snapshot.taken_at,
            expires: snapshot.expires,
            now: Timestamp::new(now),
        };
        assert_eq!(at(now), Err(error));
    }
}

#[test]
fn refuses_a_snapshot_without_its_parts() {
    let bytes = snapshot().to_bytes();
    let missing = |field| {
        Err(Refused::Missing {
            message: "poi snapshot",
            field,
        })
    };
    assert_eq!(Snapshot::from_bytes(&bytes[34..]), missing("network_id"));
    assert_eq!(
        Snapshot::from_bytes(&[&bytes[..34], &bytes[68..]].concat()),
        missing("node")
    );
    let profile = 2 + snapshot().profile.to_bytes().len();
    assert_eq!(
        Snapshot::from_bytes(&[&bytes[..68], &bytes[68 + profile..]].concat()),
        missing("profile")
    );
    let unknown = [&bytes[..], &[0x30, 0x01]].concat();
    assert_eq!(
        Snapshot::from_bytes(&unknown),
        Err(Refused::NotCanonical {
            message: "poi snapshot"
        })
    );
}

#[test]
fn refuses_a_bad_profile_within() {
    let mut it = snapshot();
    it.profile.os = "\n".to_owned();
    assert_eq!(
        read(&it),
        Err(Refused::BadField {
            message: "profile",
            field: "os"
        })
    );
}

#[test]
fn the_widest_values_fit() {
    let mut it = snapshot();
    it.profile = widest();
    it.taken_at = Timestamp::new(u64::MAX - 1);
    it.expires = Timestamp::new(u64::MAX);
    assert_eq!(read(&it), Ok(it.clone()));
    let sent = Signed::new(it.clone(), &key()).to_bytes();
    assert_eq!(Signed::<Snapshot>::from_bytes(&sent).expect("fits").value(), &it);
}
