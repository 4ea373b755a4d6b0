//! What the books promise.

mod agreement;
mod anchor;
mod batch;
mod crash;
mod damage;
mod death;
mod feed;
mod fees;
mod incarnations;
mod ledger;
mod resume;
mod rollup;
mod rules;
mod schedules;
mod settlement;
mod support;
mod vouchers;
