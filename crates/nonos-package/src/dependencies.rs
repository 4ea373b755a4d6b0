//! What a capsule needs, directly and by what it needs: the closure of its dependency map.
//!
//! Packages name one another by the hashes of their bytes, so that no honest cycle can be made. The walk does not build
//! on that: it believes what it is told of a capsule, refuses a cycle by its members, and has bounds for all else.
//! It fetches nothing. It says which capsule it must know next, and is told.

use std::collections::{BTreeMap, BTreeSet};

use nonos_types::{ByteLen, CapsuleHash, Fault};

use crate::Package;

/// Most capsules that a capsule may need, all together.
pub const MAX_COUNT: usize = 64;
/// Most capsules on a way from a capsule's dependency to one that needs nothing, both counted.
pub const MAX_DEPTH: usize = 16;
/// Most bytes of the packages that a capsule needs, all together.
pub const MAX_BYTES: ByteLen = ByteLen::new(64 << 20);

/// Why a capsule's dependencies cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Capsules that need one another.
    #[error("capsules need one another: {}", chain(capsules))]
    Cycle {
        /// Each needs the next, and the last is the first.
        capsules: Vec<CapsuleHash>,
    },
    /// There are too many.
    #[error("it needs more than {limit} capsules")]
    TooMany {
        /// Most there may be.
        limit: usize,
    },
    /// One needs one that needs one, and so on, for too long.
    #[error("{capsule} is needed over more than {limit} steps")]
    TooDeep {
        /// The first that is too far.
        capsule: CapsuleHash,
        /// Most steps.
        limit: usize,
    },
    /// Their packages are too long.
    #[error("the capsules it needs have more than {limit} together")]
    TooLong {
        /// Most they may have.
        limit: ByteLen,
    },
    /// One is not here, and nobody gives it.
    #[error("{capsule}, which {by} needs, cannot be had")]
    Missing {
        /// Which.
        capsule: CapsuleHash,
        /// What needs it.
        by: CapsuleHash,
    },
}

impl Error {
    /// Who has to act: the author of the capsule, or those who should give what it needs.
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

fn chain(capsules: &[CapsuleHash]) -> String {
    let names: Vec<String> = capsules.iter().map(CapsuleHash::to_string).collect();
    names.join(", ")
}

/// A walk over all that a capsule needs, in depth.
///
/// ```
/// use nonos_package::dependencies::{Error, Walk};
/// use nonos_types::{ByteLen, CapsuleHash};
///
/// let [app, codec, tables] = ["app", "codec", "tables"].map(|it| CapsuleHash::hash(&[it.as_bytes()]));
/// let mut walk = Walk::new(app, &[codec])?;
/// while let Some(needed) = walk.next()? {
///     let needs = if needed == codec { vec![tables] } else { vec![] };
///     walk.found(&needs, ByteLen::new(1000))?;
/// }
/// assert_eq!(walk.finish(), [tables, codec]);
/// # Ok::<_, Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Walk {
    /// The way to where it is, from the capsule itself.
    way: Vec<Step>,
    /// What is known with all it needs, and over how many steps that is.
    known: BTreeMap<CapsuleHash, usize>,
    /// The same, each behind what it needs.
    order: Vec<CapsuleHash>,
    /// All that were seen to be needed.
    seen: BTreeSet<CapsuleHash>,
    bytes: u64,
    /// The capsule that must be known next.
    wanted: Option<CapsuleHash>,
}

#[derive(Clone, Debug)]
struct Step {
    capsule: CapsuleHash,
    needs: Vec<CapsuleHash>,
    /// How many of them were looked at.
    looked_at: usize,
    /// Steps below this one.
    height: usize,
}

