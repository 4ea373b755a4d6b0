// What the node thinks of its peers, and each point that it rests on.

import { badge, bar, columns, empty, facts, h, panel, table, words } from "./dom.js";
import { many, name, percent, short, spoken, time } from "./format.js";
import { standing } from "./mesh.js";

export const label = "Trust";
export const title = (about) => (about ? `Node ${short(about)}` : "Trust");
export const needs = (about) => (about ? ["trust", "peers", `explain/${about}`, `why-not/${about}`] : ["trust"]);
export const lead = (about) => (about ? h("a", { href: "#/trust" }, "All nodes") : "By what each node has done, as this one has seen it. A score is of 100 %, and moves with every deed.");

export const render = (about, ctx) => (about ? detail(about, ctx) : listed(ctx.data("trust")));

const ORDER = ["blacklisted", "probation", "new", "known", "trusted"];

function listed(all) {
  const sorted = [...all].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || b.score_ppm - a.score_ppm || (a.node < b.node ? -1 : 1));
  const contexts = all[0]?.contexts.map(([of]) => of) ?? [];
  return panel(
    "Nodes",
    { key: "list", wide: true },
    all.length === 0
      ? empty("Nobody has done anything yet that could be judged.")
      : table(
          "Trust in nodes",
          [{ name: "Node" }, { name: "Standing" }, { name: "Score" }, ...contexts.map((of) => ({ name: spoken(of), num: true, hide: "medium" })), { name: "Evidence" }],
          sorted.map((it) => ({
            key: it.node,
            cells: [
              name(it.node, `#/trust/${it.node}`),
              standing(it.state),
              h("span", { class: "score" }, bar(it.score_ppm, 1e6, `score of ${short(it.node)}`, it.state === "blacklisted" ? "bad" : ""), percent(it.score_ppm)),
              ...it.contexts.map(([, score]) => percent(score)),
              it.evidence.length > 0 ? badge(many(it.evidence.length, "proof of fault", "proofs of fault"), "bad") : "–",
            ],
          })),
        ),
  );
}

function detail(node, ctx) {
  const it = ctx.data("trust").find((of) => of.node === node);
  const peer = ctx.data("peers").find((of) => of.id === node);
  const points = ctx.data(`explain/${node}`);
  const why = ctx.data(`why-not/${node}`);
  const newest = [...points].sort((a, b) => b.at - a.at).slice(0, 200);
  return [
    columns(
      [
    panel(
      "Standing",
      { key: "standing" },
      h("p", { class: "verdict" }, standing(it?.state ?? peer?.state ?? "new")),
      facts(
        ["Node", h("code", { class: "whole" }, node)],
        ["Connection", peer?.address ? [h("code", { class: "break" }, peer.address), peer.outbound ? " (we dialled)" : " (it dialled)"] : "none"],
        ["Roles it announces", peer?.roles.join(", ") || "none"],
        ["Software", peer?.software || "not known"],
      ),
    ),
    why && why.findings.length > 0 ? panel("What stands in the way", { key: "why" }, h("ul", { class: "rows" }, why.findings.map((of) => h("li", { "data-key": of.code }, h("p", {}, words(of.text)), of.remedy ? h("p", { class: "dim" }, words(of.remedy)) : null)))) : null,
      ],
      [
    panel(
      "Scores",
      { key: "scores" },
      it
        ? table(
            "Scores by context",
            [{ name: "In" }, { name: "Score" }, { name: "At least", num: true }],
            it.contexts.map(([of, score, least]) => ({ key: of, cells: [spoken(of), h("span", { class: "score" }, bar(score, 1e6, `score in ${of}`), percent(score)), percent(least)] })),
          )
        : empty("It has done nothing yet that could be judged."),
    ),
    it && it.evidence.length > 0
      ? panel("Evidence", { key: "evidence", note: "anyone can check it" }, h("ul", { class: "rows" }, it.evidence.map((of) => h("li", { "data-key": of }, h("code", { class: "whole" }, of), h("p", { class: "dim" }, h("code", {}, "operator trust evidence"), " shows and exports it")))))
      : null,
      ],
    ),
    panel(
      "What it rests on",
      { key: "points", wide: true, note: points.length > newest.length ? `the newest ${newest.length} of ${points.length}` : many(points.length, "point") },
      points.length === 0
        ? empty("Nothing yet.")
        : table(
            "Points of the score",
            [{ name: "When" }, { name: "In" }, { name: "Deed" }, { name: "Rests on" }],
            newest.map((of, at) => ({ key: `${of.at}-${of.cause}-${of.context}-${at}`, cells: [time(of.at), spoken(of.context), of.good ? badge("good", "good") : badge("bad", "bad"), h("span", { class: "break", title: of.cause }, of.cause)] })),
          ),
    ),
  ];
}
