//! What is measured, in Prometheus' text format. The names are documented in `docs/metrics.md`.

use std::{fmt::Write as _, sync::atomic::Ordering};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Counts, guard::Refusal};
use crate::{
    api::{Books, Request, RequestError, RoleView, Status, TrustView},
    node::Handle,
};

/// The format, as its readers know it.
pub(super) const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Counter,
    Gauge,
}

/// Text that is made.
struct Text(String);

impl Text {
    /// Begins a metric, which is named even where there is nothing to say: an alert on it must not be a matter of luck.
    fn metric(&mut self, name: &'static str, kind: Type, help: &str) -> Samples<'_> {
        let kind = match kind {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
        };
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Samples {
            name,
            text: &mut self.0,
        }
    }
}

/// The samples of one metric.
struct Samples<'a> {
    name: &'static str,
    text: &'a mut String,
}

impl Samples<'_> {
    fn is(self, value: impl ToString) {
        let _ = writeln!(self.text, "{} {}", self.name, value.to_string());
    }

    fn maybe(self, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.is(value);
        }
    }

    fn of(&mut self, labels: &[(&str, &str)], value: impl ToString) {
        let labels: Vec<String> = (labels.iter())
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let _ = writeln!(
            self.text,
            "{}{{{}}} {}",
            self.name,
            labels.join(","),
            value.to_string()
        );
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// NONOS, of atto-NONOS in decimal: every digit, and no float on the way.
fn nonos(atto: &str) -> Option<String> {
    let (sign, digits) = match atto.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", atto),
    };
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let padded = format!("{digits:0>19}");
    let (whole, part) = padded.split_at(padded.len() - 18);
    Some(format!("{sign}{whole}.{part}"))
}

/// Asks the node, and writes down what it says.
pub(super) async fn collect(node: &Handle, counts: &Counts) -> Result<String, RequestError> {
    let status: Status = ask(node, Request::Status).await?;
    let trust: Vec<TrustView> = ask(node, Request::Trust).await?;
    let roles: Vec<RoleView> = ask(node, Request::Roles).await?;
    let books: Books = ask(node, Request::Ledger).await?;
    Ok(text(&status, &trust, &roles, &books, counts))
}

async fn ask<T: DeserializeOwned>(node: &Handle, request: Request) -> Result<T, RequestError> {
    let answer = node.ask(request).await?;
    serde_json::from_value(answer).map_err(|error| RequestError::new(&error, nonos_types::Fault::Bug))
}

fn text(status: &Status, trust: &[TrustView], roles: &[RoleView], books: &Books, counts: &Counts) -> String {
    let mut text = Text(String::with_capacity(8 << 10));
    of_node(&mut text, status, roles);
    of_work(&mut text, status);
    of_peers(&mut text, status, trust);
    of_money(&mut text, books);
    of_limits(&mut text, status);
    of_hiding(&mut text, status);
    of_page(&mut text, counts);
    text.0
}

fn of_node(text: &mut Text, status: &Status, roles: &[RoleView]) {
    use Type::{Counter, Gauge};
    let labels = [
        ("version", status.version.as_str()),
        ("network", &status.network.to_string()),
    ];
    text.metric(
        "nonos_build_info",
        Gauge,
        "Version of the program and its network, as labels.",
    )
    .of(&labels, 1);
    text.metric("nonos_uptime_seconds", Counter, "Seconds since the node started.")
        .is(status.uptime_s);
    text.metric(
        "nonos_warnings",
        Gauge,
        "What the operator should look at: operator status says what.",
    )
    .is(status.warnings.len());
    let mut metric = text.metric(
        "nonos_role_taken",
        Gauge,
        "Whether the node takes a role (1) or not (0).",
    );
    for role in roles {
        metric.of(&[("role", &named(&role.role))], u8::from(role.taken));
    }
}

fn of_work(text: &mut Text, status: &Status) {
    use Type::{Counter, Gauge};
    let mut metric = text.metric("nonos_jobs", Gauge, "Jobs the node knows, by state.");
    for (state, count) in &status.jobs {
        metric.of(&[("state", &named(state))], count);
    }
    text.metric("nonos_runs_proved_total", Counter, "Runs proved here.")
        .is(status.executed);
    let mut metric = text.metric(
        "nonos_receipts_verified_total",
        Counter,
        "Receipts of others checked here, by verdict.",
    );
    metric.of(&[("verdict", "good")], status.verified_ok);
    metric.of(&[("verdict", "bad")], status.verified_bad);
    let mut metric = text.metric(
        "nonos_segments_total",
        Counter,
        "Segments of runs: given to others to prove, and proved for others.",
    );
    metric.of(&[("side", "given")], status.segments_given);
    metric.of(&[("side", "helped")], status.segments_helped);
}

