//! Tests of the tables.

mod samples;
mod tables;
