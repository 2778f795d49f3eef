/** Whether a browser can use passkeys at an address, and what to do if not. */

/**
 * Name what is in the way.
 *
 * @param {{isSecure: boolean, hostname: string, knowsPasskeys: boolean}} place
 * @returns {"insecure" | "number" | "unknown" | null}
 */
export function obstacle({ isSecure, hostname, knowsPasskeys }) {
  // A passkey belongs to a name: browsers refuse it to an address in numbers.
  if (isNumber(hostname)) return isLoopback(hostname) || isSecure ? "number" : "insecure";
  if (!isSecure) return "insecure";
  return knowsPasskeys ? null : "unknown";
}

/**
 * Return the same page under the name of this computer, or null if there is none.
 *
 * @param {string} href
 */
export function byName(href) {
  const url = new URL(href);
  if (!isLoopback(url.hostname)) return null;
  url.hostname = "localhost";
  return url;
}

/** @param {string} hostname */
function isNumber(hostname) {
  return /^\d+(\.\d+){3}$/.test(hostname) || hostname.startsWith("[");
}

/** @param {string} hostname */
function isLoopback(hostname) {
  return hostname.startsWith("127.") || hostname === "[::1]";
}

/**
 * Name the sentence for what a browser throws.
 *
 * @param {unknown} exception
 * @returns {"cancelled" | "known" | "failed"}
 */
export function problem(exception) {
  const name = exception instanceof Error ? exception.name : "";
  if (name === "NotAllowedError" || name === "AbortError") return "cancelled";
  return name === "InvalidStateError" ? "known" : "failed";
}
