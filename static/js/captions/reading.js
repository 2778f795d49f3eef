/**
 * Reading captions while they arrive: follow the newest, stop, and catch up.
 *
 * Theory of operation.  The reader follows the newest caption.  Pausing, scrolling back or
 * looking at another page stops that: where the newest caption ended is marked as the last
 * word that was read, and what arrives from then on is counted.  The reader then goes back
 * to the mark, or to the newest; whoever comes to the end by reading has caught up, and the
 * mark goes.
 */

/** Where reading stopped: in which caption, after how many letters of its first line. */
/** @typedef {{id: string, letters: number}} Mark */

/** So many captions are laid out; the earlier ones come when somebody scrolls to them. */
export const SHOWN = 200;
/** Further ones are put away together: not with every caption. */
export const SLACK = 100;

/**
 * How many captions at the beginning are not laid out.  Pure.
 * @param {number} n how many there are
 * @param {number} hidden how many of them were put away
 * @param {boolean} isAtEnd whether nobody reads the earlier ones now
 * @returns {number}
 */
export function putAway(n, hidden, isAtEnd) {
  if (hidden > n) return Math.max(0, n - SHOWN);
  return isAtEnd && n - hidden > SHOWN + SLACK ? n - SHOWN : hidden;
}

/** What is read and what is new.  Pure. */
export class Reading {
  constructor() {
    this.isPaused = false;
    this.isAtEnd = true;
    this.isAway = false;
    /** @type {Mark | null} */
    this.mark = null;
    /** @type {Set<string>} */
    this.known = new Set();
    /** @type {Set<string>} */
    this.fresh = new Set();
  }

  /** @returns {boolean} whether the newest caption is to be in view */
  get follows() {
    return this.isAtEnd && !this.isPaused;
  }

  /** @param {string} id of a caption @returns {boolean} whether it was not there before */
  arrived(id) {
    if (this.known.has(id)) return false;
    this.known.add(id);
    if (!this.follows || this.isAway) this.fresh.add(id);
    return true;
  }

  /** @param {Mark | null} end of what there is to read now */
  pause(end) {
    if (this.follows) this.stop(end);
    this.isPaused = true;
  }

  /** Read on from wherever the page is. */
  goOn() {
    this.isPaused = false;
  }

  /**
   * @param {boolean} isAtEnd
   * @param {Mark | null} end
   */
  scrolled(isAtEnd, end) {
    if (this.isAtEnd && !isAtEnd && this.follows) this.stop(end);
    this.isAtEnd = isAtEnd;
    if (this.follows && !this.isAway) this.caughtUp();
  }

  /** The page is not looked at. @param {Mark | null} end */
  left(end) {
    if (this.follows) this.stop(end);
    this.isAway = true;
  }

  /** @returns {boolean} whether something was missed */
  returned() {
    this.isAway = false;
    if (this.follows && !this.fresh.size) this.mark = null;
    return this.fresh.size > 0;
  }

  /** @param {Mark} mark the last word that was read, as the reader says */
  markAt(mark) {
    this.mark = mark;
  }

  /** Skip what is new; the mark stays, so that it can be read later. */
  skip() {
    this.isPaused = false;
    this.isAtEnd = true;
    this.fresh.clear();
  }

  /** @param {Mark | null} end */
  stop(end) {
    this.mark = end;
    this.fresh.clear();
  }

  caughtUp() {
    this.fresh.clear();
    this.mark = null;
  }
}

/**
 * Where the last whole word before a place begins and ends.  Pure.
 * @param {string} text
 * @param {number} letters
 * @returns {[number, number]}
 */
export function lastWord(text, letters) {
  const read = text.slice(0, letters).trimEnd();
  const from = Math.max(read.search(/\S+$/u), 0);
  return [from, read.length];
}

const NEAR_END_PX = 120;
/** A class, not `hidden`: what htmx replaces keeps its own attributes. */
const AWAY = "caption--away";
/** A scroll that follows a hand's movement so soon is the reader's; others are the page's. */
const BY_HAND_MS = 400;
/** What a hand does that scrolls. */
const HANDS = ["wheel", "touchmove", "pointerdown", "pointermove", "keydown"];

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

export class ReadingView {
  /** @param {(name: "paused" | "resumed") => void} [onPause] */
  constructor(onPause = () => {}) {
    this.onPause = onPause;
    this.box = byId("captions-scroll");
    this.list = byId("captions");
    this.pauseButton = byId("captions-pause");
    this.newest = byId("to-newest");
    this.back = byId("to-mark");
    this.earlierButton = byId("to-earlier");
    this.reading = new Reading();
    this.markLine = document.createElement("p");
    this.markLine.className = "read-mark";
    this.markLine.textContent = byId("reading").dataset.mark;
    this.handAt = -Infinity;
    /** How many captions at the beginning are not laid out. */
    this.nHidden = 0;
    /** So many captions the server sends at once. */
    this.window = Number(this.earlierButton.dataset.window);
    this.hasEarlier = this.list.childElementCount >= this.window;
    this.isAsking = false;
    this.note([...this.list.children]);
    this.reading.fresh.clear();
    this.putEarlierAway();
    this.listen();
    this.show();
  }

