/** A recording and its captions, in step. */

/**
 * Find the caption that belongs to a moment: the one being spoken, else the last one.
 *
 * @param {{from: number, to: number}[]} captions - in order of `from`, ms
 * @param {number} at - ms on the same clock
 * @returns {number} its index; -1 before the first one
 */
export function captionAt(captions, at) {
  let found = -1;
  for (let i = 0; i < captions.length && captions[i].from <= at; i += 1) {
    const isOver = at > captions[i].to;
    // Of two who speak at once the one that still goes on counts.
    if (found < 0 || !isOver || captions[found].to < captions[i].to) found = i;
  }
  return found;
}

/** @param {number} ms */
export function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const JUMP_S = 5;

/** Plays a recording, marks the caption that belongs to it, and follows it. */
export class Player {
  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} captions - the list of them
   */
  constructor(root, captions) {
    this.captions = captions;
    this.offset = Number(root.dataset.offset);
    this.sound = /** @type {HTMLAudioElement} */ (root.querySelector("audio"));
    this.line = /** @type {HTMLInputElement} */ (root.querySelector("#player-at"));
    this.follow = /** @type {HTMLInputElement} */ (root.querySelector("#player-follow"));
    for (const part of root.querySelectorAll("[hidden]")) part.removeAttribute("hidden");
    this.line.addEventListener("input", () => {
      this.sound.currentTime = Number(this.line.value) / 1000;
    });
    this.line.addEventListener("keydown", (event) => this.onKey(event));
    for (const name of ["timeupdate", "seeked", "loadedmetadata"]) {
      this.sound.addEventListener(name, () => this.show());
    }
    captions.addEventListener("click", (event) => {
      const button = /** @type {Element} */ (event.target).closest("[data-seek]");
      if (button) this.playFrom(Number(/** @type {HTMLElement} */ (button).dataset.seek));
    });
    this.show();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.key === " ") {
      if (this.sound.paused) this.sound.play();
      else this.sound.pause();
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      this.sound.currentTime += event.key === "ArrowLeft" ? -JUMP_S : JUMP_S;
    } else return;
    event.preventDefault();
  }

  /** @param {number} ms - on the call's clock */
  playFrom(ms) {
    this.sound.currentTime = Math.max(0, (ms - this.offset) / 1000);
    this.sound.play();
  }

  show() {
    const ms = this.sound.currentTime * 1000;
    this.line.value = String(ms);
    const length = this.sound.duration ? clock(this.sound.duration * 1000) : "";
    this.line.setAttribute("aria-valuetext", `${clock(ms)} / ${length}`);
    // Read anew each time: a caption may have been corrected.
    const items = [...this.captions.querySelectorAll("[data-from]")];
    const times = items.map((item) => {
      const { from, to } = /** @type {HTMLElement} */ (item).dataset;
      return { from: Number(from), to: Number(to ?? from) };
    });
    const isStarted = !this.sound.paused || ms > 0;
    const now = isStarted ? items[captionAt(times, ms + this.offset)] : undefined;
    if (now === this.now) return;
    this.now?.removeAttribute("aria-current");
    this.now = now;
    if (!now) return;
    now.setAttribute("aria-current", "true");
    const isTyping = document.activeElement?.matches("textarea, [type=search]");
    if (!this.sound.paused && this.follow.checked && !isTyping) {
      const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      now.scrollIntoView({ block: "center", behavior: isCalm ? "auto" : "smooth" });
    }
  }
}
