//! Fixed limits: the same for every node, so that all accept the same packages and runs agree.

use nonos_types::{Fuel, Pages};

/// Calls that may be open at once; the entry is the first. One more is a stack overflow, and no other
/// stack limit may bind before it.
pub const CALL_DEPTH: u16 = 512;
/// Greatest memory a policy may grant, in pages of 64 KiB (1 GiB).
pub const PAGES: Pages = Pages::new(16_384);
/// Greatest fuel budget of a policy.
pub const FUEL: Fuel = Fuel::new(1 << 40);

/// Bytes of a package's manifest.
pub const MANIFEST_BYTES: usize = 64 << 10;
/// Bytes of a wasm module.
pub const MODULE_BYTES: usize = 16 << 20;
/// Capsules in a dependency map.
pub const DEPENDENCIES: usize = 1_024;
/// Bytes of an encoded policy.
pub const POLICY_BYTES: usize = 4 << 10;
/// Bytes of a package: all of its sections at their greatest, header and trailer.
pub const PACKAGE_BYTES: usize = 29 + MANIFEST_BYTES + MODULE_BYTES + DEPENDENCIES * 32 + POLICY_BYTES + 64;
/// Bytes of a name in a manifest: capsule, author, entry.
pub const NAME_BYTES: usize = 128;

/// Functions of a module, imported ones included.
pub const FUNCTIONS: u32 = 16_384;
/// Operators of a module, all functions together.
pub const OPERATORS: u32 = 1 << 21;
/// Parameters of a function.
pub const PARAMETERS: usize = 16;
/// Results of a function.
pub const RESULTS: usize = 16;
/// Parameters and locals of a function.
pub const LOCALS: u32 = 8_192;
/// Values on the operand stack of a function.
pub const OPERANDS: u32 = 4_096;
/// Nesting of blocks in a function.
pub const NESTING: u32 = 512;
/// Globals of a module.
pub const GLOBALS: u32 = 1_024;
/// Data segments of a module.
pub const DATA_SEGMENTS: u32 = 16_384;
/// Tables of a module.
pub const TABLES: usize = 16;
/// Entries of a table. To grow a table further fails, whatever maximum the module declares.
pub const TABLE: u64 = 4_096;
/// Entries of all tables of a module, each counted at its maximum.
pub const TABLE_ENTRIES: u32 = 65_535;
/// Element segments of a module.
pub const ELEMENT_SEGMENTS: u32 = 4_096;
/// Entries of all element segments of a module.
pub const ELEMENTS: u32 = 32_768;
