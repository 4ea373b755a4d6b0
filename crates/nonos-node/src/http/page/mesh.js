// Whom the node is connected to, and whom it only knows of.

import { badge, empty, h, panel, s, table } from "./dom.js";
import { many, name, percent, short } from "./format.js";
import { frame, rings } from "./graph.js";

export const label = "Mesh";
export const title = () => "Mesh";
export const needs = () => ["status", "peers", "trust"];

/** Nodes that are drawn, and rows that are listed. */
const DRAWN = 120;
const LISTED = 200;
/** Milliseconds for which a line that something went over is drawn strongly. */
const FLASH = 4000;

export function lead(_, ctx) {
  const peers = ctx.data("peers");
  if (!peers) return null;
  const connected = peers.filter((it) => it.address !== null).length;
  return `${many(connected, "connection")}, ${many(peers.length - connected, "more node known", "more nodes known")}. Only this node's own connections are known here.`;
}

const KINDS = { trusted: "good", known: "live", new: "calm", probation: "warn", blacklisted: "bad" };
export const standing = (state) => badge(state, KINDS[state] ?? "calm");

export function render(_, ctx) {
  const peers = ctx.data("peers");
  const scores = new Map(ctx.data("trust").map((it) => [it.node, it]));
  const order = (it) => (it.address !== null ? 0 : 1);
  const sorted = [...peers].sort((a, b) => order(a) - order(b) || (a.id < b.id ? -1 : 1));
  return [
    panel("Graph", { key: "graph", wide: true }, peers.length === 0 ? empty("This node knows no other yet. ", h("code", {}, "operator peers invite"), " on another one makes a line that ", h("code", {}, "operator peers join"), " follows here.") : [graph(sorted.slice(0, DRAWN), ctx), legend(sorted.length)]),
    peers.length === 0
      ? null
      : panel(
          "Nodes",
          { key: "nodes", wide: true, note: sorted.length > LISTED ? `the first ${LISTED} of ${sorted.length}` : null },
          table(
            "Nodes that are known",
            [{ name: "Node" }, { name: "Connection" }, { name: "Standing" }, { name: "Score", num: true }, { name: "Roles", hide: "narrow" }, { name: "Address", hide: "narrow" }, { name: "Software", hide: "medium" }],
            sorted.slice(0, LISTED).map((it) => ({
              key: it.id,
              cells: [
                name(it.id, `#/trust/${it.id}`),
                it.address === null ? badge("none", "calm") : badge(it.outbound ? "we dialled" : "it dialled", "good"),
                standing(it.state),
                scores.has(it.id) ? percent(scores.get(it.id).score_ppm) : "–",
                it.roles.join(", ") || "–",
                it.address ? h("code", { class: "break" }, it.address) : "–",
                it.software || "–",
              ],
            })),
          ),
        ),
  ];
}

const MARKS = { trusted: "✓", known: "●", new: "", probation: "!", blacklisted: "✕" };

function node(it, at, self) {
  const kind = self ? "self" : `${KINDS[it.state] ?? "calm"} ${it.address === null ? "apart" : ""}`;
  const said = self ? `this node, ${short(it.id)}` : `${short(it.id)}, ${it.state}, ${it.address === null ? "not connected" : "connected"}${it.roles.length ? ", " + it.roles.join(", ") : ""}`;
  const shape = s(
    "g",
    { class: `node ${kind}`, transform: `translate(${at.x.toFixed(1)} ${at.y.toFixed(1)})` },
    s("title", {}, said),
    s("circle", { r: self ? 17 : 12 }),
    s("text", { class: "mark", dy: "0.35em" }, self ? "Ø" : (MARKS[it.state] ?? "")),
    s("text", { class: "name", y: self ? 33 : at.y < -20 ? -19 : 27 }, self ? "this node" : short(it.id).slice(0, 8)),
  );
  return self ? shape : s("a", { href: `#/trust/${it.id}`, "aria-label": said, "data-key": it.id }, shape);
}

function graph(peers, ctx) {
  const connected = peers.filter((it) => it.address !== null);
  const apart = peers.filter((it) => it.address === null);
  const wide = matchMedia("(max-width: 35rem)").matches ? 0.95 : 1.55;
  const inner = rings(connected.map((it) => it.id), 88, 62, 62, wide);
  const outer = rings(apart.map((it) => it.id), Math.max(inner.outer + 62, 88), 52, 62, wide);
  const { x, y } = frame([...inner.placed.values(), ...outer.placed.values()], wide);
  const now = Date.now();
  const lines = connected.map((it) => {
    const at = inner.placed.get(it.id);
    const busy = now - (ctx.state.flashes.get(it.id) ?? 0) < FLASH;
    return s("line", { "data-key": `line-${it.id}`, class: `edge ${it.outbound ? "out" : "in"} ${busy ? "busy" : ""}`, x1: 0, y1: 0, x2: at.x.toFixed(1), y2: at.y.toFixed(1) });
  });
  return s(
    "svg",
    { class: "mesh", viewBox: `${-x} ${-y} ${2 * x} ${2 * y}`, role: "group", "aria-label": `this node and ${many(connected.length, "connected peer")}; the table below says the same` },
    lines,
    connected.map((it) => node(it, inner.placed.get(it.id), false)),
    apart.map((it) => node(it, outer.placed.get(it.id), false)),
    node({ id: ctx.me, roles: [], state: "" }, { x: 0, y: 0 }, true),
  );
}

function legend(all) {
  const line = (kind) => s("svg", { class: "sample", viewBox: "0 0 34 10", "aria-hidden": "true" }, s("line", { class: `edge ${kind}`, x1: 0, y1: 5, x2: 34, y2: 5 }));
  return h(
    "ul",
    { class: "legend", "aria-label": "Signs of the graph" },
    h("li", {}, line("out"), "we dialled"),
    h("li", {}, line("in"), "it dialled"),
    Object.entries(KINDS).map(([state, kind]) => h("li", {}, badge(state, kind))),
    h("li", {}, s("svg", { class: "sample", viewBox: "0 0 14 14", "aria-hidden": "true" }, s("circle", { class: "apart", cx: 7, cy: 7, r: 5.5 })), "known, not connected"),
    all > DRAWN ? h("li", {}, `${DRAWN} of ${all} are drawn`) : null,
  );
}
