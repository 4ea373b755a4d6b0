//! What the bytes and texts of the value types promise.

mod amount;
mod channel;
mod digest;
mod envelope;
mod json;
mod message;
mod outline;
mod record;
mod sample;
