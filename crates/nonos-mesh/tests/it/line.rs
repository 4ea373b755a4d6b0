//! A line between two nodes that may be slow, and may go dead without either end being told.

use std::{sync::Arc, time::Duration};

use nonos_mesh::{Multiaddr, Protocol};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpSocket, TcpStream, UdpSocket,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// Carries what is between a node and those that dial it by this.
pub(crate) struct Line {
    /// What to dial instead of the node.
    pub(crate) address: Multiaddr,
    dead: Arc<watch::Sender<bool>>,
}

impl Line {
    /// To whoever listens there; so many bytes a second each way, if they are counted.
    pub(crate) async fn to(far: &Multiaddr, rate: Option<u64>) -> Self {
        let port = far.iter().find_map(|part| match part {
            Protocol::Tcp(port) => Some(port),
            _ => None,
        });
        let far = ("127.0.0.1", port.expect("a TCP address"));
        let socket = TcpSocket::new_v4().expect("a socket");
        // What has left one end is soon the other's, and what waits does so at the sender.
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        socket
            .bind("127.0.0.1:0".parse().expect("an address"))
            .expect("bound");
        let listener = socket.listen(16).expect("it listens");
        let port = listener.local_addr().expect("an address").port();
        let dead = Arc::new(watch::Sender::new(false));
        let watched = Arc::clone(&dead);
        tokio::spawn(async move {
            // Ends with the runtime, which is the test's.
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(far).await else {
                    continue;
                };
                let ((a, b), (c, d)) = (near.into_split(), far.into_split());
                tokio::spawn(carry(a, d, rate, watched.subscribe()));
                tokio::spawn(carry(c, b, rate, watched.subscribe()));
            }
        });
        Self {
            address: format!("/ip4/127.0.0.1/tcp/{port}").parse().expect("an address"),
            dead,
        }
    }

    /// To whoever listens for QUIC there; for one that dials.
    pub(crate) async fn to_quic(far: &Multiaddr) -> Self {
        let port = far.iter().find_map(|part| match part {
            Protocol::Udp(port) => Some(port),
            _ => None,
        });
        let far = ("127.0.0.1", port.expect("a UDP address"));
        let (near_side, far_side) = (bound().await, bound().await);
        far_side.connect(far).await.expect("connected");
        let port = near_side.local_addr().expect("an address").port();
        let dead = Arc::new(watch::Sender::new(false));
        let watched = dead.subscribe();
        tokio::spawn(async move {
            let (mut out, mut back, mut near) = ([0; 2048], [0; 2048], None);
            loop {
                tokio::select! {
                    Ok((len, from)) = near_side.recv_from(&mut out) => {
                        near = Some(from);
                        if !*watched.borrow() {
                            // A datagram may be lost.
                            let _ = far_side.send(&out[..len]).await;
                        }
                    }
                    Ok(len) = far_side.recv(&mut back) => {
                        if let Some(near) = near.filter(|_| !*watched.borrow()) {
                            let _ = near_side.send_to(&back[..len], near).await;
                        }
                    }
                }
            }
        });
        Self {
            address: format!("/ip4/127.0.0.1/udp/{port}/quic-v1")
                .parse()
                .expect("an address"),
            dead,
        }
    }

    /// From now on nothing comes through, and nothing says so.
    pub(crate) fn die(&self) {
        self.dead.send_replace(true);
    }
}

async fn bound() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.expect("bound")
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    rate: Option<u64>,
    mut dead: watch::Receiver<bool>,
) {
    let mut bytes = [0; 2048];
    loop {
        let read = tokio::select! {
            read = from.read(&mut bytes) => Some(read),
            _ = async { dead.wait_for(|dead| *dead).await.map(drop) } => None,
        };
        let len = match read {
            Some(Ok(0) | Err(_)) => return,
            Some(Ok(len)) => len,
            // Both sockets stay open.
            None => std::future::pending().await,
        };
        if let Some(rate) = rate {
            tokio::time::sleep(Duration::from_micros(len as u64 * 1_000_000 / rate)).await;
        }
        if to.write_all(&bytes[..len]).await.is_err() {
            return;
        }
    }
}
