//! The proof system's parameters, and its types put together.

use p3_blake3::Blake3;
use p3_challenger::SerializingChallenger32;
use p3_commit::ExtensionMmcs;
use p3_dft::Radix2DitParallel;
use p3_field::extension::{BinomialExtensionField, QuinticTrinomialExtensionField};
use p3_field::{ExtensionField, TwoAdicField};
use p3_fri::{FriParameters, HidingFriPcs, TwoAdicFriPcs};
use p3_koala_bear::KoalaBear;
use p3_merkle_tree::{MerkleTreeHidingMmcs, MerkleTreeMmcs};
use p3_symmetric::{CompressionFunctionFromHasher, SerializingHasher};
use p3_uni_stark::StarkConfig;
use rand_chacha::ChaCha20Rng;

use crate::drawn::Drawn;
use crate::hiding::Masks;
use crate::placed::Placed;

/// The field of the tables.
pub(crate) type Val = KoalaBear;
/// Fields of challenges: 123 and 154 bits.
pub(crate) type Quartic = BinomialExtensionField<Val, 4>;
pub(crate) type Quintic = QuinticTrinomialExtensionField<Val>;
type Leaves = SerializingHasher<Blake3>;
type Nodes = CompressionFunctionFromHasher<Blake3, 2, 32>;
/// Commitments to tables.
pub(crate) type PlainMmcs = Placed<MerkleTreeMmcs<Val, u8, Leaves, Nodes, 2, 32>>;
/// Commitments to foldings.
pub(crate) type FoldingMmcs<E> = ExtensionMmcs<Val, E, PlainMmcs>;
/// Every row of every matrix has a salt of four field elements.
type HidingMmcs = MerkleTreeHidingMmcs<Val, u8, Leaves, Nodes, ChaCha20Rng, 2, 32, 4>;
type Dft = Radix2DitParallel<Val>;
pub(crate) type Challenger = SerializingChallenger32<Val, Drawn>;
type PlainPcs<E> = TwoAdicFriPcs<Val, Dft, PlainMmcs, FoldingMmcs<E>>;
type HidingPcs<E> = HidingFriPcs<Val, Dft, HidingMmcs, ExtensionMmcs<Val, E, HidingMmcs>, ChaCha20Rng>;
/// What the published prover and verifier take, for proofs that hide nothing.
pub(crate) type Plain<E> = StarkConfig<PlainPcs<E>, E, Challenger>;
/// The same, for proofs that hide all but what the verifier computes.
pub(crate) type Hiding<E> = StarkConfig<HidingPcs<E>, E, Challenger>;

/// A field of challenges.
pub(crate) trait Challenges: ExtensionField<Val> + TwoAdicField {}

impl<E: ExtensionField<Val> + TwoAdicField> Challenges for E {}

/// log2 of the roots of a Merkle tree of a proof that hides nothing.
pub(crate) const LOG_CAP: usize = 0;
/// log2 of the most values that one folding takes together.
pub(crate) const LOG_ARITY: usize = 3;
/// log2 of the coefficients left after the last folding.
pub(crate) const LOG_FINAL: usize = 0;
/// Least log2 of a table's height: Merkle trees of hiding proofs are cut at 2^3 roots.
pub(crate) const MIN_LOG: u8 = 3;
/// The same where something is hidden: the random rows must outnumber what is opened of them, see `hiding.rs`.
pub(crate) const HIDING_MIN_LOG: u8 = 8;
/// Greatest log2 of a table's height; STEP's clock is sized for less than 2^22 rows.
pub(crate) const MAX_LOG: u8 = 22;
/// log2 of the largest domain that the field has.
const TWO_ADICITY: u8 = 24;

/// What commits to the tables of a proof that hides nothing.
pub(crate) fn commitments() -> PlainMmcs {
    Placed(MerkleTreeMmcs::new(
        Leaves::new(Blake3),
        Nodes::new(Blake3),
        LOG_CAP,
    ))
}

/// What a proof is optimised for. All have 100 bits or more by the random-words conjecture, `Fast` and `Small` about 60
/// proven: `docs/circuits/stark.md`, "Soundness".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// Proving time: blow-up 2.
    Fast,
    /// Proof size: blow-up 8, fewer queries; about three times the proving time.
    Small,
    /// Soundness: 128 bits by the conjecture, 100 proven.
    Strong,
}

