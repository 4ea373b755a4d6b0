//! The host calls for tests that do not run on wasm32, with the rules of the host.

use crate::Tape;
use std::{
    boxed::Box,
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    vec::Vec,
};

/// The tapes that enter a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inputs<'a> {
    /// Public input.
    pub input: &'a [u8],
    /// Sealed input.
    pub sealed: &'a [u8],
    /// Messages of channels, as `docs/spec/channel.md` has them; [`message`] makes one.
    pub inbound: &'a [u8],
}

/// What a run left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// The code of `exit`, if that ended it.
    pub exit: Option<u32>,
    /// Whether it trapped: a panic, or a tape call against the rules.
    pub trapped: bool,
    /// The result tape.
    pub result: Vec<u8>,
    /// The message of its channel.
    pub outbound: Vec<u8>,
    /// The log.
    pub log: Vec<u8>,
    /// How often it called `checkpoint`.
    pub checkpoints: u64,
}

/// Runs a capsule's function on these tapes. A panic is a trap.
pub fn run(inputs: &Inputs<'_>, capsule: impl FnOnce()) -> Ran {
    let tape = |bytes: &[u8]| In {
        bytes: bytes.to_vec(),
        at: 0,
    };
    HOST.set(Host {
        inputs: [tape(inputs.input), tape(inputs.sealed), tape(inputs.inbound)],
        ..Host::default()
    });
    let ended = catch_unwind(AssertUnwindSafe(capsule)).err();
    let host = HOST.take();
    let exit = ended
        .as_ref()
        .and_then(|why| why.downcast_ref::<Exit>())
        .map(|exit| exit.0);
    let [result, outbound, log] = host.outputs.map(Out::bytes);
    Ran {
        exit,
        trapped: ended.is_some() && exit.is_none(),
        result,
        outbound,
        log,
        checkpoints: host.checkpoints,
    }
}

/// A message of a channel, as it is on the inbound tape.
#[must_use]
pub fn message(receipt: [u8; 32], capsule: [u8; 32], bytes: &[u8]) -> Vec<u8> {
    let mut tape = [&receipt[..], &capsule, &(bytes.len() as u64).to_le_bytes(), bytes].concat();
    tape.resize(tape.len().next_multiple_of(8), 0);
    tape
}

std::thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

#[derive(Default)]
struct Host {
    inputs: [In; 3],
    outputs: [Out; 3],
    checkpoints: u64,
}

#[derive(Default)]
struct In {
    bytes: Vec<u8>,
    at: usize,
}

#[derive(Default)]
struct Out {
    words: Vec<u64>,
    /// Set by `commit_len`.
    size: Option<u64>,
}

impl Out {
    fn bytes(self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(self.size.map_or(usize::MAX, |size| size as usize));
        bytes
    }
}

/// What `exit` unwinds with.
struct Exit(u32);

/// What a trap unwinds with: without a message of its own.
struct Trap;

fn input<T>(tape: i32, act: impl FnOnce(&mut In) -> T) -> T {
    let done = HOST.with_borrow_mut(|host| host.inputs.get_mut(usize::try_from(tape).ok()?).map(act));
    done.unwrap_or_else(|| resume_unwind(Box::new(Trap)))
}

fn output(tape: i32, act: impl FnOnce(&mut Out) -> Option<()>) {
    let first = Tape::Result as i32;
    let done = HOST.with_borrow_mut(|host| {
        let index = usize::try_from(tape.checked_sub(first)?).ok()?;
        act(host.outputs.get_mut(index)?)
    });
    // A writer that is dropped while unwinding must not panic again.
    if done.is_none() && !std::thread::panicking() {
        resume_unwind(Box::new(Trap));
    }
}

/// Length of an input tape in bytes.
pub fn len(tape: i32) -> i64 {
    input(tape, |tape| tape.bytes.len() as i64)
}

/// Next eight bytes of an input tape, little-endian, padded with zeros; 0 past the end.
pub fn read(tape: i32) -> i64 {
    input(tape, |tape| {
        let rest = tape.bytes.get(tape.at..).unwrap_or_default();
        let mut word = [0; 8];
        let now = rest.len().min(8);
        word[..now].copy_from_slice(&rest[..now]);
        tape.at += now;
        i64::from_le_bytes(word)
    })
}

/// Appends eight bytes, little-endian, to an output tape.
pub fn write(tape: i32, word: i64) {
    output(tape, |tape| {
        let written = 8 * tape.words.len() as u64;
        if tape.size.is_some_and(|size| size != written) {
            return None;
        }
        tape.words.push(word.cast_unsigned());
        tape.size = None;
        Some(())
    });
}

/// States the exact length of an output tape in bytes.
pub fn commit_len(tape: i32, bytes: i64) {
    output(tape, |tape| {
        let written = 8 * tape.words.len() as u64;
        let bytes = bytes.cast_unsigned();
        if bytes > written || written - bytes > 7 {
            return None;
        }
        tape.size = Some(bytes);
        Some(())
    });
}

/// Marks a point where two runs are compared.
pub fn checkpoint() {
    HOST.with_borrow_mut(|host| host.checkpoints += 1);
}

/// Ends the run with a code.
pub fn exit(code: i32) {
    resume_unwind(Box::new(Exit(code.cast_unsigned())));
}
