//! False sums, helpers and multiplicities.

use super::*;

#[test]
fn refuses_a_sum_that_starts_ends_or_steps_wrongly() {
    let bench = Bench::new();
    let sum = bench.keys.plan.sum();
    let usable = bench.keys.plan.usable;
    // A false trace, with the sum shifted so that it ends at zero but starts elsewhere.
    let trace = bench.false_trace();
    bench.refuses(&bench.force(&trace, |columns| {
        let end = columns[sum][usable];
        columns[sum].iter_mut().for_each(|v| *v -= end);
    }));
    // It ends elsewhere.
    bench.refuses(&bench.force(&trace, |_| ()));
    // It jumps to zero on the last step, or on one in the middle.
    bench.refuses(&bench.force(&trace, |columns| columns[sum][usable] = Fp::ZERO));
    bench.refuses(&bench.force(&trace, |columns| {
        let end = columns[sum][usable];
        columns[sum][usable / 2..].iter_mut().for_each(|v| *v -= end);
    }));
}

#[test]
fn refuses_a_wrong_helper_and_a_wandering_challenge() {
    let bench = Bench::new();
    let plan = bench.keys.plan.clone();
    let trace = bench.false_trace();
    bench.refuses(&bench.force(&trace, |columns| {
        // Absorb the difference in a helper of the last table row.
        let end = columns[plan.sum()][plan.usable];
        columns[plan.helper(0)][plan.usable - 1] -= end;
        columns[plan.sum()][plan.usable] = Fp::ZERO;
    }));
    bench.refuses(&bench.force(&bench.trace(), |columns| columns[plan.alpha()][17] += Fp::ONE));
    bench.refuses(&bench.force(&bench.trace(), |columns| columns[plan.alpha()].fill(Fp::from(5))));
}

#[test]
fn refuses_helpers_on_the_row_after_the_tables() {
    let bench = Bench::new();
    let plan = bench.keys.plan.clone();
    bench.refuses(&bench.force(&bench.false_trace(), |columns| {
        // The end row is outside the sum: what is put there cannot balance it.
        let end = columns[plan.sum()][plan.usable];
        columns[plan.helper(0)].push(-end);
    }));
}

#[test]
fn refuses_a_lookup_of_an_absent_row() {
    let bench = Bench::new();
    let plan = bench.keys.plan.clone();
    let mut bent = bench.run.clone();
    bent.changed.push((ACCESS, 100, Access::AGE, toy::SMALL));
    let made = BACKEND.prove(&layout(), &bent, &bench.public, CONTEXT);
    let Err(Error::NotInTable {
        table: "ACCESS",
        row: 100,
        bus: Bus::Range16,
    }) = made
    else {
        panic!("expected the row that looks up, got {made:?}");
    };
    // The same without the multiplicities' consent.
    let mut trace = bench.trace();
    let (row, copy) = (100 / 3, 100 % 3);
    trace.columns[plan.column(ACCESS, copy, usize::from(Access::AGE.0))][row] = Fp::from(toy::SMALL);
    bench.refuses(&bench.force(&trace, |_| ()));
    // A program row that is not there.
    let mut public = bench.public.clone();
    public.lookups[7].1[1] ^= 1;
    let made = BACKEND.prove(&layout(), &bench.run, &public, CONTEXT);
    assert!(
        matches!(
            made,
            Err(Error::NotInTable {
                row: 7,
                bus: Bus::Program,
                ..
            })
        ),
        "{made:?}"
    );
}

#[test]
fn refuses_false_multiplicities() {
    let bench = Bench::new();
    let plan = bench.keys.plan.clone();
    let public = plan.multiplicity(plan.fixed_columns);
    for (column, row, change) in [
        (plan.multiplicity(0), 0, Fp::ONE),
        (plan.multiplicity(0), 5, -Fp::ONE),
        (plan.multiplicity(0), plan.usable - 1, Fp::ONE),
        (public, 0, Fp::from(1 << 40)),
        (public, 0, -Fp::ONE),
    ] {
        let mut trace = bench.trace();
        trace.columns[column][row] += change;
        bench.refuses(&bench.force(&trace, |_| ()));
    }
}
