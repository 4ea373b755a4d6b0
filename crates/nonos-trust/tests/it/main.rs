//! What the keystore, the scores, the judge and the book of trust promise.

mod backup;
mod book;
mod brake;
mod forged;
mod judge;
mod keystore;
mod operator;
mod relay;
mod sample;
mod score;
mod states;
