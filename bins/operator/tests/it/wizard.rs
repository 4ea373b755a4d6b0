//! `operator init` as a person sees it, on a pseudo terminal; and where there is none.

use crate::{
    node::{eventually, passphrase},
    support::{Ended, Place},
};
use std::{
    fs,
    io::{Read as _, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

/// Longest time that anything is waited for, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(300);

/// Somebody at a terminal.
struct Person {
    keyboard: ChildStdin,
    screen: Receiver<Vec<u8>>,
    seen: String,
    /// How far of it was waited for.
    at: usize,
    child: Child,
}

impl Person {
    /// Starts `operator` on a terminal of its own, which `script` of util-linux makes: also the controlling one, on which a
    /// passphrase is asked for.
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let operator = place.command(arguments);
        let words = [operator.get_program()].into_iter().chain(operator.get_args());
        let words = words.map(|it| format!("'{}'", it.to_str().expect("UTF-8")));
        let line = words.collect::<Vec<_>>().join(" ");
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        for (name, value) in operator.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
            .current_dir(place.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("start script");
        let keyboard = child.stdin.take().expect("a pipe");
        let mut reader = child.stdout.take().expect("a pipe");
        let (send, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(len @ 1..) = reader.read(&mut bytes) {
                if send.send(bytes[..len].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            keyboard,
            screen,
            seen: String::new(),
            at: 0,
            child,
        }
    }

    /// Waits until this is on the screen, after what was waited for before.
    #[track_caller]
    fn sees(&mut self, words: &str) {
        loop {
            if let Some(found) = self.seen[self.at..].find(words) {
                self.at += found + words.len();
                return;
            }
            match self.screen.recv_timeout(PATIENCE) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("`{words}` is not on the screen after {}: {}", self.at, self.seen),
            }
        }
    }

    /// Types what is not to be seen, once it is asked for and would not be shown.
    #[track_caller]
    fn whispers(&mut self, question: &str, answer: &str) {
        self.sees(question);
        let script = self.child.id();
        let children =
            fs::read_to_string(format!("/proc/{script}/task/{script}/children")).expect("a process");
        let child = children.split_whitespace().next().expect("it runs");
        let terminal = fs::read_link(format!("/proc/{child}/fd/0")).expect("its terminal");
        eventually("nothing is shown", || {
            let settings = Command::new("stty")
                .arg("-F")
                .arg(&terminal)
                .arg("-a")
                .output()
                .expect("start stty");
            let settings = String::from_utf8_lossy(&settings.stdout);
            settings.split_whitespace().any(|it| it == "-echo").then_some(())
        });
        self.keyboard
            .write_all(format!("{answer}\n").as_bytes())
            .expect("type it");
    }

    /// Answers a question, once it is asked.
    #[track_caller]
    fn answers(&mut self, question: &str, answer: &str) {
        self.sees(question);
        self.keyboard
            .write_all(format!("{answer}\n").as_bytes())
            .expect("type it");
    }
}

#[test]
fn a_person_makes_a_node_and_is_asked_again_after_a_bad_answer() {
    let place = Place::new();
    place.write("photos/cat.jpg", "precious");
    let mut person = Person::start(&place, &["init"]);
    person.answers("data directory [", "photos");
    person.sees("not so: photos is not empty");
    person.answers("data directory [", "node");
    person.answers("invitation [nonos-main]: ", "a test");
    person.answers("peers to keep connected to [none]: ", "");
    person.answers("listen on [4710]: ", "/ip4/127.0.0.1/tcp/0");
    person.answers("for others [all]: ", "boss");
    person.sees("not so: `boss` is no role");
    person.answers("for others [all]: ", "executor");
    person.answers("cores for proofs [100]: ", "101");
    person.sees("not so: 101 %");
    person.answers("cores for proofs [100]: ", "50");
    person.answers("of a proof [none]: ", "");
    person.answers("most of the disk [none]: ", "15000000TB");
    person.answers("traffic in a month [none]: ", "");
    person.answers("peers get [none]: ", "");
    person.whispers("passphrase: ", "correct horse");
    person.whispers("the same again: ", "incorrect horse");
    person.sees("not so: the two differ");
    person.whispers("passphrase: ", "correct horse");
    person.whispers("the same again: ", "correct horse");
    // What is not well is told, and what comes next.
    person.sees("disk: ");
    person.sees("next: `operator run --data node`");
    assert!(person.child.wait().expect("it ends").success());
    assert!(!person.seen.contains("correct horse"), "{}", person.seen);

    let config = String::from_utf8(place.read("node/config.toml")).expect("UTF-8");
    for line in [
        "network = \"a test\"",
        "cpu = 50",
        "seeder = \"off\"",
        "#executor = \"auto\"",
        "disk = \"15000000TB\"",
    ] {
        assert!(config.lines().any(|it| it == line), "{line}: {config}");
    }
    passphrase(&place, "pass", "correct horse\n", 0o600);
    let found = place.operator(&["doctor", "--data", "node", "--passphrase-file", "pass"]);
    assert!(found.stdout.contains("; it opens"), "{found:?}");
}

#[test]
fn a_person_who_gives_flags_is_asked_for_the_rest_alone() {
    let place = Place::new();
    passphrase(&place, "pass", "correct horse\n", 0o600);
    let flags = [
        "init",
        "--data",
        "node",
        "--passphrase-file",
        "pass",
        "--invitation",
        "nonos:a test@/ip4/192.0.2.7/tcp/1",
        "--listen",
        "4711",
        "--roles",
        "all",
        "--cpu",
        "50",
        "--memory",
        "none",
        "--monthly",
        "none",
        "--upload",
        "none",
    ];
    let mut person = Person::start(&place, &flags);
    person.answers("most of the disk [none]: ", "20GB");
    person.sees("next: `operator run --data node`");
    assert!(person.child.wait().expect("it ends").success());
    assert_eq!(person.seen.matches("]: ").count(), 1, "{}", person.seen);
    let config = String::from_utf8(place.read("node/config.toml")).expect("UTF-8");
    assert!(
        config.contains("\npeers = [\"/ip4/192.0.2.7/tcp/1\"]\n"),
        "{config}"
    );
    assert!(config.contains("/udp/4711/quic-v1"), "{config}");
}

#[test]
fn where_nobody_can_be_asked_the_flags_are_told() {
    let place = Place::new();
    passphrase(&place, "pass", "correct horse\n", 0o600);
    let refused: Ended = place.operator(&["init", "--data", "node", "--passphrase-file", "pass"]);
    refused.refused(2, "give --yes");
    for flag in [
        "--data",
        "--passphrase-file",
        "--network",
        "--invitation",
        "--peer",
        "--listen",
        "--roles",
        "--cpu",
        "--memory",
        "--disk",
        "--monthly",
        "--upload",
    ] {
        assert!(refused.stderr.contains(flag), "{flag}: {}", refused.stderr);
    }
    assert!(!place.path("node").exists());
    let init = ["init", "--yes", "--data", "node", "--passphrase-file", "pass"];
    place
        .operator(&[&init[..], &["--cpu", "0"]].concat())
        .refused(2, "--cpu: 0 %");
    assert!(!place.path("node").exists());
    let made = place.operator(&init);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let default = place.operator(&["config", "default"]).stdout;
    assert_eq!(
        String::from_utf8(place.read("node/config.toml")).expect("UTF-8"),
        default
    );
    assert!(
        made.stderr.contains("next: `operator run --data node`"),
        "{}",
        made.stderr
    );
}
