//! Hosts that are network namespaces, each with one cable to one of a few bridges.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// Names of namespaces begin with it, then the process that made them.
const PREFIX: &str = "nonos";
/// Bridges; all hosts begin on the first.
const BRIDGES: usize = 3;

/// The namespaces, which are removed when this is dropped.
pub(crate) struct Lan {
    name: String,
    hosts: usize,
}

impl Lan {
    /// So many hosts on one bridge; nothing, having said why, where that cannot be.
    pub(crate) fn new(hosts: usize) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        sweep();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let lan = Self {
            name: format!("{PREFIX}-{}-{count}", std::process::id()),
            hosts,
        };
        match lan.build() {
            Ok(()) => Some(lan),
            Err(why) => {
                eprintln!("skipped: network namespaces need root and iproute2: {why}");
                None
            }
        }
    }

    fn build(&self) -> Result<(), String> {
        let switch = self.switch();
        ip(&["netns", "add", &switch])?;
        for bridge in 0..BRIDGES {
            let bridge = format!("br{bridge}");
            ip(&["-n", &switch, "link", "add", &bridge, "type", "bridge"])?;
            ip(&["-n", &switch, "link", "set", &bridge, "up"])?;
        }
        for host in 0..self.hosts {
            let (namespace, port) = (self.namespace(host), port(host));
            ip(&["netns", "add", &namespace])?;
            let cable = [
                "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns",
            ];
            ip(&[&["-n", &switch], &cable[..], &[&namespace]].concat())?;
            ip(&["-n", &switch, "link", "set", &port, "master", "br0", "up"])?;
            let address = format!("{}/24", address(host));
            ip(&["-n", &namespace, "addr", "add", &address, "dev", "eth0"])?;
            ip(&["-n", &namespace, "link", "set", "eth0", "up"])?;
            ip(&["-n", &namespace, "link", "set", "lo", "up"])?;
        }
        Ok(())
    }

    /// How many hosts.
    pub(crate) fn hosts(&self) -> usize {
        self.hosts
    }

    /// Name of a host's namespace.
    pub(crate) fn namespace(&self, host: usize) -> String {
        format!("{}-{host}", self.name)
    }

    fn switch(&self) -> String {
        format!("{}-sw", self.name)
    }

    /// Moves every host to the bridge that is named for it.
    pub(crate) fn patch(&self, bridge_of: impl Fn(usize) -> usize) {
        for host in 0..self.hosts {
            let bridge = format!("br{}", bridge_of(host));
            ip(&[
                "-n",
                &self.switch(),
                "link",
                "set",
                &port(host),
                "master",
                &bridge,
            ])
            .expect("a cable is moved");
        }
    }

    /// Moves all hosts to one bridge.
    pub(crate) fn heal(&self) {
        self.patch(|_| 0);
    }

    /// So many kilobits per second for a host, in each direction.
    pub(crate) fn narrow(&self, host: usize, kbit: u32) {
        let rate = format!("{kbit}kbit");
        for (namespace, device) in [
            (self.switch(), port(host)),
            (self.namespace(host), "eth0".to_owned()),
        ] {
            let shape = ["root", "tbf", "rate", &rate, "burst", "16kb", "latency", "400ms"];
            let add = [&["-n", &namespace, "qdisc", "add", "dev", &device], &shape[..]].concat();
            call("tc", &add).expect("a cable is narrowed");
        }
    }

    /// Bytes that a host has sent and received, frames of the link included.
    pub(crate) fn traffic(&self, host: usize) -> (u64, u64) {
        let counter = |name: &str| {
            let file = format!("/sys/class/net/eth0/statistics/{name}");
            let text =
                ip(&["netns", "exec", &self.namespace(host), "cat", &file]).expect("a host has counters");
            text.trim().parse().expect("a number")
        };
        (counter("tx_bytes"), counter("rx_bytes"))
    }

    /// What `ip route` says in a host.
    pub(crate) fn routes(&self, host: usize) -> String {
        ip(&["-n", &self.namespace(host), "route"]).expect("routes are listed")
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        for namespace in (0..self.hosts)
            .map(|host| self.namespace(host))
            .chain([self.switch()])
        {
            // Of those that could not be made there is nothing to remove.
            let _ = ip(&["netns", "del", &namespace]);
        }
    }
}

/// A host's address.
pub(crate) fn address(host: usize) -> String {
    format!("10.77.0.{}", host + 1)
}

/// The other end of its cable.
fn port(host: usize) -> String {
    format!("port{host}")
}

/// Removes what tests have left that were killed.
fn sweep() {
    let namespaces = ip(&["netns", "list"]).unwrap_or_default();
    for namespace in namespaces
        .lines()
        .filter_map(|line| line.split_whitespace().next())
    {
        let mut parts = namespace.split('-');
        if let (Some(PREFIX), Some(process)) = (parts.next(), parts.next())
            && process.parse::<u32>().is_ok()
            && !Path::new("/proc").join(process).exists()
        {
            // Another test may sweep, too.
            let _ = ip(&["netns", "del", namespace]);
        }
    }
}

fn ip(arguments: &[&str]) -> Result<String, String> {
    call("ip", arguments)
}

fn call(program: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    let ended = command.args(arguments).stdin(Stdio::null()).output();
    let ended = ended.map_err(|error| format!("{program}: {error}"))?;
    if ended.status.success() {
        return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    Err(format!("{program} {}: {}", arguments.join(" "), said.trim()))
}

/// The load of the machine, for figures to be read with it.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let one_minute = load.split(' ').next().unwrap_or("?");
    format!("load {one_minute} on {cores} cores")
}

#[test]
fn hosts_have_no_way_out_and_nothing_is_left_of_them() {
    let Some(lan) = Lan::new(2) else { return };
    let namespaces = [lan.namespace(0), lan.namespace(1), lan.switch()];
    let exists = |namespace: &String| {
        ip(&["netns", "list"])
            .expect("listed")
            .contains(namespace.as_str())
    };
    assert!(namespaces.iter().all(exists));
    for host in 0..lan.hosts() {
        let routes = lan.routes(host);
        assert!(routes.starts_with("10.77.0.0/24 dev eth0"), "{routes}");
        assert_eq!(routes.lines().count(), 1, "{routes}");
    }
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _lan = lan;
        std::panic::resume_unwind(Box::new("a test fails"));
    }));
    assert!(panicked.is_err());
    assert!(!namespaces.iter().any(exists));
}
