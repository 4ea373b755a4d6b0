//! What a node takes on of what there is to do: its roles, and the operator's limits.

use nonos_types::Role;

use super::{
    Effect, Engine, Error,
    effect::{Gives, Measured},
    roles::{self, Bound, Check, Inputs, Load, Roles, Why},
    traffic::Month,
    verifier::CHECKING,
};
use crate::api::{CheckView, LimitsView, RoleView};

/// Bytes that are left on the disk for what comes at once, before nothing more is taken on.
const ROOM: u64 = 64 << 20;

/// What decides on the roles, and what came of it.
pub(super) struct Duties {
    pub(super) roles: Roles,
    pub(super) month: Month,
    /// As last measured.
    measured: Measured,
    /// As measured when roles were last reckoned.
    before: Measured,
    reckoned_ms: u64,
    inputs: Inputs,
    gives: Option<Gives>,
}

impl Engine {
    /// At the start.
    pub(super) fn duties(
        config: &crate::Config,
        about: &super::About,
        store: &dyn nonos_store::Store,
        now: super::Moment,
    ) -> Result<Duties, Error> {
        let month = Month::read(store, now.time)?;
        let machine = about.machine;
        let inputs = Inputs {
            cores: machine.millicores,
            memory: machine.memory.get(),
            storage: machine.storage_free.get(),
            quiet: config.limits.is_quiet(now.time),
            spent: is_spent(config, &month),
            ..Inputs::default()
        };
        Ok(Duties {
            roles: Roles::new(config.pins(), &inputs, now),
            month,
            measured: Measured::default(),
            before: Measured::default(),
            reckoned_ms: now.millis,
            inputs,
            gives: None,
        })
    }

    /// The edge has measured.
    pub(super) fn measured(&mut self, new: Measured) -> Result<(), Error> {
        let old = std::mem::replace(&mut self.duties.measured, new);
        let since = |new: u64, old: u64| new.saturating_sub(old);
        let (sent, received) = (since(new.sent, old.sent), since(new.received, old.received));
        self.duties
            .month
            .add(&*self.store, self.now.time, sent, received)?;
        self.reckon()
    }

    /// Reckons roles anew each half minute, and when a limit is reached or no longer is.
    pub(super) fn reckon(&mut self) -> Result<(), Error> {
        let now = self.now;
        // A month may have begun.
        self.duties.month.add(&*self.store, now.time, 0, 0)?;
        let due = now.millis >= self.duties.reckoned_ms + roles::PERIOD_MS;
        let inputs = self.inputs(due)?;
        if due {
            self.duties.roles.measure(inputs.load);
            self.duties.reckoned_ms = now.millis;
            self.duties.before = self.duties.measured;
        }
        if due || inputs != self.duties.inputs {
            let changed = self.duties.roles.evaluate(&inputs, now);
            self.duties.inputs = inputs;
            if changed {
                self.describe()?;
                self.consider_all()?;
            }
        }
        self.give();
        Ok(())
    }

    /// Takes its roles as at the start.
    pub(super) fn take_roles(&mut self) -> Result<(), Error> {
        let inputs = self.inputs(true)?;
        self.duties.roles = Roles::new(self.config.pins(), &inputs, self.now);
        self.duties.inputs = inputs;
        Ok(())
    }

    /// What can change without notice is looked at each time, the rest once in a while.
    fn inputs(&self, all: bool) -> Result<Inputs, Error> {
        let (limits, measured) = (&self.config.limits, self.duties.measured);
        let full = limits.disk.is_some_and(|most| {
            let needed = measured.disk.saturating_sub(measured.spare) + ROOM;
            needed > most.get().get()
        });
        let hard = Inputs {
            quiet: limits.is_quiet(self.now.time),
            spent: is_spent(&self.config, &self.duties.month),
            full,
            doubled: self.doubled,
            ..self.duties.inputs.clone()
        };
        if !all {
            return Ok(hard);
        }
        let before = self.duties.before;
        let unrun = |id: &nonos_types::JobId| {
            let job = self.jobs.get(id);
            job.is_some_and(|job| {
                job.offer.signer() != self.me && job.seats.iter().any(|seat| seat.award.is_none())
            })
        };
        Ok(Inputs {
            load: Load {
                cpu: measured.cpu,
                memory: measured.memory,
                verifying: ((self.checking.len() + self.retries.len()) * 1000 / CHECKING) as u64,
                busy: measured.busy.saturating_sub(before.busy),
                lost: measured.lost.saturating_sub(before.lost),
            },
            waiting: self.open.iter().filter(|id| unrun(id)).count() as u64,
            executors: (self.directory.iter())
                .filter(|it| it.roles.contains(Role::Executor) && it.signer() != self.me)
                .count() as u64,
            frozen: self.trust.in_doubt(self.now.time)?,
            ..hard
        })
    }

