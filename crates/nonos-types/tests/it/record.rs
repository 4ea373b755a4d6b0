use nonos_types::*;
use proptest::prelude::*;

use crate::sample::{record, records};

/// The vectors of `docs/spec/record.md`.
#[test]
fn bytes_are_those_of_the_spec() {
    let record = record();
    assert_eq!(
        hex::encode(record.proven.to_bytes()),
        include_str!("../vectors/proven.hex").trim()
    );
    assert_eq!(
        hex::encode(record.attested.to_bytes()),
        include_str!("../vectors/attested.hex").trim()
    );
    assert_eq!(
        record.exec_hash().to_string(),
        "f32241638004da8c952a37d985c3da5a46ff2ca30fa45116e5ebacaedaf3877c"
    );
}

#[test]
fn trap_codes_and_names_are_those_of_the_spec() {
    let names: Vec<_> = TrapKind::ALL
        .iter()
        .map(|kind| (kind.code(), kind.name()))
        .collect();
    let spec = [
        (1, "unreachable"),
        (2, "division-by-zero"),
        (3, "integer-overflow"),
        (4, "memory-out-of-bounds"),
        (5, "table-out-of-bounds"),
        (6, "indirect-call-null"),
        (7, "indirect-call-type"),
        (8, "stack-exhausted"),
        (9, "forbidden-host-call"),
        (10, "bad-tape-call"),
    ];
    assert_eq!(names, spec);
    for kind in TrapKind::ALL {
        assert_eq!(kind.name().parse(), Ok(*kind));
        assert_eq!(TrapKind::from_code(kind.code()), Some(*kind));
    }
    assert_eq!(TrapKind::from_code(0), None);
    assert_eq!(TrapKind::from_code(11), None);
}

#[test]
fn exec_hash_covers_every_field() {
    let base = record();
    type Change = fn(&mut ExecutionRecord);
    let changes: [Change; 24] = [
        |it| it.proven.network = Digest::ZERO,
        |it| it.proven.job = Digest::ZERO,
        |it| it.proven.slot = Slot::ZERO,
        |it| it.proven.nonce = Digest::ZERO,
        |it| it.proven.executor = NodeId::NONE,
        |it| it.proven.capsule = Digest::ZERO,
        |it| it.proven.machine = MachineVersion::new(2),
        |it| it.proven.policy = Digest::ZERO,
        |it| it.proven.entry = "other".to_owned(),
        |it| it.proven.arguments[0] = Value::I64(0),
        |it| it.proven.arguments[1] = Value::I64(1),
        |it| it.proven.input = Digest::ZERO,
        |it| it.proven.sealed_input = None,
        |it| it.proven.inbound = Digest::ZERO,
        |it| it.proven.output = Output::Digest(Digest::ZERO),
        |it| it.proven.outcome = Outcome::Return(vec![Value::I32(6)]),
        |it| it.proven.outcome = Outcome::Exit(5),
        |it| it.proven.fuel_used = Fuel::ZERO,
        |it| it.proven.peak_pages = Pages::ZERO,
        |it| it.proven.segment_chain = Digest::ZERO,
        |it| it.attested.checkpoint_root = Digest::ZERO,
        |it| it.attested.audit_root = Digest::ZERO,
        |it| it.attested.poi_pre = None,
        |it| std::mem::swap(&mut it.attested.poi_pre, &mut it.attested.poi_post),
    ];
    let mut seen = std::collections::HashSet::from([base.exec_hash()]);
    for (index, change) in changes.iter().enumerate() {
        let mut other = base.clone();
        change(&mut other);
        assert!(seen.insert(other.exec_hash()), "change {index} is not seen");
    }
}

#[test]
fn refuses_truncated_and_extended_statements() {
    let bytes = record().proven.to_bytes();
    for len in 0..bytes.len() {
        assert!(Proven::from_bytes(&bytes[..len]).is_err(), "{len} bytes");
    }
    let unknown_field = [&bytes[..], &[0xa0, 0x01, 0x01]].concat();
    assert_eq!(
        Proven::from_bytes(&unknown_field),
        Err(Error::NotCanonical {
            message: "proven part"
        })
    );
    let twice = [&bytes[..], &bytes[..]].concat();
    assert_eq!(
        Proven::from_bytes(&twice),
        Err(Error::NotCanonical {
            message: "proven part"
        })
    );
}

