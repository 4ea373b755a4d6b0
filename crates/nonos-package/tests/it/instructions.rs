//! What a module may be.

use nonos_package::{
    HostCall,
    instructions::{self, Error, Module},
    limits,
};
use nonos_types::{Pages, ValueType};

fn check(module: &str) -> Result<Module, Error> {
    instructions::check(&wat::parse_str(module).unwrap())
}

fn refused_opcode(body: &str) -> String {
    match check(&format!("(module (memory 1) (func {body}))")) {
        Err(Error::Opcode {
            function: 0, opcode, ..
        }) => opcode,
        other => panic!("{other:?}"),
    }
}

fn refused_part(module: &str) -> &'static str {
    match check(module) {
        Err(Error::Structure { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

fn exceeded(module: &str) -> &'static str {
    match check(module) {
        Err(Error::Limit { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn accepts_the_whole_instruction_set() {
    let binary = "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u";
    let mut body = String::new();
    for op in binary.split(' ') {
        body += &format!("i32.const 1 i32.const 2 i32.{op} drop i64.const 1 i64.const 2 i64.{op} drop ");
    }
    for op in [
        "i32.eqz",
        "i32.clz",
        "i32.ctz",
        "i32.popcnt",
        "i64.extend_i32_s",
        "i64.extend_i32_u",
        "i32.extend8_s",
        "i32.extend16_s",
        "i32.load",
        "i32.load8_s",
        "i32.load8_u",
        "i32.load16_s",
        "i32.load16_u",
        "i64.load",
        "i64.load8_s",
        "i64.load8_u",
        "i64.load16_s",
        "i64.load16_u",
        "i64.load32_s",
        "i64.load32_u",
        "memory.grow",
    ] {
        body += &format!("i32.const 1 {op} drop ");
    }
    for op in [
        "i64.eqz",
        "i64.clz",
        "i64.ctz",
        "i64.popcnt",
        "i32.wrap_i64",
        "i64.extend8_s",
        "i64.extend16_s",
        "i64.extend32_s",
    ] {
        body += &format!("i64.const 1 {op} drop ");
    }
    for op in ["i32.store", "i32.store8", "i32.store16"] {
        body += &format!("i32.const 1 i32.const 1 {op} ");
    }
    for op in ["i64.store", "i64.store8", "i64.store16", "i64.store32"] {
        body += &format!("i32.const 1 i64.const 1 {op} ");
    }
    let module = check(&format!(
        r#"(module (import "nonos" "read" (func (param i32) (result i64))) (memory 1 3)
           (global (mut i32) (i32.const 7)) (data (i32.const 65533) "abc") (data $d "passive")
           (global funcref (ref.func 0)) (global externref (ref.null extern))
           (table $t 3 funcref) (table $x 2 9 externref)
           (elem (i32.const 1) func 0 1) (elem $e funcref (ref.null func) (ref.func 2)) (elem declare func 2)
           (type $pair (func (param i32) (result i32 i32)))
           (func $start) (start $start)
           (func $pair (export "pair") (type $pair) local.get 0 local.get 0)
           (func (export "references") (param funcref) (result externref) ref.null extern)
           (func (export "f") (param i64) (result i32) (local i32)
             {body} memory.size drop nop
             (loop (br_if 0 (i32.const 0)) (block (br 0)) (if (i32.const 1) (then nop) (else (return (i32.const 1)))))
             (global.set 0 (global.get 0)) (drop (call 0 (i32.const 0)))
             (local.set 1 (local.tee 1 (i32.const 2)))
             (drop (select (i32.const 1) (i32.const 2) (local.get 1)))
             (drop (select (result i64) (i64.const 1) (i64.const 2) (local.get 1)))
             (block (br_table 0 0 0 (i32.const 1)))
             (i32.const 1) (block (param i32) (result i32 i32) (call $pair)) (drop) (drop)
             (call_indirect (type $pair) (i32.const 1) (i32.const 2)) (drop) (drop)
             (drop (ref.is_null (ref.null func))) (drop (ref.func $pair)) (drop (ref.null extern))
             (table.set $x (i32.const 0) (table.get $x (i32.const 1))) (drop (table.size $t))
             (drop (table.grow $t (ref.null func) (i32.const 2))) (elem.drop $e) (data.drop $d)
             (table.fill $t (i32.const 0) (ref.null func) (i32.const 2))
             (table.copy $t $t (i32.const 0) (i32.const 0) (i32.const 2))
             (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 2))
             (memory.copy (i32.const 0) (i32.const 0) (i32.const 2))
             (memory.fill (i32.const 0) (i32.const 0) (i32.const 2))
             (memory.init $d (i32.const 0) (i32.const 0) (i32.const 2))
             (if (i32.const 0) (then (return_call_indirect (param i64) (result i32) (i64.const 1) (i32.const 2))))
             (return_call $last))
           (func $last (result i32) unreachable))"#
    ))
    .unwrap();
    assert_eq!(module.imports, [HostCall::Read]);
    assert_eq!((module.pages, module.max_pages), (Pages::new(1), Pages::new(3)));
    let export = &module.exports["f"];
    assert_eq!(export.function, 4);
    assert_eq!(export.signature.params, [ValueType::I64]);
    assert_eq!(export.signature.results, [ValueType::I32]);
    assert_eq!(module.exports["pair"].signature.results, [ValueType::I32; 2]);
    assert!(!module.exports.contains_key("references"), "no entry");
    let tables = module.tables.iter().map(|table| (table.initial, table.limit));
    assert_eq!(tables.collect::<Vec<_>>(), [(3, 4096), (2, 9)]);
    assert_eq!(module.start, Some(1));
}

#[test]
fn names_the_function_the_offset_and_the_opcode() {
    let wasm = wat::parse_str(
        r#"(module (import "nonos" "checkpoint" (func)) (func) (func f32.const 8 f32.ceil drop))"#,
    )
    .unwrap();
    let Err(Error::Opcode {
        function,
        offset,
        opcode,
    }) = instructions::check(&wasm)
    else {
        panic!("accepted")
    };
    assert_eq!((function, opcode.as_str()), (2, "f32.const"));
    assert_eq!(wasm[offset], 0x43, "the opcode's byte");
}

#[test]
fn refuses_what_is_outside_of_the_instruction_set() {
    for (body, opcode) in [
        ("f32.const 1 drop", "f32.const"),
        ("i32.const 1 f64.convert_i32_s drop", "f64.convert_i32_s"),
        ("i32.const 1 i32.trunc_sat_f32_s drop", "i32.trunc_sat_f32_s"),
        ("i32.const 1 f32.load drop", "f32.load"),
        ("i32.const 1 i64.reinterpret_f64 drop", "i64.reinterpret_f64"),
        ("v128.const i64x2 0 0 drop", "v128.const"),
        ("i32.const 0 i8x16.splat drop", "i8x16.splat"),
        ("i32.const 0 i32.atomic.load drop", "i32.atomic_load"),
        ("i32.const 0 memory.discard 0", "memory.discard"),
        (
            "i64.const 0 i64.const 0 i64.mul_wide_s drop drop",
            "i64.mul_wide_s",
        ),
        ("call_ref 0", "call_ref"),
        ("return_call_ref 0", "return_call_ref"),
        ("ref.null func ref.as_non_null drop", "ref.as_non_null"),
        ("ref.null func br_on_null 0 drop", "br_on_null"),
        ("ref.null func ref.null func ref.eq drop", "ref.eq"),
        ("i32.const 0 ref.i31 drop", "ref.i31"),
        ("throw 0", "throw"),
        ("try_table end", "try_table"),
    ] {
        assert_eq!(refused_opcode(body), opcode);
    }
}

#[test]
fn refuses_imports_outside_of_the_abi() {
    for import in [
        r#"(import "env" "read" (func (param i32) (result i64)))"#,
        r#"(import "nonos" "open" (func (param i32) (result i64)))"#,
        r#"(import "wasi_snapshot_preview1" "clock_time_get" (func))"#,
        r#"(import "env" "memory" (memory 1))"#,
    ] {
        assert!(
            matches!(check(&format!("(module {import})")), Err(Error::Import { .. })),
            "{import}"
        );
    }
    for import in [
        r#"(import "nonos" "read" (func (param i64) (result i64)))"#,
        r#"(import "nonos" "exit" (func (param i32) (result i32)))"#,
        r#"(import "nonos" "read" (memory 1))"#,
        r#"(import "nonos" "read" (global i32))"#,
    ] {
        assert!(
            matches!(
                check(&format!("(module {import})")),
                Err(Error::ImportType { .. })
            ),
            "{import}"
        );
    }
}

#[test]
fn refuses_structure_that_could_act_unseen() {
    for (module, what) in [
        (
            "(module (table 1 funcref (ref.func 0)) (func))",
            "a table with a value",
        ),
        (
            "(module (table i64 1 funcref))",
            "a table that is 64-bit or shared",
        ),
        (
            "(module (table 1 funcref) (func) (elem (offset (i32.add (i32.const 0) (i32.const 0))) 0))",
            "an initialiser other than one constant",
        ),
        (
            "(module (table 1 funcref) (func) (elem (offset (i64.const 0)) 0))",
            "a segment whose place is not a 32-bit constant",
        ),
        (
            "(module (elem i31ref (ref.i31 (i32.const 0))))",
            "an initialiser other than one constant",
        ),
        (
            "(module (global i32 (i32.const 0)) (memory 1) (data (offset (global.get 0)) \"\"))",
            "an initialiser other than one constant",
        ),
        (
            "(module (memory i64 1))",
            "a memory that is 64-bit, shared or of another page size",
        ),
        (
            "(module (memory 1 1 shared))",
            "a memory that is 64-bit, shared or of another page size",
        ),
        (
            "(module (global i32 (i32.add (i32.const 1) (i32.const 1))))",
            "an initialiser other than one constant",
        ),
        ("(module (tag))", "an exception tag"),
        ("(module (type (struct)))", "a type that is not a function's"),
        ("(component)", "a component"),
    ] {
        assert_eq!(refused_part(module), what, "{module}");
    }
}

#[test]
fn refuses_types_outside_of_the_set() {
    for module in [
        "(module (func (param f32)))",
        "(module (func (local f64)))",
        "(module (func (param v128)))",
        "(module (func (result (ref func)) unreachable))",
        "(module (func (param anyref)))",
        "(module (table 1 anyref))",
        "(module (func (block (result f32) unreachable) drop))",
        "(module (global f64 (f64.const 0)))",
    ] {
        assert!(
            matches!(
                check(module),
                Err(Error::Invalid { .. } | Error::Structure { .. })
            ),
            "{module}"
        );
    }
}

#[test]
fn refuses_data_outside_of_the_initial_memory() {
    for module in [
        r#"(module (memory 1) (data (i32.const 65534) "abc"))"#,
        r#"(module (memory 0) (data (i32.const 0) "a"))"#,
        r#"(module (memory 1) (data (i32.const -1) "a"))"#,
    ] {
        assert!(
            matches!(check(module), Err(Error::DataOutOfBounds { .. })),
            "{module}"
        );
    }
}

#[test]
fn refuses_elements_outside_of_the_initial_table() {
    let most = "(module (table 2 5 funcref) (func) (elem (i32.const 1) 0))";
    assert!(check(most).is_ok());
    for module in [
        "(module (table 2 5 funcref) (func) (elem (i32.const 2) 0))",
        "(module (table 1 funcref) (table 9 funcref) (func) (elem (i32.const 0) 0 0))",
        "(module (table 1 externref) (elem (i32.const -1) externref (ref.null extern)))",
        "(module (table 1 funcref) (elem (i32.const 2) func))",
    ] {
        let Err(Error::ElementsOutOfBounds { offset }) = check(module) else {
            panic!("{module}")
        };
        assert!(offset > 8);
    }
    assert!(check("(module (func) (elem func 0))").is_ok(), "passive");
}

#[test]
fn refuses_more_than_the_limits_allow() {
    let params = "i32 ".repeat(limits::PARAMETERS + 1);
    assert_eq!(
        exceeded(&format!("(module (func (param {params})))")),
        "parameters of a function"
    );
    assert_eq!(exceeded("(module (memory 32769))"), "pages of memory");
    assert_eq!(exceeded("(module (memory 1) (memory 1))"), "memories");
    assert_eq!(exceeded("(module (table 4097 funcref))"), "entries of a table");
    let tables =
        |count: usize, most: &str| format!("(module {})", format!("(table 0 {most} funcref)").repeat(count));
    assert!(check(&tables(limits::TABLES, "4095")).is_ok());
    assert_eq!(exceeded(&tables(limits::TABLES + 1, "1")), "tables");
    assert_eq!(exceeded(&tables(limits::TABLES, "")), "entries of all tables");
    let results = |count: usize| format!("(module (func (result {}) unreachable))", "i32 ".repeat(count));
    assert!(check(&results(limits::RESULTS)).is_ok());
    assert_eq!(exceeded(&results(limits::RESULTS + 1)), "results of a function");
    let segments = |count: u32| format!("(module {})", "(elem func)".repeat(count as usize));
    assert!(check(&segments(limits::ELEMENT_SEGMENTS)).is_ok());
    assert_eq!(
        exceeded(&segments(limits::ELEMENT_SEGMENTS + 1)),
        "element segments"
    );
    let entries = |count: u32| {
        format!(
            "(module (func) (elem func {}) (elem func 0))",
            "0 ".repeat(count as usize)
        )
    };
    assert!(check(&entries(limits::ELEMENTS - 1)).is_ok());
    assert_eq!(
        exceeded(&entries(limits::ELEMENTS)),
        "entries of element segments"
    );
    let locals = "i64 ".repeat(limits::LOCALS as usize + 1);
    assert_eq!(
        exceeded(&format!("(module (func (local {locals})))")),
        "locals of a function"
    );
    let deep = limits::OPERANDS as usize + 1;
    let body = format!("{} {}", "i32.const 0 ".repeat(deep), "drop ".repeat(deep));
    assert_eq!(
        exceeded(&format!("(module (func {body}))")),
        "values on the operand stack"
    );
    let nest = limits::NESTING as usize;
    let body = format!("{} {}", "block ".repeat(nest), "end ".repeat(nest));
    assert_eq!(exceeded(&format!("(module (func {body}))")), "nested blocks");
    let body = "i32.const 0 drop ".repeat(65_536);
    assert_eq!(exceeded(&format!("(module (func {body}))")), "fuel in one block");
}

#[test]
fn refuses_invalid_modules() {
    for module in [
        "(module (func i32.const 0))",
        "(module (func i64.const 0 i32.eqz drop))",
        "(module (func local.get 9 drop))",
    ] {
        assert!(matches!(check(module), Err(Error::Invalid { .. })), "{module}");
    }
    let wasm = wat::parse_str("(module (memory 1) (func i32.const 0 drop))").unwrap();
    for end in 0..wasm.len() {
        // After the header, and after the types, what there is so far is a module.
        if let Err(error) = instructions::check(&wasm[..end]) {
            assert!(matches!(error, Error::Invalid { .. }), "{end}: {error}");
        } else {
            assert!(end == 8 || end == 14, "accepted the first {end} bytes");
        }
    }
}
