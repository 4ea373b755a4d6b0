//! `operator capsule new|build|test|explain`: from nothing to a proof.

use crate::support::{Ended, Place, input, sample};
use serde_json::Value;
use std::{fs, process::Command};

/// A line for people who read which tests were skipped.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skip(test: &str, why: &str) {
    eprintln!("skipped: {test}: {why}");
}

fn has(tool: &str) -> bool {
    Command::new(tool)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

fn has_clang() -> bool {
    has("clang") && has("wasm-ld")
}

fn has_wasi_libc() -> bool {
    let found = Command::new("clang")
        .args(["--target=wasm32-wasi", "--print-file-name=crt1-command.o"])
        .output();
    has_clang() && found.is_ok_and(|output| output.stdout.contains(&b'/'))
}

fn has_rust_for_wasm() -> bool {
    let library = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", "wasm32-unknown-unknown"])
        .output();
    library.is_ok_and(|output| {
        let dir = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
    })
}

/// Makes a capsule, does what it says is to be done, and gives the last answer.
fn goes_through(lang: &str) -> Value {
    let place = Place::new();
    let begun = place
        .operator(&["--json", "capsule", "new", "shout", "--lang", lang])
        .json();
    let commands = begun["commands"].as_array().expect("commands").clone();
    assert_eq!(commands.len(), 5);
    let readme = String::from_utf8(place.read("shout/README.md")).expect("UTF-8");
    let mut last = Value::Null;
    for command in commands {
        let command = command.as_str().expect("a command").to_owned();
        assert!(
            readme.contains(
                &command
                    .replace("shout/", "./")
                    .replace("capsule build shout", "capsule build .")
                    .replace("capsule test shout", "capsule test .")
            ),
            "{command}\n{readme}"
        );
        let words: Vec<&str> = command.split(' ').collect();
        assert_eq!(words[0], "operator");
        last = place.operator(&[&["--json"], &words[1..]].concat()).json();
        if words[2] == "test" {
            assert_eq!(
                (&last["passed"], &last["failed"]),
                (&3.into(), &0.into()),
                "{last}"
            );
        }
        if words[2] == "run" {
            assert_eq!(last["result_hex"], hex(b"HELLO, MESH\n"));
        }
    }
    last
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_new_capsule_in_text_is_built_run_proved_and_verified() {
    let verified = goes_through("wat");
    assert_eq!(verified["verified"], true);
    assert_eq!(verified["result_hex"], hex(b"HELLO, MESH\n"));
}

#[test]
fn a_new_capsule_in_c_is_built_run_proved_and_verified() {
    if !has_clang() {
        return skip("a new capsule in C", "needs clang and lld");
    }
    assert_eq!(goes_through("c")["verified"], true);
}

#[test]
fn a_new_capsule_in_rust_is_built_run_proved_and_verified() {
    if !has_rust_for_wasm() {
        return skip(
            "a new capsule in Rust",
            "needs rustup target add wasm32-unknown-unknown",
        );
    }
    assert_eq!(goes_through("rust")["verified"], true);
}

#[test]
fn what_rust_lacks_is_said_with_its_remedy() {
    if has_rust_for_wasm() || !has("rustc") {
        return skip("what Rust lacks", "it lacks nothing, or is not here");
    }
    let place = Place::new();
    place
        .operator(&["--json", "capsule", "new", "shout", "--lang", "rust"])
        .json();
    place
        .operator(&["capsule", "build", "shout", "--new-key", "k"])
        .refused(1, "rustup target add wasm32-unknown-unknown");
    assert!(!place.path("k").exists(), "no key is made for nothing");
}

#[test]
fn a_new_capsule_in_rust_passes_its_own_tests() {
    let place = Place::new();
    place
        .operator(&["--json", "capsule", "new", "shout", "--lang", "rust"])
        .json();
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["test", "--offline", "--locked", "--quiet"])
        .current_dir(place.path("shout"))
        .env("CARGO_TARGET_DIR", place.path("target"));
    let output = command.output().expect("cargo");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn nothing_that_is_there_is_written_over() {
    let place = Place::new();
    place.write("shout/inputs/hello.txt", "precious");
    place
        .operator(&["capsule", "new", "shout", "--lang", "wat"])
        .refused(2, "hello.txt is there already");
    assert_eq!(place.read("shout/inputs/hello.txt"), b"precious");
    assert!(!place.path("shout/manifest.toml").exists(), "nothing was written");
    for name in ["", "Shout", "1st", "a/b", "ä"] {
        place
            .operator(&["capsule", "new", name, "--lang", "wat", "--dir", "x"])
            .refused(2, "no capsule's name");
    }
}

#[test]
fn a_compiler_that_is_missing_is_named_with_its_remedy() {
    let place = Place::new();
    place
        .operator(&["--json", "capsule", "new", "shout", "--lang", "c"])
        .json();
    let mut command = place.command(&["capsule", "build", "shout", "--new-key", "k"]);
    let output = command
        .env("PATH", place.path("nothing"))
        .output()
        .expect("operator");
    let ended = Ended {
        code: output.status.code().expect("no signal"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    };
    ended.refused(1, "clang is needed and was not found: install clang and lld");
}

/// Builds a directory with a key of its own; gives the answer.
fn built(place: &Place, dir: &str) -> Value {
    let key = if place.path("author.key").exists() {
        "--key"
    } else {
        "--new-key"
    };
    place
        .operator(&[
            "--json",
            "capsule",
            "build",
            dir,
            key,
            "author.key",
            "-o",
            &format!("{dir}.mod"),
        ])
        .json()
}

#[test]
fn the_same_source_gives_the_same_hash_in_any_directory() {
    let place = Place::new();
    for lang in ["wat", "c"] {
        if lang == "c" && !has_clang() {
            skip("the same source in C", "needs clang and lld");
            continue;
        }
        let dirs = [format!("{lang}-one"), format!("elsewhere-{lang}")];
        for dir in &dirs {
            place
                .operator(&["--json", "capsule", "new", "shout", "--lang", lang, "--dir", dir])
                .json();
            if lang == "c" {
                // What would tell where it was compiled, and a second file.
                let source = String::from_utf8(place.read(&format!("{dir}/capsule.c"))).expect("UTF-8");
                let told = source.replace(
                    "nonos_finish(&out);",
                    "nonos_put_text(&out, where()); nonos_finish(&out);",
                );
                let told = told.replace("#include", "extern const char *where(void);\n#include");
                place.write(&format!("{dir}/capsule.c"), told);
                place.write(
                    &format!("{dir}/where.c"),
                    "const char *where(void) { return __FILE__; }\n",
                );
            }
        }
        let [one, other] = dirs.map(|dir| built(&place, &dir));
        assert_eq!(one["capsule_hash"], other["capsule_hash"], "{lang}");
        let toolchain = one["toolchain"].as_str().expect("named");
        assert!(
            toolchain.contains(if lang == "c" {
                "clang version"
            } else {
                "text format"
            }),
            "{toolchain}"
        );
    }
}

#[test]
fn a_package_is_checked_against_its_source() {
    let place = Place::new();
    place
        .operator(&["--json", "capsule", "new", "shout", "--lang", "wat"])
        .json();
    let hash = built(&place, "shout")["capsule_hash"].clone();
    let check = ["--json", "capsule", "build", "shout", "--check", "shout.mod"];
    let checked = place.operator(&check).json();
    assert_eq!(
        (&checked["reproduced"], &checked["capsule_hash"]),
        (&true.into(), &hash)
    );
    // A module that is there does not stand for the source.
    place.write("shout/capsule.wasm", "no module");
    place.operator(&check).json();
    let source = String::from_utf8(place.read("shout/capsule.wat")).expect("UTF-8");
    place.write(
        "shout/capsule.wat",
        source.replace("i64.const 26", "i64.const 25"),
    );
    place.operator(&check).refused(3, "module differ");
    place.write("shout/capsule.wat", &source);
    let manifest = String::from_utf8(place.read("shout/manifest.toml")).expect("UTF-8");
    place.write(
        "shout/manifest.toml",
        manifest.replace("fuel = 10000000", "fuel = 10000001"),
    );
    place.operator(&check).refused(3, "manifest differ");
}

#[test]
fn the_sample_capsules_are_what_their_sources_give() {
    let listed = fs::read_to_string(sample("SHA256SUMS")).expect("a list");
    let compiler = Command::new("clang").arg("--version").output();
    let compiler = compiler.map(|it| {
        String::from_utf8_lossy(&it.stdout)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    });
    if !has_clang() || !compiler.is_ok_and(|it| listed.contains(&it)) {
        return skip(
            "the sample capsules",
            "needs the clang that capsules/SHA256SUMS names, and lld",
        );
    }
    let place = Place::new();
    for name in ["sha256", "sieve", "sum"] {
        place.pack(name);
        let dir = sample(name).display().to_string();
        let check = place.operator(&[
            "--json",
            "capsule",
            "build",
            &dir,
            "--check",
            &format!("{name}.mod"),
        ]);
        assert_eq!(check.json()["reproduced"], true, "{name}");
    }
}

#[test]
fn source_that_does_not_compile_is_refused_with_what_the_compiler_says() {
    let place = Place::new();
    for lang in ["wat", "c"] {
        if lang == "c" && !has_clang() {
            skip("source in C that does not compile", "needs clang and lld");
            continue;
        }
        place
            .operator(&["--json", "capsule", "new", "shout", "--lang", lang, "--dir", lang])
            .json();
        place.write(&format!("{lang}/capsule.{lang}"), "(module (fnuc))");
        let ended = place.operator(&["capsule", "build", lang, "--new-key", "k"]);
        ended.refused(3, &format!("capsule.{lang}"));
    }
    if has_clang() {
        place.write(
            "c/capsule.c",
            "#include \"nonos.h\"\nNONOS_EXPORT(main) const char *run(void) { return __DATE__; }\n",
        );
        place
            .operator(&["capsule", "build", "c", "--new-key", "k"])
            .refused(3, "reproducible");
    }
    place.write("empty/manifest.toml", place.read("wat/manifest.toml"));
    place
        .operator(&["capsule", "build", "empty", "--new-key", "k"])
        .refused(2, "neither capsule.wasm nor source");
}

const CASES: &str = r#"
[[case]]
name = "good"
input = { words = [7] }
inbound = { hex = "" }
result = { words = [7] }
outbound = { words = [7] }
log = { text = "" }

[[case]]
name = "too short"
input = { text = "x" }
outcome = "exit 1"

[[case]]
name = "no fuel"
input = { words = [7] }
fuel = 20
outcome = "out of fuel"
"#;

/// The sample that adds numbers, with tests.
fn with_cases(place: &Place, cases: &str) {
    for file in ["manifest.toml", "capsule.wasm"] {
        place.write(
            &format!("sum/{file}"),
            fs::read(sample("sum").join(file)).expect("read"),
        );
    }
    place.write("sum/tests/all.toml", cases);
}

#[test]
fn cases_are_run_both_ways_and_proved() {
    let place = Place::new();
    with_cases(&place, CASES);
    let tested = place
        .operator(&["--json", "capsule", "test", "sum", "--prove"])
        .json();
    assert_eq!(
        (&tested["passed"], &tested["failed"]),
        (&3.into(), &0.into()),
        "{tested}"
    );
    for case in tested["cases"].as_array().expect("cases") {
        assert!(
            case["steps"].as_u64() > Some(0) && case["proof_bytes"].as_u64() > Some(50_000),
            "{case}"
        );
    }
    assert_eq!(tested["cases"][2]["fuel"], 20);
}

#[test]
fn a_sealed_input_is_a_tape_of_a_case() {
    let place = Place::new();
    let text =
        String::from_utf8(fs::read(sample("sum").join("manifest.toml")).expect("read")).expect("UTF-8");
    place.write(
        "s/manifest.toml",
        text.replace("entry = \"main\"", "entry = \"other\""),
    );
    place.write(
        "s/s.wat",
        r#"(module (import "nonos" "read" (func $read (param i32) (result i64))) (import "nonos" "write" (func $write (param i32 i64)))
             (func (export "other") (call $write (i32.const 5) (i64.const 1)))
             (func (export "main") (call $write (i32.const 3) (call $read (i32.const 1)))))"#,
    );
    place.write(
        "s/tests/t.toml",
        "[[case]]\nentry = \"main\"\nsealed = { words = [9] }\nresult = { words = [9] }\n[[case]]\nlog = { words = [1] }\nresult = { hex = \"\" }\n",
    );
    let tested = place
        .operator(&["--json", "capsule", "test", "s", "--prove"])
        .json();
    assert_eq!(
        (&tested["passed"], &tested["failed"]),
        (&2.into(), &0.into()),
        "{tested}"
    );
}

#[test]
fn each_thing_that_is_not_as_a_case_says_fails_it_by_name() {
    let place = Place::new();
    for (from, to, told) in [
        (
            "result = { words = [7] }",
            "result = { words = [8] }",
            "all: good: result: ",
        ),
        (
            "outbound = { words = [7] }",
            "outbound = { text = \"\" }",
            "all: good: outbound: ",
        ),
        (
            "log = { text = \"\" }",
            "log = { text = \"x\" }",
            "all: good: log: \"\", expected \"x\"",
        ),
        (
            "outcome = \"exit 1\"",
            "outcome = \"exit 2\"",
            "all: too short: outcome: exit 1, expected exit 2",
        ),
        (
            "outcome = \"out of fuel\"",
            "",
            "all: no fuel: outcome: out of fuel, expected return",
        ),
    ] {
        with_cases(&place, &CASES.replacen(from, to, 1));
        let ended = place.operator(&["capsule", "test", "sum"]);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert!(ended.stdout.contains(told), "{told} is not in: {}", ended.stdout);
        assert!(ended.stderr.contains("1 of 3 cases failed"), "{}", ended.stderr);
    }
}

#[test]
fn tests_that_are_none_are_refused_with_their_place() {
    let place = Place::new();
    with_cases(&place, "");
    for (cases, told) in [
        ("[[case]]\nresults = 1\n", "line 2"),
        ("[[case]]\ninput = { hex = \"0g\" }\n", "not hexadecimal"),
        ("[[case]]\ninput = { word = [1] }\n", "unknown variant"),
        ("", "missing field `case`"),
    ] {
        with_cases(&place, cases);
        place.operator(&["capsule", "test", "sum"]).refused(3, told);
    }
    fs::remove_dir_all(place.path("sum/tests")).expect("remove");
    place
        .operator(&["capsule", "test", "sum"])
        .refused(2, "has no tests");
}

#[test]
fn an_explanation_adds_up_to_the_run_and_the_plan() {
    let place = Place::new();
    place.pack("sha256");
    let text = input("sha256", "article-3.txt");
    let of = |command: &str| {
        place
            .operator(&["--json", "capsule", command, "sha256.mod", "--input", &text])
            .json()
    };
    let (explained, planned, ran) = (of("explain"), of("plan"), of("run"));
    let sum = |parts: &str, what: &str| -> u64 {
        let parts = explained[parts].as_array().expect("parts");
        parts
            .iter()
            .map(|part| part[what].as_u64().expect("a number"))
            .sum()
    };
    for parts in ["functions", "operators"] {
        assert_eq!(sum(parts, "steps"), planned["steps"]);
        assert_eq!(sum(parts, "fuel"), ran["fuel"]);
    }
    assert_eq!(explained["fuel"], planned["fuel"]);
    assert_eq!(explained["pages"], ran["peak_pages"]);
    let calls = explained["host_calls"].as_object().expect("calls");
    assert_eq!(
        calls
            .values()
            .map(|it| it.as_u64().expect("a number"))
            .sum::<u64>(),
        ran["host_calls"]
    );
    let rows = |list: &Value| {
        let mut rows: Vec<(String, u64)> = list
            .as_array()
            .expect("tables")
            .iter()
            .map(|it| {
                (
                    it["table"].as_str().expect("a name").to_owned(),
                    it["rows"].as_u64().expect("a number"),
                )
            })
            .collect();
        rows.sort();
        rows
    };
    assert_eq!(rows(&explained["tables"]), rows(&planned["rows"]));
    assert_eq!(explained["widest"], explained["tables"][0]["table"]);
    let shown = place.operator(&["capsule", "explain", "sha256.mod", "--input", &text, "--top", "3"]);
    assert!(
        shown.stdout.contains("widest table") && shown.stdout.contains("i32.rotl"),
        "{}",
        shown.stdout
    );
}

#[test]
fn names_that_are_kept_are_in_the_explanation() {
    let place = Place::new();
    place
        .operator(&["--json", "capsule", "new", "shout", "--lang", "wat"])
        .json();
    let build = [
        "--json",
        "capsule",
        "build",
        "shout",
        "--new-key",
        "k",
        "--names",
        "-o",
        "x.mod",
    ];
    place.operator(&build).json();
    let explained = place
        .operator(&[
            "--json",
            "capsule",
            "explain",
            "x.mod",
            "--input",
            "shout/inputs/hello.txt",
        ])
        .json();
    let names: Vec<&str> = explained["functions"]
        .as_array()
        .expect("functions")
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    assert!(
        names.contains(&"capitals") && names.contains(&"capital"),
        "{names:?}"
    );
}

const WASI: [&str; 5] = ["len", "read", "write", "commit_len", "exit"];

/// A directory with this source and a manifest of a program for WASI that may make these calls.
fn wasi(place: &Place, name: &str, source: &str, calls: &[&str]) {
    let manifest = fs::read_to_string(sample("sum").join("manifest.toml")).expect("read");
    let manifest = manifest
        .replace("entry = \"main\"", "entry = \"_start\"")
        .replace("mem = \"64KiB\"", "mem = \"4MiB\"")
        .replace("fuel = 1000000", "fuel = 100000000")
        .replace(
            r#"["len", "read", "write", "commit_len", "exit"]"#,
            &format!("{calls:?}"),
        );
    place.write(&format!("w/{name}"), source);
    place.write("w/manifest.toml", manifest);
}

const HELLO: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
    (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"#;

#[test]
fn a_program_for_wasi_is_linked_packed_run_proved_and_verified() {
    let place = Place::new();
    wasi(&place, "hello.wat", HELLO, &WASI);
    let built = built(&place, "w");
    assert_eq!(built["wasi"], serde_json::json!(["fd_write"]));
    let ran = place.operator(&["--json", "capsule", "run", "w.mod"]).json();
    assert_eq!(ran["result_hex"], hex(b"hello\n"));
    place
        .operator(&["--json", "capsule", "prove", "w.mod", "-o", "proof"])
        .json();
    let verified = place
        .operator(&["--json", "capsule", "verify", "w.mod", "proof"])
        .json();
    assert_eq!(
        (&verified["verified"], &verified["result_hex"]),
        (&true.into(), &hex(b"hello\n").into())
    );
}

#[test]
fn what_wasi_needs_of_the_manifest_is_said() {
    let place = Place::new();
    wasi(&place, "hello.wat", HELLO, &["write"]);
    place
        .operator(&["capsule", "build", "w", "--new-key", "k"])
        .refused(3, "add to [host] calls in the manifest: \"commit_len\"");
    let manifest = String::from_utf8(place.read("w/manifest.toml")).expect("UTF-8");
    place.write("w/manifest.toml", manifest.replace("\"_start\"", "\"main\""));
    place
        .operator(&["capsule", "build", "w", "--new-key", "k"])
        .refused(3, "begins at `_start`");
    wasi(
        &place,
        "hello.wat",
        &HELLO.replace("fd_write", "random_get"),
        &WASI,
    );
    place
        .operator(&["capsule", "build", "w", "--new-key", "k"])
        .refused(3, "`random_get` of WASI");
}

#[test]
fn a_c_program_with_its_library_counts_words_and_is_proved() {
    if !has_wasi_libc() {
        return skip(
            "a C program for WASI",
            "needs clang, lld, wasi-libc and libclang-rt-dev-wasm32",
        );
    }
    let place = Place::new();
    let source = r#"
        #include <ctype.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        int main(int argc, char **argv) {
            char *line = malloc(256);
            int lines = 0, words = 0, bytes = 0;
            while (fgets(line, 256, stdin)) {
                lines++;
                bytes += (int)strlen(line);
                for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) words++;
            }
            printf("%d %d %d %s\n", lines, words, bytes, argv[argc - 1]);
            fprintf(stderr, "%-8s|%04x\n", "log", 0xbeef);
            free(line);
            return lines == 0 ? 3 : 0;
        }"#;
    wasi(&place, "wc.c", source, &WASI);
    let built = built(&place, "w");
    assert!(built["wasi"].to_string().contains("fd_read"), "{built}");
    place.write("text", "one two three\nfour\n\nfive six\n");
    let ran = place
        .operator(&["--json", "capsule", "run", "w.mod", "--input", "text"])
        .json();
    assert_eq!(ran["result_hex"], hex(b"4 6 29 capsule\n"), "{ran}");
    assert_eq!(ran["log_hex"], hex(b"log     |beef\n"));
    assert_eq!(ran["outcome"]["kind"], "return");
    let none = place.operator(&["--json", "capsule", "run", "w.mod"]).json();
    assert_eq!(none["outcome"], serde_json::json!({ "kind": "exit", "code": 3 }));
    place
        .operator(&[
            "--json", "capsule", "prove", "w.mod", "--input", "text", "-o", "proof",
        ])
        .json();
    let verified = place
        .operator(&["--json", "capsule", "verify", "w.mod", "proof", "--input", "text"])
        .json();
    assert_eq!(verified["verified"], true);
}
