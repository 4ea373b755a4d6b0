//! Proof bytes: a header that says the shape, then the parts of Plonky3's proof: `docs/circuits/stark.md`, "Proof bytes".

mod blank;
mod plan;
mod shape;
mod stream;
#[cfg(test)]
mod tests;
mod walk;

use nonos_verify::Refusal;
use p3_batch_stark::{BatchProof, StarkGenericConfig};

use crate::Profile;
use crate::chip::{Kind, kinds, place};
use crate::config::{Challenges, Plain};
use crate::layout::Shape;
use crate::proof::plan::Plan;
pub(crate) use crate::proof::shape::{Lengths, Table};
use crate::proof::stream::{DIGEST, PLACE, Reader, Writer, packed};
pub(crate) use crate::proof::walk::Opening;
use nonos_machine::air::Bus;
use nonos_machine::tables::{MAX_ROWS, STEP};

/// Most bytes of a proof.
pub(crate) const MAX_BYTES: usize = 4 << 20;

/// Version of the header.
const FORMAT: u8 = 4;

impl Shape {
    const ALL: [Self; 2] = [Self::Whole, Self::Segment];

    /// The byte in a header.
    fn code(self) -> u8 {
        match self {
            Self::Whole => 1,
            Self::Segment => 2,
        }
    }
}

/// What a proof says about its shape: nothing else about it is the prover's choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) profile: Profile,
    pub(crate) shape: Shape,
    /// Whether the proof hides the tables.
    pub(crate) hiding: bool,
    /// log2 of each table's height, in the order of [`kinds`]; `None` where it is left out.
    pub(crate) logs: Vec<Option<u8>>,
}

fn malformed<T>(part: &'static str) -> Result<T, Refusal> {
    Err(Refusal::MalformedProof { part })
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let logs = self.logs.iter().map(|log| log.unwrap_or(0));
        let choices = [
            FORMAT,
            self.profile.code(),
            self.shape.code(),
            u8::from(self.hiding),
        ];
        choices.into_iter().chain(logs).collect()
    }

    /// Reads the header; what follows it is returned as it is.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Refusal> {
        let kinds = kinds();
        if bytes.len() > MAX_BYTES {
            return malformed("length");
        }
        let Some((header, rest)) = bytes.split_at_checked(4 + kinds.len()) else {
            return malformed("header");
        };
        let Some(profile) = Profile::from_code(header[1]).filter(|_| header[0] == FORMAT) else {
            return malformed("format or profile");
        };
        let Some(shape) = Shape::ALL.into_iter().find(|shape| shape.code() == header[2]) else {
            return malformed("shape");
        };
        let hiding = match header[3] {
            0 => false,
            1 => true,
            _ => return malformed("hiding"),
        };
        let logs = header[4..]
            .iter()
            .map(|log| (*log != 0).then_some(*log))
            .collect();
        let header = Self {
            profile,
            shape,
            hiding,
            logs,
        };
        for (kind, log) in kinds.iter().zip(&header.logs) {
            header.check(*kind, *log)?;
        }
        let [bits, counting] = [Kind::Bits16, Kind::Count16].map(|kind| header.log(kind).is_some());
        if bits == counting {
            return malformed("table of 16-bit values");
        }
        Ok((header, rest))
    }

    fn check(&self, kind: Kind, log: Option<u8>) -> Result<(), Refusal> {
        let segment = self.shape == Shape::Segment;
        if matches!(kind, Kind::Leaf | Kind::Node) && !segment || kind == Kind::Machine(CELLS) && segment {
            return match log {
                None => Ok(()),
                Some(_) => malformed("a table of the other shape"),
            };
        }
        let required = match kind {
            Kind::Machine(t) => t == STEP || t == CELLS,
            Kind::Count8 | Kind::Received | Kind::Leaf | Kind::Node => true,
            Kind::Rows(bus) => bus != Bus::Count8,
            Kind::Bits16 | Kind::Count16 | Kind::And | Kind::Seal => false,
        };
        let Some(log) = log else {
            return if required {
                malformed("a table that is left out")
            } else {
                Ok(())
            };
        };
        let heights = self.profile.logs(self.hiding);
        let most = match kind {
            Kind::Machine(STEP) => MAX_ROWS.ilog2() as u8,
            Kind::Bits16 | Kind::And => 16,
            _ => *heights.end(),
        };
        let exactly = match kind {
            Kind::Count16 => Some(16),
            Kind::Count8 => Some(8),
            _ => None,
        };
        if !heights.contains(&log) || log > most || exactly.is_some_and(|exactly| exactly != log) {
            return malformed("height of a table");
        }
        Ok(())
    }

    pub(crate) fn log(&self, kind: Kind) -> Option<u8> {
        self.logs[place(kind)]
    }
}

