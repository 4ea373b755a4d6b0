//! The halo2 circuit of a plan.
//!
//! | gate | formula | on rows |
//! |---|---|---|
//! | table constraints | `q·p` | as the table says |
//! | digests | `digest_j = instance[j]` | first |
//! | bound values | `Σ 2^shift·p = instance` | first, last |
//! | challenge anchored | `α = instance[0]` | 0 |
//! | challenge constant | `α' = α` | table |
//! | helper | `h·d1·d2·d3 = n1·d2·d3 + n2·d1·d3 + n3·d1·d2`, `d = α + message` | table |
//! | sum starts | `φ = instance[1]` | 0 |
//! | sum steps | `φ' = φ + Σ h` | table |
//! | sum ends | `φ = 0` | the row after the tables |

use std::cell::RefCell;
use std::sync::Arc;

use ff::Field;
use halo2_proofs::circuit::{Layouter, SimpleFloorPlanner, Value};
use halo2_proofs::plonk::{
    Advice, Circuit, Column, ConstraintSystem, Error as PlonkError, Expression, Fixed, VirtualCells,
};
use halo2_proofs::poly::Rotation;
use nonos_machine::air::When;
use pasta_curves::Fp;

use crate::compile::{Poly, Slot};
use crate::linear::Linear;
use crate::packing::power;
use crate::plan::{Fraction, Plan, SELECTORS};

thread_local! {
    // `Circuit::configure` takes no argument; the plan reaches it here.
    static PLAN: RefCell<Option<Arc<Plan>>> = const { RefCell::new(None) };
}

/// Runs `f`, in which halo2 configures circuits of `plan` on this thread.
pub(crate) fn with_plan<R>(plan: &Arc<Plan>, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<Arc<Plan>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let before = self.0.take();
            PLAN.with(|p| *p.borrow_mut() = before);
        }
    }
    let _restore = Restore(PLAN.with(|p| p.borrow_mut().replace(plan.clone())));
    f()
}

/// A circuit and, for the prover, the committed columns' values.
#[derive(Clone, Debug)]
pub(crate) struct Filled {
    pub(crate) plan: Arc<Plan>,
    pub(crate) columns: Option<Arc<Vec<Vec<Fp>>>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Config {
    advice: Arc<Vec<Column<Advice>>>,
    fixed: Arc<Vec<Column<Fixed>>>,
}

impl Circuit<Fp> for Filled {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;

    fn without_witnesses(&self) -> Self {
        Self {
            plan: self.plan.clone(),
            columns: None,
        }
    }

    fn configure(meta: &mut ConstraintSystem<Fp>) -> Config {
        let plan = PLAN
            .with(|p| p.borrow().clone())
            .expect("halo2 is only called inside `with_plan`");
        configure(meta, &plan)
    }

