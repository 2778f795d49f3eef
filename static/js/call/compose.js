/** The type box and the messages on their way. */

import { Outbox, TypingSignal, letters, needsHelp, sends } from "./outbox.js";
import { fill } from "./protocol.js";

/** Beside the words, never instead of them. @type {Record<string, string>} */
const MARKS = {
  sending: "○",
  queued: "○",
  speaking: "▸",
  spoken: "✓",
  told: "✓",
  interrupted: "‖",
  repeating: "↻",
  mismatch: "✕",
  failed: "✕",
  unsure: "?",
};
/** What a screen reader says by itself; the rest can be read. */
const NEWS = ["spoken", "interrupted", "repeating", "mismatch", "failed", "unsure"];
/** From here on the letters that are left are told. */
const NEARLY_FULL = 50;

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

export class Compose {
  /**
   * @param {object} options
   * @param {Record<string, string>} options.texts
   * @param {string} options.draftKey in the session's storage
   * @param {string} options.calleeLanguage
   * @param {(message: {id: string, text: string, as?: string}) => boolean} options.onSend
   *   whether it was sent
   * @param {(active: boolean) => void} options.onTyping
   * @param {(about: string, text: string) => void} options.announce
   */
  constructor({ texts, draftKey, calleeLanguage, onSend, onTyping, announce }) {
    this.texts = texts;
    this.draftKey = draftKey;
    this.calleeLanguage = calleeLanguage;
    this.onSend = onSend;
    this.announce = announce;
    this.form = byId("compose-form");
    this.input = byId("typed");
    this.count = byId("typed-count");
    this.problem = byId("typed-problem");
    this.list = byId("own");
    this.template = byId("own-item");
    this.most = Number(this.input.dataset.most);
    this.outbox = new Outbox();
    this.typing = new TypingSignal(onTyping);
    this.isWhisper = false;
    /** @type {Map<string, HTMLElement>} */
    this.shown = new Map();
    this.listen();
    this.input.value = sessionStorage.getItem(draftKey) ?? "";
    this.showCount();
  }

