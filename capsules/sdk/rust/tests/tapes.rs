//! Capsules' functions on tapes of the mock.

use core::fmt::Write as _;
use nonos_guest::{
    checkpoint, entry, exit, host, inbound, input, log,
    mock::{self, Inputs, message, run},
    outbound, result, sealed,
};

fn shout() {
    let mut out = result();
    for byte in input() {
        out.write(&[byte.to_ascii_uppercase()]);
    }
}
entry!(shout);
entry!(shout, "another");

fn of(input: &[u8]) -> Inputs<'_> {
    Inputs {
        input,
        ..Inputs::default()
    }
}

/// A text of every length up to 40.
fn texts() -> impl Iterator<Item = Vec<u8>> {
    (0..40).map(|length| (0..length).map(|i: u8| i.wrapping_mul(37) ^ 0x85).collect())
}

#[test]
fn reads_and_writes_byte_by_byte() {
    assert_eq!(run(&of(b"hello, mesh\n"), shout).result, b"HELLO, MESH\n");
}

#[test]
fn copies_texts_of_every_length_however_they_are_cut() {
    for at_a_time in [1, 2, 3, 7, 8, 9, 16, 100] {
        for text in texts() {
            let ran = run(&of(&text), || {
                let (mut from, mut to) = (input(), result());
                let mut buffer = [0; 100];
                loop {
                    let got = from.read(&mut buffer[..at_a_time]);
                    if got == 0 {
                        break;
                    }
                    to.write(&buffer[..got]);
                }
            });
            assert_eq!(ran.result, text, "{at_a_time} at a time");
            assert!(!ran.trapped);
        }
    }
}

#[test]
fn numbers_may_begin_anywhere() {
    let ran = run(&of(b"x12345678abcdefgh123"), || {
        let (mut from, mut to) = (input(), result());
        assert_eq!(from.left(), 20);
        to.write(&from.array::<1>().expect("a byte"));
        let numbers = [from.u64(), from.u64()].map(|it| it.expect("eight bytes"));
        numbers.into_iter().for_each(|it| to.u64(it));
        assert_eq!((from.u64(), from.left()), (None, 3), "three bytes are none");
        to.write(&from.array::<3>().expect("three bytes"));
    });
    assert_eq!(ran.result, b"x12345678abcdefgh123");
}

#[test]
fn tapes_are_apart() {
    let inputs = Inputs {
        input: b"public",
        sealed: b"private",
        inbound: b"",
    };
    let ran = run(&inputs, || {
        checkpoint();
        let mut first = [0; 3];
        sealed().read(&mut first);
        outbound().write(&first);
        write!(log(), "{} bytes", input().left()).expect("a writer takes everything");
    });
    assert_eq!(
        (&*ran.outbound, &*ran.log, &*ran.result),
        (&b"pri"[..], &b"6 bytes"[..], &b""[..])
    );
    assert_eq!(ran.checkpoints, 1);
}

#[test]
fn messages_are_read_in_part_or_not_at_all() {
    let texts: [&[u8]; 4] = [b"one", b"a longer one than a word", b"12345678", b"last!"];
    let tape: Vec<u8> = (1..)
        .zip(texts)
        .flat_map(|(n, text)| message([n; 32], [9; 32], text))
        .collect();
    let inputs = Inputs {
        inbound: &tape,
        ..Inputs::default()
    };
    for read in 0..=24 {
        let ran = run(&inputs, || {
            let (mut messages, mut out) = (inbound(), result());
            while let Some(mut message) = messages.next() {
                assert_eq!(message.capsule, [9; 32]);
                out.write(&message.receipt[..1]);
                let mut buffer = [0; 24];
                let got = message.read(&mut buffer[..read]);
                out.write(&buffer[..got]);
            }
        });
        let expected: Vec<u8> = (1..)
            .zip(texts)
            .flat_map(|(n, text)| [&[n], &text[..text.len().min(read)]].concat())
            .collect();
        assert_eq!(ran.result, expected, "{read} bytes of each");
    }
    let ran = run(&inputs, || {
        let mut messages = inbound();
        messages.next().expect("one");
        messages.next().expect("a longer one");
        let mut third = messages.next().expect("a number");
        result().u64(third.u64().expect("eight bytes"));
        assert_eq!((third.u64(), third.left()), (None, 0));
    });
    assert_eq!((&*ran.result, ran.trapped), (&b"12345678"[..], false));
}

#[test]
fn exit_ends_the_run_with_its_code() {
    let ran = run(&of(b""), || {
        let mut out = result();
        out.write(b"before");
        out.finish();
        exit(7);
    });
    assert_eq!(
        (ran.exit, ran.trapped, &*ran.result),
        (Some(7), false, &b"before"[..])
    );
}

#[test]
fn a_panic_traps() {
    let ran = run(&of(b""), || {
        assert!(input().left() > 0, "there is no input");
    });
    assert_eq!((ran.exit, ran.trapped), (None, true));
}

#[test]
fn the_mock_traps_where_the_host_does() {
    for against_the_rules in [
        (|| {
            host::len(3);
        }) as fn(),
        || {
            host::read(-1);
        },
        || host::write(0, 0),
        || host::write(6, 0),
        || host::commit_len(3, 1),
        || {
            host::write(3, 0);
            host::commit_len(3, 0);
        },
        || {
            host::write(3, 0);
            host::commit_len(3, 9);
        },
        || {
            host::write(3, 0);
            host::commit_len(3, 7);
            host::write(3, 0);
        },
    ] {
        assert!(mock::run(&of(b""), against_the_rules).trapped);
    }
    let ran = run(&of(b""), || {
        host::commit_len(3, 0);
        host::write(3, 1);
        host::commit_len(3, 1);
        host::commit_len(3, 8);
        host::write(3, 2);
    });
    assert_eq!((ran.trapped, ran.result.len()), (false, 16));
}
