//! What rollup proofs cost, as the table of `benches/README.md`:
//!
//! ```text
//! cargo bench -p nonos-benches --bench rollup
//! ```

use std::error::Error;
use std::io::Write as _;
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use nonos_benches::Row;
use nonos_depin::rollup::{Made, RollupStatement, State};
use nonos_depin::settlement::{Chunk, SettlementFile};
use nonos_depin::{Body, Entry, EntryDigest, MAX_AMOUNT};
use nonos_depin_halo2::Rollup;
use nonos_types::*;
use nonos_verify::{Claim, Erased, Prover, Proving, Seed, Statement as _, Verifier};

/// Entries of the batch, each of one voucher with one line: as many postings.
const ENTRIES: u64 = 40;
/// Peers they are for.
const PEERS: u64 = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    let entries = entries();
    let (made, batching) = timed(|| State::new(NETWORK, id(&key(0))).batch(&entries, MAX_AMOUNT));
    let Made { batch, chunks, .. } = made?;
    let (backend, keys) = timed(Rollup::new);
    let backend = Erased::<RollupStatement, _>::new(backend?);
    let mut seeds = || Seed::new(fresh());
    let (mut claims, mut proving) = (vec![], vec![]);
    for (statement, witness) in &chunks {
        let (proof, time) = timed(|| backend.prove(statement, witness, &mut Proving::new(&mut seeds)));
        let public = statement.public();
        claims.push(Claim {
            public,
            proof: proof?,
        });
        proving.push(time);
    }
    let mut verifying = vec![];
    for claim in &claims {
        let (verdict, time) = timed(|| backend.verify(&claim.public, &claim.proof));
        verdict?;
        verifying.push(time);
    }
    let (verdicts, together) = timed(|| backend.verify_batch(&claims));
    verdicts.into_iter().collect::<Result<Vec<_>, _>>()?;

    let before = State::new(NETWORK, id(&key(0)));
    let (audited, auditing) = timed(|| before.audit(&batch, &entries));
    audited?;
    let file = SettlementFile {
        batch: Envelope::sign(&batch, &key(0)),
        chunks: (chunks.iter().zip(&claims))
            .map(|((statement, _), claim)| Chunk {
                statement: statement.clone(),
                proof: claim.proof.clone(),
            })
            .collect(),
        countersignatures: vec![],
        accounts: vec![],
    };
    let bytes = file.to_bytes();
    let (checked, checking) = timed(|| SettlementFile::from_bytes(&bytes)?.check(&backend));
    checked?;

    let (first, later) = (proving[0], median(&proving[1..]));
    let postings = batch.postings;
    writeln!(out, "| | |\n|---|---:|")?;
    let mut row = |what: &str, value: String| {
        Row::of("rollup")
            .text("what", what)
            .text("value", &value)
            .leave()?;
        writeln!(out, "| {what} | {value} |")
    };
    row("postings, chunks", format!("{postings}, {}", chunks.len()))?;
    row("making the batch, ms per posting", ms(batching / postings))?;
    row("parameters and verifying key, ms", ms(keys))?;
    row(
        "first chunk proved and verified, with the proving key, ms",
        ms(first),
    )?;
    row("another chunk proved and verified, ms", ms(later))?;
    row("per posting, ms", ms(later / 10))?;
    row("a chunk verified, ms", ms(median(&verifying)))?;
    row(
        "all chunks together, ms per chunk",
        ms(together / claims.len() as u32),
    )?;
    row(
        "the state made again from the feed, ms per posting",
        ms(auditing / postings),
    )?;
    row("a settlement file checked, ms", ms(checking))?;
    row("a settlement file, bytes", bytes.len().to_string())?;
    row("proof, bytes", claims[0].proof.bytes.len().to_string())?;
    Ok(())
}

const NETWORK: NetworkId = NetworkId::from_bytes([1; 32]);
const NOW: Timestamp = Timestamp::new(1_800_000_000);

fn entries() -> Vec<Signed<Entry>> {
    let author = id(&key(0));
    let mut prev = EntryDigest::ZERO;
    let mut sign = |number: u64| {
        let line = Line {
            job: JobId::hash(&[&number.to_be_bytes()]),
            slot: Slot::ZERO,
            kind: FeeKind::Execute,
            receipt: ReceiptId::ZERO,
            amount: Amount::from_atto(1000),
        };
        // Number of the voucher to this peer.
        let sequence = number / PEERS + 1;
        let voucher = Voucher {
            network: NETWORK,
            payee: id(&key(1 + (number % PEERS) as u8)),
            incarnation: Incarnation::ZERO,
            sequence: Sequence::new(sequence),
            total: Amount::from_atto(1000 * u128::from(sequence)),
            lines: vec![line],
            at: NOW,
        };
        let voucher = Box::new(Signed::new(voucher, &key(0)));
        let entry = Entry {
            network: NETWORK,
            incarnation: Incarnation::ZERO,
            sequence: Sequence::new(number + 1),
            prev,
            body: Body::Paid { voucher },
            at: NOW,
        };
        prev = entry.digest(author);
        Signed::new(entry, &key(0))
    };
    (0..ENTRIES).map(&mut sign).collect()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed + 1; 32])
}

fn id(key: &SigningKey) -> NodeId {
    NodeId::from_bytes(key.verifying_key().to_bytes())
}

fn fresh() -> [u8; 32] {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("randomness of the operating system");
    seed
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ms(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}
