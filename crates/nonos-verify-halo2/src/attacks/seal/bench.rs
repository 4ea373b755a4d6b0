//! SEAL beside a table that takes words from it, and provers of both.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use ff::PrimeField;
use nonos_machine::air::{Builder, Bus, Col, Column, FixedTable, Public, Range, System, Table, TableShape};
use nonos_machine::isa::{INDEX_BITS, Space};
use nonos_seal::{Block, Salt, Tape, digest, input_blocks, output_blocks};
use pasta_curves::Fp;

use super::super::mock::Mock;
use crate::challenge::challenge;
use crate::keys::Keys;
use crate::prover::{commit, fresh_seed, seal};
use crate::seal::{Use, column, rows, with_seal};
use crate::statement::Statement;
use crate::trace::{Trace, Witness};
use crate::{Backend, Error, Layout, ParamsStore, Proof};

pub(super) const TAKER: usize = 0;
pub(super) const SEAL: usize = 1;
/// Range tables hold 0 ..= 63, so that they fit in a proof of 2^8 rows.
const SMALL: u64 = 64;
const CONTEXT: &[u8] = b"sealed";

/// Takes words as HOST does, and gives final positions as CELLS does: `[word, kind, tape, pos, end, limbs…, final]`.
struct Taker;

const TAKER_COLUMNS: [(&str, Range); 10] = [
    ("word", Range::Bit),
    ("kind", Range::U8),
    ("tape", Range::U8),
    (
        "pos",
        Range::Derived {
            lo: 0,
            hi: (1 << 24) - 1,
            why: "the toy says so",
        },
    ),
    ("end", Range::Bit),
    ("limb", Range::U16),
    ("limb", Range::U16),
    ("limb", Range::U16),
    ("limb", Range::U16),
    ("final", Range::Bit),
];

impl Table for Taker {
    fn name(&self) -> &'static str {
        "TAKER"
    }

    fn columns(&self) -> Vec<Column> {
        TAKER_COLUMNS.map(|(name, range)| Column { name, range }).to_vec()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let cells: Vec<B::E> = (0..10).map(|i| b.cur(Col(i))).collect();
        b.send(Bus::Sealed, cells[0].clone(), &cells[1..9]);
        let mut position = vec![cells[2].clone() + B::E::from((Space::Tape as i64) << INDEX_BITS)];
        position.extend(cells[5..9].iter().cloned());
        b.send(Bus::Final, cells[9].clone(), &position);
    }
}

static BACKEND: LazyLock<Arc<Backend>> = LazyLock::new(|| Arc::new(without(&[])));

/// The system without some rules of SEAL.
fn without(rules: &[&str]) -> Backend {
    let small = |bus| FixedTable {
        bus,
        rows: (0..SMALL).map(|v| vec![v]).collect(),
    };
    let system = System {
        tables: vec![TableShape::record(&Taker)],
        fixed: vec![small(Bus::Range16), small(Bus::Range8)],
        public_bits: (vec![1, 1], vec![]),
    };
    let (mut system, sponge) = with_seal(system);
    let seal = &mut system.tables[SEAL];
    seal.constraints
        .retain(|rule| rule.public.is_some() || !rules.contains(&rule.id));
    Backend::hashing(&system, Some(&sponge), ParamsStore::in_memory()).expect("sound")
}

/// Bytes whose 16-bit limbs are below 64.
pub(super) fn words(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| if i % 2 == 0 { (i * 7 % 61) as u8 + 1 } else { 0 })
        .collect()
}

pub(super) fn salt(n: u8) -> Salt {
    Salt::new(std::array::from_fn(|i| if i % 2 == 0 { i as u8 + n } else { 0 }))
}

/// A result of 13 bytes, nothing outbound, a log of a block and a word.
pub(super) fn outputs() -> [Tape; 3] {
    [
        Tape::from_bytes(&words(13)),
        Tape::default(),
        Tape::from_bytes(&words(56)),
    ]
}

/// Rows of both tables.
#[derive(Clone, Default)]
pub(super) struct Run {
    pub(super) taker: Vec<Vec<u64>>,
    pub(super) seal: Vec<Vec<u64>>,
}

impl Witness for Run {
    fn row(&self, table: usize, row: usize, cells: &mut [u64]) {
        let rows = if table == TAKER { &self.taker } else { &self.seal };
        if let Some(row) = rows.get(row) {
            cells.copy_from_slice(row);
        }
    }
}

