// The books: what was earned and spent, by kind, who owes whom, and how much of it others vouch for.

import { badge, empty, facts, h, panel, s, table, words } from "./dom.js";
import { amount, brief, count, exact, many, name, spoken } from "./format.js";

export const label = "Ledger";
export const title = () => "Ledger";
export const needs = () => ["ledger", "settlement"];
export const lead = () => "Every entry is signed by who owes it. Amounts are exact: point at one to see all of it.";

/** Parts of the view, in this order; each may have nothing to show. */
const PARTS = [sums, chart, settled, owed];

export const render = (_, ctx) => PARTS.map((part) => part(ctx.data("ledger"), ctx));

function sum(kinds) {
  return Object.values(kinds).reduce((total, it) => total + BigInt(it), 0n).toString();
}

function sums({ balance }) {
  const tile = (what, value, more) => h("div", { class: "tile", "data-key": what }, h("dt", {}, what), h("dd", {}, h("span", { class: "big" }, amount(value)), h("span", { class: "more" }, more)));
  return h(
    "dl",
    { class: "tiles", "data-key": "sums" },
    tile("Net", balance.net, "earned less spent"),
    tile("Earned", sum(balance.earned), "signed by others"),
    tile("Spent", sum(balance.spent), "signed by this node"),
    tile("Held", balance.held, "for jobs not released"),
    tile("Due", balance.due, "asked, not signed yet"),
  );
}

const NAMES = { execute: "running and proving", seed: "giving capsules", verify: "verifying", prove: "proving segments" };

/** A share of the longest bar, in per mille: the amounts themselves are too large for numbers of JavaScript. */
function share(value, most) {
  return most === 0n ? 0 : Number((BigInt(value) * 1000n) / most);
}

function chart({ balance }) {
  const kinds = Object.keys(balance.earned);
  const most = kinds.flatMap((it) => [BigInt(balance.earned[it]), BigInt(balance.spent[it] ?? 0)]).reduce((a, b) => (a > b ? a : b), 0n);
  if (most === 0n) return panel("By kind", { key: "chart", wide: true }, empty("Nothing is booked yet."));
  const line = 58;
  const rows = kinds.map((kind, at) => {
    const y = at * line;
    const one = (what, value, down) => {
      const long = (share(value, most) * 460) / 1000;
      return [
        s("rect", { class: `sum ${what}`, x: 0, y: y + 18 + down, width: Math.max(long, value === "0" ? 0 : 1.5).toFixed(1), height: 11, rx: 2 }, s("title", {}, `${what} for ${NAMES[kind] ?? kind}: ${exact(value)}`)),
        s("text", { class: "value", x: (long + 7).toFixed(1), y: y + 27.5 + down }, brief(value)),
      ];
    };
    return s("g", { "data-key": kind }, s("text", { class: "kind", x: 0, y: y + 12 }, NAMES[kind] ?? spoken(kind)), one("earned", balance.earned[kind], 0), one("spent", balance.spent[kind] ?? "0", 14));
  });
  return panel(
    "By kind",
    { key: "chart", wide: true },
    h(
      "div",
      { class: "beside" },
      h("div", {}, s("svg", { class: "chart", viewBox: `0 0 600 ${kinds.length * line}`, role: "img", "aria-label": "earned and spent by kind, in NONOS; the table below says the same" }, rows), h("ul", { class: "legend" }, h("li", {}, h("span", { class: "swatch earned", "aria-hidden": "true" }), "earned (upper bar)"), h("li", {}, h("span", { class: "swatch spent", "aria-hidden": "true" }), "spent (lower bar)"))),
      table(
      "Earned and spent by kind",
      [{ name: "For" }, { name: "Earned", num: true }, { name: "Spent", num: true }],
      kinds.map((kind) => ({ key: kind, cells: [NAMES[kind] ?? spoken(kind), amount(balance.earned[kind]), amount(balance.spent[kind] ?? "0")] })),
    ),
    ),
  );
}

const STAGES = [
  ["pending", "warn", "in no batch, or in one that no anchor has"],
  ["submitted", "live", "handed in; nobody vouches for it yet"],
  ["final", "good", "others vouch for it"],
];

function settled(_, ctx) {
  const it = ctx.data("settlement");
  return panel(
    "Settlement",
    { key: "settlement", wide: true, note: it.batches === 0 ? "no batch yet" : many(it.batches, "batch", "batches") },
    it.trouble ? h("p", {}, badge("in vain", "bad"), " ", words(it.trouble)) : null,
    table(
      "What is settled",
      [{ name: "Stage" }, { name: "Entries", num: true }, { name: "Received", num: true }, { name: "Paid", num: true }, { name: "That is", hide: "narrow" }],
      STAGES.map(([stage, kind, meaning]) => ({ key: stage, cells: [badge(stage, kind), count(it[stage].entries), amount(it[stage].received), amount(it[stage].paid), meaning] })),
    ),
    facts(
      ["Anchor", it.anchor === "none" ? "none: batches stay pending (`[settlement]` in config.toml)".replaceAll("`", "") : [it.anchor, it.place ? h("span", { class: "dim break" }, ` ${it.place}`) : null]],
      ["Entries in no batch", count(it.unbatched)],
      ["Batches not proved", count(it.unproved)],
      ["Account's key", it.key_open === null || it.key_open === undefined ? null : it.key_open ? "open until the node stops" : "closed: anchoring asks for its passphrase"],
    ),
  );
}

function owed({ owed_by: peers }) {
  const sorted = [...peers].sort((a, b) => (BigInt(b[1]) > BigInt(a[1]) ? 1 : -1));
  return panel(
    "Between this node and its peers",
    { key: "owed", wide: true, note: many(peers.length, "peer") },
    peers.length === 0
      ? empty("Nobody owes anything.")
      : table(
          "What peers owe",
          [{ name: "Peer" }, { name: "Who owes" }, { name: "Amount", num: true }],
          sorted.map(([peer, atto]) => ({ key: peer, cells: [name(peer, `#/trust/${peer}`), atto.startsWith("-") ? "this node" : atto === "0" ? "nobody" : "the peer", amount(atto.replace("-", ""))] })),
        ),
  );
}
