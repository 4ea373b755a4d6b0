//! A strict reader of negentropy's frames, before negentropy itself reads them: its own takes numbers in several
//! lengths, and what ends too early as if zeros followed.

use super::{Limits, Unsound};

/// Version 1 of the protocol.
const VERSION: u8 = 0x61;
const ID: usize = 32;
const FINGERPRINT: usize = 16;
const SKIP: u64 = 0;
const FINGERPRINTS: u64 = 1;
const IDS: u64 = 2;

/// Checks that these bytes are a frame: a version, and ranges in ascending order that say something to their end.
pub(super) fn check(frame: &[u8]) -> Result<(), Unsound> {
    let limit = Limits::FRAME;
    let actual = frame.len().into();
    if actual > limit {
        return Err(Unsound::Oversize { limit, actual });
    }
    let mut rest = frame;
    if take::<1>(&mut rest)? != [VERSION] {
        return Err(Unsound::Malformed);
    }
    let mut last = Bound::default();
    let mut skipped = false;
    while !rest.is_empty() {
        let bound = Bound::read(&mut rest, last.time)?;
        if bound < last {
            return Err(Unsound::Malformed);
        }
        last = bound;
        let mode = number(&mut rest)?;
        // To skip a range is said only where something follows, and once.
        if mode == SKIP && skipped {
            return Err(Unsound::Malformed);
        }
        skipped = mode == SKIP;
        match mode {
            SKIP => {}
            FINGERPRINTS => drop(take::<FINGERPRINT>(&mut rest)?),
            IDS => {
                let count = usize::try_from(number(&mut rest)?).map_err(|_| Unsound::Truncated)?;
                let len = count.checked_mul(ID).ok_or(Unsound::Truncated)?;
                rest = rest.get(len..).ok_or(Unsound::Truncated)?;
            }
            _ => return Err(Unsound::Malformed),
        }
    }
    if skipped {
        return Err(Unsound::Truncated);
    }
    Ok(())
}

/// Does the frame say that nothing differs?
pub(super) fn is_empty(frame: &[u8]) -> bool {
    frame.len() == 1
}

/// Where a range ends: a time, and the first bytes of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Bound {
    time: u64,
    name: [u8; ID],
}

impl Bound {
    /// Times are written as what is added to the last one, and one more; 0 is the end of time.
    fn read(rest: &mut &[u8], last: u64) -> Result<Self, Unsound> {
        let time = match number(rest)? {
            0 => u64::MAX,
            added => last.checked_add(added - 1).ok_or(Unsound::Malformed)?,
        };
        let len = number(rest)?;
        if len > ID as u64 {
            return Err(Unsound::Malformed);
        }
        let mut name = [0; ID];
        for byte in &mut name[..len as usize] {
            [*byte] = take::<1>(rest)?;
        }
        Ok(Self { time, name })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Unsound> {
    let (taken, after) = rest.split_first_chunk().ok_or(Unsound::Truncated)?;
    *rest = after;
    Ok(*taken)
}

/// Seven bits a byte, the highest first, in as few bytes as it needs.
fn number(rest: &mut &[u8]) -> Result<u64, Unsound> {
    let mut number: u64 = 0;
    let mut first = true;
    loop {
        let [byte] = take::<1>(rest)?;
        let fits = number.leading_zeros() >= 7;
        if !fits || (first && byte == 0x80) {
            return Err(Unsound::Malformed);
        }
        number = number << 7 | u64::from(byte & 0x7f);
        first = false;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_what_the_protocol_says_and_nothing_else() {
        let fingerprint = [&[VERSION, 0, 0, 1][..], &[9; 16]].concat();
        let ids = [&[VERSION, 0, 0, 2, 1][..], &[9; 32]].concat();
        let skip = [&[VERSION, 5, 0, 0][..], &fingerprint[1..]].concat();
        for good in [&[VERSION][..], &fingerprint, &ids, &skip] {
            assert_eq!(check(good), Ok(()));
        }
        for (bad, why) in [
            (&[][..], Unsound::Truncated),
            (&[0x62], Unsound::Malformed),
            (&[VERSION, 0], Unsound::Truncated),
            (&[VERSION, 0, 0], Unsound::Truncated),
            (&[VERSION, 5, 0, 0], Unsound::Truncated),
            (&[VERSION, 5, 0, 0, 5, 0, 0, 0, 0, 2, 0], Unsound::Malformed),
            (&[VERSION, 0, 0, 3], Unsound::Malformed),
            (&[VERSION, 0, 33], Unsound::Malformed),
            (&[VERSION, 0x80, 0, 0], Unsound::Malformed),
            (&[VERSION, 0, 0, 2, 1, 9], Unsound::Truncated),
            (&[VERSION, 5, 1, 9, 2, 0, 1, 1, 8, 2, 0], Unsound::Malformed),
        ] {
            assert_eq!(check(bad), Err(why), "{bad:02x?}");
        }
        let endless = [&[VERSION][..], &[0xff; 20]].concat();
        assert_eq!(check(&endless), Err(Unsound::Malformed));
    }

    #[test]
    fn refuses_every_beginning_of_a_frame_but_the_empty_one() {
        let range = [&[5, 1, 9, 1][..], &[9; 16], &[0, 0, 2, 1], &[7; 32]].concat();
        let frame = [&[VERSION][..], &range].concat();
        assert_eq!(check(&frame), Ok(()));
        let whole = [1, 21];
        for len in 0..frame.len() {
            let expected = if whole.contains(&len) {
                Ok(())
            } else {
                Err(Unsound::Truncated)
            };
            assert_eq!(check(&frame[..len]), expected, "{len}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _checked = check(&[&[VERSION], &bytes[..]].concat());
        }
    }
}
