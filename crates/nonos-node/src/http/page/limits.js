// How much of the machine the node may use, and what its roles are decided by.

import { badge, bar, columns, facts, h, panel, table, words } from "./dom.js";
import { bytes, count, lasting, many, spoken, time } from "./format.js";

export const label = "Limits";
export const title = () => "Limits and roles";
export const needs = () => ["status", "roles"];
export const lead = () => "They are set in config.toml, and hold from the next start.";

export function render(_, ctx) {
  return [limits(ctx.data("status").limits), columns(ctx.data("roles").filter((_, at) => at % 2 === 0).map(role), ctx.data("roles").filter((_, at) => at % 2 === 1).map(role))];
}

function limits(it) {
  const used = (value, most, what) => [bytes(value), most === null ? h("span", { class: "dim" }, " of no limit") : [" of ", bytes(most), bar(value, most, what, value >= most ? "bad" : value > 0.9 * most ? "warn" : "")]];
  const month = it.sent_this_month + it.received_this_month;
  return panel(
    "Limits",
    { key: "limits", wide: true },
    it.reached.length > 0 ? h("p", {}, badge(`reached: ${it.reached.join(", ")}`, "bad")) : h("p", {}, badge("no limit is reached", "good")),
    facts(
      ["Disk", used(it.disk_used, it.disk, "disk used")],
      ["This month, both ways", used(month, it.monthly, "traffic of this month")],
      ["Sent", bytes(it.sent_this_month)],
      ["Received", bytes(it.received_this_month)],
      ["Cores for proofs, and for verifying", count(it.cores)],
      ["Memory of a run and of a proof", it.memory === null ? "no limit" : bytes(it.memory)],
      ["Upload", it.upload_kbit_s === null ? "no limit" : `${count(it.upload_kbit_s)} kbit/s`],
      ["Quiet hours (UTC)", it.quiet_hours.length > 0 ? it.quiet_hours.join(", ") : "none"],
    ),
  );
}

function value({ unit, value: it }) {
  if (unit === "yes-no") return it ? "yes" : "no";
  if (unit === "bytes") return bytes(it);
  if (unit === "permille") return `${(it / 10).toFixed(1)}\u00a0%`;
  return count(it);
}

function role(it) {
  const right = (check) => {
    const of = (edge) => value({ unit: check.unit, value: edge });
    if (check.unit === "yes-no") return check.least === 1 ? "yes" : check.most === 0 ? "no" : "–";
    const parts = [check.least !== null ? ["at least ", of(check.least)] : null, check.most !== null ? ["at most ", of(check.most)] : null].filter(Boolean);
    return parts.length > 1 ? [parts[0], ", ", parts[1]] : (parts[0] ?? "–");
  };
  return panel(
    spoken(it.role),
    { key: it.role, note: it.pin === "auto" ? "as the load allows" : `set to ${it.pin}` },
    h("p", { class: "verdict" }, badge(it.taken ? "taken" : "not taken", it.taken ? "good" : "calm"), h("span", { class: "dim" }, " since ", time(it.since))),
    h("p", {}, words(it.reason)),
    it.changes_in_s !== null ? h("p", { class: "dim" }, `If all stays as it is, this changes in ${lasting(it.changes_in_s)}.`) : null,
    it.waiting_jobs > 0 ? h("p", { class: "dim" }, `${many(it.waiting_jobs, "job waits", "jobs wait")} for an executor; ${many(it.other_executors, "other executor")}.`) : null,
    it.checks.length === 0
      ? null
      : table(
          `What ${it.role} is decided by`,
          [{ name: "Input" }, { name: "Is", num: true }, { name: "Should be", num: true }],
          it.checks.map((check) => ({ key: check.input, cells: [check.holds ? badge(check.input, "good") : check.waived ? badge(`${check.input}: waived`, "warn") : badge(`${check.input}: does not hold`, "bad"), value(check), right(check)] })),
        ),
  );
}
