use crate::{ByteLen, Error, wire};

/// Fields that a newer version has added to a message, as they were sent: none that this version knows, after all that it
/// knows. They are passed on with it, since its signature and its name cover them.
///
/// ```
/// use nonos_types::Further;
///
/// assert!(Further::NONE.as_bytes().is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Further(Vec<u8>);

impl Further {
    /// Nothing.
    pub const NONE: Self = Self(Vec::new());
    /// Most fields of that kind in one message; more are no message of any version.
    pub const MOST: usize = 32;

    /// The fields.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads a message, and what a newer version may have added to it.
    pub(crate) fn decode<M: prost::Message + Default>(
        name: &'static str,
        limit: ByteLen,
        bytes: &[u8],
    ) -> Result<(M, Self), Error> {
        wire::check_len(name, limit, bytes.len())?;
        let message = M::decode(bytes).map_err(|_| Error::Malformed { message: name })?;
        let known = message.encode_to_vec();
        let further = bytes.strip_prefix(known.as_slice());
        let further = further.filter(|it| it.is_empty() || is_further::<M>(&known, it));
        let further = further.ok_or(Error::NotCanonical { message: name })?;
        Ok((message, Self(further.to_vec())))
    }

    /// Reads a message that means something only as a whole.
    pub(crate) fn refuse<M: prost::Message + Default>(
        name: &'static str,
        limit: ByteLen,
        bytes: &[u8],
    ) -> Result<M, Error> {
        match Self::decode(name, limit, bytes)? {
            (message, Self(further)) if further.is_empty() => Ok(message),
            _ => Err(Error::Newer { message: name }),
        }
    }
}

/// Are these fields in canonical form, in their order after the known ones, and all unknown?
fn is_further<M: prost::Message + Default>(known: &[u8], further: &[u8]) -> bool {
    let last = numbers(known).and_then(|it| it.last().copied());
    let Some(numbers) = numbers(further).filter(|it| it.len() <= Further::MOST) else {
        return false;
    };
    let ordered = numbers.is_sorted() && numbers.first() > last.as_ref();
    ordered && numbers.into_iter().all(is_unknown::<M>)
}

/// The numbers of fields, if their encoding is the shortest.
fn numbers(mut bytes: &[u8]) -> Option<Vec<u64>> {
    let mut numbers = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        match key & 7 {
            0 => drop(varint(&mut bytes)?),
            2 => {
                let len = usize::try_from(varint(&mut bytes)?).ok()?;
                bytes = bytes.get(len..)?;
            }
            _ => return None,
        }
        numbers.push(key >> 3);
    }
    Some(numbers)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return (*byte != 0 || shift == 0).then_some(value);
        }
    }
    None
}

/// A field that is known is not read with another type than its own; one that is not is skipped, whatever its type.
fn is_unknown<M: prost::Message + Default>(number: u64) -> bool {
    [0, 2].into_iter().all(|kind| {
        let mut field = Vec::new();
        prost::encoding::encode_varint(number << 3 | kind, &mut field);
        field.push(0);
        M::decode(field.as_slice()).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto;

    fn known<M: prost::Message + Default>() -> Vec<u64> {
        (1..100).filter(|it| !is_unknown::<M>(*it)).collect()
    }

    /// As far as any message has fields.
    #[test]
    fn tells_what_is_known() {
        let up_to = |last: u64| (1..=last).collect::<Vec<_>>();
        assert_eq!(known::<proto::Claim>(), up_to(5));
        assert_eq!(known::<proto::Award>(), up_to(6));
        assert_eq!(known::<proto::Cancel>(), up_to(3));
        assert_eq!(known::<proto::Receipt>()[..12], up_to(12));
        assert_eq!(known::<proto::Verdict>(), up_to(7));
        assert_eq!(known::<proto::Voucher>()[..7], up_to(7));
        assert_eq!(known::<proto::Offer>()[..19], up_to(19));
        assert_eq!(known::<proto::Accusation>()[..11], up_to(11));
        assert_eq!(known::<proto::RelayHead>()[..6], up_to(6));
        assert_eq!(known::<proto::Descriptor>()[..13], up_to(13));
    }

    #[test]
    fn numbers_have_one_encoding() {
        for (bytes, value) in [
            (&[0][..], Some(0)),
            (&[0x7f], Some(127)),
            (&[0x80, 1], Some(128)),
            (&[0x80, 0], None),
            (&[0x80], None),
            (&[], None),
            (
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
                Some(u64::MAX),
            ),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], None),
            (
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
                None,
            ),
        ] {
            let mut rest = bytes;
            assert_eq!(varint(&mut rest), value, "{bytes:?}");
            assert!(value.is_none() || rest.is_empty());
        }
    }
}