  listen() {
    this.box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    for (const name of HANDS) {
      this.box.addEventListener(name, (/** @type {any} */ event) => {
        if (name !== "pointermove" || event.buttons) this.handAt = performance.now();
      }, { passive: true });
    }
    this.newest.addEventListener("click", () => this.toNewest(true));
    this.back.addEventListener("click", () => this.toMark());
    this.earlierButton.addEventListener("click", () => this.goBack());
    this.pauseButton.addEventListener("click", () => this.toggle());
    this.list.addEventListener("click", (/** @type {MouseEvent} */ event) => this.tapped(event));
    document.addEventListener("visibilitychange", () => this.looked());
    // A note or the end of the call takes room: the newest caption stays in view.
    // Captions that come into view turn out higher or lower than they were taken for.
    const sizes = new ResizeObserver(() => this.changed());
    sizes.observe(this.box);
    sizes.observe(this.list);
    new MutationObserver((all) => {
      const isAnew = all.some(({ removedNodes }) => removedNodes.length > 1);
      if (isAnew) this.hasEarlier = this.list.childElementCount >= this.window;
      this.note(all.flatMap(({ addedNodes }) => [...addedNodes]));
      this.putEarlierAway();
      this.changed();
    }).observe(this.list, { childList: true });
  }

  /** @param {Node[]} added */
  note(added) {
    for (const node of added) {
      const { id } = /** @type {Element} */ (node);
      if (!id) continue;
      this.reading.arrived(id);
      if (id === this.reading.mark?.id) this.drawMark();
      // An old caption that is corrected stays where it was put away.
      const { classList, nextElementSibling: next } = /** @type {Element} */ (node);
      if (next?.classList.contains(AWAY)) classList.add(AWAY);
    }
  }

  putEarlierAway() {
    const n = putAway(this.list.childElementCount, this.nHidden, this.reading.follows);
    if (n === this.nHidden) return;
    const children = [...this.list.children];
    // Many at once are changed outside the page: inside it each costs a look at all.
    const place = n - this.nHidden > 2 * SHOWN ? this.list.nextSibling : undefined;
    const { parentNode } = this.list;
    if (place !== undefined) this.list.remove();
    for (let i = 0; i < n; i += 1) children[i].classList.add(AWAY);
    for (let i = n; i < this.nHidden && i < children.length; i += 1) children[i].classList.remove(AWAY);
    if (place !== undefined) parentNode.insertBefore(this.list, place);
    this.nHidden = n;
  }

  /** @param {number} to captions from this one on are laid out; what is seen does not move */
  bringBack(to) {
    const children = [...this.list.children];
    const first = children[this.nHidden];
    const before = first?.getBoundingClientRect().top ?? 0;
    for (let i = Math.max(0, to); i < this.nHidden; i += 1) children[i].classList.remove(AWAY);
    this.nHidden = Math.max(0, to);
    const after = first?.getBoundingClientRect().top ?? 0;
    this.box.scrollTop += after - before;
    this.show();
  }

  /** Whoever asks for what was said before wants to read it, not the newest. */
  async goBack() {
    this.reading.scrolled(false, this.end());
    this.drawMark();
    await this.earlier();
    if (this.earlierButton.hidden) this.box.focus({ preventScroll: true });
  }

  /**
   * Lay out what comes before: what was put away, then what only the server has.
   * @returns {Promise<boolean>} whether there was any
   */
  async earlier() {
    if (this.nHidden) {
      this.bringBack(this.nHidden - SLACK);
      return true;
    }
    const first = this.list.firstElementChild;
    if (!this.hasEarlier || this.isAsking || !first) return false;
    this.isAsking = true;
    try {
      const answer = await fetch(`${this.list.dataset.earlier}${first.id}/`);
      if (!answer.ok) return false; // it can be tried again
      this.putAbove(await answer.text());
      return true;
    } catch {
      return false;
    } finally {
      this.isAsking = false;
    }
  }

  /** @param {string} html captions that come before all others; what is seen does not move */
  putAbove(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const items = [...holder.content.children].filter(({ id }) => !byId(id));
    this.hasEarlier = items.length >= this.window;
    for (const { id } of items) this.reading.known.add(id);
    const { scrollHeight, scrollTop } = this.box;
    this.list.prepend(...items);
    this.show();
    this.box.scrollTop = scrollTop + this.box.scrollHeight - scrollHeight;
  }

  /** Something is higher, lower or new. */
  changed() {
    if (this.reading.follows) this.toNewest();
    this.show();
  }

