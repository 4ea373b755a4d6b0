//! Time by spans: a subscriber that sums what each chain of spans takes by itself.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::span::Id;
use tracing::{Subscriber, subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::report::Result;

/// Names of spans, outermost first.
pub(crate) type Chain = Vec<&'static str>;

/// What was measured of one call.
#[derive(Clone, Default)]
pub(crate) struct Times {
    /// On the thread that made the call: the time of each chain without that of the spans inside. All of them
    /// together are the call's wall time.
    pub(crate) caller: BTreeMap<Chain, Duration>,
    /// The same, summed over the threads of the pool, which work while the caller waits.
    pub(crate) pool: BTreeMap<Chain, Duration>,
    /// When the pool's threads were in outermost spans of a name.
    spent: BTreeMap<&'static str, Vec<(Instant, Instant)>>,
}

impl Times {
    /// How long at least one thread of the pool was in an outermost span of one of these names.
    pub(crate) fn in_pool(&self, names: &[&str]) -> Duration {
        let spent = names.iter().filter_map(|name| self.spent.get(name));
        let mut spent: Vec<_> = spent.flatten().copied().collect();
        spent.sort();
        let (mut total, mut until) = (Duration::ZERO, None);
        for (start, end) in spent {
            let start = until.map_or(start, |until| start.max(until));
            total += end.saturating_duration_since(start);
            until = until.max(Some(end));
        }
        total
    }
}

/// The subscriber's layer.
#[derive(Clone, Default)]
pub(crate) struct Spans(Arc<Mutex<Times>>);

/// The spans that a thread is in.
struct Stack {
    is_caller: bool,
    chain: Chain,
    /// Since when the innermost one runs by itself.
    since: Instant,
    /// When the outermost one began.
    start: Instant,
}

thread_local! {
    static STACK: RefCell<Option<Stack>> = const { RefCell::new(None) };
}

#[expect(clippy::disallowed_methods, reason = "measuring")]
fn now() -> Instant {
    Instant::now()
}

impl Stack {
    fn new(is_caller: bool) -> Self {
        Self {
            is_caller,
            chain: vec![],
            since: now(),
            start: now(),
        }
    }
}

impl Spans {
    /// Listens to every span of this process, from now on.
    pub(crate) fn install() -> Result<Self> {
        let spans = Self::default();
        subscriber::set_global_default(Registry::default().with(spans.clone()))?;
        Ok(spans)
    }

    /// The times of a call, while which no other thread may make one.
    pub(crate) fn of<T>(&self, call: impl FnOnce() -> Result<T>) -> Result<Times> {
        *self.times() = Times::default();
        STACK.set(Some(Stack::new(true)));
        let result = call();
        self.change(|_| {});
        STACK.set(None);
        result?;
        Ok(self.times().clone())
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Books the time since the last change to the innermost span, then changes the chain.
    fn change(&self, change: impl FnOnce(&mut Chain)) {
        STACK.with_borrow_mut(|stack| {
            let stack = stack.get_or_insert_with(|| Stack::new(false));
            let now = now();
            let mut times = self.times();
            // What a thread of the pool does outside of spans is not known.
            if stack.is_caller || !stack.chain.is_empty() {
                let sums = if stack.is_caller {
                    &mut times.caller
                } else {
                    &mut times.pool
                };
                *sums.entry(stack.chain.clone()).or_default() += now - stack.since;
            }
            stack.since = now;
            let outermost = stack.chain.first().copied();
            change(&mut stack.chain);
            match outermost {
                None => stack.start = now,
                Some(name) if stack.chain.is_empty() && !stack.is_caller => {
                    times.spent.entry(name).or_default().push((stack.start, now));
                }
                Some(_) => {}
            }
        });
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            self.change(|chain| chain.push(span.name()));
        }
    }

    fn on_exit(&self, _: &Id, _: Context<'_, S>) {
        self.change(|chain| {
            chain.pop();
        });
    }
}
