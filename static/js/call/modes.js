/** How the call works: the mode in force, and the wish for another one. */

/** Modes in which the caller speaks; in the others no microphone is opened. */
const SPOKEN = ["voice", "captions"];

/** @param {string} mode @returns {boolean} */
export function speaks(mode) {
  return SPOKEN.includes(mode);
}

/** @param {string} mode @returns {boolean} whether typed text is the way to talk, or to steer */
export function types(mode) {
  return mode !== "voice";
}

/** So long the server may take to switch. */
export const SWITCH_MS = 10_000;

/** What the server says is true; what was asked for is only a wish.  Pure. */
export class ModeState {
  /** @param {string} mode */
  constructor(mode) {
    this.mode = mode;
    this.wanted = "";
    this.since = 0;
  }

  /**
   * @param {string} mode
   * @param {number} now ms
   * @returns {boolean} whether the server has to be asked
   */
  ask(mode, now) {
    if (this.wanted === mode || (!this.wanted && mode === this.mode)) return false;
    this.wanted = mode;
    this.since = now;
    return true;
  }

  /** @param {string} mode @returns {boolean} whether it is another one than before */
  confirmed(mode) {
    const isNew = mode !== this.mode;
    this.mode = mode;
    // The answer to an earlier wish does not end a later one.
    if (mode === this.wanted) this.wanted = "";
    return isNew;
  }

  /** @returns {string} the wish that will not be granted, or "" */
  refused() {
    const { wanted } = this;
    this.wanted = "";
    return wanted;
  }

  /** @param {number} now @returns {string} the wish that nobody answered, or "" */
  tick(now) {
    return this.wanted && now - this.since >= SWITCH_MS ? this.refused() : "";
  }
}

export class ModeSwitch {
  /**
   * @param {object} options
   * @param {string} options.mode
   * @param {(mode: string) => void} options.onChoice
   */
  constructor({ mode, onChoice }) {
    /** @param {string} id @returns {any} */
    const byId = (id) => document.getElementById(id);
    this.state = new ModeState(mode);
    this.root = byId("modes");
    this.name = byId("mode-name");
    this.says = byId("mode-says");
    this.you = byId("mode-you");
    this.before = byId("modes-before");
    this.root.addEventListener("click", (/** @type {any} */ event) => {
      const button = event.target.closest("button[data-mode]");
      if (button && button.ariaDisabled !== "true") onChoice(button.dataset.mode);
    });
    this.root.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") this.close();
    });
  }

  close() {
    if (!this.root.open) return;
    const hadFocus = this.root.contains(document.activeElement);
    this.root.open = false;
    if (hadFocus) this.root.querySelector("summary").focus();
  }

  /** @param {boolean} canSwitch */
  show(canSwitch) {
    const { mode, wanted } = this.state;
    this.root.dataset.mode = mode;
    this.before.hidden = canSwitch;
    for (const button of this.root.querySelectorAll("button[data-mode]")) {
      const isThis = button.dataset.mode === mode;
      button.setAttribute("aria-pressed", String(isThis));
      // Not `disabled`: the choices are to be read before the call as well.
      button.setAttribute("aria-disabled", String(!canSwitch));
      button.setAttribute("aria-busy", String(button.dataset.mode === wanted));
      if (!isThis) continue;
      this.name.textContent = button.querySelector("strong").textContent;
      this.says.textContent = button.querySelector("[data-says]").textContent;
      this.you.textContent = button.querySelector("[data-you]").textContent;
    }
  }
}
