//! Messages with one thing wrong, which no value of the crate can be: their fields are changed on the wire and the
//! result is signed.

use std::marker::PhantomData;

use ed25519_dalek::SigningKey;
use nonos_types::*;

/// The fields of a protobuf message, in order.
#[derive(Clone, Debug)]
pub(crate) struct Fields(Vec<(u32, Field)>);

#[derive(Clone, Debug)]
pub(crate) enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

impl From<u64> for Field {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<&[u8]> for Field {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Field {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

impl Fields {
    pub(crate) fn of(mut bytes: &[u8]) -> Self {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = read(&mut bytes);
            let field = match key & 7 {
                0 => Field::Number(read(&mut bytes)),
                2 => {
                    let len = read(&mut bytes) as usize;
                    let (field, rest) = bytes.split_at(len);
                    bytes = rest;
                    Field::Bytes(field.to_vec())
                }
                other => panic!("no message here has fields of wire type {other}"),
            };
            fields.push(((key >> 3) as u32, field));
        }
        Self(fields)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, field) in &self.0 {
            let key = u64::from(*number) << 3;
            match field {
                Field::Number(value) => {
                    write(&mut bytes, key);
                    write(&mut bytes, *value);
                }
                Field::Bytes(field) => {
                    write(&mut bytes, key | 2);
                    write(&mut bytes, field.len() as u64);
                    bytes.extend(field);
                }
            }
        }
        bytes
    }

    /// All bytes fields of this number.
    pub(crate) fn all(&self, number: u32) -> Vec<Vec<u8>> {
        let fields = self.0.iter().filter(|(it, _)| *it == number);
        let bytes = fields.map(|(_, field)| match field {
            Field::Bytes(bytes) => bytes.clone(),
            Field::Number(_) => panic!("field {number} is a number"),
        });
        bytes.collect()
    }

    pub(crate) fn without(&self, number: u32) -> Self {
        Self(self.0.iter().filter(|(it, _)| *it != number).cloned().collect())
    }

    /// One field of this number, in its place.
    pub(crate) fn with(&self, number: u32, field: impl Into<Field>) -> Self {
        self.with_all(number, vec![field.into()])
    }

    /// These fields of this number, in their place.
    pub(crate) fn with_all(&self, number: u32, fields: Vec<Field>) -> Self {
        let mut all = self.without(number).0;
        let at = all.iter().position(|(it, _)| *it > number).unwrap_or(all.len());
        all.splice(at..at, fields.into_iter().map(|field| (number, field)));
        Self(all)
    }
}

fn read(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

fn write(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Bytes that are signed as if they were a `P`.
struct Raw<P>(Vec<u8>, PhantomData<P>);

impl<P: Payload> Payload for Raw<P> {
    const TYPE: &'static str = P::TYPE;
    const MAX: ByteLen = P::MAX;
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn from_bytes(_: &[u8]) -> Result<Self, Error> {
        unreachable!("raw payloads are only signed")
    }
}

/// Bytes of an envelope in which this payload is signed as a `P`.
pub(crate) fn signed<P: Payload>(payload: Vec<u8>, key: &SigningKey) -> Vec<u8> {
    Envelope::sign(&Raw(payload, PhantomData::<P>), key).to_bytes()
}

/// A message of which one thing after another is made wrong.
pub(crate) struct Broken<'a, P> {
    pub(crate) fields: Fields,
    key: &'a SigningKey,
    name: &'static str,
    payload: PhantomData<P>,
}

impl<'a, P: Payload<Error = Error>> Broken<'a, P> {
    pub(crate) fn of(value: &P, key: &'a SigningKey) -> Self {
        let broken = Self {
            fields: Fields::of(&value.to_bytes()),
            key,
            name: P::TYPE,
            payload: PhantomData,
        };
        // What is changed below is all that is wrong.
        broken.accepts(&broken.fields);
        broken
    }

    pub(crate) fn accepts(&self, fields: &Fields) {
        let read = self.read(fields).map(|it| it.value().to_bytes());
        assert_eq!(read, Ok(fields.to_bytes()), "{fields:?}");
    }

    pub(crate) fn refuses(&self, fields: &Fields, error: Error) {
        let refused = self.read(fields).map(|it| it.value().to_bytes());
        assert_eq!(refused, Err(error), "{fields:?}");
    }

    /// Refuses `fields` for the value of `field`.
    pub(crate) fn refuses_field(&self, fields: &Fields, field: &'static str) {
        let message = self.name;
        self.refuses(fields, Error::BadField { message, field });
    }

    /// Each of these is there and has this many bytes, or else.
    pub(crate) fn has_fixed(&self, len: usize, fields: &[(u32, &'static str)]) {
        let message = self.name;
        for (number, field) in fields {
            let missing = Error::Missing { message, field };
            self.refuses(&self.fields.without(*number), missing);
            for bad in [len - 1, len + 1] {
                self.refuses_field(&self.fields.with(*number, vec![1; bad]), field);
            }
        }
    }

    /// One field more than it has is of a newer version, and every end cut off is refused.
    pub(crate) fn has_no_more_and_no_less(&self, next: u32) {
        let newer = Error::Newer { message: self.name };
        self.refuses(&self.fields.with(next, 1), newer.clone());
        self.refuses(&self.fields.with(1000, 1), newer);
        self.is_cut();
    }

    /// Every end cut off is refused.
    pub(crate) fn is_cut(&self) {
        let bytes = self.fields.to_bytes();
        for len in 0..bytes.len() {
            let cut = signed::<P>(bytes[..len].to_vec(), self.key);
            // Where a last number is cut off as a whole, it is zero.
            if let Ok(read) = Signed::<P>::from_bytes(&cut) {
                assert_eq!(read.value().to_bytes(), bytes[..len], "{len} bytes");
            }
        }
    }

    fn read(&self, fields: &Fields) -> Result<Signed<P>, Error> {
        Signed::from_bytes(&signed::<P>(fields.to_bytes(), self.key))
    }
}
