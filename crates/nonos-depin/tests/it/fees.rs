use nonos_depin::{
    Error,
    fees::{Shares, execution_fee, split},
};
use nonos_types::*;
use proptest::{collection::vec, prelude::*};

fn atto(atto: u128) -> Amount {
    Amount::from_atto(atto)
}

fn node(byte: u8) -> NodeId {
    NodeId::from_bytes([byte; 32])
}

fn gave(seeder: u8, bytes: u64) -> Transfer {
    Transfer {
        seeder: node(seeder),
        bytes: ByteLen::new(bytes),
    }
}

fn shares(seeders: u16, verifiers: u16) -> Shares {
    let points = |it| BasisPoints::new(it).expect("at most the whole");
    Shares {
        seeders: points(seeders),
        verifiers: points(verifiers),
    }
}

const EXECUTOR: u8 = 0xee;

fn split_of(
    fee: u128,
    shares: Shares,
    transfers: &[Transfer],
    verifiers: u16,
) -> (u128, Vec<(NodeId, u128)>, u128) {
    let split = split(atto(fee), shares, transfers, node(EXECUTOR), verifiers).expect("the shares fit");
    let seeders = split.seeders.iter().map(|it| (it.0, it.1.atto())).collect();
    (split.executor.atto(), seeders, split.bounty.atto())
}

#[test]
fn a_run_costs_the_base_and_its_fuel_rounded_up() {
    let fee = |base, price, fuel| execution_fee(atto(base), atto(price), Fuel::new(fuel), Amount::MAX).atto();
    assert_eq!(fee(7, 0, 1_000_000), 7);
    assert_eq!(fee(7, 5, 0), 7);
    assert_eq!(fee(7, 5, 1), 8);
    assert_eq!(fee(7, 5, 200_000), 8);
    assert_eq!(fee(7, 5, 200_001), 9);
    assert_eq!(fee(7, 5, 3_000_000), 22);
}

#[test]
fn a_run_costs_no_more_than_the_cap() {
    let fee = |base, price, fuel, cap| execution_fee(base, price, Fuel::new(fuel), atto(cap)).atto();
    assert_eq!(fee(atto(7), atto(5), 3_000_000, 21), 21);
    assert_eq!(fee(atto(7), atto(5), 3_000_000, 23), 22);
    assert_eq!(fee(Amount::MAX, Amount::MAX, u64::MAX, 9), 9);
    assert_eq!(fee(Amount::MAX, atto(1), 1, u128::MAX), u128::MAX);
    // The product has more than 128 bits, the fee has not.
    assert_eq!(
        fee(Amount::ZERO, Amount::MAX, 500_000, u128::MAX),
        u128::MAX / 2 + 1
    );
}

#[test]
fn seeders_share_by_bytes_and_the_rest_is_the_executors() {
    let (executor, seeders, bounty) = split_of(1000, shares(1000, 2000), &[gave(2, 200), gave(1, 100)], 3);
    assert_eq!(seeders, [(node(1), 33), (node(2), 66)]);
    assert_eq!(bounty, 66);
    assert_eq!(executor, 1000 - 99 - 3 * 66);
}

#[test]
fn a_seeder_listed_twice_counts_once() {
    let transfers = [gave(1, 50), gave(2, 100), gave(1, 50)];
    let (_, seeders, _) = split_of(1000, shares(1000, 0), &transfers, 0);
    assert_eq!(seeders, [(node(1), 50), (node(2), 50)]);
}

#[test]
fn an_executor_is_no_seeder_of_its_own_run() {
    let (executor, seeders, _) = split_of(1000, shares(1000, 0), &[gave(EXECUTOR, 1000), gave(1, 1)], 0);
    assert_eq!((executor, seeders), (900, vec![(node(1), 100)]));
}

#[test]
fn what_nobody_takes_is_the_executors() {
    assert_eq!(split_of(1000, shares(1000, 2000), &[], 0), (1000, vec![], 0));
    assert_eq!(
        split_of(1000, shares(1000, 0), &[gave(1, 0)], 0),
        (1000, vec![], 0)
    );
    // A bounty that rounds to nothing.
    assert_eq!(split_of(10, shares(0, 1000), &[], 2), (10, vec![], 0));
    assert_eq!(split_of(0, shares(5000, 5000), &[gave(1, 1)], 1), (0, vec![], 0));
}

#[test]
fn refuses_shares_above_the_whole() {
    let refused = split(atto(1), shares(6000, 4001), &[], node(EXECUTOR), 1);
    assert!(matches!(refused, Err(Error::Shares)), "{refused:?}");
    assert!(split(atto(1), shares(6000, 4000), &[], node(EXECUTOR), 1).is_ok());
}

proptest! {
    #[test]
    fn no_atto_is_lost_or_made(
        fee in prop_oneof![any::<u128>(), 0..1000u128],
        seeders in 0..=10_000u16,
        verifiers in 0..=10_000u16,
        given in vec((0..5u8, prop_oneof![any::<u64>(), 0..9u64]), 0..8),
        count in 0..9u16,
    ) {
        let verifiers = verifiers.min(10_000 - seeders);
        let transfers: Vec<_> = given.iter().map(|(seeder, bytes)| gave(*seeder, *bytes)).collect();
        let (executor, paid, bounty) = split_of(fee, shares(seeders, verifiers), &transfers, count);
        let seeding: u128 = paid.iter().map(|it| it.1).sum();
        prop_assert_eq!(executor + seeding + bounty * u128::from(count), fee);
        // Nobody gets more than the share.
        let at_most = |amount: u128, points: u16| amount <= fee / 10_000 * u128::from(points) + u128::from(points);
        prop_assert!(at_most(seeding, seeders));
        prop_assert!(at_most(bounty * u128::from(count), verifiers));
        prop_assert!(paid.is_sorted_by(|a, b| a.0 < b.0));
        prop_assert!(paid.iter().all(|it| it.1 > 0));
    }

    #[test]
    fn the_fee_is_that_of_exact_arithmetic(
        base in any::<u64>(),
        price in any::<u64>(),
        fuel in any::<u64>(),
        cap in any::<u128>(),
    ) {
        let exact = u128::from(base) + (u128::from(price) * u128::from(fuel)).div_ceil(1_000_000);
        let fee = execution_fee(atto(base.into()), atto(price.into()), Fuel::new(fuel), atto(cap));
        prop_assert_eq!(fee.atto(), exact.min(cap));
    }
}
