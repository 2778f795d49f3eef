/**
 * When the microphone is worth sending.  Pure: sound in, what to send out.
 *
 * Theory of operation.  Levels are judged against the room's own noise (`NoiseFloor`), in
 * chunks of 40 ms.  What comes before speech is kept for 320 ms and sent with it, so a
 * quiet first syllable is not lost; what sounds like speech for one chunk only is a click.
 *
 *     state      cue                           next       sends
 *     silent     a loud chunk                  speaking   -
 *     speaking   80 ms of loud chunks          committed  "started", what was kept
 *     speaking   120 ms quiet                  silent     -
 *     committed  400 ms quiet                  silent     "ended", then 400 ms more
 *
 * Why 400 ms and 400 ms: the server lets 400 ms without sound pass before it takes them
 * for silence (the network may only be slow), and until then its own detection, which also
 * wants 400 ms of quiet, stands still.  So the sound itself has to carry the end of the
 * speech: 800 ms of it, more than the 550 ms after which the server may answer.  And what
 * comes at once when speech begins, 320 + 80 ms, is just what the server has not yet filled
 * with silence: its clock and ours stay together.
 *
 * Doubt always sends: that costs bytes, the opposite would cost words.
 */

import { CHUNK_MS, WIRE_RATE_HZ } from "./pcm.js";

/** @typedef {"started" | "ended" | Int16Array} Out in the order in which it is to be sent */

export const PRE_SPEECH_MS = 320;
export const HANGOVER_MS = 400;
export const TRAIL_MS = 400;
const COMMIT_MS = 80;
const CLICK_MS = 120;
/** Above the floor: 6 dB is twice the amplitude; steady noise varies by less. */
const BEGINS_DB = 6;
/** Endings are quieter than beginnings. */
const STAYS_DB = 4;

/** People begin a little before they press, and let go a little before they have ended. */
export const PRESS_SLACK_MS = 200;

/** No microphone is quieter; noise suppression may give plain zeros. */
const LEAST_FLOOR_DBFS = -70;
/** Until the room has been heard for a while it counts as quiet: doubt sends. */
const FIRST_FLOOR_DBFS = -60;
/** Nobody speaks for 4 s without a pause of 120 ms. */
const FLOOR_WINDOW = 4000 / CHUNK_MS;
const FLOOR_MEAN = 120 / CHUNK_MS;
/** While somebody speaks, dB per chunk: 2 dB a second. */
const FLOOR_RISE_DB = (2 * CHUNK_MS) / 1000;
/** Hum and handling noise lie below the voice. */
const HIGH_PASS_HZ = 120;

/** How loud each chunk is without its rumble; the louder half counts. */
class LevelMeter {
  constructor() {
    this.keep = Math.exp((-2 * Math.PI * HIGH_PASS_HZ) / WIRE_RATE_HZ);
    this.last = 0;
    this.passed = 0;
  }

  /** @param {Int16Array} pcm @returns {number} dB below full scale */
  push(pcm) {
    const half = Math.ceil(pcm.length / 2);
    let most = 0;
    for (let from = 0; from < pcm.length; from += half) {
      const to = Math.min(from + half, pcm.length);
      let sum = 0;
      for (let i = from; i < to; i += 1) {
        this.passed = this.keep * (this.passed + pcm[i] - this.last);
        this.last = pcm[i];
        sum += this.passed * this.passed;
      }
      most = Math.max(most, sum / (to - from));
    }
    return 10 * Math.log10(most / 32768 ** 2 + 1e-10);
  }
}

/** The level of the room when nobody speaks: the quietest 120 ms of the last 4 s. */
export class NoiseFloor {
  constructor() {
    /** @type {number[]} */
    this.recent = [];
    /** @type {number[]} */
    this.means = new Array(FLOOR_WINDOW).fill(FIRST_FLOOR_DBFS);
    this.dbfs = FIRST_FLOOR_DBFS;
  }

