//! What a helper answers an executor that asks it to prove a segment; `docs/spec/segment.md`, "Sharing".

use nonos_types::{
    ByteLen, Envelope, Error, SegmentResult, Signed,
    wire::{decode, encode},
};

const ANSWER: &str = "segment answer";

/// What a helper says to a task.
///
/// ```
/// use nonos_mesh::core::segment::{Answer, Refused};
///
/// let answer = Answer::Refused(Refused::Price);
/// assert_eq!(Answer::from_bytes(&answer.to_bytes())?, answer);
/// # Ok::<_, nonos_types::Error>(())
/// ```
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It does not prove it.
    Refused(Refused),
    /// It does, or is going to.
    Accepted,
    /// It has, and gives the proof.
    Proved(Signed<SegmentResult>),
}

/// Why a helper does not prove a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refused {
    /// It has something else to do.
    Busy,
    /// It asks for more.
    Price,
    /// It is no executor now.
    Role,
    /// The segment is more than it has room for.
    Limit,
    /// So much that it has proved is not paid for yet.
    Credit,
    /// It knows of no job that is awarded to who asks.
    UnknownJob,
    /// It has not this proof system, or not this key.
    UnknownBackend,
    /// It wants nothing to do with who asks.
    Blacklisted,
    /// The deadline has passed.
    Late,
    /// It tried, and could not.
    Failed,
}

impl Refused {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::Busy,
        Self::Price,
        Self::Role,
        Self::Limit,
        Self::Credit,
        Self::UnknownJob,
        Self::UnknownBackend,
        Self::Blacklisted,
        Self::Late,
        Self::Failed,
    ];

    /// Number in messages, from 1.
    pub const fn code(self) -> u32 {
        self as u32 + 1
    }

    /// For people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Price => "price",
            Self::Role => "role",
            Self::Limit => "limit",
            Self::Credit => "credit",
            Self::UnknownJob => "unknown-job",
            Self::UnknownBackend => "unknown-backend",
            Self::Blacklisted => "blacklisted",
            Self::Late => "late",
            Self::Failed => "failed",
        }
    }

    /// May it say something else a little later?
    pub const fn passes(self) -> bool {
        matches!(self, Self::Busy | Self::UnknownJob | Self::Credit | Self::Late)
    }
}

mod proto {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Answer {
        #[prost(oneof = "Said", tags = "1, 2, 3")]
        pub(super) said: Option<Said>,
    }

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Said {
        #[prost(uint32, tag = "1")]
        Refused(u32),
        #[prost(message, tag = "2")]
        Accepted(Accepted),
        #[prost(bytes = "vec", tag = "3")]
        Proved(Vec<u8>),
    }

    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub(super) struct Accepted {}
}

impl Answer {
    /// Most bytes.
    pub const MAX: ByteLen = ByteLen::new(Envelope::max_len::<SegmentResult>().get() + 8);

    /// The bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let said = match self {
            Self::Refused(why) => proto::Said::Refused(why.code()),
            Self::Accepted => proto::Said::Accepted(proto::Accepted {}),
            Self::Proved(result) => proto::Said::Proved(result.to_bytes()),
        };
        encode(&proto::Answer { said: Some(said) })
    }

    /// Reads them, and verifies the signature of a result. Whose it is, and of which task, is for who asked.
    ///
    /// # Errors
    /// [`Error`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Answer = decode(ANSWER, Self::MAX, bytes)?;
        let missing = Error::Missing {
            message: ANSWER,
            field: "said",
        };
        Ok(match message.said.ok_or(missing)? {
            proto::Said::Refused(code) => {
                let why = Refused::ALL.into_iter().find(|it| it.code() == code);
                Self::Refused(why.ok_or(Error::BadField {
                    message: ANSWER,
                    field: "refused",
                })?)
            }
            proto::Said::Accepted(_) => Self::Accepted,
            proto::Said::Proved(result) => Self::Proved(Signed::from_bytes(&result)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use nonos_types::{ProofDigest, SegmentTaskId, Timestamp};

    use super::*;

    #[test]
    fn answers_are_read_back_and_have_one_encoding() {
        let result = SegmentResult {
            task: SegmentTaskId::ZERO,
            proof: ProofDigest::ZERO,
            proof_len: SegmentResult::MAX_PROOF,
            at: Timestamp::MAX,
        };
        let proved = Answer::Proved(Signed::new(result, &SigningKey::from_bytes(&[7; 32])));
        let refused = Refused::ALL.map(Answer::Refused);
        for answer in [proved, Answer::Accepted].into_iter().chain(refused) {
            let bytes = answer.to_bytes();
            assert_eq!(Answer::from_bytes(&bytes), Ok(answer));
            assert!(Answer::from_bytes(&bytes[..bytes.len() - 1]).is_err());
            assert!(Answer::from_bytes(&[&bytes[..], &[8, 1]].concat()).is_err());
        }
    }

    #[test]
    fn refuses_a_reason_that_is_none_and_a_result_that_nobody_signed() {
        let read = |said| Answer::from_bytes(&encode(&proto::Answer { said: Some(said) }));
        let error = Error::BadField {
            message: ANSWER,
            field: "refused",
        };
        for code in [0, 11] {
            assert_eq!(read(proto::Said::Refused(code)), Err(error.clone()));
        }
        assert!(read(proto::Said::Proved(vec![7; 100])).is_err());
        assert!(Answer::from_bytes(&[]).is_err());
    }

    #[test]
    fn reasons_have_the_numbers_of_the_spec() {
        let spec = include_str!("../../../../docs/spec/segment.md");
        for why in Refused::ALL {
            let row = format!("| {} | `{}` |", why.code(), why.name());
            assert!(spec.contains(&row), "the page lacks {row}");
        }
    }
}
