//! nonos-state
