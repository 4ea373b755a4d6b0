use nonos_types::*;

use super::{
    sample::{accuser, digest, id, key, receipt, verdict},
    wire::{Broken, Field, Fields, signed},
};

const TRANSFERS: u32 = 10;

#[test]
fn names_are_32_bytes_and_the_fee_16() {
    let key = key();
    let broken = Broken::of(&receipt(), &key);
    broken.has_fixed(32, &[(4, "verifying_key"), (5, "proof"), (7, "tapes")]);
    broken.has_fixed(16, &[(9, "fee")]);
    Broken::of(&verdict(), &key).has_fixed(32, &[(1, "network_id"), (2, "receipt")]);
}

#[test]
fn have_no_other_fields() {
    let key = key();
    Broken::of(&receipt(), &key).has_no_more_and_no_less(13);
    Broken::of(&verdict(), &key).has_no_more_and_no_less(8);
}

#[test]
fn refuses_a_receipt_signed_by_another_than_its_executor() {
    let error = Signed::<Receipt>::from_bytes(&signed::<Receipt>(receipt().to_bytes(), &accuser()));
    assert_eq!(error.err(), Some(Error::WrongSigner { message: "receipt" }));
}

/// Nor is it of use to name another as executor: then the signer is wrong, and before that the nonce.
#[test]
fn refuses_a_receipt_in_the_name_of_another() {
    let key = key();
    let mut stolen = receipt();
    stolen.record.proven.executor = id(&accuser());
    let refused = |it: &Receipt| Signed::<Receipt>::from_bytes(&signed::<Receipt>(it.to_bytes(), &key)).err();
    let (message, field) = ("receipt", "attempt");
    assert_eq!(refused(&stolen), Some(Error::BadField { message, field }));
    stolen.record.proven.nonce = stolen.assignment().nonce();
    assert_eq!(refused(&stolen), Some(Error::WrongSigner { message }));
}

/// The nonce binds network, job, slot, executor and attempt.
#[test]
fn refuses_an_attempt_that_does_not_give_the_nonce() {
    let key = key();
    let broken = Broken::of(&receipt(), &key);
    broken.refuses_field(&broken.fields.with(2, 3), "attempt");
    broken.refuses_field(&broken.fields.without(2), "attempt");
    type Change = fn(&mut Proven);
    let changes: [Change; 4] = [
        |it| it.network = Digest::ZERO,
        |it| it.job = Digest::ZERO,
        |it| it.slot = Slot::ZERO,
        |it| it.nonce = Digest::ZERO,
    ];
    for change in changes {
        let mut other = receipt();
        change(&mut other.record.proven);
        broken.refuses_field(&Fields::of(&other.to_bytes()), "attempt");
    }
}

#[test]
fn refuses_a_record_that_is_none() {
    let key = key();
    let broken = Broken::of(&receipt(), &key);
    let refuses = |record: Vec<u8>, error| broken.refuses(&broken.fields.with(1, record), error);
    let record = Fields::of(&receipt().record.to_bytes());
    let (message, field) = ("execution record", "attested");
    refuses(record.without(2).to_bytes(), Error::Missing { message, field });
    refuses(record.with(3, 1).to_bytes(), Error::NotCanonical { message });
    refuses(vec![0xff], Error::Malformed { message });
    let field = "proven";
    broken.refuses(&broken.fields.without(1), Error::Missing { message, field });
}

#[test]
fn refuses_a_backend_that_is_no_name() {
    let key = key();
    let broken = Broken::of(&receipt(), &key);
    for bad in ["", "Halo2", "b".repeat(65).as_str()] {
        let fields = broken.fields.without(3);
        let fields = if bad.is_empty() {
            fields
        } else {
            fields.with(3, bad)
        };
        broken.refuses_field(&fields, "backend");
    }
}

#[test]
fn refuses_proofs_and_tapes_that_are_empty_or_too_long() {
    let key = key();
    let broken = Broken::of(&receipt(), &key);
    for (number, field, most) in [(6, "proof_len", 64 << 20), (8, "tapes_len", 64 << 20)] {
        broken.accepts(&broken.fields.with(number, 1));
        broken.accepts(&broken.fields.with(number, most));
        broken.refuses_field(&broken.fields.with(number, most + 1), field);
        broken.refuses_field(&broken.fields.with(number, u64::MAX), field);
        broken.refuses_field(&broken.fields.without(number), field);
    }
}

#[test]
fn refuses_too_many_transfers_and_such_without_a_seeder() {
    let key = key();
    let broken = Broken::of(&receipt(), &key);
    let transfer = broken.fields.all(TRANSFERS).remove(0);
    let transfers = |count| {
        broken
            .fields
            .with_all(TRANSFERS, vec![Field::from(transfer.clone()); count])
    };
    broken.accepts(&transfers(0));
    broken.accepts(&transfers(16));
    broken.refuses_field(&transfers(17), "transfers");
    let anonymous = Fields::of(&transfer).without(1).to_bytes();
    let (message, field) = ("receipt", "transfers");
    broken.refuses(
        &broken.fields.with(TRANSFERS, anonymous),
        Error::Missing { message, field },
    );
    let short = Fields::of(&transfer).with(1, vec![1; 31]).to_bytes();
    broken.refuses_field(&broken.fields.with(TRANSFERS, short), "transfers");
}

