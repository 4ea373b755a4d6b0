//! Provers that lie about a segment: what it touches, what it leaves, where it begins and ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use nonos_machine::tables::{self, Hidden, STEP, Witness};
use nonos_types::Value;
use nonos_verify::{Refusal, Statement};
use p3_field::PrimeCharacteristicRing;

use super::{MASKS, place, runs};
use crate::chip::Kind;
use crate::config::Val;
use crate::layout::Shape;
use crate::public::PublicSide;
use crate::segment::{Cutter, SegmentJob, SegmentStatement};
use crate::trace::{self, Tables};
use crate::tree::chips::{self, roots};
use crate::tree::{LeafChange, Tree, Update};
use crate::{Profile, Stark};

const PROGRAM: &str = r#"(module
  (memory (export "memory") 1 3) (global $g (mut i64) (i64.const 5))
  (func $f (param $n i32) (result i64)
    (if (result i64) (local.get $n)
      (then (i64.store (i32.mul (local.get $n) (i32.const 8)) (global.get $g))
            (global.set $g (i64.add (global.get $g) (i64.const 3)))
            (i64.add (call $f (i32.sub (local.get $n) (i32.const 1)))
                     (i64.load (i32.mul (local.get $n) (i32.const 8)))))
      (else (drop (memory.grow (i32.const 1))) (i64.const 7))))
  (func (export "run") (param $n i32) (result i64) (call $f (local.get $n))))"#;

/// A middle segment, and what a prover has of it. Everything is public to be lied about.
struct Piece {
    stark: Stark,
    statement: SegmentStatement,
    public: PublicSide,
    witness: Witness,
    /// The cells before, as the statement has them.
    tree: Tree,
    leaves: BTreeMap<u32, LeafChange>,
}

impl Piece {
    fn new() -> Self {
        let run = runs::statement(runs::module(PROGRAM), "run", &[Value::I32(12)], b"");
        let run = Arc::new(run);
        let job = Cutter::new(&run, 64).expect("it runs").nth(1).expect("a segment");
        let SegmentJob { statement, witness } = job;
        let replayed = SegmentJob::replay(&statement, &witness).expect("it is the run's");
        let stark = Stark::new(Profile::Fast);
        Self {
            public: stark.segment_side(&statement).expect("a statement"),
            witness: tables::segment_witness(run.program(), &replayed.trace, Hidden::default()),
            tree: Tree::open(&witness.leaves, &witness.siblings),
            leaves: replayed.update.leaves.into_iter().collect(),
            stark,
            statement,
        }
    }

    fn update(&self) -> Update {
        self.tree.clone().update(self.leaves.clone())
    }

    fn tables(&self, update: &Update) -> Tables {
        let layout = self.stark.layout(Shape::Segment);
        trace::tables(layout, &self.public, &self.witness, &[], Some(update))
    }

    /// What the verifier says of these tables, of the roots that the update has.
    fn verdict(&mut self, update: &Update) -> Result<(), Refusal> {
        self.public.roots = roots(&update.before, &update.after);
        self.verdict_of(self.tables(update))
    }

    fn verdict_of(&self, tables: Tables) -> Result<(), Refusal> {
        let context = self.statement.bytes();
        let prove = || {
            self.stark
                .prove_tables(&context, &self.public, Shape::Segment, tables, &MASKS)
        };
        let proof = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(prove)) {
            Ok(proof) => proof.expect("a proof is made"),
            Err(_) if cfg!(debug_assertions) => return Err(Refusal::Rejected { check: "assertion" }),
            Err(panic) => std::panic::resume_unwind(panic),
        };
        self.stark
            .check(&context, &self.public, Shape::Segment, &proof)
            .map(drop)
    }

    /// A leaf of which a cell is not touched, and that cell.
    fn untouched(&self) -> (u32, usize) {
        let found = self.leaves.iter().find_map(|(index, leaf)| {
            let cell = leaf.stamps.iter().position(Option::is_none)?;
            Some((*index, cell))
        });
        found.expect("not every cell is touched")
    }
}

/// Makes the digests of all nodes follow from those below again.
fn reroot(update: &mut Update) {
    let digests = |update: &Update, i: usize| {
        let node = &update.nodes[i];
        [node.old, node.new].map(|pair| crate::poseidon::compress(crate::tree::pair(pair)))
    };
    for i in (1..update.nodes.len()).rev() {
        let (height, index) = (update.nodes[i].height, update.nodes[i].index);
        let [old, new] = digests(update, i);
        let mut above = update.nodes.iter_mut();
        let parent = above.find(|n| n.height == height + 1 && n.index == index / 2);
        let parent = parent.expect("every node but the root has one");
        parent.old[(index & 1) as usize] = old;
        parent.new[(index & 1) as usize] = new;
    }
    [update.before, update.after] = digests(update, 0);
}

#[test]
fn the_honest_segment_is_proved() {
    let mut piece = Piece::new();
    let mut update = piece.update();
    assert_eq!(piece.verdict(&update), Ok(()));
    let roots = [update.before, update.after];
    reroot(&mut update);
    assert_eq!(
        [update.before, update.after],
        roots,
        "re-rooting is what the tree does"
    );
}

