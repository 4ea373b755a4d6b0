//! Provers that cheat. Each drives the inside of the prover as an attacker would, and must be refused by the
//! real verifier.

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
        self.backend.verify(proof, &self.public, CONTEXT)
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

#[test]
fn accepts_an_honest_run_and_predicts_the_proof_length() {
    let bench = Bench::new();
    let proof = bench.honest();
    assert_eq!(proof.bytes.len(), bench.keys.plan.proof_len());
    bench.verdict(&proof).expect("honest");
    let decoded = Proof::decode(&proof.encode()).expect("decodes");
    assert_eq!(decoded, proof);
    // The forging tool itself makes good proofs of good traces; so what it is refused for is the forgery.
    bench
        .verdict(&bench.force(&bench.trace(), |_| ()))
        .expect("honest");
}

#[test]
fn refuses_a_challenge_chosen_before_the_trace() {
    let bench = Bench::new();
    let alpha = Fp::from(0x1234_5678);
    let mut trace = bench.false_trace();
    bench.balance(&mut trace, alpha);
    let (columns, start) = bench.phase1(&trace, alpha);
    let proof = bench.proof(columns, alpha, start, fresh_seed().expect("randomness"));
    assert!(
        bench.gullible(&proof, alpha),
        "the forgery is good but for the challenge"
    );
    bench.refuses(&proof);
}

#[test]
fn refuses_phase_0_changed_after_the_challenge() {
    let bench = Bench::new();
    let seed = fresh_seed().expect("randomness");
    let alpha = bench.challenge(&commit(&bench.keys, &bench.trace(), seed).expect("commits"));
    let mut trace = bench.false_trace();
    bench.balance(&mut trace, alpha);
    let (columns, start) = bench.phase1(&trace, alpha);
    let proof = bench.proof(columns, alpha, start, seed);
    assert!(
        bench.gullible(&proof, alpha),
        "the forgery is good but for the challenge"
    );
    bench.refuses(&proof);
}

#[test]
fn refuses_the_challenge_of_another_statement() {
    let bench = Bench::new();
    let proof = bench.honest();
    let other = BACKEND.verify(&proof, &bench.public, b"another statement");
    assert!(matches!(other, Err(Error::Rejected)), "{other:?}");
    let mut public = bench.public.clone();
    public.lookups.push((Bus::Program, vec![50, 1, 0]));
    let verdict = BACKEND.verify(&proof, &public, CONTEXT);
    assert!(matches!(verdict, Err(Error::Rejected)), "{verdict:?}");
}

#[test]
fn binds_every_input_of_the_challenge() {
    let (layout, key, statement) = (layout(), [1; 32], [2; 32]);
    let base = challenge(&layout, &key, b"context", &statement, &[3; 64]);
    let other_layout = Layout::new(9, vec![3, 1], 3);
    for (name, other) in [
        (
            "layout",
            challenge(&other_layout, &key, b"context", &statement, &[3; 64]),
        ),
        (
            "key",
            challenge(&layout, &[9; 32], b"context", &statement, &[3; 64]),
        ),
        (
            "context",
            challenge(&layout, &key, b"contexu", &statement, &[3; 64]),
        ),
        (
            "statement",
            challenge(&layout, &key, b"context", &[9; 32], &[3; 64]),
        ),
        (
            "commitments",
            challenge(&layout, &key, b"context", &statement, &[4; 64]),
        ),
        (
            "boundary",
            challenge(&layout, &key, b"contex", &statement, &[3; 64]),
        ),
    ] {
        assert_ne!(base, other, "{name}");
    }
}

#[test]
fn refuses_commitments_in_another_order() {
    let bench = Bench::new();
    let mut proof = bench.honest();
    let (first, second) = proof.bytes.split_at_mut(32);
    first.swap_with_slice(&mut second[..32]);
    bench.refuses(&proof);
}