fn of_peers(text: &mut Text, status: &Status, trust: &[TrustView]) {
    use Type::{Counter, Gauge};
    text.metric("nonos_peers_connected", Gauge, "Peers that are connected.")
        .is(status.peers);
    text.metric("nonos_peers_blacklisted", Gauge, "Peers that the node refuses.")
        .is(status.blacklisted.len());
    let mut metric = text.metric(
        "nonos_peers_trust",
        Gauge,
        "Peers the node has an opinion of, by standing.",
    );
    let mut states: Vec<&str> = trust.iter().map(|it| it.state.as_str()).collect();
    states.sort_unstable();
    for state in states.chunk_by(|a, b| a == b) {
        metric.of(&[("state", state[0])], state.len());
    }
    let mut metric = text.metric(
        "nonos_messages_dropped_total",
        Counter,
        "Messages that were not taken, by reason.",
    );
    for (reason, count) in &status.dropped {
        metric.of(&[("reason", reason)], count);
    }
}

fn of_money(text: &mut Text, books: &Books) {
    use Type::{Counter, Gauge};
    let amount = |value: &Value| value.as_str().and_then(nonos);
    let mut kinds = |name, help, of: &Value| {
        let mut metric = text.metric(name, Counter, help);
        for (kind, value) in of.as_object().into_iter().flatten() {
            if let Some(value) = amount(value) {
                metric.of(&[("kind", kind)], value);
            }
        }
    };
    let balance = &books.balance;
    kinds(
        "nonos_earned_nonos_total",
        "What others have signed to owe this node, by kind.",
        &balance["earned"],
    );
    kinds(
        "nonos_spent_nonos_total",
        "What this node has signed to owe others, by kind.",
        &balance["spent"],
    );
    text.metric("nonos_balance_nonos", Gauge, "Earned less spent.")
        .maybe(amount(&balance["net"]));
    text.metric(
        "nonos_held_nonos",
        Gauge,
        "Set aside for jobs that are not released.",
    )
    .maybe(amount(&balance["held"]));
    text.metric(
        "nonos_due_nonos",
        Gauge,
        "Fees asked of requesters whose vouchers have not come.",
    )
    .maybe(amount(&balance["due"]));
}

fn of_limits(text: &mut Text, status: &Status) {
    use Type::{Counter, Gauge};
    let limits = &status.limits;
    text.metric("nonos_disk_used_bytes", Gauge, "What the data directory takes.")
        .is(limits.disk_used.get());
    text.metric(
        "nonos_disk_limit_bytes",
        Gauge,
        "Most it may take, if limits.disk is set.",
    )
    .maybe(limits.disk.map(nonos_types::ByteLen::get));
    let mut metric = text.metric(
        "nonos_month_bytes",
        Counter,
        "Bytes of this calendar month (UTC), by direction.",
    );
    metric.of(&[("direction", "sent")], limits.sent_this_month.get());
    metric.of(&[("direction", "received")], limits.received_this_month.get());
    text.metric(
        "nonos_month_limit_bytes",
        Gauge,
        "Most of both together, if limits.monthly is set.",
    )
    .maybe(limits.monthly.map(nonos_types::ByteLen::get));
    let mut metric = text.metric(
        "nonos_limit_reached",
        Gauge,
        "Limits that are reached: 1, by name.",
    );
    for limit in &limits.reached {
        metric.of(&[("limit", limit)], 1);
    }
}

fn of_hiding(text: &mut Text, status: &Status) {
    use Type::{Counter, Gauge};
    let it = status.anonymity.as_ref();
    text.metric(
        "nonos_hidden",
        Gauge,
        "Whether look-ups and receipts go by a route (1) or openly (0).",
    )
    .is(u8::from(it.is_some_and(|it| it.hops.is_some())));
    text.metric("nonos_hidden_hops", Gauge, "Nodes on a route, if there is one.")
        .maybe(it.and_then(|it| it.hops));
    text.metric("nonos_hidden_mixes", Gauge, "Nodes that frames may go through.")
        .maybe(it.map(|it| it.mixes));
    let mut metric = text.metric(
        "nonos_hidden_frames_total",
        Counter,
        "Frames of the onion layer, by what became of them.",
    );
    let mut answers = Vec::new();
    if let Some(it) = it {
        for (what, count) in [
            ("own", it.own),
            ("cover", it.cover_frames),
            ("forwarded", it.forwarded),
            ("lost", it.lost),
        ] {
            metric.of(&[("what", what)], count);
        }
        answers = vec![("answered", it.answered), ("failed", it.failed)];
    }
    let mut metric = text.metric(
        "nonos_hidden_questions_total",
        Counter,
        "Questions asked by a route, by outcome.",
    );
    for (outcome, count) in answers {
        metric.of(&[("outcome", outcome)], count);
    }
}

fn of_page(text: &mut Text, counts: &Counts) {
    use Type::Counter;
    text.metric(
        "nonos_http_requests_total",
        Counter,
        "Requests to the page, its API and the metrics.",
    )
    .is(counts.requests.load(Ordering::Relaxed));
    let mut metric = text.metric(
        "nonos_http_refused_total",
        Counter,
        "Of these, those that were refused, by reason.",
    );
    for (reason, count) in Refusal::NAMES.iter().zip(&counts.refused) {
        metric.of(&[("reason", reason)], count.load(Ordering::Relaxed));
    }
}

/// A name as JSON has it.
fn named<T: serde::Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value).ok();
    value
        .and_then(|it| it.as_str().map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
