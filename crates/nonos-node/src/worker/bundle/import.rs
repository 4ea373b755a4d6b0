//! Taking in a bundle.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use nonos_mesh::{
    Object, Refusal,
    core::{
        bundle::{BundleError, Item},
        reconcile::ORDER,
    },
};
use nonos_types::{ByteLen, Envelope, Kind, Message};
use tokio::sync::oneshot;

use super::{Progress, fault, reader, stopped};
use crate::{
    api::{Imported, RequestError, Tally},
    engine::{Fate, Input},
    objects::{ObjectStore, Whose},
    whole::{self, refusal},
    worker::Worker,
};

/// How often messages that are being verified are asked after.
const PAUSE: Duration = Duration::from_millis(100);

/// What is taken in, and how far that is.
pub(super) struct Import<'a> {
    pub(super) worker: &'a Arc<Worker>,
    pub(super) file: &'a File,
    pub(super) told: &'a Progress,
}

/// What was found when the whole file was read.
#[derive(Default)]
struct Found {
    objects: Tally,
    kinds: BTreeSet<Kind>,
    /// Messages that are here already.
    known: u64,
    /// Messages that are none.
    malformed: u64,
    damage: Option<BundleError>,
}

/// What became of each message when all were offered.
#[derive(Default)]
struct Round {
    taken: u64,
    known: u64,
    waiting: BTreeMap<String, u64>,
    refused: BTreeMap<String, u64>,
}

