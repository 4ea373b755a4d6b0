//! The mesh's rules, without a network: time comes in as an argument, and nothing here waits.

mod admission;
mod budget;
mod intake;
mod recent;
mod redial;
mod refusal;
mod topic;

pub use self::{
    admission::{Admission, Budgets},
    budget::Rate,
    intake::{Full, Intake, IntakeLimits},
    redial::Redial,
    refusal::{Acceptance, Drops, Refusal},
    topic::{Shard, Topic},
};
#[cfg(feature = "net")]
pub(crate) use self::{recent::Recent, refusal::Counters};
