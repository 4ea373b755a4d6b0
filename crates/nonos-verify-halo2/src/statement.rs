//! The public side of a proof: what the verifier computes itself, packed.

use ff::{Field, PrimeField};
use nonos_machine::air::Public;
use pasta_curves::Fp;

use crate::compile::{Compiled, Slot};
use crate::field::invert_all;
use crate::packing::pack_slots;
use crate::plan::Plan;
use crate::sponge::DIGESTS;
use crate::{Error, Layout};

/// A public statement, checked against a system and packed.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) lookups: Vec<Fp>,
    pub(crate) received: Vec<Fp>,
    first: Vec<Fp>,
    last: Vec<Fp>,
    /// Digests of what is hashed; zero for one that is not there.
    pub(crate) digests: [Fp; DIGESTS],
    /// Whether there is something to hash.
    hashes: bool,
    /// Whether a value of the first or last row is not zero that is the hashed table's.
    speaks_of_hashed: bool,
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
        let hashed = |slots: &[Vec<Slot>], values: &[u64]| {
            let of_hashed = slots.iter().flatten().filter(|slot| {
                compiled
                    .sponge
                    .as_ref()
                    .is_some_and(|sponge| sponge.table == slot.table)
            });
            of_hashed.into_iter().any(|slot| values[slot.public] != 0)
        };
        let speaks_of_hashed = hashed(&compiled.first, &public.first) || hashed(&compiled.last, &public.last);
        let hashes = public.digests.iter().any(Option::is_some);
        if hashes && compiled.sponge.is_none() {
            return Err(Error::PublicDigest { index: 0 });
        }
        let mut digests = [Fp::ZERO; DIGESTS];
        for (index, (element, digest)) in digests.iter_mut().zip(public.digests).enumerate() {
            if let Some(digest) = digest {
                *element = Option::from(Fp::from_repr(digest)).ok_or(Error::PublicDigest { index })?;
            }
        }
        Ok(Self {
            digests,
            hashes,
            speaks_of_hashed,
            lookups,
            received,
            first,
            last,
            digest: digest(public),
        })
    }

    /// Whether the layout has room for the public lookup rows, and a hashed table exactly if there is something to
    /// hash.
    pub(crate) fn fits(&self, compiled: &Compiled, layout: &Layout) -> Result<(), Error> {
        let layout_error = |part| Err(Error::Layout { part });
        if self.lookups.len() > usize::from(layout.public_columns) * layout.usable() {
            return layout_error("public columns");
        }
        let hashed = compiled
            .sponge
            .as_ref()
            .is_some_and(|sponge| layout.capacity(sponge.table) > 0);
        if hashed != self.hashes || self.speaks_of_hashed && !hashed {
            return layout_error("the table of sealed tapes");
        }
        Ok(())
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
        if plan.hashed().is_some() {
            columns.push(self.digests.to_vec());
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
    for digest in &public.digests {
        hasher.update(&[u8::from(digest.is_some())]);
        hasher.update(&digest.unwrap_or_default());
    }
    *hasher.finalize().as_bytes()
}
