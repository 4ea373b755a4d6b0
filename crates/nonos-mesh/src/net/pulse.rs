//! Lets peers hear that this node is there: a byte once in a while, whatever comes back.
//!
//! A ping waits for its answer before the next, and so falls silent behind anything that delays answers. This does not: in the direction
//! in which much is under way, that is heard; in the other, this.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{AsyncRead as _, AsyncWrite as _};
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol,
    core::{Endpoint, transport::PortUse, upgrade::ReadyUpgrade},
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
        NetworkBehaviour, StreamUpgradeError, SubstreamProtocol, THandler, THandlerInEvent, THandlerOutEvent,
        ToSwarm,
        handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// A byte to each peer, once in so long.
pub(super) struct Pulse {
    protocol: StreamProtocol,
    every: Duration,
}

impl Pulse {
    pub(super) fn new(protocol: StreamProtocol, every: Duration) -> Self {
        Self { protocol, every }
    }

    fn beat(&self) -> Beat {
        let mut due = interval(self.every);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Beat {
            protocol: self.protocol.clone(),
            due,
            outbound: Outbound::None,
            inbound: None,
        }
    }
}

impl NetworkBehaviour for Pulse {
    type ConnectionHandler = Beat;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.beat())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.beat())
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, never: THandlerOutEvent<Self>) {
        match never {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

/// The two streams of a connection: this node writes to one and reads the other.
pub(super) struct Beat {
    protocol: StreamProtocol,
    due: Interval,
    outbound: Outbound,
    inbound: Option<Stream>,
}

enum Outbound {
    None,
    Opening,
    Open(Stream),
    /// The peer does not listen to it.
    Unsupported,
}

impl Beat {
    /// Bytes that are read at a time. A peer has no reason to send more than one.
    const READ: usize = 16;

    fn send(&mut self, cx: &mut Context<'_>) {
        if let Outbound::Open(stream) = &mut self.outbound {
            // Where there is no room for a byte, there are others on the way.
            let written = Pin::new(&mut *stream).poll_write(cx, &[0]);
            let failed = matches!(written, Poll::Ready(Err(_) | Ok(0)));
            if failed || matches!(Pin::new(stream).poll_flush(cx), Poll::Ready(Err(_))) {
                self.outbound = Outbound::None;
            }
        }
    }

    fn receive(&mut self, cx: &mut Context<'_>) {
        if let Some(stream) = &mut self.inbound {
            match Pin::new(stream).poll_read(cx, &mut [0; Self::READ]) {
                Poll::Pending => {}
                // Others take their turns in between.
                Poll::Ready(Ok(1..)) => cx.waker().wake_by_ref(),
                Poll::Ready(_) => self.inbound = None,
            }
        }
    }
}

impl ConnectionHandler for Beat {
    type FromBehaviour = Infallible;
    type ToBehaviour = Infallible;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(self.protocol.clone()), ())
    }

    fn on_behaviour_event(&mut self, never: Infallible) {
        match never {}
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), Infallible>> {
        self.receive(cx);
        while self.due.poll_tick(cx).is_ready() {
            if matches!(self.outbound, Outbound::None) {
                self.outbound = Outbound::Opening;
                let protocol = SubstreamProtocol::new(ReadyUpgrade::new(self.protocol.clone()), ());
                return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
            }
            self.send(cx);
        }
        Poll::Pending
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol: stream, .. }) => {
                self.inbound = Some(stream)
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: stream, ..
            }) => self.outbound = Outbound::Open(stream),
            ConnectionEvent::DialUpgradeError(DialUpgradeError { error, .. }) => {
                self.outbound = match error {
                    StreamUpgradeError::NegotiationFailed => Outbound::Unsupported,
                    _ => Outbound::None,
                };
            }
            _ => {}
        }
    }
}
