//! Runs capsules in a process of their own, which can do nothing else.
#![forbid(unsafe_code)]
