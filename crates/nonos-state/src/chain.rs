use nonos_types::{CheckpointRoot, Fuel, StateHash};

/// A point of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Fuel used up to here.
    pub fuel_used: Fuel,
    /// State of the run here.
    pub state: StateHash,
}

/// Secret of a sealed run. Without it, nobody can find a state by guessing and confirm it by the root.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    /// 32 bytes of good randomness.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// The checkpoints of a run and the root that commits to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    root: CheckpointRoot,
    checkpoints: Vec<Checkpoint>,
}

/// The first checkpoint at which two runs differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its position, from 0.
    pub index: usize,
    /// The one run's checkpoint; absent if that run has no more.
    pub left: Option<Checkpoint>,
    /// The other's.
    pub right: Option<Checkpoint>,
}

impl Chain {
    /// A chain without checkpoints; its root is zero.
    pub fn new() -> Self {
        Self {
            root: CheckpointRoot::ZERO,
            checkpoints: Vec::new(),
        }
    }

    /// A chain whose root says nothing to who does not know the salt.
    pub fn salted(salt: Salt) -> Self {
        Self {
            root: CheckpointRoot::hash(&[b"salt", &salt.0]),
            checkpoints: Vec::new(),
        }
    }

    /// Adds the next checkpoint.
    pub fn push(&mut self, checkpoint: Checkpoint) {
        self.root = CheckpointRoot::hash(&[
            self.root.as_bytes(),
            &checkpoint.fuel_used.get().to_le_bytes(),
            checkpoint.state.as_bytes(),
        ]);
        self.checkpoints.push(checkpoint);
    }

    /// Commits to the checkpoints and their order.
    pub fn root(&self) -> CheckpointRoot {
        self.root
    }

    /// The checkpoints in order.
    pub fn checkpoints(&self) -> &[Checkpoint] {
        &self.checkpoints
    }

    /// Where two runs part; `None` if their checkpoints are the same (their salts may differ).
    pub fn first_difference(&self, other: &Self) -> Option<Difference> {
        let (left, right) = (&self.checkpoints, &other.checkpoints);
        (0..left.len().max(right.len()))
            .map(|index| Difference {
                index,
                left: left.get(index).copied(),
                right: right.get(index).copied(),
            })
            .find(|pair| pair.left != pair.right)
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self::new()
    }
}

impl Extend<Checkpoint> for Chain {
    fn extend<I: IntoIterator<Item = Checkpoint>>(&mut self, checkpoints: I) {
        checkpoints
            .into_iter()
            .for_each(|checkpoint| self.push(checkpoint));
    }
}
