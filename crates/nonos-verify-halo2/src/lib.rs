//! nonos-verify-halo2
