//! What a process of its own costs a run.
fn main() {}
