//! Cuts a run into segments.

use std::sync::Arc;

use nonos_machine::{ExecutionStatement, Secret, Segments, StatementError};

use super::job::{boundary, changes};
use super::{SegmentJob, SegmentStatement, SegmentWitness};
use crate::tree::Tree;

/// Cuts a run into segments of so many steps: executes it, and gives the jobs one by one. It holds the machine's memory
/// and the tree over it, and what one segment touches.
///
/// ```
/// # use nonos_machine::{ExecutionStatement, Secret};
/// use std::sync::Arc;
/// use nonos_verify_stark::{Cutter, SegmentJob};
///
/// fn all(run: &Arc<ExecutionStatement>) -> Result<Vec<SegmentJob>, nonos_machine::StatementError> {
///     Ok(Cutter::new(run, 1 << 20)?.collect())
/// }
/// # let _ = all;
/// ```
#[derive(Debug)]
pub struct Cutter<'a> {
    run: &'a Arc<ExecutionStatement>,
    segments: Segments<'a>,
    tree: Tree,
    steps: u32,
    index: u32,
    count: u32,
}

impl<'a> Cutter<'a> {
    /// Runs the program once to see that it ends as the statement says, and how many segments that makes.
    ///
    /// # Errors
    /// [`StatementError`], if it does not.
    ///
    /// # Panics
    /// If `steps` is 0.
    pub fn new(run: &'a Arc<ExecutionStatement>, steps: u32) -> Result<Self, StatementError> {
        assert!(steps > 0, "a segment has steps");
        let total = run.repeat(&Secret::default())?.steps;
        let count = total.div_ceil(u64::from(steps));
        let limit = u64::from(SegmentStatement::MAX_COUNT) * u64::from(steps);
        let too_long = StatementError::TooLong {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        };
        let count = u32::try_from(count).map_err(|_| too_long.clone())?;
        if count > SegmentStatement::MAX_COUNT {
            return Err(too_long);
        }
        let inputs = nonos_machine::Inputs {
            input: &run.tapes().input,
            inbound: &run.tapes().inbound,
            sealed: &[],
            arguments: &run.run().inputs[3].words,
        };
        Ok(Self {
            run,
            segments: Segments::new(run.program(), &inputs, run.fuel_limit()),
            tree: Tree::initial(&run.program().data),
            steps,
            index: 0,
            count,
        })
    }

    /// Segments of the run.
    pub fn segments(&self) -> u32 {
        self.count
    }
}

impl Iterator for Cutter<'_> {
    type Item = SegmentJob;

    fn next(&mut self) -> Option<SegmentJob> {
        if self.index == self.count {
            return None;
        }
        let before = self.segments.state();
        let trace = self.segments.advance(self.steps);
        let changes = changes(&trace, |key| self.segments.cell(key));
        let witness = SegmentWitness {
            steps: self.steps,
            leaves: changes
                .iter()
                .map(|(index, change)| (*index, change.old))
                .collect(),
            siblings: self.tree.siblings(changes.keys()),
        };
        let update = self.tree.update(changes);
        let boundaries = [
            boundary(before, &update.before),
            boundary(self.segments.state(), &update.after),
        ];
        let statement = SegmentStatement::following(self.run.clone(), self.index, self.count, boundaries);
        self.index += 1;
        Some(SegmentJob {
            statement: statement.expect("the run ends as its statement says: it was repeated"),
            witness,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.count - self.index) as usize;
        (left, Some(left))
    }
}
