//! nonos-types
