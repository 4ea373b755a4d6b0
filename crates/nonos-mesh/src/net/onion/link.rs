//! Frames over a connection: one stream in each direction, kept open, frame after frame, and nothing in return, whose time
//! would tell something.

use std::{
    collections::VecDeque,
    io,
    task::{Context, Poll, Waker},
};

use futures::{
    AsyncReadExt as _, AsyncWriteExt as _, FutureExt as _,
    future::{BoxFuture, Either},
};
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol,
    core::{Endpoint, transport::PortUse, upgrade::ReadyUpgrade},
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
        NetworkBehaviour, NotifyHandler, StreamUpgradeError, SubstreamProtocol, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
        handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};

use crate::core::onion::Frame;

/// A frame came from a peer.
#[derive(Debug)]
pub(in crate::net) struct Received {
    pub(in crate::net) peer: PeerId,
    pub(in crate::net) frame: Frame,
}

/// Sends and takes frames.
pub(in crate::net) struct Links {
    protocol: StreamProtocol,
    events: VecDeque<ToSwarm<Received, Frame>>,
    waker: Option<Waker>,
}

impl Links {
    pub(in crate::net) fn new(protocol: StreamProtocol) -> Self {
        Self {
            protocol,
            events: VecDeque::new(),
            waker: None,
        }
    }

    /// Sends a frame to a peer that is connected; to another, it is lost.
    pub(in crate::net) fn send(&mut self, peer_id: PeerId, frame: Frame) {
        self.events.push_back(ToSwarm::NotifyHandler {
            peer_id,
            handler: NotifyHandler::Any,
            event: frame,
        });
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl NetworkBehaviour for Links {
    type ConnectionHandler = Link;
    type ToSwarm = Received;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Link::new(self.protocol.clone()))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Link::new(self.protocol.clone()))
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(&mut self, peer: PeerId, _: ConnectionId, frame: THandlerOutEvent<Self>) {
        self.events
            .push_back(ToSwarm::GenerateEvent(Received { peer, frame }));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Received, THandlerInEvent<Self>>> {
        match self.events.pop_front() {
            Some(event) => Poll::Ready(event),
            None => {
                self.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

type Reading = BoxFuture<'static, io::Result<(Stream, Frame)>>;
type Writing = BoxFuture<'static, io::Result<Stream>>;

/// The two streams of a connection.
pub(in crate::net) struct Link {
    protocol: StreamProtocol,
    reading: Option<Reading>,
    writing: Outbound,
    /// What waits to be sent; the oldest gives way.
    waiting: VecDeque<Frame>,
}

enum Outbound {
    None,
    Opening,
    Open(Stream),
    Writing(Writing),
    /// The peer takes no frames.
    Unsupported,
}

impl Link {
    /// Frames that wait for a slow peer: a mebibyte.
    const MOST: usize = 256;

    fn new(protocol: StreamProtocol) -> Self {
        Self {
            protocol,
            reading: None,
            writing: Outbound::None,
            waiting: VecDeque::new(),
        }
    }
}

impl ConnectionHandler for Link {
    type FromBehaviour = Frame;
    type ToBehaviour = Frame;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(self.protocol.clone()), ())
    }

    fn on_behaviour_event(&mut self, frame: Frame) {
        if !matches!(self.writing, Outbound::Unsupported) {
            if self.waiting.len() >= Self::MOST {
                self.waiting.pop_front();
            }
            self.waiting.push_back(frame);
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), Frame>> {
        if let Some(reading) = &mut self.reading {
            match reading.poll_unpin(cx) {
                Poll::Ready(Ok((stream, frame))) => {
                    self.reading = Some(read(stream).boxed());
                    return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(frame));
                }
                Poll::Ready(Err(error)) => {
                    tracing::debug!(%error, "no more frames by this stream");
                    self.reading = None;
                }
                Poll::Pending => {}
            }
        }
        loop {
            self.writing = match std::mem::replace(&mut self.writing, Outbound::None) {
                Outbound::None if self.waiting.is_empty() => return Poll::Pending,
                Outbound::None => {
                    self.writing = Outbound::Opening;
                    let protocol = SubstreamProtocol::new(ReadyUpgrade::new(self.protocol.clone()), ());
                    return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
                }
                Outbound::Open(stream) => match self.waiting.pop_front() {
                    Some(frame) => Outbound::Writing(write(stream, frame).boxed()),
                    None => {
                        self.writing = Outbound::Open(stream);
                        return Poll::Pending;
                    }
                },
                Outbound::Writing(mut writing) => match writing.poll_unpin(cx) {
                    Poll::Ready(Ok(stream)) => Outbound::Open(stream),
                    // Another stream for the next frame.
                    Poll::Ready(Err(error)) => {
                        tracing::debug!(%error, "a frame was lost");
                        Outbound::None
                    }
                    Poll::Pending => {
                        self.writing = Outbound::Writing(writing);
                        return Poll::Pending;
                    }
                },
                waits @ (Outbound::Opening | Outbound::Unsupported) => {
                    self.writing = waits;
                    return Poll::Pending;
                }
            };
        }
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol>,
    ) {
        match event {
            // One at a time: a new one takes the place of the old one.
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol: stream, .. }) => {
                self.reading = Some(read(stream).boxed())
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: stream, ..
            }) => self.writing = Outbound::Open(stream),
            ConnectionEvent::DialUpgradeError(DialUpgradeError { error, .. }) => {
                self.waiting.clear();
                self.writing = match error {
                    StreamUpgradeError::NegotiationFailed => Outbound::Unsupported,
                    _ => Outbound::None,
                };
            }
            _ => {}
        }
    }
}

async fn read(mut stream: Stream) -> io::Result<(Stream, Frame)> {
    let mut bytes = vec![0; Frame::LEN];
    stream.read_exact(&mut bytes).await?;
    let frame = Frame::from_bytes(bytes);
    let frame = frame.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok((stream, frame))
}

/// A peer that does not read keeps what is sent to it waiting for so long, and then loses it.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

async fn write(mut stream: Stream, frame: Frame) -> io::Result<Stream> {
    let writing = async move {
        stream.write_all(frame.as_bytes()).await?;
        stream.flush().await?;
        Ok(stream)
    };
    let patience = tokio::time::sleep(PATIENCE);
    match futures::future::select(writing.boxed(), patience.boxed()).await {
        Either::Left((written, _)) => written,
        Either::Right(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}
