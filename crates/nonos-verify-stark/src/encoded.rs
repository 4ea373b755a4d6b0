//! How each kind of proof is written.

use nonos_verify::Refusal;
use p3_air::symbolic::SymbolicExpressionExt;
use p3_batch_stark::{BatchProof, ProverData};
use p3_commit::Mmcs;
use p3_field::Algebra;
use p3_uni_stark::StarkGenericConfig;

use crate::config::{Build, Challenges, Hiding, Plain, Val, commitments};
use crate::drawn::Drawn;
use crate::hiding::Masks;
use crate::proof::{self, Header, Lengths, Opening};
use crate::stark::Session;

/// A configuration whose proofs can be written and read. What a proof consists of follows from the session, its header
/// and the tables that the verifier writes.
pub(crate) trait Encoded: Build + StarkGenericConfig {
    /// Writes a proof.
    fn encode(
        proof: &mut BatchProof<Self>,
        session: &Session,
        header: &Header,
        data: &ProverData<Self>,
    ) -> Result<Vec<u8>, Refusal>;

    /// Reads a proof and nothing else; there is one encoding of it.
    fn decode(
        bytes: &[u8],
        session: &Session,
        header: &Header,
        data: &ProverData<Self>,
    ) -> Result<BatchProof<Self>, Refusal>;
}

pub(crate) fn lengths<E: Challenges>(
    session: &Session,
    header: &Header,
    data: &ProverData<Plain<E>>,
) -> Lengths
where
    SymbolicExpressionExt<Val, E>: Algebra<E>,
{
    let config = Plain::<E>::build(header.profile, &Drawn::new(&session.transcript), &Masks::PUBLIC);
    let parameters = header.profile.parameters();
    Lengths::new(
        parameters,
        &config,
        &session.chips,
        &session.logs,
        &data.common.lookups,
    )
}

/// Opens the tree of the tables that the verifier writes.
pub(crate) fn known<E: Challenges>(data: &ProverData<Plain<E>>, places: &[usize]) -> Option<Opening> {
    let tree = data.prover_only.preprocessed_prover_data.as_ref()?;
    let (opened_values, opening_proof) = commitments().open_multi_batch(places, tree);
    Some(Opening {
        opened_values,
        opening_proof,
    })
}

impl<E: Challenges> Encoded for Plain<E>
where
    SymbolicExpressionExt<Val, E>: Algebra<E>,
{
    fn encode(
        proof: &mut BatchProof<Self>,
        session: &Session,
        header: &Header,
        data: &ProverData<Self>,
    ) -> Result<Vec<u8>, Refusal> {
        proof::encode(proof, &lengths(session, header, data))
    }

    fn decode(
        bytes: &[u8],
        session: &Session,
        header: &Header,
        data: &ProverData<Self>,
    ) -> Result<BatchProof<Self>, Refusal> {
        let lengths = lengths(session, header, data);
        proof::decode(bytes, &lengths, |places| known(data, places))
    }
}

impl<E: Challenges> Encoded for Hiding<E> {
    fn encode(
        proof: &mut BatchProof<Self>,
        _: &Session,
        _: &Header,
        _: &ProverData<Self>,
    ) -> Result<Vec<u8>, Refusal> {
        proof::encode_hiding(proof).ok_or(Refusal::MalformedProof { part: "encoding" })
    }

    fn decode(
        bytes: &[u8],
        _: &Session,
        header: &Header,
        _: &ProverData<Self>,
    ) -> Result<BatchProof<Self>, Refusal> {
        proof::decode_hiding(bytes, header)
    }
}

/// The tables that the verifier writes, for tests that take a proof apart.
#[cfg(test)]
pub(crate) fn public_data(
    session: &Session,
    header: &Header,
) -> Option<ProverData<Plain<crate::config::Quartic>>> {
    let config = Plain::build(header.profile, &Drawn::new(&session.transcript), &Masks::PUBLIC);
    ProverData::from_airs_and_degrees(&config, &session.chips, &session.logs).ok()
}