    /// Says what peers are given, if that is something else than before.
    fn give(&mut self) {
        let gives = if self.is_spent() {
            Gives::Nothing
        } else if self.duties.roles.is_on(Role::Seeder) {
            Gives::All
        } else {
            Gives::Own
        };
        if self.duties.gives != Some(gives) {
            self.duties.gives = Some(gives);
            self.effects.push(Effect::Give(gives));
        }
    }

    /// Is it in this role?
    pub(super) fn is(&self, role: Role) -> bool {
        self.duties.roles.is_on(role)
    }

    /// Is the month's traffic used up?
    pub(super) fn is_spent(&self) -> bool {
        is_spent(&self.config, &self.duties.month)
    }

    /// Has the disk no room for what others want?
    pub(super) fn is_full(&self) -> bool {
        self.duties.inputs.full
    }

    /// Why it is not in a role: for programs, and for people.
    pub(super) fn why_not(&self, role: Role) -> (&'static str, &'static str) {
        match self.duties.roles.state(role).why {
            Why::Failed(subject) => (subject.code(), subject.reason()),
            Why::Pinned => ("pinned", "its operator has set so"),
            Why::Able => ("able", "nothing speaks against it"),
        }
    }

    /// Must nothing be begun of what was promised?
    pub(super) fn is_barred(&self) -> bool {
        let inputs = &self.duties.inputs;
        inputs.quiet || inputs.spent
    }

    pub(super) fn role_views(&self) -> Vec<RoleView> {
        let duties = &self.duties;
        let view = |role| {
            let state = duties.roles.state(role);
            let (code, reason) = match (state.on, state.why) {
                (true, Why::Able) => ("able", "every check holds"),
                _ => self.why_not(role),
            };
            let changes_in = state.changes_in(self.now.millis);
            RoleView {
                role,
                taken: state.on,
                since: state.since,
                pin: duties.roles.pin(role),
                code: code.to_owned(),
                reason: reason.to_owned(),
                changes_in_s: changes_in.map(|ms| ms.div_ceil(1000)),
                checks: roles::checks(role, &duties.inputs, duties.roles.load())
                    .iter()
                    .map(check_view)
                    .collect(),
                waiting_jobs: duties.inputs.waiting,
                other_executors: duties.inputs.executors,
            }
        };
        Role::ALL.into_iter().map(view).collect()
    }

    pub(super) fn limits_view(&self) -> LimitsView {
        let (limits, duties) = (&self.config.limits, &self.duties);
        LimitsView {
            cores: self.about.cores,
            memory: limits.memory.map(|it| it.get()),
            disk: limits.disk.map(|it| it.get()),
            disk_used: nonos_types::ByteLen::new(duties.measured.disk),
            upload_kbit_s: limits.upload_kbit_s.map(|it| it.get().get()),
            monthly: limits.monthly.map(|it| it.get()),
            sent_this_month: nonos_types::ByteLen::new(duties.month.sent),
            received_this_month: nonos_types::ByteLen::new(duties.month.received),
            quiet_hours: limits.quiet_hours.clone(),
            reached: reached(&duties.inputs),
        }
    }
}

fn reached(inputs: &Inputs) -> Vec<String> {
    use roles::Subject::{Disk, Monthly, QuietHours};
    let all = [
        (inputs.quiet, QuietHours),
        (inputs.spent, Monthly),
        (inputs.full, Disk),
    ];
    let reached = all.into_iter().filter(|(reached, _)| *reached);
    reached.map(|(_, subject)| subject.code().to_owned()).collect()
}

fn is_spent(config: &crate::Config, month: &Month) -> bool {
    (config.limits.monthly).is_some_and(|most| month.total() >= most.get().get())
}

fn check_view(check: &Check) -> CheckView {
    let (least, most) = match check.bound {
        Bound::AtLeast(least) => (Some(least), None),
        Bound::AtMost(most) => (None, Some(most)),
    };
    CheckView {
        input: check.of.code().to_owned(),
        unit: check.of.unit().to_owned(),
        value: check.value,
        least,
        most,
        holds: check.holds(),
        waived: check.waived,
    }
}
