//! The mesh's rules, without a network: time comes in as an argument, and nothing here waits.

mod admission;
mod budget;
pub mod bundle;
mod intake;
pub mod journal;
mod recent;
pub mod reconcile;
mod redial;
mod refusal;
mod topic;

pub(crate) use self::recent::Recent;
#[cfg(feature = "net")]
pub(crate) use self::refusal::Counters;
pub use self::{
    admission::{Admission, Budgets},
    budget::Rate,
    intake::{Full, Intake, IntakeLimits},
    redial::Redial,
    refusal::{Acceptance, Drops, Refusal},
    topic::{Shard, Topic},
};
