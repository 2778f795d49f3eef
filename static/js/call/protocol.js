/**
 * The caller's socket: what its messages and close codes mean.  Pure.
 */

export const PROTOCOL = 1;

/** Forward only, like the server's. @type {Record<string, number>} */
const RANK = {
  draft: 0,
  queued: 1,
  ringing: 2,
  in_progress: 3,
  completed: 4,
  busy: 4,
  no_answer: 4,
  failed: 4,
  canceled: 4,
};

/** @param {string} status @returns {boolean} */
export function isOver(status) {
  return RANK[status] === 4;
}

/** @param {string} status @returns {boolean} */
export function isLive(status) {
  return RANK[status] > 0 && !isOver(status);
}

/**
 * Statuses arrive on two sockets, so possibly late: never go back.
 * @param {string} current
 * @param {string} next
 * @returns {string}
 */
export function advance(current, next) {
  return next in RANK && RANK[next] > RANK[current] ? next : current;
}

/**
 * @param {unknown} data of a text frame
 * @returns {{type: string, [key: string]: any} | null} null for anything else
 */
export function parse(data) {
  if (typeof data !== "string") return null;
  try {
    const message = JSON.parse(data);
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}

/**
 * @typedef {object} Closing
 * @property {"retry" | "wait" | "move" | "stop"} action
 * @property {string} text name of the sentence that says so
 * @property {string} [url] where the call lives now
 */

/**
 * @param {number} code of the close frame
 * @param {string} reason
 * @returns {Closing}
 */
export function closing(code, reason) {
  switch (code) {
    case 4401:
      // A ticket may simply have been too old; a fresh one tells.
      return { action: "retry", text: "closed_login" };
    case 4404:
      return { action: "stop", text: "closed_missing" };
    case 4408:
      return { action: "stop", text: "closed_replaced" };
    case 4409:
      return { action: "stop", text: "closed_over" };
    case 4429:
      return { action: "wait", text: "closed_busy" };
    case 4307:
      return { action: "move", text: "closed_moved", url: reason };
    default:
      return { action: "retry", text: "connection_reconnecting" };
  }
}

/**
 * @param {number} attempt 0 for the first
 * @param {number} random 0 … 1
 * @returns {number} milliseconds to wait: doubling up to 10 s, spread by a quarter
 */
export function backoffMs(attempt, random) {
  const full = Math.min(10_000, 500 * 2 ** attempt);
  return Math.round(full * (0.75 + random / 4));
}

/**
 * @param {string} url from `start`
 * @param {string} ticket
 * @param {string} [node] base URL of the node that has the call, if another one does
 * @returns {string}
 */
export function streamUrl(url, ticket, node) {
  const target = new URL(url);
  if (node) {
    const base = new URL(node);
    target.host = base.host;
    target.protocol = base.protocol.replace("http", "ws");
  }
  target.searchParams.set("ticket", ticket);
  return target.href;
}

/**
 * @param {string} text with {names}
 * @param {Record<string, string | number>} values
 * @returns {string}
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** What is said reaches the other side some seconds later anyway: it is interpreted. */
const LAG_SHOWN_MS = 3000;

/**
 * @param {unknown} playoutLagMs how much speech waits to be said, of the `latency` message
 * @returns {number} seconds worth telling; 0 is nothing to tell
 */
export function lagSeconds(playoutLagMs) {
  const ms = typeof playoutLagMs === "number" ? playoutLagMs : 0;
  return ms > LAG_SHOWN_MS ? Math.round(ms / 1000) : 0;
}

/**
 * The key as it is written on the buttons.  What is printed on the keyboard counts, not
 * the place; where letters are not Latin (the Korean layout), the place has to do.
 * @param {{key: string, code: string}} event
 * @returns {string} a small letter, or the key's own name
 */
export function keyName({ key, code }) {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  const place = /^Key([A-Z])$/.exec(code);
  return place && [...key].length === 1 ? place[1].toLowerCase() : key;
}

/** @param {number} seconds @returns {string} 3:05, 1:02:09 */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}
