use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use libp2p::request_response::{InboundRequestId, ResponseChannel};
use nonos_types::{ByteLen, NodeId, SegmentTask, Signed};
use tokio::{
    sync::{Semaphore, mpsc},
    time::Instant,
};

use super::{Event, Limits, gate::Gate};
use crate::{
    Object, Objects, Page,
    core::Throttle,
    wire::{Request, Response},
};

/// Answers requests of peers: reading happens on threads that may block, few at a time.
pub(super) struct Server {
    objects: Arc<dyn Objects>,
    reading: Arc<Semaphore>,
    answers: mpsc::Sender<Answer>,
    gate: Arc<Gate>,
    events: mpsc::Sender<Event>,
    /// From the request until the answer is sent, so that slow readers hold little.
    serving: BTreeMap<InboundRequestId, Serving>,
    most: usize,
    pace: Arc<Pace>,
}

struct Serving {
    to: NodeId,
    given: Option<Object>,
    bytes: Arc<std::sync::OnceLock<ByteLen>>,
}

/// What to send to whom.
pub(super) struct Answer {
    pub(super) id: InboundRequestId,
    pub(super) channel: ResponseChannel<Response>,
    pub(super) response: Response,
}

impl Server {
    /// Requests of one peer at a time: twice what a peer of this implementation asks, since it may have our answer
    /// before we know it has.
    const PER_PEER: usize = 8;
    const READERS: usize = 4;

    pub(super) fn new(
        objects: Arc<dyn Objects>,
        limits: &Limits,
        gate: Arc<Gate>,
        events: mpsc::Sender<Event>,
    ) -> (Self, mpsc::Receiver<Answer>) {
        let (answers, ready) = mpsc::channel(limits.answers.max(1));
        let server = Self {
            objects,
            reading: Arc::new(Semaphore::new(Self::READERS)),
            answers,
            gate,
            events,
            serving: BTreeMap::new(),
            most: limits.answers,
            pace: Arc::new(Pace::new(limits)),
        };
        (server, ready)
    }

    /// Takes a request on; gives the channel back if it is too much.
    pub(super) fn serve(
        &mut self,
        to: NodeId,
        id: InboundRequestId,
        request: Request,
        channel: ResponseChannel<Response>,
    ) -> Option<ResponseChannel<Response>> {
        let of_peer = self.serving.values().filter(|it| it.to == to).count();
        if self.serving.len() >= self.most || of_peer >= Self::PER_PEER {
            return Some(channel);
        }
        let given = match &request {
            Request::Read { object, .. } => Some(*object),
            _ => None,
        };
        let bytes = Arc::default();
        let serving = Serving {
            to,
            given,
            bytes: Arc::clone(&bytes),
        };
        self.serving.insert(id, serving);
        let (objects, reading) = (Arc::clone(&self.objects), Arc::clone(&self.reading));
        let (answers, pace) = (self.answers.clone(), Arc::clone(&self.pace));
        let (gate, events) = (Arc::clone(&self.gate), self.events.clone());
        tokio::spawn(async move {
            let permit = reading.acquire().await.expect("never closed");
            let read = tokio::task::spawn_blocking(move || {
                let told = match &request {
                    Request::Hello { own } => gate.told(own, to).ok(),
                    _ => None,
                };
                (answer(&*objects, to, &request), told)
            });
            let (response, told) = read.await.unwrap_or_else(|error| {
                tracing::error!(%error, "reading an object failed");
                (Response::Busy, None)
            });
            drop(permit);
            if let Some(message) = told {
                // While the node does not take it, the peer's next request may have to wait. It may have been shut down.
                let _ = events.send(Event::Told { message, from: to }).await;
            }
            let response = pace.hold_back(response).await;
            if let Response::Part(part) = &response {
                bytes.get_or_init(|| ByteLen::from(part.bytes.len()));
            }
            // The mesh may have been shut down.
            let _ = answers
                .send(Answer {
                    id,
                    channel,
                    response,
                })
                .await;
        });
        None
    }