  listen() {
    this.form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("input", () => {
      sessionStorage.setItem(this.draftKey, this.input.value);
      this.typing.changed(this.input.value, performance.now());
      this.showCount();
    });
    this.input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (sends(event)) {
        event.preventDefault();
        this.submit();
      } else if (event.key === "Escape" && !event.isComposing) {
        // So that the keys for phrases work; and the focus is somewhere.
        document.getElementById("captions-scroll")?.focus({ preventScroll: true });
      }
    });
    this.list.addEventListener("click", (/** @type {any} */ event) => {
      const button = event.target.closest("button");
      const item = event.target.closest("li");
      if (!button || !item) return;
      if (button.dataset.do === "again") this.again(item.dataset.id);
      else this.change(item.dataset.id);
    });
  }

  // --- Sending -----------------------------------------------------------------------

  submit() {
    const text = this.input.value.trim();
    if (!text) {
      this.input.focus();
      return;
    }
    if (letters(text) > this.most) {
      this.announce("typed", this.problem.textContent);
      return;
    }
    if (this.send({ id: this.newId(), text })) {
      this.input.value = "";
      sessionStorage.removeItem(this.draftKey);
      this.typing.stop();
      this.showCount();
    }
  }

  /**
   * @param {{id: string, text: string, as?: string, translation?: string, isPhrase?: boolean}} message
   * @returns {boolean} whether it was sent
   */
  send(message) {
    if (!this.onSend(message)) {
      this.announce("typed", this.texts.not_connected_kept);
      return false;
    }
    const isWhisper = this.isWhisper && !message.isPhrase && message.as !== "callee";
    this.outbox.sent({ ...message, isWhisper }, performance.now());
    this.show();
    return true;
  }

  /** @returns {boolean} whether something that was sent has not been said yet */
  get isBusy() {
    return this.outbox.shown.some(({ state }) => state !== "spoken" && state !== "told");
  }

  /** @param {string} id */
  again(id) {
    const message = this.outbox.messages.get(id);
    if (!message || !needsHelp(message)) return;
    // The server knows the old id: if it was said after all, it is not said twice.
    const next = message.state === "unsure" ? id : this.newId();
    const { text, as, translation } = message;
    if (this.send({ id: next, text, as, translation }) && next !== id) this.outbox.take(id);
    this.show();
  }

  /** @param {string} id */
  change(id) {
    const message = this.outbox.take(id);
    if (message === null) return;
    const draft = this.input.value.trim();
    const text = message.as === "callee" && message.translation
      ? message.translation : message.text;
    this.input.value = draft ? `${text}\n${draft}` : text;
    this.input.dispatchEvent(new Event("input"));
    this.input.focus();
    this.show();
  }

  /** @returns {string} a name for a message that no other page has */
  newId() {
    // Only secure pages have `randomUUID`.
    if (crypto.randomUUID) return crypto.randomUUID();
    return [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16)).join("-");
  }

  // --- What arrives ------------------------------------------------------------------

  /** @param {any} message `text_status` */
  status(message) {
    const changed = this.outbox.status(message, performance.now());
    if (changed !== null && NEWS.includes(changed.state)) {
      this.announce(changed.id, `${this.words(changed)} ${changed.text}`);
    }
    this.show();
  }

  /** The server takes nothing of this in this mode. */
  refused() {
    this.outbox.refused(performance.now());
    this.show();
  }

  disconnected() {
    this.typing.isActive = false; // nobody is there to be told
    this.outbox.disconnected(performance.now());
    this.show();
  }

  tick() {
    const now = performance.now();
    const before = this.outbox.shown.length;
    this.typing.tick(now);
    this.outbox.tick(now);
    if (before) this.show();
  }

  // --- What is seen ------------------------------------------------------------------

  /** @param {boolean} isWhisper what is typed is for the assistant */
  showFor(isWhisper) {
    this.isWhisper = isWhisper;
    byId("typed-label").textContent = this.texts[isWhisper ? "type_whisper" : "type_text"];
    byId("send").textContent = this.texts[isWhisper ? "send_whisper" : "send_text"];
  }

  showCount() {
    const n = letters(this.input.value.trim());
    const left = this.most - n;
    this.count.textContent = `${n} / ${this.most}`;
    this.count.hidden = left > NEARLY_FULL;
    const isTooLong = left < 0;
    if (isTooLong) this.problem.textContent = fill(this.texts.too_long, { n: -left });
    this.problem.hidden = !isTooLong;
    if (isTooLong) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  show() {
    const messages = this.outbox.shown;
    const wanted = new Set(messages.map(({ id }) => id));
    const hadFocus = this.list.contains(document.activeElement);
    for (const [id, element] of this.shown) {
      if (wanted.has(id)) continue;
      element.remove();
      this.shown.delete(id);
    }
    for (const message of messages) {
      const element = this.shown.get(message.id) ?? this.make(message.id);
      this.fillItem(element, message);
      if (this.shown.has(message.id)) continue;
      this.shown.set(message.id, element);
      this.list.append(element);
      element.scrollIntoView({ block: "nearest" });
    }
    this.list.hidden = messages.length === 0;
    if (hadFocus && !this.list.contains(document.activeElement)) this.input.focus();
  }

  /** @param {string} id @returns {HTMLElement} */
  make(id) {
    const element = this.template.content.firstElementChild.cloneNode(true);
    element.dataset.id = id;
    return element;
  }

  /**
   * @param {HTMLElement} element
   * @param {import("./outbox.js").Message} message
   */
  fillItem(element, message) {
    const { state, text, translation, as } = message;
    element.dataset.state = state;
    setText(element.querySelector("i"), MARKS[state] ?? "");
    setText(element.querySelector("strong"), this.words(message));
    const own = element.querySelector("q");
    setText(own, text);
    if (own && as === "callee") own.lang = this.calleeLanguage;
    const other = /** @type {HTMLElement} */ (element.querySelector(".own__translation"));
    setText(other, translation);
    other.hidden = !translation;
    if (as !== "callee") other.lang = this.calleeLanguage;
    element.querySelector(".own__actions")?.toggleAttribute("hidden", !needsHelp(message));
  }

  /** @param {import("./outbox.js").Message} message @returns {string} */
  words({ state, spoken }) {
    const name = state === "mismatch" && !spoken ? "text_mismatch_unknown" : `text_${state}`;
    return fill(this.texts[name] ?? "", { spoken });
  }
}

/**
 * @param {Element | null} element
 * @param {string} text
 */
function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}
