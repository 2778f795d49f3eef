/** Saved phrases and quick replies: one tap, or one of the keys 1 to 9. */

/**
 * @typedef {object} Phrase
 * @property {string} id
 * @property {string} text
 * @property {string} language
 * @property {boolean} isQuick comes first
 */

const KEYS = 9;
/** Seen without asking for more. */
const SHOWN = 4;
const LOAD_TIMEOUT_MS = 10_000;

/**
 * Read the answer of `GET /api/phrases`: a list, or an object that holds one.
 * @param {any} answer
 * @param {string} callerLanguage
 * @param {string} calleeLanguage
 * @returns {Phrase[]} in the caller's language, or if there are none, in the callee's
 */
export function readPhrases(answer, callerLanguage, calleeLanguage) {
  const list = [answer, answer?.phrases, answer?.items].find(Array.isArray) ?? [];
  /** @type {Phrase[]} */
  const phrases = list
    .filter((item) => item && item.id !== undefined && typeof item.text === "string")
    .map(({ id, text, language, is_quick: isQuick }) => ({
      id: String(id), text: text.trim(), language: String(language ?? ""), isQuick: isQuick === true,
    }))
    .filter(({ text }) => text !== "")
    .sort((a, b) => Number(b.isQuick) - Number(a.isQuick));
  for (const language of [callerLanguage, calleeLanguage]) {
    const some = phrases.filter((phrase) => (phrase.language || callerLanguage) === language);
    if (some.length) return some;
  }
  return [];
}

export class PhraseBar {
  /**
   * @param {object} options
   * @param {string} options.url
   * @param {string} options.callerLanguage
   * @param {string} options.calleeLanguage
   * @param {(phrase: Phrase) => void} options.onSay
   */
  constructor({ url, callerLanguage, calleeLanguage, onSay }) {
    /** @param {string} id @returns {any} */
    const byId = (id) => document.getElementById(id);
    this.url = url;
    this.languages = [callerLanguage, calleeLanguage];
    this.onSay = onSay;
    this.list = byId("phrases");
    this.more = byId("more-phrases");
    /** @type {Phrase[]} */
    this.phrases = [];
    this.isWhole = false;
    this.list.addEventListener("click", (/** @type {any} */ event) => {
      const button = event.target.closest("button[data-phrase]");
      if (button) this.say(Number(button.dataset.phrase));
    });
    this.more.addEventListener("click", () => {
      this.isWhole = !this.isWhole;
      this.showLength();
    });
  }

  /** Phrases are a help, not a need: where they cannot be had there are none. */
  async load() {
    try {
      // Named, the language brings its starter set with it.
      const [caller, callee] = this.languages;
      const response = await fetch(`${this.url}?language=${encodeURIComponent(caller)}`, {
        headers: { Accept: "application/json" },
        credentials: "same-origin",
        signal: AbortSignal.timeout(LOAD_TIMEOUT_MS),
      });
      if (!response.ok) return;
      this.phrases = readPhrases(await response.json(), caller, callee);
    } catch {
      return;
    }
    this.list.replaceChildren(...this.phrases.map((phrase, index) => this.item(phrase, index)));
    this.showLength();
  }

  /**
   * @param {Phrase} phrase
   * @param {number} index
   * @returns {HTMLElement}
   */
  item(phrase, index) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "secondary outline";
    button.dataset.phrase = String(index);
    const text = document.createElement("span");
    text.lang = phrase.language;
    text.textContent = phrase.text;
    button.append(text);
    if (index < KEYS) {
      const key = document.createElement("kbd");
      key.ariaHidden = "true";
      key.textContent = String(index + 1);
      button.append(key);
    }
    item.append(button);
    return item;
  }

  showLength() {
    [...this.list.children].forEach((item, index) => {
      item.hidden = !this.isWhole && index >= SHOWN;
    });
    this.list.hidden = this.phrases.length === 0;
    this.more.hidden = this.phrases.length <= SHOWN;
    this.more.setAttribute("aria-expanded", String(this.isWhole));
  }

  /** @param {boolean} hasKeys whether keys work */
  showKeys(hasKeys) {
    this.list.querySelectorAll("button").forEach((button, index) => {
      const hasKey = hasKeys && index < KEYS;
      button.querySelector("kbd")?.toggleAttribute("hidden", !hasKey);
      if (hasKey) button.setAttribute("aria-keyshortcuts", String(index + 1));
      else button.removeAttribute("aria-keyshortcuts");
    });
  }

  /** @param {string} key @returns {boolean} whether the key means a phrase */
  keyPressed(key) {
    const index = /^[1-9]$/.test(key) ? Number(key) - 1 : -1;
    if (!(index in this.phrases)) return false;
    this.say(index);
    return true;
  }

  /** @param {number} index */
  say(index) {
    if (index in this.phrases) this.onSay(this.phrases[index]);
  }
}
