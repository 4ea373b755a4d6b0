//! Clock, ports, page, and whether others get through.

use super::Check;
use nonos_node::{
    Http, HttpListen,
    api::{ClockView, PeerView},
};
use std::{
    fs, io,
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::Path,
    time::Duration,
};

/// Does the machine's clock go with those of its peers?
pub(super) fn clock(said: Option<&ClockView>) -> Check {
    const NAME: &str = "clock";
    let Some(clock) = said else {
        return Check::unknown(NAME, "only a node that runs can compare it with those of peers");
    };
    let (agree, heard) = (clock.agree, clock.heard);
    match &clock.off_by {
        Some(off_by) => Check::failed(
            NAME,
            format!("it is {off_by} those of {agree} of {heard} peers"),
            "timedatectl set-ntp true, or set it by `date`",
        ),
        None if !clock.is_known => Check::unknown(
            NAME,
            format!("{heard} peers were heard: too few, or they do not agree"),
        ),
        None => Check::ok(NAME, format!("it goes with those of {agree} of {heard} peers")),
    }
}

/// Where a multiaddr of the configuration listens: at TCP, or else UDP.
fn endpoint(address: &str) -> Option<(bool, SocketAddr)> {
    let mut parts = address.split('/').skip(1);
    let (_, ip) = (parts.next()?, parts.next()?);
    let (transport, port) = (parts.next()?, parts.next()?);
    let ip: IpAddr = ip.parse().ok()?;
    Some((transport == "tcp", SocketAddr::new(ip, port.parse().ok()?)))
}

/// Can the node listen where it should, or does it?
pub(super) fn ports(wanted: &[String], listens: Option<&[String]>) -> Check {
    const NAME: &str = "ports";
    let endpoints: Vec<(bool, SocketAddr)> = wanted.iter().filter_map(|it| endpoint(it)).collect();
    if wanted.is_empty() {
        let remedy = "set `listen` in config.toml";
        return Check::warning(
            NAME,
            "the node listens nowhere: only peers that it dials are connected",
            remedy,
        );
    }
    for (is_tcp, at) in &endpoints {
        let kind = if *is_tcp { "TCP" } else { "UDP" };
        if let Some(listens) = listens {
            let mut held = listens.iter().filter_map(|it| endpoint(it));
            if at.port() != 0 && !held.any(|(tcp, it)| (tcp, it.port()) == (*is_tcp, at.port())) {
                let remedy = "start the node again; if it was told another address by --listen, all is well";
                return Check::warning(
                    NAME,
                    format!("the node that runs does not listen on {kind} {at}"),
                    remedy,
                );
            }
            continue;
        }
        if let Err(error) = bind(*is_tcp, *at) {
            let port = at.port();
            let remedy = match error.kind() {
                io::ErrorKind::AddrInUse => {
                    format!(
                        "ss -lnp | grep :{port} says who has it; or set another port in `listen` in config.toml"
                    )
                }
                io::ErrorKind::PermissionDenied => {
                    "set a port from 1024 on in `listen` in config.toml".to_owned()
                }
                _ => "ip addr shows this machine's addresses; set one of them in `listen` in config.toml"
                    .to_owned(),
            };
            return Check::failed(NAME, format!("{kind} {at} cannot be had: {error}"), remedy);
        }
    }
    Check::ok(
        NAME,
        match listens {
            Some(listens) => format!("the node listens on {}", listens.join(", ")),
            None => format!("all {} are free", endpoints.len()),
        },
    )
}

fn bind(is_tcp: bool, at: SocketAddr) -> io::Result<()> {
    if is_tcp {
        TcpListener::bind(at).map(drop)
    } else {
        UdpSocket::bind(at).map(drop)
    }
}

/// Is the page there, or can it be?
pub(super) fn page(listen: HttpListen, data: &Path, running: bool) -> Check {
    const NAME: &str = "page";
    if running {
        let at = fs::read_to_string(data.join("run/http-address")).ok();
        let Some(at) = at.and_then(|it| it.trim().parse::<SocketAddr>().ok()) else {
            return Check::ok(NAME, "the node that runs serves none");
        };
        return match TcpStream::connect_timeout(&at, Duration::from_secs(2)) {
            Ok(_) => Check::ok(
                NAME,
                format!("on http://{at}: `operator dashboard` makes the link that opens it"),
            ),
            Err(error) => Check::failed(
                NAME,
                format!("{at} does not answer: {error}"),
                "start the node again",
            ),
        };
    }
    let at = match listen {
        HttpListen::Off => return Check::ok(NAME, "none is wanted"),
        HttpListen::Auto => SocketAddr::from(([127, 0, 0, 1], Http::PORT)),
        HttpListen::At(at) => at,
    };
    match (bind(true, at), listen) {
        (Ok(()), _) => Check::ok(NAME, format!("{at} is free")),
        (Err(_), HttpListen::Auto) => Check::ok(NAME, format!("{at} is taken: it comes to another port")),
        (Err(error), _) => Check::failed(
            NAME,
            format!("{at} cannot be had: {error}"),
            format!(
                "ss -lnp | grep :{} says who has it; or set `listen = \"auto\"` under [http] in config.toml",
                at.port()
            ),
        ),
    }
}

