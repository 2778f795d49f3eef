/** @typedef {{label: string, run: () => void}} Action */

/** The notes above the captions: one per subject. */

export class Notes {
  /**
   * @param {HTMLElement} root
   * @param {() => void} [onFocusLost] a note had the focus, and is gone
   */
  constructor(root, onFocusLost = () => {}) {
    this.root = root;
    this.onFocusLost = onFocusLost;
  }

  /**
   * Show a note; a later one about the same thing takes its place.
   * @param {string} about
   * @param {string | undefined} text
   * @param {"info" | "warning" | "error"} kind
   * @param {number} [ms] how long; 0 is until it is replaced
   * @param {Action[]} [actions] what can be done about it
   */
  show(about, text, kind, ms = 0, actions = []) {
    this.clear(about);
    if (!text) return;
    const note = document.createElement("p");
    note.className = `note note--${kind}`;
    note.dataset.about = about;
    const words = document.createElement("span");
    words.textContent = text;
    note.append(words);
    if (actions.length) note.append(buttons(actions));
    this.root.append(note);
    if (ms > 0) setTimeout(() => this.drop(note), ms);
  }

  /** @param {string} about */
  clear(about) {
    const note = this.root.querySelector(`[data-about="${CSS.escape(about)}"]`);
    if (note) this.drop(note);
  }

  /** @param {Element} note */
  drop(note) {
    const hadFocus = note.contains(document.activeElement);
    note.remove();
    if (hadFocus) this.onFocusLost();
  }

  clearAll() {
    const hadFocus = this.root.contains(document.activeElement);
    this.root.replaceChildren();
    if (hadFocus) this.onFocusLost();
  }
}

/** @param {Action[]} actions @returns {HTMLElement} */
function buttons(actions) {
  const group = document.createElement("span");
  group.className = "note__actions";
  group.append(...actions.map(({ label, run }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "secondary";
    button.textContent = label;
    button.addEventListener("click", run);
    return button;
  }));
  return group;
}
