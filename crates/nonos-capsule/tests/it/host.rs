//! The host calls, at their edges.

use nonos_capsule::{Error, Inputs, Run, Sealed};
use nonos_package::{HostCall, HostSet, Net, Policy};
use nonos_types::{Outcome, TrapKind};

use crate::support::{hosted, i64, policy, run, trap, try_run};

fn with(body: &str, inputs: &Inputs) -> Run {
    try_run(&hosted(body), &policy(), &[], inputs).unwrap()
}

fn inputs() -> Inputs {
    Inputs {
        input: b"public input".to_vec(),
        sealed: Some(Sealed {
            bytes: vec![9; 8],
            salt: [1; 32],
        }),
        inbound: vec![7],
    }
}

#[test]
fn each_input_tape_has_its_own_length_and_words() {
    for (tape, len, word) in [
        (0, 12, i64::from_le_bytes(*b"public i")),
        (1, 8, 0x0909_0909_0909_0909),
        (2, 1, 7),
    ] {
        let result = |call: &str| {
            with(
                &format!("(result i64) (call ${call} (i32.const {tape}))"),
                &inputs(),
            )
            .outcome
        };
        assert_eq!(result("len"), Outcome::Return(vec![i64(len)]));
        assert_eq!(result("read"), Outcome::Return(vec![i64(word)]));
    }
}

#[test]
fn reading_past_the_end_gives_zero() {
    let body = "(result i64) (drop (call $read (i32.const 0))) (drop (call $read (i32.const 0))) (call $read (i32.const 0))";
    assert_eq!(with(body, &inputs()).outcome, Outcome::Return(vec![i64(0)]));
    let second = "(result i64) (drop (call $read (i32.const 0))) (call $read (i32.const 0))";
    let padded = i64::from_le_bytes(*b"nput\0\0\0\0");
    assert_eq!(
        with(second, &inputs()).outcome,
        Outcome::Return(vec![i64(padded)])
    );
}

#[test]
fn each_output_tape_gets_its_own_words() {
    let body = "(call $write (i32.const 3) (i64.const 1)) (call $write (i32.const 4) (i64.const 2))
        (call $write (i32.const 5) (i64.const 3)) (call $commit (i32.const 4) (i64.const 1))";
    let outputs = run(&hosted(body), &[]).outputs;
    assert_eq!(outputs.result, 1u64.to_le_bytes());
    assert_eq!(outputs.outbound, [2]);
    assert_eq!(outputs.log, 3u64.to_le_bytes());
}

#[test]
fn a_bad_tape_call_traps_and_what_came_before_it_stays() {
    for call in [
        "(drop (call $len (i32.const 3)))",
        "(drop (call $read (i32.const 5)))",
        "(drop (call $read (i32.const 6)))",
        "(drop (call $read (i32.const -1)))",
        "(call $write (i32.const 0) (i64.const 0))",
        "(call $write (i32.const 6) (i64.const 0))",
        "(call $commit (i32.const 2) (i64.const 0))",
        "(call $commit (i32.const 3) (i64.const 0))",
        "(call $commit (i32.const 3) (i64.const 9))",
        "(call $commit (i32.const 3) (i64.const -8))",
        "(call $commit (i32.const 4) (i64.const 1))",
        "(call $commit (i32.const 3) (i64.const 7)) (call $write (i32.const 3) (i64.const 0))",
    ] {
        let run = with(
            &format!("(call $write (i32.const 3) (i64.const 1)) {call}"),
            &inputs(),
        );
        assert_eq!(run.outcome, trap(TrapKind::BadTapeCall), "{call}");
        let committed = if call.contains("(i64.const 7)") { 7 } else { 8 };
        assert_eq!(run.outputs.result.len(), committed, "{call}");
    }
}

#[test]
fn a_length_of_whole_words_leaves_the_tape_open() {
    let body = "(call $commit (i32.const 3) (i64.const 0)) (call $write (i32.const 3) (i64.const -1))
        (call $commit (i32.const 3) (i64.const 8)) (call $write (i32.const 3) (i64.const -1))";
    let run = run(&hosted(body), &[]);
    assert_eq!(run.outcome, Outcome::Return(vec![]));
    assert_eq!(run.outputs.result, [0xff; 16]);
}

#[test]
fn a_length_may_be_committed_again() {
    let body = "(call $write (i32.const 3) (i64.const -1)) (call $commit (i32.const 3) (i64.const 1)) (call $commit (i32.const 3) (i64.const 5))";
    assert_eq!(run(&hosted(body), &[]).outputs.result, [0xff; 5]);
}

