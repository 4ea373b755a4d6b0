//! Tests of the tables.

mod attacks;
mod samples;
mod tables;
