// Jobs, and what became of each: offered, awarded, run, proved, verified, paid.

import { badge, bar, columns, empty, facts, h, panel, table, words } from "./dom.js";
import { amount, count, many, millis, name, short, spoken, tape, time, bytes } from "./format.js";

export const label = "Jobs";
export const title = (about) => (about ? `Job ${short(about)}` : "Jobs and proofs");

export function needs(about, ctx) {
  if (!about) return ["jobs"];
  const state = ctx.data(`job/${about}`)?.state;
  return state === "paid" ? [`job/${about}`] : [`job/${about}`, `why-not/${about}`];
}

export function lead(about, ctx) {
  if (about) return h("a", { href: "#/jobs" }, "All jobs");
  const jobs = ctx.data("jobs");
  return jobs ? (jobs.total > jobs.jobs.length ? `The newest ${jobs.jobs.length} of ${jobs.total} jobs that this node knows.` : `${many(jobs.total, "job")} that this node knows.`) : null;
}

const KINDS = { offered: "calm", awarded: "live", running: "live", proved: "good", paid: "good", cancelled: "warn", expired: "bad" };
export const badgeOf = (state) => badge(state, KINDS[state] ?? "calm");

export const render = (about, ctx) => (about ? detail(ctx.data(`job/${about}`), ctx) : listed(ctx.data("jobs").jobs, ctx));

function part(job, me) {
  if (job.requester === me) return "offered it";
  if (job.slots.some((it) => it.executor === me)) return "runs it";
  if (job.verdicts.includes(me)) return "verified it";
  return "–";
}

function progress(job, ctx) {
  const it = ctx.state.progress.get(job.job);
  if (job.segments && job.segments.proved.length < job.segments.of) {
    return bar(job.segments.proved.length, job.segments.of, `segments of job ${short(job.job)} proved`);
  }
  if (!it || job.state !== "running") return null;
  return h("span", { class: "going" }, bar(it.permille, 1000, `proof of job ${short(job.job)}`), h("span", { class: "dim" }, `${it.stage}, ${Math.round(it.permille / 10)} %`));
}

function listed(all, ctx) {
  const { state: of = "", text = "" } = { state: ctx.state.chosen.state, text: ctx.state.chosen.text };
  const wanted = (text ?? "").trim().toLowerCase();
  const shown = all.filter((it) => (!of || it.state === of) && (!wanted || [it.job, it.capsule, it.requester, it.executor ?? "", it.backend].some((name) => name.includes(wanted))));
  const filter = h(
    "div",
    { class: "filter", role: "search", "data-key": "filter" },
    h("label", {}, "State", h("select", { "data-choose": "state" }, h("option", { value: "" }, "all"), Object.keys(KINDS).map((state) => h("option", { value: state }, state)))),
    h("label", {}, "Name or backend", h("input", { type: "search", "data-choose": "text", placeholder: "job, capsule, node …", spellcheck: "false", autocomplete: "off" })),
    h("p", { class: "dim", role: "status" }, `${shown.length} of ${all.length}`),
  );
  const body =
    all.length === 0
      ? empty("No job is known. ", h("code", {}, "operator job submit"), " offers one.")
      : shown.length === 0
        ? empty("No job is as wanted.")
        : table(
            "Jobs",
            [{ name: "Job" }, { name: "State" }, { name: "This node" }, { name: "Capsule", hide: "narrow" }, { name: "Executor", hide: "narrow" }, { name: "Fee", num: true }, { name: "Verdicts", num: true, hide: "medium" }, { name: "Proved in", num: true, hide: "medium" }, { name: "Offered", num: true }],
            shown.map((it) => ({
              key: it.job,
              cells: [
                name(it.job, `#/jobs/${it.job}`),
                [badgeOf(it.state), progress(it, ctx)],
                part(it, ctx.me),
                name(it.capsule),
                it.executor === ctx.me ? "this node" : name(it.executor),
                it.receipt ? amount(it.receipt.fee) : [h("span", { class: "dim" }, "at most "), amount(it.max_fee)],
                count(it.verdicts.length),
                millis(it.receipt?.prove_ms),
                time(it.created),
              ],
            })),
          );
  return [filter, h("section", { class: "panel wide", "data-key": "list" }, h("h2", { class: "unseen" }, "List"), body)];
}

const LIFE = ["offered", "awarded", "running", "proved", "paid"];

/** The steps of a job's life, those that are behind it marked. */
function life(job) {
  const ended = job.state === "expired" || job.state === "cancelled";
  const at = ended ? (job.executor ? 1 : 0) : LIFE.indexOf(job.state);
  const step = (word, kind, said) => h("li", { class: kind, "data-key": word, "aria-current": kind === "now" ? "step" : null }, h("span", { class: "sign", "aria-hidden": "true" }), word, h("span", { class: "unseen" }, `, ${said}`));
  const steps = LIFE.map((word, number) => {
    if (number < at || (number === at && (ended || word === "paid"))) return step(word, "done", "done");
    if (number === at) return step(word, "now", "now");
    return step(word, "ahead", ended ? "never" : "not yet");
  });
  if (ended) steps.push(step(job.state, "over", "the end"));
  return h("ol", { class: "life" }, steps);
}

