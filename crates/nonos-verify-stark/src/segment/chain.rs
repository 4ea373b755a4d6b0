//! The proof of a whole run that is made of segments.

use std::sync::Arc;

use nonos_machine::ExecutionStatement;
use nonos_verify::Refusal;

use super::{Boundary, SegmentStatement};
use crate::Profile;
use crate::proof::MAX_BYTES;

/// First byte of a proof made of segments; the other proofs begin with the version of their header.
const MARK: u8 = 0x80;
/// Version of the chain's encoding.
const FORMAT: u8 = 1;
/// Mark, format, profile, number of segments.
const HEAD: usize = 7;
/// Of a segment: where it ends, and the length of its proof.
const ENTRY: usize = Boundary::BYTES + 4;

/// The proofs of a run's segments, and where each ends. Where each begins follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain<'a> {
    pub(crate) profile: Profile,
    pub(crate) segments: Vec<(Boundary, &'a [u8])>,
}

fn malformed<T>(part: &'static str) -> Result<T, Refusal> {
    Err(Refusal::MalformedProof { part })
}

impl<'a> Chain<'a> {
    /// Most bytes.
    pub(crate) const MAX: usize = 64 << 20;

    /// Whether a proof says that it is one.
    pub(crate) fn is(proof: &[u8]) -> bool {
        proof.first() == Some(&MARK)
    }

    /// Head, then for each segment where it ends and how long its proof is, then the proofs.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![MARK, FORMAT, self.profile.code()];
        bytes.extend((self.segments.len() as u32).to_le_bytes());
        for (after, proof) in &self.segments {
            bytes.extend(after.to_bytes());
            bytes.extend((proof.len() as u32).to_le_bytes());
        }
        bytes.extend(self.segments.iter().flat_map(|(_, proof)| *proof));
        bytes
    }

    pub(crate) fn profile(bytes: &[u8]) -> Result<Profile, Refusal> {
        let known = bytes.get(2).and_then(|code| Profile::from_code(*code));
        match known {
            Some(profile) if bytes[..2] == [MARK, FORMAT] => Ok(profile),
            _ => malformed("format or profile"),
        }
    }

    /// Reads it; the proofs of the segments are not looked at.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let profile = Self::profile(bytes)?;
        if bytes.len() > Self::MAX {
            return malformed("length");
        }
        let Some((count, rest)) = bytes[3..].split_first_chunk() else {
            return malformed("number of segments");
        };
        let count = u32::from_le_bytes(*count);
        let (Ok(entries), true) = (usize::try_from(count), count <= SegmentStatement::MAX_COUNT) else {
            return malformed("number of segments");
        };
        let Some((entries, mut proofs)) = rest.split_at_checked(entries * ENTRY) else {
            return malformed("number of segments");
        };
        debug_assert_eq!(bytes.len(), HEAD + entries.len() + proofs.len());
        let mut segments = Vec::with_capacity(entries.len() / ENTRY);
        for entry in entries.as_chunks::<ENTRY>().0 {
            let (Some(after), Some(length)) = (entry.first_chunk(), entry.last_chunk()) else {
                return malformed("segment");
            };
            let Some(after) = Boundary::from_bytes(after) else {
                return malformed("boundary");
            };
            let length = u32::from_le_bytes(*length) as usize;
            let Some((proof, behind)) = proofs.split_at_checked(length).filter(|_| length <= MAX_BYTES)
            else {
                return malformed("length of a segment's proof");
            };
            segments.push((after, proof));
            proofs = behind;
        }
        if !proofs.is_empty() || segments.is_empty() {
            return malformed("length");
        }
        Ok(Self { profile, segments })
    }

    /// What each segment must prove so that together they prove the run.
    pub(crate) fn statements(&self, run: &ExecutionStatement) -> Result<Vec<SegmentStatement>, Refusal> {
        let run = Arc::new(run.clone());
        let count = self.segments.len() as u32;
        let mut before = Boundary::initial(run.program());
        let mut statements = Vec::with_capacity(self.segments.len());
        for (index, (after, _)) in (0..).zip(&self.segments) {
            let statement = SegmentStatement::following(run.clone(), index, count, [before, *after]);
            let Some(statement) = statement else {
                return malformed("boundaries");
            };
            statements.push(statement);
            before = *after;
        }
        Ok(statements)
    }
}
