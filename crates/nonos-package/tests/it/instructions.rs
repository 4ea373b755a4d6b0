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
    match check(&format!("(module (table 1 funcref) (memory 1) (func {body}))")) {
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
    let binary =
        "add sub mul and or xor shl shr_s shr_u rotl rotr eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u";
    let mut body = String::new();
    for op in binary.split(' ') {
        body += &format!("i32.const 1 i32.const 2 i32.{op} drop i64.const 1 i64.const 2 i64.{op} drop ");
    }
    for op in [
        "i32.eqz",
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
           (global (mut i32) (i32.const 7)) (data (i32.const 65533) "abc") (table 1 1 funcref)
           (func (export "f") (param i64) (result i32) (local i32)
             {body} memory.size drop nop
             (loop (br_if 0 (i32.const 0)) (block (br 0)) (if (i32.const 1) (then nop) (else (return (i32.const 1)))))
             (global.set 0 (global.get 0)) (drop (call 0 (i32.const 0)))
             (local.set 1 (local.tee 1 (i32.const 2)))
             (drop (select (i32.const 1) (i32.const 2) (local.get 1))) unreachable))"#
    ))
    .unwrap();
    assert_eq!(module.imports, [HostCall::Read]);
    assert_eq!((module.pages, module.max_pages), (Pages::new(1), Pages::new(3)));
    let export = &module.exports["f"];
    assert_eq!(export.function, 1);
    assert_eq!(export.signature.params, [ValueType::I64]);
    assert_eq!(export.signature.result, Some(ValueType::I32));
}

#[test]
fn names_the_function_the_offset_and_the_opcode() {
    let wasm = wat::parse_str(
        r#"(module (import "nonos" "checkpoint" (func)) (func) (func i32.const 8 i32.ctz drop))"#,
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
    assert_eq!((function, opcode.as_str()), (2, "i32.ctz"));
    assert_eq!(wasm[offset], 0x68, "the opcode's byte");
}

#[test]
fn refuses_what_is_outside_of_the_instruction_set() {
    for (body, opcode) in [
        ("f32.const 1 drop", "f32.const"),
        ("i32.const 1 f64.convert_i32_s drop", "f64.convert_i32_s"),
        ("i32.const 1 i32.const 1 i32.div_s drop", "i32.div_s"),
        ("i64.const 1 i64.const 1 i64.rem_u drop", "i64.rem_u"),
        ("i32.const 1 i32.clz drop", "i32.clz"),
        ("i64.const 1 i64.popcnt drop", "i64.popcnt"),
        ("i32.const 0 br_table 0", "br_table"),
        ("i32.const 0 call_indirect", "call_indirect"),
        ("i32.const 0 i32.const 0 i32.const 0 memory.copy", "memory.copy"),
        ("i32.const 0 i32.const 0 i32.const 0 memory.fill", "memory.fill"),
        ("ref.null func drop", "ref.null"),
        ("return_call 0", "return_call"),
        ("v128.const i64x2 0 0 drop", "v128.const"),
        ("i32.const 0 i32.atomic.load drop", "i32.atomic_load"),
        (
            "i32.const 1 i32.const 1 i32.const 1 select (result i32) drop",
            "typed_select",
        ),
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
        ("(module (func) (start 0))", "a start function"),
        (
            "(module (table 1 funcref) (func) (elem (i32.const 0) 0))",
            "an element segment",
        ),
        (
            r#"(module (memory 1) (data "abc"))"#,
            "a data segment that is not active in memory 0",
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
            "an initialiser other than an integer constant",
        ),
        ("(module (tag))", "an exception tag"),
        (
            "(module (func (block (result i32 i32) unreachable) drop drop))",
            "a block with parameters or several results",
        ),
        ("(module (type (struct)))", "a type that is not a function's"),
        ("(component)", "a component"),
    ] {
        assert_eq!(refused_part(module), what, "{module}");
    }
}

#[test]
fn refuses_types_of_floats_and_several_results() {
    for module in [
        "(module (func (param f32)))",
        "(module (func (local f64)))",
        "(module (func (result i32 i32) i32.const 0 i32.const 0))",
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
fn refuses_more_than_the_limits_allow() {
    let params = "i32 ".repeat(limits::PARAMETERS + 1);
    assert_eq!(
        exceeded(&format!("(module (func (param {params})))")),
        "parameters of a function"
    );
    assert_eq!(exceeded("(module (memory 32769))"), "pages of memory");
    assert_eq!(exceeded("(module (memory 1) (memory 1))"), "memories");
    assert_eq!(exceeded("(module (table 4097 funcref))"), "entries of a table");
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
