/**
 * What the caller has typed and what has become of it.  Pure.
 *
 * Theory of operation.  A message is shown at once, under an id made here.  The server
 * then says how far it is (`text_status`); what is given up can be changed or sent again
 * as a new message.  When the connection was lost meanwhile, nobody knows: such a message
 * can be sent again under its old id, and the server does not say it twice.
 */

/**
 * @typedef {"sending" | "queued" | "speaking" | "spoken" | "interrupted" | "repeating"
 *   | "mismatch" | "failed" | "unsure" | "told"} State told: to the assistant
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {string} text as it was typed
 * @property {string} as whose language it is in: "caller" or "callee"
 * @property {State} state
 * @property {string} translation
 * @property {string} spoken what was said instead, or would have been
 * @property {boolean} isPhrase a saved phrase: one tap says it again
 * @property {number} since when this state began, ms
 */

/** @type {State[]} */
const FROM_SERVER = [
  "queued", "speaking", "spoken", "interrupted", "repeating", "mismatch", "failed",
];
/** @type {State[]} */
const UNDER_WAY = ["sending", "queued", "speaking", "interrupted", "repeating"];
/** @type {State[]} */
const NEEDS_HELP = ["mismatch", "failed", "unsure"];

/** So long a message that was sent may stay without an answer. */
export const UNANSWERED_MS = 10_000;
/** What has been spoken is among the captions: here it stays only so long. */
export const SPOKEN_SHOWN_MS = 8000;

export class Outbox {
  constructor() {
    /** In the order in which they were sent. @type {Map<string, Message>} */
    this.messages = new Map();
  }

  /**
   * @param {{id: string, text: string, as?: string, translation?: string,
   *   isPhrase?: boolean, isWhisper?: boolean}} message
   * @param {number} now
   */
  sent({ id, text, as = "caller", translation = "", isPhrase = false, isWhisper = false }, now) {
    this.messages.delete(id); // a phrase that is said again comes last
    this.messages.set(id, {
      id, text, as, translation, isPhrase,
      spoken: "", state: isWhisper ? "told" : "sending", since: now,
    });
  }

  /**
   * @param {{id: string, state: string, translation?: string, spoken?: string}} status
   * @param {number} now
   * @returns {Message | null} the message, if it is one of ours and its state is new
   */
  status({ id, state, translation, spoken }, now) {
    const message = this.messages.get(id);
    if (message === undefined) return null;
    // What is in the callee's language already is its own translation.
    if (message.as !== "callee") message.translation = translation || message.translation;
    message.spoken = spoken || message.spoken;
    const known = FROM_SERVER.find((name) => name === state);
    if (known === undefined || known === message.state) return null;
    message.state = known;
    message.since = now;
    return message;
  }

  /** The server does not take what was sent last. @param {number} now */
  refused(now) {
    for (const message of this.messages.values()) {
      if (message.state !== "sending" && message.state !== "told") continue;
      if (message.isPhrase) this.messages.delete(message.id);
      message.state = "failed";
      message.since = now;
    }
  }

  /** Nobody knows what became of what was under way. @param {number} now */
  disconnected(now) {
    for (const message of this.messages.values()) {
      if (UNDER_WAY.includes(message.state)) this.doubt(message, now);
    }
  }

  /** @param {number} now */
  tick(now) {
    for (const message of this.messages.values()) {
      const ms = now - message.since;
      if (message.state === "sending" && ms >= UNANSWERED_MS) this.doubt(message, now);
      const isDone = message.state === "spoken" || message.state === "told";
      if (isDone && ms >= SPOKEN_SHOWN_MS) this.messages.delete(message.id);
    }
  }

  /**
   * @param {Message} message
   * @param {number} now
   */
  doubt(message, now) {
    // A phrase is one tap away: no need to keep it.
    if (message.isPhrase) this.messages.delete(message.id);
    message.state = "unsure";
    message.since = now;
  }

  /**
   * Take a message out that is to be changed or sent again.
   * @param {string} id
   * @returns {Message | null}
   */
  take(id) {
    const message = this.messages.get(id) ?? null;
    if (message !== null && !needsHelp(message)) return null;
    this.messages.delete(id);
    return message;
  }

  /** @returns {Message[]} */
  get shown() {
    return [...this.messages.values()];
  }
}

/** @param {Message} message @returns {boolean} whether the caller has to do something */
export function needsHelp(message) {
  return NEEDS_HELP.includes(message.state);
}

/**
 * Whether this key sends what was typed.  Enter that ends a composition (Korean, Japanese,
 * Chinese) never does; Safari ends the composition before it reports the key, with the key
 * code 229.
 * @param {{key: string, shiftKey: boolean, isComposing: boolean, keyCode: number}} event
 * @returns {boolean}
 */
export function sends({ key, shiftKey, isComposing, keyCode }) {
  return key === "Enter" && !shiftKey && !isComposing && keyCode !== 229;
}

/** @param {string} text @returns {number} letters as the server counts them */
export function letters(text) {
  return [...text].length;
}

/** The callee is told that something is being typed: once per pause, not per key. */
export class TypingSignal {
  /**
   * @param {(active: boolean) => void} tell
   * @param {number} [pauseMs]
   */
  constructor(tell, pauseMs = 4000) {
    this.tell = tell;
    this.pauseMs = pauseMs;
    this.isActive = false;
    this.lastMs = 0;
  }

  /**
   * @param {string} text what is in the field now
   * @param {number} now
   */
  changed(text, now) {
    this.lastMs = now;
    this.set(text.trim() !== "");
  }

  /** @param {number} now */
  tick(now) {
    if (now - this.lastMs >= this.pauseMs) this.set(false);
  }

  stop() {
    this.set(false);
  }

  /** @param {boolean} isActive */
  set(isActive) {
    if (isActive === this.isActive) return;
    this.isActive = isActive;
    this.tell(isActive);
  }
}
