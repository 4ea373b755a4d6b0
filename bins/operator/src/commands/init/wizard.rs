//! Asks a person: one question a line, again where the answer is none, with the reason.

use super::questions::{Settings, Topic};
use crate::{failure::Failure, files, output, passphrase};
use nonos_trust::keystore::Passphrase;
use std::{
    fs,
    io::{self, BufRead as _, Read as _, Write as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Longest answer, in bytes.
const ANSWER: u64 = 16 << 10;

/// Whoever is asked.
pub(super) trait Console {
    /// Tells something.
    fn say(&mut self, text: &str);
    /// Asks, and waits for a line.
    fn ask(&mut self, prompt: &str) -> Result<String, Failure>;
    /// Asks for what is not shown while it is typed.
    fn secret(&mut self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, Failure>;
}

/// The person at the terminal.
pub(super) struct Terminal;

impl Console for Terminal {
    fn say(&mut self, text: &str) {
        output::say(text);
    }

    fn ask(&mut self, prompt: &str) -> Result<String, Failure> {
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "{prompt}").and_then(|()| stderr.flush());
        let mut line = String::new();
        let read = io::stdin()
            .lock()
            .take(ANSWER)
            .read_line(&mut line)
            .map_err(Failure::Prompt)?;
        if read == 0 {
            return Err(Failure::Prompt(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(line)
    }

    fn secret(&mut self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
        passphrase::ask(prompt)
    }
}

fn ask<T>(
    console: &mut dyn Console,
    [question, why, default]: [&str; 3],
    mut read: impl FnMut(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    console.say(&format!("\n{why}"));
    loop {
        let answer = console.ask(&format!("{question} [{default}]: "))?;
        let answer = match answer.trim() {
            "" => default,
            answer => answer,
        };
        match read(answer) {
            Ok(read) => return Ok(read),
            Err(reason) => console.say(&format!("not so: {reason}")),
        }
    }
}

/// What an answer to this sets.
pub(super) fn settings(
    console: &mut dyn Console,
    topic: Topic,
    before: &Settings,
) -> Result<Settings, Failure> {
    ask(console, [topic.ask(), topic.why(), topic.default()], |answer| {
        topic.settings(answer, before)
    })
}

/// Where the node's data shall be.
pub(super) fn data_dir(console: &mut dyn Console, usual: &Path) -> Result<PathBuf, Failure> {
    let why = "its key, books and capsules are there: a directory of its own, on a disk that lasts";
    let default = usual.display().to_string();
    ask(console, ["data directory", why, &default], |answer| {
        let path = match (answer.strip_prefix("~/"), files::environment("HOME")) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(answer),
        };
        match fs::read_dir(&path).map(|mut it| it.next().is_some()) {
            Ok(true) => Err(format!(
                "{} is not empty, and nothing is written over",
                path.display()
            )),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(format!("{} cannot be used: {error}", path.display()))
            }
            _ => Ok(path),
        }
    })
}

/// The passphrase of the new key: twice the same.
pub(super) fn passphrase(console: &mut dyn Console) -> Result<Passphrase, Failure> {
    console.say("\nthe node's key is encrypted under it; without it the node cannot be started, and nobody can reset it");
    loop {
        let first = console.secret("passphrase: ")?;
        let chosen = match Passphrase::new(first.to_vec()) {
            Ok(chosen) => chosen,
            Err(error) => {
                console.say(&format!("not so: {error}"));
                continue;
            }
        };
        if *first == *console.secret("the same again: ")? {
            return Ok(chosen);
        }
        console.say("not so: the two differ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nonos_node::Config;

    /// Answers in their order, and all that was said.
    struct Script {
        answers: Vec<&'static str>,
        said: Vec<String>,
    }

    impl Script {
        fn new(answers: &[&'static str]) -> Self {
            Self {
                answers: answers.iter().rev().copied().collect(),
                said: Vec::new(),
            }
        }
    }

    impl Console for Script {
        fn say(&mut self, text: &str) {
            self.said.push(text.to_owned());
        }

        fn ask(&mut self, prompt: &str) -> Result<String, Failure> {
            self.said.push(prompt.to_owned());
            Ok(format!("{}\n", self.answers.pop().expect("no more is asked")))
        }

        fn secret(&mut self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
            self.ask(prompt)
                .map(|it| Zeroizing::new(it.trim_end().as_bytes().to_vec()))
        }
    }

    #[test]
    fn a_bad_answer_is_asked_again_with_the_reason() {
        for (topic, bad, good, words) in [
            (
                Topic::Network,
                "nonos:x",
                "nonos:x@/ip4/1.2.3.4/tcp/1",
                "no invitation",
            ),
            (
                Topic::Peers,
                "example.org:4710",
                "/ip4/1.2.3.4/tcp/1",
                "not a multiaddr",
            ),
            (Topic::Listen, "70000", "4711", "not a multiaddr"),
            (Topic::Roles, "boss", "executor", "is no role"),
            (Topic::Cpu, "0", "50", "from 1 to 100"),
            (Topic::Memory, "1MB", "none", "too little"),
            (Topic::Disk, "20", "20GB", "with its unit"),
            (Topic::Monthly, "-", "2GB", "with its unit"),
            (Topic::Upload, "1", "512", "too slow"),
        ] {
            let mut script = Script::new(&[bad, good]);
            settings(&mut script, topic, &Settings::new()).expect(good);
            assert!(script.answers.is_empty(), "{good} was not asked for");
            let told = script
                .said
                .iter()
                .filter(|it| it.starts_with("not so: "))
                .collect::<Vec<_>>();
            assert!(told.len() == 1 && told[0].contains(words), "{bad}: {told:?}");
        }
    }

    #[test]
    fn enter_takes_what_stands_in_brackets() {
        let mut all = Settings::new();
        for topic in Topic::ALL {
            let mut script = Script::new(&[""]);
            all.extend(settings(&mut script, topic, &all.clone()).expect("the default"));
            assert!(script.said[0].contains(topic.why()));
            assert!(
                script.said[1].ends_with(&format!("[{}]: ", topic.default())),
                "{:?}",
                script.said
            );
        }
        assert_eq!(Config::default_text_with(&all), Config::DEFAULT_TEXT);
    }

    #[test]
    fn passphrases_are_the_same_twice_and_not_empty() {
        let mut script = Script::new(&["", "one", "other", "one", "one"]);
        passphrase(&mut script).expect("a passphrase");
        assert!(script.answers.is_empty());
        assert!(
            script.said.iter().any(|it| it.contains("empty")),
            "{:?}",
            script.said
        );
        assert!(
            script.said.iter().any(|it| it.contains("differ")),
            "{:?}",
            script.said
        );
    }

    #[test]
    fn a_directory_in_use_is_asked_for_again() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("cat.jpg"), "precious").expect("write it");
        let full: &'static str = dir.path().to_str().expect("UTF-8").to_owned().leak();
        let mut script = Script::new(&[full, ""]);
        let usual = dir.path().join("node");
        assert_eq!(data_dir(&mut script, &usual).expect("a directory"), usual);
        assert!(
            script.said.iter().any(|it| it.contains("not empty")),
            "{:?}",
            script.said
        );
    }
}
