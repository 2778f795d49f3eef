/** Panels that a button each opens and closes: `aria-controls` says which. */

/** Where there is room for one at a time only. */
const SMALL = "(max-width: 44rem), (max-height: 50rem)";

export class Panels {
  /** @param {HTMLElement} root with the buttons */
  constructor(root) {
    /** @type {Map<string, HTMLElement>} button of each panel */
    this.buttons = new Map();
    /** Gave way to another one, and comes back after it. */
    this.waiting = "";
    for (const button of root.querySelectorAll("button[aria-controls]")) {
      const id = button.getAttribute("aria-controls") ?? "";
      this.buttons.set(id, /** @type {HTMLElement} */ (button));
      button.addEventListener("click", () => {
        if (this.isOpen(id)) this.close(id);
        else this.open(id, this.panel(id)?.querySelector("textarea, input, select"));
      });
      this.panel(id)?.addEventListener("keydown", (event) => {
        const isField = /** @type {HTMLElement} */ (event.target).matches("textarea");
        if (event.key !== "Escape" || event.isComposing || isField) return;
        this.close(id);
        this.buttons.get(id)?.focus();
      });
    }
  }

  /** @param {string} id @returns {HTMLElement | null} */
  panel(id) {
    return document.getElementById(id);
  }

  /**
   * @param {string} id
   * @param {HTMLElement | null} [focus] what is to be used next
   */
  open(id, focus) {
    if (window.matchMedia(SMALL).matches) {
      for (const other of this.buttons.keys()) {
        if (other === id || !this.isOpen(other)) continue;
        this.waiting = other;
        this.set(other, false);
      }
    }
    if (this.waiting === id) this.waiting = "";
    this.set(id, true);
    focus?.focus();
  }

  /** @param {string} id */
  close(id) {
    this.set(id, false);
    if (this.waiting && this.waiting !== id) this.open(this.waiting);
    this.waiting = "";
  }

  closeAll() {
    this.waiting = "";
    for (const id of this.buttons.keys()) this.close(id);
  }

  /** @param {string} id @returns {boolean} */
  isOpen(id) {
    return this.buttons.get(id)?.getAttribute("aria-expanded") === "true";
  }

  /**
   * @param {string} id
   * @param {boolean} isOpen
   */
  set(id, isOpen) {
    const panel = this.panel(id);
    if (panel) panel.hidden = !isOpen;
    this.buttons.get(id)?.setAttribute("aria-expanded", String(isOpen));
  }
}
