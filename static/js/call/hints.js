/** What to do about the state of a call, and when hanging up cuts something off.  Pure. */

/** Most people answer sooner than this. */
const LONG_RINGING_MS = 30_000;
/** Read within this, captions are part of the conversation; later they are not. */
const LATE_MS = 5000;

/**
 * @param {object} state
 * @param {string} state.status of the call
 * @param {string} state.connection of this page
 * @param {boolean} state.isFinished
 * @param {string} state.mode
 * @param {number} state.graceS how long a call waits for whoever was lost
 * @param {number} state.ringingMs since it began to ring; NaN if it did not
 * @param {number} state.heldMs since we are on hold; NaN if we are not
 * @returns {{name: string, seconds: number}} name of the sentence, or ""
 */
export function hint({ status, connection, isFinished, mode, graceS, ringingMs, heldMs }) {
  const isIdle = connection === "idle" || connection === "stopped";
  if (isFinished) return { name: "", seconds: 0 };
  if (status === "draft") return { name: isIdle ? "hint_draft" : "hint_queued", seconds: 0 };
  if (isIdle) return { name: "hint_join", seconds: 0 };
  if (connection === "waiting" || connection === "reconnecting") {
    const name = status !== "in_progress" ? "hint_lost_before"
      : mode === "agent" ? "hint_lost_agent" : "hint_lost";
    return { name, seconds: graceS };
  }
  if (status === "queued") return { name: "hint_queued", seconds: 0 };
  if (status === "ringing") {
    return ringingMs >= LONG_RINGING_MS
      // Every ten seconds: a screen reader reads it out each time.
      ? { name: "hint_ringing_long", seconds: Math.floor(ringingMs / 10_000) * 10 }
      : { name: "hint_ringing", seconds: 0 };
  }
  if (heldMs >= 0) {
    return { name: "hint_hold", seconds: heldMs < 60_000 ? Math.floor(heldMs / 10_000) * 10
      : Math.floor(heldMs / 60_000) * 60 };
  }
  return { name: "", seconds: 0 };
}

/**
 * @param {object} state
 * @param {boolean} state.isCalleeSpeaking
 * @param {boolean} state.isHeld
 * @param {boolean} state.hasUnsaid
 * @param {string} state.mode
 * @returns {string} name of the sentence that says what would be lost; "" is nothing
 */
export function reasonToStay({ isCalleeSpeaking, isHeld, hasUnsaid, mode }) {
  if (hasUnsaid) return "stay_unsaid";
  if (isHeld) return "stay_held";
  if (isCalleeSpeaking) return "stay_speaking";
  return mode === "agent" ? "stay_agent" : "";
}

/**
 * @param {unknown} ms how late the interpretation is, of the `latency` message
 * @param {Record<string, string>} texts
 * @returns {{short: string, long: string, isLate: boolean}}
 */
export function delayText(ms, texts) {
  if (typeof ms !== "number" || !Number.isFinite(ms) || ms < 0) {
    return { short: "", long: "", isLate: false };
  }
  const seconds = (ms / 1000).toFixed(1);
  const fill = (/** @type {string} */ text) => text.replace("{seconds}", seconds);
  return {
    short: fill(texts.caption_delay),
    long: fill(texts.caption_delay_long),
    isLate: ms > LATE_MS,
  };
}