#[test]
fn refuses_proofs_of_two_circuits_and_of_none() {
    let bench = Bench::new();
    let trace = bench.trace();
    let seed = fresh_seed().expect("randomness");
    let alpha = bench.challenge(&commit(&bench.keys, &trace, seed).expect("commits"));
    let (columns, start) = bench.phase1(&trace, alpha);
    let instances = bench.statement.instances(&bench.keys.plan, alpha, start);
    let instances: Vec<&[Fp]> = instances.iter().map(Vec::as_slice).collect();
    let circuit = Filled {
        plan: bench.keys.plan.clone(),
        columns: Some(Arc::new(columns)),
    };
    for count in [0, 2] {
        let mut transcript = Blake2bWrite::<_, EqAffine, Challenge255<_>>::init(vec![]);
        let circuits = vec![circuit.clone(); count];
        let all: Vec<&[&[Fp]]> = vec![&instances[..]; count];
        let rng = ChaCha20Rng::from_seed(fresh_seed().expect("randomness"));
        let key = bench.keys.proving().expect("a key");
        with_plan(&bench.keys.plan, || {
            create_proof(&bench.keys.params, key, &circuits, &all, rng, &mut transcript)
        })
        .expect("halo2 proves any number");
        let mut proof = Proof {
            layout: layout(),
            bytes: transcript.finalize(),
        };
        assert!(
            matches!(bench.verdict(&proof), Err(Error::Malformed { part: "length" })),
            "{count} circuits"
        );
        proof.bytes.resize(bench.keys.plan.proof_len(), 0);
        bench.refuses(&proof);
    }
}

#[test]
fn refuses_trailing_bytes_and_truncation() {
    let bench = Bench::new();
    let proof = bench.honest();
    let mut longer = proof.clone();
    longer.bytes.push(0);
    let mut shorter = proof.clone();
    shorter.bytes.pop();
    let empty = Proof {
        layout: layout(),
        bytes: vec![],
    };
    for bad in [longer, shorter, empty] {
        assert!(matches!(
            bench.verdict(&bad),
            Err(Error::Malformed { part: "length" })
        ));
    }
    let bytes = proof.encode();
    let header = bytes.len() - proof.bytes.len();
    for end in 0..header {
        assert!(
            matches!(Proof::decode(&bytes[..end]), Err(Error::Malformed { .. })),
            "{end} bytes"
        );
    }
}

#[test]
fn refuses_a_change_of_any_word() {
    let bench = Bench::new();
    let proof = bench.honest();
    for word in 0..proof.bytes.len() / 32 {
        let mut bad = proof.clone();
        bad.bytes[32 * word + 3] ^= 1;
        assert!(matches!(bench.verdict(&bad), Err(Error::Rejected)), "word {word}");
    }
}

#[test]
fn refuses_a_sum_that_starts_ends_or_steps_wrongly() {
    let bench = Bench::new();
    let sum = bench.keys.plan.sum();
    let usable = bench.keys.plan.usable;
    // A false trace, with the sum shifted so that it ends at zero but starts elsewhere.
    let trace = bench.false_trace();
    bench.refuses(&bench.force(&trace, |columns| {
        let end = columns[sum][usable];
        columns[sum].iter_mut().for_each(|v| *v -= end);
    }));
    // It ends elsewhere.
    bench.refuses(&bench.force(&trace, |_| ()));
    // It jumps to zero on the last step, or on one in the middle.
    bench.refuses(&bench.force(&trace, |columns| columns[sum][usable] = Fp::ZERO));
    bench.refuses(&bench.force(&trace, |columns| {
        let end = columns[sum][usable];
        columns[sum][usable / 2..].iter_mut().for_each(|v| *v -= end);
    }));
}

#[test]
fn refuses_a_wrong_helper_and_a_wandering_challenge() {
    let bench = Bench::new();
    let plan = bench.keys.plan.clone();
    let trace = bench.false_trace();
    bench.refuses(&bench.force(&trace, |columns| {
        // Absorb the difference in a helper of the last table row.
        let end = columns[plan.sum()][plan.usable];
        columns[plan.helper(0)][plan.usable - 1] -= end;
        columns[plan.sum()][plan.usable] = Fp::ZERO;
    }));
    bench.refuses(&bench.force(&bench.trace(), |columns| columns[plan.alpha()][17] += Fp::ONE));
    bench.refuses(&bench.force(&bench.trace(), |columns| columns[plan.alpha()].fill(Fp::from(5))));
}

