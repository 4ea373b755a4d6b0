//! Proof bytes: a header that says the shape, then Plonky3's proof.

use nonos_verify::Refusal;
use p3_batch_stark::BatchProof;

use crate::Profile;
use crate::chip::{Kind, kinds};
use crate::config::{Config, MAX_LOG, MIN_LOG};
use nonos_machine::air::Bus;
use nonos_machine::tables::{MAX_ROWS, STEP};

/// Most bytes of a proof.
pub(crate) const MAX_BYTES: usize = 4 << 20;

/// Version of the header.
const FORMAT: u8 = 1;

/// What a proof says about its shape: nothing else about it is the prover's choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) profile: Profile,
    /// log2 of each table's height, in the order of [`kinds`]; `None` where it is left out.
    pub(crate) logs: Vec<Option<u8>>,
}

fn malformed<T>(part: &'static str) -> Result<T, Refusal> {
    Err(Refusal::MalformedProof { part })
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let logs = self.logs.iter().map(|log| log.unwrap_or(0));
        [FORMAT, self.profile.code()].into_iter().chain(logs).collect()
    }

    /// Reads the header; what follows it is returned as it is.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Refusal> {
        let kinds = kinds();
        if bytes.len() > MAX_BYTES {
            return malformed("length");
        }
        let Some((header, rest)) = bytes.split_at_checked(2 + kinds.len()) else {
            return malformed("header");
        };
        let Some(profile) = Profile::from_code(header[1]).filter(|_| header[0] == FORMAT) else {
            return malformed("format or profile");
        };
        let logs = header[2..]
            .iter()
            .map(|log| (*log != 0).then_some(*log))
            .collect();
        let header = Self { profile, logs };
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
        let required = match kind {
            Kind::Machine(t) => t == STEP || t == CELLS,
            Kind::Received => true,
            Kind::Rows(bus) => bus != Bus::Count8,
            Kind::Bits16 | Kind::Count16 | Kind::And => false,
        };
        let Some(log) = log else {
            return if required {
                malformed("a table that is left out")
            } else {
                Ok(())
            };
        };
        let most = match kind {
            Kind::Machine(STEP) => MAX_ROWS.ilog2() as u8,
            Kind::Bits16 | Kind::And => 16,
            _ => MAX_LOG,
        };
        let exactly = match kind {
            Kind::Count16 => Some(16),
            _ => None,
        };
        if !(MIN_LOG..=most).contains(&log) || exactly.is_some_and(|exactly| exactly != log) {
            return malformed("height of a table");
        }
        Ok(())
    }

    pub(crate) fn log(&self, kind: Kind) -> Option<u8> {
        let place = kinds().iter().position(|known| *known == kind)?;
        self.logs[place]
    }
}

/// Index of the machine's CELLS.
const CELLS: usize = 10;

/// Reads Plonky3's proof: exactly the bytes that its encoding would give.
pub(crate) fn decode(bytes: &[u8], header: &Header) -> Result<BatchProof<Config>, Refusal> {
    let Ok(proof) = postcard::from_bytes::<BatchProof<Config>>(bytes) else {
        return malformed("encoding");
    };
    if encode(&proof).is_none_or(|again| again != bytes) {
        return malformed("encoding (not canonical)");
    }
    let logs = header.logs.iter().flatten().map(|log| usize::from(*log));
    if !logs.eq(proof.degree_bits.iter().copied()) {
        return malformed("heights");
    }
    Ok(proof)
}

pub(crate) fn encode(proof: &BatchProof<Config>) -> Option<Vec<u8>> {
    postcard::to_allocvec(proof).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        let kinds = kinds();
        let log = |kind: &Kind| match kind {
            Kind::Count16 => None,
            _ => Some(MIN_LOG),
        };
        Header {
            profile: Profile::Fast,
            logs: kinds.iter().map(log).collect(),
        }
    }

    fn with(kind: Kind, log: Option<u8>) -> Header {
        let mut header = header();
        let place = kinds().iter().position(|known| *known == kind).expect("a kind");
        header.logs[place] = log;
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
        let others = [Kind::Rows(Bus::Program), Kind::Rows(Bus::Tape), Kind::Received];
        for kind in machine.into_iter().chain(others) {
            assert_eq!(part(&with(kind, None).encode()), Some(left_out), "{kind:?}");
        }
        let height = [
            (Kind::Machine(STEP), 22),
            (Kind::Machine(CELLS), 23),
            (Kind::Machine(CELLS), 2),
            (Kind::Bits16, 17),
            (Kind::And, 17),
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
        for (place, value) in [(0, 0), (0, 2), (1, 0), (1, 3)] {
            let mut bytes = header().encode();
            bytes[place] = value;
            assert_eq!(part(&bytes), Some("format or profile"));
        }
        let bytes = header().encode();
        assert_eq!(part(&bytes[..bytes.len() - 1]), Some("header"));
        assert_eq!(part(&vec![1; MAX_BYTES + 1]), Some("length"));
    }
}
