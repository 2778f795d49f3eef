/** The page of a call that is over: its transcript to search, its recording to hear. */

import { Player } from "./player.js";
import { find } from "./search.js";

const WORDS = ".caption__main, .caption__other";

/** Takes away everything that the search has marked.  @param {Element} root */
function unmark(root) {
  for (const mark of root.querySelectorAll("mark.found")) {
    const parent = mark.parentNode;
    mark.replaceWith(...mark.childNodes);
    parent?.normalize();
  }
}

/** @param {Element} line @param {[number, number][]} places */
function mark(line, places) {
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  /** @type {[Text, number][]} */
  const texts = [];
  let n = 0;
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    texts.push([/** @type {Text} */ (text), n]);
    n += text.nodeValue?.length ?? 0;
  }
  for (const [text, start] of texts.reverse()) {
    for (const [from, to] of [...places].reverse()) {
      const a = Math.max(from - start, 0);
      const b = Math.min(to - start, text.length);
      if (a >= b) continue;
      const range = document.createRange();
      range.setStart(text, a);
      range.setEnd(text, b);
      const element = document.createElement("mark");
      element.className = "found";
      range.surroundContents(element);
    }
  }
}

/** Finds words in the transcript while they are typed, and shows only those captions. */
class Search {
  /** @param {HTMLElement} captions @param {HTMLElement} tools */
  constructor(captions, tools) {
    this.captions = captions;
    this.box = /** @type {HTMLInputElement} */ (tools.querySelector("[type=search]"));
    this.found = /** @type {HTMLElement} */ (tools.querySelector("[role=status]"));
    tools.hidden = false;
    this.box.addEventListener("input", () => this.run());
    for (const radio of tools.querySelectorAll("[name=show]")) {
      radio.addEventListener("change", () => {
        captions.dataset.show = /** @type {HTMLInputElement} */ (radio).value;
      });
    }
    if (this.box.value) this.run();
  }

  run() {
    const wanted = this.box.value.trim();
    unmark(this.captions);
    const items = [...this.captions.children];
    let n = 0;
    for (const item of items) {
      const lines = [...item.querySelectorAll(WORDS)];
      const places = lines.map((line) => find(line.textContent ?? "", wanted));
      const isFound = !wanted || places.some((one) => one !== null);
      /** @type {HTMLElement} */ (item).hidden = !isFound;
      n += Number(isFound);
      if (!wanted) continue;
      lines.forEach((line, i) => mark(line, places[i] ?? []));
    }
    const { none, some } = this.found.dataset;
    const text = n ? some : none;
    this.found.textContent = wanted
      ? (text ?? "").replace("{n}", String(n)).replace("{all}", String(items.length))
      : "";
  }

  /** Shows a caption that somebody was led to, whatever is looked for. */
  reveal(/** @type {string} */ id) {
    const item = id && this.captions.querySelector(`#${CSS.escape(id)}`);
    if (!item || !(/** @type {HTMLElement} */ (item).hidden)) return;
    this.box.value = "";
    this.run();
    item.scrollIntoView({ block: "center" });
  }
}

const captions = document.getElementById("captions");
const tools = document.getElementById("transcript-tools");
const player = document.getElementById("player");
if (captions && tools) {
  const search = new Search(captions, tools);
  addEventListener("hashchange", () => search.reveal(location.hash.slice(1)));
}
if (captions && player) new Player(player, captions);

// Escape leaves the caption that is being corrected.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing) return;
  const inside = /** @type {Element} */ (event.target).closest?.("form[data-cancel]");
  const form = inside ?? document.querySelector("form[data-cancel]");
  /** @type {HTMLElement | null} */ (form?.querySelector("[data-cancel-link]"))?.click();
});
