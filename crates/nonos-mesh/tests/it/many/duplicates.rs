//! Copies of messages that gossipsub throws away; it tells of them in its log only.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicU64, Ordering},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

static SEEN: AtomicU64 = AtomicU64::new(0);

/// Counts from now on, for all nodes of this process.
pub(super) fn count() {
    // A test before this one may have begun.
    let _ = tracing::subscriber::set_global_default(Counter);
}

/// How many so far.
pub(super) fn seen() -> u64 {
    SEEN.load(Ordering::Relaxed)
}

struct Counter;

impl Subscriber for Counter {
    fn enabled(&self, it: &Metadata<'_>) -> bool {
        it.is_event() && *it.level() == Level::DEBUG && it.target().starts_with("libp2p_gossipsub::behaviour")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut IsDuplicate);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct IsDuplicate;

impl Visit for IsDuplicate {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" && format!("{value:?}") == "Message already received, ignoring" {
            SEEN.fetch_add(1, Ordering::Relaxed);
        }
    }
}
