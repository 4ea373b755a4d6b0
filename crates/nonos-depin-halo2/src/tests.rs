//! What the circuit refuses, what the backend refuses, and that the pages say so.

mod attacks;
mod backend;
mod docs;
mod honest;
mod lies;
mod support;
