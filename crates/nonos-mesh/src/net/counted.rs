//! Counts the bytes of all streams, and ends connections whose other end takes none. What noise, QUIC and the layers below
//! add is not among them.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::muxing::{
    StreamMuxer, StreamMuxerBox, StreamMuxerEvent, StreamMuxerExt as _, SubstreamBox,
};
use nonos_types::ByteLen;
use tokio::time::Instant;

/// Bytes that went over a node's connections since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// To peers.
    pub sent: ByteLen,
    /// From them.
    pub received: ByteLen,
}

/// Counts what goes over all connections.
#[derive(Debug, Default)]
pub(super) struct Meter {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Meter {
    pub(super) fn read(&self) -> Traffic {
        Traffic {
            sent: ByteLen::new(self.sent.load(Ordering::Relaxed)),
            received: ByteLen::new(self.received.load(Ordering::Relaxed)),
        }
    }
}

/// Whether what is sent over a connection moves.
struct Flow {
    patience: Duration,
    /// Since when bytes wait, and none has been taken by any stream.
    stuck: Mutex<Option<Instant>>,
}

impl Flow {
    fn sent<T>(&self, moved: &Poll<io::Result<T>>, now: Instant) {
        let mut stuck = self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        if moved.is_pending() {
            stuck.get_or_insert(now);
        } else {
            *stuck = None;
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        let stuck = *self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        stuck.is_some_and(|since| now.saturating_duration_since(since) >= self.patience)
    }
}

/// A connection, or a stream of one, whose bytes are counted.
pub(super) struct Counted<T> {
    inner: T,
    meter: Arc<Meter>,
    flow: Arc<Flow>,
}

impl Counted<StreamMuxerBox> {
    /// A connection ends when bytes have waited so long to be sent and none was taken.
    pub(super) fn new(inner: StreamMuxerBox, patience: Duration, meter: Arc<Meter>) -> Self {
        let flow = Arc::new(Flow {
            patience,
            stuck: Mutex::new(None),
        });
        Self { inner, meter, flow }
    }

    fn stream(
        &self,
        opened: Poll<Result<SubstreamBox, io::Error>>,
    ) -> Poll<Result<Counted<SubstreamBox>, io::Error>> {
        opened.map_ok(|inner| Counted {
            inner,
            meter: Arc::clone(&self.meter),
            flow: Arc::clone(&self.flow),
        })
    }
}

impl StreamMuxer for Counted<StreamMuxerBox> {
    type Substream = Counted<SubstreamBox>;
    type Error = io::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, io::Error>> {
        let opened = self.inner.poll_inbound_unpin(cx);
        self.stream(opened)
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, io::Error>> {
        let opened = self.inner.poll_outbound_unpin(cx);
        self.stream(opened)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        self.inner.poll_close_unpin(cx)
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, io::Error>> {
        // The pulse wakes it often enough.
        if self.flow.is_over(Instant::now()) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.inner.poll_unpin(cx)
    }
}

fn add(counter: &AtomicU64, moved: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
    moved.map_ok(|bytes| {
        counter.fetch_add(bytes as u64, Ordering::Relaxed);
        bytes
    })
}

impl AsyncRead for Counted<SubstreamBox> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.inner).poll_read(cx, into);
        add(&self.meter.received, moved)
    }
}

impl AsyncWrite for Counted<SubstreamBox> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.inner).poll_write(cx, from);
        self.flow.sent(&moved, Instant::now());
        add(&self.meter.sent, moved)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_stuck_while_bytes_wait_and_none_moves() {
        let (patience, second) = (Duration::from_secs(60), Duration::from_secs(1));
        let flow = Flow {
            patience,
            stuck: Mutex::new(None),
        };
        let (waits, goes) = (Poll::Pending::<io::Result<usize>>, Poll::Ready(Ok(1)));
        let mut now = Instant::now();
        for _ in 0..100 {
            flow.sent(&waits, now);
            now += patience - second;
            flow.sent(&waits, now);
            assert!(!flow.is_over(now));
            flow.sent(&goes, now);
            now += patience;
            assert!(!flow.is_over(now), "nothing waits");
        }
        flow.sent(&waits, now);
        assert!(flow.is_over(now + patience));
    }
}
