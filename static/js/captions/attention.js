/** Somebody speaks after a silence: make it seen and felt, if that is wished. */

/** From here on a pause is a silence: shorter ones belong to the conversation. */
export const SILENCE_MS = 4000;
const FLASH_MS = 1200;
const VIBRATION_MS = 180;

/** Tells speech after a silence from speech that goes on.  Pure; ms of one clock. */
export class SilenceWatch {
  constructor() {
    this.isSpeaking = false;
    this.lastMs = -Infinity;
  }

  /**
   * @param {boolean} isSpeaking
   * @param {number} now
   * @returns {boolean} whether this breaks a silence
   */
  changed(isSpeaking, now) {
    const breaks = isSpeaking && !this.isSpeaking && now - this.lastMs >= SILENCE_MS;
    this.isSpeaking = isSpeaking;
    this.lastMs = now;
    return breaks;
  }
}

/**
 * Once, and never quickly again: nothing on this page flickers.
 * @param {HTMLElement} element
 * @param {{flashes: boolean, vibrates: boolean}} signal
 */
export function attract(element, { flashes, vibrates }) {
  if (vibrates) navigator.vibrate?.(VIBRATION_MS);
  if (!flashes || "flash" in element.dataset) return;
  element.dataset.flash = "";
  setTimeout(() => delete element.dataset.flash, FLASH_MS);
}
