//! The benchmark programs compute what they are said to: each is compared with its native counterpart, in the sandbox and
//! on the machine that is proved.

#[path = "../figures/programs.rs"]
mod programs;
#[expect(dead_code, reason = "shared with the benchmark")]
#[path = "../figures/report.rs"]
mod report;
#[expect(dead_code, reason = "shared with the benchmark")]
#[path = "../figures/samples.rs"]
mod samples;

use nonos_capsule::Sandbox;
use nonos_types::{Outcome, Value};
use samples::{ENTRY, Sample};
use serde_json::Value as Json;
use sha2::Digest as _;

/// What a program's run gives in the sandbox, which is what it gives on the machine.
fn run(sample: &Sample) -> (Outcome, Vec<u8>) {
    let policy = sample.subject().policy(ENTRY);
    let capsule = Sandbox::new()
        .load_module(&sample.wasm, &policy)
        .expect("a program loads");
    let run = capsule
        .run(&sample.arguments, &sample.inputs())
        .expect("a program runs");
    let machine = sample.machine_run().expect("a program lowers");
    assert_eq!(machine.fuel, run.fuel_used, "{}", sample.name);
    assert_eq!(machine.outputs[0], run.outputs.result, "{}", sample.name);
    (run.outcome, run.outputs.result)
}

fn result(sample: &Sample) -> Vec<u8> {
    let (outcome, result) = run(sample);
    assert_eq!(outcome, Outcome::Return(vec![]), "{}", sample.name);
    result
}

fn number(sample: &Sample) -> u64 {
    match run(sample) {
        (Outcome::Return(values), _) if values.len() == 1 => match values[0] {
            Value::I64(number) => number,
            Value::I32(_) => panic!("{} returns an i64", sample.name),
        },
        (other, _) => panic!("{} ended with {other:?}", sample.name),
    }
}

fn exit_code(wasm: &Sample, input: &[u8]) -> u32 {
    let sample = Sample {
        name: String::from_utf8_lossy(input).into_owned(),
        wasm: wasm.wasm.clone(),
        arguments: vec![],
        input: input.to_vec(),
    };
    match run(&sample).0 {
        Outcome::Exit(code) => code,
        other => panic!("{}: {other:?}", sample.name),
    }
}

#[test]
fn every_name_is_that_of_one_program() {
    let all = programs::programs().expect("the texts parse");
    for sample in &all {
        let found = programs::named(&sample.name).expect("it is there");
        assert_eq!(
            (&found.wasm, &found.input, &found.arguments),
            (&sample.wasm, &sample.input, &sample.arguments),
            "{}",
            sample.name
        );
    }
}

#[test]
fn the_loop_computes_fibonacci_numbers() {
    for n in [1, 2, 10, 1_000] {
        let (mut a, mut b) = (0u64, 1u64);
        for _ in 0..n {
            (a, b) = (b, a.wrapping_add(b));
        }
        assert_eq!(number(&programs::fib(n).expect("it parses")), a, "{n}");
    }
}

#[test]
fn sha256_is_that_of_the_sha2_crate() {
    for len in [64, 1024] {
        let sample = samples::sha256(len, 0);
        let expected = sha2::Sha256::digest(&sample.input);
        assert_eq!(result(&sample), expected.to_vec());
    }
}

#[test]
fn keccak256_is_that_of_the_sha3_crate() {
    // Around a block of 136 bytes, and around two of them.
    for len in [0, 1, 64, 135, 136, 137, 271, 272, 273, 1024] {
        let input: Vec<u8> = (0..len).map(|i| (i * 7 % 251) as u8).collect();
        let expected = sha3::Keccak256::digest(&input);
        assert_eq!(result(&programs::keccak256(&input)), expected.to_vec(), "{len}");
    }
}

#[test]
fn sorting_gives_the_words_in_order() {
    let sample = programs::sort();
    assert_eq!(sample.input.len(), 8 * programs::WORDS);
    let words = |bytes: &[u8]| -> Vec<u64> {
        let (words, rest) = bytes.as_chunks();
        assert!(rest.is_empty());
        words.iter().map(|word| u64::from_le_bytes(*word)).collect()
    };
    // As they are, in order, in reverse, few different ones, and the pattern that the median of three splits worst.
    let given = words(&sample.input);
    let count = given.len() as u64;
    let mut ascending = given.clone();
    ascending.sort_unstable();
    let descending = ascending.iter().rev().copied().collect();
    let few = given.iter().map(|word| word % 3).collect();
    let half = count / 2;
    let killer = (0..half)
        .map(|i| if i % 2 == 0 { i + 1 } else { half + i })
        .chain((0..half).map(|i| 2 * (i + 1)))
        .collect();
    for input in [given, ascending, descending, few, killer, vec![], vec![7]] {
        let mut expected: Vec<u64> = input.clone();
        expected.sort_unstable();
        let sample = Sample {
            name: sample.name.clone(),
            wasm: sample.wasm.clone(),
            arguments: vec![],
            input: input.iter().flat_map(|word| word.to_le_bytes()).collect(),
        };
        assert_eq!(words(&result(&sample)), expected);
    }
}

