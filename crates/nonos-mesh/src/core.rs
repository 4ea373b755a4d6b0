//! The mesh's rules, without a network: time comes in as an argument, and nothing here waits.

mod admission;
pub mod assignment;
mod budget;
pub mod bundle;
mod clocks;
mod directory;
mod download;
pub mod feed;
mod intake;
mod invitation;
pub mod journal;
mod neighbours;
pub mod onion;
mod recent;
pub mod reconcile;
mod redial;
mod refusal;
mod schedule;
pub mod segment;
mod throttle;
mod topic;

pub(crate) use self::recent::Recent;
#[cfg(feature = "net")]
pub(crate) use self::refusal::Counters;
pub use self::{
    admission::{Admission, Budgets},
    budget::Rate,
    clocks::{Came, Clocks, Offset, Skew},
    directory::{Directory, DirectoryLimits, Prefix, Seen, Standing},
    download::{Ask, Download, Dropped},
    intake::{Full, Intake, IntakeLimits},
    invitation::{BadInvitation, Invitation},
    neighbours::{Candidate, Guest, Link, Move, Neighbours, Regard, Way, Wish, gives_way},
    redial::Redial,
    refusal::{Acceptance, Drops, Refusal},
    schedule::Schedule,
    throttle::{Kbits, Throttle},
    topic::{Promise, Topic},
};
