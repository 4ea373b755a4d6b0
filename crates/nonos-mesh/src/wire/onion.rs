//! What is asked and answered in onion packets; `docs/spec/onion.md`.

use nonos_types::{
    ByteLen, Error,
    wire::{decode, encode},
};

use crate::{Object, Part};

const QUESTION: &str = "onion question";
const ANSWER: &str = "onion answer";

/// What somebody asks who does not show itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// A whole object, if it is no longer than that.
    Read { object: Object, most: ByteLen },
    /// Gossip a message.
    Publish { message: Vec<u8> },
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The object, or its length alone if it is longer than was asked for.
    Object(Part),
    /// It is not there.
    NotFound,
    /// The message is taken on.
    Taken,
    /// It is not.
    Refused,
}

mod proto {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Question {
        #[prost(oneof = "Asked", tags = "1, 2")]
        pub(super) asked: Option<Asked>,
    }

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Asked {
        #[prost(message, tag = "1")]
        Read(Read),
        #[prost(bytes = "vec", tag = "2")]
        Publish(Vec<u8>),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Read {
        #[prost(uint32, tag = "1")]
        pub(super) kind: u32,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) digest: Vec<u8>,
        #[prost(uint64, tag = "3")]
        pub(super) most: u64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Answer {
        #[prost(oneof = "Said", tags = "1, 2")]
        pub(super) said: Option<Said>,
    }

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Said {
        #[prost(message, tag = "1")]
        Object(Object),
        #[prost(uint32, tag = "2")]
        Word(u32),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Object {
        #[prost(uint64, tag = "1")]
        pub(super) total: u64,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) bytes: Vec<u8>,
    }
}

const NOT_FOUND: u32 = 1;
const TAKEN: u32 = 2;
const REFUSED: u32 = 3;

impl Question {
    /// Longest object that is asked for.
    pub(crate) const OBJECT: ByteLen = ByteLen::new(64 << 10);
    /// What there may be of fragments, less the reply blocks of a short answer.
    const MAX: ByteLen = ByteLen::new(92 << 10);

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let asked = match self {
            Self::Read { object, most } => {
                let (kind, digest) = object.to_code();
                proto::Asked::Read(proto::Read {
                    kind: kind.into(),
                    digest: digest.to_vec(),
                    most: most.get(),
                })
            }
            Self::Publish { message } => proto::Asked::Publish(message.clone()),
        };
        encode(&proto::Question { asked: Some(asked) })
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Question = decode(QUESTION, Self::MAX, bytes)?;
        let missing = Error::Missing {
            message: QUESTION,
            field: "asked",
        };
        Ok(match message.asked.ok_or(missing)? {
            proto::Asked::Read(it) => {
                let object = super::object(it.kind, &it.digest)?;
                let most = ByteLen::new(it.most);
                if most > Self::OBJECT {
                    return Err(Error::BadField {
                        message: QUESTION,
                        field: "most",
                    });
                }
                Self::Read { object, most }
            }
            proto::Asked::Publish(message) => Self::Publish { message },
        })
    }
}

impl Answer {
    /// Bytes around an object.
    pub(crate) const AROUND: usize = 32;
    const MAX: ByteLen = ByteLen::new(Question::OBJECT.get() + Self::AROUND as u64);

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let said = match self {
            Self::Object(part) => proto::Said::Object(proto::Object {
                total: part.total.get(),
                bytes: part.bytes.clone(),
            }),
            Self::NotFound => proto::Said::Word(NOT_FOUND),
            Self::Taken => proto::Said::Word(TAKEN),
            Self::Refused => proto::Said::Word(REFUSED),
        };
        encode(&proto::Answer { said: Some(said) })
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bad = |field| Error::BadField {
            message: ANSWER,
            field,
        };
        let message: proto::Answer = decode(ANSWER, Self::MAX, bytes)?;
        let missing = Error::Missing {
            message: ANSWER,
            field: "said",
        };
        Ok(match message.said.ok_or(missing)? {
            proto::Said::Object(it) => {
                let (total, len) = (ByteLen::new(it.total), ByteLen::from(it.bytes.len()));
                // All of it or nothing.
                if len > Question::OBJECT || (len != total && len != ByteLen::ZERO) {
                    return Err(bad("bytes"));
                }
                Self::Object(Part {
                    total,
                    bytes: it.bytes,
                })
            }
            proto::Said::Word(NOT_FOUND) => Self::NotFound,
            proto::Said::Word(TAKEN) => Self::Taken,
            proto::Said::Word(REFUSED) => Self::Refused,
            proto::Said::Word(_) => return Err(bad("word")),
        })
    }
}

#[cfg(test)]
mod tests {
    use nonos_types::CapsuleHash;
    use proptest::prelude::*;

    use super::*;

    fn read(most: u64) -> Question {
        Question::Read {
            object: Object::Capsule(CapsuleHash::hash(&[b"a"])),
            most: ByteLen::new(most),
        }
    }

    fn object(total: u64, len: usize) -> Answer {
        Answer::Object(Part {
            total: ByteLen::new(total),
            bytes: vec![7; len],
        })
    }

    #[test]
    fn questions_and_answers_survive() {
        for question in [
            read(0),
            read(Question::OBJECT.get()),
            Question::Publish { message: vec![] },
            Question::Publish {
                message: vec![1; 10_000],
            },
        ] {
            assert_eq!(Question::from_bytes(&question.to_bytes()), Ok(question));
        }
        let longest = Question::OBJECT.get();
        for answer in [
            object(0, 0),
            object(5, 5),
            object(u64::MAX, 0),
            object(longest, usize::try_from(longest).expect("small")),
            Answer::NotFound,
            Answer::Taken,
            Answer::Refused,
        ] {
            let bytes = answer.to_bytes();
            assert!(bytes.len() <= usize::try_from(longest).expect("small") + Answer::AROUND);
            assert_eq!(Answer::from_bytes(&bytes), Ok(answer));
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let refused = |question: &Question| Question::from_bytes(&question.to_bytes()).is_err();
        assert!(refused(&read(Question::OBJECT.get() + 1)));
        assert!(Question::from_bytes(&[]).is_err(), "nothing is asked");
        // An object of a kind that there is not, and one with a short name.
        assert!(Question::from_bytes(&[10, 2, 8, 99]).is_err());
        let mut short = read(5).to_bytes();
        short.truncate(short.len() - 4);
        assert!(Question::from_bytes(&short).is_err());
        assert!(Question::from_bytes(&vec![0x12; 100 << 10]).is_err(), "too long");
        let refused = |answer: &Answer| Answer::from_bytes(&answer.to_bytes()).is_err();
        assert!(refused(&object(5, 4)), "a part of it");
        assert!(refused(&object(4, 5)), "more than it has");
        assert!(Answer::from_bytes(&[]).is_err(), "nothing is said");
        assert!(Answer::from_bytes(&[0x10, 9]).is_err(), "no such word");
        assert!(Answer::from_bytes(&[0x10, 0]).is_err(), "no such word");
    }

    proptest! {
        #[test]
        fn noise_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Question::from_bytes(&bytes);
            let _ = Answer::from_bytes(&bytes);
        }
    }
}
