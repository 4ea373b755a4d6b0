//! Which roles a node takes, and why: a machine that is told what is, and remembers only since when.
//!
//! A role that its operator has not pinned is taken while every check of it holds. It is given up when one has failed for
//! half a minute, taken again when all have held for two minutes, and kept as it is for five minutes after a change, so that
//! peers can rely on what a node announces. What is no matter of degree, which is an operator's limit or a key that is used
//! twice, counts at once; it holds against a pin, too.

use nonos_types::{Role, Roles as Set, Timestamp};

use super::Moment;
use crate::{config::Pin, config::Pins};

/// How often roles are reckoned anew, in milliseconds.
pub(super) const PERIOD_MS: u64 = 30_000;
/// How long all checks must hold before a role is taken again.
const UP_MS: u64 = 120_000;
/// How long one must fail before it is given up.
const DOWN_MS: u64 = 30_000;
/// How long it stays as it is after a change.
const DWELL_MS: u64 = 300_000;

/// All that decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Inputs {
    /// Of the signed snapshot: processor time in thousandths of a core, bytes of memory, and bytes of disk that were free.
    pub(super) cores: u64,
    pub(super) memory: u64,
    pub(super) storage: u64,
    /// Of the operator's limits: is it a quiet hour, is the month's traffic used up, has the disk no room?
    pub(super) quiet: bool,
    pub(super) spent: bool,
    pub(super) full: bool,
    /// Since the last time.
    pub(super) load: Load,
    /// Jobs that nobody runs, and other nodes that would.
    pub(super) waiting: u64,
    pub(super) executors: u64,
    /// Of trust: does somebody else use this node's key, and is blacklisting frozen?
    pub(super) doubled: bool,
    pub(super) frozen: bool,
}

/// How much there is to do, of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Tasks of the whole machine that could run, in thousandths of its cores.
    pub(super) cpu: u64,
    /// Memory of the machine that is in use, in thousandths.
    pub(super) memory: u64,
    /// Receipts being verified or waiting for it, in thousandths of those that are verified at a time.
    pub(super) verifying: u64,
    /// Requests of peers that were turned away.
    pub(super) busy: u64,
    /// Messages that found no room.
    pub(super) lost: u64,
}

impl Load {
    /// A quarter of what is new, and the rest of what was.
    fn smooth(self, new: Self) -> Self {
        let mix = |old: u64, new: u64| (old.saturating_mul(3).saturating_add(new)) / 4;
        Self {
            cpu: mix(self.cpu, new.cpu),
            memory: mix(self.memory, new.memory),
            verifying: mix(self.verifying, new.verifying),
            busy: mix(self.busy, new.busy),
            lost: mix(self.lost, new.lost),
        }
    }
}

/// What a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    QuietHours,
    Monthly,
    Disk,
    KeyUsedTwice,
    Frozen,
    Cores,
    Memory,
    Storage,
    Cpu,
    MemoryInUse,
    Verifying,
    Busy,
    Lost,
}