impl Import<'_> {
    /// First all objects, then messages, kind by kind, so that each finds here what it is about. The messages are few
    /// bytes at the beginning of the file, and are read again for each kind, so that none are held in memory.
    pub(super) fn run(&self) -> Result<Imported, RequestError> {
        let found = self.read()?;
        let messages = loop {
            let round = self.round(&found)?;
            // What was taken may be what others have waited for.
            if round.taken == 0 || round.waiting.is_empty() {
                break Tally {
                    taken: (round.taken + round.known).saturating_sub(found.known),
                    known: found.known,
                    waiting: round.waiting,
                    refused: round.refused,
                };
            }
        };
        Ok(Imported {
            messages,
            objects: found.objects,
            damage: (found.damage).map(|error| RequestError::new(&error, fault(&error))),
        })
    }

    /// Reads all of it, as far as it is sound, and keeps its objects.
    fn read(&self) -> Result<Found, RequestError> {
        let mut found = Found::default();
        for item in self.items()? {
            match item {
                Ok(Item::Message(bytes)) => match kind_of(&bytes) {
                    Some(kind) => {
                        found.kinds.insert(kind);
                        found.known += u64::from(self.is_known(&bytes)?);
                    }
                    None => found.malformed += 1,
                },
                Ok(Item::Object(object, bytes)) => self.keep(&object, &bytes, &mut found.objects)?,
                Err(error) => found.damage = Some(error),
            }
            if self.worker.inputs.is_closed() {
                return Err(stopped());
            }
        }
        Ok(found)
    }

    fn is_known(&self, bytes: &[u8]) -> Result<bool, RequestError> {
        let Ok(message) = Message::from_bytes_of_any_kind(bytes) else {
            return Ok(false);
        };
        let known = self.worker.journal.has(&message);
        known.map_err(|error| RequestError::new(&error, error.fault()))
    }

    fn items(&self) -> Result<impl Iterator<Item = Result<Item, BundleError>>, RequestError> {
        let items = reader(self.file, self.worker.network);
        items.map_err(|error| RequestError::new(&error, fault(&error)))
    }

    fn keep(&self, object: &Object, bytes: &[u8], tally: &mut Tally) -> Result<(), RequestError> {
        self.told.objects.fetch_add(1, Ordering::Relaxed);
        let objects = &self.worker.objects;
        let cannot = |error: std::io::Error| {
            let message = format!("cannot keep {object:?}: {error}: import it again when that is mended");
            refusal(message, whole::fault(&error))
        };
        let limit = ObjectStore::limit(object, self.worker.configured.get().max_input);
        if objects.get(object).map_err(cannot)?.is_some() {
            tally.known += 1;
        } else if ByteLen::from(bytes.len()) > limit {
            let why = format!("longer than {limit}: raise `max_input` under [executor] in config.toml");
            *tally.refused.entry(why).or_default() += 1;
        } else if !ObjectStore::fits(object, bytes) {
            let why = "a capsule whose package is not sound".to_owned();
            *tally.refused.entry(why).or_default() += 1;
        } else {
            objects.put(object, bytes, Whose::Others).map_err(cannot)?;
            tally.taken += 1;
        }
        Ok(())
    }

    /// Offers every message once.
    fn round(&self, found: &Found) -> Result<Round, RequestError> {
        let mut round = Round::default();
        if found.malformed > 0 {
            round
                .refused
                .insert(Refusal::Malformed.to_string(), found.malformed);
        }
        for kind in order().filter(|kind| found.kinds.contains(kind)) {
            let mut checked = Vec::new();
            for item in self.items()? {
                // Objects come after all messages, and damage was seen before.
                let Ok(Item::Message(bytes)) = item else { break };
                if kind_of(&bytes) != Some(kind) {
                    continue;
                }
                match self.worker.mesh.check(&bytes, self.worker.identity.node_id()) {
                    Ok(message) => self.offer(message, &mut checked, &mut round)?,
                    Err(refusal) => round.refuse(&refusal.to_string()),
                }
            }
            while !checked.is_empty() {
                self.wait(&mut checked, &mut round)?;
            }
        }
        Ok(round)
    }

    /// Offers a message until there is room for it.
    fn offer(
        &self,
        message: Message,
        checked: &mut Vec<Message>,
        round: &mut Round,
    ) -> Result<(), RequestError> {
        self.told.messages.fetch_add(1, Ordering::Relaxed);
        loop {
            match self.ask(&message, false)? {
                Fate::Busy => self.wait(checked, round)?,
                Fate::Checked => {
                    checked.push(message);
                    return Ok(());
                }
                fate => {
                    round.count(fate);
                    return Ok(());
                }
            }
        }
    }

    /// Waits a while, and asks what became of those that are being verified or judged.
    fn wait(&self, checked: &mut Vec<Message>, round: &mut Round) -> Result<(), RequestError> {
        pause();
        for message in std::mem::take(checked) {
            match self.ask(&message, true)? {
                Fate::Checked => checked.push(message),
                fate => round.count(fate),
            }
        }
        Ok(())
    }

    fn ask(&self, message: &Message, before: bool) -> Result<Fate, RequestError> {
        let (reply, fate) = oneshot::channel();
        let input = Input::Import {
            message: Box::new(message.clone()),
            before,
            reply,
        };
        let asked = self.worker.inputs.blocking_send(input);
        asked.map_err(|_| stopped())?;
        fate.blocking_recv().map_err(|_| stopped())
    }
}

impl Round {
    fn count(&mut self, fate: Fate) {
        match fate {
            Fate::Taken => self.taken += 1,
            Fate::Known => self.known += 1,
            Fate::Waits(what) => *self.waiting.entry(what.to_owned()).or_default() += 1,
            Fate::Refused(why) => self.refuse(why),
            Fate::Checked | Fate::Busy => unreachable!("waited for"),
        }
    }

    fn refuse(&mut self, why: &str) {
        *self.refused.entry(why.to_owned()).or_default() += 1;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "others verify meanwhile, and this thread has nothing else to do"
)]
fn pause() {
    std::thread::sleep(PAUSE);
}

/// As with peers; and claims after the offers that they are for.
fn order() -> impl Iterator<Item = Kind> {
    ORDER.into_iter().flat_map(|kind| {
        let claims = (kind == Kind::Offer).then_some(Kind::Claim);
        [Some(kind), claims].into_iter().flatten()
    })
}

/// What a message says it is.
fn kind_of(bytes: &[u8]) -> Option<Kind> {
    let envelope = Envelope::from_bytes_within(Item::longest_message(), bytes).ok()?;
    let kind = Kind::ALL.iter().find(|kind| kind.name() == envelope.kind());
    kind.copied()
}
