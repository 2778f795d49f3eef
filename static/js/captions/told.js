/**
 * What a screen reader is told of the captions after the connection was lost.
 *
 * The server tells each caption once, when it is final.  What became final while nobody
 * listened comes with a snapshot, in silence: it is told here.
 */

/** The snapshot comes at once, and what is not stored yet a moment after it. */
const CATCH_UP_MS = 5000;
/** Whoever was away for longer reads on the screen. */
const MOST = 20;

/**
 * Which captions have to be told: the newest of those that are final and were not.  Pure.
 * @param {{id: string, isFinal: boolean}[]} captions in their order
 * @param {Set<string>} told
 * @returns {string[]}
 */
export function untold(captions, told) {
  return captions.filter(({ id, isFinal }) => isFinal && !told.has(id)).map(({ id }) => id)
    .slice(-MOST);
}

export class Told {
  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} log
   */
  constructor(list, log) {
    this.list = list;
    this.log = log;
    /** @type {Set<string>} */
    this.told = new Set([...list.children].map(({ id }) => id));
    this.until = -Infinity;
  }

  /** Connected again. @param {number} now */
  isBack(now) {
    for (const { dataset } of /** @type {any} */ (this.log.children)) this.told.add(dataset.of);
    this.until = now + CATCH_UP_MS;
  }

  /** Captions have come. @param {number} now */
  changed(now) {
    if (now > this.until) return;
    for (const { dataset } of /** @type {any} */ (this.log.children)) this.told.add(dataset.of);
    const captions = [...this.list.children].map(({ id, classList }) => ({
      id, isFinal: !classList.contains("caption--open"),
    }));
    for (const id of untold(captions, this.told)) this.tell(id);
    for (const { id, isFinal } of captions) if (isFinal) this.told.add(id);
  }

  /** @param {string} id */
  tell(id) {
    const caption = document.getElementById(id);
    const main = caption?.querySelector(".caption__main");
    const words = document.createElement("span");
    words.lang = main?.getAttribute("lang") ?? "";
    words.textContent = main?.textContent?.trim() ?? "";
    const line = document.createElement("p");
    line.dataset.of = id;
    line.append(`${caption?.querySelector(".caption__who")?.textContent?.trim() ?? ""}: `, words);
    this.log.append(line);
  }
}
