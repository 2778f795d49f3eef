/** A question of the assistant to the caller, with the time that is left to answer it. */

import { fill } from "./protocol.js";

/** Told by a screen reader; every second would drown the call. */
const TOLD_S = [30, 10];

/** The time that is left.  Pure; times are ms of one clock. */
export class Countdown {
  /**
   * @param {number} expiresMs how long from now
   * @param {number} now
   */
  constructor(expiresMs, now) {
    this.endsAt = now + Math.max(0, expiresMs);
    this.lastS = this.seconds(now);
  }

  /** @param {number} now @returns {number} begun seconds that are left */
  seconds(now) {
    return Math.max(0, Math.ceil((this.endsAt - now) / 1000));
  }

  /** @param {number} now @returns {boolean} */
  isOver(now) {
    return now >= this.endsAt;
  }

  /** @param {number} now @returns {number} seconds worth telling now; 0 is none */
  news(now) {
    const seconds = this.seconds(now);
    const passed = TOLD_S.filter((mark) => this.lastS > mark && seconds <= mark);
    this.lastS = seconds;
    return passed.length ? seconds : 0;
  }
}

export class QuestionBox {
  /**
   * @param {object} options
   * @param {Record<string, string>} options.texts
   * @param {(questionId: string, text: string) => boolean} options.onAnswer whether it was sent
   * @param {(text: string) => void} options.announce
   */
  constructor({ texts, onAnswer, announce }) {
    /** @param {string} id @returns {any} */
    const byId = (id) => document.getElementById(id);
    this.texts = texts;
    this.onAnswer = onAnswer;
    this.announce = announce;
    this.root = byId("question");
    this.text = byId("question-text");
    this.left = byId("question-left");
    this.input = byId("question-answer");
    this.id = "";
    /** @type {Countdown | null} */
    this.countdown = null;
    byId("question-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.answer(this.input.value);
    });
    new ResizeObserver(() => this.reach()).observe(this.text);
    this.root.addEventListener("click", (/** @type {any} */ event) => {
      const button = event.target.closest("button[data-answer]");
      if (button) this.answer(button.textContent.trim());
    });
  }

  /**
   * @param {{question_id: string, text: string, expires_ms?: number}} message
   * @param {number} now
   */
  ask({ question_id: id, text, expires_ms: expiresMs }, now) {
    if (id !== this.id) this.input.value = "";
    this.id = id;
    this.countdown = expiresMs ? new Countdown(expiresMs, now) : null;
    this.text.textContent = text;
    this.root.hidden = false;
    this.tick(now);
    this.root.scrollIntoView({ block: "nearest" });
  }

  /** What scrolls can be reached with keys; what does not is no stop on the way. */
  reach() {
    const { scrollHeight, clientHeight } = this.text;
    if (scrollHeight > clientHeight) this.text.tabIndex = 0;
    else this.text.removeAttribute("tabindex");
  }

  /** @param {number} now */
  tick(now) {
    if (this.root.hidden) return;
    if (this.countdown?.isOver(now)) {
      this.close();
      this.announce(this.texts.question_over);
      return;
    }
    const seconds = this.countdown?.seconds(now) ?? 0;
    this.left.textContent = seconds ? fill(this.texts.question_left, { seconds }) : "";
    const news = this.countdown?.news(now);
    if (news) this.announce(fill(this.texts.question_left, { seconds: news }));
  }

  /** @param {string} text */
  answer(text) {
    const answer = text.trim();
    if (!answer) {
      this.input.focus();
      return;
    }
    if (!this.onAnswer(this.id, answer)) {
      this.announce(this.texts.not_connected_kept);
      return;
    }
    this.close();
    this.announce(this.texts.question_answered);
  }

  close() {
    const hadFocus = this.root.contains(document.activeElement);
    this.root.hidden = true;
    this.id = "";
    this.input.value = "";
    this.countdown = null;
    if (hadFocus) document.getElementById("typed")?.focus();
  }
}
