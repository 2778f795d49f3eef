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
    this.list.addEventListener("click", (/** @type {any} */ event) => {
      const button = event.target.closest("button[data-reply]");
      if (button) onSay(this.replies[Number(button.dataset.reply)]);
    });
  }

  /** @param {any} items */
  show(items) {
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
  }

  clear() {
    this.show([]);
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
