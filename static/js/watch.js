/** A helper reads along: by the link's token, which only this page and the server see. */

import { Display } from "./captions/display.js";
import { ReadingView } from "./captions/reading.js";

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

const OVER = ["completed", "busy", "no_answer", "failed", "canceled"];

/** Close codes of the captions' socket. @type {Record<number, string>} */
const CLOSED = { 4401: "takenBack", 4404: "takenBack", 4409: "over", 4429: "busy" };

class WatchPage {
  constructor() {
    /** @type {Record<string, string>} */
    this.texts = { ...byId("watch-texts").dataset };
    this.isOver = false;
    /** @type {any} */
    this.socket = null;
    document.body.addEventListener("htmx:load", (event) => {
      const { id } = /** @type {HTMLElement} */ (event.target);
      if (id === "watch" && byId("captions")) this.opened();
    });
    document.body.addEventListener("htmx:wsAfterMessage", () => this.showState());
    document.body.addEventListener("htmx:wsOpen", (/** @type {any} */ event) => {
      this.socket = event.detail.socketWrapper;
      this.note("");
    });
    window.addEventListener("online", () => {
      if (!this.isOver) this.socket?.reconnect(); // at once, not when its turn comes
    });
    document.body.addEventListener("htmx:wsClose", (/** @type {any} */ event) => {
      this.closed(event.detail.event.code);
    });
    document.body.addEventListener("htmx:responseError", () => this.note(this.texts.busy));
    window.addEventListener("hashchange", () => this.ask());
    this.ask();
  }

  ask() {
    if (!byId("watch-form")) {
      location.reload(); // another link, on a page that is open already
      return;
    }
    byId("watch-token").value = location.hash.slice(1);
    byId("watch-form").requestSubmit();
  }

  opened() {
    byId("watch-form").remove();
    const reading = new ReadingView();
    new Display(() => reading.changed());
    const panel = byId("display-panel");
    const button = byId("display-open");
    button.addEventListener("click", () => {
      panel.hidden = !panel.hidden;
      button.setAttribute("aria-expanded", String(!panel.hidden));
    });
  }

  showState() {
    const status = byId("call-status").value;
    const state = byId("watch-state");
    const isOver = OVER.includes(status);
    state.dataset.status = status;
    const text = isOver ? this.texts.over : this.texts[status];
    if (text && state.textContent !== text) state.textContent = text;
  }

  /** @param {number} code */
  closed(code) {
    if (this.isOver) return;
    const name = CLOSED[code];
    this.isOver = code in CLOSED;
    this.note(this.texts[name ?? "lost"]);
  }

  /** @param {string} text */
  note(text) {
    const note = byId("watch-note");
    if (!note) return;
    note.textContent = text;
    note.hidden = !text;
  }
}

// Not before htmx knows the form: it is not to be sent as forms are.
document.addEventListener("DOMContentLoaded", () => new WatchPage());