function detail(job, ctx) {
  const why = ctx.data(`why-not/${job.job}`);
  const { receipt } = job;
  const who = (id) => (id === ctx.me ? "this node" : name(id, `#/trust/${id}`));
  return [
    panel("Life cycle", { key: "life", wide: true }, life(job), progress(job, ctx), job.segments ? h("p", {}, `${job.segments.proved.length} of ${job.segments.of} segments proved; a helper gets `, amount(job.segments.price), " for each.") : null),
    columns(
      [
    job.state !== "paid" && why && why.findings.length > 0
      ? panel("What it waits for", { key: "why" }, h("ul", { class: "rows" }, why.findings.map((it) => h("li", { "data-key": it.code }, h("p", {}, words(it.text)), it.remedy ? h("p", { class: "dim" }, words(it.remedy)) : null))))
      : null,
    job.refused && job.refused_code !== "own" ? panel("Why this node does not run it", { key: "refused" }, h("p", {}, words(job.refused)), h("p", { class: "dim" }, h("code", {}, job.refused_code))) : null,
    panel(
      "Offer",
      { key: "offer" },
      facts(
        ["Job", h("code", { class: "whole" }, job.job)],
        ["Requester", who(job.requester)],
        ["Capsule", h("code", { class: "whole" }, job.capsule)],
        ["Backend", job.backend],
        ["At most, for each executor", amount(job.max_fee)],
        ["Offered", time(job.created)],
        ["Wanted until", time(job.deadline)],
        ["Input", job.input_hex !== null ? tape(job.input_hex) : "not here"],
        job.sealing.input_len !== null ? ["Sealed input", ["yes: ", bytes(job.sealing.input_len), " as sent"]] : null,
        job.sealing.result ? ["Result", "sealed to the requester"] : null,
        job.sealing.unopened ? ["Not paid", job.sealing.unopened] : null,
      ),
    ),
    panel(
      "Slots",
      { key: "slots" },
      table(
        "Slots",
        [{ name: "Slot" }, { name: "Executor" }, { name: "Claims", num: true }, { name: "Receipt" }],
        job.slots.map((it) => ({ key: `slot-${it.slot}`, cells: [`slot ${it.slot}`, it.executor ? who(it.executor) : "–", count(it.claims.length), it.receipt ? name(it.receipt) : "–"] })),
      ),
    ),
    panel("Verdicts", { key: "verdicts", note: `${many(job.verdicts.length, "node")} say that it verifies` }, job.verdicts.length === 0 ? empty("None yet.") : h("ul", { class: "inline" }, job.verdicts.map((id) => h("li", { "data-key": id }, who(id))))),
      ],
      [
    receipt
      ? panel(
          "Receipt and proof",
          { key: "receipt" },
          facts(
            ["Receipt", h("code", { class: "whole" }, receipt.receipt)],
            ["Run", h("code", { class: "whole" }, receipt.exec_hash)],
            ["Executor", who(receipt.executor)],
            ["Ended", receipt.outcome],
            ["Result", receipt.result_hex !== null ? tape(receipt.result_hex) : "not here"],
            receipt.outbound_hex ? ["Message", tape(receipt.outbound_hex)] : null,
            ["Fuel", count(receipt.fuel)],
            ["Fee", amount(receipt.fee)],
            ["Proof", [bytes(receipt.proof_bytes), receipt.prove_ms !== null ? `, proved here in ${millis(receipt.prove_ms)}` : null, receipt.verify_ms !== null ? `, verified here in ${millis(receipt.verify_ms)}` : null]],
            job.proved_after_ms !== null ? ["Offer to proof", millis(job.proved_after_ms)] : null,
          ),
        )
      : panel("Receipt and proof", { key: "receipt" }, empty("No receipt that verifies is known yet.")),
    panel(
      "Booked here",
      { key: "booked" },
      job.booked.length === 0
        ? empty("Nothing: this node neither pays nor is paid for it, or not yet.")
        : table(
            "Amounts in this node's books",
            [{ name: "For" }, { name: "Peer" }, { name: "Direction" }, { name: "Amount", num: true }],
            job.booked.map((it, at) => ({ key: `${it.kind}-${it.peer}-${it.slot}-${at}`, cells: [spoken(it.kind), who(it.peer), it.paid ? "paid" : "earned", amount(it.amount)] })),
          ),
    ),
      ],
    ),
  ];
}
