// The capsules that are kept here.

import { badge, empty, h, panel, table } from "./dom.js";
import { bytes, many, time } from "./format.js";

export const label = "Capsules";
export const title = () => "Capsules";
export const needs = () => ["capsules"];

export function lead(_, ctx) {
  const it = ctx.data("capsules");
  if (!it) return null;
  return it.total > it.capsules.length ? `The ${it.capsules.length} that came last, of ${it.total} kept here.` : `${many(it.total, "capsule")} kept here, and given to peers who ask.`;
}

export function render(_, ctx) {
  const { capsules } = ctx.data("capsules");
  return panel(
    "Kept here",
    { key: "list", wide: true },
    capsules.length === 0
      ? empty("None yet. ", h("code", {}, "operator capsule publish"), " adds one; others come with the jobs that need them.")
      : table(
          "Capsules kept here",
          [{ name: "Name" }, { name: "Kept as" }, { name: "Author, by its own word", hide: "narrow" }, { name: "Length", num: true }, { name: "Since", num: true, hide: "narrow" }, { name: "Capsule hash" }],
          capsules.map((it) => ({
            key: it.capsule,
            cells: [
              it.name === null ? h("em", { class: "dim" }, "damaged") : [h("strong", {}, it.name), " ", it.version],
              it.own ? badge("published here", "good") : badge("got from peers", "calm"),
              it.author || "–",
              bytes(it.bytes),
              time(it.since),
              h("code", { class: "break", title: it.capsule }, it.capsule),
            ],
          })),
        ),
  );
}