#[test]
fn refuses_helpers_on_the_row_after_the_tables() {
    let bench = Bench::new();
    let plan = bench.keys.plan.clone();
    bench.refuses(&bench.force(&bench.false_trace(), |columns| {
        // The end row is outside the sum: what is put there cannot balance it.
        let end = columns[plan.sum()][plan.usable];
        columns[plan.helper(0)].push(-end);
    }));
}

#[test]
fn proves_tables_that_are_full_one_short_and_nearly_empty() {
    let capacity = layout().capacity(ACCESS);
    for steps in [capacity, capacity - 1, 1] {
        let (run, public) = toy::run(steps, 11);
        let bench = Bench::of(run, public);
        bench.verdict(&bench.honest()).expect("honest");
    }
    // The other table is left out altogether: no accesses, no cells.
    let (run, mut public) = toy::run(0, 0);
    public.first = vec![0, 0];
    let empty = Layout::new(8, vec![1, 0], 0);
    let proof = BACKEND
        .prove(&empty, &run, &public, CONTEXT)
        .expect("an empty run");
    BACKEND.verify(&proof, &public, CONTEXT).expect("honest");
}

#[test]
fn refuses_to_leave_out_a_table_with_something_to_hold() {
    let (run, public) = toy::run(0, 0);
    let without = Layout::new(8, vec![0, 1], 0);
    let made = BACKEND.prove(&without, &run, &public, CONTEXT);
    assert!(matches!(made, Err(Error::Layout { .. })), "{made:?}");
}

#[test]
fn refuses_other_public_values_of_the_first_and_last_row() {
    let bench = Bench::new();
    let change: [fn(&mut Public); 3] = [|p| p.first[0] += 1, |p| p.first[1] += 1, |p| p.last[0] += 1];
    for (i, change) in change.into_iter().enumerate() {
        let mut public = bench.public.clone();
        change(&mut public);
        let lying = Bench::of(bench.run.clone(), public);
        let proof = lying.force(&lying.trace(), |_| ());
        assert!(matches!(lying.verdict(&proof), Err(Error::Rejected)), "value {i}");
    }
    // 2^16 more in the lower value and one less in the upper one would pack to the same element.
    let mut wide = bench.public.clone();
    wide.first[0] += 1 << 16;
    assert!(matches!(
        BACKEND.verify(&bench.honest(), &wide, CONTEXT),
        Err(Error::PublicValue { .. })
    ));
}

#[test]
fn refuses_missing_duplicate_and_changed_public_messages() {
    let bench = Bench::new();
    let change: [fn(&mut Public); 3] = [
        |p| drop(p.received.pop()),
        |p| p.received.push(p.received[0].clone()),
        |p| p.received[3].1[1] ^= 1,
    ];
    for (i, change) in change.into_iter().enumerate() {
        let mut public = bench.public.clone();
        change(&mut public);
        let made = BACKEND.prove(&layout(), &bench.run, &public, CONTEXT);
        assert!(
            matches!(made, Err(Error::Unbalanced { bus: Bus::Data })),
            "change {i}: {made:?}"
        );
        let lying = Bench::of(bench.run.clone(), public);
        let proof = lying.force(&lying.trace(), |_| ());
        assert!(
            matches!(lying.verdict(&proof), Err(Error::Rejected)),
            "change {i}"
        );
    }
}

#[test]
fn refuses_a_lookup_of_an_absent_row() {
    let bench = Bench::new();
    let plan = bench.keys.plan.clone();
    let mut bent = bench.run.clone();
    bent.changed.push((ACCESS, 100, Access::AGE, toy::SMALL));
    let made = BACKEND.prove(&layout(), &bent, &bench.public, CONTEXT);
    let Err(Error::NotInTable {
        table: "ACCESS",
        row: 100,
        bus: Bus::Range16,
    }) = made
    else {
        panic!("expected the row that looks up, got {made:?}");
    };
    // The same without the multiplicities' consent.
    let mut trace = bench.trace();
    let (row, copy) = (100 / 3, 100 % 3);
    trace.columns[plan.column(ACCESS, copy, usize::from(Access::AGE.0))][row] = Fp::from(toy::SMALL);
    bench.refuses(&bench.force(&trace, |_| ()));
    // A program row that is not there.
    let mut public = bench.public.clone();
    public.lookups[7].1[1] ^= 1;
    let made = BACKEND.prove(&layout(), &bench.run, &public, CONTEXT);
    assert!(
        matches!(
            made,
            Err(Error::NotInTable {
                row: 7,
                bus: Bus::Program,
                ..
            })
        ),
        "{made:?}"
    );
}

