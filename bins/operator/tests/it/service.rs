//! The node as a service manager, a shell and a reader of manuals see it.

use crate::{
    node::{Running, init, passphrase},
    support::Place,
};
use std::{
    fs,
    os::unix::net::UnixDatagram,
    process::{Command, Stdio},
    time::Duration,
};

#[test]
fn a_service_manager_hears_when_the_node_is_ready_and_when_it_stops() {
    let place = Place::new();
    init(&place, "data");
    let socket = UnixDatagram::bind(place.path("notify")).expect("a socket");
    socket
        .set_read_timeout(Some(Duration::from_secs(300)))
        .expect("a timeout");
    let heard = || {
        let mut bytes = [0; 64];
        let len = socket.recv(&mut bytes).expect("it says something");
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    };
    let mut child = place
        .command(&["run", "--data", "data", "--passphrase-file", "pass"])
        .env("NOTIFY_SOCKET", place.path("notify"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start operator");
    assert_eq!(heard(), "READY=1");
    // It does answer.
    place.operator(&["--json", "status", "--data", "data"]).json();
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(sent.expect("kill is there").success());
    assert_eq!(heard(), "STOPPING=1");
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_link_leads_to_the_page_of_the_node_that_runs() {
    let place = Place::new();
    init(&place, "data");
    place
        .operator(&["dashboard", "--data", "data"])
        .refused(2, "no page is served from");
    let mut node = Running::start(&place, "data", &["--http", "127.0.0.1:0"]);
    let at = node.waits_for("page on http://");
    let at = at.split(':').take(2).collect::<Vec<_>>().join(":");
    let link = node.ask(&["dashboard"]);
    let url = link["url"].as_str().expect("a link");
    assert!(url.starts_with(&format!("http://{at}/#")), "{url} is not at {at}");
    let other = node.ask(&["dashboard"]);
    assert_ne!(link, other);
    assert!(node.terminate().success());
    place
        .operator(&["dashboard", "--data", "data"])
        .refused(2, "no page is served from");
}

#[test]
fn refuses_to_serve_the_page_to_others() {
    let place = Place::new();
    init(&place, "data");
    let run = ["run", "--data", "data", "--passphrase-file", "pass", "--http"];
    for bad in ["0.0.0.0:4780", "[::]:0", "192.0.2.7:80"] {
        place
            .operator(&[&run[..], &[bad]].concat())
            .refused(2, "no loopback address");
    }
    fs::write(
        place.path("data/config.toml"),
        "[http]\nlisten = \"0.0.0.0:80\"\n",
    )
    .expect("write it");
    place
        .operator(&run[..5])
        .refused(2, "config.toml, line 2, column 10");
}

#[test]
fn a_unit_is_installed_for_the_user_and_not_written_over() {
    let place = Place::new();
    passphrase(&place, "pass", "correct horse\n", 0o600);
    let install = [
        "service",
        "install",
        "--user",
        "--passphrase-file",
        "pass",
        "--data",
        "data",
    ];
    let call = |more: &[&str]| {
        let all = [&["--json"], &install[..], more].concat();
        let output = place
            .command(&all)
            .env_remove("XDG_CONFIG_HOME")
            .output()
            .expect("start operator");
        (
            output.status.code(),
            String::from_utf8(output.stdout).expect("UTF-8"),
        )
    };
    assert_eq!(call(&["--print"]).0, Some(0));
    let unit = place.path(".config/systemd/user/nonos-operator.service");
    assert!(!unit.exists());
    let (code, said) = call(&[]);
    assert_eq!(code, Some(0), "{said}");
    let text = fs::read_to_string(&unit).expect("it is written");
    let data = place.path("data");
    assert!(text.contains(&format!("--data \"{}\"", data.display())), "{text}");
    fs::write(&unit, "mine").expect("write it");
    assert_eq!(call(&[]).0, Some(2));
    assert_eq!(fs::read_to_string(&unit).expect("there"), "mine");
    assert_eq!(call(&["--force"]).0, Some(0));
    assert_eq!(fs::read_to_string(&unit).expect("there"), text);
}

#[test]
fn shells_and_manuals_know_every_command() {
    let place = Place::new();
    let help = place.operator(&["--help"]).stdout;
    let (_, commands) = help.split_once("Commands:").expect("a list");
    let commands: Vec<&str> = commands
        .lines()
        .skip(1)
        .take_while(|it| !it.is_empty())
        .filter_map(|it| it.split_whitespace().next())
        .filter(|it| *it != "help")
        .collect();
    assert!(commands.len() > 15, "{commands:?}");
    for shell in ["bash", "zsh", "fish"] {
        let script = place.operator(&["completions", shell]).stdout;
        for command in &commands {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    let page = place.operator(&["man"]).stdout;
    assert!(page.contains(".TH operator 1"), "{page}");
    fs::create_dir(place.path("man")).expect("make it");
    let written = place.operator(&["man", "--to", "man"]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    for command in commands {
        assert!(
            place.path(&format!("man/operator-{command}.1")).exists(),
            "{command}"
        );
    }
}
