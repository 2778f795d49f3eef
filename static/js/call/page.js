/**
 * The live call page: joins sound, socket and what is seen.
 *
 * Captions come as fragments over a socket of their own (htmx puts them in place);
 * this module carries sound and shows the state of the call and of the connection.
 */

import { CallAudio, MicrophoneError, openMicrophone } from "./audio.js";
import { CallClient } from "./client.js";
import { advance, clock, fill, isLive, isOver } from "./protocol.js";

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

const NEAR_BOTTOM_PX = 120;
const QUIET_NOTE_MS = 6000;

class CallPage {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {Record<string, string>} */
    this.texts = JSON.parse(byId("call-texts").textContent);
    this.status = root.dataset.status ?? "draft";
    this.answeredAt = root.dataset.answeredAt ? Date.parse(root.dataset.answeredAt) : NaN;
    this.isMuted = false;
    this.isEnding = false;
    this.isFinished = false;
    this.hasMicrophone = false;
    this.follows = true;
    this.played = new Set();
    /** @type {any} */
    this.wakeLock = null;
    this.countdown = 0;
    this.waitingText = "";
    this.startLabel = "";

    this.audio = this.makeAudio();
    this.client = new CallClient({
      startUrl: root.dataset.startUrl ?? "",
      endUrl: root.dataset.endUrl ?? "",
      csrf: root.dataset.csrf ?? "",
      speaks: true,
      fetch: (...args) => fetch(...args),
      openSocket: (url) => new WebSocket(url),
      later: (run, ms) => setTimeout(run, ms),
      cancel: (timer) => clearTimeout(timer),
      random: Math.random,
      onState: (state, detail) => this.connectionChanged(state, detail),
      onMessage: (message) => this.received(message),
      onSound: (pcm) => this.audio.play(pcm),
      onCall: (call) => this.statusChanged(call.status),
      onBack: (lostSeconds) => this.isBack(lostSeconds),
    });
    this.listen();
    this.show();
    setInterval(() => this.tick(), 1000);
  }

  makeAudio() {
    return new CallAudio({
      captureUrl: this.root.dataset.captureUrl ?? "",
      playbackUrl: this.root.dataset.playbackUrl ?? "",
      onSpeech: (pcm, level) => {
        this.client.speak(pcm);
        byId("level").value = this.isMuted ? -60 : level;
      },
      onMicrophoneLost: () => this.note("mic", this.texts.mic_lost, "warning"),
    });
  }

  listen() {
    byId("start").addEventListener("click", () => this.begin());
    byId("mute").addEventListener("click", () => this.toggleMute());
    byId("hang-up").addEventListener("click", () => this.hangUp());
    byId("retry-now").addEventListener("click", () => this.client.retryNow());
    byId("volume").addEventListener("input", (/** @type {any} */ event) => {
      this.audio.setVolume(Number(event.target.value) / 100);
    });
    byId("confirm-hang-up").addEventListener("close", (/** @type {any} */ event) => {
      if (event.target.returnValue === "hang-up") this.hangUp();
    });
    const shortcuts = byId("shortcuts");
    shortcuts.checked = localStorage.getItem("shortcuts") !== "off";
    shortcuts.addEventListener("change", () => {
      localStorage.setItem("shortcuts", shortcuts.checked ? "on" : "off");
    });
    document.addEventListener("keydown", (event) => this.keyPressed(event));

    const scroll = byId("captions-scroll");
    scroll.addEventListener("scroll", () => this.scrolled(), { passive: true });
    byId("to-newest").addEventListener("click", () => this.toNewest());
    // A note or the end of the call takes room: the newest caption stays in view.
    new ResizeObserver(() => this.follows && this.toNewest()).observe(scroll);
    this.root.addEventListener("htmx:wsAfterMessage", () => this.captionsChanged());
    this.root.addEventListener("htmx:wsClose", (/** @type {any} */ event) => {
      const text = { 4401: "closed_login", 4404: "closed_missing" }[event.detail.event.code];
      if (text && !this.isFinished) this.note("captions", this.texts[text], "error");
    });
    this.root.addEventListener("htmx:load", (event) => {
      const section = /** @type {HTMLElement} */ (event.target);
      if (section.id === "call-end") section.querySelector("h2")?.focus();
    });

    window.addEventListener("online", () => this.client.retryNow());
    window.addEventListener("offline", () => this.client.dropped());
    window.addEventListener("beforeunload", (event) => {
      if (this.client.state === "open" && isLive(this.status)) event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      void this.audio.wake();
      void this.stayAwake();
    });
    navigator.mediaDevices?.addEventListener("devicechange", () => this.reopenMicrophone());
  }

  // --- Starting and ending -----------------------------------------------------------

  async begin() {
    const start = byId("start");
    start.disabled = true;
    this.clearNotes();
    try {
      const microphone = await this.microphone();
      if (microphone === undefined) return;
      this.hasMicrophone = microphone !== null;
      this.client.options.speaks = this.hasMicrophone;
      await this.openAudio(microphone);
      void this.stayAwake();
      await (this.client.state === "stopped" ? this.client.again() : this.client.connect());
    } finally {
      start.disabled = false;
      this.show();
    }
  }

  /**
   * @returns {Promise<MediaStream | null | undefined>} null: listen only, which makes
   *   sense in a call that goes on already; undefined: do not call
   */
  async microphone() {
    this.note("mic", this.texts.mic_asking, "info");
    try {
      const microphone = await openMicrophone();
      this.clearNote("mic");
      return microphone;
    } catch (error) {
      const code = error instanceof MicrophoneError ? error.code : "busy";
      const text = this.texts[`mic_${code}`];
      if (isLive(this.status) && code !== "unsupported") {
        this.note("mic", `${text} ${this.texts.listen_only}`, "warning");
        return null;
      }
      this.note("mic", text, "error");
      this.startLabel = "try_again";
      return undefined;
    }
  }

  /** @param {MediaStream | null} microphone */
  async openAudio(microphone) {
    await this.audio.close();
    this.audio = this.makeAudio();
    this.audio.setVolume(Number(byId("volume").value) / 100);
    this.audio.mute(this.isMuted);
    await this.audio.open(microphone);
  }

  async reopenMicrophone() {
    if (!this.hasMicrophone || this.audio.track?.readyState !== "ended") return;
    try {
      this.audio.use(await openMicrophone());
      this.note("mic", this.texts.mic_back, "info", QUIET_NOTE_MS);
    } catch {
      // Still none: the note about it is there already.
    }
  }

  askToHangUp() {
    if (this.status === "in_progress") byId("confirm-hang-up").showModal();
    else void this.hangUp();
  }

  async hangUp() {
    if (this.isEnding || this.isFinished) return;
    this.isEnding = true;
    this.show();
    const isKnown = await this.client.hangUp();
    if (isKnown) return;
    this.isEnding = false;
    this.note("end", this.texts.start_offline, "error");
    this.show();
  }

  finish() {
    if (this.isFinished) return;
    this.isFinished = true;
    this.isEnding = false;
    this.clearNotes();
    this.client.stop();
    void this.audio.close();
    void this.wakeLock?.release();
    this.speaking("caller", false);
    this.speaking("callee", false);
    if (byId("confirm-hang-up").open) byId("confirm-hang-up").close("stay");
    byId("call-end").hidden = false;
    document.body.dispatchEvent(new CustomEvent("call:ended"));
    this.show();
  }

  // --- What arrives ------------------------------------------------------------------

  /** @param {{type: string, [key: string]: any}} message */
  received(message) {
    switch (message.type) {
      case "status":
        this.statusChanged(message.status);
        break;
      case "ended":
        this.statusChanged(isOver(message.status) ? message.status : "completed");
        break;
      case "speaking":
        this.speaking(message.leg, message.active);
        break;
      case "playback":
        this.played.add(message.utterance_id);
        this.markPlayed();
        break;
      case "hold":
        this.note("hold", this.texts[message.active ? "held" : "unheld"], "info",
          message.active ? 0 : QUIET_NOTE_MS);
        break;
      case "unheard":
        if (message.state === "lost") {
          this.note("unheard", fill(this.texts.not_heard, { text: message.text }), "warning");
        }
        break;
      case "recovery":
        this.note("recovery", this.texts[`recovery_${message.state}`], "warning",
          message.state === "recovered" ? QUIET_NOTE_MS : 0);
        break;
      case "warning":
        this.note(`warning-${message.code}`, message.message, "warning");
        break;
      case "error":
        this.note(`error-${message.code}`, message.message, "error");
        break;
      default: // later messages are not for this page
    }
  }

  /** @param {string} status */
  statusChanged(status) {
    const next = advance(this.status, status);
    if (next === this.status) return;
    this.status = next;
    if (next === "in_progress" && Number.isNaN(this.answeredAt)) this.answeredAt = Date.now();
    if (isOver(next)) this.finish();
    this.show();
  }

  /**
   * @param {string} leg
   * @param {boolean} isActive
   */
  speaking(leg, isActive) {
    const side = leg === "callee" ? "callee" : "caller";
    const mark = this.root.querySelector(`.side[data-leg="${side}"] .side__speaking`);
    mark?.toggleAttribute("hidden", !isActive);
  }

  /**
   * @param {string} state
   * @param {{text?: string, message?: string, seconds?: number}} detail
   */
  connectionChanged(state, detail) {
    this.countdown = detail.seconds ?? 0;
    this.waitingText = detail.text ?? "";
    if (state === "open") this.clearNote("connection");
    if (state === "stopped" && !this.isFinished) this.disconnected(detail);
    this.show();
  }

  /** @param {{text?: string, message?: string}} detail */
  disconnected(detail) {
    void this.audio.close();
    this.hasMicrophone = false;
    const text = detail.message || this.texts[detail.text ?? ""];
    if (text) this.note("connection", text, "error");
    this.startLabel = detail.text === "closed_replaced" ? "take_back" : "";
    this.speaking("caller", false);
    this.speaking("callee", false);
    if (detail.text === "closed_over") this.finish();
  }

  /** @param {number} lostSeconds */
  isBack(lostSeconds) {
    const text = lostSeconds > 0
      ? fill(this.texts.audio_lost, { seconds: Math.ceil(lostSeconds) })
      : this.texts.reconnected;
    this.note("connection", text, "info", QUIET_NOTE_MS);
  }

  // --- Captions ----------------------------------------------------------------------

  captionsChanged() {
    this.markPlayed();
    this.statusChanged(byId("call-status").value);
    if (this.follows) this.toNewest();
    else byId("to-newest").hidden = false;
  }

  markPlayed() {
    for (const utteranceId of this.played) {
      const caption = byId(`u-${String(utteranceId).replace(/[^A-Za-z0-9_-]/g, "_")}`);
      caption?.querySelector(".caption__played")?.removeAttribute("hidden");
    }
  }

  scrolled() {
    const box = byId("captions-scroll");
    this.follows = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_BOTTOM_PX;
    if (this.follows) byId("to-newest").hidden = true;
  }

  toNewest() {
    const box = byId("captions-scroll");
    box.scrollTop = box.scrollHeight;
    this.follows = true;
    byId("to-newest").hidden = true;
  }

  // --- Controls ----------------------------------------------------------------------

  toggleMute() {
    this.isMuted = !this.isMuted;
    this.audio.mute(this.isMuted);
    this.client.mute(this.isMuted);
    byId("call-announce").textContent = this.texts[this.isMuted ? "muted" : "unmuted"];
    this.show();
  }

  /** @param {KeyboardEvent} event */
  keyPressed(event) {
    if (!byId("shortcuts").checked || event.repeat) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest("select, textarea, dialog, input:not([type=range], [type=checkbox])")) return;
    const key = event.code || event.key;
    if (key === "KeyM" && !byId("mute").hidden) this.toggleMute();
    else if (key === "KeyH" && !byId("hang-up").hidden) this.askToHangUp();
    else return;
    event.preventDefault();
  }

  async stayAwake() {
    if (!("wakeLock" in navigator) || this.isFinished) return;
    try {
      this.wakeLock = await navigator.wakeLock.request("screen");
    } catch {
      // A battery saver may refuse; the call works without.
    }
  }

  // --- What is seen ------------------------------------------------------------------

  show() {
    this.showStatus();
    this.showConnection();
    this.showButtons();
    this.tick();
  }

  showStatus() {
    const { state } = this.client;
    let name = this.status;
    if (this.isEnding) name = "ending";
    else if (name === "draft" && state === "starting") name = "starting";
    const element = byId("call-state");
    const text = this.texts[isOver(name) ? "over" : name];
    // The same text again would be read out again.
    if (element.textContent !== text) element.textContent = text;
    element.dataset.status = name;
  }

  showConnection() {
    const element = byId("connection");
    const { state } = this.client;
    element.dataset.state = state;
    let name = `connection_${state}`;
    if (state === "waiting") name = this.waitingText || "connection_waiting";
    else if (state === "stopped" && !this.client.wasOpen) name = "connection_idle";
    element.textContent = fill(this.texts[name], { seconds: this.countdown });
    byId("retry-now").hidden = state !== "waiting" || this.waitingText === "closed_busy";
  }

  showButtons() {
    const { state } = this.client;
    const isIdle = state === "idle" || state === "stopped";
    byId("start").hidden = !isIdle || this.isFinished;
    byId("start").querySelector("span").textContent =
      this.texts[this.startLabel || (isLive(this.status) ? "rejoin" : "call")];
    byId("mute").hidden = isIdle || !this.hasMicrophone;
    byId("mute").dataset.muted = String(this.isMuted);
    byId("mute").querySelector("span").textContent = this.texts[this.isMuted ? "unmute" : "mute"];
    byId("mute").querySelector("use").setAttribute(
      "href", `${this.root.dataset.iconsUrl}#${this.isMuted ? "mic-off" : "mic"}`);
    byId("hang-up").hidden = this.isFinished || (isIdle && !isLive(this.status));
    byId("hang-up").disabled = this.isEnding;
    this.root.classList.toggle("call--over", this.isFinished);
    this.root.classList.toggle("call--silent", isIdle || !this.hasMicrophone);
  }

  tick() {
    if (this.status === "in_progress" && !Number.isNaN(this.answeredAt)) {
      byId("call-duration").textContent = clock((Date.now() - this.answeredAt) / 1000);
    }
    if (this.client.state === "waiting" && this.countdown > 1) {
      this.countdown -= 1;
      this.showConnection();
    }
  }

  /**
   * Show a note; a later one about the same thing takes its place.
   * @param {string} about
   * @param {string | undefined} text
   * @param {"info" | "warning" | "error"} kind
   * @param {number} [ms] how long; 0 is until it is replaced
   */
  note(about, text, kind, ms = 0) {
    this.clearNote(about);
    if (!text) return;
    const note = document.createElement("p");
    note.className = `note note--${kind}`;
    note.dataset.about = about;
    note.textContent = text;
    byId("call-notes").append(note);
    if (ms > 0) setTimeout(() => note.remove(), ms);
  }

  /** @param {string} about */
  clearNote(about) {
    byId("call-notes").querySelector(`[data-about="${CSS.escape(about)}"]`)?.remove();
  }

  clearNotes() {
    byId("call-notes").replaceChildren();
  }
}

const root = document.getElementById("call");
if (root !== null) new CallPage(root);
