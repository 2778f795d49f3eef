/** The captions' box: the newest stays in view, unless the reader has gone back. */

const NEAR_BOTTOM_PX = 120;

export class Follow {
  /**
   * @param {HTMLElement} box
   * @param {HTMLElement} button that leads back to the newest
   */
  constructor(box, button) {
    this.box = box;
    this.button = button;
    this.isOn = true;
    box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    button.addEventListener("click", () => this.toNewest());
    // A note or the end of the call takes room: the newest caption stays in view.
    new ResizeObserver(() => this.isOn && this.toNewest()).observe(box);
  }

  changed() {
    if (this.isOn) this.toNewest();
    else this.button.hidden = false;
  }

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.box;
    this.isOn = scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX;
    if (this.isOn) this.button.hidden = true;
  }

  toNewest() {
    this.box.scrollTop = this.box.scrollHeight;
    this.isOn = true;
    this.button.hidden = true;
  }
}