#[test]
fn a_verdict_says_yes_or_no() {
    let key = key();
    let broken = Broken::of(&verdict(), &key);
    broken.accepts(&broken.fields.with(3, 1));
    broken.accepts(&broken.fields.without(3));
    let bytes = broken.fields.without(3).to_bytes();
    assert!(!Verdict::from_bytes(&bytes).expect("a verdict").valid);
    // There is no third way, and one way to write each.
    let message = "verdict";
    for bad in [0, 2] {
        broken.refuses(&broken.fields.with(3, bad), Error::NotCanonical { message });
    }
}

#[test]
fn the_widest_fit() {
    let key = key();
    let mut wide = receipt();
    wide.attempt = Attempt::MAX;
    wide.backend = "b".repeat(64).parse().expect("a name");
    wide.proof_len = Receipt::MAX_PROOF;
    wide.tapes_len = Receipt::MAX_TAPES;
    wide.fee = Amount::from_atto(u128::MAX);
    wide.at = Timestamp::MAX;
    let transfer = Transfer {
        seeder: NodeId::from_bytes([255; 32]),
        bytes: ByteLen::MAX,
    };
    wide.transfers = vec![transfer; Receipt::MAX_TRANSFERS];
    let proven = &mut wide.record.proven;
    proven.entry = "e".repeat(Proven::MAX_ENTRY);
    proven.arguments = vec![Value::I64(u64::MAX); Proven::MAX_VALUES];
    proven.outcome = Outcome::Return(vec![Value::I64(u64::MAX); Proven::MAX_VALUES]);
    proven.slot = Slot::MAX;
    wide.record.proven.nonce = wide.assignment().nonce();
    Broken::of(&wide, &key);
    for work in [Work::Committed(digest(255)), Work::Shown(digest(255))] {
        let verdict = Verdict {
            network: digest(255),
            receipt: digest(255),
            valid: true,
            at: Timestamp::MAX,
            shard: Shard::all().last(),
            work: Some(work),
        };
        Broken::of(&verdict, &key);
    }
}

#[test]
fn a_verdict_commits_or_shows_and_never_both() {
    let key = key();
    for (number, field, work) in [
        (6, "commitment", Work::Committed(digest(7))),
        (7, "transcript", Work::Shown(digest(7))),
    ] {
        let with = Verdict {
            work: Some(work),
            ..verdict()
        };
        let bytes = [&verdict().to_bytes()[..], &[number << 3 | 2, 32], &[7; 32]].concat();
        assert_eq!(with.to_bytes(), bytes, "without it has the bytes it had");
        assert_eq!(Verdict::from_bytes(&bytes), Ok(with));
        let broken = Broken::of(&with, &key);
        broken.refuses_field(&broken.fields.without(3), "valid");
        let short = [&verdict().to_bytes()[..], &[number << 3 | 2, 31], &[7; 31]].concat();
        let bad = Error::BadField {
            message: "verdict",
            field,
        };
        assert_eq!(Verdict::from_bytes(&short), Err(bad));
    }
    let committed = Verdict {
        work: Some(Work::Committed(digest(7))),
        ..verdict()
    };
    // Two whole ones are longer than any verdict.
    let both = [&committed.to_bytes()[..], &[7 << 3 | 2, 9], &[7; 9]].concat();
    let bad = Error::BadField {
        message: "verdict",
        field: "transcript",
    };
    assert_eq!(Verdict::from_bytes(&both), Err(bad));
}

#[test]
fn a_commitment_is_of_one_verifier_to_one_value_of_one_receipt() {
    let of = |verifier, receipt: u8, value: u8| {
        VerdictCommitment::to(NodeId::from_bytes([verifier; 32]), digest(receipt), digest(value))
    };
    let all = [of(1, 2, 3), of(9, 2, 3), of(1, 9, 3), of(1, 2, 9)];
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
}

#[test]
fn a_verdict_says_its_shard_or_none() {
    let key = key();
    let broken = Broken::of(&verdict(), &key);
    for shard in Shard::all() {
        let of_shard = Verdict {
            shard: Some(shard),
            ..verdict()
        };
        let bytes = [&verdict().to_bytes()[..], &[5 << 3, shard.get()]].concat();
        assert_eq!(of_shard.to_bytes(), bytes, "without one it has the bytes it had");
        assert_eq!(Verdict::from_bytes(&bytes), Ok(of_shard));
    }
    for number in [4, 256, u64::from(u32::MAX)] {
        broken.refuses_field(&broken.fields.with(5, number), "shard");
    }
}