fn limbs(word: u64) -> impl Iterator<Item = u64> {
    (0..4).map(move |i| word >> (16 * i) & 0xffff)
}

impl Run {
    /// Sends a message: kind, tape, position, end, word.
    pub(super) fn take(&mut self, [kind, tape, pos, end]: [u64; 4], word: u64) {
        let head = [1, kind, tape, pos, end];
        self.taker
            .push(head.into_iter().chain(limbs(word)).chain([0]).collect());
    }

    pub(super) fn position(&mut self, tape: u64, words: u64, pad: u64) {
        let head = [0, 0, tape, 0, 0];
        let row = head.into_iter().chain(limbs(words | pad << 32)).chain([1]);
        self.taker.push(row.collect());
    }

    /// Reads an input to its end, and asks for its length twice.
    pub(super) fn read(&mut self, tape: &Tape) {
        for (pos, word) in tape.words.iter().enumerate() {
            self.take([1, 1, pos as u64, 0], *word);
        }
        self.take([1, 1, tape.words.len() as u64, 1], 0);
        self.take([0, 1, 0, 0], tape.len);
        self.take([0, 1, 0, 0], tape.len);
    }

    pub(super) fn write(&mut self, tapes: &[Tape; 3]) {
        for (number, tape) in (3..).zip(tapes) {
            for (pos, word) in tape.words.iter().enumerate() {
                self.take([2, number, pos as u64, 0], *word);
            }
            let count = tape.words.len() as u64;
            self.position(number, count, 8 * count - tape.len);
        }
    }
}

pub(super) fn used(tape: &Tape) -> Use {
    Use {
        words: tape.words.len() as u64,
        ends: 1,
        lengths: 2,
        more: false,
    }
}

/// A change of the rows, after which the prover is consistent: it hashes what it then has, and the public digests are
/// what it comes to.
pub(super) struct Lie {
    pub(super) change: Box<dyn Fn(&mut Run)>,
    /// Whether the public digests follow the lie.
    adapts: bool,
}

impl Lie {
    pub(super) fn new(change: impl Fn(&mut Run) + 'static) -> Self {
        Self {
            change: Box::new(change),
            adapts: true,
        }
    }

    /// Sets a cell of SEAL.
    pub(super) fn cell(row: usize, name: &'static str, value: u64) -> Self {
        Self::new(move |run| run.seal[row][column(name)] = value)
    }

    /// None, but the first public digest is another one.
    pub(super) fn digest(_: usize) -> Self {
        Self {
            change: Box::new(|run| run.seal[0][column("limb")] ^= 1),
            adapts: false,
        }
    }
}

pub(super) struct Bench {
    backend: Arc<Backend>,
    pub(super) keys: Arc<Keys>,
    pub(super) layout: Layout,
    pub(super) run: Run,
    pub(super) public: Public,
    pub(super) statement: Statement,
}

impl Bench {
    /// An honest run on an input of 14 bytes, on sealed outputs, or on both.
    pub(super) fn honest(input: bool, output: bool) -> Self {
        Self::made(input.then_some(14), output, 1)
    }

    /// An honest run on both, in a layout of so many copies of SEAL.
    pub(super) fn folded(copies: u16) -> Self {
        Self::made(Some(14), true, copies)
    }

    fn made(input: Option<usize>, output: bool, copies: u16) -> Self {
        let mut run = Run::default();
        let mut public = Public {
            first: vec![
                0,
                0,
                u64::from(input.is_some()),
                u64::from(input.is_some() && output),
            ],
            ..Public::default()
        };
        if let Some(len) = input {
            let tape = Tape::from_bytes(&words(len));
            let blocks = input_blocks(&words(len), &salt(1));
            public.digests[0] = Some(digest(&blocks));
            let used = Use {
                more: output,
                ..used(&tape)
            };
            run.seal.extend(rows(&blocks, used));
            run.read(&tape);
        }
        if output {
            let blocks = output_blocks(&outputs(), &salt(2));
            public.digests[1] = Some(digest(&blocks));
            run.seal.extend(rows(&blocks, Use::default()));
            run.write(&outputs());
        }
        Self::on(Layout::new(8, vec![1, copies], 0), run, public)
    }

