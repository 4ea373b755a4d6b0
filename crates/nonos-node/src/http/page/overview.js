// How the node is, on one screen.

import { badge, bar, columns, facts, h, panel, words } from "./dom.js";
import { amount, bytes, count, lasting, many, name, spoken } from "./format.js";
import { list } from "./events.js";

export const label = "Overview";
export const title = () => "Overview";
export const needs = () => ["status", "roles"];

export function lead(_, ctx) {
  const status = ctx.data("status");
  return status ? `Up for ${lasting(status.uptime_s)}, version ${status.version}.` : null;
}

export function render(_, ctx) {
  const status = ctx.data("status");
  return [
    warnings(status.warnings),
    tiles(status),
    columns([hiding(status.anonymity), bounds(status.limits)], [roles(ctx.data("roles")), news(ctx)]),
    about(status),
  ];
}

function warnings(all) {
  if (all.length === 0) return h("section", { class: "calmly", "data-key": "warnings" }, h("h2", { class: "unseen" }, "Warnings"), badge("Nothing needs your attention", "good"));
  return h(
    "section",
    { class: "panel attention", "data-key": "warnings" },
    h("header", {}, h("h2", {}, many(all.length, "thing needs your attention", "things need your attention"))),
    h("ul", {}, all.map((it) => h("li", {}, words(it)))),
  );
}

function tile(what, value, more, href) {
  const inside = [h("dt", {}, what), h("dd", {}, h("span", { class: "big" }, value), more ? h("span", { class: "more" }, more) : null)];
  return h("div", { class: "tile", "data-key": what }, inside, href ? h("a", { href, class: "cover", "aria-label": `${what}: more` }) : null);
}

function tiles(status) {
  const jobs = Object.fromEntries(status.jobs);
  const of = (state) => jobs[state] ?? 0;
  const all = status.jobs.reduce((sum, [, number]) => sum + number, 0);
  const said = ["running", "awarded", "offered", "proved", "paid", "expired", "cancelled"].filter((state) => of(state) > 0).map((state) => `${of(state)} ${state}`);
  return h(
    "dl",
    { class: "tiles", "data-key": "tiles" },
    tile("Peers", count(status.peers), status.blacklisted.length > 0 ? `${many(status.blacklisted.length, "peer")} refused` : "connected", "#/mesh"),
    tile("Jobs known", count(all), said.join(", ") || "none yet", "#/jobs"),
    tile("Runs proved here", count(status.executed), status.segments_helped > 0 ? `${many(status.segments_helped, "segment")} for others` : "since it started"),
    tile("Receipts verified", count(status.verified_ok), status.verified_bad > 0 ? `${status.verified_bad} refused` : "none refused"),
    tile("Balance", amount(status.balance), "earned less spent", "#/ledger"),
  );
}

/** How well it is hidden. What is not hidden is said first and plainly. */
function hiding(it) {
  const what = h("p", { class: "dim" }, "What can be hidden is which capsules this node looks up, and that a receipt comes from here. All else it does is open.");
  if (!it) {
    return panel("Anonymity", { key: "hiding" }, h("p", { class: "verdict bad" }, badge("Not hidden", "bad")), h("p", {}, "The onion layer is off: neighbours see what this node looks up and publishes."), what);
  }
  const hidden = it.hops !== null;
  const few = it.mixes < 10;
  const verdict = hidden ? badge(`Hidden among ${many(it.mixes, "node")}`, few ? "warn" : "good") : badge("Not hidden", "bad");
  const then = it.policy === "required" ? "it is not done until it can be hidden" : "it is done openly";
  return panel(
    "Anonymity",
    { key: "hiding" },
    h("p", { class: `verdict ${hidden ? "good" : "bad"}` }, verdict),
    hidden ? null : h("p", {}, `${it.why_open ?? "there is no route"}. Until that changes, ${then}.`),
    hidden && few ? h("p", {}, "So few are easily watched together.") : null,
    facts(
      ["Policy", it.policy],
      ["Route", hidden ? many(it.hops, "node") : "none"],
      ["Possible hops", [count(it.mixes), it.unconfirmed > 0 ? h("span", { class: "dim" }, ` (${it.unconfirmed} told of by one neighbour only)`) : null]],
      ["Guards", count(it.guards)],
      ["Cover traffic", it.cover ? "yes: silence looks like speech" : "no: it is seen when this node speaks"],
      ["Frames around", it.around > 0 ? `${it.back} of ${it.around} came back` : "none tried yet"],
      ["Questions", `${count(it.answered)} answered, ${count(it.failed)} failed`],
    ),
    what,
  );
}

function roles(all) {
  return panel(
    "Roles",
    { key: "roles" },
    h(
      "ul",
      { class: "rows" },
      all.map((it) =>
        h("li", { "data-key": it.role }, h("div", { class: "row" }, h("strong", {}, spoken(it.role)), badge(it.taken ? "taken" : "not taken", it.taken ? "good" : "calm")), h("p", { class: "dim" }, it.reason)),
      ),
    ),
    h("p", {}, h("a", { href: "#/limits" }, "What each is decided by")),
  );
}

function bounds(it) {
  const month = it.sent_this_month + it.received_this_month;
  const row = (what, used, most) =>
    h(
      "li",
      { "data-key": what },
      h("div", { class: "row" }, h("strong", {}, what), h("span", {}, bytes(used), most === null ? h("span", { class: "dim" }, " of no limit") : [" of ", bytes(most)])),
      most === null ? null : bar(used, most, `${what} used`, used >= most ? "bad" : used > 0.9 * most ? "warn" : ""),
    );
  return panel("Limits", { key: "limits" }, h("ul", { class: "rows" }, row("Disk", it.disk_used, it.disk), row("This month", month, it.monthly)), it.reached.length > 0 ? h("p", {}, badge(`reached: ${it.reached.join(", ")}`, "bad")) : null, h("p", {}, h("a", { href: "#/limits" }, "All limits")));
}

function news(ctx) {
  return panel("Latest", { key: "news" }, list(ctx.state.events.filter((it) => it.what.event !== "proving").slice(0, 6), ctx), h("p", {}, h("a", { href: "#/events" }, "All events")));
}

function about(status) {
  return panel(
    "This node",
    { key: "about", wide: true },
    facts(
      ["Node", h("code", { class: "whole" }, status.id)],
      ["Network", h("code", { class: "whole" }, status.network)],
      ["Data directory", h("code", { class: "whole" }, status.data_dir)],
      ["Listens on", status.addresses.length > 0 ? status.addresses.map((it) => h("code", { class: "whole" }, it)) : "nothing yet"],
      ["Machine snapshot", name(status.snapshot)],
      ["Capsules' processes give up", status.sandbox ? status.sandbox.applied.map(spoken).join(", ") : "nothing: they run in the node's own process, or not at all"],
      status.dropped.length > 0 ? ["Messages dropped", status.dropped.map(([why, number]) => `${number} ${spoken(why)}`).join(", ")] : null,
    ),
  );
}
