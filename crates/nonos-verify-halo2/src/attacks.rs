//! Provers that cheat. Each drives the inside of the prover as an attacker would, and must be refused by the
//! real verifier.

mod mock;
mod seal;
mod sums;
mod tables;
mod transcript;

use std::sync::{Arc, LazyLock};

use ff::Field;
use halo2_proofs::plonk::create_proof;
use halo2_proofs::transcript::{Blake2bWrite, Challenge255};
use nonos_machine::air::{Bus, Col, Public};
use pasta_curves::{EqAffine, Fp};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::challenge::challenge;
use crate::circuit::{Filled, with_plan};
use crate::keys::Keys;
use crate::prover::{commit, fresh_seed, seal};
use crate::statement::Statement;
use crate::toy::{self, ACCESS, Access, CELL, Cell, Run};
use crate::trace::Trace;
use crate::verifier::Opening;
use crate::{Backend, Claim, Error, Layout, ParamsStore, Proof};

const CONTEXT: &[u8] = b"statement";

static BACKEND: LazyLock<Backend> =
    LazyLock::new(|| Backend::new(&toy::system(), ParamsStore::in_memory()).expect("the toy is sound"));

/// The same system with the range checks of moved limbs left out.
static UNCHECKED: LazyLock<Backend> = LazyLock::new(|| {
    let mut system = toy::system();
    system
        .tables
        .iter_mut()
        .for_each(|table| table.messages.retain(|m| !m.moved));
    Backend::new(&system, ParamsStore::in_memory()).expect("the toy is sound")
});

fn layout() -> Layout {
    Layout::new(8, vec![3, 1], 3)
}

/// An honest run and everything an attacker needs to bend it.
struct Bench {
    backend: &'static Backend,
    keys: Arc<Keys>,
    run: Run,
    public: Public,
    statement: Statement,
}

impl Bench {
    fn new() -> Self {
        let (run, public) = toy::run(40, 11);
        Self::of(run, public)
    }

    fn with(backend: &'static Backend) -> Self {
        let (run, public) = toy::run(40, 11);
        Self::on(backend, run, public)
    }

    fn of(run: Run, public: Public) -> Self {
        Self::on(&BACKEND, run, public)
    }

    fn on(backend: &'static Backend, run: Run, public: Public) -> Self {
        let keys = backend.keys(&layout()).expect("the layout fits");
        let statement = Statement::new(&keys.plan.compiled, &public).expect("the public data fits");
        Self {
            backend,
            keys,
            run,
            public,
            statement,
        }
    }

    fn trace(&self) -> Trace {
        Trace::new(&self.keys.plan, &self.run, &self.statement).expect("every lookup is answered")
    }

    fn challenge(&self, commitments: &[u8]) -> Fp {
        let plan = &self.keys.plan;
        challenge(
            &plan.layout,
            &self.keys.digest,
            CONTEXT,
            &self.statement.digest,
            commitments,
        )
    }

    /// Phase 1 as an honest prover would compute it, whatever it comes to.
    fn phase1(&self, trace: &Trace, alpha: Fp) -> (Vec<Vec<Fp>>, Fp) {
        let start = self.statement.start(alpha).expect("not a pole");
        let columns = trace
            .phase1(&self.keys.plan, &self.statement, alpha, start)
            .expect("not a pole");
        (columns, start)
    }

    /// A proof of a trace, with the challenge drawn as it should be and `bend` applied to all columns after.
    fn force(&self, trace: &Trace, bend: impl FnOnce(&mut Vec<Vec<Fp>>)) -> Proof {
        let seed = fresh_seed().expect("randomness");
        let alpha = self.challenge(&commit(&self.keys, trace, seed).expect("commits"));
        let (mut columns, start) = self.phase1(trace, alpha);
        bend(&mut columns);
        self.proof(columns, alpha, start, seed)
    }

    fn proof(&self, columns: Vec<Vec<Fp>>, alpha: Fp, start: Fp, seed: [u8; 32]) -> Proof {
        let instances = self.statement.instances(&self.keys.plan, alpha, start);
        let bytes = seal(&self.keys, columns, &instances, seed).expect("halo2 proves anything");
        Proof {
            layout: layout(),
            bytes,
        }
    }

    fn honest(&self) -> Proof {
        BACKEND
            .prove(&layout(), &self.run, &self.public, CONTEXT)
            .expect("an honest run")
    }

    fn verdict(&self, proof: &Proof) -> Result<(), Error> {
        self.backend.verify(proof, &self.public, CONTEXT).map(drop)
    }

    fn refuses(&self, proof: &Proof) {
        let verdict = self.verdict(proof);
        assert!(
            matches!(verdict, Err(Error::Rejected)),
            "expected a refusal, got {verdict:?}"
        );
    }

    /// Changes the multiplicity of row 1 of fixed column 0 so that, for this one challenge, the sum ends at 0.
    fn balance(&self, trace: &mut Trace, alpha: Fp) {
        let plan = &self.keys.plan;
        let (columns, _) = self.phase1(trace, alpha);
        let end = *columns[plan.sum()].last().expect("not empty");
        assert_ne!(end, Fp::ZERO, "there is something to balance");
        trace.columns[plan.multiplicity(0)][1] += end * (alpha + plan.compiled.fixed[1]);
        let (columns, _) = self.phase1(trace, alpha);
        assert_eq!(columns[plan.sum()].last(), Some(&Fp::ZERO));
    }

    /// A run whose memory is inconsistent, though no single row shows it: cell 2 ends with another value.
    fn false_trace(&self) -> Trace {
        let mut bent = self.run.clone();
        bent.changed.push((CELL, 2, Cell::LAST, 60));
        Trace::new(&self.keys.plan, &bent, &self.statement).expect("every lookup is answered")
    }

    /// Whether a verifier that takes the prover's word for the challenge accepts.
    fn gullible(&self, proof: &Proof, alpha: Fp) -> bool {
        Opening::with_challenge(self.keys.clone(), proof, &self.statement, alpha)
            .is_ok_and(|opening| opening.verify().is_ok())
    }
}
