//! The onion layer on the network: a task that owns its machine. It is not the swarm's, since taking off a layer takes a
//! tenth of a millisecond and more.

pub(super) mod link;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use nonos_types::{ByteLen, Clock, Message, NodeId};
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    time::Instant,
};

use super::{Event, address, driver::Command, gate::Gate};
use crate::{
    Object, Objects, Part, Refusal,
    core::onion::{
        Anonymity, Ask, Frame, Guards, Input, Mix, Moment, NotHidden, Onion, Output, Reply, RequestId,
        Settings, Target,
    },
    wire::onion::{Answer, Question},
};

/// How the onion layer is started.
#[derive(Clone, Debug)]
pub struct OnionConfig {
    /// How it hides.
    pub settings: Settings,
    /// Guards of the last run.
    pub guards: Guards,
    /// Random bytes that nobody else knows, others at each start: its keys follow from them.
    pub seed: [u8; 32],
}

/// Why nothing came of asking without being seen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HiddenError {
    /// The onion layer is off.
    #[error("the onion layer is off")]
    Off,
    /// It would not be hidden; nothing was sent.
    #[error("it would not be hidden: {0}")]
    NotHidden(#[from] NotHidden),
    /// No answer came.
    #[error("no answer came")]
    NoAnswer,
    /// What came is no answer.
    #[error("the answer is not one")]
    BadAnswer,
    /// Whoever was asked does not have it.
    #[error("whoever was asked does not have it")]
    NotFound,
    /// The object is longer than was asked for.
    #[error("the object has {total}")]
    TooLarge {
        /// Its length, as whoever was asked says.
        total: ByteLen,
    },
    /// Whoever was asked does not take the message on.
    #[error("whoever was asked does not take it on")]
    Refused,
    /// The mesh was shut down.
    #[error("the mesh was shut down")]
    Stopped,
}

type Done = oneshot::Sender<Result<(NodeId, Vec<u8>), HiddenError>>;

/// What the task is told.
pub(super) enum Said {
    Ask { ask: Ask, done: Done },
    Mixes(Vec<Mix>),
    Anonymity { done: oneshot::Sender<Anonymity> },
    Answer { reply: Reply, answer: Answer },
}

/// What the swarm gives the task.
pub(super) struct Feed {
    frames: mpsc::Sender<(NodeId, Frame)>,
    connected: watch::Sender<BTreeSet<NodeId>>,
}

impl Feed {
    /// A frame that finds no room is lost, as frames are.
    pub(super) fn frame(&self, from: NodeId, frame: Frame) {
        let _ = self.frames.try_send((from, frame));
    }

    pub(super) fn connected(&self, node: NodeId, connected: bool) {
        self.connected.send_modify(|nodes| {
            if connected {
                nodes.insert(node);
            } else {
                nodes.remove(&node);
            }
        });
    }
}

/// How others tell the task something.
pub(super) type Voice = mpsc::Sender<Said>;

pub(super) struct Task {
    onion: Onion,
    clock: Arc<dyn Clock + Send + Sync>,
    started: Instant,
    gate: Arc<Gate>,
    objects: Arc<dyn Objects>,
    reading: Arc<Semaphore>,
    /// Weak: the mesh ends with the last who can command it, and that is not this task.
    swarm: mpsc::WeakSender<Command>,
    events: mpsc::Sender<Event>,
    voice: Voice,
    said: mpsc::Receiver<Said>,
    frames: mpsc::Receiver<(NodeId, Frame)>,
    connected: watch::Receiver<BTreeSet<NodeId>>,
    known: BTreeSet<NodeId>,
    asked: BTreeMap<RequestId, Done>,
}

impl Task {
    const FRAMES: usize = 1024;
    const SAID: usize = 256;
    /// Questions of others that are answered at a time.
    const READERS: usize = 4;
    /// It looks at the calendar at least this often.
    const LONGEST: Duration = Duration::from_secs(1);

