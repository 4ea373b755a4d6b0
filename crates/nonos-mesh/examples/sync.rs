//! How long two nodes take to find out which of ten thousand receipts they do not share.
//!
//! ```sh
//! cargo run --release -p nonos-mesh --no-default-features --example sync
//! ```

use std::time::{Duration, Instant};

use nonos_benches::Row;
use nonos_mesh::core::reconcile::{Answer, Ask, Initiator, Limits, Serve, Step, Summary, Unsound, Window};
use nonos_types::{Kind, MessageId, Timestamp};

const RECEIPTS: u64 = 10_000;
const ROUNDS: u32 = 20;
const ALL: Window = Window {
    from: Timestamp::ZERO,
    until: Timestamp::new(u64::MAX),
};

/// Three receipts a second, of which so many, all over the time, are this side's alone.
fn summary(side: u8, differ: u64) -> Summary {
    let mut summary = Summary::new(Summary::MOST);
    for n in 0..RECEIPTS {
        let alone = n * differ % RECEIPTS < differ;
        let series = if alone { side } else { 0 };
        let id = MessageId::hash(&[&[series], &n.to_le_bytes()]);
        summary.insert_name(Kind::Receipt, Timestamp::new(1_700_000_000 + n / 3), id);
    }
    summary
}

/// Both sides' work, without the network between them: names found, asks, bytes.
fn reconcile(ours: &Summary, theirs: &Summary) -> Result<(usize, u32, usize), Unsound> {
    let now = Timestamp::new(1_800_000_000);
    let mut serve = Serve::new(now);
    let (mut initiator, mut ask) = Initiator::begin(ours, Kind::Receipt, ALL, Limits::ROUND);
    let (mut names, mut asks, mut bytes) = (0, 0, 0);
    loop {
        let sent = ask.to_bytes();
        let answer = serve.answer(theirs, &Ask::from_bytes(&sent)?, now)?.to_bytes();
        asks += 1;
        bytes += sent.len() + answer.len();
        let (found, step) = initiator.hear(ours, &Answer::from_bytes(&answer)?)?;
        names += found.need.len() + found.have.len();
        match step {
            Step::Ask(next) => ask = next,
            Step::Done | Step::Cut => return Ok((names, asks, bytes)),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
#[expect(clippy::print_stdout, reason = "its output is all it is for")]
fn main() -> Result<(), Unsound> {
    println!("receipts  differ  names  asks    bytes  median of {ROUNDS}");
    for differ in [0, 1, 100, 5000] {
        let (ours, theirs) = (summary(1, differ), summary(2, differ));
        let mut times = vec![];
        let mut outcome = (0, 0, 0);
        for _ in 0..ROUNDS {
            let started = Instant::now();
            outcome = reconcile(&ours, &theirs)?;
            times.push(started.elapsed());
        }
        times.sort();
        let median: Duration = times[times.len() / 2];
        let (names, asks, bytes) = outcome;
        let row = Row::of("sync")
            .number("differ", differ as f64)
            .number("asks", f64::from(asks));
        let row = row
            .number("bytes", bytes as f64)
            .number("ms", median.as_secs_f64() * 1e3);
        row.leave().expect("the file for figures can be written");
        println!("{RECEIPTS:8}  {differ:6}  {names:5}  {asks:4}  {bytes:7}  {median:?}");
    }
    Ok(())
}
