//! nonos-capsule