#[test]
fn a_false_cell_is_refused_in_leaf_and_node() {
    let piece = Piece::new();
    let update = piece.update();
    let widths = [(Kind::Leaf, chips::LEAF_WIDTH), (Kind::Node, chips::NODE_WIDTH)];
    for (kind, width) in widths {
        // Every column up to the permutations', then some of theirs.
        let first = width - 2 * crate::poseidon::CELLS;
        for col in (0..first).chain((first..width).step_by(37)) {
            let mut tables = piece.tables(&update);
            let table = tables[place(kind)].as_mut().expect("it is used");
            // A cell may be marked as touched that no access touches: it then receives what it sends. The time of
            // one that is not touched is not read.
            let mark = [(2..6, col), (10..14, col.wrapping_sub(8))];
            let mark = mark.into_iter().find(|(of, _)| of.contains(&col));
            if kind == Kind::Leaf && mark.is_some_and(|(_, mark)| table.values[mark] == Val::ZERO) {
                continue;
            }
            table.values[col] += Val::ONE;
            assert!(piece.verdict_of(tables).is_err(), "{kind:?}, column {col}");
        }
    }
}

/// All digests are right for the lie: only `kept` stands against it.
#[test]
fn a_cell_that_no_access_touches_keeps_its_value() {
    let mut piece = Piece::new();
    let (index, cell) = piece.untouched();
    piece.leaves.get_mut(&index).expect("a leaf").new[cell] += 1;
    let update = piece.update();
    assert!(piece.verdict(&update).is_err());
}

/// The same for a child of a node that has no row of its own.
#[test]
fn a_subtree_that_no_access_touches_keeps_its_digest() {
    let mut piece = Piece::new();
    let mut update = piece.update();
    let node = update.nodes.iter_mut().rev().find(|n| n.touched != [true; 2]);
    let node = node.expect("a node with one touched child");
    let side = node.touched.iter().position(|t| !t).expect("one is not");
    node.new[side][0] += Val::ONE;
    reroot(&mut update);
    assert!(piece.verdict(&update).is_err());
}

/// Its last value is what the last access left, at the time of that access.
#[test]
fn a_touched_cell_has_its_last_value_and_its_first() {
    type Lie = fn(&mut LeafChange, usize);
    let lies: [(&str, Lie); 5] = [
        ("another last value", |leaf, cell| leaf.new[cell] += 1),
        ("another first value", |leaf, cell| leaf.old[cell] += 1),
        ("an earlier last value", |leaf, cell| {
            leaf.new[cell] = leaf.old[cell]
        }),
        ("another time", |leaf, cell| {
            leaf.stamps[cell] = leaf.stamps[cell].map(|s| s - 1)
        }),
        ("untouched", |leaf, cell| {
            leaf.stamps[cell] = None;
            leaf.new[cell] = leaf.old[cell];
        }),
    ];
    for (name, lie) in lies {
        let mut piece = Piece::new();
        let changed = |leaf: &LeafChange| (0..4).find(|i| leaf.new[*i] != leaf.old[*i]);
        let (leaf, cell) = (piece.leaves.values_mut())
            .find_map(|leaf| changed(leaf).map(|cell| (leaf, cell)))
            .expect("something changes");
        lie(leaf, cell);
        let update = piece.update();
        assert!(piece.verdict(&update).is_err(), "{name}");
    }
}

/// A place in the tree has one row: a second one is received by nobody, and a second root is none.
#[test]
fn no_leaf_or_node_is_there_twice() {
    let mut piece = Piece::new();
    let honest = piece.update();
    let mut twice = honest.clone();
    twice.leaves.push(twice.leaves[0]);
    assert!(piece.verdict(&twice).is_err(), "a leaf");
    let mut twice = honest.clone();
    twice.nodes.push(twice.nodes[1]);
    assert!(piece.verdict(&twice).is_err(), "a node");
    let mut twice = honest;
    twice.nodes.push(twice.nodes[0]);
    assert!(piece.verdict(&twice).is_err(), "the root");
}

/// A second tree beside the first, complete but for its root's public digests, would give cells other first values.
#[test]
fn a_second_tree_is_refused() {
    let mut piece = Piece::new();
    let honest = piece.update();
    let mut both = honest.clone();
    both.leaves.extend(honest.leaves.iter().copied());
    both.nodes.extend(honest.nodes.iter().copied());
    assert!(piece.verdict(&both).is_err());
}

/// Public values of STEP: pc, fp, room, pages before; pc, fp, room, pages, fuel after.
#[test]
fn another_state_before_or_after_is_refused() {
    let values = Piece::new().public.values.len();
    assert_eq!(values, 9);
    for i in 0..values {
        let mut piece = Piece::new();
        piece.public.values[i] += Val::ONE;
        let update = piece.update();
        assert!(piece.verdict(&update).is_err(), "value {i}");
    }
}

#[test]
fn a_segment_that_stops_early_is_refused() {
    let mut piece = Piece::new();
    let step = &mut piece.witness.tables[STEP];
    // The step before the pause goes; the pause has its clock.
    let (width, rows) = (step.width, step.len());
    let pause = step.cells.split_off((rows - 1) * width);
    step.cells.truncate((rows - 2) * width);
    step.cells.extend(pause);
    step.cells[(rows - 2) * width] -= 1;
    let update = piece.update();
    assert!(piece.verdict(&update).is_err());
}

/// The row that pauses is there at one `pc` only.
#[test]
fn a_segment_cannot_pause_where_it_does_not_end() {
    let mut piece = Piece::new();
    let update = piece.update();
    assert_eq!(piece.verdict(&update), Ok(()));
    let run = piece.statement.run().clone();
    let [before, mut after] = [*piece.statement.before(), *piece.statement.after()];
    after.state.pc += 1;
    let [index, count] = [piece.statement.index(), piece.statement.count()];
    let other = SegmentStatement::new(run, index, count, [before, after]).expect("it could be");
    piece.public = piece.stark.segment_side(&other).expect("a statement");
    piece.statement = other;
    assert!(piece.verdict(&update).is_err());
}
