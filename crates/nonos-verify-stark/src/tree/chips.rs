//! LEAF and NODE: what a piece of a run does to the tree of all cells.
//!
//! Every leaf that the piece touches, and every node above one, is a row, before and after at once. NODE's first row
//! is the root, whose digests are public; each other row hands its digests to the row above it, once. So a place in the
//! tree has at most one row, and a cell at most one first and one last value: what CELLS shows by its order.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `bit` | flags are 0 or 1 | messages in fractions |
//! | `mark` | `touched·(1 − real) = out·(1 − touched) = root·(1 − real) = 0` | marks without a row |
//! | `kept` | `(1 − touched)·(new − old) = 0`, for a cell and for a child | a change that no access makes |
//! | `hash` | both digests, by [`poseidon`](crate::poseidon) | other digests |
//! | `root` | the first row is the root and no other: `root·(height − 27) = root·index = 0`; its digests are public | another tree; a second one |
//!
//! On the bus `tree` a row is `(height, index, digest before, digest after)`. A row at height `h` receives those of its
//! touched children at `h − 1`, `2·index` and `2·index + 1`, so heights and indices follow from the root's. Rows
//! that are not below the root would have to be received by rows ever higher; a table has fewer rows than the field
//! elements. A leaf's limbs are not checked to be 16-bit: they are the program's, or were written by an access.

use nonos_machine::air::Bus;
use p3_air::{AirBuilder, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};
use p3_matrix::dense::RowMajorMatrix;

use super::{CELLS, HEIGHT, Update, limbs, pair};
use crate::adapter::name;
use crate::config::{MIN_LOG, Val};
use crate::poseidon::{self, DIGEST, Digest, WIDTH};

/// The bus between the levels.
const TREE: &str = "tree";

// Columns of LEAF.
const REAL: usize = 0;
const INDEX: usize = 1;
const TOUCHED: usize = 2;
const OUT: usize = TOUCHED + CELLS;
const STAMP: usize = OUT + CELLS;
const OLD: usize = STAMP + CELLS;
const NEW: usize = OLD + WIDTH;
const LEAF_HASH: usize = NEW + WIDTH;
/// Columns of LEAF: real, index, marks, stamps, limbs before and after, and the cells of two permutations.
pub(crate) const LEAF_WIDTH: usize = LEAF_HASH + 2 * poseidon::CELLS;

// Columns of NODE, from `REAL` and `INDEX` on.
const ROOT: usize = 2;
const NODE_HEIGHT: usize = 3;
const CHILD: usize = 4;
const NODE_OLD: usize = CHILD + 2;
const NODE_NEW: usize = NODE_OLD + WIDTH;
const NODE_HASH: usize = NODE_NEW + WIDTH;
/// Columns of NODE: real, index, root, height, touched children, their digests before and after, two permutations.
pub(crate) const NODE_WIDTH: usize = NODE_HASH + 2 * poseidon::CELLS;

/// Public values of NODE: the root's digest before and after.
pub(crate) const ROOTS: usize = 2 * DIGEST;

fn row<AB: AirBuilder<F = Val>>(b: &AB) -> Vec<AB::Expr> {
    b.main()
        .current_slice()
        .iter()
        .map(|cell| (*cell).into())
        .collect()
}

fn bits<AB: AirBuilder<F = Val>>(b: &mut AB, cells: &[AB::Expr]) {
    for cell in cells {
        b.assert_zero(cell.clone() * (AB::Expr::ONE - cell.clone()));
    }
}

/// The digests of the 16 cells at `old` and at `new`.
fn digests<AB: AirBuilder<F = Val>>(
    b: &mut AB,
    row: &[AB::Expr],
    [old, new]: [usize; 2],
    hash: usize,
) -> [[AB::Expr; DIGEST]; 2] {
    let cells = b.main().current_slice()[hash..].to_vec();
    let mut halves = cells.chunks(poseidon::CELLS);
    [old, new].map(|start| {
        let input: [AB::Expr; WIDTH] = std::array::from_fn(|i| row[start + i].clone());
        let cells = halves.next().expect("cells of two permutations");
        let output = poseidon::permute(b, input.clone(), cells);
        std::array::from_fn(|i| output[i].clone() + input[i].clone())
    })
}

/// States the rules of LEAF.
pub(crate) fn leaf<AB: InteractionBuilder<F = Val>>(b: &mut AB) {
    let row = row(b);
    let one = || AB::Expr::ONE;
    let (real, index) = (row[REAL].clone(), row[INDEX].clone());
    bits(b, &row[REAL..=REAL]);
    bits(b, &row[TOUCHED..STAMP]);
    let [before, after] = digests(b, &row, [OLD, NEW], LEAF_HASH);
    for i in 0..CELLS {
        let (touched, out) = (row[TOUCHED + i].clone(), row[OUT + i].clone());
        b.assert_zero(touched.clone() * (one() - real.clone()));
        b.assert_zero(out.clone() * (one() - touched.clone()));
        let old = &row[OLD + 4 * i..][..4];
        let new = &row[NEW + 4 * i..][..4];
        for (old, new) in old.iter().zip(new) {
            b.assert_zero((one() - touched.clone()) * (new.clone() - old.clone()));
        }
        let key = index.clone() * AB::Expr::from_usize(CELLS) + AB::Expr::from_usize(i);
        let cell = |stamp: Option<AB::Expr>, value: &[AB::Expr]| {
            let start = [key.clone()].into_iter().chain(stamp);
            start.chain(value.iter().cloned()).collect::<Vec<_>>()
        };
        let once = |flag: &AB::Expr| Count::bounded(flag.clone(), 1);
        let memory = name(Bus::Memory);
        b.push_interaction(memory, cell(Some(AB::Expr::ZERO), old), once(&touched));
        b.push_interaction(memory, cell(Some(row[STAMP + i].clone()), new), -once(&touched));
        b.push_interaction(name(Bus::Final), cell(None, new), once(&out));
    }
    let place = [AB::Expr::ZERO, index];
    let message = place.into_iter().chain(before).chain(after);
    b.push_interaction(TREE, message, Count::bounded(real, 1));
}