impl Walk {
    /// Starts at a capsule with this dependency map.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn new(capsule: CapsuleHash, needs: &[CapsuleHash]) -> Result<Self, Error> {
        let mut walk = Self {
            way: Vec::new(),
            known: BTreeMap::new(),
            order: Vec::new(),
            seen: BTreeSet::new(),
            bytes: 0,
            wanted: None,
        };
        walk.go_to(capsule, needs)?;
        Ok(walk)
    }

    /// Starts at a package.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn of(package: &Package) -> Result<Self, Error> {
        Self::new(package.capsule_hash(), package.dependencies())
    }

    /// The capsule that must be known next, the same until [`Walk::found`] tells of it; `None` if all are known.
    ///
    /// # Errors
    /// [`Error::Cycle`] and [`Error::TooDeep`].
    #[expect(
        clippy::should_implement_trait,
        reason = "it fails, and goes on only when it is told"
    )]
    pub fn next(&mut self) -> Result<Option<CapsuleHash>, Error> {
        while self.wanted.is_none() {
            let depth = self.way.len();
            let Some(step) = self.way.last_mut() else {
                return Ok(None);
            };
            let Some(next) = step.needs.get(step.looked_at).copied() else {
                self.leave();
                continue;
            };
            step.looked_at += 1;
            // The way begins with the capsule itself, which is no step.
            let below = self.known.get(&next).copied();
            if depth + below.unwrap_or(0) > MAX_DEPTH {
                return Err(Error::TooDeep {
                    capsule: next,
                    limit: MAX_DEPTH,
                });
            }
            match below {
                Some(below) => step.height = step.height.max(below + 1),
                None => self.want(next)?,
            }
        }
        Ok(self.wanted)
    }

    /// Tells of the capsule that [`Walk::next`] wants: what it needs, and how long its package is. It does nothing if
    /// none is wanted.
    ///
    /// # Errors
    /// [`Error::TooMany`] and [`Error::TooLong`].
    pub fn found(&mut self, needs: &[CapsuleHash], len: ByteLen) -> Result<(), Error> {
        let Some(capsule) = self.wanted.take() else {
            return Ok(());
        };
        self.bytes = self.bytes.saturating_add(len.get());
        if self.bytes > MAX_BYTES.get() {
            return Err(Error::TooLong { limit: MAX_BYTES });
        }
        self.go_to(capsule, needs)
    }

    /// The capsule that [`Walk::next`] wants cannot be had.
    pub fn missing(&self) -> Option<Error> {
        let by = self.way.last()?.capsule;
        let capsule = self.wanted?;
        Some(Error::Missing { capsule, by })
    }

    /// All that are needed and known, each behind those that it needs itself.
    pub fn finish(self) -> Vec<CapsuleHash> {
        self.order
    }

    fn want(&mut self, next: CapsuleHash) -> Result<(), Error> {
        if let Some(at) = self.way.iter().position(|it| it.capsule == next) {
            let mut capsules: Vec<CapsuleHash> = self.way[at..].iter().map(|it| it.capsule).collect();
            capsules.push(next);
            return Err(Error::Cycle { capsules });
        }
        self.wanted = Some(next);
        Ok(())
    }

    fn go_to(&mut self, capsule: CapsuleHash, needs: &[CapsuleHash]) -> Result<(), Error> {
        // A map may be long: nothing of it is kept before it is known to be short enough.
        let new = needs.iter().filter(|it| !self.seen.contains(it)).count();
        if needs.len() > MAX_COUNT || self.seen.len() + new > MAX_COUNT {
            return Err(Error::TooMany { limit: MAX_COUNT });
        }
        self.seen.extend(needs);
        self.way.push(Step {
            capsule,
            needs: needs.to_vec(),
            looked_at: 0,
            height: 0,
        });
        Ok(())
    }

    /// Goes back to what needs the last capsule of the way.
    fn leave(&mut self) {
        let Some(step) = self.way.pop() else { return };
        if let Some(above) = self.way.last_mut() {
            above.height = above.height.max(step.height + 1);
            self.known.insert(step.capsule, step.height);
            self.order.push(step.capsule);
        }
    }
}

/// All that a capsule needs, by what `look_up` tells of each: what it needs itself, and how long its package is.
///
/// # Errors
/// [`Error`]; [`Error::Missing`] where it tells nothing.
///
/// ```
/// use nonos_package::dependencies::{Error, closure};
/// use nonos_types::CapsuleHash;
///
/// let [app, codec] = ["app", "codec"].map(|it| CapsuleHash::hash(&[it.as_bytes()]));
/// let absent = closure(app, &[codec], |_| None);
/// assert_eq!(absent, Err(Error::Missing { capsule: codec, by: app }));
/// ```
pub fn closure(
    capsule: CapsuleHash,
    needs: &[CapsuleHash],
    mut look_up: impl FnMut(CapsuleHash) -> Option<(Vec<CapsuleHash>, ByteLen)>,
) -> Result<Vec<CapsuleHash>, Error> {
    let mut walk = Walk::new(capsule, needs)?;
    while let Some(next) = walk.next()? {
        match look_up(next) {
            Some((needs, len)) => walk.found(&needs, len)?,
            None => return Err(walk.missing().expect("one is wanted")),
        }
    }
    Ok(walk.finish())
}
