//! nonos-store