/// States the rules of NODE.
pub(crate) fn node<AB: InteractionBuilder<F = Val>>(b: &mut AB) {
    let row = row(b);
    let one = || AB::Expr::ONE;
    let (real, index, root) = (row[REAL].clone(), row[INDEX].clone(), row[ROOT].clone());
    let height = row[NODE_HEIGHT].clone();
    bits(b, &[real.clone(), root.clone()]);
    bits(b, &row[CHILD..NODE_OLD]);
    let digests = digests(b, &row, [NODE_OLD, NODE_NEW], NODE_HASH);
    for side in 0..2 {
        let touched = row[CHILD + side].clone();
        b.assert_zero(touched.clone() * (one() - real.clone()));
        let old = &row[NODE_OLD + DIGEST * side..][..DIGEST];
        let new = &row[NODE_NEW + DIGEST * side..][..DIGEST];
        for (old, new) in old.iter().zip(new) {
            b.assert_zero((one() - touched.clone()) * (new.clone() - old.clone()));
        }
        let child = index.clone() * AB::Expr::TWO + AB::Expr::from_usize(side);
        let place = [height.clone() - one(), child];
        let message = place.into_iter().chain(old.iter().chain(new).cloned());
        b.push_interaction(TREE, message, -Count::bounded(touched, 1));
    }
    b.assert_zero(root.clone() * (one() - real.clone()));
    b.assert_zero(root.clone() * (height.clone() - AB::Expr::from_u8(HEIGHT)));
    b.assert_zero(root.clone() * index.clone());
    b.when_first_row().assert_zero(one() - root.clone());
    let next: AB::Expr = b.main().next_slice()[ROOT].into();
    b.when_transition().assert_zero(next);
    let [before, after] = digests;
    for (i, element) in before.iter().chain(&after).enumerate() {
        let value: AB::Expr = b.public_values()[i].into();
        b.when_first_row().assert_zero(element.clone() - value);
    }
    let place = [height, index];
    let message = place.into_iter().chain(before).chain(after);
    b.push_interaction(TREE, message, Count::bounded(real - root, 1));
}

/// Rows of `width`, padded; `hash` is where the cells of the permutations of the 16 cells at `old` and `new` are.
fn matrix(
    width: usize,
    rows: usize,
    [old, new, hash]: [usize; 3],
    fill: impl Fn(usize, &mut [Val]) + Sync,
) -> RowMajorMatrix<Val> {
    use rayon::prelude::*;
    let height = rows.next_power_of_two().max(1 << MIN_LOG);
    let mut cells = vec![Val::ZERO; height * width];
    cells.par_chunks_mut(width).enumerate().for_each(|(i, row)| {
        if i < rows {
            fill(i, row);
        }
        let (inputs, hashes) = row.split_at_mut(hash);
        for (start, cells) in [old, new].into_iter().zip(hashes.chunks_mut(poseidon::CELLS)) {
            let input = std::array::from_fn(|i| inputs[start + i]);
            let _digest = poseidon::fill(input, cells);
        }
    });
    RowMajorMatrix::new(cells, width)
}

/// The rows of LEAF.
pub(crate) fn leaves(update: &Update) -> RowMajorMatrix<Val> {
    let at = [OLD, NEW, LEAF_HASH];
    matrix(LEAF_WIDTH, update.leaves.len(), at, |i, row| {
        let (index, change) = &update.leaves[i];
        row[REAL] = Val::ONE;
        row[INDEX] = Val::from_u32(*index);
        for cell in 0..CELLS {
            if let Some(stamp) = change.stamps[cell] {
                row[TOUCHED + cell] = Val::ONE;
                row[STAMP + cell] = Val::from_u32(stamp);
            }
            row[OUT + cell] = Val::from_bool(change.out[cell]);
        }
        row[OLD..NEW].copy_from_slice(&limbs(&change.old));
        row[NEW..LEAF_HASH].copy_from_slice(&limbs(&change.new));
    })
}

/// The rows of NODE.
pub(crate) fn nodes(update: &Update) -> RowMajorMatrix<Val> {
    let at = [NODE_OLD, NODE_NEW, NODE_HASH];
    matrix(NODE_WIDTH, update.nodes.len(), at, |i, row| {
        let node = &update.nodes[i];
        row[REAL] = Val::ONE;
        row[INDEX] = Val::from_u32(node.index);
        row[ROOT] = Val::from_bool(node.height == HEIGHT);
        row[NODE_HEIGHT] = Val::from_u8(node.height);
        for side in 0..2 {
            row[CHILD + side] = Val::from_bool(node.touched[side]);
        }
        row[NODE_OLD..NODE_NEW].copy_from_slice(&pair(node.old));
        row[NODE_NEW..NODE_HASH].copy_from_slice(&pair(node.new));
    })
}

/// The public values of NODE.
pub(crate) fn roots(before: &Digest, after: &Digest) -> Vec<Val> {
    before.iter().chain(after).copied().collect()
}
