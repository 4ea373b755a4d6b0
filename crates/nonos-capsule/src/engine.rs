//! The interpreter's settings, in one place: they are part of what a run means.

use nonos_package::limits;
use wasmi::{CompilationMode, Config, Engine};

/// Open calls the interpreter allows; above [`limits::CALL_DEPTH`], which metering makes binding.
const RECURSION: usize = limits::CALL_DEPTH as usize + 16;

/// Bytes of the interpreter's value stack. A function has at most 2^15 slots of 8 bytes in the interpreter's
/// code, so that [`RECURSION`] of them fit; the stack grows as it is used.
const STACK_HEIGHT: usize = RECURSION << 18;

/// An engine that does the same everywhere.
///
/// Fuel and call depth are metered by the module itself, see [`crate::meter`]. Compilation is eager (a lazy
/// one happens during the run), and everything outside the capsule instruction set is off: floats and what
/// later proposals added; start functions too, since the host calls them. SIMD, threads, text and 64-bit memories are not compiled in.
pub(crate) fn engine() -> Engine {
    Engine::new(&config())
}

fn config() -> Config {
    let mut config = Config::default();
    config
        .consume_fuel(false)
        .compilation_mode(CompilationMode::Eager)
        .ignore_custom_sections(true)
        .allow_start_fn(false)
        .floats(false)
        .wasm_mutable_global(true)
        .wasm_sign_extension(true)
        .wasm_multi_value(true)
        .wasm_multi_memory(false)
        .wasm_bulk_memory(true)
        .wasm_reference_types(true)
        .wasm_tail_call(true)
        .wasm_extended_const(false)
        .wasm_saturating_float_to_int(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .set_max_recursion_depth(RECURSION)
        .set_max_stack_height(STACK_HEIGHT)
        .set_max_cached_stacks(2);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(wat: &str) -> bool {
        let wasm = wat::parse_str(wat).expect("well-formed text");
        wasmi::Module::new(&engine(), &wasm).is_ok()
    }

    #[test]
    fn accepts_the_capsule_instruction_set() {
        assert!(accepts(
            "(module (memory 1) (func (export \"f\") (param i64) (result i32) local.get 0 i32.wrap_i64 i32.extend8_s))"
        ));
        for wat in [
            "(module (func return_call 0))",
            "(module (table 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1)))))",
            "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
            "(module (func (result i32 i32) i32.const 0 i32.const 0))",
        ] {
            assert!(accepts(wat), "{wat}");
        }
    }

    #[test]
    fn refuses_floats_in_any_place() {
        assert!(!accepts("(module (func f32.const 0 drop))"));
        assert!(!accepts("(module (func (param f64)))"));
        assert!(!accepts("(module (global f64 (f64.const 0)))"));
        assert!(!accepts("(module (func i64.const 0 f64.reinterpret_i64 drop))"));
    }

    /// Cargo unites the features of one build graph: this fails if some other crate switches SIMD on.
    #[test]
    fn refuses_simd() {
        assert!(!accepts("(module (func i32.const 0 i8x16.splat drop))"));
        assert!(!accepts("(module (func (param v128)))"));
    }

    #[test]
    fn refuses_later_proposals() {
        for wat in [
            "(module (memory 1 1 shared))",
            "(module (memory i64 1))",
            "(module (memory 1) (memory 1))",
            "(module (memory 1 (pagesize 1)))",
            "(module (global i32 (i32.add (i32.const 1) (i32.const 1))))",
            "(module (func (param i64) (i64.mul_wide_s (local.get 0) (local.get 0)) drop drop))",
        ] {
            assert!(!accepts(wat), "{wat}");
        }
    }

    #[test]
    fn refuses_start_functions() {
        let wasm = wat::parse_str("(module (func $f) (start $f))").expect("well-formed text");
        let engine = engine();
        let refused = match wasmi::Module::new(&engine, &wasm) {
            Err(_) => true,
            Ok(module) => {
                let mut store = wasmi::Store::new(&engine, ());
                wasmi::Linker::new(&engine)
                    .instantiate_and_start(&mut store, &module)
                    .is_err()
            }
        };
        assert!(refused);
    }

    #[test]
    fn refuses_text() {
        assert!(wasmi::Module::new(&engine(), b"(module)").is_err());
    }

    #[test]
    fn compiles_before_it_runs_and_counts_no_fuel_of_its_own() {
        let config = format!("{:?}", config());
        assert!(config.contains("compilation_mode: Eager"), "{config}");
        assert!(config.contains("consume_fuel: false"), "{config}");
    }
}
