//! Tests of the tables.

mod asm;
mod attacks;
mod samples;
mod tables;
