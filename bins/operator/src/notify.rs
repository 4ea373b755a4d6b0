//! Tells the service manager how it goes, as systemd's `Type=notify` wants it: a datagram to the socket that it names.

use std::{
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
};

/// The node answers, and has joined the mesh as far as it can.
pub(crate) const READY: &str = "READY=1";
/// It finishes what is at hand.
pub(crate) const STOPPING: &str = "STOPPING=1";

/// Says it to the manager that started this process, if one did.
pub(crate) fn notify(state: &str) {
    let Some(socket) = crate::files::environment("NOTIFY_SOCKET") else {
        return;
    };
    if let Err(error) = send(socket.as_os_str(), state) {
        crate::output::say(&format!("the service manager is not told `{state}`: {error}"));
    }
}

/// Sends to a path, or to an abstract name that is written with an `@` before it.
fn send(socket: &OsStr, state: &str) -> io::Result<()> {
    let address = match socket.as_bytes().split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
        Some((b'/', _)) => SocketAddr::from_pathname(socket)?,
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let sender = UnixDatagram::unbound()?;
    sender.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 64];
        let len = socket.recv(&mut bytes).expect("it was sent");
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    }

    #[test]
    fn a_manager_hears_by_a_path_or_an_abstract_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("notify");
        let by_path = UnixDatagram::bind(&path).expect("a socket");
        send(path.as_os_str(), READY).expect("it is sent");
        assert_eq!(heard(&by_path), "READY=1");

        let name = format!("nonos-notify-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let by_name = UnixDatagram::bind_addr(&address).expect("a socket");
        send(OsStr::new(&format!("@{name}")), STOPPING).expect("it is sent");
        assert_eq!(heard(&by_name), "STOPPING=1");
    }

    #[test]
    fn what_is_no_socket_is_an_error() {
        for bad in ["", "relative", "vsock:2:1", "/nowhere/at/all"] {
            assert!(send(OsStr::new(bad), READY).is_err(), "{bad}");
        }
    }
}
