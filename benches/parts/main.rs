//! What one call of each part costs, for the crates whose figures are in no other benchmark: a line for each.
//!
//! ```text
//! cargo bench -p nonos-benches --bench parts
//! ```
#![expect(clippy::print_stdout, reason = "a table is what this program is for")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::{
    error::Error,
    hint::black_box,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use ed25519_dalek::SigningKey;
use nonos_benches::Row;
use nonos_capsule::{Inputs, Sandbox};
use nonos_depin_evm::{Account, Address, EvmKey};
use nonos_package::{Manifest, Package, Policy, builder};
use nonos_seal::{Salt, commit_input, commit_input_by};
use nonos_state::MemoryTree;
use nonos_store::{Batch, Durability, KeyRange, MemoryStore, Store as _};
use nonos_trust::{
    Cause, Context, Deed, Identity, Observation, TrustBook,
    boxes::{Place, open_result, result_secret, seal_result},
};
use nonos_types::{
    Claim, CommitmentScheme, Envelope, InputDigest, JobId, Message, NetworkId, NodeId, Signed, Slot,
    Timestamp,
};
use nonos_verify::{
    Erased, Verifier as _,
    testing::{ClearWitness, Product, example_claim},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Each is done at least so often, and so long.
const ROUNDS: usize = 20;
const FOR: Duration = Duration::from_millis(300);
const NOW: Timestamp = Timestamp::new(1_800_000_000);

const WASM: &[u8] = include_bytes!("../../capsules/sha256/capsule.wasm");
const MANIFEST: &str = include_str!("../../capsules/sha256/manifest.toml");

fn main() -> Result<()> {
    println!("| what | µs, median | a second |\n|---|---:|---:|");
    types()?;
    stores()?;
    packages()?;
    seals()?;
    states()?;
    trust()?;
    verify()?;
    accounts()
}

/// Measures a call, prints and leaves what it took.
fn measure<T>(what: &str, mut call: impl FnMut() -> Result<T>) -> Result<()> {
    let (mut times, mut total) = (vec![], Duration::ZERO);
    while times.len() < ROUNDS || total < FOR {
        let start = Instant::now();
        let value = black_box(call()?);
        let time = start.elapsed();
        drop(value);
        total += time;
        times.push(time);
    }
    times.sort();
    let median = times[times.len() / 2];
    let micros = median.as_secs_f64() * 1e6;
    println!("| {what} | {micros:.3} | {:.0} |", 1e6 / micros);
    Row::of("parts").text("what", what).each(median).leave()?;
    Ok(())
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn types() -> Result<()> {
    let network = NetworkId::named("bench");
    let claim = Claim {
        network,
        job: JobId::ZERO,
        slot: Slot::ZERO,
        at: NOW,
        box_key: None,
    };
    let key = key();
    measure("types: a message signed", || Ok(Signed::new(claim, &key)))?;
    let message = Message::from(Signed::new(claim, &key));
    let bytes = message.to_bytes();
    measure("types: a message read and verified", || {
        Ok(Message::from_bytes(message.kind(), &bytes)?)
    })?;
    measure("types: an envelope read, not verified", || {
        Ok(Envelope::from_bytes::<Claim>(&bytes)?)
    })?;
    let text = vec![7; 1 << 20];
    measure("types: a digest of 1 MiB", || Ok(InputDigest::hash(&[&text])))
}

fn stores() -> Result<()> {
    let store = MemoryStore::new();
    let mut number = 0_u64;
    measure("store, in memory: a batch of 100 written", || {
        let mut batch = Batch::new();
        for _ in 0..100 {
            number += 1;
            batch.put(number.to_be_bytes().to_vec(), vec![7; 100]);
        }
        Ok(store.write(&batch, Durability::Durable)?)
    })?;
    measure("store, in memory: 1,000 entries scanned", || {
        let mut left = 1000;
        store.scan(&KeyRange::ALL, &mut |_, _| {
            left -= 1;
            if left == 0 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        Ok(())
    })
}

fn packages() -> Result<()> {
    let packed = builder::pack(WASM, MANIFEST, &key())?;
    let bytes = packed.bytes().to_vec();
    measure("package: one packed and signed", || {
        Ok(builder::pack(WASM, MANIFEST, &key())?)
    })?;
    measure("package: one read and checked", || Ok(Package::decode(&bytes)?))?;
    let written = packed.manifest();
    let text = format!(
        "[meta]\nname = \"{}\"\nversion = \"1.0.0\"\nauthor = \"Ada\"\nauthor_key = \"{}\"\n[exec]\nentry = \"main\"\nhash = \"{}\"\n\
         [resources]\nfuel = 1000\nmem = \"64KiB\"\n",
        written.name, written.author_key, written.payload
    );
    measure("package: a manifest read", || Ok(Manifest::parse(&text)?))?;
    let sandbox = Sandbox::new();
    measure("capsule: a package loaded into the sandbox", || {
        Ok(sandbox.load(&packed)?)
    })?;
    let module = wat::parse_str(r#"(module (func (export "seven") (result i32) i32.const 7))"#)?;
    let capsule = sandbox.load_module(&module, &Policy::for_module("seven"))?;
    measure("capsule: the smallest run", || {
        Ok(capsule.run(&[], &Inputs::default())?)
    })
}

fn seals() -> Result<()> {
    let (input, salt) = (vec![7; 1024], Salt::new([7; 32]));
    measure("seal: 1 KiB committed to, for halo2", || {
        Ok(commit_input(&input, &salt))
    })?;
    measure("seal: 1 KiB committed to, for the STARK", || {
        let commitment = commit_input_by(CommitmentScheme::POSEIDON2_KOALABEAR_1, &input, &salt);
        Ok(commitment.ok_or("no such scheme")?)
    })
}

fn states() -> Result<()> {
    let mut memory = vec![7; 256 << 16];
    measure("state: 16 MiB of memory hashed", || Ok(MemoryTree::of(&memory)?))?;
    let mut tree = MemoryTree::of(&memory)?;
    measure("state: one page of them hashed again", || {
        memory[70_000] = memory[70_000].wrapping_add(1);
        Ok(tree.update(&memory, [1])?)
    })
}

fn trust() -> Result<()> {
    let book = TrustBook::open(Arc::new(MemoryStore::new()))?;
    let mut job = 0_u64;
    measure("trust: an observation booked", || {
        job += 1;
        let deed = Observation {
            peer: NodeId::from_bytes([job as u8 % 64; 32]),
            context: Context::Execute,
            deed: Deed::Good,
            cause: Cause::Job(JobId::hash(&[&job.to_be_bytes()])),
        };
        Ok(book.observe(&deed, NOW)?)
    })?;
    measure("trust: the standing of a peer", || {
        Ok(book.standing(NodeId::from_bytes([1; 32]), NOW)?)
    })?;
    let (requester, executor) = (Identity::from_seed([1; 32]), Identity::from_seed([2; 32]));
    let network = NetworkId::named("bench");
    let place = Place {
        network,
        job: JobId::ZERO,
        slot: Slot::ZERO,
        executor: executor.node_id(),
    };
    let secret = result_secret(&requester, network, &nonos_types::Salt::new([3; 16]));
    measure("trust: a result sealed and opened", || {
        let sealed = seal_result(&executor, &secret.public(), &place, &[7; 1024])?;
        Ok(open_result(&secret, &place, &sealed)?)
    })
}

fn verify() -> Result<()> {
    // A proof that takes nothing to check: what is left is what stands around every verification.
    let backend = Erased::<Product, _>::new(ClearWitness::default());
    let claim = example_claim(3, 5);
    measure("verify: what stands around a proof", || {
        Ok(backend.verify(&claim.public, &claim.proof)?)
    })
}

fn accounts() -> Result<()> {
    let account = EvmKey::from_secret(&[1; 32])?;
    let node = NodeId::from_bytes(key().verifying_key().to_bytes());
    let contract = Address::from_bytes([3; 20]);
    let network = NetworkId::named("bench");
    let sign = || Account::sign(network, node, 31337, contract, &account);
    measure("depin-evm: an account's word signed", || Ok(sign()))?;
    let envelope = Envelope::sign(&sign(), &key());
    measure("depin-evm: an account's word verified", || {
        Ok(envelope.open::<Account>()?)
    })
}
