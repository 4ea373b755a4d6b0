//! Counts the bytes of all streams. What noise, QUIC and the layers below add is not among them.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::muxing::{
    StreamMuxer, StreamMuxerBox, StreamMuxerEvent, StreamMuxerExt as _, SubstreamBox,
};
use nonos_types::ByteLen;

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

/// A connection, or a stream of one, whose bytes are counted.
pub(super) struct Counted<T> {
    inner: T,
    meter: Arc<Meter>,
}

impl Counted<StreamMuxerBox> {
    pub(super) fn new(inner: StreamMuxerBox, meter: Arc<Meter>) -> Self {
        Self { inner, meter }
    }

    fn stream(
        &self,
        opened: Poll<Result<SubstreamBox, io::Error>>,
    ) -> Poll<Result<Counted<SubstreamBox>, io::Error>> {
        opened.map_ok(|inner| Counted {
            inner,
            meter: Arc::clone(&self.meter),
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
        add(&self.meter.sent, moved)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}
