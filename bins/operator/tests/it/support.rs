//! Calls the binary in a directory of its own.

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The JSON object on stdout, of a command that must have succeeded.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.stderr);
        serde_json::from_str(&self.stdout).expect("one JSON value on stdout")
    }

    /// Asserts that the command failed with this code, said why, and printed no data.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, why: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.stderr.contains(why), "{:?} is not in: {}", why, self.stderr);
        assert_eq!(self.stdout, "");
    }
}

/// A directory in which commands are called; data of the node included.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            dir: TempDir::new().expect("a temporary directory"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file in a directory")).expect("create directory");
        fs::write(&path, bytes).expect("write file");
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("read file")
    }

    /// Calls `operator` with these arguments; file names are relative to this place.
    pub(crate) fn operator(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().expect("start operator");
        Ended {
            code: output.status.code().expect("no signal"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// A call of `operator`, not started, with nothing of the caller's own settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_operator"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            // Shared, so that proving parameters are derived once for all tests.
            .env("NONOS_PARAMS", concat!(env!("CARGO_TARGET_TMPDIR"), "/params"))
            .env("HOME", self.dir.path());
        for name in [
            "DATA",
            "HTTP",
            "LISTEN",
            "LOG",
            "NETWORK",
            "PASSPHRASE_FILE",
            "PEERS",
        ] {
            command.env_remove(format!("NONOS_{name}"));
        }
        command.env_remove("XDG_DATA_HOME");
        command
    }

    /// Packs a sample capsule as `NAME.mod`, signed by `author.key`.
    pub(crate) fn pack(&self, name: &str) {
        let key = if self.path("author.key").exists() {
            "--key"
        } else {
            "--new-key"
        };
        let dir = sample(name);
        let dir = dir.to_str().expect("UTF-8");
        let built = self.operator(&[
            "capsule",
            "build",
            dir,
            key,
            "author.key",
            "-o",
            &format!("{name}.mod"),
        ]);
        assert_eq!(built.code, 0, "{}", built.stderr);
    }
}

/// Directory of a sample capsule.
pub(crate) fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../capsules")
        .join(name)
}

/// An input of a sample capsule.
pub(crate) fn input(capsule: &str, name: &str) -> String {
    sample(capsule)
        .join("inputs")
        .join(name)
        .to_str()
        .expect("UTF-8")
        .to_owned()
}
