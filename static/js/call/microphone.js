/**
 * The microphone as the caller handles it: open, or with a key to talk; and which one.
 *
 * Muted, unmuted and levels are the page's; what is worth sending is `speech.js`'.
 */

import { PushToTalk, SpeechGate } from "./speech.js";

/** @typedef {"open" | "hold" | "toggle"} Way */

const QUIETEST_DBFS = -60;

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

export class Microphone {
  /**
   * @param {object} options
   * @param {Record<string, string>} options.texts
   * @param {boolean} options.sendsAll the callee hears this voice itself: no gaps
   * @param {(pcm: ArrayBuffer) => void} options.onSound
   * @param {(state: "started" | "ended") => void} options.onSpeech
   * @param {(way: Way) => void} options.onWay
   * @param {(deviceId: string) => void} options.onDevice
   */
  constructor({ texts, sendsAll, onSound, onSpeech, onWay, onDevice }) {
    this.texts = texts;
    this.sendsAll = sendsAll;
    this.onSound = onSound;
    this.onSpeech = onSpeech;
    this.onWay = onWay;
    this.button = byId("talk");
    this.devices = byId("microphone");
    this.level = byId("level");
    this.isUsable = false;
    this.deviceId = localStorage.getItem("microphone") ?? "";
    /** @type {Way} */
    this.way = "open";
    /** @type {SpeechGate | PushToTalk} */
    this.gate = new SpeechGate();
    this.listen();
    this.choose(/** @type {Way} */ (localStorage.getItem("talk") ?? "open"));
    this.devices.addEventListener("change", () => {
      this.deviceId = this.devices.value;
      localStorage.setItem("microphone", this.deviceId);
      onDevice(this.deviceId);
    });
  }

  listen() {
    for (const radio of document.querySelectorAll("input[name=talk]")) {
      radio.addEventListener("change", (/** @type {any} */ event) => {
        localStorage.setItem("talk", event.target.value);
        this.choose(event.target.value);
      });
    }
    const { button } = this;
    let wasHeld = false;
    button.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      if (this.way !== "hold" || event.button !== 0) return;
      wasHeld = true;
      button.setPointerCapture(event.pointerId);
      this.press(true);
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      button.addEventListener(name, () => this.way === "hold" && this.press(false));
    }
    // A long touch is not a wish for a menu.
    button.addEventListener("contextmenu", (/** @type {Event} */ event) => event.preventDefault());
    button.addEventListener("click", () => {
      // In "hold" a click without a press before it comes from a screen reader or a
      // switch, which cannot hold: it toggles.
      if (this.way === "hold" && wasHeld) wasHeld = false;
      else this.press(!this.isPressed);
    });
    document.addEventListener("keydown", (event) => this.keyDown(event));
    document.addEventListener("keyup", (event) => this.keyUp(event));
    // A key that is let go elsewhere is never reported.
    window.addEventListener("blur", () => this.way === "hold" && this.press(false));
  }

  /** @param {Way} way */
  choose(way) {
    this.way = ["open", "hold", "toggle"].includes(way) ? way : "open";
    this.close();
    this.gate = this.way === "open" ? new SpeechGate() : new PushToTalk();
    for (const radio of /** @type {any} */ (document.querySelectorAll("input[name=talk]"))) {
      radio.checked = radio.value === this.way;
    }
    this.onWay(this.way);
    this.show();
  }

  /** @returns {boolean} */
  get isPressed() {
    return this.gate instanceof PushToTalk && this.gate.isPressed;
  }

  /** @param {boolean} isPressed */
  press(isPressed) {
    if (!(this.gate instanceof PushToTalk) || !this.isUsable) return;
    if (isPressed) this.gate.press();
    else this.gate.release();
    this.show();
  }

  // --- Keys --------------------------------------------------------------------------

  /** @param {KeyboardEvent} event @returns {boolean} whether the space key is for talking */
  isTalkKey(event) {
    if (event.key !== " " || event.ctrlKey || event.metaKey || event.altKey) return false;
    if (this.way === "open" || this.button.hidden) return false;
    const target = /** @type {HTMLElement} */ (event.target);
    if (target === this.button) return true;
    // Wherever the space key means something already, it keeps its meaning.
    return !target.isContentEditable
      && !target.closest("input, textarea, select, button, summary, dialog, [role=button]");
  }

  /** @param {KeyboardEvent} event */
  keyDown(event) {
    if (!this.isTalkKey(event)) return;
    event.preventDefault();
    if (event.repeat) return;
    this.press(this.way === "hold" ? true : !this.isPressed);
  }

  /** @param {KeyboardEvent} event */
  keyUp(event) {
    if (event.key !== " ") return;
    if (this.isTalkKey(event)) event.preventDefault(); // no click of the button
    if (this.way === "hold") this.press(false);
  }

  // --- Sound -------------------------------------------------------------------------

  /**
   * @param {ArrayBuffer} pcm 40 ms
   * @param {number} levelDbfs
   * @param {boolean} isMuted
   */
  take(pcm, levelDbfs, isMuted) {
    this.level.value = isMuted ? QUIETEST_DBFS : levelDbfs;
    if (isMuted) return;
    const sendsAll = this.sendsAll && this.way === "open";
    for (const out of this.gate.push(new Int16Array(pcm))) {
      if (typeof out === "string") this.onSpeech(out);
      else if (!sendsAll) this.onSound(/** @type {ArrayBuffer} */ (out.buffer));
    }
    if (sendsAll) this.onSound(pcm);
  }

  /** Muted, another way, or no microphone any more: what was being said ends here. */
  close() {
    for (const out of this.gate.close()) this.onSpeech(/** @type {"ended"} */ (out));
    this.level.value = QUIETEST_DBFS;
    this.show();
  }

  // --- What is seen ------------------------------------------------------------------

  /** Names are only given out once a microphone was allowed. */
  async listDevices() {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const microphones = all.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId);
    this.devices.replaceChildren(...microphones.map(({ deviceId, label }, index) =>
      new Option(label || `${this.texts.microphone} ${index + 1}`, deviceId)));
    if (microphones.some(({ deviceId }) => deviceId === this.deviceId)) {
      this.devices.value = this.deviceId;
    }
    byId("microphone-field").hidden = microphones.length === 0;
  }

  /** @param {boolean} [isUsable] */
  show(isUsable = this.isUsable) {
    this.isUsable = isUsable;
    this.button.hidden = this.way === "open" || !isUsable;
    this.button.setAttribute("aria-pressed", String(this.isPressed));
    const name = this.isPressed ? "talk_on" : `talk_${this.way}`;
    const words = this.texts[name] ?? "";
    const label = this.button.querySelector("span");
    if (label.textContent !== words) label.textContent = words;
  }
}
