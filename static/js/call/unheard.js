/** What the other side has not heard, near the controls, and what can be done about it. */

import { fill } from "./protocol.js";

/** Beside the words, never instead of them. @type {Record<string, string>} */
export const MARKS = {
  waiting: "○",
  waiting_for_them: "‖",
  playing: "▸",
  held: "‖",
  resumed: "▸",
  heard: "✓",
  settled: "–",
  so_far: "✓",
  cut: "✓",
  discarded: "–",
  lost: "✕",
  incomplete: "✕",
  repeating: "↻",
  unsure: "?",
};

/** @param {number} heardMs @returns {number} whole seconds, begun ones included */
export const secondsHeard = (heardMs) => Math.max(1, Math.ceil(heardMs / 1000));

export class UnheardStrip {
  /**
   * @param {object} options
   * @param {Record<string, string>} options.texts
   * @param {(id: string) => void} options.onRepeat
   * @param {(id: string) => void} options.onLeaveOut
   * @param {() => void} options.onRepeatLast
   */
  constructor({ texts, onRepeat, onLeaveOut, onRepeatLast }) {
    /** @param {string} id @returns {any} */
    const byId = (id) => document.getElementById(id);
    this.texts = texts;
    this.root = byId("unheard");
    this.now = byId("unheard-now");
    this.lag = byId("playout-lag");
    this.more = byId("unheard-more");
    this.list = byId("unheard-items");
    this.template = byId("unheard-item");
    this.last = byId("repeat-last");
    /** @type {Map<string, HTMLElement>} */
    this.shown = new Map();
    this.last.addEventListener("click", () => onRepeatLast());
    this.list.addEventListener("click", (/** @type {any} */ event) => {
      const button = event.target.closest("button");
      const item = event.target.closest("li");
      if (!button || !item) return;
      if (button.dataset.do === "repeat") onRepeat(item.dataset.utterance);
      else onLeaveOut(item.dataset.utterance);
    });
  }

  /**
   * @param {object} state
   * @param {{name: string, heardMs: number} | null} state.summary
   * @param {{id: string, why: string, text: string}[]} state.items
   * @param {number} state.lagS 0: none to speak of
   * @param {boolean} state.hasKeys whether keys work
   * @param {boolean} state.canRepeat
   */
  show({ summary, items, lagS, hasKeys, canRepeat }) {
    const hadFocus = this.root.contains(document.activeElement) ? document.activeElement : null;
    this.root.hidden = summary === null && !items.length && !lagS;
    this.root.classList.toggle("unheard--open", items.length > 0);
    this.showNow(summary);
    setText(this.lag, lagS ? fill(this.texts.lag, { seconds: lagS }) : "");
    this.lag.hidden = !lagS;
    this.showItems(items);
    setText(this.more, items.length > 1 ? fill(this.texts.more, { n: items.length - 1 }) : "");
    this.more.hidden = items.length < 2;
    this.last.hidden = items.length > 0 || !canRepeat;
    this.showKeys(hasKeys);
    if (hadFocus && !isVisible(hadFocus)) this.focusAgain(/** @type {any} */ (hadFocus).dataset.do);
  }

  /** @param {{name: string, heardMs: number} | null} summary */
  showNow(summary) {
    const name = summary?.name ?? "";
    const seconds = secondsHeard(summary?.heardMs ?? 0);
    this.now.dataset.fate = name;
    setText(this.now.querySelector("i"), MARKS[name] ?? "");
    setText(this.now.querySelector("span"), fill(this.texts[`now_${name}`] ?? "", { seconds }));
  }

  /** @param {{id: string, why: string, text: string}[]} items */
  showItems(items) {
    const wanted = new Set(items.map((item) => item.id));
    for (const [id, element] of this.shown) {
      if (wanted.has(id)) continue;
      element.remove();
      this.shown.delete(id);
    }
    let before = null;
    for (const item of items) {
      const element = this.shown.get(item.id) ?? this.make(item.id);
      element.dataset.fate = item.why;
      setText(element.querySelector("strong"), this.texts[`item_${item.why}`] ?? "");
      setText(element.querySelector("q"), item.text);
      // Moving an element takes the focus from it: only where it is not in its place.
      const place = before ? before.nextElementSibling : this.list.firstElementChild;
      if (place !== element) this.list.insertBefore(element, place);
      if (!this.shown.has(item.id)) {
        this.shown.set(item.id, element);
        this.list.scrollTop = this.list.scrollHeight;
      }
      before = element;
    }
  }

  /** @param {string} id @returns {HTMLElement} */
  make(id) {
    const element = this.template.content.firstElementChild.cloneNode(true);
    const text = element.querySelector("q");
    element.dataset.utterance = id;
    text.id = `unheard-${id.replace(/[^A-Za-z0-9_-]/g, "_")}`;
    for (const button of element.querySelectorAll("button")) {
      button.setAttribute("aria-describedby", text.id);
    }
    return element;
  }

  /**
   * A key acts on the newest item: only its buttons carry the hint.
   * @param {boolean} hasKeys
   */
  showKeys(hasKeys) {
    const newest = this.list.lastElementChild;
    for (const button of this.root.querySelectorAll("button")) {
      const isTheOne = newest ? newest.contains(button) : button === this.last;
      const isMeant = hasKeys && isTheOne;
      button.querySelector("kbd").hidden = !isMeant;
      if (isMeant) button.setAttribute("aria-keyshortcuts", button.dataset.keys ?? "R");
      else button.removeAttribute("aria-keyshortcuts");
    }
  }

  /**
   * The button that had the focus is gone; keep it nearby.
   * @param {string | undefined} action
   */
  focusAgain(action) {
    const next = this.list.lastElementChild?.querySelector(`[data-do="${action}"]`);
    if (next) next.focus();
    else if (isVisible(this.last)) this.last.focus();
    else this.now.focus();
  }
}

/**
 * @param {Element} element
 * @param {string} text
 */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Element} element @returns {boolean} */
function isVisible(element) {
  return element.isConnected && element.getClientRects().length > 0;
}
