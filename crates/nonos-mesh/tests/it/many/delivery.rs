use std::time::Duration;

use nonos_mesh::Limits;
use tokio::time::Instant;

use super::{Judge, Member, duplicates, load, peak_mib, within};
use crate::sample::{at, receipt};

/// What came of it.
struct Figures {
    complete: Duration,
    delivered: f64,
    p95: Duration,
    copies: f64,
}

/// So many nodes that know one address; then so many receipts, ten a second, by all in turn and in all shards.
async fn deliver(nodes: u8, receipts: u32) -> Figures {
    duplicates::count();
    let judge = Judge {
        cost: Duration::from_millis(5),
        refuses: |_| false,
    };
    let started = Instant::now();
    let seed = Member::start(1, vec![], Limits::default(), judge.clone()).await;
    let address = seed.address.clone();
    let mut members = vec![seed];
    for other in 2..=nodes {
        members.push(Member::start(other, vec![address.clone()], Limits::default(), judge.clone()).await);
    }
    let all = usize::from(nodes);
    let left = Duration::from_secs(30).saturating_sub(started.elapsed());
    within("all directories are complete", left, || {
        members.iter().all(|it| it.listed() == all)
    })
    .await;
    let complete = started.elapsed();

    let before = duplicates::seen();
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let mut sent = Vec::new();
    for number in 0..receipts {
        tick.tick().await;
        let author = u8::try_from(number % u32::from(nodes)).expect("fewer than 256");
        let message = receipt(author + 1, (number % 256) as u8, at((number / 256).into()));
        sent.push((message.id(), author, Instant::now()));
        members[usize::from(author)].publish(&message).await;
    }
    // What takes longer than this counts as lost.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut latencies = Vec::new();
    for (message, author, at) in &sent {
        let others = members
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != usize::from(*author));
        latencies.extend(others.filter_map(|(_, member)| Some(member.accepted(message)? - *at)));
    }
    latencies.sort_unstable();
    let due = sent.len() * (all - 1);
    let copies = duplicates::seen() - before + latencies.len() as u64;
    Figures {
        complete,
        delivered: latencies.len() as f64 / due as f64,
        p95: latencies[latencies.len() * 95 / 100],
        copies: copies as f64 / latencies.len() as f64,
    }
}

#[expect(clippy::print_stderr, reason = "what was measured is said")]
async fn holds(nodes: u8, receipts: u32) {
    let it = deliver(nodes, receipts).await;
    let peak = peak_mib();
    eprintln!(
        "{nodes} nodes: directories complete after {:.1?}; {receipts} receipts: {:.2} % delivered, 95 % of that within {:.0?}, \
         {:.2} copies each; at most {peak} MiB in all; {}",
        it.complete,
        it.delivered * 100.0,
        it.p95,
        it.copies,
        load()
    );
    assert!(it.delivered >= 0.995);
    assert!(it.p95 <= Duration::from_secs(3));
    assert!((1.0..=6.0).contains(&it.copies));
    assert!(peak <= 1536);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_nodes_that_know_one_address_hear_all_of_each_other() {
    holds(10, 30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_fifty_nodes_that_know_one_address_hear_all_of_each_other() {
    holds(50, 500).await;
}
