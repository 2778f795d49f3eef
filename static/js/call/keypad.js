/** The keypad: keys of a telephone, sent together. */

import { fill } from "./protocol.js";

/** What a telephone has, and pauses of half a second (w) and a second (W). */
const KEYS = /[^0-9*#wW]/g;
/** A menu asks for less; the call is away while they are sent. */
export const MOST_KEYS = 32;

/** @param {string} text @returns {string} the keys in it */
export function readKeys(text) {
  return text.replace(KEYS, "").slice(0, MOST_KEYS);
}

/**
 * What is said of a state of `dtmf_status`, whatever words a server has for it.
 * @param {string} state
 * @returns {string} name of the sentence
 */
export function keypadText(state) {
  if (["sent", "done", "played", "completed"].includes(state)) return "keys_sent";
  if (["failed", "refused", "lost"].includes(state)) return "keys_failed";
  return "keys_sending";
}

export class Keypad {
  /**
   * @param {object} options
   * @param {Record<string, string>} options.texts
   * @param {(digits: string) => boolean} options.onSend whether it was sent
   */
  constructor({ texts, onSend }) {
    /** @param {string} id @returns {any} */
    const byId = (id) => document.getElementById(id);
    this.texts = texts;
    this.onSend = onSend;
    this.root = byId("keypad");
    this.input = byId("keypad-keys");
    this.said = byId("keypad-state");
    this.root.addEventListener("click", (/** @type {any} */ event) => {
      const key = event.target.closest("button[data-key]");
      if (key) this.input.value = readKeys(this.input.value + key.dataset.key);
      if (event.target.closest("button[data-do=delete]")) {
        this.input.value = this.input.value.slice(0, -1);
      }
    });
    this.input.addEventListener("input", () => {
      const keys = readKeys(this.input.value);
      if (keys !== this.input.value) this.input.value = keys;
    });
    this.root.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.send();
    });
  }

  send() {
    const digits = readKeys(this.input.value);
    if (!digits) {
      this.say("keys_none", "");
      this.input.focus();
    } else if (this.onSend(digits)) {
      this.say("keys_sending", digits);
      this.input.value = "";
    } else {
      this.say("not_connected_kept", digits);
    }
  }

  /** @param {{digits?: string, state: string}} message */
  status({ digits = "", state }) {
    const name = keypadText(state);
    // Keys that were not sent are there to be sent again.
    if (name === "keys_failed" && !this.input.value) this.input.value = readKeys(digits);
    this.say(name, digits);
  }

  /**
   * @param {string} name
   * @param {string} digits
   */
  say(name, digits) {
    this.said.textContent = fill(this.texts[name], { digits });
  }
}