    pub(super) fn of(run: Run, public: Public) -> Self {
        Self::on(Layout::new(8, vec![1, 1], 0), run, public)
    }

    fn on(layout: Layout, run: Run, public: Public) -> Self {
        Self::before(BACKEND.clone(), layout, run, public)
    }

    /// The same before a verifier that does not know some rules.
    pub(super) fn unchecked(&self, rules: &[&str]) -> Self {
        let backend = Arc::new(without(rules));
        Self::before(
            backend,
            self.layout.clone(),
            self.run.clone(),
            self.public.clone(),
        )
    }

    fn before(backend: Arc<Backend>, layout: Layout, run: Run, public: Public) -> Self {
        let keys = backend.keys(&layout).expect("the layout fits");
        let statement = Statement::new(&keys.plan.compiled, &public).expect("the public data fits");
        Self {
            backend,
            keys,
            layout,
            run,
            public,
            statement,
        }
    }

    /// The run with a lie in it, by a prover that is otherwise consistent.
    pub(super) fn lying(&self, lie: &Lie) -> Self {
        let mut run = self.run.clone();
        (lie.change)(&mut run);
        let mut public = self.public.clone();
        if lie.adapts {
            let came_to = self.digests(&run);
            for (digest, came_to) in public.digests.iter_mut().zip(came_to) {
                *digest = digest.and(came_to.or(*digest));
            }
        }
        Self::on(self.layout.clone(), run, public)
    }

    /// What the streams of a run come to, by the circuit's own columns.
    fn digests(&self, run: &Run) -> [Option<[u8; 32]>; 2] {
        let plan = &self.keys.plan;
        let sponge = plan.hashed().expect("the layout has SEAL");
        let trace = self.trace_of(run);
        let mut digests = [None; 2];
        for (i, row) in run.seal.iter().enumerate() {
            let is = |name| row[column(name)] == 1;
            let copies = plan.copies(SEAL);
            let cell = |col| trace.columns[plan.column(SEAL, i % copies, col)][i / copies];
            let squeezed = || Some(sponge.squeezed(cell).to_repr());
            if is("last") && is("tape1") {
                digests[0] = digests[0].or_else(squeezed);
            } else if is("last") {
                digests[1] = digests[1].or_else(squeezed);
            }
        }
        digests
    }

    fn trace_of(&self, run: &Run) -> Trace {
        Trace::unchecked(&self.keys.plan, run, &self.statement)
    }

    pub(super) fn trace(&self) -> Trace {
        self.trace_of(&self.run)
    }

    pub(super) fn broken(&self) -> BTreeSet<String> {
        let (plan, statement) = (&*self.keys.plan, &self.statement);
        Mock { plan, statement }.broken(&self.trace())
    }

    /// What a lie breaks.
    pub(super) fn after(&self, lie: &Lie) -> BTreeSet<String> {
        self.lying(lie).broken()
    }

    pub(super) fn prove(&self) -> Result<Proof, Error> {
        self.prove_in(&self.layout)
    }

    pub(super) fn prove_in(&self, layout: &Layout) -> Result<Proof, Error> {
        self.backend.prove(layout, &self.run, &self.public, CONTEXT)
    }

    pub(super) fn verify(&self, proof: &Proof) -> Result<(), Error> {
        self.backend.verify(proof, &self.public, CONTEXT).map(drop)
    }

    /// A proof of whatever the run is, as a cheat would make it: the sum's end is shifted into its last step.
    pub(super) fn force(&self) -> Proof {
        let (plan, trace) = (&self.keys.plan, self.trace());
        let seed = fresh_seed().expect("randomness");
        let commitments = commit(&self.keys, &trace, seed).expect("commits");
        let alpha: Fp = challenge(
            &plan.layout,
            &self.keys.digest,
            CONTEXT,
            &self.statement.digest,
            &commitments,
        );
        let start = self.statement.start(alpha).expect("not a pole");
        let columns = trace
            .phase1(plan, &self.statement, alpha, start)
            .expect("not a pole");
        let instances = self.statement.instances(plan, alpha, start);
        let bytes = seal(&self.keys, columns, &instances, seed).expect("halo2 proves anything");
        Proof {
            layout: self.layout.clone(),
            bytes,
        }
    }

    /// The blocks of the honest input.
    pub(super) fn input_blocks() -> Vec<Block> {
        input_blocks(&words(14), &salt(1))
    }
}
