//! The halo2 circuit.

use std::sync::Arc;

use ff::Field;
use halo2_proofs::circuit::{Layouter, SimpleFloorPlanner, Value};
use halo2_proofs::plonk::{
    Advice, Circuit, Column, ConstraintSystem, Constraints, Error, Expression, Fixed, VirtualCells,
};
use halo2_proofs::poly::Rotation;
use nonos_depin::rollup::CHUNK;
use pasta_curves::Fp;

use crate::expr::Cell;
use crate::gates::gates;
use crate::layout::{COLUMNS, FIXED, On, ROWS, public};
use crate::trace::Trace;

/// A chunk's circuit, with its trace where it is proved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) trace: Option<Arc<Trace>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Config {
    advice: Arc<Vec<Column<Advice>>>,
    fixed: Arc<Vec<Column<Fixed>>>,
}

impl Circuit<Fp> for Chunk {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;

    fn without_witnesses(&self) -> Self {
        Self::default()
    }

    fn configure(meta: &mut ConstraintSystem<Fp>) -> Config {
        let advice: Vec<_> = (0..COLUMNS).map(|_| meta.advice_column()).collect();
        let fixed: Vec<_> = (0..FIXED).map(|_| meta.fixed_column()).collect();
        let instance: Vec<_> = (0..public::COLUMNS).map(|_| meta.instance_column()).collect();
        let gates = gates();
        // One gate for each selector; halo2 names a broken constraint by its id.
        for (on, selector) in On::ALL.iter().zip(&fixed) {
            let gates: Vec<_> = gates.iter().filter(|gate| gate.on == *on).collect();
            if gates.is_empty() {
                continue;
            }
            meta.create_gate(on.name(), |m| {
                let selector = m.query_fixed(*selector);
                let index = fixed[FIXED - 1];
                let mut cell = |cell| query(m, &advice, &instance, index, cell);
                let named = gates.iter().map(|gate| (gate.id, gate.zero.halo2(&mut cell)));
                let named: Vec<_> = named.collect();
                Constraints::with_selector(selector, named)
            });
        }
        Config {
            advice: Arc::new(advice),
            fixed: Arc::new(fixed),
        }
    }

    fn synthesize(&self, config: Config, mut layouter: impl Layouter<Fp>) -> Result<(), Error> {
        layouter.assign_region(
            || "chunk",
            |mut region| {
                for (on, column) in On::ALL.iter().zip(config.fixed.iter()) {
                    for row in on.all_rows() {
                        region.assign_fixed(|| "", *column, row, || Value::known(Fp::ONE))?;
                    }
                }
                for posting in 0..CHUNK {
                    let index = || Value::known(Fp::from(posting as u64));
                    region.assign_fixed(|| "", config.fixed[FIXED - 1], posting * ROWS, index)?;
                }
                let Some(trace) = &self.trace else {
                    return Ok(());
                };
                for (column, values) in config.advice.iter().zip(&trace.columns) {
                    for (row, value) in values.iter().enumerate() {
                        if !bool::from(value.is_zero()) {
                            region.assign_advice(|| "", *column, row, || Value::known(*value))?;
                        }
                    }
                }
                Ok(())
            },
        )
    }
}

fn query(
    m: &mut VirtualCells<'_, Fp>,
    advice: &[Column<Advice>],
    instance: &[Column<halo2_proofs::plonk::Instance>],
    index: Column<Fixed>,
    cell: Cell,
) -> Expression<Fp> {
    match cell {
        Cell::Cur(column) => m.query_advice(advice[column], Rotation::cur()),
        Cell::Next(column) => m.query_advice(advice[column], Rotation::next()),
        Cell::Public(column) => m.query_instance(instance[column], Rotation::cur()),
        Cell::Index => m.query_fixed(index),
    }
}