#[test]
fn refuses_a_number_in_more_bytes_than_it_needs() {
    let bytes = record().attested.to_bytes();
    // Tag 1, length 32 written in two bytes.
    let padded = [&[0x0a, 0xa0, 0x00], &bytes[2..]].concat();
    assert_eq!(
        Attested::from_bytes(&padded),
        Err(Error::NotCanonical {
            message: "attested part"
        })
    );
}

#[test]
fn refuses_fields_out_of_their_domain() {
    let refused = |change: fn(&mut Proven)| {
        let mut proven = record().proven;
        change(&mut proven);
        Proven::from_bytes(&proven.to_bytes()).expect_err("out of domain")
    };
    let bad = |field| Error::BadField {
        message: "proven part",
        field,
    };
    assert_eq!(refused(|it| it.entry = "e".repeat(257)), bad("entry"));
    assert_eq!(
        refused(|it| it.arguments = vec![Value::I32(0); 1001]),
        bad("arguments")
    );
    assert_eq!(
        refused(|it| it.outcome = Outcome::Return(vec![Value::I32(0); 1001])),
        bad("outcome")
    );

    let bytes = record().proven.to_bytes();
    // The slot, 300, is the varint ac 02 after tag 18.
    let at = bytes
        .windows(3)
        .position(|it| it == [0x18, 0xac, 0x02])
        .expect("the slot");
    let wide = [&bytes[..at], &[0x18, 0x80, 0x80, 0x04], &bytes[at + 3..]].concat();
    assert_eq!(Proven::from_bytes(&wide), Err(bad("slot")));
    // The network id, one byte short.
    let short = [&[0x0a, 0x1f], &bytes[3..]].concat();
    assert_eq!(Proven::from_bytes(&short), Err(bad("network_id")));
    // The network id, missing.
    let missing = Error::Missing {
        message: "proven part",
        field: "network_id",
    };
    assert_eq!(Proven::from_bytes(&bytes[34..]), Err(missing));
}

#[test]
fn refuses_a_trap_without_a_name() {
    let mut proven = record().proven;
    proven.outcome = Outcome::Trap(TrapKind::BadTapeCall);
    let bytes = proven.to_bytes();
    let at = bytes
        .windows(5)
        .position(|it| it == [0x82, 0x01, 0x02, 0x18, 10])
        .expect("the outcome");
    for code in [0, 11, 127] {
        let mut bad = bytes.clone();
        bad[at + 4] = code;
        let error = Error::BadField {
            message: "proven part",
            field: "outcome",
        };
        assert_eq!(Proven::from_bytes(&bad), Err(error), "code {code}");
    }
}

#[test]
fn refuses_more_than_the_limit_before_decoding() {
    let bytes = vec![0xff; (64 << 10) + 1];
    let error = Error::TooLong {
        message: "execution record",
        limit: ByteLen::new(64 << 10),
        actual: ByteLen::from(bytes.len()),
    };
    assert_eq!(ExecutionRecord::from_bytes(&bytes), Err(error));
}

proptest! {
    #[test]
    fn reads_what_it_writes(record in records()) {
        prop_assert_eq!(ExecutionRecord::from_bytes(&record.to_bytes()), Ok(record.clone()));
        prop_assert_eq!(Proven::from_bytes(&record.proven.to_bytes()), Ok(record.proven));
    }

    /// What is accepted has these bytes and no others, however the bytes came about.
    #[test]
    fn changed_bytes_are_refused_or_canonical(
        record in records(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = record.to_bytes();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut.index(4) == 0 {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(read) = ExecutionRecord::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes(), bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(ExecutionRecord::from_bytes(&bytes).is_err());
    }
}
