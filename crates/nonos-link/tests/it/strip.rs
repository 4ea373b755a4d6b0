//! Custom sections are cut off; nothing else is.

use nonos_link::{Names, assemble, strip};

const PLAIN: &str = r#"(module (func (export "main") (nop)))"#;
const NAMED: &str = r#"(module (@custom "producers" "\00") (func $named (export "main") (nop)) (@custom "x" (after last) "y"))"#;

#[test]
fn what_is_stripped_is_what_was_never_there() {
    let (plain, named) = (assemble(PLAIN).unwrap(), assemble(NAMED).unwrap());
    assert_ne!(plain, named);
    assert_eq!(strip(&named, Names::Strip).unwrap(), plain);
    assert_eq!(strip(&plain, Names::Strip).unwrap(), plain);
}

#[test]
fn names_can_be_kept() {
    let kept = strip(&assemble(NAMED).unwrap(), Names::Keep).unwrap();
    assert!(kept.windows(5).any(|window| window == b"named"));
    assert!(!kept.windows(9).any(|window| window == b"producers"));
    strip(b"\0asm\x01\0\0\0\xff\xff", Names::Keep).unwrap_err();
}
