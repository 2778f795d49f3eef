/** How loud the caller hears the callee's own voice. */

/** The server's own choice, percent (contract section 2). @type {Record<string, number>} */
const USUAL = { voice: 15, captions: 100, text: 100 };

/**
 * @param {string} mode
 * @param {boolean} isOneLanguage
 * @returns {number | null} percent; null where there is nothing to choose
 */
export function usualPercent(mode, isOneLanguage) {
  if (!(mode in USUAL)) return null;
  return isOneLanguage ? 100 : USUAL[mode];
}

export class OriginalVoice {
  /**
   * @param {object} options
   * @param {Record<string, string>} options.texts
   * @param {boolean} options.isOneLanguage
   * @param {(gain: number) => void} options.onGain
   */
  constructor({ texts, isOneLanguage, onGain }) {
    /** @param {string} id @returns {any} */
    const byId = (id) => document.getElementById(id);
    this.texts = texts;
    this.isOneLanguage = isOneLanguage;
    this.onGain = onGain;
    this.field = byId("original-field");
    this.input = byId("original");
    this.output = byId("original-percent");
    this.mode = "";
    this.input.addEventListener("input", () => this.showPercent());
    this.input.addEventListener("change", () => {
      localStorage.setItem(`original ${this.mode}`, this.input.value);
      this.onGain(Number(this.input.value) / 100);
    });
  }

  /** @param {string} mode */
  showFor(mode) {
    if (mode === this.mode) return;
    const hadMode = this.mode !== "";
    this.mode = mode;
    const usual = usualPercent(mode, this.isOneLanguage);
    this.field.hidden = usual === null;
    if (usual === null) return;
    this.input.value = this.chosen ?? String(usual);
    this.showPercent();
    if (hadMode) this.tell();
  }

  /** @returns {string | null} percent, if this person ever chose */
  get chosen() {
    return localStorage.getItem(`original ${this.mode}`);
  }

  /** The server knows what is usual; only a choice has to be told. */
  tell() {
    if (this.chosen !== null && !this.field.hidden) this.onGain(Number(this.chosen) / 100);
  }

  showPercent() {
    const { value } = this.input;
    const words = value === "0" ? this.texts.original_off : `${value}%`;
    this.output.textContent = words;
    this.input.setAttribute("aria-valuetext", words);
  }
}
