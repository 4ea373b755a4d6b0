//! The readers of the mesh's messages: whatever the payload is, signed or not, what they accept has these bytes and no
//! others. Signatures are not for a fuzzer to find, so that payloads are read bare and then signed.

use ed25519_dalek::SigningKey;
use nonos_types::{
    Accusation, Award, Cancel, Claim, Descriptor, Error, Kind, Message, Offer, Payload, Receipt, RelayHead,
    Signed, Verdict, Voucher,
};

fn payload<P: Payload<Error = Error>>(bytes: &[u8])
where
    Message: From<Signed<P>>,
{
    let Ok(value) = P::from_bytes(bytes) else { return };
    assert_eq!(value.to_bytes(), bytes);
    let signed = Message::from(Signed::new(value, &SigningKey::from_bytes(&[7; 32])));
    let sent = signed.to_bytes();
    match Message::from_bytes_of_any_kind(&sent) {
        Ok(read) => assert_eq!((read.to_bytes(), read.id()), (sent, signed.id())),
        Err(error) => assert!(matches!(error, Error::WrongSigner { .. }), "{error:?}"),
    }
}

/// Checks one input.
pub fn check(bytes: &[u8]) {
    if let Ok(message) = Message::from_bytes_of_any_kind(bytes) {
        assert_eq!(message.to_bytes(), bytes);
        assert_eq!(Message::from_bytes(message.kind(), bytes).as_ref(), Ok(&message));
    }
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    match Kind::ALL.get(usize::from(*kind)) {
        Some(Kind::Descriptor) => payload::<Descriptor>(bytes),
        Some(Kind::Offer) => payload::<Offer>(bytes),
        Some(Kind::Claim) => payload::<Claim>(bytes),
        Some(Kind::Award) => payload::<Award>(bytes),
        Some(Kind::Cancel) => payload::<Cancel>(bytes),
        Some(Kind::Receipt) => payload::<Receipt>(bytes),
        Some(Kind::Verdict) => payload::<Verdict>(bytes),
        Some(Kind::Voucher) => payload::<Voucher>(bytes),
        Some(Kind::Accusation) => payload::<Accusation>(bytes),
        Some(Kind::RelayHead) => payload::<RelayHead>(bytes),
        None => {}
    }
}
