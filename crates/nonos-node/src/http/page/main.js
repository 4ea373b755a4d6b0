// The frame of the page: which view is shown, what it needs, and what is new.

import { Gone, Stranger, enter, follow, get } from "./api.js";
import { empty, h, morph } from "./dom.js";
import { short, time } from "./format.js";
import * as overview from "./overview.js";
import * as mesh from "./mesh.js";
import * as jobs from "./jobs.js";
import * as capsules from "./capsules.js";
import * as trust from "./trust.js";
import * as ledger from "./ledger.js";
import * as limits from "./limits.js";
import * as events from "./events.js";

const VIEWS = { overview, mesh, jobs, capsules, trust, ledger, limits, events };
/** Events that are kept to be shown. */
const KEPT = 500;
/** Milliseconds: how often all that is shown is asked for again, and how soon after something has happened. */
const OFTEN = 5000;
const SOON = 250;

const $ = (id) => document.getElementById(id);

/** What is known: answers by path, each with the error of the last try, if it failed. */
const known = new Map();
/** What happened, newest first; what is being proved; what the reader has chosen in views. */
const state = { events: [], progress: new Map(), flashes: new Map(), chosen: {}, live: false, stranger: null, gone: null };
let last = 0;
let soon = null;

function place() {
  const [view, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  const name = Object.hasOwn(VIEWS, view) ? view : "overview";
  return { name, view: VIEWS[name], about: rest[0] ? decodeURIComponent(rest[0]) : null };
}

/** What a view sees. */
function context(about) {
  return {
    about,
    state,
    /** An answer; undefined while it is not there. */
    data: (path) => known.get(path)?.data,
    /** Why there is none, if that is so. */
    error: (path) => known.get(path)?.error,
    me: known.get("status")?.data?.id,
  };
}

async function ask(path) {
  const slot = known.get(path) ?? {};
  known.set(path, slot);
  try {
    slot.data = await get(path);
    slot.error = null;
    slot.at = Date.now() / 1000;
    state.gone = null;
  } catch (error) {
    if (error instanceof Stranger) state.stranger = error.message;
    else if (error instanceof Gone) state.gone = error.message;
    else slot.error = error.message;
  }
}

let asking = false;
let again = false;

/** Asks for all that is shown. */
async function refresh() {
  if (state.stranger !== null) return;
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  do {
    again = false;
    const { view, about } = place();
    await Promise.all(["status", ...view.needs(about, context(about))].map(ask));
    show();
  } while (again && state.stranger === null);
  asking = false;
}

function refreshSoon() {
  soon ??= setTimeout(() => {
    soon = null;
    refresh();
  }, SOON);
}

function show() {
  const { name, view, about } = place();
  const ctx = context(about);
  const wanted = h("div", {});
  if (state.stranger !== null) {
    wanted.append(door(state.stranger));
  } else {
    const title = view.title(about, ctx);
    document.title = `${title} · NØN-OS operator`;
    wanted.append(h("div", { class: "title" }, h("h1", { id: "heading", tabindex: -1 }, title), view.lead ? h("p", {}, view.lead(about, ctx)) : null));
    const missing = view.needs(about, ctx).filter((path) => ctx.data(path) === undefined);
    const failed = missing.map((path) => ctx.error(path)).find(Boolean);
    if (failed) wanted.append(h("p", { class: "empty bad", role: "alert" }, failed));
    else if (missing.length > 0) wanted.append(empty(state.gone ? "Nothing is known yet: the node does not answer." : "Loading…"));
    else wanted.append(...[view.render(about, ctx)].flat().filter(Boolean));
  }
  morph($("view"), wanted);
  $("view").setAttribute("data-view", state.stranger === null ? name : "door");
  frame(name);
}

function door(why) {
  return h(
    "section",
    { class: "door", "data-key": "door" },
    h("h1", { id: "heading", tabindex: -1 }, "This page needs a link"),
    h("p", {}, "On the machine of the node, run"),
    h("pre", {}, "operator dashboard"),
    h("p", {}, "and open what it prints. The link can be followed once, within ten minutes; the node forgets all of them when it stops."),
    h("p", { class: "dim" }, `The node says: ${why}`),
  );
}

function frame(current) {
  const items = Object.entries(VIEWS).map(([name, view]) =>
    h("li", { "data-key": name }, h("a", { href: `#/${name}`, "aria-current": name === current ? "page" : null }, view.label)),
  );
  morph($("nav"), h("div", {}, h("ul", {}, items)));
  const status = known.get("status")?.data;
  $("whose").textContent = status ? short(status.id) : "operator node";
  if (status) $("whose").title = status.id;
  const [kind, word] = state.stranger !== null ? ["bad", "No session"] : state.gone !== null ? ["bad", "Disconnected"] : state.live ? ["good", "Live"] : ["warn", "Connecting"];
  morph($("link"), h("div", {}, h("span", { class: `dot ${kind}`, "aria-hidden": "true" }), h("span", { class: "word" }, word)));
  const at = known.get("status")?.at;
  const banner = h("div", {});
  if (state.gone !== null && state.stranger === null) {
    banner.append(
      h("p", { class: "banner", role: "alert" }, h("strong", {}, "Disconnected. "), "The node does not answer; it is tried again. ", at ? ["What is shown is of ", time(Math.floor(at)), "."] : null),
    );
  }
  morph($("banner"), banner);
}

function heard(fresh) {
  for (const event of fresh) {
    if (event.number <= last) continue;
    last = event.number;
    state.events.unshift(event);
    const { what } = event;
    if (what.event === "proving") state.progress.set(what.job, what);
    if (what.event === "running") state.progress.set(what.job, { stage: "running", permille: 0 });
    if (what.event === "proved" || what.event === "failed") state.progress.delete(what.job);
    if (what.event === "seeded") state.flashes.set(what.to, Date.now());
    if (what.event === "checked") state.flashes.set(what.executor, Date.now());
  }
  state.events.length = Math.min(state.events.length, KEPT);
  announce(fresh);
  show();
  refreshSoon();
}

/** For who hears the page: what matters, and no more than that. */
function announce(fresh) {
  const matters = fresh.filter(({ what, at }) => events.matters(what) && at > Date.now() / 1000 - 30).slice(-3);
  if (matters.length === 0) return;
  const lines = matters.map((event) => h("p", {}, events.sentence(event.what).map((it) => (it instanceof Node ? it.textContent : it)).join("")));
  $("said").replaceChildren(...lines);
}

async function listen() {
  for (;;) {
    try {
      await follow(last, heard, () => {
        state.live = true;
        state.gone = null;
        refresh();
      });
    } catch (error) {
      state.live = false;
      if (error instanceof Stranger) {
        state.stranger = error.message;
        show();
        return;
      }
      if (error instanceof Gone) state.gone = error.message;
      show();
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

addEventListener("hashchange", async () => {
  // Another link, followed in this window.
  if (/^#[0-9a-f]{32}\./.test(location.hash)) {
    await begin();
    return;
  }
  show();
  $("heading")?.focus({ preventScroll: true });
  scrollTo(0, 0);
  refresh();
});

// The address says which view is shown: a link within the page must not change it.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("main").focus();
});

// What is chosen in a view: `data-choose` names it.
document.addEventListener("input", ({ target }) => {
  const choice = target.getAttribute?.("data-choose");
  if (!choice) return;
  state.chosen[choice] = target.value;
  show();
});

matchMedia("(max-width: 35rem)").addEventListener("change", show);

setInterval(() => {
  if (!document.hidden) refresh();
}, OFTEN);

let listening = false;

async function begin() {
  try {
    await enter();
    state.stranger = null;
  } catch (error) {
    // The session of before may still do.
    state.stranger = null;
    if (error instanceof Gone) state.gone = error.message;
    else state.refusedLink = error.message;
  }
  show();
  await refresh();
  if (state.stranger !== null && state.refusedLink) {
    state.stranger = state.refusedLink;
    show();
  }
  if (state.stranger === null && !listening) {
    listening = true;
    listen().finally(() => {
      listening = false;
    });
  }
}

begin();
