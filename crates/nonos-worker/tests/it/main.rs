//! A worker runs as the sandbox does, and one that does not do as it should costs one job.

mod hostile;
mod layers;
mod runs;
mod support;
