// Elements, and how a shown tree becomes another one. Text is only ever text: nothing here reads markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** An element of HTML. */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An element of SVG. */
export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

const key = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);

function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && key(a) === key(b);
}

/** Makes what `shown` has in it what `wanted` has, and leaves alone what is the same: focus and scrolling stay. */
export function morph(shown, wanted) {
  const keyed = new Map();
  for (const child of shown.childNodes) {
    const name = key(child);
    if (name !== null) keyed.set(name, child);
  }
  let next = shown.firstChild;
  for (const want of [...wanted.childNodes]) {
    const name = key(want);
    let have = name === null ? next : (keyed.get(name) ?? null);
    if (have === null || !alike(have, want)) {
      shown.insertBefore(want, next);
      continue;
    }
    if (have === next) next = next.nextSibling;
    else shown.insertBefore(have, next);
    patch(have, want);
  }
  while (next !== null) {
    const after = next.nextSibling;
    next.remove();
    next = after;
  }
}

function patch(have, want) {
  if (have.nodeType !== Node.ELEMENT_NODE) {
    if (have.nodeValue !== want.nodeValue) have.nodeValue = want.nodeValue;
    return;
  }
  for (const { name } of [...have.attributes]) {
    // What the reader has opened stays open.
    if (!want.hasAttribute(name) && !(name === "open" && have.nodeName === "DETAILS")) have.removeAttribute(name);
  }
  for (const { name, value } of want.attributes) {
    if (have.getAttribute(name) !== value) have.setAttribute(name, value);
  }
  // What the reader types or chooses is the reader's.
  if (have.nodeName === "INPUT" || have.nodeName === "SELECT") return;
  morph(have, want);
}

/** A panel with a heading. */
export function panel(title, more, ...children) {
  const { note, key: name, wide } = more ?? {};
  return h(
    "section",
    { class: wide ? "panel wide" : "panel", "data-key": name ?? title },
    h("header", {}, h("h2", {}, title), note ? h("p", { class: "note" }, note) : null),
    children,
  );
}

/** A table: columns are `{ name, num, hide }`, rows `{ key, cells }`. */
export function table(caption, columns, rows) {
  const head = columns.map(({ name, num, hide }) =>
    h("th", { scope: "col", class: [num && "num", hide && `hide-${hide}`].filter(Boolean).join(" ") || null }, name),
  );
  const body = rows.map(({ key: name, cells }) =>
    h(
      "tr",
      { "data-key": name },
      cells.map((cell, at) => {
        const { num, hide, name: label } = columns[at];
        const kind = [num && "num", hide && `hide-${hide}`].filter(Boolean).join(" ") || null;
        return at === 0
          ? h("th", { scope: "row", class: kind }, cell)
          : h("td", { class: kind, "data-label": label }, cell);
      }),
    ),
  );
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)),
  );
}

/** Names and values. */
export function facts(...pairs) {
  const shown = pairs.filter((it) => it && it[1] !== null && it[1] !== undefined);
  return h(
    "dl",
    { class: "facts" },
    shown.map(([name, value]) => h("div", { "data-key": name }, h("dt", {}, name), h("dd", {}, value))),
  );
}

/** A share of something, said by a name besides. */
export function bar(part, whole, label, kind) {
  const share = whole > 0 ? Math.min(100, Math.max(0, (100 * part) / whole)) : 0;
  return s(
    "svg",
    {
      class: `bar ${kind ?? ""}`, viewBox: "0 0 100 6", preserveAspectRatio: "none", role: "progressbar",
      "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(share),
    },
    s("rect", { class: "track", width: 100, height: 6 }),
    s("rect", { class: "fill", width: share.toFixed(2), height: 6 }),
  );
}

/** A word with a sign before it: colour is never all that says something. */
export function badge(word, kind) {
  const signs = { good: "✓", bad: "✕", warn: "!", live: "●", calm: "○" };
  return h("span", { class: `badge ${kind}` }, h("span", { class: "sign", "aria-hidden": "true" }, signs[kind] ?? "○"), word);
}

/** Panels in two columns, where there is room for two. */
export function columns(...sides) {
  return h("div", { class: "cols", "data-key": "cols" }, sides.map((side, at) => h("div", { class: "col", "data-key": `col-${at}` }, side)));
}

/** The node's words: what it puts between backticks is to be typed. */
export function words(text) {
  return String(text ?? "").split("`").map((part, at) => (at % 2 === 1 ? h("code", { class: "break" }, part) : part));
}

/** Nothing to show, and why. */
export function empty(...words) {
  return h("p", { class: "empty" }, words);
}