impl Subject {
    /// For programs.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::QuietHours => "limits.quiet-hours",
            Self::Monthly => "limits.monthly",
            Self::Disk => "limits.disk",
            Self::KeyUsedTwice => "trust.key-used-twice",
            Self::Frozen => "trust.frozen",
            Self::Cores => "snapshot.cores",
            Self::Memory => "snapshot.memory",
            Self::Storage => "snapshot.storage",
            Self::Cpu => "load.cpu",
            Self::MemoryInUse => "load.memory",
            Self::Verifying => "load.verifying",
            Self::Busy => "load.busy",
            Self::Lost => "load.lost",
        }
    }

    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::QuietHours | Self::Monthly | Self::Disk | Self::KeyUsedTwice | Self::Frozen => "yes-no",
            Self::Memory | Self::Storage => "bytes",
            Self::Cores | Self::Cpu | Self::MemoryInUse | Self::Verifying => "permille",
            Self::Busy | Self::Lost => "count",
        }
    }

    /// Why a role is not taken for it.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::QuietHours => "it is a quiet hour (limits.quiet_hours)",
            Self::Monthly => "this month's traffic is used up (limits.monthly)",
            Self::Disk => "the disk has no room left (limits.disk)",
            Self::KeyUsedTwice => "its key is used elsewhere, or its data were lost",
            Self::Frozen => "too many peers were found guilty at once, so that its verdicts may be wrong",
            Self::Cores => "the machine has too little processor time",
            Self::Memory => "the machine has too little memory",
            Self::Storage => "the machine has too little room on its disk",
            Self::Cpu => "the machine has too much else to compute",
            Self::MemoryInUse => "the machine's memory is nearly used up",
            Self::Verifying => "too many receipts wait to be verified",
            Self::Busy => "too many requests of peers were turned away",
            Self::Lost => "too many messages found no room",
        }
    }

    /// Is it no matter of degree?
    fn is_hard(self) -> bool {
        self <= Self::KeyUsedTwice
    }
}

/// A value, and what it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) of: Subject,
    pub(super) value: u64,
    pub(super) bound: Bound,
    /// It failed, and is not counted: jobs wait, and there is nobody else.
    pub(super) waived: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    AtLeast(u64),
    AtMost(u64),
}

impl Check {
    pub(super) fn holds(&self) -> bool {
        let within = match self.bound {
            Bound::AtLeast(least) => self.value >= least,
            Bound::AtMost(most) => self.value <= most,
        };
        within || self.waived
    }
}

const MIB: u64 = 1 << 20;

/// What a role is taken for, the hard ones first.
pub(super) fn checks(role: Role, inputs: &Inputs, load: Load) -> Vec<Check> {
    use Bound::{AtLeast, AtMost};
    use Subject as Of;

    let no = |of, value: bool| (of, u64::from(value), AtMost(0));
    let (quiet, spent) = (no(Of::QuietHours, inputs.quiet), no(Of::Monthly, inputs.spent));
    let (full, doubled) = (no(Of::Disk, inputs.full), no(Of::KeyUsedTwice, inputs.doubled));
    let list = match role {
        Role::Seeder => vec![
            quiet,
            spent,
            (Of::Storage, inputs.storage, AtLeast(256 * MIB)),
            (Of::Busy, load.busy, AtMost(300)),
        ],
        Role::Executor => vec![
            quiet,
            spent,
            full,
            doubled,
            (Of::Cores, inputs.cores, AtLeast(250)),
            (Of::Memory, inputs.memory, AtLeast(1024 * MIB)),
            // Runs and proofs yield to all else, so that only a machine that gets nowhere is overloaded.
            (Of::Cpu, load.cpu, AtMost(16_000)),
            (Of::MemoryInUse, load.memory, AtMost(950)),
            (Of::Verifying, load.verifying, AtMost(750)),
        ],
        Role::Verifier => vec![
            spent,
            full,
            doubled,
            no(Of::Frozen, inputs.frozen),
            (Of::Memory, inputs.memory, AtLeast(256 * MIB)),
            (Of::Verifying, load.verifying, AtMost(1_500)),
        ],
        Role::Broadcaster => vec![spent, (Of::Lost, load.lost, AtMost(300))],
    };
    // The last executor does not leave for having much to do.
    let needed = role == Role::Executor && inputs.waiting > 0 && inputs.executors == 0;
    let check = |(of, value, bound): (Subject, u64, Bound)| Check {
        of,
        value,
        bound,
        waived: needed && matches!(of, Of::Cpu | Of::Verifying),
    };
    list.into_iter().map(check).collect()
}

/// Why a role is, or is not, taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Pinned,
    Able,
    Failed(Subject),
}

/// What is decided with regard to time: the first check that fails says why not.
fn soft(checks: &[Check]) -> (bool, Why) {
    let failed = checks.iter().find(|it| !it.holds());
    failed.map_or((true, Why::Able), |it| (false, Why::Failed(it.of)))
}

