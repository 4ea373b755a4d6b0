// How values are written: short where they are seen, whole where they are pointed at.

import { h } from "./dom.js";

const UNIT = 10n ** 18n;
const NARROW = "\u202f";

function grouped(digits) {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, NARROW);
}

/** Every digit of an amount in atto-NONOS. */
export function exact(atto) {
  let value;
  try {
    value = BigInt(atto);
  } catch {
    return String(atto);
  }
  const size = value < 0n ? -value : value;
  const part = (size % UNIT).toString().padStart(18, "0").replace(/0+$/, "");
  return `${value < 0n ? "−" : ""}${size / UNIT}${part ? "." + part : ""} NONOS`;
}

/** An amount to four significant digits of its fraction, never rounded up to what is not there. */
export function brief(atto) {
  let value;
  try {
    value = BigInt(atto);
  } catch {
    return String(atto);
  }
  const size = value < 0n ? -value : value;
  const whole = size / UNIT;
  const part = (size % UNIT).toString().padStart(18, "0");
  const first = part.search(/[1-9]/);
  const kept = whole > 0n ? part.slice(0, 4) : first < 0 ? "" : part.slice(0, first + 4);
  const fraction = kept.replace(/0+$/, "");
  return `${value < 0n ? "−" : ""}${grouped(whole.toString())}${fraction ? "." + fraction : ""}`;
}

/** An amount, with all of it on hover. */
export function amount(atto) {
  if (atto === null || atto === undefined) return "–";
  return h("span", { class: "amount", title: exact(atto) }, brief(atto), h("span", { class: "unit" }, "\u00a0NONOS"));
}

/** A whole number. */
export function count(value) {
  return grouped(String(value ?? 0));
}

/** Some of many. */
export function many(value, one, more) {
  return `${count(value)} ${value === 1 ? one : (more ?? one + "s")}`;
}

/** The beginning of a name of 64 digits, and all of it on hover. */
export function short(id) {
  return String(id ?? "").slice(0, 12);
}

export function name(id, href) {
  if (!id) return "–";
  return href ? h("a", { class: "id", href, title: id }, short(id)) : h("code", { class: "id", title: id }, short(id));
}

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  const digits = unit === 0 ? String(size) : size >= 100 ? size.toFixed(0) : size.toFixed(1);
  return h("span", { title: `${count(value)} bytes` }, `${digits}\u00a0${units[unit]}`);
}

export function lasting(seconds) {
  const at = Math.max(0, Math.round(seconds));
  if (at < 60) return `${at}\u00a0s`;
  if (at < 3600) return `${Math.floor(at / 60)}\u00a0min`;
  if (at < 86400) return `${Math.floor(at / 3600)}\u00a0h ${Math.floor((at % 3600) / 60)}\u00a0min`;
  return `${Math.floor(at / 86400)}\u00a0d ${Math.floor((at % 86400) / 3600)}\u00a0h`;
}

export function millis(value) {
  if (value === null || value === undefined) return "–";
  return value < 1000 ? `${value}\u00a0ms` : `${(value / 1000).toFixed(value < 10000 ? 2 : 1)}\u00a0s`;
}

/** A moment, in seconds since 1970. */
export function time(at) {
  if (!at) return "–";
  const date = new Date(at * 1000);
  if (Number.isNaN(date.getTime())) return "–";
  const iso = date.toISOString();
  const today = new Date().toISOString().slice(0, 10) === iso.slice(0, 10);
  const clock = date.toLocaleTimeString("en-GB", { hour12: false });
  const shown = today ? clock : `${date.toLocaleDateString("en-GB", { day: "2-digit", month: "short" })} ${clock.slice(0, 5)}`;
  return h("time", { datetime: iso, title: iso.replace("T", " ").replace(".000Z", " UTC") }, shown);
}

export function percent(ppm) {
  return `${(ppm / 10000).toFixed(1)}\u00a0%`;
}

/** Bytes that may be text: as text if all of it can be read, else as they are. */
export function tape(hex) {
  if (hex === null || hex === undefined) return null;
  if (hex === "") return h("span", { class: "dim" }, "empty");
  const raw = Uint8Array.from(hex.slice(0, 4096).match(/../g) ?? [], (it) => parseInt(it, 16));
  let text = null;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(raw);
  } catch {
    text = null;
  }
  // eslint-disable-next-line no-control-regex
  const readable = text !== null && !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(text);
  const more = hex.length > 4096 ? " …" : "";
  return h(
    "div",
    { class: "tape" },
    readable ? h("pre", {}, text + more) : null,
    h("code", { class: "hex" }, (hex.slice(0, readable ? 128 : 512).match(/.{1,8}/g) ?? []).join(" ") + (hex.length > (readable ? 128 : 512) ? " …" : "")),
    h("span", { class: "dim" }, many(hex.length / 2, "byte")),
  );
}

/** Names as people write them. */
export function spoken(word) {
  return String(word ?? "").replace(/[-_]/g, " ");
}