/// The numbers behind a profile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    pub(crate) log_blowup: usize,
    pub(crate) queries: usize,
    /// Whether challenges are of degree 5, not 4.
    pub(crate) quintic: bool,
    /// Bits of work before: the queries, the combination of openings, each folding, the lookup challenges, the
    /// point out of the domain.
    pub(crate) work: [usize; 5],
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Small, Self::Strong];

    /// The byte in a proof's header.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Fast => 1,
            Self::Small => 2,
            Self::Strong => 3,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.code() == code)
    }

    pub(crate) fn parameters(self) -> Parameters {
        let (log_blowup, queries, quintic, work) = match self {
            Self::Fast => (1, 92, false, [16, 16, 6, 16, 6]),
            Self::Small => (3, 32, false, [16, 16, 6, 16, 6]),
            Self::Strong => (2, 100, true, [20, 20, 12, 16, 6]),
        };
        Parameters {
            log_blowup,
            queries,
            quintic,
            work,
        }
    }

    /// log2 of the least and of the greatest height of a table, which the field has a domain for: a hiding proof
    /// doubles the table, and its quotient takes a domain of four times that.
    pub(crate) fn logs(self, hiding: bool) -> std::ops::RangeInclusive<u8> {
        let blowup = self.parameters().log_blowup as u8;
        if hiding {
            HIDING_MIN_LOG..=TWO_ADICITY - 1 - blowup.max(2)
        } else {
            MIN_LOG..=MAX_LOG.min(TWO_ADICITY - blowup)
        }
    }

    /// Parameters as bytes, for digests.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let p = self.parameters();
        let numbers = [p.log_blowup, p.queries, p.degree()].into_iter().chain(p.work);
        [self.code()]
            .into_iter()
            .chain(numbers.map(|n| n as u8))
            .collect()
    }
}

/// A configuration that can be made from a profile, a transcript that has just begun, and randomness.
pub(crate) trait Build {
    fn build(profile: Profile, transcript: &Drawn, masks: &Masks) -> Self;
}

impl<E: Challenges> Build for Plain<E> {
    fn build(profile: Profile, transcript: &Drawn, _: &Masks) -> Self {
        let parameters = profile.parameters();
        let mmcs = commitments();
        let fri = parameters.fri(ExtensionMmcs::new(mmcs.clone()));
        parameters.config(PlainPcs::new(Dft::default(), mmcs, fri), transcript)
    }
}

impl<E: Challenges> Build for Hiding<E> {
    fn build(profile: Profile, transcript: &Drawn, masks: &Masks) -> Self {
        let parameters = profile.parameters();
        let mmcs = |stream| {
            HidingMmcs::new(
                Leaves::new(Blake3),
                Nodes::new(Blake3),
                usize::from(MIN_LOG),
                masks.stream(stream),
            )
        };
        let fri = parameters.fri(ExtensionMmcs::new(mmcs(1)));
        let pcs = HidingPcs::new(Dft::default(), mmcs(2), fri, parameters.degree(), masks.stream(3));
        parameters.config(pcs, transcript)
    }
}

impl Parameters {
    pub(crate) fn fri<M>(&self, mmcs: M) -> FriParameters<M> {
        FriParameters {
            log_blowup: self.log_blowup,
            log_final_poly_len: LOG_FINAL,
            max_log_arity: LOG_ARITY,
            num_queries: self.queries,
            query_proof_of_work_bits: self.work[0],
            batch_proof_of_work_bits: self.work[1],
            commit_proof_of_work_bits: self.work[2],
            mmcs,
        }
    }

    fn config<P: Clone, E: Clone>(&self, pcs: P, transcript: &Drawn) -> StarkConfig<P, E, Challenger> {
        let challenger = Challenger::new(transcript.clone());
        StarkConfig::new(pcs, challenger)
            .with_lookup_proof_of_work_bits(self.work[3])
            .with_ood_proof_of_work_bits(self.work[4])
    }

    /// Degree of the field of challenges.
    pub(crate) fn degree(&self) -> usize {
        if self.quintic { 5 } else { 4 }
    }
}

/// Does `$body` with `$Config` naming the configuration of a header.
macro_rules! with_config {
    ($header:expr, $Config:ident => $body:expr) => {{
        use $crate::config::{Hiding, Plain, Quartic, Quintic};
        match ($header.profile.parameters().quintic, $header.hiding) {
            (false, false) => {
                type $Config = Plain<Quartic>;
                $body
            }
            (false, true) => {
                type $Config = Hiding<Quartic>;
                $body
            }
            (true, false) => {
                type $Config = Plain<Quintic>;
                $body
            }
            (true, true) => {
                type $Config = Hiding<Quintic>;
                $body
            }
        }
    }};
}
pub(crate) use with_config;