/// Index of the machine's CELLS.
const CELLS: usize = 10;

/// Reads a proof that hides, which has salts and random rows besides: exactly the bytes that encoding it would give.
pub(crate) fn decode_hiding<C: StarkGenericConfig>(
    bytes: &[u8],
    header: &Header,
) -> Result<BatchProof<C>, Refusal> {
    let Ok(proof) = postcard::from_bytes::<BatchProof<C>>(bytes) else {
        return malformed("encoding");
    };
    if encode_hiding(&proof).is_none_or(|again| again != bytes) {
        return malformed("encoding (not canonical)");
    }
    // Of the committed tables, which a hiding proof doubles.
    let doubled = usize::from(header.hiding);
    let logs = header.logs.iter().flatten();
    let logs = logs.map(|log| usize::from(*log) + doubled);
    if !logs.eq(proof.degree_bits.iter().copied()) {
        return malformed("heights");
    }
    Ok(proof)
}

/// Writes a proof that hides.
pub(crate) fn encode_hiding<C: StarkGenericConfig>(proof: &BatchProof<C>) -> Option<Vec<u8>> {
    postcard::to_allocvec(proof).ok()
}

/// The bytes of one proof, taken apart by what follows from its places. Nothing else of it is read yet.
///
/// Proofs that stand one after another are taken apart one by one: each leaves the `rest`.
#[derive(Debug)]
pub(crate) struct Outline<'a> {
    plan: Plan<'a>,
    stream: Reader<'a>,
    /// What follows the proof.
    pub(crate) rest: &'a [u8],
}

impl<'a> Outline<'a> {
    /// Reads the queries' places, from which all lengths follow.
    pub(crate) fn read(bytes: &'a [u8], shape: &'a Lengths) -> Result<Self, Refusal> {
        let Some((places, rest)) = bytes.split_at_checked(PLACE * shape.queries) else {
            return malformed("length");
        };
        let (places, _) = places.as_chunks::<PLACE>();
        let places: Vec<usize> = places
            .iter()
            .map(|place| u32::from_le_bytes(*place) as usize)
            .collect();
        if places.iter().any(|place| place >> shape.log_height != 0) {
            return malformed("place of a query");
        }
        let plan = Plan::new(shape, places);
        let digests = rest.split_at_checked(plan.digests() * DIGEST);
        let split = digests.and_then(|(digests, rest)| {
            let (elements, rest) = rest.split_at_checked(packed(plan.elements()))?;
            Some((Reader::new(digests, elements), rest))
        });
        let Some((stream, rest)) = split else {
            return malformed("length");
        };
        Ok(Self { plan, stream, rest })
    }

    /// Reads the proof; `known` opens the tree that the verifier has at the given places of it.
    pub(crate) fn proof<E: Challenges>(
        mut self,
        known: impl FnOnce(&[usize]) -> Option<Opening>,
    ) -> Result<BatchProof<Plain<E>>, Refusal> {
        let Some(mut proof) = blank::proof(&self.plan, known) else {
            return malformed("shape");
        };
        walk::proof(&mut proof, &self.plan, &mut self.stream)?;
        self.stream.finish()?;
        Ok(proof)
    }
}

/// Reads one proof and nothing else. A proof has one encoding: each byte is part of a place, a digest or a field element
/// below the modulus, and there is one way to get from the proof to them.
pub(crate) fn decode<E: Challenges>(
    bytes: &[u8],
    shape: &Lengths,
    known: impl FnOnce(&[usize]) -> Option<Opening>,
) -> Result<BatchProof<Plain<E>>, Refusal> {
    let outline = Outline::read(bytes, shape)?;
    if !outline.rest.is_empty() {
        return malformed("length");
    }
    outline.proof(known)
}