/// How a role stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) on: bool,
    pub(super) why: Why,
    /// Of the last change, or the start.
    pub(super) since: Timestamp,
    since_ms: u64,
    /// Since when what would change it has been so, without a break.
    pressed_ms: Option<u64>,
}

impl State {
    /// In how many milliseconds it changes, if all stays as it is.
    pub(super) fn changes_in(&self, now: u64) -> Option<u64> {
        let wait = if self.on { DOWN_MS } else { UP_MS };
        let due = (self.pressed_ms? + wait).max(self.since_ms + DWELL_MS);
        Some(due.saturating_sub(now))
    }

    fn change(&mut self, on: bool, why: Why, now: Moment) {
        if self.on != on {
            (self.since, self.since_ms) = (now.time, now.millis);
        }
        (self.on, self.why, self.pressed_ms) = (on, why, None);
    }
}

/// The roles of a node.
#[derive(Clone, Debug)]
pub(super) struct Roles {
    pins: Pins,
    states: [State; Role::ALL.len()],
    load: Option<Load>,
}

impl Roles {
    /// At the start there is nothing to wait for: a role is taken if its checks hold.
    pub(super) fn new(pins: Pins, inputs: &Inputs, now: Moment) -> Self {
        let state = |role| {
            let checks = checks(role, inputs, Load::default());
            let (on, why) = Self::settled(pins.of(role), &checks).unwrap_or_else(|| soft(&checks));
            State {
                on,
                why,
                since: now.time,
                since_ms: now.millis,
                pressed_ms: None,
            }
        };
        Self {
            pins,
            states: Role::ALL.map(state),
            load: None,
        }
    }

    /// What is decided without regard to time.
    fn settled(pin: Pin, checks: &[Check]) -> Option<(bool, Why)> {
        let hard = checks.iter().find(|it| it.of.is_hard() && !it.holds());
        match (pin, hard) {
            (Pin::Off, _) => Some((false, Why::Pinned)),
            (_, Some(failed)) => Some((false, Why::Failed(failed.of))),
            (Pin::On, None) => Some((true, Why::Pinned)),
            (Pin::Auto, None) => None,
        }
    }

    /// A period is over: its load counts a quarter.
    pub(super) fn measure(&mut self, load: Load) {
        self.load = Some(self.load.map_or(load, |old| old.smooth(load)));
    }

    /// The load that decides.
    pub(super) fn load(&self) -> Load {
        self.load.unwrap_or_default()
    }

    /// Reckons anew. Did a role change?
    pub(super) fn evaluate(&mut self, inputs: &Inputs, now: Moment) -> bool {
        let (before, load) = (self.set(), self.load());
        for (role, state) in Role::ALL.into_iter().zip(&mut self.states) {
            let checks = checks(role, inputs, load);
            if let Some((on, why)) = Self::settled(self.pins.of(role), &checks) {
                state.change(on, why, now);
                continue;
            }
            let (on, why) = soft(&checks);
            if state.on == on {
                (state.why, state.pressed_ms) = (why, None);
                continue;
            }
            state.pressed_ms.get_or_insert(now.millis);
            if state.changes_in(now.millis) == Some(0) {
                state.change(on, why, now);
            }
        }
        self.set() != before
    }

    /// Is it taken?
    pub(super) fn is_on(&self, role: Role) -> bool {
        self.state(role).on
    }

    /// How it stands.
    pub(super) fn state(&self, role: Role) -> &State {
        &self.states[role as usize]
    }

    pub(super) fn pin(&self, role: Role) -> Pin {
        self.pins.of(role)
    }

    /// Those that are taken.
    pub(super) fn set(&self) -> Set {
        Role::ALL.into_iter().filter(|role| self.is_on(*role)).collect()
    }
}

#[cfg(test)]
mod tests;
