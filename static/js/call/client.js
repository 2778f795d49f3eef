/**
 * One caller's connection to one call: start, socket, re-attachment.
 *
 * Everything it needs from the browser is handed in, so node can test it.
 */

import { Heartbeat, OPENING_MS } from "./heartbeat.js";
import { PROTOCOL, backoffMs, closing, parse, streamUrl } from "./protocol.js";

/** Chunks of speech that are kept while there is no connection: 5 s of 40 ms. */
const MAX_HELD = 125;
/** More than 5 s of speech unsent means the connection is dead, not slow. */
const MAX_UNSENT_BYTES = 5 * 48_000;
const START_TIMEOUT_MS = 30_000;
/** Coming back needs no telephone to be dialled. */
const RETURN_TIMEOUT_MS = 10_000;
/** The server counts openings by the minute. */
const BUSY_WAIT_MS = 60_000;
/** Two refused tickets in a row: it is the login that is gone. */
const MAX_REFUSED_TICKETS = 2;

/**
 * @typedef {"idle" | "starting" | "open" | "reconnecting" | "waiting" | "stopped"} State
 *
 * @typedef {object} Options
 * @property {string} startUrl
 * @property {string} endUrl
 * @property {string} csrf
 * @property {boolean} speaks
 * @property {typeof fetch} fetch
 * @property {(url: string) => WebSocket} openSocket
 * @property {(run: () => void, ms: number) => any} later
 * @property {(timer: any) => void} cancel
 * @property {() => number} random
 * @property {() => number} now milliseconds
 * @property {(state: State, detail: {text?: string, message?: string, seconds?: number}) => void} onState
 * @property {(message: {type: string, [key: string]: any}) => void} onMessage
 * @property {(pcm: Int16Array) => void} onSound
 * @property {(call: Record<string, any>) => void} onCall
 * @property {(seconds: number) => void} onBack connected again; so much speech was lost
 */

