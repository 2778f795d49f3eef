/**
 * The live call page: joins sound, socket and what is seen.
 *
 * Captions come as fragments over a socket of their own (htmx puts them in place);
 * this module carries sound and shows the state of the call and of the connection.
 */

import { attract, SilenceWatch } from "../captions/attention.js";
import { Display } from "../captions/display.js";
import { ReadingView } from "../captions/reading.js";
import { Told } from "../captions/told.js";
import { CallAudio, MicrophoneError, openMicrophone } from "./audio.js";
import { CallClient } from "./client.js";
import { Compose } from "./compose.js";
import { Announcer, Delivery } from "./delivery.js";
import { Helpers } from "./helpers.js";
import { delayText, hint, reasonToStay } from "./hints.js";
import { Keypad } from "./keypad.js";
import { Microphone } from "./microphone.js";
import { ModeSwitch, speaks, types } from "./modes.js";
import { Notes } from "./notes.js";
import { answeredBy, guardrail, hold, money } from "./notices.js";
import { OriginalVoice } from "./original.js";
import { Panels } from "./panels.js";
import { PhraseBar } from "./phrases.js";
import { advance, backoffMs, clock, fill, isLive, isOver, keyName, lagSeconds } from "./protocol.js";
import { QuestionBox } from "./question.js";
import { ReplyBar } from "./replies.js";
import { MARKS, UnheardStrip, secondsHeard } from "./unheard.js";
import { watchKeyboard } from "./viewport.js";

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

const QUIET_NOTE_MS = 6000;
const WARNING_MS = 15_000;
/** Warnings of something that has happened, not of something that goes on. */
const PASSING_WARNINGS = ["playout_behind", "sound_lost", "not_interpreted"];
/** Errors that stay until something is done about them. */
const LASTING_ERRORS = ["unsupported_protocol", "spend_limit"];
const ANNOUNCE_GAP_MS = 3000;
/** How often passing time may change what is seen of the caller's words. */
const DELIVERY_EVERY_MS = 250;
/** What a screen reader says of a sentence that is on the screen anyway. */
const EXCERPT_CHARACTERS = 60;

