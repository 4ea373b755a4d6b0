//! The operator node's command line.
fn main() {}