/// Bytes of a proof whose queries are anywhere: how much they have in common hardly differs from one proof to another.
pub(crate) fn expected(shape: &Lengths) -> usize {
    let mut random = blake3::Hasher::new().finalize_xof();
    let mut place = || {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        u64::from_le_bytes(bytes) as usize & ((1 << shape.log_height) - 1)
    };
    let places: Vec<usize> = (0..shape.queries).map(|_| place()).collect();
    let plan = Plan::new(shape, places);
    PLACE * shape.queries + DIGEST * plan.digests() + packed(plan.elements())
}

/// Writes a proof of that shape.
pub(crate) fn encode<E: Challenges>(
    proof: &mut BatchProof<Plain<E>>,
    shape: &Lengths,
) -> Result<Vec<u8>, Refusal> {
    // Every table is in the first tree, so that none is taller.
    let main = proof.opening_proof.input_openings.first();
    let Some(opening) = main.filter(|opening| opening.opening_proof.places.len() == shape.queries) else {
        return malformed("number of queries");
    };
    let plan = Plan::new(shape, opening.opening_proof.places.clone());
    let mut stream = Writer::default();
    walk::proof(proof, &plan, &mut stream)?;
    let places = plan.places.iter().flat_map(|place| (*place as u32).to_le_bytes());
    Ok(places.chain(stream.finish()).collect())
}

#[cfg(test)]
mod header_tests {
    use super::*;
    use crate::config::MIN_LOG;

    fn header() -> Header {
        let kinds = kinds();
        let log = |kind: &Kind| match kind {
            Kind::Count16 | Kind::Leaf | Kind::Node => None,
            Kind::Count8 => Some(8),
            _ => Some(MIN_LOG),
        };
        Header {
            profile: Profile::Fast,
            shape: Shape::Whole,
            hiding: false,
            logs: kinds.iter().map(log).collect(),
        }
    }

    fn with(kind: Kind, log: Option<u8>) -> Header {
        let mut header = header();
        header.logs[place(kind)] = log;
        header
    }

    fn part(bytes: &[u8]) -> Option<&'static str> {
        match Header::decode(bytes) {
            Err(Refusal::MalformedProof { part }) => Some(part),
            Err(other) => panic!("{other:?}"),
            Ok(_) => None,
        }
    }

    #[test]
    fn a_header_is_read_back_and_what_follows_is_kept() {
        let bytes = [&header().encode()[..], b"rest"].concat();
        assert_eq!(Header::decode(&bytes), Ok((header(), &b"rest"[..])));
        assert_eq!(part(&with(Kind::And, None).encode()), None);
        assert_eq!(part(&with(Kind::Machine(STEP), Some(21)).encode()), None);
    }

    #[test]
    fn each_rule_of_the_header_stands_alone() {
        let left_out = "a table that is left out";
        let machine = [STEP, CELLS].map(Kind::Machine);
        let others = [
            Kind::Count8,
            Kind::Rows(Bus::Program),
            Kind::Rows(Bus::Tape),
            Kind::Received,
        ];
        for kind in machine.into_iter().chain(others) {
            assert_eq!(part(&with(kind, None).encode()), Some(left_out), "{kind:?}");
        }
        let height = [
            (Kind::Machine(STEP), 22),
            (Kind::Machine(CELLS), 23),
            (Kind::Machine(CELLS), 2),
            (Kind::Bits16, 17),
            (Kind::And, 17),
            (Kind::Count8, 7),
            (Kind::Count8, 9),
            (Kind::Received, 23),
        ];
        for (kind, log) in height {
            assert_eq!(
                part(&with(kind, Some(log)).encode()),
                Some("height of a table"),
                "{kind:?}"
            );
        }
        let forms = Some("table of 16-bit values");
        assert_eq!(part(&with(Kind::Bits16, None).encode()), forms);
        assert_eq!(part(&with(Kind::Count16, Some(16)).encode()), forms);
        assert_eq!(
            part(&with(Kind::Count16, Some(15)).encode()),
            Some("height of a table")
        );
        for (place, value) in [(0, 0), (0, 1), (1, 0), (1, 4)] {
            let mut bytes = header().encode();
            bytes[place] = value;
            assert_eq!(part(&bytes), Some("format or profile"));
        }
        let bytes = header().encode();
        assert_eq!(part(&bytes[..bytes.len() - 1]), Some("header"));
        assert_eq!(part(&vec![FORMAT; MAX_BYTES + 1]), Some("length"));
    }
}
