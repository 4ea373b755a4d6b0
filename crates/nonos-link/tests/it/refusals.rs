//! What is refused, and how that is said.

use nonos_link::{Error, assemble, link};

fn refused(module: &str) -> Error {
    link(&assemble(module).unwrap()).unwrap_err()
}

#[test]
fn refuses_what_a_run_cannot_have_and_says_why() {
    for (name, why) in [
        ("clock_time_get", "no clock"),
        ("random_get", "no randomness"),
        ("path_open", "no files"),
        ("sock_accept", "no sockets"),
        ("poll_oneoff", "capsules do not have"),
        ("_start", "capsules do not have"),
    ] {
        let error = refused(&format!(
            r#"(module (import "wasi_snapshot_preview1" "{name}" (func)) (memory 1) (func (export "_start")))"#
        ));
        let said = error.to_string();
        assert!(
            matches!(&error, Error::Unsupported { name: it, .. } if it == name),
            "{error:?}"
        );
        assert!(said.contains(name) && said.contains(why), "{said}");
    }
}

#[test]
fn refuses_a_wrong_type() {
    let import = |ty: &str| {
        refused(&format!(
            r#"(module (import "wasi_snapshot_preview1" "fd_close" {ty}) (memory 1) (func (export "_start")))"#
        ))
    };
    let wrong = Error::ImportType {
        name: "fd_close".to_owned(),
    };
    assert_eq!(import("(func (param i32))"), wrong);
    assert_eq!(import("(global i32)"), wrong);
}

#[test]
fn refuses_a_program_that_is_no_command() {
    let close = r#"(import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))"#;
    for export in [
        "",
        r#"(func (export "_initialize"))"#,
        r#"(func (export "_start") (param i32))"#,
        r#"(func (export "_start") (result i32) (i32.const 0))"#,
        r#"(global (export "_start") i32 (i32.const 0))"#,
    ] {
        assert_eq!(
            refused(&format!("(module {close} (memory 1) {export})")),
            Error::NoStart
        );
    }
}

#[test]
fn refuses_a_program_without_memory() {
    assert_eq!(
        refused(
            r#"(module (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
                 (func (export "_start")))"#
        ),
        Error::NoMemory
    );
}

#[test]
fn refuses_bytes_that_are_no_module() {
    let wasm = assemble(
        r#"(module (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32))) (memory 1) (func (export "_start")))"#,
    )
    .unwrap();
    for end in 0..wasm.len() {
        // Cut between two sections it is a module, without its memory, its start, or its code.
        if let Ok(linked) = link(&wasm[..end]) {
            assert!(linked.is_none(), "cut at {end}");
        }
    }
}
