//! `operator service …`: the node as a service of systemd.

use super::Context;
use crate::{datadir::DataArgs, failure::Failure, files, output::say};
use serde::Serialize;
use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{self, Path, PathBuf},
};

/// What to do with the service.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Writes a unit of systemd that runs the node confined, and says how to start it.
    Install(Install),
}

/// For whom, and with what.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("for").required(true))]
pub(crate) struct Install {
    /// For this user: it runs while the user is logged in, or always after `loginctl enable-linger`.
    #[arg(long, group = "for")]
    user: bool,
    /// For the machine, as another user than root; wants --run-as.
    #[arg(long, group = "for", requires = "run_as")]
    system: bool,
    /// Who the node runs as, with --system; the data directory must be that user's.
    #[arg(long, value_name = "USER", requires = "system", conflicts_with = "user", value_parser = user_name)]
    run_as: Option<String>,
    /// File with the keystore's passphrase, mode 0600, which systemd hands to the node.
    #[arg(long, value_name = "FILE")]
    passphrase_file: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Prints the unit, and writes nothing.
    #[arg(long)]
    print: bool,
    /// Writes over a unit that is there.
    #[arg(long)]
    force: bool,
}

const NAME: &str = "nonos-operator.service";

fn user_name(text: &str) -> Result<String, String> {
    let legal = |it: u8| it.is_ascii_alphanumeric() || b"_-.".contains(&it);
    match text {
        "" | "root" => Err("a user that is not root is wanted".to_owned()),
        text if text.len() <= 32 && text.bytes().all(legal) && !text.starts_with('-') => Ok(text.to_owned()),
        _ => Err("a user's name has letters, digits, `_`, `-` and `.`".to_owned()),
    }
}

#[derive(Serialize)]
struct Installed {
    unit: PathBuf,
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let Self::Install(install) = self;
        install.run(context)
    }
}

impl Install {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let program = std::env::current_exe().map_err(|source| Failure::File {
            action: "find",
            path: "this program".into(),
            source,
        })?;
        let text = self.unit(&program)?;
        if self.print {
            return context
                .output
                .print(&serde_json::json!({ "unit": text }), || text.clone());
        }
        let unit = self.place()?;
        let fail = |source| Failure::File {
            action: "write",
            path: unit.clone(),
            source,
        };
        if let Some(directory) = unit.parent() {
            fs::create_dir_all(directory).map_err(fail)?;
        }
        match write(&unit, &text, self.force) {
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Failure::ServiceExists { path: unit });
            }
            written => written.map_err(fail)?,
        }
        let installed = Installed { unit };
        context.output.show(&installed, || {
            vec![("unit", installed.unit.display().to_string())]
        })?;
        let ctl = if self.user {
            "systemctl --user"
        } else {
            "systemctl"
        };
        say(&format!(
            "next: {ctl} daemon-reload && {ctl} enable --now {NAME}; then `operator dashboard` for the page"
        ));
        Ok(())
    }

    fn place(&self) -> Result<PathBuf, Failure> {
        if self.system {
            return Ok(Path::new("/etc/systemd/system").join(NAME));
        }
        files::environment("XDG_CONFIG_HOME")
            .or_else(|| Some(files::environment("HOME")?.join(".config")))
            .map(|config| config.join("systemd/user").join(NAME))
            .ok_or(Failure::NoDataDirectory)
    }

    fn unit(&self, program: &Path) -> Result<String, Failure> {
        let data = absolute(&self.data.path()?)?;
        let (program, data) = (text_of(program)?, text_of(&data)?);
        let passphrase = absolute(&self.passphrase_file)?;
        let passphrase = text_of(&passphrase)?;
        let mut unit = format!(
            "# Written by `operator service install`.\n[Unit]\nDescription=NØN-OS operator node\nAfter=network.target\n\n\
             [Service]\nType=notify\nNotifyAccess=main\n\
             ExecStart={} run --data {} --passphrase-file %d/passphrase\n\
             # Fails, and the node goes on as it was set, if anything is wrong with config.toml.\n\
             ExecReload={} config reload --data {}\n\
             # A copy that only this service sees. The path goes to the end of the line: quotes would be part of it.\n\
             LoadCredential=passphrase:{}\n\
             Restart=on-failure\nRestartSec=5\n\
             # What the command line or somebody else's data is to blame for does not go away by itself.\n\
             RestartPreventExitStatus=2 3\n\
             # The first start derives parameters and measures the machine.\nTimeoutStartSec=10min\n\
             # Ctrl-C's way: what is at hand is finished or kept for the next start.\nKillSignal=SIGTERM\nTimeoutStopSec=90\n\
             LimitNOFILE=65536\nUMask=0077\n\n",
            argument(&program),
            argument(&data),
            argument(&program),
            argument(&data),
            specifiers_off(&passphrase),
        );
        // These need no rights, so that a user's manager can put them on.
        unit.push_str(
            "NoNewPrivileges=yes\nLockPersonality=yes\nMemoryDenyWriteExecute=yes\nRestrictRealtime=yes\n\
             RestrictSUIDSGID=yes\nRestrictNamespaces=yes\nRestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\n\
             SystemCallArchitectures=native\nSystemCallErrorNumber=EPERM\n\
             # Capsules' processes confine themselves further.\nSystemCallFilter=@system-service seccomp \
             landlock_create_ruleset landlock_add_rule landlock_restrict_self\n",
        );
        if let Some(user) = &self.run_as {
            let _ = write!(
                unit,
                "\nUser={user}\nProtectSystem=strict\nProtectHome=read-only\nReadWritePaths={}\nPrivateTmp=yes\n\
                 PrivateDevices=yes\nProtectClock=yes\nProtectControlGroups=yes\nProtectHostname=yes\nProtectKernelLogs=yes\n\
                 ProtectKernelModules=yes\nProtectKernelTunables=yes\nProtectProc=invisible\nCapabilityBoundingSet=\n\
                 AmbientCapabilities=\nRemoveIPC=yes\nKeyringMode=private\n",
                quoted(&data)
            );
        }
        let wanted = if self.system {
            "multi-user.target"
        } else {
            "default.target"
        };
        let _ = write!(unit, "\n[Install]\nWantedBy={wanted}\n");
        Ok(unit)
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    path::absolute(path).map_err(|source| Failure::File {
        action: "find",
        path: path.to_owned(),
        source,
    })
}

