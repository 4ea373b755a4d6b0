//! Hears what a host sends to name servers, on every interface. The kernel passes on no other packets, so that none of
//! these is lost for want of room.

use nix::sched::{CloneFlags, setns};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use std::{
    fs::File,
    io::Read as _,
    net::UdpSocket,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::lan::Lan;

/// All that goes through an interface: `ETH_P_ALL`, in the network's order.
const ALL: i32 = 0x0003_u16.to_be() as i32;

/// TCP and UDP over IPv4 and IPv6, to port 53 (DNS) or 5353 (multicast DNS), as a program for the kernel's filter. What
/// it reads begins with the IP header.
const NAMES: [SockFilter; 18] = {
    const BYTE: u16 = 0x30;
    const HALF: u16 = 0x28;
    const HALF_AFTER_X: u16 = 0x48;
    const X_HEADER: u16 = 0xb1;
    const SHIFT_RIGHT: u16 = 0x74;
    const IS: u16 = 0x15;
    const JUMP: u16 = 0x05;
    const TAKE: u16 = 0x06;
    [
        SockFilter::new(BYTE, 0, 0, 0),
        SockFilter::new(SHIFT_RIGHT, 0, 0, 4),
        SockFilter::new(IS, 0, 6, 4),
        // IPv4: the protocol, and the port after a header of any length.
        SockFilter::new(BYTE, 0, 0, 9),
        SockFilter::new(IS, 1, 0, 6),
        SockFilter::new(IS, 0, 11, 17),
        SockFilter::new(X_HEADER, 0, 0, 0),
        SockFilter::new(HALF_AFTER_X, 0, 0, 2),
        SockFilter::new(JUMP, 0, 0, 5),
        // IPv6: the same, without extension headers.
        SockFilter::new(IS, 0, 7, 6),
        SockFilter::new(BYTE, 0, 0, 6),
        SockFilter::new(IS, 1, 0, 6),
        SockFilter::new(IS, 0, 4, 17),
        SockFilter::new(HALF, 0, 0, 42),
        // Whichever it was.
        SockFilter::new(IS, 1, 0, 53),
        SockFilter::new(IS, 0, 1, 5353),
        SockFilter::new(TAKE, 0, 0, 64),
        SockFilter::new(TAKE, 0, 0, 0),
    ]
};

/// Counts until it is dropped.
pub(crate) struct Tap {
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    packets: AtomicU64,
    over: AtomicBool,
}

impl Tap {
    /// On every interface of a host, in and out.
    pub(crate) fn new(lan: &Lan, host: usize) -> Self {
        let socket = within(lan, host, || {
            Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(ALL))).expect("a packet socket")
        });
        socket.attach_filter(&NAMES).expect("a filter");
        // What came before the filter did.
        socket.set_nonblocking(true).expect("a socket");
        while (&socket).read(&mut [0; 64]).is_ok() {}
        socket.set_nonblocking(false).expect("a socket");
        socket
            .set_read_timeout(Some(Duration::from_millis(200)))
            .expect("a timeout");
        let counts = Arc::<Counts>::default();
        let thread = thread::spawn({
            let counts = Arc::clone(&counts);
            move || hear(&socket, &counts)
        });
        Self {
            counts,
            thread: Some(thread),
        }
    }

    /// Packets to name servers. One that a host sends itself is counted as it goes out and as it comes in.
    pub(crate) fn packets(&self) -> u64 {
        self.counts.packets.load(Ordering::Relaxed)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.counts.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has panicked only if the test has, too.
            let _ = thread.join();
        }
    }
}

fn hear(mut socket: &Socket, counts: &Counts) {
    while !counts.over.load(Ordering::Relaxed) {
        // An error is the timeout.
        if socket.read(&mut [0; 64]).is_ok() {
            counts.packets.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Does something on a thread that is in a host.
fn within<T: Send>(lan: &Lan, host: usize, it: impl FnOnce() -> T + Send) -> T {
    let namespace =
        File::open(format!("/run/netns/{}", lan.namespace(host))).expect("the namespace is there");
    thread::scope(|scope| {
        let thread = scope.spawn(move || {
            setns(&namespace, CloneFlags::CLONE_NEWNET).expect("it can be entered");
            it()
        });
        thread.join().expect("it does not panic")
    })
}

/// Sends a packet from a host.
pub(crate) fn send(lan: &Lan, host: usize, to: &str) {
    within(lan, host, || {
        let from = if to.starts_with('[') {
            "[::]:0"
        } else {
            "0.0.0.0:0"
        };
        let socket = UdpSocket::bind(from).expect("a socket");
        socket.send_to(b"who is it?", to).expect("sent");
    });
}

#[test]
fn packets_to_name_servers_are_counted_and_no_others() {
    use crate::{lan::address, mesh::until_or};
    use std::net::TcpStream;

    let Some(lan) = Lan::new(2) else { return };
    let taps = [Tap::new(&lan, 0), Tap::new(&lan, 1)];
    let counted = |wanted: [u64; 2]| {
        until_or("packets are counted", 10, || {
            let counted = [taps[0].packets(), taps[1].packets()];
            (counted == wanted)
                .then_some(())
                .ok_or_else(|| format!("{counted:?}, not {wanted:?}"))
        });
    };
    let other = address(1);
    for (port, wanted) in [(54, [0, 0]), (53, [1, 1]), (5353, [2, 2]), (5352, [2, 2])] {
        send(&lan, 0, &format!("{other}:{port}"));
        counted(wanted);
    }
    // On loopback each is heard as it goes and as it comes.
    send(&lan, 0, "127.0.0.53:53");
    counted([4, 2]);
    send(&lan, 0, "[::1]:5353");
    counted([6, 2]);
    // Nobody listens there: the try alone is a packet.
    let refused = within(&lan, 1, || TcpStream::connect("127.0.0.1:53"));
    assert!(refused.is_err());
    counted([6, 4]);
    // Those before are still the only ones after some time, in which every host has said a lot that is none.
    send(&lan, 0, &format!("{other}:4710"));
    thread::sleep(Duration::from_secs(1));
    counted([6, 4]);
}
