// What happens, as it happens.

import { badge, empty, h, panel } from "./dom.js";
import { amount, bytes, millis, name, spoken, time } from "./format.js";

export const label = "Events";
export const title = () => "Events";
export const needs = () => [];
export const lead = (_, ctx) => (ctx.state.live ? "As they happen; the newest is on top. The node keeps the last thousands." : "Not live now: what happens meanwhile is shown once the node answers.");

const job = (id) => ["job ", name(id, `#/jobs/${id}`)];
const node = (id) => name(id, `#/trust/${id}`);

/** What an event says, in parts that are text or elements. */
export function sentence(it) {
  const parts = {
    seeded: () => ["Gave ", node(it.to), " ", bytes(it.bytes)],
    connected: () => ["Connected to ", node(it.peer)],
    disconnected: () => ["Lost the connection to ", node(it.peer)],
    running: () => ["Runs ", job(it.job)],
    proving: () => ["Proves ", job(it.job), `: ${it.stage}, ${Math.round(it.permille / 10)} %`],
    proved: () => ["Proved ", job(it.job), ` in ${millis(it.ms)}`],
    cut: () => ["Cut ", job(it.job), ` into ${it.segments} segments`],
    "segment-given": () => [`Gave segment ${it.index} of `, job(it.job), " to ", node(it.helper)],
    "segment-lost": () => [`Segment ${it.index} of `, job(it.job), " was not proved by ", node(it.helper), `: ${it.reason}`],
    "segment-taken": () => [`Segment ${it.index} of `, job(it.job), " is proved by ", node(it.by)],
    "segment-took": () => [`Took on segment ${it.index} of `, job(it.job), " for ", node(it.executor)],
    "segment-made": () => (it.failed ? [`Could not prove segment ${it.index} of `, job(it.job), `: ${it.failed}`] : [`Proved segment ${it.index} of `, job(it.job), " for ", node(it.executor)]),
    failed: () => ["Failed at ", job(it.job), `: ${it.reason}`],
    checked: () => (it.valid ? ["Verified the receipt of ", node(it.executor), " for ", job(it.job), ` in ${millis(it.ms)}`] : ["Refused the receipt of ", node(it.executor), " for ", job(it.job), ": its proof does not hold"]),
    booked: () => (it.booked.paid ? ["Pays ", node(it.booked.peer), " ", amount(it.booked.amount), ` (${it.booked.kind}) for `, job(it.job)] : ["Earns ", amount(it.booked.amount), ` (${it.booked.kind}) from `, node(it.booked.peer), " for ", job(it.job)]),
    blacklisted: () => ["Blacklisted ", node(it.peer)],
  };
  const make = Object.hasOwn(parts, it.event) ? parts[it.event] : () => [spoken(it.event)];
  return make().flat();
}

const GOOD = ["proved", "booked", "segment-made", "segment-taken"];
const BAD = ["failed", "blacklisted", "segment-lost"];

function kind(it) {
  if (it.event === "checked") return it.valid ? "good" : "bad";
  if (it.event === "segment-made" && it.failed) return "bad";
  return GOOD.includes(it.event) ? "good" : BAD.includes(it.event) ? "bad" : it.event === "disconnected" ? "warn" : "calm";
}

/** Is it worth saying aloud? */
export const matters = (it) => ["proved", "failed", "blacklisted", "disconnected"].includes(it.event) || (it.event === "checked" && !it.valid);

export function list(all) {
  if (all.length === 0) return empty("Nothing has happened yet.");
  return h(
    "ol",
    { class: "events" },
    all.map((it) => h("li", { "data-key": `event-${it.number}` }, time(it.at), badge(spoken(it.what.event), kind(it.what)), h("span", { class: "what" }, sentence(it.what)))),
  );
}

const KINDS = ["seeded", "connected", "disconnected", "running", "proving", "proved", "failed", "checked", "booked", "blacklisted"];

export function render(_, ctx) {
  const of = ctx.state.chosen.event ?? "";
  const shown = ctx.state.events.filter((it) => !of || it.what.event === of).slice(0, 200);
  return [
    h("div", { class: "filter", "data-key": "filter" }, h("label", {}, "Kind", h("select", { "data-choose": "event" }, h("option", { value: "" }, "all"), KINDS.map((it) => h("option", { value: it }, spoken(it))))), h("p", { class: "dim", role: "status" }, `${shown.length} shown`)),
    panel("Latest first", { key: "events", wide: true }, list(shown)),
  ];
}
