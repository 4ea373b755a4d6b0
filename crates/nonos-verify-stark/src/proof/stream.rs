//! The two streams of a proof: digests, and field elements.

use nonos_verify::Refusal;
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField32};

use super::malformed;
use crate::config::Val;

/// Bytes of a digest.
pub(crate) const DIGEST: usize = 32;
/// Bytes of a query's place.
pub(crate) const PLACE: usize = 4;
/// Bits of a field element.
const ELEMENT: usize = 31;

/// Bytes of as many field elements.
pub(crate) fn packed(elements: usize) -> usize {
    (elements * ELEMENT).div_ceil(8)
}

/// Puts the parts of a proof into bytes, or takes them from there.
pub(crate) trait Coder {
    /// One digest.
    fn digest(&mut self, digest: &mut [u8; DIGEST]) -> Result<(), Refusal>;
    /// One field element.
    fn element(&mut self, element: &mut Val) -> Result<(), Refusal>;

    /// One challenge: its coordinates.
    fn challenge<E: BasedVectorSpace<Val>>(&mut self, challenge: &mut E) -> Result<(), Refusal> {
        let mut coordinates = challenge.as_basis_coefficients_slice().to_vec();
        for coordinate in &mut coordinates {
            self.element(coordinate)?;
        }
        *challenge = E::from_basis_coefficients_fn(|i| coordinates[i]);
        Ok(())
    }

    /// Challenges, `count` of them.
    fn challenges<E: BasedVectorSpace<Val>>(
        &mut self,
        challenges: &mut [E],
        count: usize,
    ) -> Result<(), Refusal> {
        if challenges.len() != count {
            return malformed("number of evaluations");
        }
        challenges.iter_mut().try_for_each(|x| self.challenge(x))
    }
}

/// Writes.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    digests: Vec<u8>,
    elements: Vec<u8>,
    /// Bits that no byte has yet, and their number, which is below 8.
    left: (u64, usize),
}

impl Writer {
    /// Both streams; what is left of the last byte is zero.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.left.1 > 0 {
            self.elements.push(self.left.0 as u8);
        }
        self.digests.extend(self.elements);
        self.digests
    }
}

impl Coder for Writer {
    fn digest(&mut self, digest: &mut [u8; DIGEST]) -> Result<(), Refusal> {
        self.digests.extend(*digest);
        Ok(())
    }

    fn element(&mut self, element: &mut Val) -> Result<(), Refusal> {
        let (mut bits, mut count) = self.left;
        bits |= u64::from(element.as_canonical_u32()) << count;
        count += ELEMENT;
        while count >= 8 {
            self.elements.push(bits as u8);
            bits >>= 8;
            count -= 8;
        }
        self.left = (bits, count);
        Ok(())
    }
}

/// Reads.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    digests: &'a [u8],
    elements: &'a [u8],
    /// Bits that are read but not taken, and their number.
    left: (u64, usize),
}

impl<'a> Reader<'a> {
    pub(crate) fn new(digests: &'a [u8], elements: &'a [u8]) -> Self {
        Self {
            digests,
            elements,
            left: (0, 0),
        }
    }

    /// All is read, and what is left of the last byte is zero.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        if !self.digests.is_empty() || !self.elements.is_empty() || self.left.0 != 0 {
            return malformed("end");
        }
        Ok(())
    }
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Result<&'a [u8; N], Refusal> {
    let Some((first, rest)) = bytes.split_first_chunk() else {
        return malformed("length");
    };
    *bytes = rest;
    Ok(first)
}

impl Coder for Reader<'_> {
    fn digest(&mut self, digest: &mut [u8; DIGEST]) -> Result<(), Refusal> {
        *digest = *take(&mut self.digests)?;
        Ok(())
    }

    fn element(&mut self, element: &mut Val) -> Result<(), Refusal> {
        let (mut bits, mut count) = self.left;
        while count < ELEMENT {
            let [byte] = *take(&mut self.elements)?;
            bits |= u64::from(byte) << count;
            count += 8;
        }
        let number = (bits & ((1 << ELEMENT) - 1)) as u32;
        self.left = (bits >> ELEMENT, count - ELEMENT);
        if number >= Val::ORDER_U32 {
            return malformed("field element");
        }
        *element = Val::from_u32(number);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [u32; 3] = [0, Val::ORDER_U32 - 1, 0x1234_5678];

    fn written() -> Vec<u8> {
        let mut writer = Writer::default();
        for value in VALUES {
            writer.element(&mut Val::from_u32(value)).expect("it writes");
        }
        writer.finish()
    }

    fn read(bytes: &[u8]) -> Result<[u32; 3], Refusal> {
        let mut reader = Reader::new(&[], bytes);
        let mut values = [0; 3];
        for value in &mut values {
            let mut element = Val::ZERO;
            reader.element(&mut element)?;
            *value = element.as_canonical_u32();
        }
        reader.finish()?;
        Ok(values)
    }

    #[test]
    fn elements_are_packed_from_the_least_bit_up() {
        // 0, then p - 1 = 2^31 - 2^24 from bit 31, then 0x12345678 from bit 62.
        let number = (u128::from(VALUES[1]) << 31) | (u128::from(VALUES[2]) << 62);
        assert_eq!(written(), number.to_le_bytes()[..packed(3)]);
        assert_eq!((packed(0), packed(1), packed(3), packed(8)), (0, 4, 12, 31));
        assert_eq!(read(&written()), Ok(VALUES));
    }

    #[test]
    fn what_is_left_of_the_last_byte_is_zero() {
        for bit in 93..96 {
            let mut bytes = written();
            bytes[bit / 8] |= 1 << (bit % 8);
            assert_eq!(read(&bytes), malformed("end"), "bit {bit}");
        }
        assert_eq!(read(&[&written()[..], &[0]].concat()), malformed("end"));
        assert_eq!(read(&written()[..11]), malformed("length"));
    }

    #[test]
    fn numbers_from_the_modulus_on_are_no_elements() {
        for number in [Val::ORDER_U32, Val::ORDER_U32 + 1, (1 << 31) - 1] {
            let bytes = (u128::from(number) << 31).to_le_bytes();
            assert_eq!(read(&bytes[..12]), malformed("field element"), "{number}");
        }
    }
}
