//! nonos-package
