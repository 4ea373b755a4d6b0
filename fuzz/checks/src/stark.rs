//! An honest proof, edited: whatever is not the honest proof is refused, and nothing panics.
//!
//! Raw bytes would hardly ever get beyond a proof's length. The proof itself is made once, by one thread, so that it is the
//! same each time and a finding can be seen again.

use std::sync::LazyLock;

use nonos_machine::{ExecutionStatement, Secret, Subject};
use nonos_verify::{
    Erased, Proof, ProofSystem, Prover as _, Proving, Public, Seed, Statement as _, Verifier as _,
    VerifyError,
};
use nonos_verify_stark::{Profile, Stark};

/// One change of a proof. Positions are taken modulo the proof's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Flips bits of a byte.
    Flip {
        /// Where.
        at: u32,
        /// Which.
        bits: u8,
    },
    /// Copies bytes from one place to another, as far as there are any.
    Copy {
        /// From where.
        from: u32,
        /// Where to.
        to: u32,
        /// How many.
        count: u8,
    },
    /// Cuts the proof.
    Cut {
        /// To how many bytes.
        to: u32,
    },
    /// Appends a byte some times.
    Extend {
        /// The byte.
        byte: u8,
        /// How many times.
        count: u8,
    },
}

/// Bytes of an edit.
const SIZE: usize = 8;
/// Most edits that are made.
const MOST: usize = 64;

impl Edit {
    /// The edit in eight bytes: kind, a small number, two positions of three bytes, little-endian.
    #[must_use]
    pub fn to_bytes(self) -> [u8; SIZE] {
        let (kind, small, first, second) = match self {
            Self::Flip { at, bits } => (0, bits, at, 0),
            Self::Copy { from, to, count } => (1, count, from, to),
            Self::Cut { to } => (2, 0, to, 0),
            Self::Extend { byte, count } => (3, count, u32::from(byte), 0),
        };
        let [a, b, c, _] = first.to_le_bytes();
        let [d, e, f, _] = second.to_le_bytes();
        [kind, small, a, b, c, d, e, f]
    }

    /// The edit that some bytes are: any bytes are one.
    #[must_use]
    pub fn from_bytes([kind, small, a, b, c, d, e, f]: [u8; SIZE]) -> Self {
        let (first, second) = (u32::from_le_bytes([a, b, c, 0]), u32::from_le_bytes([d, e, f, 0]));
        match kind % 4 {
            0 => Self::Flip {
                at: first,
                bits: small,
            },
            1 => Self::Copy {
                from: first,
                to: second,
                count: small,
            },
            2 => Self::Cut { to: first },
            _ => Self::Extend {
                byte: a,
                count: small,
            },
        }
    }

    fn apply(self, proof: &mut Vec<u8>) {
        let length = proof.len();
        if length == 0 {
            return;
        }
        let place = |at: u32| at as usize % length;
        match self {
            Self::Flip { at, bits } => proof[place(at)] ^= bits,
            Self::Copy { from, to, count } => {
                let (from, to) = (place(from), place(to));
                let count = usize::from(count).min(length - from.max(to));
                proof.copy_within(from..from + count, to);
            }
            Self::Cut { to } => proof.truncate(place(to)),
            Self::Extend { byte, count } => proof.resize(length + usize::from(count), byte),
        }
    }
}

struct Base {
    verifier: Erased<ExecutionStatement, Stark>,
    statement: ExecutionStatement,
    public: Public,
    proof: Proof,
}

static BASE: LazyLock<Base> = LazyLock::new(base);

fn base() -> Base {
    let wasm = include_bytes!("../../corpus/module/arithmetic");
    let subject = Subject::Module(wasm[..].into());
    let (record, tapes) = crate::run::run(&subject).expect("a module of the corpus");
    let statement = ExecutionStatement::new(subject, record, tapes).expect("the run's own record");
    let verifier = Erased::new(Stark::new(Profile::Small));
    let mut seeds = || Seed::new([7; 32]);
    let mut proving = Proving::new(&mut seeds);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let prove = || verifier.prove(&statement, &Secret::default(), &mut proving);
    let proof = one.expect("a thread").install(prove).expect("a true statement");
    Base {
        public: statement.public(),
        verifier,
        statement,
        proof,
    }
}

/// Checks one input: a list of edits.
pub fn check(bytes: &[u8]) {
    let base = &*BASE;
    let mut edited = base.proof.bytes.to_vec();
    for edit in bytes.as_chunks::<SIZE>().0.iter().take(MOST) {
        Edit::from_bytes(*edit).apply(&mut edited);
    }
    // Who makes up a proof says under which key it is, too.
    let key = base.verifier.backend().vk_digest(&base.statement, &edited);
    let honest = edited == base.proof.bytes[..];
    let verdict = base
        .verifier
        .verify(&base.public, &Proof::new(key.unwrap_or(base.proof.vk), edited));
    assert!(
        !matches!(verdict, Err(VerifyError::BackendPanicked { .. })),
        "the verifier panicked"
    );
    assert_eq!(verdict.is_ok(), honest, "{verdict:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_are_an_edit() {
        let edits = [
            Edit::Flip { at: 70_000, bits: 9 },
            Edit::Copy {
                from: 70_000,
                to: 3,
                count: 200,
            },
            Edit::Cut { to: 65_537 },
            Edit::Extend { byte: 1, count: 255 },
        ];
        for edit in edits {
            assert_eq!(Edit::from_bytes(edit.to_bytes()), edit);
        }
        let mut bytes = vec![1, 2, 3, 4];
        for edit in [
            Edit::Copy {
                from: 0,
                to: 2,
                count: 9,
            },
            Edit::Flip { at: 5, bits: 0xff },
            Edit::Cut { to: 3 },
            Edit::Extend { byte: 7, count: 2 },
        ] {
            edit.apply(&mut bytes);
        }
        assert_eq!(bytes, [1, 0xfd, 1, 7, 7]);
    }

    #[test]
    fn the_honest_proof_is_the_same_each_time() {
        assert_eq!(base().proof.bytes, BASE.proof.bytes);
    }
}