class CallPage {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {Record<string, string>} */
    this.texts = JSON.parse(byId("call-texts").textContent);
    this.status = root.dataset.status ?? "draft";
    this.answeredAt = root.dataset.answeredAt ? Date.parse(root.dataset.answeredAt) : NaN;
    this.isMuted = false;
    this.isBeginning = false;
    this.isEnding = false;
    this.isFinished = false;
    this.hasMicrophone = false;
    this.triedMicrophone = false;
    this.tellsTyping = true;
    this.notes = new Notes(byId("call-notes"), () => this.placeFocus());
    this.told = new Told(byId("captions"), byId("caption-log"));
    /** The captions' own socket, once it was open. @type {any} */
    this.captionsSocket = null;
    this.reading = new ReadingView((name) => this.announce(this.texts[`captions_${name}`]));
    this.display = new Display(() => this.reading.changed());
    this.silence = new SilenceWatch();
    this.heldSince = NaN;
    this.ringingSince = NaN;
    this.wasAgents = root.dataset.mode === "agent";
    this.title = document.title;
    this.delivery = new Delivery();
    this.announcer = new Announcer(ANNOUNCE_GAP_MS);
    /** What was last said about each utterance, so that it is said once. @type {Map<string, string>} */
    this.announced = new Map();
    this.isCalleeSpeaking = false;
    this.lagS = 0;
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
      now: () => performance.now(),
      onState: (state, detail) => this.connectionChanged(state, detail),
      onMessage: (message) => this.received(message),
      onSound: (pcm) => this.audio.play(pcm),
      onCall: (call) => this.statusChanged(call.status),
      onBack: (lostSeconds) => this.isBack(lostSeconds),
    });
    this.strip = new UnheardStrip({
      texts: this.texts,
      onRepeat: (id) => this.repeat(id),
      onLeaveOut: (id) => this.leaveOut(id),
      onRepeatLast: () => this.repeat(this.delivery.toRepeat(performance.now())),
    });
    new Helpers(byId("display-panel"));
    this.makeControls();
    this.listen();
    this.show();
    watchKeyboard(document.documentElement);
    if (location.hash === "#start") byId("start").focus();
    setInterval(() => this.tick(), 1000);
    setInterval(() => this.deliveryTick(), DELIVERY_EVERY_MS);
  }

  makeAudio() {
    return new CallAudio({
      captureUrl: this.root.dataset.captureUrl ?? "",
      playbackUrl: this.root.dataset.playbackUrl ?? "",
      onSpeech: (pcm, level) => {
        if (speaks(this.modes.state.mode)) this.microphone.take(pcm, level, this.isMuted);
      },
      onMicrophoneLost: () => {
        this.microphone.close();
        this.notes.show("mic", this.texts.mic_lost, "warning", 0, this.withoutMicrophone());
      },
    });
  }

  makeControls() {
    const { texts } = this;
    const callerLanguage = this.root.dataset.callerLanguage ?? "";
    const calleeLanguage = this.root.dataset.calleeLanguage ?? "";
    const languages = { callerLanguage, calleeLanguage };
    this.modes = new ModeSwitch({
      mode: this.root.dataset.mode ?? "voice",
      onChoice: (mode) => this.askForMode(mode),
    });
    this.panels = new Panels(byId("tools"));
    this.microphone = new Microphone({
      texts,
      // With one language the callee hears the caller's own voice.
      sendsAll: callerLanguage === calleeLanguage,
      onSound: (pcm) => this.client.speak(pcm),
      onSpeech: (state) => this.client.speech(state, this.microphone?.way !== "open"),
      onWay: (way) => {
        if (way !== "open" && this.isMuted) this.toggleMute();
        else if (this.microphone) this.show();
      },
      onDevice: () => this.openMicrophone(),
    });
    this.original = new OriginalVoice({
      texts,
      isOneLanguage: callerLanguage === calleeLanguage,
      onGain: (gain) => this.client.send({ type: "original", gain }),
    });
    this.compose = new Compose({
      texts,
      calleeLanguage,
      draftKey: `draft ${this.root.dataset.call}`,
      onSend: (message) => this.sendText(message),
      onTyping: (active) => {
        if (active) this.replies.clear();
        if (!this.tellsTyping || this.modes.state.mode === "agent") return;
        this.client.send({ type: "typing", active });
      },
      announce: (about, text) => this.announcer.say(about, text),
    });
    this.phrases = new PhraseBar({
      ...languages,
      url: this.root.dataset.phrasesUrl ?? "",
      onSay: ({ id, text }) => this.compose.send({ id, text, isPhrase: true }),
    });
    this.replies = new ReplyBar({
      ...languages,
      onSay: ({ message, shown }) => {
        const translation = message.as ? shown : "";
        const id = this.compose.newId();
        if (!this.compose.send({ id, ...message, translation })) return;
        this.replies.clear();
        this.panels.open("compose"); // there it is seen what becomes of it
      },
    });
    this.question = new QuestionBox({
      texts,
      onAnswer: (id, text) => this.client.send({ type: "answer", question_id: id, text }),
      announce: (text) => this.announce(text),
    });
    this.keypad = new Keypad({
      texts,
      onSend: (digits) => this.client.send({ type: "dtmf", digits }),
    });
    if (!this.isFinished) void this.phrases.load().then(() => this.showKeys());
  }

  listen() {
    byId("start").addEventListener("click", () => this.begin());
    byId("mute").addEventListener("click", () => this.toggleMute());
    byId("hang-up").addEventListener("click", () => this.askToHangUp());
    byId("take-over").addEventListener("click", () => this.takeOver());
    byId("retry-now").addEventListener("click", () => this.client.retryNow());
    const [volume, soundOff] = [byId("volume"), byId("sound-off")];
    volume.value = localStorage.getItem("volume") ?? "100";
    soundOff.checked = localStorage.getItem("sound") === "off";
    for (const field of [volume, soundOff]) {
      field.addEventListener("input", () => {
        localStorage.setItem("volume", volume.value);
        localStorage.setItem("sound", soundOff.checked ? "off" : "on");
        this.setVolume();
      });
    }
    byId("confirm-hang-up").addEventListener("close", (/** @type {any} */ event) => {
      if (event.target.returnValue === "hang-up") this.hangUp();
    });
    const shortcuts = byId("shortcuts");
    shortcuts.checked = localStorage.getItem("shortcuts") !== "off";
    shortcuts.addEventListener("change", () => {
      localStorage.setItem("shortcuts", shortcuts.checked ? "on" : "off");
      this.showDelivery();
      this.showKeys();
    });
    document.addEventListener("keydown", (event) => this.keyPressed(event));
    byId("captions").addEventListener("click", (/** @type {any} */ event) => {
      const { repeat, confirm } = event.target.closest("button")?.dataset ?? {};
      if (repeat) this.repeat(repeat);
      if (confirm) this.askIfRight(confirm);
    });

    this.root.addEventListener("htmx:wsAfterMessage", () => this.captionsChanged());
    const { htmx } = /** @type {any} */ (window);
    htmx.config.wsReconnectDelay = (/** @type {number} */ n) => backoffMs(n, Math.random());
    this.root.addEventListener("htmx:wsOpen", (/** @type {any} */ event) => {
      if (this.captionsSocket) this.told.isBack(performance.now());
      this.captionsSocket = event.detail.socketWrapper;
    });
    this.root.addEventListener("htmx:wsClose", (/** @type {any} */ event) => {
      const text = { 4401: "closed_login", 4404: "closed_missing" }[event.detail.event.code];
      if (text && !this.isFinished) this.notes.show("captions", this.texts[text], "error");
    });
    this.root.addEventListener("htmx:load", (event) => {
      const section = /** @type {HTMLElement} */ (event.target);
      if (section.id === "call-end") section.querySelector("h2")?.focus();
    });

    window.addEventListener("online", () => {
      this.client.retryNow();
      if (!this.isFinished) this.captionsSocket?.reconnect();
    });
    window.addEventListener("offline", () => this.client.dropped());
    window.addEventListener("beforeunload", (event) => {
      if (this.client.state === "open" && isLive(this.status)) event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      document.title = this.title;
      void this.audio.wake();
      void this.stayAwake();
    });
    navigator.mediaDevices?.addEventListener("devicechange", () => this.devicesChanged());
  }

  // --- Starting and ending -----------------------------------------------------------

  async begin() {
    if (this.isBeginning) return;
    this.isBeginning = true;
    this.notes.clearAll();
    this.show();
    try {
      // Who types is not asked for a microphone at all.
      const microphone = speaks(this.modes.state.mode) ? await this.findMicrophone() : null;
      if (microphone === undefined) return;
      this.hasMicrophone = microphone !== null;
      this.client.options.speaks = this.hasMicrophone;
      await this.openAudio(microphone);
      if (this.hasMicrophone) void this.microphone.listDevices();
      void this.stayAwake();
      await (this.client.state === "stopped" ? this.client.again() : this.client.connect());
    } finally {
      this.isBeginning = false;
      this.show();
    }
  }

  /**
   * @returns {Promise<MediaStream | null | undefined>} null: listen only, which makes
   *   sense in a call that goes on already; undefined: do not call
   */
  async findMicrophone() {
    this.notes.show("mic", this.texts.mic_asking, "info");
    try {
      const microphone = await openMicrophone(this.microphone.deviceId);
      this.notes.clear("mic");
      return microphone;
    } catch (error) {
      const code = error instanceof MicrophoneError ? error.code : "busy";
      const text = this.texts[`mic_${code}`];
      if (isLive(this.status) && code !== "unsupported") {
        this.notes.show("mic", `${text} ${this.texts.listen_only}`, "warning", 0,
          this.withoutMicrophone());
        return null;
      }
      this.notes.show("mic", `${text} ${this.texts.mic_or_type}`, "error", 0, [
        { label: this.texts.type_instead, run: () => byId("type-instead").requestSubmit() },
      ]);
      this.startLabel = "try_again";
      return undefined;
    }
  }

  /** What can be done without one in a call that goes on. */
  withoutMicrophone() {
    return [
      { label: this.texts.try_again, run: () => void this.openMicrophone() },
      { label: this.texts.type_instead, run: () => void this.askForMode("text") },
    ];
  }

  /** @param {MediaStream | null} microphone */
  async openAudio(microphone) {
    await this.audio.close();
    this.audio = this.makeAudio();
    this.setVolume();
    this.audio.mute(this.isMuted);
    await this.audio.open(microphone);
  }

  /** Open the microphone in a call that goes on. @returns {Promise<boolean>} */
  async openMicrophone() {
    const microphone = await this.findMicrophone();
    this.hasMicrophone = Boolean(microphone);
    if (microphone) {
      this.microphone.close();
      await this.audio.use(microphone);
      void this.microphone.listDevices();
    }
    this.tellWhetherItSpeaks();
    return this.hasMicrophone;
  }

  /** Let go of it: nobody is to be recorded who only types. */
  closeMicrophone() {
    this.microphone.close();
    this.audio.drop();
    this.hasMicrophone = false;
    this.notes.clear("mic");
    this.tellWhetherItSpeaks();
  }

  tellWhetherItSpeaks() {
    const { client } = this;
    if (client.options.speaks !== this.hasMicrophone) {
      client.options.speaks = this.hasMicrophone;
      client.hello();
    }
    this.show();
  }

  async devicesChanged() {
    if (!this.hasMicrophone) return;
    void this.microphone.listDevices();
    if (this.audio.track?.readyState !== "ended") return;
    try {
      await this.audio.use(await openMicrophone(this.microphone.deviceId));
      this.notes.show("mic", this.texts.mic_back, "info", QUIET_NOTE_MS);
    } catch {
      // Still none: the note about it is there already.
    }
  }

  /** Ask first where something would be cut off, and say what. @param {boolean} [isKey] */
  askToHangUp(isKey = false) {
    const reason = this.status === "in_progress" && reasonToStay({
      isCalleeSpeaking: this.isCalleeSpeaking,
      isHeld: !Number.isNaN(this.heldSince),
      hasUnsaid: this.compose.isBusy || this.delivery.items(performance.now()).length > 0,
      mode: this.modes.state.mode,
    });
    // A key is pressed by mistake more easily than a button.
    if (!reason && !(isKey && this.status === "in_progress")) {
      void this.hangUp();
      return;
    }
    byId("confirm-why").textContent = this.texts[reason || ""] ?? "";
    byId("confirm-hang-up").showModal();
  }

  async hangUp() {
    if (this.isEnding || this.isFinished) return;
    this.isEnding = true;
    this.show();
    const isKnown = await this.client.hangUp();
    if (isKnown) return;
    this.isEnding = false;
    this.notes.show("end", this.texts.start_offline, "error");
    this.show();
  }

  finish() {
    if (this.isFinished) return;
    this.isFinished = true;
    this.isEnding = false;
    this.heldSince = NaN;
    document.title = this.title;
    this.notes.clearAll();
    this.panels.closeAll();
    this.modes.close();
    this.question.close();
    this.replies.clear();
    this.microphone.close();
    this.client.stop();
    void this.audio.close();
    void this.wakeLock?.release();
    this.speaking("caller", false);
    this.speaking("callee", false);
    this.lagS = 0;
    this.delivery.ended(performance.now());
    this.showDelivery();
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
      case "caption":
        if (message.state === "withdrawn") {
          this.delivery.forget(message.utterance_id);
          this.showDelivery();
        } else if (message.leg === "caller") {
          this.delivery.said(/** @type {any} */ (message), performance.now());
          this.showDelivery();
        } else if (message.leg === "callee") this.replies.heard(message);
        break;
      case "playback":
        this.delivery.played(message.utterance_id, message.played_ms, performance.now());
        this.showDelivery();
        break;
      case "interruption":
        if (message.by === "callee") this.delivery.interrupted();
        this.showDelivery();
        break;
      case "mode":
        this.modeIs(message.mode);
        break;
      case "text_status":
        this.compose.status(message);
        break;
      case "suggestions":
        this.replies.show(message.items, message.utterance_id);
        break;
      case "question":
        this.question.ask(/** @type {any} */ (message), performance.now());
        break;
      case "answered_by":
        this.notice(answeredBy(message.kind));
        if (message.kind === "menu") this.panels.open("keypad-panel");
        break;
      case "hold":
        if (message.active) this.notes.clear("hold"); // the line below the state says it
        else this.notice(hold(false));
        this.holdChanged(message.active);
        break;
      case "guardrail":
        this.notice(guardrail(message));
        break;
      case "dtmf":
        this.notes.show("dtmf", fill(this.texts.key_heard, { digit: message.digit }), "info",
          WARNING_MS);
        break;
      case "dtmf_status":
        this.keypad.status(/** @type {any} */ (message));
        break;
      case "cost":
        this.showCost(message);
        break;
      case "unheard":
        this.delivery.unheard(/** @type {any} */ (message), performance.now());
        this.showDelivery();
        break;
      case "latency":
        this.lagChanged(lagSeconds(message.playout_lag_ms));
        this.showDelay(message.callee_to_caller_ms);
        break;
      case "recovery":
        this.recovered(message);
        break;
      case "warning":
        this.warned(message);
        break;
      case "error":
        if (message.code === "cannot_repeat") {
          this.delivery.refused(performance.now());
          this.showDelivery();
        }
        if (message.code === "unsupported_mode") this.modeRefused();
        if (message.code === "not_available") {
          this.tellsTyping = false; // too many that are of no use end the connection
          this.compose.refused();
        }
        this.notes.show(`error-${message.code}`,
          this.texts[`error_${message.code}`] ?? message.message, "error",
          LASTING_ERRORS.includes(message.code) ? 0 : WARNING_MS);
        break;
      default: // later messages are not for this page
    }
  }

  /** @param {{type: string, [key: string]: any}} message */
  recovered({ state, engine, gap_ms: gapMs = 0 }) {
    // While keys are pressed it is the telephone itself that is away.
    const name = engine === "telephone" ? `telephone_${state}` : `recovery_${state}`;
    const text = this.texts[`${name}_${engine}`] ?? this.texts[name]
      ?? this.texts[`recovery_${state}`];
    const seconds = (gapMs / 1000).toFixed(1);
    this.notes.show("recovery", text && fill(text, { seconds }), "warning",
      state === "recovered" ? QUIET_NOTE_MS : 0);
  }

  /** @param {import("./notices.js").Notice} notice */
  notice({ about, text, kind, ms }) {
    this.notes.show(about, this.texts[text], kind, ms);
  }

  /** @param {{[key: string]: any}} message */
  showCost({ usd, minutes }) {
    const amount = money(usd, document.documentElement.lang);
    const element = byId("call-cost");
    element.hidden = !amount;
    if (!amount) return;
    element.textContent = fill(this.texts.cost, { amount });
    if (typeof minutes === "number") {
      element.title = fill(this.texts.cost_minutes, { minutes: Math.ceil(minutes) });
    }
  }

  /** @param {{type: string, [key: string]: any}} message */
  warned({ code, message, remaining_s: remainingS, lost_ms: lostMs, remaining_usd: left }) {
    const seconds = remainingS ?? Math.max(1, Math.round((lostMs ?? 0) / 1000));
    const usd = (left ?? 0).toFixed(2);
    const words = this.texts[`warning_${code}`];
    this.notes.show(`warning-${code}`, words ? fill(words, { seconds, usd }) : message, "warning",
      PASSING_WARNINGS.includes(code) ? WARNING_MS : 0);
  }

  /** @param {string} status */
  statusChanged(status) {
    const next = advance(this.status, status);
    if (next === this.status) return;
    this.status = next;
    if (next === "ringing") this.ringingSince = performance.now();
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
    if (leg === "callee") this.calleeSpeaks(isActive);
    else if (isActive) this.replies.clear(); // they answer themselves
  }

  /**
   * @param {string} state
   * @param {{text?: string, message?: string, seconds?: number}} detail
   */
  connectionChanged(state, detail) {
    this.countdown = detail.seconds ?? 0;
    this.waitingText = detail.text ?? "";
    if (state === "open") {
      this.notes.clear("connection");
      this.original.tell();
    } else {
      this.lagS = 0;
      this.modes.state.refused();
      this.compose.disconnected();
    }
    if (state === "stopped" && !this.isFinished) this.disconnected(detail);
    this.show();
  }

  /** @param {{text?: string, message?: string}} detail */
  disconnected(detail) {
    void this.audio.close();
    this.hasMicrophone = false;
    const text = detail.message || this.texts[detail.text ?? ""];
    if (text) this.notes.show("connection", text, "error");
    this.startLabel = detail.text === "closed_replaced" ? "take_back" : "";
    this.speaking("caller", false);
    this.speaking("callee", false);
    if (detail.text === "closed_over") this.finish();
  }

  /** @param {number} lostSeconds */
  isBack(lostSeconds) {
    this.captionsSocket?.reconnect(); // it went over the same network
    const text = lostSeconds > 0
      ? fill(this.texts.audio_lost, { seconds: Math.ceil(lostSeconds) })
      : this.texts.reconnected;
    this.notes.show("connection", text, "info", QUIET_NOTE_MS);
    this.delivery.reconnected(performance.now());
    this.showDelivery();
  }

  /** @param {boolean} isActive */
  calleeSpeaks(isActive) {
    this.isCalleeSpeaking = isActive;
    if (this.silence.changed(isActive, performance.now())) {
      attract(byId("captions-frame"), this.display.signal);
    }
  }

  /** @param {boolean} isHeld */
  holdChanged(isHeld) {
    const wasHeld = !Number.isNaN(this.heldSince);
    this.heldSince = isHeld ? (wasHeld ? this.heldSince : performance.now()) : NaN;
    if (wasHeld && !isHeld) {
      // Whoever waited may look elsewhere by now: this is for every one of them.
      this.announce(this.texts.unheld);
      attract(byId("captions-frame"), { flashes: true, vibrates: true });
      if (document.visibilityState !== "visible") document.title = `● ${this.texts.unheld}`;
    }
    this.show();
  }

  /** How late captions come, as it was measured; nothing if it was not. @param {unknown} ms */
  showDelay(ms) {
    const { short, long, isLate } = delayText(ms, this.texts);
    const element = byId("caption-delay");
    element.hidden = !short;
    element.textContent = short;
    element.title = long;
    element.classList.toggle("side__delay--late", isLate);
  }

  // --- The mode ----------------------------------------------------------------------

  /** Speak for oneself, or let the assistant go on. */
  async takeOver() {
    if (this.modes.state.mode !== "agent") {
      await this.askForMode("agent");
      return;
    }
    let mode = localStorage.getItem("own mode") ?? "voice";
    if (this.client.state === "open" && speaks(mode) && !this.hasMicrophone
      && !(await this.openMicrophone())) mode = "text";
    await this.askForMode(mode);
  }

  /** @param {string} mode */
  async askForMode(mode) {
    if (this.client.state !== "open") {
      this.announce(this.texts.connection_idle);
      return;
    }
    if (!this.modes.state.ask(mode, performance.now())) return;
    this.notes.clear("mode");
    this.notes.clear("error-unsupported_mode");
    this.show();
    // Now, while the click counts for the browser; captions can also be had by typing.
    if (speaks(mode) && !this.hasMicrophone) await this.openMicrophone();
    this.client.send({ type: "mode", mode });
  }

  /** @param {string} mode that is in force */
  modeIs(mode) {
    if (this.modes.state.confirmed(mode)) {
      this.modes.close();
      this.replies.clear();
      this.tellsTyping = true;
      if (mode === "agent") this.wasAgents = true;
      else localStorage.setItem("own mode", mode);
      if (types(mode)) this.panels.open("compose");
      else if (!this.compose.input.value) this.panels.close("compose");
      this.show();
      this.announce(fill(this.texts.mode_now, { mode: this.modes.name.textContent }));
    }
    this.mindMicrophone();
    this.show();
  }

  modeRefused() {
    this.modes.state.refused();
    this.mindMicrophone();
    this.show();
  }

  /** The mode says whether there is a microphone. */
  mindMicrophone() {
    const { mode, wanted } = this.modes.state;
    if (!speaks(mode) && !speaks(wanted)) {
      if (this.hasMicrophone) this.closeMicrophone();
    } else if (speaks(mode) && !this.hasMicrophone && this.client.state === "open"
      && !this.triedMicrophone) {
      this.triedMicrophone = true; // refused once is refused
      void this.openMicrophone();
    }
  }

  // --- Typed text --------------------------------------------------------------------

  /**
   * @param {{id: string, text: string, as?: string, isPhrase?: boolean}} message
   * @returns {boolean} whether it was sent
   */
  sendText({ id, text, as, isPhrase }) {
    if (isPhrase) return this.client.send({ type: "say", phrase_id: id });
    if (this.modes.state.mode === "agent" && as !== "callee") {
      return this.client.send({ type: "whisper", id, text });
    }
    this.replies.clear();
    return this.client.send({ type: "text", id, text, ...(as === "callee" && { as }) });
  }

  /** Ask the other side whether what is in doubt was understood. @param {string} id */
  askIfRight(id) {
    const caption = byId(id);
    const doubts = [...(caption?.querySelectorAll(".doubt") ?? [])].map((mark) =>
      [...mark.childNodes].at(-1)?.textContent?.trim() ?? "");
    const words = doubts.filter(Boolean).join(", ");
    if (!words) return;
    const isWhisper = this.modes.state.mode === "agent";
    const sentence = isWhisper ? this.texts.confirm_whisper : this.root.dataset.confirm ?? "";
    const text = fill(sentence, { words });
    if (!this.compose.send({ id: this.compose.newId(), text })) return;
    this.panels.open("compose"); // there it is seen what becomes of it
    caption.querySelector("button[data-confirm]").disabled = true;
  }

  // --- How far the caller's words have got -------------------------------------------

  /** @param {string | null} id */
  repeat(id) {
    if (id === null) return;
    if (!this.client.send({ type: "repeat", utterance_id: id })) {
      this.announce(this.texts.connection_idle);
      return;
    }
    this.delivery.repeat(id, performance.now());
    this.announcer.say(id, "");
    this.announce(this.texts.now_repeating);
    this.showDelivery();
  }

  /** @param {string | null} id */
  leaveOut(id) {
    if (id === null) return;
    if (this.client.state !== "open") {
      this.announce(this.texts.connection_idle);
      return;
    }
    if (this.delivery.leaveOut(id)) this.client.send({ type: "discard", utterance_id: id });
    this.announcer.say(id, "");
    this.announce(this.texts.left_out);
    this.showDelivery();
  }

  /** @param {number} seconds */
  lagChanged(seconds) {
    if (seconds && !this.lagS) this.announcer.say("lag", fill(this.texts.lag, { seconds }));
    this.lagS = seconds;
    this.showDelivery();
  }

  deliveryTick() {
    const now = performance.now();
    if (this.client.state === "open") this.delivery.tick(now);
    this.showDelivery();
    this.compose.tick();
    this.question.tick(now);
    if (this.modes.state.tick(now)) {
      this.notes.show("mode", this.texts.mode_unanswered, "warning", WARNING_MS);
      this.modeRefused();
    }
    const text = this.announcer.take(now);
    if (text) this.announce(text);
  }

  showDelivery() {
    const now = performance.now();
    const items = this.isFinished ? [] : this.delivery.items(now);
    this.tellNews(items, now);
    this.strip.show({
      summary: this.isFinished ? null : this.delivery.summary(now, this.isCalleeSpeaking),
      items: items.map((item) => ({
        id: item.id,
        why: this.delivery.shown(item, now),
        text: item.text || item.translation,
      })),
      lagS: this.lagS,
      hasKeys: byId("shortcuts").checked,
      canRepeat: this.delivery.toRepeat(now) !== null,
    });
    this.markCaptions(now);
  }

  /**
   * Say what a listener has to know: that something waits, goes on, or was not heard.
   * @param {import("./delivery.js").Utterance[]} items
   * @param {number} now
   */
  tellNews(items, now) {
    const waits = items.some((item) => this.delivery.shown(item, now) === "held");
    if (waits && !this.announced.has("held")) {
      this.announced.set("held", "held");
      this.announcer.say("held", this.texts.now_held);
    } else if (!waits && this.announced.delete("held")) {
      const goesOn = this.delivery.summary(now, false)?.name === "resumed";
      this.announcer.say("held", goesOn ? this.texts.now_resumed : "");
    }
    for (const item of items) {
      const fate = this.delivery.shown(item, now);
      if (fate === "held" || this.announced.get(item.id) === `${fate} ${item.since}`) continue;
      this.announced.set(item.id, `${fate} ${item.since}`);
      const text = excerpt(item.text || item.translation);
      if (fate === "discarded") {
        this.announcer.say(item.id, fill(this.texts.left_out_by_speech, { text }));
      } else if (fate === "unsure") this.announcer.say("unsure", this.texts.item_unsure);
      else this.announcer.say(item.id, fill(this.texts.not_heard, { text }));
    }
  }

  /** @param {number} now */
  markCaptions(now) {
    for (const utterance of this.delivery.utterances.values()) {
      const caption = byId(`u-${utterance.id.replace(/[^A-Za-z0-9_-]/g, "_")}`);
      const mark = caption?.querySelector(".caption__fate");
      if (!mark) continue;
      let fate = /** @type {string} */ (this.delivery.shown(utterance, now));
      if (fate === "heard" && caption.classList.contains("caption--open")) fate = "so_far";
      if (!fate) continue; // what the server has written stays
      const words = fill(this.texts[`fate_${fate}`], { seconds: secondsHeard(utterance.heardMs) });
      if (mark.dataset.fate === fate && mark.lastChild?.textContent === ` ${words}`) continue;
      const sign = document.createElement("i");
      sign.ariaHidden = "true";
      sign.textContent = MARKS[fate];
      mark.replaceChildren(sign, ` ${words}`);
      mark.dataset.fate = fate;
      mark.hidden = false;
      caption.classList.toggle("caption--lost", fate === "lost");
    }
  }

  /** @param {string} text */
  announce(text) {
    // A new node: the same sentence again is to be read again.
    const words = document.createElement("span");
    words.textContent = text;
    byId("call-announce").replaceChildren(words);
  }

  // --- Captions ----------------------------------------------------------------------

  captionsChanged() {
    this.markCaptions(performance.now());
    this.told.changed(performance.now());
    this.statusChanged(byId("call-status").value);
    this.reading.changed();
  }

  // --- Controls ----------------------------------------------------------------------

  setVolume() {
    const isOff = byId("sound-off").checked;
    byId("volume").disabled = isOff;
    this.audio.setVolume(isOff ? 0 : Number(byId("volume").value) / 100);
    byId("sound-state").hidden = !isOff;
  }

  toggleMute() {
    this.isMuted = !this.isMuted;
    this.audio.mute(this.isMuted);
    if (this.isMuted) this.microphone.close();
    this.client.mute(this.isMuted);
    this.announce(this.texts[this.isMuted ? "muted" : "unmuted"]);
    this.show();
  }

  /** @param {KeyboardEvent} event */
  keyPressed(event) {
    if (!byId("shortcuts").checked || event.repeat) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.isContentEditable || event.isComposing) return;
    if (target.closest("select, textarea, dialog, input:not([type=range], [type=checkbox])")) return;
    const key = keyName(event);
    const now = performance.now();
    const leavesOut = key === "Delete" || key === "Backspace"; // a Mac has only the latter
    if (key === "m" && !byId("mute").hidden) this.toggleMute();
    else if (key === "h" && !byId("hang-up").hidden) this.askToHangUp(true);
    else if (this.isFinished) return;
    else if (key === "p") this.reading.toggle();
    else if (key === "t") this.panels.open("compose", byId("typed"));
    else if (this.client.state === "open" && this.phrases.keyPressed(key)) ;
    else if (key === "r" && this.delivery.toRepeat(now)) this.repeat(this.delivery.toRepeat(now));
    else if (leavesOut && this.delivery.toLeaveOut(now)) this.leaveOut(this.delivery.toLeaveOut(now));
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
    const focused = document.activeElement;
    this.showStatus();
    this.showHint();
    this.showConnection();
    this.showButtons();
    this.showMode();
    this.tick();
    if (focused?.matches(":disabled, [hidden], [hidden] *")) this.placeFocus();
  }

  /** What had the focus is gone: go on where the call is, or where it ended. */
  placeFocus() {
    const isTyped = this.modes.state.mode === "text" && !byId("compose").hidden;
    const hasKeyboard = window.matchMedia("(pointer: fine)").matches;
    if (this.isFinished) byId("call-end").focus();
    else if (isTyped && hasKeyboard) byId("typed").focus();
    else byId("captions-scroll").focus({ preventScroll: true });
  }

  showStatus() {
    const { state } = this.client;
    let name = this.status;
    if (this.isEnding) name = "ending";
    else if (name === "draft" && state === "starting") name = "starting";
    const element = byId("call-state");
    const isHeld = name === "in_progress" && !Number.isNaN(this.heldSince);
    const text = this.texts[isOver(name) ? "over" : isHeld ? "on_hold" : name];
    // The same text again would be read out again.
    if (element.textContent !== text) element.textContent = text;
    element.dataset.status = name;
    this.root.dataset.status = this.status;
  }

  /** What to do about the state; the same sentence again would be read out again. */
  showHint() {
    const now = performance.now();
    const { name, seconds } = hint({
      status: this.status,
      connection: this.client.state,
      isFinished: this.isFinished,
      mode: this.modes.state.mode,
      graceS: Number(this.root.dataset.graceS),
      ringingMs: now - this.ringingSince,
      heldMs: now - this.heldSince,
    });
    const element = byId("call-hint");
    element.hidden = !name;
    const text = name ? fill(this.texts[name], { time: clock(seconds), seconds }) : "";
    if (element.textContent !== text) element.textContent = text;
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
    byId("start").setAttribute("aria-busy", String(this.isBeginning));
    byId("start").querySelector("span").textContent =
      this.texts[this.startLabel || (isLive(this.status) ? "rejoin" : "call")];
    const isHeard = !isIdle && this.hasMicrophone && speaks(this.modes.state.mode);
    this.microphone.show(isHeard);
    byId("mute").hidden = !isHeard || this.microphone.way !== "open";
    byId("mute").dataset.muted = String(this.isMuted);
    byId("mute").querySelector("span").textContent = this.texts[this.isMuted ? "unmute" : "mute"];
    byId("mute").querySelector("use").setAttribute(
      "href", `${this.root.dataset.iconsUrl}#${this.isMuted ? "mic-off" : "mic"}`);
    byId("hang-up").hidden = this.isFinished || (isIdle && !isLive(this.status));
    byId("hang-up").disabled = this.isEnding;
    this.showTakeOver(state === "open" && this.status === "in_progress");
    this.root.classList.toggle("call--over", this.isFinished);
    this.root.classList.toggle("call--silent", !isHeard);
    byId("tools").hidden = this.isFinished;
  }

  /** @param {boolean} isConnected */
  showTakeOver(isConnected) {
    const isAgents = this.modes.state.mode === "agent";
    const button = byId("take-over");
    button.hidden = !isConnected || !(isAgents || this.wasAgents);
    button.setAttribute("aria-busy", String(Boolean(this.modes.state.wanted)));
    button.querySelector("span").textContent =
      this.texts[isAgents ? "take_over" : "hand_back"];
  }

  showMode() {
    const { mode } = this.modes.state;
    this.modes.show(this.client.state === "open");
    this.compose.showFor(mode === "agent");
    this.original.showFor(mode);
    byId("phrase-box").hidden = mode === "agent";
    this.root.dataset.mode = mode;
  }

  showKeys() {
    this.phrases.showKeys(byId("shortcuts").checked);
  }

  tick() {
    this.client.beat();
    this.showHint();
    if (this.status === "in_progress" && !Number.isNaN(this.answeredAt)) {
      byId("call-duration").textContent = clock((Date.now() - this.answeredAt) / 1000);
    }
    if (this.client.state === "waiting" && this.countdown > 1) {
      this.countdown -= 1;
      this.showConnection();
    }
  }
}

/** @param {string} text @returns {string} */
function excerpt(text) {
  const letters = [...text];
  return letters.length > EXCERPT_CHARACTERS
    ? `${letters.slice(0, EXCERPT_CHARACTERS).join("")} …`
    : text;
}

const root = document.getElementById("call");
if (root !== null) new CallPage(root);
