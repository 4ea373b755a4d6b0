use std::time::Duration;

use nonos_mesh::{Limits, Weight};
use nonos_types::Message;
use tokio::time::Instant;

use super::{Judge, Member, load, lock, within};
use crate::sample::{at, claim, network, receipt};

/// Claims stand for receipts whose proofs are invalid: they come through admission, and the judge refuses them.
fn is_invalid(message: &Message) -> bool {
    matches!(message, Message::Claim(_))
}

const COST: Duration = Duration::from_millis(5);
/// A forger that was heard at no time in so long, though it went on, is cut off.
const SILENT: Duration = Duration::from_secs(5);

/// Forgers do for so long what honest nodes do, and are trusted as those are; then they send each honest node what is invalid,
/// twenty a second, for so long. Honest nodes publish two valid receipts a second in all.
#[expect(clippy::print_stderr, reason = "what was measured is said")]
async fn flood(honest: u8, forgers: u8, behave: Duration, lasts: Duration) {
    let limits = Limits {
        outbound: 64,
        ..Limits::default()
    };
    let judge = Judge {
        cost: COST,
        refuses: is_invalid,
    };
    let seed = Member::start(1, vec![], limits.clone(), judge.clone()).await;
    let address = seed.address.clone();
    let mut members = vec![seed];
    for other in 2..=honest {
        members.push(Member::start(other, vec![address.clone()], limits.clone(), judge.clone()).await);
    }
    let all = usize::from(honest);
    within("the honest know each other", Duration::from_secs(60), || {
        members.iter().all(|it| it.listed() >= all)
    })
    .await;
    // The honest have been there for long: budgets know them.
    for member in &members {
        for other in &members {
            member.mesh.weigh(other.id, Weight::TRUSTED).await;
        }
    }
    // Forgers stay connected to all, and pass on no forgeries but their own.
    let careless = Judge {
        cost: Duration::ZERO,
        refuses: is_invalid,
    };
    let victims: Vec<_> = members.iter().map(|it| it.address.clone()).collect();
    let mut liars = Vec::new();
    for forger in honest + 1..=honest + forgers {
        liars.push(Member::start(forger, victims.clone(), limits.clone(), careless.clone()).await);
    }
    for liar in &liars {
        let mesh = liar.mesh.clone();
        let started = Instant::now();
        while mesh.peers().await.len() < all {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "a forger reaches only some"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    let covert = (!behave.is_zero()).then(|| Instant::now() + behave);
    let mut second = 0_u32;
    while covert.is_some_and(|until| Instant::now() < until) {
        for (forger, liar) in (honest + 1..).zip(&liars) {
            if second == 0 {
                for member in &members {
                    member.mesh.weigh(liar.id, Weight::TRUSTED).await;
                }
            }
            liar.publish(&receipt(forger, (second % 256) as u8, at(1 + i64::from(second))))
                .await;
        }
        second += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    let turned = i64::try_from(behave.as_secs()).expect("a short test");
    let started = Instant::now();
    for (forger, liar) in (honest + 1..).zip(&liars) {
        let mesh = liar.mesh.clone();
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(50));
            for slot in 0.. {
                tick.tick().await;
                if mesh
                    .publish(&claim(network(), forger, slot, at(turned)))
                    .await
                    .is_err()
                {
                    return;
                }
            }
        });
    }
    let mut sent = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    for number in 0_u32.. {
        tick.tick().await;
        if started.elapsed() >= lasts {
            break;
        }
        let author = u8::try_from(number % u32::from(honest)).expect("fewer than 256");
        let message = receipt(
            author + 1,
            (number % 256) as u8,
            at(turned + 1 + i64::from(number)),
        );
        sent.push((message.id(), author));
        members[usize::from(author)].publish(&message).await;
    }
    let ended = Instant::now();
    tokio::time::sleep(Duration::from_secs(5)).await;

    let mut cut = 0;
    let mut heard = Vec::new();
    let mut slowest = Duration::ZERO;
    let mut wronged = 0;
    for member in &members {
        let refused = lock(&member.known.refused);
        heard.push(refused.values().map(|(count, _)| count).sum::<u64>());
        wronged += members.iter().filter(|it| refused.contains_key(&it.id)).count();
        for liar in &liars {
            let (_, last) = refused.get(&liar.id).copied().unwrap_or((0, started));
            cut += usize::from(ended.saturating_duration_since(last) >= SILENT);
            slowest = slowest.max(last.saturating_duration_since(started));
        }
    }
    let pairs = members.len() * liars.len();
    let delivered: usize = sent
        .iter()
        .map(|(message, author)| {
            let others = members
                .iter()
                .enumerate()
                .filter(|(index, _)| *index != usize::from(*author));
            others.filter(|(_, it)| it.accepted(message).is_some()).count()
        })
        .sum();
    let delivered = delivered as f64 / (sent.len() * (all - 1)) as f64;
    let most = heard.iter().copied().max().unwrap_or(0);
    let busy = COST.as_secs_f64() * most as f64 / lasts.as_secs_f64();
    eprintln!(
        "{forgers} of {} nodes forge for {lasts:?}, having behaved for {behave:?}: {cut} of {pairs} pairs cut off, the last heard {slowest:.1?} after the start; \
         at most {most} forgeries verified by one node ({:.1} % of its time); {:.2} % of {} honest receipts delivered; {}",
        honest + forgers,
        busy * 100.0,
        delivered * 100.0,
        sent.len(),
        load()
    );
    assert!(
        heard.iter().all(|count| *count > 0),
        "a node heard nothing of it: {heard:?}"
    );
    assert!(cut as f64 >= 0.95 * pairs as f64);
    assert!(busy <= 0.6);
    assert!(delivered >= 0.99);
    assert_eq!(wronged, 0, "honest nodes passed on what is invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn forgers_are_no_longer_heard_by_those_they_flood() {
    flood(6, 2, Duration::ZERO, Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_fifteen_forgers_of_fifty_are_no_longer_heard_within_a_minute() {
    flood(35, 15, Duration::ZERO, Duration::from_secs(60)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forgers_who_behaved_before_are_no_longer_heard_either() {
    flood(6, 2, Duration::from_secs(5), Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_fifteen_of_fifty_who_behaved_for_ten_minutes_are_no_longer_heard() {
    flood(35, 15, Duration::from_secs(600), Duration::from_secs(120)).await;
}
