//! nonos-store-rocksdb
