//! What the books promise.

mod agreement;
mod anchor;
mod batch;
mod crash;
mod damage;
mod feed;
mod fees;
mod ledger;
mod rollup;
mod rules;
mod settlement;
mod support;
mod vouchers;
