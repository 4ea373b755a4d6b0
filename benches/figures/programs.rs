//! The programs whose proofs are measured: those of `benches/programs`, and SHA-256.

use std::fmt::Write as _;

use nonos_types::Value;

use crate::report::{Result, grouped};
use crate::samples::{Sample, sha256};

const FIB: &str = include_str!("../programs/fib.wat");
const INTERPRETER: &str = include_str!("../programs/interpreter.wat");
const INDIRECT: &str = include_str!("../programs/indirect.wat");
const KECCAK256: &[u8] = include_bytes!("../programs/keccak256/capsule.wasm");
const SORT: &[u8] = include_bytes!("../programs/sort/capsule.wasm");
const JSON: &[u8] = include_bytes!("../programs/json/capsule.wasm");

/// Words that are sorted.
pub(crate) const WORDS: usize = 10_000;
/// Bytes of the document that is parsed.
pub(crate) const DOCUMENT: usize = 100_000;
/// Rounds of the interpreted program.
pub(crate) const ROUNDS: u64 = 4_000;
/// Calls through the table.
pub(crate) const CALLS: u64 = 50_000;

/// All of them, in the order of the table.
pub(crate) fn programs() -> Result<Vec<Sample>> {
    Ok(vec![
        fib(10)?,
        fib(1_000)?,
        fib(100_000)?,
        sha256(64, 0),
        sha256(1 << 10, 0),
        sha256(1 << 16, 0),
        keccak256(&[0x61; 64]),
        keccak256(&[0x61; 1024]),
        sort(),
        json(),
        of_number("interpreter", INTERPRETER, ROUNDS)?,
        of_number("indirect calls", INDIRECT, CALLS)?,
    ])
}

/// One of them, by its name in the table.
pub(crate) fn named(name: &str) -> Result<Sample> {
    let found = programs()?.into_iter().find(|sample| sample.name == name);
    found.ok_or_else(|| format!("no program `{name}`").into())
}

pub(crate) fn fib(n: u64) -> Result<Sample> {
    let name = format!("fib({})", grouped(n));
    Ok(Sample {
        name,
        ..of_number("fib", FIB, n)?
    })
}

/// A module in text whose entry takes one number.
fn of_number(name: &str, text: &str, number: u64) -> Result<Sample> {
    Ok(Sample {
        name: name.to_owned(),
        wasm: wat::parse_str(text)?.into(),
        arguments: vec![Value::I64(number)],
        input: vec![],
    })
}

fn of_input(name: String, wasm: &[u8], input: Vec<u8>) -> Sample {
    Sample {
        name,
        wasm: wasm.into(),
        arguments: vec![],
        input,
    }
}

pub(crate) fn keccak256(input: &[u8]) -> Sample {
    let name = match input.len() {
        len if len < 1024 => format!("Keccak-256, {len} B"),
        len => format!("Keccak-256, {} KiB", len / 1024),
    };
    of_input(name, KECCAK256, input.to_vec())
}

/// [`WORDS`] numbers to sort.
pub(crate) fn sort() -> Sample {
    let mut mix = Mix(1);
    let words = (0..WORDS).flat_map(|_| mix.next().to_le_bytes());
    of_input(
        format!("sort, {} words", grouped(WORDS as u64)),
        SORT,
        words.collect(),
    )
}

pub(crate) fn json() -> Sample {
    of_input("JSON, 100 KB".to_owned(), JSON, document().into_bytes())
}

/// Numbers without a pattern, the same each time (SplitMix64).
struct Mix(u64);

impl Mix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// A list of accounts as an interface would give it: objects in objects, lists, text with escapes and with characters
/// of two to four bytes. As many as fit in [`DOCUMENT`] bytes.
fn document() -> String {
    const NAMES: [&str; 6] = ["Ada", "Niels", "Sofía", "Łukasz", "小林", "Zo\\u00eb"];
    const NOTES: [&str; 5] = [
        "",
        "says \\\"later\\\"",
        "two\\nlines",
        "C:\\\\temp",
        "happy 🙂 or \\ud83d\\ude42",
    ];
    let mut mix = Mix(2);
    let mut text = String::from("{\"version\": 3, \"accounts\": [");
    for id in 0.. {
        let (name, note) = (NAMES[mix.below(6) as usize], NOTES[mix.below(5) as usize]);
        let balance = mix.below(1 << 40).cast_signed() - (1 << 39);
        let mut entry = String::new();
        write!(
            entry,
            "{}\n  {{\"id\": {id}, \"name\": \"{name} {}\", \"balance\": {balance}, \"active\": {}, \"note\": \"{note}\", \
             \"parent\": null, \"tags\": [",
            if id == 0 { "" } else { "," },
            mix.below(1000),
            mix.below(2) == 0,
        )
        .expect("a string takes what is written");
        for tag in 0..mix.below(4) {
            write!(
                entry,
                "{}\"tag-{}\"",
                if tag == 0 { "" } else { ", " },
                mix.below(50)
            )
            .expect("a string takes what is written");
        }
        write!(
            entry,
            "], \"at\": {{\"x\": {}, \"y\": -{}}}}}",
            mix.below(10_000),
            1 + mix.below(10_000)
        )
        .expect("a string takes what is written");
        if text.len() + entry.len() + 4 > DOCUMENT {
            break;
        }
        text += &entry;
    }
    text + "\n]}\n"
}
