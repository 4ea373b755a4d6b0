//! Evidence that is two messages of one signer.

use crate::{Error, Payload, Signed};

/// Two messages in the order of their names, so that the same two make one evidence, whoever has found them.
pub(super) fn ordered<'a, P, K: Ord>(
    one: &'a Signed<P>,
    other: &'a Signed<P>,
    name: impl Fn(&Signed<P>) -> K,
) -> (&'a Signed<P>, &'a Signed<P>) {
    if name(one) < name(other) {
        (one, other)
    } else {
        (other, one)
    }
}

/// The two messages of an accusation, and their signatures verified.
pub(super) fn read<P: Payload<Error = Error>>(
    first: &[u8],
    second: &[u8],
) -> Result<(Signed<P>, Signed<P>), Error> {
    Ok((Signed::from_bytes(first)?, Signed::from_bytes(second)?))
}