/// A path as a unit can name it: text on one line.
fn text_of(path: &Path) -> Result<String, Failure> {
    match path.to_str() {
        Some(text) if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        _ => Err(Failure::BadFileName {
            path: path.to_owned(),
        }),
    }
}

/// With nothing in it that systemd would expand.
fn specifiers_off(text: &str) -> String {
    text.replace('%', "%%")
}

/// As one word of a list.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", specifiers_off(&text))
}

/// As one word of a command line, where variables are expanded, too.
fn argument(text: &str) -> String {
    quoted(text).replace('$', "$$")
}

fn write(path: &Path, text: &str, force: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o644);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;
    use std::process::{Command as Process, Stdio};

    #[derive(Debug, clap::Parser)]
    struct Cli {
        #[command(flatten)]
        install: Install,
    }

    fn install(arguments: &[&str]) -> Result<Install, clap::Error> {
        let more = ["--passphrase-file", "/etc/nonos/pass"];
        let all = [&["install"], arguments, &more].concat();
        Cli::try_parse_from(all).map(|it| it.install)
    }

    fn unit(arguments: &[&str]) -> String {
        let install = install(arguments).expect("arguments");
        install.unit(Path::new("/usr/bin/operator")).expect("a unit")
    }

    #[test]
    fn a_unit_waits_for_the_node_and_confines_it() {
        let user = unit(&["--user", "--data", "/srv/n"]);
        for line in [
            "Type=notify",
            "ExecStart=\"/usr/bin/operator\" run --data \"/srv/n\" --passphrase-file %d/passphrase",
            "ExecReload=\"/usr/bin/operator\" config reload --data \"/srv/n\"",
            // Seen to fail when it is quoted: the quotes are taken for part of the path.
            "LoadCredential=passphrase:/etc/nonos/pass",
            "NoNewPrivileges=yes",
            "WantedBy=default.target",
        ] {
            assert!(user.lines().any(|it| it == line), "{line}: {user}");
        }
        assert!(!user.contains("User="));
        let system = unit(&["--system", "--run-as", "nonos", "--data", "/srv/n"]);
        for line in [
            "User=nonos",
            "ProtectSystem=strict",
            "ReadWritePaths=\"/srv/n\"",
            "WantedBy=multi-user.target",
        ] {
            assert!(system.lines().any(|it| it == line), "{line}: {system}");
        }
    }

    #[test]
    fn a_path_is_one_word_whatever_is_in_it() {
        let unit = unit(&["--system", "--run-as", "nonos", "--data", "/a b/%h/$HOME/\"c\\"]);
        for part in [
            "--data \"/a b/%%h/$$HOME/\\\"c\\\\\" --passphrase-file",
            "ReadWritePaths=\"/a b/%%h/$HOME/\\\"c\\\\\"\n",
        ] {
            assert!(unit.contains(part), "{part}: {unit}");
        }
        let error = install(&["--user", "--data", "/a\nUser=root"]).expect("arguments");
        let error = error.unit(Path::new("/bin/operator")).expect_err("two lines");
        assert!(matches!(error, Failure::BadFileName { .. }), "{error}");
    }

    #[test]
    fn refuses_a_service_for_nobody_or_for_root() {
        for bad in [
            &[][..],
            &["--system"],
            &["--user", "--system", "--run-as", "nonos"],
            &["--user", "--run-as", "nonos"],
            &["--system", "--run-as", "root"],
            &["--system", "--run-as", "a b"],
            &["--system", "--run-as", "a\nb"],
        ] {
            assert!(install(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "says why it is skipped")]
    fn systemd_understands_the_units() {
        let known = Process::new("systemd-analyze")
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        if !known.is_ok_and(|it| it.success()) {
            eprintln!("skipped: there is no systemd-analyze");
            return;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let data = dir.path().join("a b");
        let data = data.to_str().expect("UTF-8");
        for (kind, arguments) in [
            ("--user", &["--user", "--data", data][..]),
            ("--system", &["--system", "--run-as", "daemon", "--data", data]),
        ] {
            let install = install(arguments).expect("arguments");
            // A program that is there.
            let text = install.unit(Path::new("/bin/true")).expect("a unit");
            let path = dir.path().join(NAME);
            fs::write(&path, &text).expect("write it");
            let mut checked = Process::new("systemd-analyze");
            checked
                .args([kind, "verify", "--man=no", "--recursive-errors=no"])
                .arg(&path);
            let checked = checked
                .env("XDG_RUNTIME_DIR", dir.path())
                .output()
                .expect("start systemd-analyze");
            let said = String::from_utf8_lossy(&checked.stderr);
            let about_it: Vec<&str> = said.lines().filter(|it| it.contains(NAME)).collect();
            assert!(checked.status.success() && about_it.is_empty(), "{said}\n{text}");
        }
    }
}
