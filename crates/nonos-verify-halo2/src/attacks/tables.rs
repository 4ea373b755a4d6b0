//! False rows, public values and messages.

use super::*;

#[test]
fn proves_tables_that_are_full_one_short_and_nearly_empty() {
    let capacity = layout().capacity(ACCESS);
    for steps in [capacity, capacity - 1, 1] {
        let (run, public) = toy::run(steps, 11);
        let bench = Bench::of(run, public);
        bench.verdict(&bench.honest()).expect("honest");
    }
    // The other table is left out altogether: no accesses, no cells.
    let (run, mut public) = toy::run(0, 0);
    public.first = vec![0, 0];
    let empty = Layout::new(8, vec![1, 0], 0);
    let proof = BACKEND
        .prove(&empty, &run, &public, CONTEXT)
        .expect("an empty run");
    BACKEND.verify(&proof, &public, CONTEXT).expect("honest");
}

#[test]
fn refuses_to_leave_out_a_table_with_something_to_hold() {
    let (run, public) = toy::run(0, 0);
    let without = Layout::new(8, vec![0, 1], 0);
    let made = BACKEND.prove(&without, &run, &public, CONTEXT);
    assert!(matches!(made, Err(Error::Layout { .. })), "{made:?}");
}

#[test]
fn refuses_other_public_values_of_the_first_and_last_row() {
    let bench = Bench::new();
    let change: [fn(&mut Public); 3] = [|p| p.first[0] += 1, |p| p.first[1] += 1, |p| p.last[0] += 1];
    for (i, change) in change.into_iter().enumerate() {
        let mut public = bench.public.clone();
        change(&mut public);
        let lying = Bench::of(bench.run.clone(), public);
        let proof = lying.force(&lying.trace(), |_| ());
        assert!(matches!(lying.verdict(&proof), Err(Error::Rejected)), "value {i}");
    }
    // 2^16 more in the lower value and one less in the upper one would pack to the same element.
    let mut wide = bench.public.clone();
    wide.first[0] += 1 << 16;
    assert!(matches!(
        BACKEND.verify(&bench.honest(), &wide, CONTEXT),
        Err(Error::PublicValue { .. })
    ));
}

#[test]
fn refuses_missing_duplicate_and_changed_public_messages() {
    let bench = Bench::new();
    let change: [fn(&mut Public); 3] = [
        |p| drop(p.received.pop()),
        |p| p.received.push(p.received[0].clone()),
        |p| p.received[3].1[1] ^= 1,
    ];
    for (i, change) in change.into_iter().enumerate() {
        let mut public = bench.public.clone();
        change(&mut public);
        let made = BACKEND.prove(&layout(), &bench.run, &public, CONTEXT);
        assert!(
            matches!(made, Err(Error::Unbalanced { bus: Bus::Data })),
            "change {i}: {made:?}"
        );
        let lying = Bench::of(bench.run.clone(), public);
        let proof = lying.force(&lying.trace(), |_| ());
        assert!(
            matches!(lying.verdict(&proof), Err(Error::Rejected)),
            "change {i}"
        );
    }
}

#[test]
fn refuses_a_single_false_cell_anywhere() {
    let bench = Bench::new();
    let cases: [(usize, usize, Col, u64); 9] = [
        (ACCESS, 0, Access::CLK, 2),
        (ACCESS, 20, Access::CLK, 33),
        (ACCESS, 746, Access::CLK, 1),
        (ACCESS, 4, Access::VALUE, 63),
        (ACCESS, 4, Access::BEFORE, 63),
        (ACCESS, 5, Access::WRITE, 1),
        (ACCESS, 600, Access::REAL, 1),
        (ACCESS, 9, Access::INVERSE, 1),
        (CELL, 4, Cell::ADDR, 3),
    ];
    for case in cases {
        let mut run = bench.run.clone();
        run.changed.push(case);
        let made = BACKEND.prove(&layout(), &run, &bench.public, CONTEXT);
        let refused = matches!(
            made,
            Err(Error::Unsatisfied | Error::Unbalanced { .. } | Error::NotInTable { .. })
        );
        assert!(refused, "{case:?}: {made:?}");
        // The same by force: multiplicities of the honest run, which fit as well as any.
        let (table, row, col, value) = case;
        let mut trace = bench.trace();
        let (physical, copy) = if table == ACCESS {
            (row / 3, row % 3)
        } else {
            (row, 0)
        };
        trace.columns[bench.keys.plan.column(table, copy, usize::from(col.0))][physical] = Fp::from(value);
        bench.refuses(&bench.force(&trace, |_| ()));
    }
}