export class CallClient {
  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    /** @type {State} */
    this.state = "idle";
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {ArrayBuffer[]} */
    this.held = [];
    this.lost = 0;
    this.attempt = 0;
    this.refusedTickets = 0;
    this.wasOpen = false;
    this.node = "";
    this.timer = null;
    this.isMuted = false;
    this.isSpeech = false;
    this.isOwnWord = false;
    this.heart = new Heartbeat();
    this.openingAt = 0;
  }

  /** Dial, or join a call that is going on. */
  async connect() {
    if (this.state === "starting" || this.state === "open") return;
    this.options.cancel(this.timer);
    this.set(this.wasOpen ? "reconnecting" : "starting");
    const patience = this.wasOpen ? RETURN_TIMEOUT_MS : START_TIMEOUT_MS;
    const response = await this.post(this.options.startUrl, patience);
    if (this.isStopped()) return;
    if (response === null) {
      this.retryOrStop("start_offline");
      return;
    }
    const answer = await response.json().catch(() => ({}));
    if (this.isStopped()) return;
    if (response.ok && answer.stream) {
      this.options.onCall(answer);
      this.open(streamUrl(answer.stream.url, answer.stream.ticket, this.node));
    } else {
      this.refused(response.status, answer.error?.message ?? "");
    }
  }

  /** Whether `stop` was called meanwhile. @returns {boolean} */
  isStopped() {
    return this.state === "stopped";
  }

  /**
   * @param {number} httpStatus
   * @param {string} message
   */
  refused(httpStatus, message) {
    const mayPass = this.wasOpen && (httpStatus === 429 || httpStatus >= 500);
    if (mayPass) this.retryOrStop("closed_failed");
    else if (httpStatus === 409) this.stop({ text: "closed_over", message });
    else if (httpStatus === 401) this.stop({ text: "closed_login" });
    else if (httpStatus === 404) this.stop({ text: "closed_missing" });
    else this.stop({ text: "start_failed", message });
  }

  /** @param {string} url */
  open(url) {
    const socket = this.options.openSocket(url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.openingAt = this.options.now();
    socket.onopen = () => {
      if (this.socket === socket) this.opened();
    };
    socket.onmessage = (event) => {
      if (this.socket === socket) this.received(event.data);
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.closed(event.code, event.reason);
    };
  }

  opened() {
    const isBack = this.wasOpen;
    this.wasOpen = true;
    this.attempt = 0;
    this.state = "open";
    this.heart.heard(this.options.now());
    this.hello();
    if (this.isMuted) this.send({ type: "mute", muted: true });
    if (this.isSpeech) this.send(this.speechMessage("started"));
    for (const chunk of this.held.splice(0)) this.socket?.send(chunk);
    this.set("open");
    if (isBack) this.options.onBack((this.lost * 40) / 1000);
    this.lost = 0;
  }

  /** @param {unknown} data */
  received(data) {
    this.refusedTickets = 0;
    this.heart.heard(this.options.now());
    if (data instanceof ArrayBuffer) {
      this.options.onSound(new Int16Array(data, 0, Math.floor(data.byteLength / 2)));
      return;
    }
    const message = parse(data);
    if (message !== null) this.options.onMessage(message);
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  closed(code, reason) {
    if (this.isStopped()) return;
    const { action, text, url } = closing(code, reason);
    if (code === 4401) this.refusedTickets += 1;
    if (action === "stop" || this.refusedTickets >= MAX_REFUSED_TICKETS) {
      this.stop({ text });
    } else if (action === "wait") {
      this.wait(BUSY_WAIT_MS, text);
    } else {
      if (action === "move" && url) this.node = url;
      this.wasOpen = true;
      this.retryOrStop(text);
    }
  }

  /** @param {string} text */
  retryOrStop(text) {
    if (!this.wasOpen) {
      this.stop({ text });
      return;
    }
    this.wait(backoffMs(this.attempt, this.options.random()), "connection_waiting");
    this.attempt += 1;
  }

  /**
   * @param {number} ms
   * @param {string} text
   */
  wait(ms, text) {
    this.wasOpen = true;
    this.set("waiting", { text, seconds: Math.ceil(ms / 1000) });
    this.timer = this.options.later(() => this.connect(), ms);
  }

  /** The network came back, or a person is impatient. */
  retryNow() {
    if (this.state === "waiting") void this.connect();
  }

  /** The network is known to be gone: do not wait for the socket to notice. */
  dropped() {
    const socket = this.socket;
    if (socket === null || this.isStopped()) return;
    this.socket = null;
    socket.close();
    this.retryOrStop("connection_waiting");
  }

  /** Once a second: notice a connection that is gone without a word. */
  beat() {
    const now = this.options.now();
    if (this.state !== "open") {
      if (this.socket !== null && now - this.openingAt >= OPENING_MS) {
        this.wasOpen = true; // the call was started, whatever became of the socket
        this.dropped();
      }
      return;
    }
    const todo = this.heart.tick(now);
    if (todo === "ask") this.send({ type: "ping" });
    if (todo === "dead") this.dropped();
  }

  /** @param {Record<string, unknown>} message @returns {boolean} whether it was sent */
  send(message) {
    if (this.state !== "open" || this.socket === null) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.isMuted = muted;
    this.send({ type: "mute", muted });
  }

  /** Say what this page does; again when it begins or ceases to have a microphone. */
  hello() {
    this.send({ type: "hello", protocol: PROTOCOL, speaks: this.options.speaks });
  }

  /**
   * @param {"started" | "ended"} state
   * @param {boolean} [isOwnWord] the person says so with a key; else it was only detected
   */
  speech(state, isOwnWord = false) {
    this.isSpeech = state === "started";
    this.isOwnWord = isOwnWord;
    this.send(this.speechMessage(state));
  }

  /** @param {"started" | "ended"} state */
  speechMessage(state) {
    return { type: "speech", state, by: this.isOwnWord ? "person" : "sound" };
  }

  /**
   * Send speech, or keep it for the moment when there is a connection again.
   * @param {ArrayBuffer} chunk 40 ms of PCM16
   */
  speak(chunk) {
    if (this.state === "open" && this.socket !== null) {
      this.socket.send(chunk);
      if (this.socket.bufferedAmount > MAX_UNSENT_BYTES) this.dropped();
    } else if (this.wasOpen && !this.isStopped()) {
      this.held.push(chunk);
      if (this.held.length > MAX_HELD) {
        this.held.shift();
        this.lost += 1;
      }
    }
  }

  /** End the call for both sides. @returns {Promise<boolean>} whether the server knows */
  async hangUp() {
    this.send({ type: "end" });
    const response = await this.post(this.options.endUrl);
    return response !== null && (response.ok || response.status === 409);
  }

  /**
   * Give up the connection; the call itself goes on.
   * @param {{text?: string, message?: string}} [detail]
   */
  stop(detail = {}) {
    this.options.cancel(this.timer);
    const socket = this.socket;
    this.socket = null;
    this.held = [];
    this.set("stopped", detail);
    socket?.close();
  }

  /** Start again after `stop`, for example to take the call back. */
  async again() {
    this.state = "idle";
    this.refusedTickets = 0;
    await this.connect();
  }

  /**
   * @param {string} url
   * @param {number} [timeoutMs]
   * @returns {Promise<Response | null>} null: no answer
   */
  async post(url, timeoutMs = START_TIMEOUT_MS) {
    try {
      return await this.options.fetch(url, {
        method: "POST",
        headers: { "X-CSRFToken": this.options.csrf, Accept: "application/json" },
        credentials: "same-origin",
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch {
      return null;
    }
  }

  /**
   * @param {State} state
   * @param {{text?: string, message?: string, seconds?: number}} [detail]
   */
  set(state, detail = {}) {
    this.state = state;
    this.options.onState(state, detail);
  }
}
