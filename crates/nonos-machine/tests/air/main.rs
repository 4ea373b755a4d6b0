//! Tests of the tables.

mod asm;
mod attacks;
mod catalogue;
mod circuits;
mod inject;
mod mutate;
mod page;
mod samples;
mod segments;
mod tables;
