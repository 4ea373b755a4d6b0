//! Claims and records.

use std::sync::Arc;

use nonos_capsule::{Claim, Context, Error, Inputs, Sandbox, Sealed};
use nonos_store::{Batch, Durability, KeyRange, MemoryStore, Store, Visit};
use nonos_types::{
    Assignment, Attempt, CapsuleHash, Commitment, CommitmentScheme, Fault, InputDigest, JobId,
    MachineVersion, NodeId, Output, OutputDigest, Slot,
};

use crate::support::{hosted, policy, wasm};

fn assignment() -> Assignment {
    Assignment {
        job: JobId::hash(&[b"job"]),
        executor: NodeId::from_bytes([5; 32]),
        ..Assignment::NONE
    }
}

#[test]
fn rejects_a_nonce_that_was_claimed() {
    let store = MemoryStore::new();
    assert_eq!(
        *Claim::new(&store, assignment()).unwrap().assignment(),
        assignment()
    );
    let again = Claim::new(&store, assignment()).unwrap_err();
    let Error::NonceReused { nonce } = &again else {
        panic!("{again}")
    };
    assert_eq!(*nonce, assignment().nonce());
    assert_eq!(again.fault(), Fault::Caller);
    for other in [
        Assignment {
            attempt: Attempt::new(1),
            ..assignment()
        },
        Assignment {
            slot: Slot::new(1),
            ..assignment()
        },
        Assignment {
            executor: NodeId::from_bytes([6; 32]),
            ..assignment()
        },
    ] {
        Claim::new(&store, other).unwrap();
    }
}

#[test]
fn of_many_claims_at_once_one_succeeds() {
    let store = Arc::new(MemoryStore::new());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            std::thread::spawn(move || Claim::new(&*store, assignment()).is_ok())
        })
        .collect();
    let won = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .filter(|won| *won)
        .count();
    assert_eq!(won, 1);
}

/// A store that is asked for anything but a durable write, or is broken.
struct Disk {
    broken: bool,
}

impl Store for Disk {
    fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, nonos_store::Error> {
        panic!("a claim is one atomic write")
    }

    fn scan(&self, _: &KeyRange, _: &mut Visit<'_>) -> Result<(), nonos_store::Error> {
        panic!("a claim is one atomic write")
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<(), nonos_store::Error> {
        assert_eq!(durability, Durability::Durable);
        assert_eq!(batch.required_new().len(), 1);
        if self.broken {
            Err(nonos_store::Error::Storage {
                source: "full".into(),
            })
        } else {
            Ok(())
        }
    }
}

#[test]
fn a_claim_is_durable_or_refused() {
    Claim::new(&Disk { broken: false }, assignment()).unwrap();
    let error = Claim::new(&Disk { broken: true }, assignment()).unwrap_err();
    assert_eq!(error.fault(), Fault::Environment);
}

#[test]
fn the_record_says_what_was_run() {
    let text = hosted(
        "(call $write (i32.const 3) (call $read (i32.const 0))) (call $commit (i32.const 3) (i64.const 3))",
    );
    let capsule = Sandbox::new().load_module(&wasm(&text), &policy()).unwrap();
    let inputs = Inputs {
        input: b"abc".to_vec(),
        ..Inputs::default()
    };
    let run = capsule.run(&[], &inputs).unwrap();
    let context = Context {
        policy: capsule.policy(),
        hash: CapsuleHash::hash(&[b"it"]),
        machine: MachineVersion::new(1),
        arguments: &[],
        inputs: &inputs,
        sealed_input: None,
        poi_pre: None,
        poi_post: None,
    };
    let claim = || Claim::new(&MemoryStore::new(), assignment()).unwrap();
    let record = run.record(claim(), &context).unwrap();
    let proven = &record.proven;
    assert_eq!(
        (proven.nonce, proven.job),
        (assignment().nonce(), assignment().job)
    );
    assert_eq!((proven.policy, proven.entry.as_str()), (policy().hash(), "run"));
    assert_eq!(proven.input, InputDigest::hash(&[b"abc"]));
    assert_eq!(
        proven.output,
        Output::Digest(OutputDigest::hash(&[b"abc", b"", b""]))
    );
    assert_eq!(
        (proven.fuel_used, proven.peak_pages),
        (run.fuel_used, run.peak_pages)
    );
    assert_eq!(record.attested.audit_root, run.audit_root);

    let again = capsule
        .run(&[], &inputs)
        .unwrap()
        .record(claim(), &context)
        .unwrap();
    assert_eq!(again.exec_hash(), record.exec_hash());
    let outside = run.record(Claim::outside_jobs(), &context).unwrap();
    assert_ne!(outside.exec_hash(), record.exec_hash());
}

#[test]
fn a_sealed_input_and_its_commitment_come_together() {
    let capsule = Sandbox::new().load_module(&wasm(&hosted("")), &policy()).unwrap();
    let sealed = Some(Sealed {
        bytes: vec![1],
        salt: [2; 32],
    });
    let commitment = Some(Commitment {
        scheme: CommitmentScheme(1),
        digest: [3; 32],
    });
    for (sealed, sealed_input, fits) in [
        (None, None, true),
        (sealed.clone(), commitment, true),
        (sealed, None, false),
        (None, commitment, false),
    ] {
        let inputs = Inputs {
            sealed,
            ..Inputs::default()
        };
        let run = capsule.run(&[], &inputs).unwrap();
        let context = Context {
            policy: capsule.policy(),
            hash: CapsuleHash::ZERO,
            machine: MachineVersion::new(1),
            arguments: &[],
            inputs: &inputs,
            sealed_input,
            poi_pre: None,
            poi_post: None,
        };
        let record = run.record(Claim::outside_jobs(), &context);
        assert_eq!(record.is_ok(), fits);
        if let Err(error) = record {
            assert_eq!(error.fault(), Fault::Caller);
        }
    }
}