/// What the program in C counts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    objects: u64,
    arrays: u64,
    members: u64,
    strings: u64,
    numbers: u64,
    literals: u64,
    deepest: u64,
    sum: i64,
    characters: u64,
}

impl Found {
    fn value(&mut self, value: &Json, depth: u64) {
        self.deepest = self.deepest.max(depth);
        match value {
            Json::Object(members) => {
                self.objects += 1;
                for (name, value) in members {
                    self.members += 1;
                    self.characters += name.chars().count() as u64;
                    self.value(value, depth + 1);
                }
            }
            Json::Array(values) => {
                self.arrays += 1;
                for value in values {
                    self.value(value, depth + 1);
                }
            }
            Json::String(text) => {
                self.strings += 1;
                self.characters += text.chars().count() as u64;
            }
            Json::Number(number) => {
                self.numbers += 1;
                self.sum += number.as_i64().expect("integers only");
            }
            Json::Bool(_) | Json::Null => self.literals += 1,
        }
    }

    fn of(result: &[u8]) -> Self {
        let (words, rest) = result.as_chunks();
        assert!(rest.is_empty() && words.len() == 9, "nine words");
        let word = |i: usize| u64::from_le_bytes(words[i]);
        Self {
            objects: word(0),
            arrays: word(1),
            members: word(2),
            strings: word(3),
            numbers: word(4),
            literals: word(5),
            deepest: word(6),
            sum: word(7).cast_signed(),
            characters: word(8),
        }
    }
}

#[test]
fn the_parser_finds_in_a_document_what_serde_json_finds() {
    let sample = programs::json();
    assert!((programs::DOCUMENT - 400..=programs::DOCUMENT).contains(&sample.input.len()));
    let small = br#" [ 0, -17 , 123456789012345678, "\u00e9\ud83d\ude42\b\/", {"":[ ] , "a" :{ }}, true,false , null ]"#;
    for input in [&sample.input[..], small] {
        let mut expected = Found::default();
        expected.value(&serde_json::from_slice(input).expect("a document"), 1);
        let sample = Sample {
            name: "JSON".to_owned(),
            wasm: sample.wasm.clone(),
            arguments: vec![],
            input: input.to_vec(),
        };
        assert_eq!(Found::of(&result(&sample)), expected);
    }
}

#[test]
fn the_parser_refuses_what_serde_json_refuses() {
    let sample = programs::json();
    let texts: [&[u8]; 28] = [
        b"",
        b" ",
        b"[",
        b"[1,]",
        b"[1 2]",
        b"[1]]",
        b"{\"a\"}",
        b"{\"a\":1,}",
        b"{a:1}",
        b"{1:2}",
        b"01",
        b"-",
        b"+1",
        b"tru",
        b"trux",
        b"nul",
        b"\"",
        b"\"\n\"",
        b"\"\\x\"",
        b"\"\\u12g4\"",
        b"\"\\ud800\"",
        b"\"\\ud800\\u0041\"",
        b"\"\\udc00\"",
        b"\"\xff\"",
        b"\"\xc0\x80\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xf4\x90\x80\x80\"",
        b"\"\xe2\x82\"",
    ];
    for text in texts {
        assert!(
            serde_json::from_slice::<Json>(text).is_err(),
            "{}",
            text.escape_ascii()
        );
        assert_eq!(exit_code(&sample, text), 2, "{}", text.escape_ascii());
    }
}

#[test]
fn the_interpreter_runs_its_program() {
    let (mut r0, mut r1) = (1u64, programs::ROUNDS);
    while r1 != 0 {
        r0 = r0.wrapping_mul(7).wrapping_add(r1);
        r0 ^= r0 >> 13;
        r1 -= 1;
    }
    assert_eq!(number(&programs::named("interpreter").expect("it is there")), r0);
}

#[test]
fn the_indirect_calls_are_those_of_the_table() {
    let mut x = 0u64;
    for n in (1..=programs::CALLS).rev() {
        x = match n % 4 {
            0 => x.wrapping_add(n),
            1 => x ^ n,
            2 => x.rotate_left((n % 64) as u32),
            _ => x.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        };
    }
    assert_eq!(
        number(&programs::named("indirect calls").expect("it is there")),
        x
    );
}
