use nonos_types::{Assignment, Attempt, Digest, Error, InputDigest, JobId, NetworkId, NodeId, Slot};

/// The vectors of `docs/spec/digest.md`.
#[test]
fn digests_are_those_of_the_spec() {
    let cases: [(&[&[u8]], &str); 3] = [
        (
            &[],
            "ef7e0dfb7081a5814fbb1062e7d8da8026edca550b6792843f5880daae15718d",
        ),
        (
            &[b""],
            "9d749bda14d2a800a776ca3cf1870ad92155a8b2c9e2925691d79850447bc992",
        ),
        (
            &[b"abc"],
            "37f8875b391c8771b79beb199c34d050eb9fee928070617ea5f22e7f4d4633d2",
        ),
    ];
    for (parts, hex) in cases {
        assert_eq!(InputDigest::hash(parts).to_string(), hex);
    }
}

#[test]
fn the_nonce_is_that_of_the_spec() {
    assert_eq!(
        Assignment::NONE.nonce().to_string(),
        "7fc00fc9a88e5305723ff14d2f59ab519ce745240d92a85b19a5c75e36b2e08d"
    );
    assert_eq!(
        assignment().nonce().to_string(),
        "62a9fbe64b1218abf6fe7114f4863ed3febe7fac3424013f2eb1cbd623532cfd"
    );
}

#[test]
fn the_nonce_depends_on_every_part_of_the_assignment() {
    let base = assignment();
    for other in [
        Assignment {
            network: NetworkId::named("other"),
            ..base
        },
        Assignment {
            job: JobId::ZERO,
            ..base
        },
        Assignment {
            slot: Slot::new(4),
            ..base
        },
        Assignment {
            executor: NodeId::from_bytes([9; 32]),
            ..base
        },
        Assignment {
            attempt: Attempt::new(5),
            ..base
        },
    ] {
        assert_ne!(base.nonce(), other.nonce());
    }
}

#[test]
fn refuses_hex_of_another_length_or_case() {
    let text = InputDigest::hash(&[]).to_string();
    for bad in [
        String::new(),
        text[1..].to_owned(),
        format!("{text}00"),
        text.to_uppercase(),
        text.replace('0', "g"),
    ] {
        assert_eq!(
            bad.parse::<InputDigest>(),
            Err(Error::BadHex { expected: 32 }),
            "{bad}"
        );
        assert_eq!(
            bad.parse::<NodeId>(),
            Err(Error::BadHex { expected: 32 }),
            "{bad}"
        );
    }
}

fn assignment() -> Assignment {
    Assignment {
        network: Digest::from_bytes([1; 32]),
        job: Digest::from_bytes([2; 32]),
        slot: Slot::new(3),
        executor: NodeId::from_bytes([4; 32]),
        attempt: Attempt::new(1),
    }
}