  /** @returns {Mark | null} */
  end() {
    const last = this.list.lastElementChild;
    return last && { id: last.id, letters: mainText(last)?.length ?? 0 };
  }

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.box;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    const now = performance.now();
    if (now - this.handAt > BY_HAND_MS) {
      this.show();
      return;
    }
    this.handAt = now; // a flick goes on by itself
    if (scrollTop < this.box.clientHeight) void this.earlier();
    this.reading.scrolled(isAtEnd, this.end());
    this.drawMark();
    this.show();
  }

  toggle() {
    if (this.reading.isPaused) this.reading.goOn();
    else this.reading.pause(this.end());
    this.onPause(this.reading.isPaused ? "paused" : "resumed");
    if (!this.reading.isPaused && this.reading.isAtEnd) this.toNewest(true);
    this.drawMark();
    this.show();
  }

  looked() {
    if (document.visibilityState === "hidden") this.reading.left(this.end());
    else this.reading.returned();
    this.drawMark();
    this.show();
  }

  /** Whoever has stopped may say with a tap which word was the last. @param {MouseEvent} event */
  tapped(event) {
    const target = /** @type {Element} */ (event.target);
    const caption = target.closest(".caption");
    const isText = target.closest(".caption__main") && !target.closest("button, a");
    const isSelecting = getSelection()?.isCollapsed === false;
    if (!caption || !isText || isSelecting || this.reading.follows) return;
    this.reading.markAt({ id: caption.id, letters: lettersAt(caption, event) });
    this.drawMark();
    this.show();
  }

  /** @param {boolean} [isWish] of the reader, not of the page */
  toNewest(isWish = false) {
    if (isWish) {
      const wasPaused = this.reading.isPaused;
      this.reading.skip();
      if (wasPaused) this.onPause("resumed");
      if (document.activeElement === this.newest) this.box.focus({ preventScroll: true });
    }
    this.handAt = -Infinity;
    this.box.scrollTop = this.box.scrollHeight;
    if (isWish) this.show();
  }

  async toMark() {
    const { mark } = this.reading;
    while (mark && !byId(mark.id) && await this.earlier());
    const caption = mark && byId(mark.id);
    if (!caption) return;
    this.reading.isAtEnd = false;
    if (caption.classList.contains(AWAY)) this.bringBack([...this.list.children].indexOf(caption));
    this.handAt = -Infinity;
    caption.scrollIntoView({ block: "start" });
    this.box.focus({ preventScroll: true });
    this.show();
  }

  /** Captions are replaced as they grow, and the mark with them: draw it again. */
  drawMark() {
    const { mark } = this.reading;
    const caption = mark && byId(mark.id);
    if (!caption) this.markLine.remove();
    else if (this.markLine.parentElement !== caption) caption.append(this.markLine);
    const main = caption && mainText(caption);
    const highlights = /** @type {any} */ (CSS).highlights;
    if (!highlights) return; // the line says it as well
    highlights.delete("last-read");
    if (!main || !mark) return;
    const [from, to] = lastWord(main.data, mark.letters);
    const range = new Range();
    range.setStart(main, from);
    range.setEnd(main, Math.min(to, main.length));
    highlights.set("last-read", new /** @type {any} */ (globalThis).Highlight(range));
  }

  show() {
    const { isPaused, follows, fresh, mark } = this.reading;
    this.pauseButton.setAttribute("aria-pressed", String(isPaused));
    const { newest, fresh: some } = this.newest.dataset;
    const text = fresh.size ? some.replace("{n}", fresh.size) : newest;
    const label = this.newest.querySelector("span");
    if (label.textContent !== text) label.textContent = text;
    this.newest.hidden = follows;
    this.back.hidden = !mark || this.sees(this.markLine);
    this.earlierButton.hidden = !this.nHidden && !this.hasEarlier;
  }

  /** @param {HTMLElement} element @returns {boolean} */
  sees(element) {
    if (!element.isConnected) return false;
    const inside = element.getBoundingClientRect();
    const { top, bottom } = this.box.getBoundingClientRect();
    return inside.bottom > top && inside.top < bottom;
  }
}

/** @param {Element} caption @returns {Text | null} its first line's last piece of text */
function mainText(caption) {
  const main = caption.querySelector(".caption__main");
  const walker = main && document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  let last = null;
  while (walker?.nextNode()) last = walker.currentNode;
  return /** @type {Text | null} */ (last);
}

/**
 * @param {Element} caption
 * @param {MouseEvent} event
 * @returns {number} letters of its text up to the end of the word that was tapped
 */
function lettersAt(caption, { clientX, clientY }) {
  const text = mainText(caption);
  const place = /** @type {any} */ (document).caretPositionFromPoint?.(clientX, clientY);
  const range = place ?? document.caretRangeFromPoint?.(clientX, clientY);
  const node = range?.offsetNode ?? range?.startContainer;
  if (!text || node !== text) return text?.length ?? 0;
  const offset = range.offset ?? range.startOffset;
  const rest = text.data.slice(offset).search(/\s/u);
  return rest < 0 ? text.length : offset + rest;
}
