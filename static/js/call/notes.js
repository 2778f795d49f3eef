/** The notes above the captions: one per subject. */

export class Notes {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
  }

  /**
   * Show a note; a later one about the same thing takes its place.
   * @param {string} about
   * @param {string | undefined} text
   * @param {"info" | "warning" | "error"} kind
   * @param {number} [ms] how long; 0 is until it is replaced
   */
  show(about, text, kind, ms = 0) {
    this.clear(about);
    if (!text) return;
    const note = document.createElement("p");
    note.className = `note note--${kind}`;
    note.dataset.about = about;
    note.textContent = text;
    this.root.append(note);
    if (ms > 0) setTimeout(() => note.remove(), ms);
  }

  /** @param {string} about */
  clear(about) {
    this.root.querySelector(`[data-about="${CSS.escape(about)}"]`)?.remove();
  }

  clearAll() {
    this.root.replaceChildren();
  }
}
