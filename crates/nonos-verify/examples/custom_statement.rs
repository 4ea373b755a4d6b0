//! A statement and a proof system of one's own: Schnorr's proof of knowledge of a discrete logarithm, judged by the suite.
//! A proof system for runs of capsules is `examples/custom_backend.rs`, at the top of the repository.
//!
//! `cargo run -p nonos-verify --example custom_statement`

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT as G;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use nonos_types::{ByteLen, VkDigest};
use nonos_verify::testing::Suite;
use nonos_verify::{
    BackendId, Erased, LastChallenge, Malformed, Progress, ProofSystem, ProveError, Prover, Proving, Public,
    Refusal, Seed, Statement, StatementId, Verifier, Violation,
};

/// "I know the secret of `key`", said for one occasion.
struct KnowsSecret {
    key: RistrettoPoint,
    occasion: u64,
}

impl Statement for KnowsSecret {
    const ID: StatementId = StatementId::new("example/knows-secret/v1");
    const MAX_PUBLIC: ByteLen = ByteLen::new(40);

    type Witness = Scalar;

    fn bytes(&self) -> Vec<u8> {
        [&self.key.compress().to_bytes()[..], &self.occasion.to_le_bytes()].concat()
    }

    fn decode(public: &Public) -> Result<Self, Malformed> {
        let (key, rest) = public
            .statement()
            .split_first_chunk::<32>()
            .ok_or(Malformed { part: "key" })?;
        let key = CompressedRistretto(*key)
            .decompress()
            .ok_or(Malformed { part: "key" })?;
        let occasion = rest
            .try_into()
            .map_err(|_length| Malformed { part: "occasion" })?;
        Ok(Self {
            key,
            occasion: u64::from_le_bytes(occasion),
        })
    }

    fn check(&self, secret: &Scalar) -> Result<(), Violation> {
        if G * secret == self.key {
            Ok(())
        } else {
            Err(Violation {
                clause: "secret · G = key",
            })
        }
    }
}

struct Schnorr;

fn scalar(domain: &str, parts: &[&[u8]]) -> Scalar {
    let mut hasher = blake3::Hasher::new_derive_key(domain);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let mut wide = [0; 64];
    hasher.finalize_xof().fill(&mut wide);
    Scalar::from_bytes_mod_order_wide(&wide)
}

/// The challenge comes after everything that it must bind: the statement and the commitment.
fn challenge(statement: &KnowsSecret, commitment: &[u8]) -> Scalar {
    scalar(
        "nonos-verify example schnorr challenge v1",
        &[&statement.bytes(), commitment],
    )
}

impl ProofSystem<KnowsSecret> for Schnorr {
    fn id(&self) -> BackendId {
        BackendId::new("example/schnorr/v1")
    }

    fn max_proof_len(&self) -> ByteLen {
        ByteLen::new(64)
    }

    /// The key is the group and its generator: the same for every proof.
    fn vk_digest(&self, _: &KnowsSecret, _: &[u8]) -> Result<VkDigest, Refusal> {
        Ok(VkDigest::hash(&[b"ristretto255", G.compress().as_bytes()]))
    }

    fn prove(
        &self,
        statement: &KnowsSecret,
        secret: &Scalar,
        proving: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        let seed = proving.seed().into_bytes();
        // Two proofs with one nonce and two challenges would give the secret away: hence one seed per attempt.
        let nonce = scalar(
            "nonos-verify example schnorr nonce v1",
            &[&seed, &statement.bytes()],
        );
        let commitment = (G * nonce).compress().to_bytes();
        proving.report(Progress::new("commit", 1, 2));
        let response = nonce + challenge(statement, &commitment) * secret;
        proving.report(Progress::new("respond", 2, 2));
        Ok([commitment, response.to_bytes()].concat())
    }

    /// The last challenge is the only one: what is hashed besides is the response.
    fn verify(&self, statement: &KnowsSecret, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        let proof: &[u8; 64] = proof
            .try_into()
            .map_err(|_| Refusal::MalformedProof { part: "length" })?;
        let (commitment, response) = proof.split_at(32);
        let point = CompressedRistretto::from_slice(commitment)
            .ok()
            .and_then(|point| point.decompress());
        let point = point.ok_or(Refusal::MalformedProof { part: "commitment" })?;
        let canonical = response
            .try_into()
            .ok()
            .and_then(|bytes| Scalar::from_canonical_bytes(bytes).into());
        let response: Scalar = canonical.ok_or(Refusal::MalformedProof { part: "response" })?;
        let challenge = challenge(statement, commitment);
        if G * response == point + statement.key * challenge {
            Ok(LastChallenge::of(
                &[challenge.to_bytes(), response.to_bytes()].concat(),
            ))
        } else {
            Err(Refusal::Rejected { check: "response" })
        }
    }
}

fn statement(secret: Scalar, occasion: u64) -> (KnowsSecret, Scalar) {
    (
        KnowsSecret {
            key: G * secret,
            occasion,
        },
        secret,
    )
}

#[expect(clippy::print_stdout, reason = "an example speaks")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = Scalar::from(0x5eed_u64);
    let (claim, witness) = statement(secret, 1);

    // A program takes these bytes from the system's generator, anew at each call.
    let mut seeds = || Seed::new([7; 32]);
    let mut show = |progress: Progress| println!("{}: {}/{}", progress.stage, progress.done, progress.total);
    let backend = Erased::new(Schnorr);
    let mut proving = Proving::new(&mut seeds).on_progress(&mut show);
    let proof = backend.prove(&claim, &witness, &mut proving)?;
    backend.verify(&claim.public(), &proof)?;
    println!("{proof:?} verifies");

    let report = Suite::new(statement(secret, 1), statement(Scalar::from(77_u64), 1))
        .tampered("key", &statement(Scalar::from(78_u64), 1).0)
        .tampered("occasion", &statement(secret, 2).0)
        .run(Schnorr);
    report.assert_clean();
    println!("{} cases of the conformance suite pass", report.cases);
    Ok(())
}

#[test]
fn the_example_runs() {
    main().expect("the example");
}