    fn synthesize(&self, config: Config, mut layouter: impl Layouter<Fp>) -> Result<(), PlonkError> {
        let plan = &self.plan;
        let usable = plan.usable;
        let mut measuring = true;
        layouter.assign_region(
            || "all",
            |mut region| {
                // The floor planner calls twice; the first time it wants no more than the region's extent.
                let skip = std::mem::replace(&mut measuring, false);
                if let Some(columns) = &self.columns {
                    for (column, values) in config.advice.iter().zip(columns.iter()) {
                        let start = if skip { values.len().saturating_sub(1) } else { 0 };
                        for (row, value) in values.iter().enumerate().skip(start) {
                            if skip || !bool::from(value.is_zero()) {
                                region.assign_advice(|| "", *column, row, || Value::known(*value))?;
                            }
                        }
                    }
                }
                let ranges = [
                    0..usable,
                    0..1,
                    usable - 1..usable,
                    0..usable - 1,
                    usable..usable + 1,
                ];
                for (column, rows) in config.fixed.iter().zip(ranges) {
                    for row in rows {
                        region.assign_fixed(|| "", *column, row, || Value::known(Fp::ONE))?;
                    }
                }
                for (i, value) in plan.compiled.fixed.iter().enumerate() {
                    let column = config.fixed[SELECTORS + i / usable];
                    region.assign_fixed(|| "", column, i % usable, || Value::known(*value))?;
                }
                Ok(())
            },
        )
    }
}

struct Cells {
    cur: Vec<Expression<Fp>>,
    next: Vec<Option<Expression<Fp>>>,
}

impl Cells {
    fn at(
        &mut self,
        m: &mut VirtualCells<'_, Fp>,
        advice: &[Column<Advice>],
        column: usize,
    ) -> Expression<Fp> {
        self.next[column]
            .get_or_insert_with(|| m.query_advice(advice[column], Rotation::next()))
            .clone()
    }
}

fn configure(meta: &mut ConstraintSystem<Fp>, plan: &Plan) -> Config {
    let advice: Vec<_> = (0..plan.advice()).map(|_| meta.advice_column()).collect();
    let fixed: Vec<_> = (0..plan.fixed()).map(|_| meta.fixed_column()).collect();
    let instance: Vec<_> = (0..plan.instances()).map(|_| meta.instance_column()).collect();
    meta.set_minimum_degree(5);
    meta.create_gate("all", |m| {
        let selectors: Vec<_> = fixed.iter().map(|c| m.query_fixed(*c)).collect();
        let [table, first, last, transition, end] = [0, 1, 2, 3, 4].map(|i: usize| selectors[i].clone());
        let statement: Vec<_> = instance
            .iter()
            .map(|c| m.query_instance(*c, Rotation::cur()))
            .collect();
        let start = m.query_instance(instance[0], Rotation::next());
        let cur = advice
            .iter()
            .map(|c| m.query_advice(*c, Rotation::cur()))
            .collect();
        let mut cells = Cells {
            cur,
            next: vec![None; advice.len()],
        };
        let mut gates: Vec<(&'static str, Expression<Fp>)> = vec![];

        for (t, shape) in plan.compiled.tables.iter().enumerate() {
            for copy in 0..plan.copies(t) {
                let wraps = copy + 1 == plan.copies(t);
                for c in shape
                    .constraints
                    .iter()
                    .filter(|c| plan.holds_on(c.when, t, copy))
                {
                    let selector = match c.when {
                        When::First => &first,
                        When::Last => &last,
                        When::Transition if wraps => &transition,
                        When::Always | When::Transition => &table,
                    };
                    let poly = expression(&c.poly, &mut |col, is_next| {
                        if !is_next {
                            return cells.cur[plan.column(t, copy, col)].clone();
                        }
                        let (column, physical) = plan.next_column(t, copy, col);
                        if physical {
                            cells.at(m, &advice, column)
                        } else {
                            cells.cur[column].clone()
                        }
                    });
                    gates.push((c.id, selector.clone() * poly));
                }
            }
        }

        for (i, slots) in plan.compiled.first.iter().enumerate() {
            let present = slots.iter().filter(|slot| plan.copies(slot.table) > 0);
            let sum = bound(present, |slot, col| {
                cells.cur[plan.column(slot.table, 0, col)].clone()
            });
            gates.push(("first", first.clone() * (sum - statement[1 + i].clone())));
        }
        for (i, slots) in plan.compiled.last.iter().enumerate() {
            let present = slots.iter().filter(|slot| plan.copies(slot.table) > 0);
            let sum = bound(present, |slot, col| {
                cells.cur[plan.column(slot.table, plan.copies(slot.table) - 1, col)].clone()
            });
            gates.push(("last", last.clone() * (sum - statement[1 + i].clone())));
        }

        if let (Some(sponge), Some(column)) = (plan.hashed(), instance.last()) {
            let public = [Rotation::cur(), Rotation::next()].map(|row| m.query_instance(*column, row));
            for (j, public) in public.into_iter().enumerate() {
                let digest = cells.cur[plan.column(sponge.table, 0, sponge.digest(j))].clone();
                gates.push(("digests", first.clone() * (digest - public)));
            }
        }

        let alpha = cells.cur[plan.alpha()].clone();
        let alpha_next = cells.at(m, &advice, plan.alpha());
        gates.push((
            "challenge anchored",
            first.clone() * (alpha.clone() - statement[0].clone()),
        ));
        gates.push(("challenge constant", table.clone() * (alpha_next - alpha.clone())));

        let public = 1 + plan.compiled.bound_columns();
        let sum = cells.cur[plan.sum()].clone();
        let mut step = cells.at(m, &advice, plan.sum()) - sum.clone();
        for (g, group) in plan.groups.iter().enumerate() {
            let helper = cells.cur[plan.helper(g)].clone();
            let fractions = group.iter().map(|fraction| match *fraction {
                Fraction::Message { table, term, copy } => {
                    let term = &plan.compiled.tables[table].terms[term];
                    let mut cell = |col| cells.cur[plan.column(table, copy, col)].clone();
                    (
                        linear(&term.count, &mut cell),
                        alpha.clone() + linear(&term.message, &mut cell),
                    )
                }
                Fraction::Fixed(i) => {
                    let count = -cells.cur[plan.multiplicity(i)].clone();
                    (count, alpha.clone() + selectors[SELECTORS + i].clone())
                }
                Fraction::Public(i) => {
                    let count = -cells.cur[plan.multiplicity(plan.fixed_columns + i)].clone();
                    (count, alpha.clone() + statement[public + i].clone())
                }
            });
            gates.push((
                "helper",
                table.clone() * fractions_gate(helper.clone(), fractions.collect()),
            ));
            step = step - helper;
        }
        gates.push(("sum starts", first * (sum.clone() - start)));
        gates.push(("sum steps", table * step));
        gates.push(("sum ends", end * sum));
        gates
    });
    Config {
        advice: Arc::new(advice),
        fixed: Arc::new(fixed),
    }
}

/// `h·Πd − Σ n_i·Π_{l≠i} d_l`, nested as `(((h·d3 − n3)·d2 − n2·d3)·d1) − n1·d2·d3`.
fn fractions_gate(
    helper: Expression<Fp>,
    fractions: Vec<(Expression<Fp>, Expression<Fp>)>,
) -> Expression<Fp> {
    let mut value = helper;
    let mut product: Option<Expression<Fp>> = None;
    for (count, denominator) in fractions.into_iter().rev() {
        let owed = match &product {
            None => count,
            Some(product) => count * product.clone(),
        };
        value = value * denominator.clone() - owed;
        product = Some(match product {
            None => denominator,
            Some(product) => denominator * product,
        });
    }
    value
}

fn bound<'a>(
    slots: impl Iterator<Item = &'a Slot>,
    cell: impl Fn(&Slot, usize) -> Expression<Fp>,
) -> Expression<Fp> {
    let packed = slots.map(|slot| expression(&slot.poly, &mut |col, _| cell(slot, col)) * power(slot.shift));
    packed
        .reduce(|a, b| a + b)
        .unwrap_or(Expression::Constant(Fp::ZERO))
}

fn linear(form: &Linear, cell: &mut impl FnMut(usize) -> Expression<Fp>) -> Expression<Fp> {
    let constant = (!bool::from(form.constant.is_zero()) || form.terms.is_empty())
        .then_some(Expression::Constant(form.constant));
    let terms = form.terms.iter().map(|(col, c)| {
        if *c == Fp::ONE {
            cell(*col)
        } else {
            cell(*col) * *c
        }
    });
    terms
        .chain(constant)
        .reduce(|a, b| a + b)
        .expect("a form without terms has its constant")
}

fn expression(poly: &Poly, cell: &mut impl FnMut(usize, bool) -> Expression<Fp>) -> Expression<Fp> {
    match poly {
        Poly::Const(v) => Expression::Constant(small(*v)),
        Poly::Cell { col, next } => cell(*col, *next),
        Poly::Linear(form) => linear(form, &mut |col| cell(col, false)),
        Poly::Add(a, b) => expression(a, cell) + expression(b, cell),
        Poly::Sub(a, b) => match (&**a, &**b) {
            (Poly::Const(0), b) => -expression(b, cell),
            (a, Poly::Const(v)) => expression(a, cell) + Expression::Constant(-small(*v)),
            (a, b) => expression(a, cell) - expression(b, cell),
        },
        Poly::Mul(a, b) => match (&**a, &**b) {
            (Poly::Const(v), other) | (other, Poly::Const(v)) => expression(other, cell) * small(*v),
            (a, b) => expression(a, cell) * expression(b, cell),
        },
    }
}

fn small(v: i64) -> Fp {
    crate::linear::signed(i128::from(v))
}
