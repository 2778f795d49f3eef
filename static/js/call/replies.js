/** Suggested replies: up to three, made for what the other side has just said. */

const MOST = 3;

/**
 * @typedef {object} Reply
 * @property {string} shown what the caller reads first
 * @property {string} said what the other side will hear, if that is known
 * @property {{text: string, as?: "callee"}} message what is sent
 */

/**
 * @param {any} items of the `suggestions` message: `text` in the callee's language,
 *   `translation` in the caller's
 * @returns {Reply[]}
 */
export function readReplies(items) {
  if (!Array.isArray(items)) return [];
  /** @type {Reply[]} */
  const replies = [];
  for (const item of items) {
    const text = typeof item?.text === "string" ? item.text.trim() : "";
    const translation = typeof item?.translation === "string" ? item.translation.trim() : "";
    if (text) {
      replies.push({
        shown: translation || text,
        said: translation && translation !== text ? text : "",
        message: { text, as: "callee" },
      });
    } else if (translation) {
      replies.push({ shown: translation, said: "", message: { text: translation } });
    }
  }
  return replies.slice(0, MOST);
}

/**
 * Which replies still answer what was said last.  Captions of the callee come again and
 * again while they grow, also those of older utterances; only a newer one is news.
 */
export class ReplyTurn {
  constructor() {
    this.about = "";
    this.newest = "";
    this.newestMs = -1;
  }

  /** @param {unknown} utteranceId of the `suggestions` message */
  shown(utteranceId) {
    this.about = typeof utteranceId === "string" ? utteranceId : "";
  }

  /**
   * @param {{utterance_id: string, started_ms: number}} caption of the callee
   * @returns {boolean} whether what is shown answers something older
   */
  isPast({ utterance_id: id, started_ms: startedMs }) {
    if (startedMs > this.newestMs) {
      this.newest = id;
      this.newestMs = startedMs;
    }
    return this.about !== "" && this.newest !== this.about;
  }
}

export class ReplyBar {
  /**
   * @param {object} options
   * @param {string} options.callerLanguage
   * @param {string} options.calleeLanguage
   * @param {(reply: Reply) => void} options.onSay
   */
  constructor({ callerLanguage, calleeLanguage, onSay }) {
    /** @param {string} id @returns {any} */
    const byId = (id) => document.getElementById(id);
    this.callerLanguage = callerLanguage;
    this.calleeLanguage = calleeLanguage;
    this.root = byId("replies");
    this.list = byId("reply-items");
    /** @type {Reply[]} */
    this.replies = [];
    this.turn = new ReplyTurn();
    this.list.addEventListener("click", (/** @type {any} */ event) => {
      const button = event.target.closest("button[data-reply]");
      if (button) onSay(this.replies[Number(button.dataset.reply)]);
    });
  }

  /**
   * @param {any} items
   * @param {string} [about] the utterance that they answer
   */
  show(items, about = "") {
    const hadFocus = this.list.contains(document.activeElement);
    this.turn.shown(about);
    this.replies = readReplies(items);
    this.list.replaceChildren(...this.replies.map((reply, index) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "secondary outline";
      button.dataset.reply = String(index);
      button.append(line(reply.shown, reply.said || !reply.message.as
        ? this.callerLanguage : this.calleeLanguage));
      if (reply.said) button.append(line(reply.said, this.calleeLanguage));
      item.append(button);
      return item;
    }));
    this.root.hidden = this.replies.length === 0;
    // Whoever was about to choose goes on from here, not from the top of the page.
    if (hadFocus) (this.list.querySelector("button") ?? document.getElementById("typed"))?.focus();
  }

  /** @param {any} caption of the callee */
  heard(caption) {
    if (this.replies.length && this.turn.isPast(caption)) this.clear();
    else this.turn.isPast(caption);
  }

  clear() {
    if (this.replies.length) this.show([]);
  }
}

/**
 * @param {string} text
 * @param {string} language
 * @returns {HTMLElement}
 */
function line(text, language) {
  const element = document.createElement("span");
  element.lang = language;
  element.textContent = text;
  return element;
}
