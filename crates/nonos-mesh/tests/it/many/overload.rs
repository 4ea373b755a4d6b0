use std::time::Duration;

use nonos_mesh::{
    Limits,
    core::{Budgets, Rate},
};
use tokio::time::Instant;

use super::{Judge, Member, load, lock, read_log, within};
use crate::sample::{at, receipt};

/// Most that may wait, in bounds that are full long before the end.
const WAITING: usize = 1024;
/// Messages that are between two nodes or two queues when it is looked.
const IN_FLIGHT: usize = 16;

/// A node that needs so long for each message gets so many, so far apart.
#[expect(clippy::print_stderr, reason = "what was measured is said")]
async fn overload(cost: Duration, apart: Duration, messages: u32) {
    // What it is about are queues: budgets let everything in.
    let wide = Rate {
        per_second: 10_000,
        burst: 10_000,
    };
    let limits = Limits {
        budgets: Budgets {
            forwarder: wide,
            author: wide,
            known: wide,
            newcomers: wide,
            ..Budgets::default()
        },
        ..Limits::default()
    };
    let judge = |cost| Judge {
        cost,
        refuses: |_| false,
    };
    let quick = Member::start(1, vec![], limits.clone(), judge(Duration::ZERO)).await;
    let slow = Member::start(2, vec![quick.address.clone()], limits, judge(cost)).await;
    within("they know each other", Duration::from_secs(30), || {
        slow.listed() == 2 && quick.listed() == 2
    })
    .await;

    let done = |member: &Member| lock(&member.known.log).len() - 2;
    let mut tick = tokio::time::interval(apart);
    let (mut most, mut at_half) = (0, 0);
    let started = Instant::now();
    for number in 0..messages {
        tick.tick().await;
        quick
            .publish(&receipt(1, (number % 256) as u8, at((number / 256).into())))
            .await;
        let dropped = usize::try_from(slow.mesh.drops().queue_full).expect("few");
        let waiting = (number as usize + 1).saturating_sub(done(&slow) + dropped);
        most = most.max(waiting);
        if number == messages / 2 {
            at_half = most;
        }
    }
    let lasted = started.elapsed();
    let drops = slow.mesh.drops();
    let (verified, peers) = (done(&slow), slow.mesh.peers().await.len());
    // Load is gone: what was dropped is read from the peer's log.
    let (read, mut page) = tokio::sync::mpsc::channel(64);
    tokio::spawn(read_log(slow.mesh.clone(), quick.id, read));
    while let Some(message) = page.recv().await {
        slow.known.keep(&message);
    }
    eprintln!(
        "{messages} messages, one in {apart:?}, {cost:?} each to verify, for {lasted:.1?}: {verified} verified, {} dropped, at most \
         {most} waiting ({at_half} at half time), {} known in the end; {}",
        drops.queue_full,
        done(&slow),
        load()
    );
    assert!(most <= WAITING);
    assert!(
        most <= at_half + IN_FLIGHT,
        "the queue was full at half time, and grew"
    );
    assert!(drops.queue_full > 0, "nothing was too much");
    assert_eq!(peers, 1, "the peer was cut, which has done nothing");
    assert_eq!(
        done(&slow),
        messages as usize,
        "what was dropped was not found again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_to_verify_waits_in_bounds_and_is_found_again() {
    overload(Duration::from_millis(50), Duration::from_millis(4), 1000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_half_a_second_for_each_of_ten_a_second_waits_in_bounds_and_is_found_again() {
    overload(Duration::from_millis(500), Duration::from_millis(100), 1200).await;
}
