//! Messages packed into one field element by fixed radix.
//!
//! `bus + Σ (part_i − lo_i)·2^shift_i`, where part `i` of every message of the bus lies in
//! `lo_i ..= lo_i + 2^width_i − 1`. Two messages pack to the same element only if they are equal, *provided*
//! that every part is within its range; hence no part may use a cell of unknown range.

use std::collections::BTreeMap;

use ff::{Field, PrimeField};
use nonos_machine::air::{Bus, Interval};
use pasta_curves::Fp;

use crate::Error;
use crate::linear::{Form, Linear, signed};

/// Bits of the bus's number; every bus is at least 1, so no message packs to zero.
const BUS_BITS: u32 = 5;
/// Bits that fit in a field element of just over 2^254.
pub(crate) const LIMIT_BITS: u32 = 252;

#[derive(Clone, Debug)]
struct Part {
    range: Interval,
    shift: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Packing {
    buses: BTreeMap<Bus, Vec<Part>>,
}

impl Packing {
    /// Takes note that messages with these ranges travel on the bus.
    pub(crate) fn widen(&mut self, bus: Bus, parts: &[Interval]) -> Result<(), Error> {
        let known = self.buses.entry(bus).or_insert_with(|| {
            parts
                .iter()
                .map(|range| Part {
                    range: *range,
                    shift: 0,
                })
                .collect()
        });
        if known.len() != parts.len() {
            return Err(Error::Arity {
                bus,
                expected: known.len(),
                found: parts.len(),
            });
        }
        for (part, range) in known.iter_mut().zip(parts) {
            part.range = part.range.union(*range);
        }
        Ok(())
    }

    /// Assigns the shifts.
    pub(crate) fn freeze(&mut self) -> Result<(), Error> {
        for (bus, parts) in &mut self.buses {
            let mut bits = BUS_BITS;
            for part in parts {
                part.shift = bits;
                bits += part.range.bits();
            }
            if bits > LIMIT_BITS {
                return Err(Error::TooWide {
                    bus: *bus,
                    bits,
                    limit: LIMIT_BITS,
                });
            }
        }
        Ok(())
    }

    /// Packs a message of constants.
    pub(crate) fn pack(&self, bus: Bus, values: &[u64]) -> Result<Fp, Error> {
        let parts = self.buses.get(&bus).ok_or(Error::BusMisuse {
            bus,
            by: "public data",
        })?;
        if parts.len() != values.len() {
            return Err(Error::Arity {
                bus,
                expected: parts.len(),
                found: values.len(),
            });
        }
        let mut packed = Fp::from(bus as u64);
        for (i, (part, value)) in parts.iter().zip(values).enumerate() {
            let value = i128::from(*value);
            if value < part.range.lo || value > part.range.hi {
                return Err(Error::PublicMessage { bus, part: i });
            }
            packed += signed(value - part.range.lo) * power(part.shift);
        }
        Ok(packed)
    }

    /// Packs a message of forms.
    pub(crate) fn linear(&self, bus: Bus, parts: &[Form]) -> Linear {
        let mut packed = Linear::zero();
        packed.constant = Fp::from(bus as u64);
        let known = self.buses.get(&bus).map_or(&[][..], Vec::as_slice);
        for (part, form) in known.iter().zip(parts) {
            let factor = power(part.shift);
            packed.add(&form.linear().scaled(factor));
            packed.constant -= signed(part.range.lo) * factor;
        }
        packed
    }
}

/// The bus of a packed message.
pub(crate) fn bus_of(packed: &[u8; 32]) -> Option<Bus> {
    let number = packed[0] & ((1 << BUS_BITS) - 1);
    Bus::ALL.into_iter().find(|bus| *bus as u8 == number)
}

/// 2^`bits`.
pub(crate) fn power(bits: u32) -> Fp {
    if bits < 128 {
        Fp::from_u128(1 << bits)
    } else {
        Fp::from_u128(1 << (bits - 127)) * power(127)
    }
}

/// Packs public values of the first or last row.
pub(crate) fn pack_slots(slots: impl Iterator<Item = (u32, u64)>) -> Fp {
    slots.fold(Fp::ZERO, |sum, (shift, value)| {
        sum + Fp::from(value) * power(shift)
    })
}