  /**
   * @param {number} levelDbfs
   * @param {boolean} isSpeech
   */
  push(levelDbfs, isSpeech) {
    this.recent.push(levelDbfs);
    if (this.recent.length > FLOOR_MEAN) this.recent.shift();
    const mean = this.recent.reduce((sum, level) => sum + level, 0) / this.recent.length;
    this.means.push(mean);
    this.means.shift();
    const lowest = Math.max(LEAST_FLOOR_DBFS, Math.min(...this.means));
    this.dbfs = Math.min(lowest, isSpeech ? this.dbfs + FLOOR_RISE_DB : lowest);
  }
}

/** The open microphone: finds speech by itself. */
export class SpeechGate {
  constructor() {
    this.meter = new LevelMeter();
    this.floor = new NoiseFloor();
    this.forget();
  }

  forget() {
    /** @type {"silent" | "speaking" | "committed"} */
    this.state = "silent";
    /** Not sent so far, oldest first. @type {Int16Array[]} */
    this.kept = [];
    this.loudMs = 0;
    this.quietMs = 0;
    this.trailMs = 0;
  }

  /** @returns {boolean} whether somebody is taken to speak */
  get isOpen() {
    return this.state === "committed";
  }

  /** @param {Int16Array} pcm 40 ms @returns {Out[]} */
  push(pcm) {
    const level = this.meter.push(pcm);
    this.floor.push(level, this.isOpen);
    const isLoud = level > this.floor.dbfs + (this.isOpen ? STAYS_DB : BEGINS_DB);
    this.quietMs = isLoud ? 0 : this.quietMs + CHUNK_MS;
    this.kept.push(pcm);
    /** @type {Out[]} */
    const out = [];
    if (this.state === "silent" && isLoud) {
      this.state = "speaking";
      this.loudMs = 0;
    }
    if (this.state === "speaking") {
      if (isLoud) this.loudMs += CHUNK_MS;
      if (this.loudMs >= COMMIT_MS) {
        this.state = "committed";
        out.push("started");
      } else if (this.quietMs >= CLICK_MS) {
        this.state = "silent";
      }
    }
    if (this.isOpen || this.trailMs > 0) out.push(...this.kept.splice(0));
    if (this.trailMs > 0) this.trailMs -= CHUNK_MS;
    if (this.isOpen && this.quietMs >= HANGOVER_MS) {
      this.state = "silent";
      this.trailMs = TRAIL_MS;
      out.push("ended");
    }
    if (this.isOpen) this.trailMs = 0;
    if (this.state === "silent") this.kept.splice(0, this.kept.length - PRE_SPEECH_MS / CHUNK_MS);
    return out;
  }

  /** The microphone goes away or is muted. @returns {Out[]} */
  close() {
    const wasOpen = this.isOpen;
    this.forget();
    return wasOpen ? ["ended"] : [];
  }
}

/** Push-to-talk: the person says when. */
export class PushToTalk {
  constructor() {
    this.isPressed = false;
    /** Between "started" and "ended". */
    this.isOpen = false;
    /** @type {Int16Array[]} */
    this.kept = [];
    this.slackMs = 0;
    this.trailMs = 0;
  }

  press() {
    this.isPressed = true;
  }

  release() {
    this.isPressed = false;
  }

  /** @param {Int16Array} pcm 40 ms @returns {Out[]} */
  push(pcm) {
    /** @type {Out[]} */
    const out = [];
    if (this.isPressed) {
      if (!this.isOpen) out.push("started", ...this.kept.splice(0));
      this.isOpen = true;
      this.slackMs = PRESS_SLACK_MS;
      this.trailMs = 0;
      out.push(pcm);
    } else if (this.isOpen) {
      out.push(pcm);
      this.slackMs -= CHUNK_MS;
      if (this.slackMs <= 0) {
        this.isOpen = false;
        this.trailMs = TRAIL_MS;
        out.push("ended");
      }
    } else if (this.trailMs > 0) {
      // What is said after letting go is nobody's business: the end is plain silence.
      this.trailMs -= CHUNK_MS;
      out.push(new Int16Array(pcm.length));
    } else {
      this.kept.push(pcm);
      if (this.kept.length > PRESS_SLACK_MS / CHUNK_MS) this.kept.shift();
    }
    return out;
  }

  /** @returns {Out[]} */
  close() {
    const wasOpen = this.isOpen;
    Object.assign(this, new PushToTalk());
    return wasOpen ? ["ended"] : [];
  }
}
