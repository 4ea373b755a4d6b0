//! What books on this store cost: durable entries a second, one write each and several in one, beside writes of as many
//! bytes without any books; and how long it takes to recompute them.
//!
//! ```text
//! cargo bench -p nonos-store-rocksdb --bench ledger            # 100,000 entries are verified
//! NONOS_ENTRIES=1000000 cargo bench -p nonos-store-rocksdb --bench ledger
//! ```
#![expect(clippy::print_stdout, reason = "a table is what this program is for")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::{
    error::Error,
    fs::File,
    os::unix::fs::FileExt as _,
    sync::Arc,
    time::{Duration, Instant},
};

use ed25519_dalek::SigningKey;
use nonos_benches::Row;
use nonos_depin::{Checkpoint, FeedHead, Ledger};
use nonos_store::{Durability, Store as _};
use nonos_store_rocksdb::RocksStore;
use nonos_types::{Amount, FeeKind, JobId, Line, NetworkId, NodeId, ReceiptId, Slot, Timestamp};

/// How long each is done.
const FOR: Duration = Duration::from_secs(5);
/// Bytes of an entry with a voucher of one line, more or less.
const BYTES: usize = 450;
const NOW: Timestamp = Timestamp::new(1_800_000_000);

/// A file with the newest head, as a node has it beside its key.
#[derive(Debug)]
struct Beside(File);

impl Checkpoint for Beside {
    fn load(&self) -> Result<Option<FeedHead>, nonos_store::Error> {
        Ok(None)
    }

    fn save(&self, head: &FeedHead) -> Result<(), nonos_store::Error> {
        let written = self.0.write_all_at(&head.to_bytes(), 0);
        written
            .and_then(|()| self.0.sync_data())
            .map_err(|error| nonos_store::Error::Storage {
                source: Box::new(error),
            })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let entries = std::env::var("NONOS_ENTRIES").map_or(Ok(100_000), |it| it.parse::<u64>())?;
    println!("| what | a second |\n|---|---:|");
    let dir = tempfile::tempdir()?;
    let store = RocksStore::open(dir.path().join("plain"))?;
    let mut key = 0_u64;
    rate("plain writes of 450 bytes, each synced", || {
        key += 1;
        store.put(&key.to_be_bytes(), &[7; BYTES], Durability::Durable)?;
        Ok(1)
    })?;
    drop(store);

    for beside in [false, true] {
        let name = if beside { "with" } else { "without" };
        for group in [1_u64, 8, 64, 512] {
            let mut books = Books::open(dir.path(), &format!("{name}-{group}"), beside)?;
            let what = format!("entries, {group} in a write, {name} a checkpoint");
            rate(&what, || books.pay(group))?;
        }
    }

    let mut books = Books::open(dir.path(), "verified", false)?;
    let mut made = 0;
    while made < entries {
        made += books.pay(1000.min(entries - made))?;
    }
    let since = Instant::now();
    let report = books.ledger.verify()?;
    let took = since.elapsed();
    let a_second = report.entries as f64 / took.as_secs_f64();
    println!(
        "| entries verified, of {} in {:.1} s | {a_second:.0} |",
        report.entries,
        took.as_secs_f64()
    );
    let row = Row::of("ledger").text("what", "entries verified");
    row.number("per_second", a_second).leave()?;
    Ok(())
}

fn rate(what: &str, mut once: impl FnMut() -> Result<u64, Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let (since, mut done) = (Instant::now(), 0);
    while since.elapsed() < FOR {
        done += once()?;
    }
    let a_second = done as f64 / since.elapsed().as_secs_f64();
    println!("| {what} | {a_second:.0} |");
    Row::of("ledger")
        .text("what", what)
        .number("per_second", a_second)
        .leave()?;
    Ok(())
}

/// Books that pay eight peers.
struct Books {
    key: SigningKey,
    ledger: Ledger,
    paid: u64,
}

impl Books {
    fn open(dir: &std::path::Path, name: &str, beside: bool) -> Result<Self, Box<dyn Error>> {
        let key = SigningKey::from_bytes(&[7; 32]);
        let author = NodeId::from_bytes(key.verifying_key().to_bytes());
        let store = Arc::new(RocksStore::open(dir.join(name))?);
        let mut ledger = Ledger::open(store, NetworkId::named("bench"), author)?;
        if beside {
            ledger = ledger.with_checkpoint(Beside(File::create(dir.join(format!("{name}.head")))?))?;
        }
        Ok(Self { key, ledger, paid: 0 })
    }

    /// So many vouchers of one line, in one write.
    fn pay(&mut self, vouchers: u64) -> Result<u64, Box<dyn Error>> {
        let dues: Vec<_> = (self.paid..self.paid + vouchers)
            .map(|n| {
                let line = Line {
                    job: JobId::hash(&[&n.to_be_bytes()]),
                    slot: Slot::ZERO,
                    kind: FeeKind::Execute,
                    receipt: ReceiptId::hash(&[&n.to_be_bytes()]),
                    amount: Amount::from_atto(100),
                };
                (NodeId::from_bytes([n as u8 % 8; 32]), vec![line])
            })
            .collect();
        self.paid += vouchers;
        Ok(self.ledger.pay_all(dues, &self.key, NOW)?.len() as u64)
    }
}
