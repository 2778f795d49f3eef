/**
 * Is the connection alive?  A network that is gone says nothing, and neither does a
 * laptop that has slept: who hears nothing asks, and who gets no answer gives it up.  Pure.
 *
 * Times are milliseconds of one clock.
 */

/** Silence on a line that is in order: the server has nothing to say for so long. */
export const QUIET_MS = 5000;
/** So long an answer may take, over the worst line that still carries a call. */
export const ANSWER_MS = 7000;
/** So long a socket may take to open. */
export const OPENING_MS = 10_000;

export class Heartbeat {
  constructor() {
    this.heardAt = 0;
    this.askedAt = NaN;
  }

  /** Something has come. @param {number} now */
  heard(now) {
    this.heardAt = now;
    this.askedAt = NaN;
  }

  /** @param {number} now @returns {"" | "ask" | "dead"} what to do */
  tick(now) {
    if (Number.isNaN(this.askedAt)) {
      if (now - this.heardAt < QUIET_MS) return "";
      this.askedAt = now;
      return "ask";
    }
    return now - this.askedAt < ANSWER_MS ? "" : "dead";
  }
}
