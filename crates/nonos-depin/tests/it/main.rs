//! What the books promise.

mod agreement;
mod anchor;
mod crash;
mod damage;
mod feed;
mod fees;
mod ledger;
mod rules;
mod support;
mod vouchers;