/// The run's last step writes cell Y. It takes X's token instead, passed off as Y's by a huge `before`, and the
/// cell table closes X with Y's token, passed off as X's by a huge `last`. Every message balances.
fn aliased(bench: &Bench) -> Trace {
    const X: usize = 2;
    let plan = &bench.keys.plan;
    let mut trace = bench.trace();
    let column = |table, copy, col: Col| plan.column(table, copy, usize::from(col.0));
    let (row, copy) = (39 / 3, 39 % 3);
    let access = |col| column(ACCESS, copy, col);
    let cell = |col| column(CELL, 0, col);
    let number = |v: Fp| {
        (0..64u64 * 64)
            .find(|n| Fp::from(*n) == v)
            .expect("a small number")
    };
    let get = |trace: &Trace, column: usize, row: usize| trace.columns[column][row];

    let y = get(&trace, access(Access::ADDR), row);
    let clk = get(&trace, access(Access::CLK), row);
    let age = get(&trace, access(Access::AGE), row);
    let y_clk = number(clk - Fp::ONE - age);
    let y_value = get(&trace, access(Access::BEFORE), row);
    let x = Fp::from(X as u64);
    let x_low = get(&trace, cell(Cell::CLK_LOW), X);
    let x_high = get(&trace, cell(Cell::CLK_HIGH), X);
    let x_value = get(&trace, cell(Cell::LAST), X);

    // What one more in the address is worth in the value, by the packing of each table.
    let worth = |table: usize, addr: Col, value: Col| {
        let terms = plan.compiled.tables[table]
            .terms
            .iter()
            .filter(|t| t.bus == Bus::Memory);
        let mut received = terms.filter(|t| t.count.terms.iter().all(|(_, c)| *c == -Fp::ONE));
        let message = &received
            .next_back()
            .expect("the table receives from memory")
            .message;
        let of = |col: Col| {
            message
                .terms
                .iter()
                .find(|(c, _)| *c == usize::from(col.0))
                .expect("is sent")
                .1
        };
        of(addr) * Option::<Fp>::from(of(value).invert()).expect("not zero")
    };
    let new_age = clk - Fp::ONE - x_low - x_high * Fp::from(toy::SMALL);
    let (new_low, new_high) = (Fp::from(y_clk % toy::SMALL), Fp::from(y_clk / toy::SMALL));
    // Numbers that are no longer looked up, and those that now are.
    for (old, new) in [(age, new_age), (x_low, new_low), (x_high, new_high)] {
        let counts = &mut trace.columns[plan.multiplicity(0)];
        counts[number(old) as usize] -= Fp::ONE;
        counts[number(new) as usize] += Fp::ONE;
    }
    trace.columns[access(Access::AGE)][row] = new_age;
    trace.columns[access(Access::BEFORE)][row] =
        x_value + (x - y) * worth(ACCESS, Access::ADDR, Access::BEFORE);
    trace.columns[cell(Cell::CLK_LOW)][X] = new_low;
    trace.columns[cell(Cell::CLK_HIGH)][X] = new_high;
    trace.columns[cell(Cell::LAST)][X] = y_value + (y - x) * worth(CELL, Cell::ADDR, Cell::LAST);
    trace
}

#[test]
fn refuses_a_moved_limb_that_aliases_another_address() {
    let unchecked = Bench::with(&UNCHECKED);
    let forged = unchecked.force(&aliased(&unchecked), |_| ());
    unchecked
        .verdict(&forged)
        .expect("without the range checks the forgery passes");
    let bench = Bench::new();
    bench.refuses(&bench.force(&aliased(&bench), |_| ()));
}
