// Asks the node. A session has two halves: a cookie that scripts cannot read, and a key that only this origin, port
// included, keeps; the server wants both.

const KEPT = "nonos-key";
let key = null;
try {
  key = localStorage.getItem(KEPT);
} catch {
  // A browser that keeps nothing asks for a link each time.
}

/** The node does not know this browser. */
export class Stranger extends Error {}
/** The node says no, or cannot; `message` is its own words. */
export class Refused extends Error {}
/** Nobody answers. */
export class Gone extends Error {}

/** Follows the link by which this page was opened, if it was, and takes its code out of the address and history. */
export async function enter() {
  const code = location.hash.slice(1);
  if (!/^[0-9a-f]{32}\.\d+\.[0-9a-f]{64}$/.test(code)) return;
  history.replaceState(null, "", "/#/overview");
  const answer = await asked("/session", { method: "POST", body: code });
  if (!answer.ok) throw await refusal(answer);
  key = (await answer.json()).key;
  try {
    localStorage.setItem(KEPT, key);
  } catch {
    // It lasts as long as this page.
  }
}

async function asked(path, more) {
  try {
    return await fetch(path, { credentials: "same-origin", cache: "no-store", redirect: "error", ...more });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Gone("the node does not answer");
  }
}

async function refusal(answer) {
  let words = `status ${answer.status}`;
  try {
    words = (await answer.json()).error.message;
  } catch {
    // It was not the node's own answer.
  }
  return answer.status === 401 ? new Stranger(words) : new Refused(words);
}

const secret = () => ({ "X-Nonos-Key": key ?? "" });

/** The answer to a question. */
export async function get(path, signal) {
  const answer = await asked(`/api/${path}`, { headers: secret(), signal });
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

/** Calls `heard` with each event after number `after`, for as long as the connection lasts. */
export async function follow(after, heard, begun, signal) {
  const answer = await asked(`/api/events?after=${after}`, { headers: secret(), signal });
  if (!answer.ok) throw await refusal(answer);
  begun();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let part;
    try {
      part = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Gone("the connection to the node has ended");
    }
    if (part.done) throw new Gone("the connection to the node has ended");
    const blocks = (rest + part.value).split("\n\n");
    rest = blocks.pop();
    const events = [];
    for (const block of blocks) {
      for (const line of block.split("\n")) {
        if (line.startsWith("data: ")) events.push(JSON.parse(line.slice(6)));
      }
    }
    if (events.length > 0) heard(events);
  }
}
