use crate::{commands::Context, datadir::DataArgs, failure::Failure, output::utc};
use nonos_node::{
    Pin,
    api::{CheckView, Request, RoleView},
};
use std::fmt::Write as _;

/// Shows what each role of the running node is decided by.
#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// Only this role.
    #[arg(value_enum)]
    role: Option<Role>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Role {
    Seeder,
    Executor,
    Verifier,
    Broadcaster,
}

impl From<Role> for nonos_types::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Seeder => Self::Seeder,
            Role::Executor => Self::Executor,
            Role::Verifier => Self::Verifier,
            Role::Broadcaster => Self::Broadcaster,
        }
    }
}

impl Explain {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut roles: Vec<RoleView> = self.data.client()?.call(&Request::Roles)?;
        if let Some(role) = self.role {
            roles.retain(|it| it.role == role.into());
        }
        context.output.print(&roles, || {
            let texts: Vec<String> = roles.iter().map(text).collect();
            texts.join("\n")
        })
    }
}

fn text(role: &RoleView) -> String {
    let taken = if role.taken { "taken" } else { "not taken" };
    let mut text = format!(
        "{}: {taken} since {}, since {}\n",
        role.role,
        utc(role.since),
        role.reason
    );
    let pin = match role.pin {
        Pin::Auto => "auto",
        Pin::On => "on",
        Pin::Off => "off",
    };
    let _ = writeln!(text, "  {:22}{pin}", "operator's wish");
    for check in &role.checks {
        let _ = writeln!(text, "  {:22}{}", check.input, verdict(check));
    }
    if role.role == nonos_types::Role::Executor {
        let _ = writeln!(text, "  {:22}{}", "demand.waiting-jobs", role.waiting_jobs);
        let _ = writeln!(text, "  {:22}{}", "demand.other-executors", role.other_executors);
    }
    if let Some(seconds) = role.changes_in_s {
        let _ = writeln!(text, "  changes in {seconds} s, if this stays so");
    }
    text
}

fn verdict(check: &CheckView) -> String {
    let value = |value: u64| match check.unit.as_str() {
        "yes-no" if value == 0 => "no".to_owned(),
        "yes-no" => "yes".to_owned(),
        "permille" => format!("{}.{} %", value / 10, value % 10),
        "bytes" => format!("{} MiB", value >> 20),
        _ => value.to_string(),
    };
    let bound = match (check.least, check.most) {
        _ if check.unit == "yes-no" => String::new(),
        (Some(least), _) => format!(", at least {}", value(least)),
        (_, Some(most)) => format!(", at most {}", value(most)),
        _ => String::new(),
    };
    let holds = match (check.holds, check.waived) {
        (false, _) => ": FAILS",
        (true, true) => ": not counted, since jobs wait and there is no other executor",
        (true, false) => "",
    };
    format!("{}{bound}{holds}", value(check.value))
}
