/** How captions look: size, colours, space, lines.  Kept in this browser. */

/** What may be chosen; the first of each is the default. @type {Record<string, string[]>} */
export const CHOICES = {
  size: ["100", "125", "150", "200", "250", "300"],
  spacing: ["normal", "wide", "wider"],
  look: ["page", "light", "dark", "white", "black", "yellow"],
  show: ["both", "translation", "original"],
  signal: ["off", "flash", "vibrate", "both"],
};
/** Lines apart, of normal and of large letters: large ones need less. @type {Record<string, string[]>} */
const LEADING = { normal: ["1.5", "1.3"], wide: ["1.8", "1.55"], wider: ["2.2", "1.9"] };
const LARGE = 200;
/** What the account calls a look that this page calls otherwise. @type {Record<string, string>} */
const ACCOUNT_LOOKS = { dark: "black", light: "white" };
/** Looks that are dark to whatever follows the system: form fields, scroll bars. */
const DARK = ["dark", "black", "yellow"];
const KEY = "captions";

/**
 * Join what this browser remembers with what the account says; nonsense is left out.  Pure.
 * @param {string | null} stored JSON
 * @param {Record<string, string | undefined>} account
 * @returns {Record<string, string>}
 */
export function readDisplay(stored, account) {
  /** @type {Record<string, unknown>} */
  let own = {};
  try {
    own = Object(JSON.parse(stored ?? "{}"));
  } catch {
    // As if nothing had been stored.
  }
  return Object.fromEntries(Object.entries(CHOICES).map(([name, values]) => {
    const found = [own[name], account[name], values[0]].find((value) =>
      typeof value === "string" && values.includes(value));
    return [name, /** @type {string} */ (found)];
  }));
}

/**
 * What the account says, in the words of this page.  Pure.
 * @param {Record<string, string | undefined>} data of the body: size, spacing, theme, show
 * @returns {Record<string, string | undefined>}
 */
export function accountDisplay({ size, spacing, theme, show }) {
  return { size, spacing, show, look: ACCOUNT_LOOKS[theme ?? ""] ?? theme };
}

export class Display {
  /** @param {() => void} onChange after captions have another size */
  constructor(onChange) {
    this.onChange = onChange;
    this.root = document.documentElement;
    const { body } = document;
    this.account = accountDisplay({ ...body.dataset, theme: body.dataset.colours });
    // Colours are this page's as a whole, not the captions' alone.
    delete body.dataset.colours;
    delete body.dataset.size;
    delete body.dataset.spacing;
    this.chosen = readDisplay(localStorage.getItem(KEY), this.account);
    this.form = /** @type {HTMLFormElement | null} */ (document.getElementById("display"));
    this.form?.addEventListener("change", () => this.choose());
    this.fill();
    this.apply();
  }

  /** Show in the form what is chosen. */
  fill() {
    for (const [name, value] of Object.entries(this.chosen)) {
      const field = /** @type {any} */ (this.form?.elements.namedItem(name));
      if (field) field.value = value;
    }
  }

  choose() {
    const chosen = Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (this.form)));
    this.chosen = readDisplay(JSON.stringify(chosen), this.account);
    localStorage.setItem(KEY, JSON.stringify(this.chosen));
    this.apply();
    this.onChange();
  }

  apply() {
    const { size, spacing, look, show } = this.chosen;
    const { root } = this;
    const isLarge = Number(size) >= LARGE;
    root.style.setProperty("--caption-scale", String(Number(size) / 100));
    root.style.setProperty("--caption-leading", LEADING[spacing][Number(isLarge)]);
    root.dataset.captionSize = isLarge ? "large" : "normal";
    root.dataset.captionShow = show;
    root.dataset.look = look;
    if (look === "page") delete root.dataset.theme;
    else root.dataset.theme = DARK.includes(look) ? "dark" : "light";
  }

  /** @returns {{flashes: boolean, vibrates: boolean}} how new speech makes itself known */
  get signal() {
    const { signal } = this.chosen;
    return {
      flashes: signal === "flash" || signal === "both",
      vibrates: signal === "vibrate" || signal === "both",
    };
  }
}