#[test]
fn refuses_false_multiplicities() {
    let bench = Bench::new();
    let plan = bench.keys.plan.clone();
    let public = plan.multiplicity(plan.fixed_columns);
    for (column, row, change) in [
        (plan.multiplicity(0), 0, Fp::ONE),
        (plan.multiplicity(0), 5, -Fp::ONE),
        (plan.multiplicity(0), plan.usable - 1, Fp::ONE),
        (public, 0, Fp::from(1 << 40)),
        (public, 0, -Fp::ONE),
    ] {
        let mut trace = bench.trace();
        trace.columns[column][row] += change;
        bench.refuses(&bench.force(&trace, |_| ()));
    }
}

#[test]
fn refuses_a_single_false_cell_anywhere() {
    let bench = Bench::new();
    let cases: [(usize, usize, Col, u64); 9] = [
        (ACCESS, 0, Access::CLK, 2),
        (ACCESS, 20, Access::CLK, 33),
        (ACCESS, 746, Access::CLK, 1),
        (ACCESS, 4, Access::VALUE, 63),
        (ACCESS, 4, Access::BEFORE, 63),
        (ACCESS, 5, Access::WRITE, 1),
        (ACCESS, 600, Access::REAL, 1),
        (ACCESS, 9, Access::INVERSE, 1),
        (CELL, 4, Cell::ADDR, 3),
    ];
    for case in cases {
        let mut run = bench.run.clone();
        run.changed.push(case);
        let made = BACKEND.prove(&layout(), &run, &bench.public, CONTEXT);
        let refused = matches!(
            made,
            Err(Error::Unsatisfied | Error::Unbalanced { .. } | Error::NotInTable { .. })
        );
        assert!(refused, "{case:?}: {made:?}");
        // The same by force: multiplicities of the honest run, which fit as well as any.
        let (table, row, col, value) = case;
        let mut trace = bench.trace();
        let (physical, copy) = if table == ACCESS {
            (row / 3, row % 3)
        } else {
            (row, 0)
        };
        trace.columns[bench.keys.plan.column(table, copy, usize::from(col.0))][physical] = Fp::from(value);
        bench.refuses(&bench.force(&trace, |_| ()));
    }
}