    pub(super) fn new(
        me: NodeId,
        config: OnionConfig,
        clock: Arc<dyn Clock + Send + Sync>,
        gate: Arc<Gate>,
        objects: Arc<dyn Objects>,
        swarm: mpsc::WeakSender<Command>,
        events: mpsc::Sender<Event>,
    ) -> (Self, Feed, Voice) {
        let started = Instant::now();
        let now = Moment {
            time: clock.now(),
            millis: 0,
        };
        let (frames, arriving) = mpsc::channel(Self::FRAMES);
        let (voice, said) = mpsc::channel(Self::SAID);
        let (connected, is_connected) = watch::channel(BTreeSet::new());
        let task = Self {
            onion: Onion::new(me, config.settings, config.guards, config.seed, now),
            clock,
            started,
            gate,
            objects,
            reading: Arc::new(Semaphore::new(Self::READERS)),
            swarm,
            events,
            voice: voice.clone(),
            said,
            frames: arriving,
            connected: is_connected,
            known: BTreeSet::new(),
            asked: BTreeMap::new(),
        };
        (task, Feed { frames, connected }, voice)
    }

    fn now(&self) -> Moment {
        let millis = self.started.elapsed().as_millis();
        Moment {
            time: self.clock.now(),
            millis: u64::try_from(millis).unwrap_or(u64::MAX),
        }
    }

    /// Runs until the mesh is shut down, which aborts it, or nobody listens.
    pub(super) async fn run(mut self) {
        loop {
            if !self.put_out().await {
                return;
            }
            let now = self.now().millis;
            let wait = self
                .onion
                .deadline()
                .map(|at| Duration::from_millis(at.saturating_sub(now)));
            let wait = wait.unwrap_or(Self::LONGEST).min(Self::LONGEST);
            tokio::select! {
                Some((from, frame)) = self.frames.recv() => {
                    let now = self.now();
                    self.onion.handle(Input::Frame { from, frame }, now);
                }
                Some(said) = self.said.recv() => self.hear(said),
                Ok(()) = self.connected.changed() => self.meet(),
                () = tokio::time::sleep(wait) => {
                    let now = self.now();
                    self.onion.handle(Input::Tick, now);
                }
            }
        }
    }

    fn meet(&mut self) {
        let connected = self.connected.borrow_and_update().clone();
        let now = self.now();
        for node in self.known.difference(&connected) {
            self.onion.handle(Input::Disconnected(*node), now);
        }
        for node in connected.difference(&self.known) {
            self.onion.handle(Input::Connected(*node), now);
        }
        self.known = connected;
    }

    fn hear(&mut self, said: Said) {
        let now = self.now();
        match said {
            Said::Ask { ask, done } => match self.onion.ask(ask, now) {
                Ok(id) => {
                    self.asked.insert(id, done);
                }
                Err(error) => {
                    let _gone = done.send(Err(error.into()));
                }
            },
            Said::Mixes(mixes) => self.onion.handle(Input::Mixes(mixes), now),
            Said::Anonymity { done } => {
                let _gone = done.send(self.onion.anonymity(now));
            }
            Said::Answer { reply, answer } => {
                let mut bytes = answer.to_bytes();
                if bytes.len() > reply.room()
                    && let Answer::Object(part) = answer
                {
                    // Whoever asked is told how long it is.
                    let none = Part {
                        bytes: vec![],
                        ..part
                    };
                    bytes = Answer::Object(none).to_bytes();
                }
                self.onion.answer(reply, &bytes, now);
            }
        }
    }

    /// Does what the machine says; `false` if nobody listens any more.
    async fn put_out(&mut self) -> bool {
        while let Some(output) = self.onion.poll() {
            let listens = match output {
                Output::Send { to, frame } => match (address::peer_id(&to), self.swarm.upgrade()) {
                    (Some(peer), Some(swarm)) => swarm.send(Command::Frame { peer, frame }).await.is_ok(),
                    (None, Some(_)) => true,
                    (_, None) => false,
                },
                // If there is no room, the frames are lost that wait for it.
                Output::Dial(node) => {
                    let _full = self.events.try_send(Event::Wanted(node));
                    true
                }
                Output::Announce(keys) => self.events.send(Event::OnionKeys(keys)).await.is_ok(),
                Output::Keep(guards) => self.events.send(Event::Guards(guards)).await.is_ok(),
                Output::Asked { body, reply } => {
                    self.asked(&body, reply);
                    true
                }
                Output::Answered {
                    request, from, body, ..
                } => {
                    if let Some(done) = self.asked.remove(&request) {
                        let _gone = done.send(Ok((from, body)));
                    }
                    true
                }
                Output::Failed { request } => {
                    if let Some(done) = self.asked.remove(&request) {
                        let _gone = done.send(Err(HiddenError::NoAnswer));
                    }
                    true
                }
            };
            if !listens {
                return false;
            }
        }
        true
    }