    /// The answer has left.
    pub(super) fn sent(&mut self, id: &InboundRequestId) {
        let Some(Serving { to, given, bytes }) = self.serving.remove(id) else {
            return;
        };
        if let (Some(object), Some(&bytes)) = (given, bytes.get()) {
            let objects = Arc::clone(&self.objects);
            tokio::task::spawn_blocking(move || objects.sent(to, &object, bytes));
        }
    }

    /// The answer will not arrive.
    pub(super) fn failed(&mut self, id: &InboundRequestId) {
        self.serving.remove(id);
    }
}

/// Holds back what is given of objects, so that it is no faster than the operator wants.
struct Pace {
    throttle: Option<Mutex<Throttle>>,
    started: Instant,
    patience: Duration,
}

impl Pace {
    fn new(limits: &Limits) -> Self {
        Self {
            throttle: limits.upload.map(|rate| Mutex::new(Throttle::new(rate))),
            started: Instant::now(),
            // The peer gives up in twice that time.
            patience: limits.part_timeout / 2,
        }
    }

    /// Waits until a part may go; one that would come too late does not go.
    async fn hold_back(&self, response: Response) -> Response {
        let (Some(throttle), Response::Part(part)) = (&self.throttle, &response) else {
            return response;
        };
        let reserved = {
            let mut throttle = throttle.lock().unwrap_or_else(PoisonError::into_inner);
            throttle.reserve(
                ByteLen::from(part.bytes.len()),
                self.started.elapsed(),
                self.patience,
            )
        };
        match reserved {
            Some(wait) => {
                tokio::time::sleep(wait).await;
                response
            }
            None => Response::Busy,
        }
    }
}

fn answer(objects: &dyn Objects, to: NodeId, request: &Request) -> Response {
    match request {
        Request::Read { object, offset, most } => {
            let Some(part) = objects.read(object, *offset, *most) else {
                return Response::NotFound;
            };
            let left = part.total.checked_sub(*offset).unwrap_or_default();
            if ByteLen::from(part.bytes.len()) == left.min(*most) {
                Response::Part(part)
            } else {
                tracing::error!(?object, "a part of the wrong length was not sent");
                Response::NotFound
            }
        }
        Request::Outline { object } => {
            (objects.outline(object)).map_or(Response::NotFound, Response::Outline)
        }
        // Who asks too often, or what makes no sense, is told no more than that.
        Request::Reconcile { ask } => objects
            .reconcile(to, ask)
            .map_or(Response::Busy, Response::Reconciled),
        Request::Journal { ask } => objects.journal(to, ask).map_or(Response::Busy, Response::Journal),
        // What nobody signed is nobody's task.
        Request::Segment { task } => match Signed::<SegmentTask>::from_bytes(task) {
            Ok(task) if task.signer() == to => (objects.segment(to, task))
                .map_or(Response::Busy, |answer| Response::Segment(answer.to_bytes())),
            _ => Response::NotFound,
        },
        // Nobody has another's signed.
        Request::Witness { asked } if asked.signer() == to => {
            (objects.witness(to, asked)).map_or(Response::NotFound, Response::Witness)
        }
        Request::Witness { .. } => Response::NotFound,
        Request::Feed { ask } => objects.feed(to, *ask).map_or(Response::Busy, Response::Feed),
        // What it has signed and just said is no news to it.
        Request::Hello { own } => {
            Response::Hello(objects.newest(to).filter(|it| it != own).unwrap_or_default())
        }
        Request::Messages { ids } => {
            let mut left = Page::MAX_BYTES.get();
            let mut messages = objects.messages(ids);
            let fitting = messages.iter().take_while(|it| {
                let rest = left.checked_sub(it.len() as u64);
                left = rest.unwrap_or(0);
                rest.is_some()
            });
            let fitting = fitting.count();
            messages.truncate(fitting);
            Response::Messages(messages)
        }
        Request::After { cursor, shards } => {
            let page = objects.messages_after_in(*cursor, Page::MAX_MESSAGES, *shards);
            if page.is_sound(*cursor, Page::MAX_MESSAGES) {
                Response::Page(page)
            } else {
                tracing::error!("a page beyond its limits was not sent");
                Response::NotFound
            }
        }
    }
}