/// The run's last step writes cell Y. It takes X's token instead, passed off as Y's by a huge `before`, and the
/// cell table closes X with Y's token, passed off as X's by a huge `last`. Every message balances.
fn aliased(bench: &Bench) -> Trace {
    const X: usize = 2;
    let plan = &bench.keys.plan;
    let mut trace = bench.trace();
    let column = |table, copy, col: Col| plan.column(table, copy, usize::from(col.0));
    let (row, copy) = (39 / 3, 39 % 3);
    let access = |col| column(ACCESS, copy, col);
    let cell = |col| column(CELL, 0, col);
    let number = |v: Fp| {
        (0..64u64 * 64)
            .find(|n| Fp::from(*n) == v)
            .expect("a small number")
    };
    let get = |trace: &Trace, column: usize, row: usize| trace.columns[column][row];

    let y = get(&trace, access(Access::ADDR), row);
    let clk = get(&trace, access(Access::CLK), row);
    let age = get(&trace, access(Access::AGE), row);
    let y_clk = number(clk - Fp::ONE - age);
    let y_value = get(&trace, access(Access::BEFORE), row);
    let x = Fp::from(X as u64);
    let x_low = get(&trace, cell(Cell::CLK_LOW), X);
    let x_high = get(&trace, cell(Cell::CLK_HIGH), X);
    let x_value = get(&trace, cell(Cell::LAST), X);

    // What one more in the address is worth in the value, by the packing of each table.
    let worth = |table: usize, addr: Col, value: Col| {
        let terms = plan.compiled.tables[table]
            .terms
            .iter()
            .filter(|t| t.bus == Bus::Memory);
        let mut received = terms.filter(|t| t.count.terms.iter().all(|(_, c)| *c == -Fp::ONE));
        let message = &received
            .next_back()
            .expect("the table receives from memory")
            .message;
        let of = |col: Col| {
            message
                .terms
                .iter()
                .find(|(c, _)| *c == usize::from(col.0))
                .expect("is sent")
                .1
        };
        of(addr) * Option::<Fp>::from(of(value).invert()).expect("not zero")
    };
    let new_age = clk - Fp::ONE - x_low - x_high * Fp::from(toy::SMALL);
    let (new_low, new_high) = (Fp::from(y_clk % toy::SMALL), Fp::from(y_clk / toy::SMALL));
    // Numbers that are no longer looked up, and those that now are.
    for (old, new) in [(age, new_age), (x_low, new_low), (x_high, new_high)] {
        let counts = &mut trace.columns[plan.multiplicity(0)];
        counts[number(old) as usize] -= Fp::ONE;
        counts[number(new) as usize] += Fp::ONE;
    }
    trace.columns[access(Access::AGE)][row] = new_age;
    trace.columns[access(Access::BEFORE)][row] =
        x_value + (x - y) * worth(ACCESS, Access::ADDR, Access::BEFORE);
    trace.columns[cell(Cell::CLK_LOW)][X] = new_low;
    trace.columns[cell(Cell::CLK_HIGH)][X] = new_high;
    trace.columns[cell(Cell::LAST)][X] = y_value + (y - x) * worth(CELL, Cell::ADDR, Cell::LAST);
    trace
}

#[test]
fn refuses_a_moved_limb_that_aliases_another_address() {
    let unchecked = Bench::with(&UNCHECKED);
    let forged = unchecked.force(&aliased(&unchecked), |_| ());
    unchecked
        .verdict(&forged)
        .expect("without the range checks the forgery passes");
    let bench = Bench::new();
    bench.refuses(&bench.force(&aliased(&bench), |_| ()));
}

#[test]
fn gives_every_proof_of_a_batch_its_own_verdict() {
    let good = Bench::new();
    let (run, public) = toy::run(100, 7);
    let small = Layout::new(8, vec![1, 1], 1);
    let other_key = BACKEND.prove(&small, &run, &public, CONTEXT).expect("honest");
    let larger = Layout::new(9, vec![1, 1], 1);
    let other_k = BACKEND.prove(&larger, &run, &public, CONTEXT).expect("honest");
    let honest = good.honest();
    let mut long = honest.clone();
    long.bytes.push(0);
    let forged = good.force(&good.false_trace(), |_| ());
    // The last scalar: everything up to the final product is in order.
    let mut last_word = honest.clone();
    let end = last_word.bytes.len() - 32;
    last_word.bytes[end] ^= 1;
    let claim = |proof, public| Claim {
        proof,
        public,
        context: CONTEXT,
    };
    let claims = [
        claim(&honest, &good.public),
        claim(&other_key, &public),
        claim(&forged, &good.public),
        claim(&other_k, &public),
        claim(&long, &good.public),
        claim(&last_word, &good.public),
        claim(&honest, &public),
        claim(&honest, &good.public),
    ];
    let verdicts: Vec<bool> = BACKEND.verify_batch(&claims).iter().map(Result::is_ok).collect();
    assert_eq!(verdicts, [true, true, false, true, false, false, false, true]);
    assert!(BACKEND.verify_batch(&[]).is_empty());
}

#[test]
fn makes_different_proofs_of_one_witness() {
    let bench = Bench::new();
    let (one, other) = (bench.honest(), bench.honest());
    let words = |p: &Proof| p.bytes.chunks(32).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let phase0 = bench.keys.plan.phase0;
    for (i, (a, b)) in words(&one).iter().zip(words(&other)).take(phase0).enumerate() {
        assert_ne!(*a, b, "commitment {i} is not blinded afresh");
    }
}
