//! Whatever three nodes do, and in whatever order their vouchers come, in the end they agree.

use nonos_depin::Received;
use nonos_types::*;
use proptest::{collection::vec, prelude::*};

use crate::support::*;

const NODES: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Hold {
        node: usize,
        job: u8,
    },
    Release {
        node: usize,
        job: u8,
    },
    Claim {
        node: usize,
        by: usize,
        job: u8,
        attempt: u32,
    },
    Pay {
        from: usize,
        by: usize,
        lines: Vec<(u8, FeeKind, u128)>,
    },
    /// One of the vouchers made so far arrives, perhaps again.
    Deliver {
        which: usize,
    },
    Reopen {
        node: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (node, by, job) = (0..NODES, 1..NODES, 0..6u8);
    let line = (0..6u8, proptest::sample::select(&FeeKind::ALL[..]), 0..100u128);
    let step = prop_oneof![
        1 => (node.clone(), job.clone()).prop_map(|(node, job)| Step::Hold { node, job }),
        1 => (node.clone(), job.clone()).prop_map(|(node, job)| Step::Release { node, job }),
        2 => (node.clone(), by.clone(), job, 0..2u32)
            .prop_map(|(node, by, job, attempt)| Step::Claim { node, by, job, attempt }),
        4 => (node.clone(), by, vec(line, 1..4)).prop_map(|(from, by, lines)| Step::Pay { from, by, lines }),
        6 => any::<usize>().prop_map(|which| Step::Deliver { which }),
        1 => node.prop_map(|node| Step::Reopen { node }),
    ];
    vec(step, 0..40)
}

fn other(node: usize, by: usize) -> usize {
    (node + by) % NODES
}

/// Delivers to `to` every voucher from `from` that it lacks.
fn catch_up(from: &Node, to: &Node) {
    let Some(newest) = from.ledger.last_voucher(to.id()).expect("a voucher") else {
        return;
    };
    while let Received::Gap { have } = to.receive(&newest).expect("a good voucher") {
        let next = from
            .ledger
            .voucher(to.id(), Incarnation::ZERO, Sequence::new(have.get() + 1));
        let next = next.expect("a voucher").expect("it was issued");
        assert_eq!(to.receive(&next).expect("a good voucher"), Received::Booked);
    }
}

fn check_sums(node: &Node) {
    let accounts = node.ledger.accounts().expect("accounts");
    assert_eq!(accounts.iter().map(|(_, it)| it.atto()).sum::<i128>(), 0);
    let balance = node.ledger.balance().expect("a balance");
    let all = |it: nonos_depin::ByKind| {
        (it.execute.atto() + it.seed.atto() + it.verify.atto() + it.prove.atto()) as i128
    };
    assert_eq!(balance.net.atto(), all(balance.earned) - all(balance.spent));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn books_that_have_every_voucher_agree(steps in steps()) {
        let mut nodes: Vec<_> = (1..=NODES as u8).map(Node::new).collect();
        let ids: Vec<_> = nodes.iter().map(Node::id).collect();
        let mut sent = Vec::new();
        for step in steps {
            match step {
                Step::Hold { node, job } => nodes[node].hold(job, 10).expect("held"),
                Step::Release { node, job } => nodes[node].release(job).expect("released"),
                Step::Claim { node, by, job, attempt } => {
                    let receipt = receipt(&nodes[node].key, job, 9, attempt);
                    nodes[node].claim(&receipt, ids[other(node, by)]).expect("noted");
                }
                Step::Pay { from, by, lines } => {
                    let lines: Vec<_> = lines.iter().map(|it| line(it.0, it.1, it.2)).collect();
                    match nodes[from].pay(ids[other(from, by)], &lines) {
                        Ok(voucher) => sent.extend(voucher),
                        Err(nonos_depin::Error::PaidToAnother { payee, .. }) => {
                            prop_assert_ne!(payee, ids[other(from, by)]);
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                Step::Deliver { which } if !sent.is_empty() => {
                    let voucher = &sent[which % sent.len()];
                    let payee = ids.iter().position(|it| *it == voucher.payee).expect("one of them");
                    let _ = nodes[payee].receive(voucher).expect("a good voucher");
                }
                Step::Deliver { .. } => {}
                Step::Reopen { node } => nodes[node].reopen(),
            }
            nodes.iter().for_each(check_sums);
        }
        for (from, to) in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] {
            catch_up(&nodes[from], &nodes[to]);
        }
        let mut net = 0;
        for (node, id) in nodes.iter().zip(&ids) {
            for (peer, peer_id) in nodes.iter().zip(&ids) {
                prop_assert_eq!(node.owed_by(*peer_id), -peer.owed_by(*id));
            }
            check_sums(node);
            node.ledger.verify().expect("they are whole");
            net += node.ledger.balance().expect("a balance").net.atto();
        }
        prop_assert_eq!(net, 0, "what one earned another spent");
        // Each fee counts once, however often it was paid and delivered.
        for voucher in &sent {
            let payee = nodes.iter().find(|it| it.id() == voucher.payee).expect("one of them");
            prop_assert_eq!(payee.receive(voucher).expect("a good voucher"), Received::Known);
        }
    }
}