#[test]
fn a_call_the_manifest_does_not_list_traps_before_any_effect() {
    let bodies = [
        (HostCall::Len, "(drop (call $len (i32.const 0)))"),
        (HostCall::Read, "(drop (call $read (i32.const 0)))"),
        (HostCall::Write, "(call $write (i32.const 3) (i64.const 0))"),
        (HostCall::CommitLen, "(call $commit (i32.const 3) (i64.const 0))"),
        (HostCall::Checkpoint, "(call $checkpoint)"),
        (HostCall::Exit, "(call $exit (i32.const 0))"),
    ];
    for (call, body) in bodies {
        let host: HostSet = HostCall::ALL.into_iter().filter(|other| *other != call).collect();
        let run = try_run(&hosted(body), &Policy { host, ..policy() }, &[], &inputs()).unwrap();
        assert_eq!(run.outcome, trap(TrapKind::ForbiddenHostCall), "{call}");
        assert!(run.outputs.result.is_empty());
        assert_eq!(run.host_calls, 1, "a refused call is recorded");
        assert_eq!(run.checkpoints.checkpoints().len(), 1, "only the end of the run");
        let only = Policy {
            host: HostSet::EMPTY.with(call),
            ..policy()
        };
        let listed = try_run(&hosted(body), &only, &[], &inputs()).unwrap();
        assert_ne!(listed.outcome, trap(TrapKind::ForbiddenHostCall), "{call}");
    }
}

#[test]
fn an_imported_call_that_is_never_made_needs_no_right() {
    let policy = Policy {
        host: HostSet::EMPTY,
        ..policy()
    };
    let run = try_run(&hosted(""), &policy, &[], &Inputs::default()).unwrap();
    assert_eq!(run.outcome, Outcome::Return(vec![]));
}

#[test]
fn the_audit_root_tells_calls_arguments_results_and_order_apart() {
    let root = |body: &str, input: &[u8]| {
        with(
            body,
            &Inputs {
                input: input.to_vec(),
                ..Inputs::default()
            },
        )
        .audit_root
    };
    let roots = [
        root("", b""),
        root("(drop (call $read (i32.const 0)))", b"a"),
        root("(drop (call $read (i32.const 0)))", b"b"),
        root("(drop (call $len (i32.const 0)))", b"a"),
        root("(drop (call $read (i32.const 2)))", b"a"),
        root("(call $write (i32.const 3) (i64.const 1))", b""),
        root("(call $write (i32.const 3) (i64.const 2))", b""),
        root(
            "(call $write (i32.const 3) (i64.const 1)) (call $write (i32.const 5) (i64.const 1))",
            b"",
        ),
        root(
            "(call $write (i32.const 5) (i64.const 1)) (call $write (i32.const 3) (i64.const 1))",
            b"",
        ),
        root("(call $write (i32.const 0) (i64.const 1))", b""),
        root("(call $exit (i32.const 0))", b""),
        root("(call $exit (i32.const 1))", b""),
        root("(call $checkpoint)", b""),
    ];
    for (i, root) in roots.iter().enumerate() {
        assert!(!roots[..i].contains(root), "{i}");
    }
}

#[test]
fn the_salt_of_a_sealed_input_hides_the_attested_roots() {
    let with_salt = |salt| {
        let sealed = Some(Sealed {
            bytes: vec![3; 8],
            salt: [salt; 32],
        });
        with(
            "(result i64) (call $read (i32.const 1))",
            &Inputs {
                sealed,
                ..Inputs::default()
            },
        )
    };
    let (first, second) = (with_salt(1), with_salt(2));
    assert_eq!(first.outcome, second.outcome);
    assert_ne!(first.audit_root, second.audit_root);
    assert_ne!(first.checkpoints.root(), second.checkpoints.root());
    assert!(
        !format!(
            "{:?}",
            Sealed {
                bytes: vec![251; 8],
                salt: [252; 32]
            }
        )
        .contains("25")
    );
}

#[test]
fn a_capsule_without_mesh_takes_no_messages() {
    let policy = Policy {
        net: Net::None,
        ..policy()
    };
    let refused = try_run(&hosted(""), &policy, &[], &inputs());
    let Err(Error::NoMesh) = refused else {
        panic!("{refused:?}")
    };
}
