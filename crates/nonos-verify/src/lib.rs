//! nonos-verify
