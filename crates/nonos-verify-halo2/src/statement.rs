//! The public side of a proof: what the verifier computes itself, packed.

use ff::Field;
use nonos_machine::air::Public;
use pasta_curves::Fp;

use crate::compile::{Compiled, Slot};
use crate::field::invert_all;
use crate::packing::pack_slots;
use crate::plan::Plan;
use crate::{Error, Layout};

/// A public statement, checked against a system and packed.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) lookups: Vec<Fp>,
    pub(crate) received: Vec<Fp>,
    first: Vec<Fp>,
    last: Vec<Fp>,
    /// Digest of everything above, as it was before packing.
    pub(crate) digest: [u8; 32],
}

impl Statement {
    pub(crate) fn new(compiled: &Compiled, public: &Public) -> Result<Self, Error> {
        let mut lookups = vec![];
        for (bus, row) in &public.lookups {
            if !bus.is_lookup() || compiled.fixed_buses.contains(bus) {
                return Err(Error::BusMisuse {
                    bus: *bus,
                    by: "public lookup rows",
                });
            }
            lookups.push(compiled.packing.pack(*bus, row)?);
        }
        let mut received = vec![];
        for (bus, row) in &public.received {
            if bus.is_lookup() {
                return Err(Error::BusMisuse {
                    bus: *bus,
                    by: "public messages",
                });
            }
            received.push(compiled.packing.pack(*bus, row)?);
        }
        check_values("first", &public.first, &compiled.public_bits.0)?;
        check_values("last", &public.last, &compiled.public_bits.1)?;
        let pack = |packs: &[Vec<Slot>], values: &[u64]| {
            packs
                .iter()
                .map(|slots| pack_slots(slots.iter().map(|s| (s.shift, values[s.public]))))
                .collect()
        };
        let (first, last) = (
            pack(&compiled.first, &public.first),
            pack(&compiled.last, &public.last),
        );
        Ok(Self {
            lookups,
            received,
            first,
            last,
            digest: digest(public),
        })
    }

    /// Whether the public lookup rows fit the layout.
    pub(crate) fn fits(&self, layout: &Layout) -> bool {
        self.lookups.len() <= usize::from(layout.public_columns) * layout.usable()
    }

    /// Where the running sum starts: minus what the verifier receives. `None` if the challenge is a pole.
    pub(crate) fn start(&self, alpha: Fp) -> Option<Fp> {
        let mut inverses: Vec<Fp> = self.received.iter().map(|m| alpha + m).collect();
        if inverses.iter().any(|d| bool::from(d.is_zero())) {
            return None;
        }
        invert_all(&mut inverses);
        Some(-inverses.iter().sum::<Fp>())
    }

    /// The instance columns, given the challenge and the start of the sum.
    pub(crate) fn instances(&self, plan: &Plan, alpha: Fp, start: Fp) -> Vec<Vec<Fp>> {
        let mut columns = vec![vec![alpha, start]];
        for i in 0..plan.compiled.bound_columns() {
            let mut column = vec![self.first.get(i).copied().unwrap_or(Fp::ZERO)];
            if let Some(last) = self.last.get(i) {
                column.resize(plan.usable - 1, Fp::ZERO);
                column.push(*last);
            }
            columns.push(column);
        }
        for i in 0..plan.public_columns() {
            let rows = self.lookups.iter().skip(i * plan.usable).take(plan.usable);
            columns.push(rows.copied().collect());
        }
        columns
    }
}

fn check_values(end: &'static str, values: &[u64], bits: &[u32]) -> Result<(), Error> {
    if values.len() != bits.len() {
        return Err(Error::PublicValue {
            end,
            index: values.len().min(bits.len()),
        });
    }
    match values
        .iter()
        .zip(bits)
        .position(|(v, bits)| u64::BITS - v.leading_zeros() > *bits)
    {
        Some(index) => Err(Error::PublicValue { end, index }),
        None => Ok(()),
    }
}

fn digest(public: &Public) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("nonos/v1/halo2/public");
    let mut number = |v: u64| {
        hasher.update(&v.to_le_bytes());
    };
    for rows in [&public.lookups, &public.received] {
        number(rows.len() as u64);
        for (bus, row) in rows {
            number(*bus as u64);
            number(row.len() as u64);
            row.iter().for_each(|v| number(*v));
        }
    }
    for values in [&public.first, &public.last] {
        number(values.len() as u64);
        values.iter().for_each(|v| number(*v));
    }
    *hasher.finalize().as_bytes()
}
