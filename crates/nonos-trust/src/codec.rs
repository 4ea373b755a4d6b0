//! The book's entries as bytes: canonical protobuf, as in `docs/spec/evidence.md`. They stay on this machine.

use nonos_store::{Key, Record};
use nonos_types::{ByteLen, Digest, NodeId, Tag, Timestamp, wire};

use crate::{
    Act, Block, Cause, Context, Deed, Point, Weight,
    score::Mass,
    standing::{Level, Peer, Tally},
};

const MAX: ByteLen = ByteLen::new(64 << 10);

#[derive(Clone, PartialEq, prost::Message)]
struct PeerProto {
    #[prost(message, repeated, tag = "1")]
    tallies: Vec<TallyProto>,
    #[prost(uint64, tag = "2")]
    latest: u64,
    #[prost(uint32, tag = "3")]
    level: u32,
    #[prost(uint64, optional, tag = "4")]
    probation: Option<u64>,
    #[prost(uint64, repeated, tag = "5")]
    probations: Vec<u64>,
    #[prost(message, optional, tag = "6")]
    block: Option<BlockProto>,
    #[prost(message, repeated, tag = "7")]
    acts: Vec<ActProto>,
    #[prost(uint64, tag = "8")]
    first_point: u64,
    #[prost(uint64, tag = "9")]
    next_point: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TallyProto {
    #[prost(uint64, tag = "1")]
    good: u64,
    #[prost(uint64, tag = "2")]
    bad: u64,
    #[prost(message, repeated, tag = "3")]
    good_mass: Vec<EpochProto>,
    #[prost(message, repeated, tag = "4")]
    bad_mass: Vec<EpochProto>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct EpochProto {
    #[prost(uint64, tag = "1")]
    epoch: u64,
    #[prost(uint64, tag = "2")]
    sum: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct BlockProto {
    #[prost(oneof = "BlockKind", tags = "1, 2, 3")]
    kind: Option<BlockKind>,
    /// Of the operator's, where it ends.
    #[prost(uint64, optional, tag = "4")]
    until: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum BlockKind {
    #[prost(bytes = "vec", tag = "1")]
    Evidence(Vec<u8>),
    #[prost(bool, tag = "2")]
    Operator(bool),
    #[prost(uint64, tag = "3")]
    Faults(u64),
}

#[derive(Clone, PartialEq, prost::Message)]
struct ActProto {
    #[prost(uint64, tag = "1")]
    at: u64,
    #[prost(bool, tag = "2")]
    block: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PointProto {
    #[prost(uint64, tag = "1")]
    at: u64,
    #[prost(uint32, tag = "2")]
    context: u32,
    #[prost(bool, tag = "3")]
    bad: bool,
    #[prost(uint32, tag = "4")]
    weight: u32,
    #[prost(bytes = "vec", tag = "5")]
    cause: Vec<u8>,
}

impl Record for Peer {
    fn to_record(&self) -> Vec<u8> {
        let epochs = |mass: &Mass| {
            mass.epochs
                .iter()
                .map(|&(epoch, sum)| EpochProto { epoch, sum })
                .collect()
        };
        let tally = |it: &Tally| TallyProto {
            good: it.good,
            bad: it.bad,
            good_mass: epochs(&it.good_mass),
            bad_mass: epochs(&it.bad_mass),
        };
        let block = |it: Block| BlockProto {
            kind: Some(match it {
                Block::Evidence(id) => BlockKind::Evidence(id.to_bytes().to_vec()),
                Block::Operator { .. } => BlockKind::Operator(true),
                Block::Faults { until } => BlockKind::Faults(until.get()),
            }),
            until: match it {
                Block::Operator { until } => until.map(Timestamp::get),
                _ => None,
            },
        };
        wire::encode(&PeerProto {
            tallies: self.tallies.iter().map(tally).collect(),
            latest: self.latest.get(),
            level: self.level as u32,
            probation: self.probation.map(Timestamp::get),
            probations: self.probations.iter().map(|it| it.get()).collect(),
            block: self.block.map(block),
            acts: self
                .acts
                .iter()
                .map(|&(at, act)| ActProto {
                    at: at.get(),
                    block: act == Act::Block,
                })
                .collect(),
            first_point: self.points.0,
            next_point: self.points.1,
        })
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        let it: PeerProto = wire::decode("peer", MAX, bytes).ok()?;
        let tallies: Option<Vec<_>> = it.tallies.iter().map(tally).collect();
        Some(Self {
            tallies: tallies?.try_into().ok()?,
            latest: Timestamp::new(it.latest),
            level: match it.level {
                0 => Level::New,
                1 => Level::Known,
                2 => Level::Trusted,
                _ => return None,
            },
            probation: it.probation.map(Timestamp::new),
            probations: it.probations.into_iter().map(Timestamp::new).collect(),
            block: match it.block {
                None => None,
                Some(it) => Some(match it.kind? {
                    BlockKind::Evidence(id) => Block::Evidence(digest(&id)?),
                    BlockKind::Operator(_) => Block::Operator {
                        until: it.until.map(Timestamp::new),
                    },
                    BlockKind::Faults(until) => Block::Faults {
                        until: Timestamp::new(until),
                    },
                }),
            },
            acts: it.acts.iter().map(act).collect(),
            points: (it.first_point <= it.next_point).then_some((it.first_point, it.next_point))?,
        })
    }
}

fn act(it: &ActProto) -> (Timestamp, Act) {
    let act = if it.block { Act::Block } else { Act::Unblock };
    (Timestamp::new(it.at), act)
}

fn tally(it: &TallyProto) -> Option<Tally> {
    let mass = |epochs: &[EpochProto]| {
        let epochs: Vec<_> = epochs.iter().map(|it| (it.epoch, it.sum)).collect();
        let ascending = epochs.is_sorted_by(|a, b| a.0 < b.0);
        (ascending && epochs.len() <= Mass::EPOCHS).then_some(Mass { epochs })
    };
    Some(Tally {
        good: it.good,
        bad: it.bad,
        good_mass: mass(&it.good_mass)?,
        bad_mass: mass(&it.bad_mass)?,
    })
}

impl Record for Point {
    fn to_record(&self) -> Vec<u8> {
        wire::encode(&PointProto {
            at: self.at.get(),
            context: self.context as u32,
            bad: self.deed == Deed::Bad,
            weight: self.weight.get(),
            cause: cause_to_bytes(&self.cause),
        })
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        let it: PointProto = wire::decode("point", MAX, bytes).ok()?;
        Some(Self {
            at: Timestamp::new(it.at),
            context: *Context::ALL.get(usize::try_from(it.context).ok()?)?,
            deed: if it.bad { Deed::Bad } else { Deed::Good },
            weight: Weight(it.weight),
            cause: cause_from_bytes(&it.cause)?,
        })
    }
}

/// Kind and digest.
fn cause_to_bytes(cause: &Cause) -> Vec<u8> {
    let (kind, digest) = match cause {
        Cause::Receipt(id) => (1, id.as_bytes()),
        Cause::Job(id) => (2, id.as_bytes()),
        Cause::Message(id) => (3, id.as_bytes()),
        Cause::Capsule(hash) => (4, hash.as_bytes()),
        Cause::Evidence(id) => (5, id.as_bytes()),
        Cause::Segment(id) => (7, id.as_bytes()),
        Cause::Challenge(id) => (9, id.as_bytes()),
    };
    [&[kind], &digest[..]].concat()
}

fn cause_from_bytes(bytes: &[u8]) -> Option<Cause> {
    let (kind, id) = bytes.split_first()?;
    Some(match kind {
        1 => Cause::Receipt(digest(id)?),
        2 => Cause::Job(digest(id)?),
        3 => Cause::Message(digest(id)?),
        4 => Cause::Capsule(digest(id)?),
        5 => Cause::Evidence(digest(id)?),
        7 => Cause::Segment(digest(id)?),
        9 => Cause::Challenge(digest(id)?),
        _ => return None,
    })
}

fn digest<T: Tag>(bytes: &[u8]) -> Option<Digest<T>> {
    bytes.try_into().ok().map(Digest::from_bytes)
}

/// A peer's point, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PointKey(pub(crate) NodeId, pub(crate) u64);

impl Key for PointKey {
    fn to_key(&self) -> Vec<u8> {
        [&self.0.as_bytes()[..], &self.1.to_be_bytes()].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (peer, number) = bytes.split_first_chunk()?;
        let number = u64::from_be_bytes(number.try_into().ok()?);
        Some(Self(NodeId::from_bytes(*peer), number))
    }
}

/// What counts once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeenKey(pub(crate) NodeId, pub(crate) Context, pub(crate) Cause);

impl Key for SeenKey {
    fn to_key(&self) -> Vec<u8> {
        let context = [self.1 as u8];
        [&self.0.as_bytes()[..], &context, &cause_to_bytes(&self.2)].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (peer, rest) = bytes.split_first_chunk()?;
        let (context, cause) = rest.split_first()?;
        let context = Context::ALL.get(usize::from(*context))?;
        Some(Self(
            NodeId::from_bytes(*peer),
            *context,
            cause_from_bytes(cause)?,
        ))
    }
}

/// Whom evidence convicts, and when it was brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) subject: NodeId,
    pub(crate) at: Timestamp,
}

impl Record for Case {
    fn to_record(&self) -> Vec<u8> {
        [&self.subject.as_bytes()[..], &self.at.get().to_be_bytes()].concat()
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        let (subject, at) = bytes.split_first_chunk()?;
        Some(Self {
            subject: NodeId::from_bytes(*subject),
            at: Timestamp::new(u64::from_be_bytes(at.try_into().ok()?)),
        })
    }
}