/// Does anybody get through to the node?
pub(super) fn reachability(peers: Option<&[PeerView]>) -> Check {
    const NAME: &str = "reachability";
    let Some(peers) = peers else {
        return Check::unknown(NAME, "only a node that runs can say who dials it");
    };
    let connected = peers.iter().filter(|it| it.address.is_some());
    let (dialled, came): (Vec<&PeerView>, Vec<&PeerView>) = connected.partition(|it| it.outbound);
    if !came.is_empty() {
        return Check::ok(NAME, format!("{} peers have dialled this node", came.len()));
    }
    if dialled.is_empty() {
        let remedy = "operator peers join INVITATION, or set `peers` in config.toml";
        return Check::warning(NAME, "no peer is connected", remedy);
    }
    Check::warning(
        NAME,
        format!(
            "{} peers are connected, all dialled by this node: none has got through to it yet",
            dialled.len()
        ),
        "let the ports of `listen` through firewall and router; a node that nobody dials works all the same",
    )
}

#[cfg(test)]
mod tests {
    use super::{super::Verdict, *};
    use nonos_types::NodeId;

    #[test]
    fn a_clock_is_judged_by_those_of_peers() {
        let good = ClockView {
            heard: 4,
            agree: 3,
            is_known: true,
            off_by: None,
        };
        assert_eq!(clock(Some(&good)).verdict, Verdict::Ok);
        let off = ClockView {
            off_by: Some("15 min ahead of".to_owned()),
            ..good.clone()
        };
        let check = clock(Some(&off));
        assert_eq!(check.verdict, Verdict::Failed);
        assert_eq!(check.reason, "it is 15 min ahead of those of 3 of 4 peers");
        let few = ClockView {
            is_known: false,
            ..good
        };
        assert_eq!(clock(Some(&few)).verdict, Verdict::Unknown);
        assert_eq!(clock(None).verdict, Verdict::Unknown);
    }

    fn peer(address: Option<&str>, outbound: bool) -> PeerView {
        PeerView {
            id: NodeId::from_bytes([7; 32]),
            address: address.map(str::to_owned),
            outbound,
            roles: vec![],
            software: String::new(),
            state: "new".to_owned(),
        }
    }

    #[test]
    fn a_node_that_nobody_dials_is_told() {
        let of = |peers: &[PeerView]| reachability(Some(peers)).verdict;
        assert_eq!(of(&[]), Verdict::Warning);
        assert_eq!(of(&[peer(None, false)]), Verdict::Warning);
        assert_eq!(of(&[peer(Some("x"), true)]), Verdict::Warning);
        assert_eq!(of(&[peer(Some("x"), true), peer(Some("x"), false)]), Verdict::Ok);
        assert_eq!(reachability(None).verdict, Verdict::Unknown);
    }

    #[test]
    fn ports_are_those_of_the_node_that_runs_or_free() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = taken.local_addr().expect("it is bound").port();
        let wanted = [format!("/ip4/127.0.0.1/tcp/{port}")];
        let check = ports(&wanted, None);
        assert_eq!(check.verdict, Verdict::Failed);
        assert!(check.remedy.is_some_and(|it| it.contains(&format!(":{port}"))));
        let held = [format!("/ip4/127.0.0.1/tcp/{port}/p2p/12D3")];
        assert_eq!(ports(&wanted, Some(&held)).verdict, Verdict::Ok);
        assert_eq!(
            ports(&wanted, Some(&["/ip4/127.0.0.1/tcp/1".to_owned()])).verdict,
            Verdict::Warning
        );
        let udp = [format!("/ip4/127.0.0.1/udp/{port}/quic-v1")];
        assert_eq!(ports(&udp, Some(&held)).verdict, Verdict::Warning);
        assert_eq!(
            ports(&["/ip4/127.0.0.1/tcp/0".to_owned()], None).verdict,
            Verdict::Ok
        );
        assert_eq!(
            ports(&["/ip4/192.0.2.7/tcp/0".to_owned()], None).verdict,
            Verdict::Failed
        );
        assert_eq!(ports(&[], None).verdict, Verdict::Warning);
    }

    #[test]
    fn a_page_is_had_where_it_is_wanted() {
        let dir = tempfile::tempdir().expect("a directory");
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = taken.local_addr().expect("it is bound");
        let of = |listen, running| page(listen, dir.path(), running).verdict;
        assert_eq!(of(HttpListen::Off, false), Verdict::Ok);
        assert_eq!(of(HttpListen::At(at), false), Verdict::Failed);
        assert_eq!(of(HttpListen::Auto, false), Verdict::Ok);
        fs::create_dir(dir.path().join("run")).expect("make it");
        fs::write(dir.path().join("run/http-address"), format!("{at}\n")).expect("write it");
        assert_eq!(of(HttpListen::At(at), true), Verdict::Ok);
        drop(taken);
        assert_eq!(of(HttpListen::At(at), true), Verdict::Failed);
        assert_eq!(of(HttpListen::At(at), false), Verdict::Ok);
    }
}
