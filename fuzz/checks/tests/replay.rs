//! Every input of `fuzz/corpus`, what fuzzing has found included, once more.

use nonos_fuzz_checks::TARGETS;
use std::{fs, path::Path};

#[test]
#[expect(clippy::print_stdout, reason = "names the input that fails")]
fn the_corpus_of_each_target_passes_its_check() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    for (target, check) in TARGETS {
        check(&[]);
        let Ok(inputs) = fs::read_dir(corpus.join(target)) else {
            panic!("no corpus of {target}");
        };
        let mut replayed = 0;
        for input in inputs {
            let path = input.expect("a directory entry").path();
            let bytes = fs::read(&path).expect("an input");
            println!("{}", path.display());
            check(&bytes);
            replayed += 1;
        }
        assert!(replayed > 0, "the corpus of {target} is empty");
    }
}

/// Those whose checks take milliseconds or more: what fuzzing has found of them is enough here.
const SLOW: [&str; 4] = ["module", "onion", "stark", "statement"];

#[test]
#[expect(clippy::print_stdout, reason = "names the input that fails")]
fn inputs_with_a_byte_changed_or_a_part_missing_pass_too() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    for (target, check) in TARGETS.into_iter().filter(|(name, _)| !SLOW.contains(name)) {
        let mut paths: Vec<_> = fs::read_dir(corpus.join(target))
            .expect("a corpus")
            .map(|input| input.expect("a directory entry").path())
            .collect();
        paths.sort();
        // Inputs that fuzzing found are many, and near one another.
        for path in paths.iter().rev().step_by(paths.len().div_ceil(24)) {
            println!("{}", path.display());
            let bytes = fs::read(path).expect("an input");
            let places = (0..bytes.len()).step_by(bytes.len().div_ceil(48).max(1));
            for at in places {
                for bits in [1, 0x80, 0xff] {
                    let mut changed = bytes.clone();
                    changed[at] ^= bits;
                    check(&changed);
                }
                check(&bytes[..at]);
                check(&[&bytes[..at], &bytes[at + 1..]].concat());
                check(&[&bytes[..at], &[0], &bytes[at..]].concat());
            }
        }
    }
}

/// A check of what nothing accepts checks nothing.
#[test]
fn seeds_are_what_they_are_said_to_be() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let seed = |name: &str| fs::read(corpus.join(name)).expect("a seed");
    for job in ["job/segment-0", "job/segment-1"] {
        nonos_verify_stark::SegmentJob::from_bytes(&seed(job)).expect("a job");
    }
    let manifest = String::from_utf8(seed("manifest/everything")).expect("text");
    nonos_package::Manifest::parse(&manifest).expect("a manifest");
    nonos_package::Policy::from_bytes(&seed("manifest/policy")).expect("a policy");
    nonos_verify_halo2::Proof::decode(&seed("halo2/layout")).expect("a layout");
    let export = nonos_depin::anchor::Export::read(&corpus.join("anchor/vector")).expect("a file");
    assert_eq!(export.commitments.len(), 2);
    assert!(nonos_fuzz_checks::onion::answered(&seed("onion/answered")) > 0);
}

#[test]
fn the_corpora_are_those_of_the_targets() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let names = |folder: &str| {
        let entries = fs::read_dir(fuzz.join(folder)).expect("a directory");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("a directory entry")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .map(|name| name.trim_end_matches(".rs").to_owned())
            .collect();
        names.sort();
        names
    };
    let targets: Vec<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
}
