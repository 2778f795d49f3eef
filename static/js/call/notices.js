/**
 * What the server tells about the call, and the sentence that says it.  Pure.
 *
 * Each sentence says what is and what can be done; `calls/texts.py` has the words.
 */

const QUIET_MS = 6000;
const WARNING_MS = 15_000;

/**
 * @typedef {object} Notice
 * @property {string} about a later notice about the same takes its place
 * @property {string} text name of the sentence, or "" to take the notice away
 * @property {"info" | "warning" | "error"} kind
 * @property {number} ms how long; 0 is until it is replaced
 */

/**
 * @param {string} about
 * @param {string} text
 * @param {"info" | "warning" | "error"} [kind]
 * @param {number} [ms]
 * @returns {Notice}
 */
const notice = (about, text, kind = "info", ms = 0) => ({ about, text, kind, ms });

/** @param {string} kind of `answered_by` @returns {Notice} */
export function answeredBy(kind) {
  switch (kind) {
    case "person":
      return notice("answered", "answered_person", "info", QUIET_MS);
    case "voicemail":
    case "menu":
    case "screening":
      return notice("answered", `answered_${kind}`);
    case "fax":
    case "silence":
      return notice("answered", `answered_${kind}`, "warning");
    default:
      return notice("answered", ""); // nothing that would help
  }
}

/** @param {boolean} isActive @returns {Notice} */
export function hold(isActive) {
  return isActive ? notice("hold", "held") : notice("hold", "unheld", "info", WARNING_MS);
}

/**
 * Levels and actions are words of the server; what is unknown is said in general.
 * @param {{level?: string | number, action?: string}} message
 * @returns {Notice}
 */
export function guardrail({ action = "" }) {
  if (["held", "hold", "holding"].includes(action)) {
    return notice("guardrail", "guardrail_held", "warning");
  }
  if (["rephrased", "rephrase"].includes(action)) {
    return notice("guardrail", "guardrail_rephrased", "warning", WARNING_MS);
  }
  if (["blocked", "block", "dropped", "discarded"].includes(action)) {
    return notice("guardrail", "guardrail_blocked", "warning");
  }
  if (["corrected", "correct", "softened"].includes(action)) {
    return notice("guardrail", "guardrail_corrected", "info", QUIET_MS);
  }
  if (action === "flagged") return notice("guardrail", "guardrail_flagged", "warning", WARNING_MS);
  // What nobody has said is taken away, or was said already: nothing to do about it.
  if (["suppressed", "shortened", "kept", "noted"].includes(action)) {
    return notice("invented", "");
  }
  if (["passed", "pass", "allowed", "released", "none"].includes(action)) {
    return notice("guardrail", "");
  }
  return notice("guardrail", "guardrail_other", "warning", WARNING_MS);
}

/**
 * @param {any} usd
 * @param {string} locale
 * @returns {string} "" if it is no number; cents are enough, but never a false zero
 */
export function money(usd, locale) {
  const value = typeof usd === "string" ? Number(usd) : usd;
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) return "";
  const format = new Intl.NumberFormat(locale, {
    style: "currency", currency: "USD", minimumFractionDigits: 2, maximumFractionDigits: 2,
  });
  return value > 0 && value < 0.01 ? `< ${format.format(0.01)}` : format.format(value);
}
