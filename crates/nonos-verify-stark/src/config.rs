//! The proof system's parameters, and its types put together.

use p3_blake3::Blake3;
use p3_challenger::{HashChallenger, SerializingChallenger32};
use p3_commit::ExtensionMmcs;
use p3_dft::Radix2DitParallel;
use p3_field::extension::BinomialExtensionField;
use p3_fri::{FriParameters, TwoAdicFriPcs};
use p3_koala_bear::KoalaBear;
use p3_merkle_tree::MerkleTreeMmcs;
use p3_symmetric::{CompressionFunctionFromHasher, SerializingHasher};
use p3_uni_stark::StarkConfig;

use crate::placed::Placed;

/// The field of the tables.
pub(crate) type Val = KoalaBear;
/// The field of challenges.
pub(crate) type Challenge = BinomialExtensionField<Val, 4>;
type Leaves = SerializingHasher<Blake3>;
type Nodes = CompressionFunctionFromHasher<Blake3, 2, 32>;
/// Commitments to tables.
pub(crate) type ValMmcs = Placed<MerkleTreeMmcs<Val, u8, Leaves, Nodes, 2, 32>>;
/// Commitments to foldings.
pub(crate) type ChallengeMmcs = ExtensionMmcs<Val, Challenge, ValMmcs>;
pub(crate) type Challenger = SerializingChallenger32<Val, HashChallenger<u8, Blake3, 32>>;
type FriPcs = TwoAdicFriPcs<Val, Radix2DitParallel<Val>, ValMmcs, ChallengeMmcs>;
/// What the published prover and verifier take.
pub(crate) type Config = StarkConfig<FriPcs, Challenge, Challenger>;

/// log2 of the roots of a Merkle tree.
pub(crate) const LOG_CAP: usize = 0;
/// log2 of the most values that one folding takes together.
pub(crate) const LOG_ARITY: usize = 3;
/// log2 of the coefficients left after the last folding.
pub(crate) const LOG_FINAL: usize = 0;
/// Least log2 of a table's height: no Merkle tree is lower than its roots.
pub(crate) const MIN_LOG: u8 = 3;
/// Greatest log2 of a table's height; STEP's clock is sized for less than 2^22 rows.
pub(crate) const MAX_LOG: u8 = 22;

/// The scheme that commits to tables.
pub(crate) fn commitments() -> ValMmcs {
    Placed(MerkleTreeMmcs::new(
        Leaves::new(Blake3),
        Nodes::new(Blake3),
        LOG_CAP,
    ))
}

/// What a proof is optimised for. Both have 100 bits or more by the random-words
/// conjecture, and about 60 proven: `docs/circuits/stark.md`, "Soundness".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// Proving time: blow-up 2.
    Fast,
    /// Proof size: blow-up 8, fewer queries; about three times the proving time.
    Small,
}

/// The numbers behind a profile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    pub(crate) log_blowup: usize,
    pub(crate) queries: usize,
    /// log2 of the most parts that a low table's quotient has: more parts let a column of sums take more messages
    /// together. Tables of more than an eighth of the tallest one's height have two at most: they cost the time.
    pub(crate) log_chunks: usize,
    /// Bits of work before: the queries, the combination of openings, each folding, the lookup challenges, the
    /// point out of the domain.
    pub(crate) work: [usize; 5],
}

impl Parameters {
    /// The greatest degree of a rule about sums in a table `2^log` rows high.
    pub(crate) fn degree(self, log: usize, tallest: usize) -> usize {
        let low = log + 3 <= tallest;
        (1 << if low { self.log_chunks } else { 1 }) + 1
    }
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 2] = [Self::Fast, Self::Small];

    /// The byte in a proof's header.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Fast => 1,
            Self::Small => 2,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.code() == code)
    }

    pub(crate) fn parameters(self) -> Parameters {
        let (log_blowup, queries, log_chunks) = match self {
            Self::Fast => (1, 88, 1),
            Self::Small => (3, 29, 2),
        };
        Parameters {
            log_blowup,
            queries,
            log_chunks,
            work: [16, 16, 6, 16, 6],
        }
    }

    /// Parameters as bytes, for digests.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let p = self.parameters();
        let numbers = [p.log_blowup, p.queries, p.log_chunks].into_iter().chain(p.work);
        [self.code()]
            .into_iter()
            .chain(numbers.map(|n| n as u8))
            .collect()
    }

    /// The configuration whose transcript begins with `seed`.
    pub(crate) fn config(self, seed: &[u8; 32]) -> Config {
        let Parameters {
            log_blowup,
            queries,
            work,
            ..
        } = self.parameters();
        let mmcs = commitments();
        let fri = FriParameters {
            log_blowup,
            log_final_poly_len: LOG_FINAL,
            max_log_arity: LOG_ARITY,
            num_queries: queries,
            query_proof_of_work_bits: work[0],
            batch_proof_of_work_bits: work[1],
            commit_proof_of_work_bits: work[2],
            mmcs: ChallengeMmcs::new(mmcs.clone()),
        };
        let pcs = FriPcs::new(Radix2DitParallel::default(), mmcs, fri);
        let challenger = Challenger::from_hasher(seed.to_vec(), Blake3);
        Config::new(pcs, challenger)
            .with_lookup_proof_of_work_bits(work[3])
            .with_ood_proof_of_work_bits(work[4])
    }
}