    /// Answers somebody, elsewhere, unless too many wait.
    fn asked(&self, body: &[u8], reply: Reply) {
        let Ok(question) = Question::from_bytes(body) else {
            return;
        };
        let Ok(permit) = Arc::clone(&self.reading).try_acquire_owned() else {
            return;
        };
        let (objects, gate) = (Arc::clone(&self.objects), Arc::clone(&self.gate));
        let (voice, events) = (self.voice.clone(), self.events.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let answer = match question {
                Question::Read { object, most } => {
                    let read = tokio::task::spawn_blocking(move || read(&*objects, &object, most));
                    read.await.unwrap_or(Answer::NotFound)
                }
                Question::Publish { message } => take(&gate, &events, message).await,
            };
            let _stopped = voice.send(Said::Answer { reply, answer }).await;
        });
    }
}

/// All of an object, or how long it is.
fn read(objects: &dyn Objects, object: &Object, most: ByteLen) -> Answer {
    let Some(part) = objects.read(object, ByteLen::ZERO, most.max(ByteLen::new(1))) else {
        return Answer::NotFound;
    };
    let total = part.total;
    let whole = ByteLen::from(part.bytes.len()) == total && total <= most;
    Answer::Object(Part {
        total,
        bytes: if whole { part.bytes } else { vec![] },
    })
}

async fn take(gate: &Gate, events: &mpsc::Sender<Event>, bytes: Vec<u8>) -> Answer {
    match gate.entrusted(&bytes) {
        Ok(message) => match events.send(Event::Entrusted(message)).await {
            Ok(()) => Answer::Taken,
            Err(_) => Answer::Refused,
        },
        // Its answer was lost, or it came by gossip.
        Err(Refusal::Duplicate) => Answer::Taken,
        Err(refusal) => {
            tracing::debug!(%refusal, "a message of somebody who does not show itself is not let in");
            Answer::Refused
        }
    }
}

/// Asks without being seen.
#[derive(Clone)]
pub(super) struct Hidden(pub(super) Option<Voice>);

impl Hidden {
    async fn ask(&self, ask: Ask) -> Result<(NodeId, Answer), HiddenError> {
        let voice = self.0.as_ref().ok_or(HiddenError::Off)?;
        let (done, answer) = oneshot::channel();
        let said = voice.send(Said::Ask { ask, done }).await;
        said.map_err(|_| HiddenError::Stopped)?;
        let (from, body) = answer.await.map_err(|_| HiddenError::Stopped)??;
        let answer = Answer::from_bytes(&body).map_err(|_| HiddenError::BadAnswer)?;
        Ok((from, answer))
    }

    pub(super) async fn publish(
        &self,
        message: &Message,
        to: Target,
        least_hops: usize,
    ) -> Result<NodeId, HiddenError> {
        let question = Question::Publish {
            message: message.to_bytes(),
        };
        let ask = Ask {
            to,
            body: question.to_bytes(),
            longest_answer: 8,
            least_hops,
        };
        match self.ask(ask).await? {
            (by, Answer::Taken) => Ok(by),
            (_, Answer::Refused) => Err(HiddenError::Refused),
            _ => Err(HiddenError::BadAnswer),
        }
    }

    pub(super) async fn fetch(
        &self,
        object: Object,
        from: Target,
        most: ByteLen,
        least_hops: usize,
    ) -> Result<(NodeId, Vec<u8>), HiddenError> {
        let most = most.min(Question::OBJECT);
        let len = usize::try_from(most.get()).expect("at most 64 KiB");
        let ask = Ask {
            to: from,
            body: Question::Read { object, most }.to_bytes(),
            longest_answer: len + Answer::AROUND,
            least_hops,
        };
        match self.ask(ask).await? {
            (_, Answer::Object(part)) if part.bytes.is_empty() && part.total > ByteLen::ZERO => {
                Err(HiddenError::TooLarge { total: part.total })
            }
            (by, Answer::Object(part)) => Ok((by, part.bytes)),
            (_, Answer::NotFound) => Err(HiddenError::NotFound),
            _ => Err(HiddenError::BadAnswer),
        }
    }

    pub(super) async fn mixes(&self, mixes: Vec<Mix>) {
        if let Some(voice) = &self.0 {
            let _stopped = voice.send(Said::Mixes(mixes)).await;
        }
    }

    pub(super) async fn anonymity(&self) -> Option<Anonymity> {
        let (done, answer) = oneshot::channel();
        self.0.as_ref()?.send(Said::Anonymity { done }).await.ok()?;
        answer.await.ok()
    }
}
