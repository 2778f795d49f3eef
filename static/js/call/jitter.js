/**
 * Play sound that arrives unevenly.  Pure; its clock is the samples it is asked for.
 *
 * Starts when enough is waiting, waits longer on a line that proved uneven, and gets
 * rid of delay only in silence: nothing that was said is ever skipped.
 */

const BLOCK_MS = 10;
/** Below this peak a block is silence (about -50 dBFS). */
const SILENT_PEAK = 0.003;

export class JitterBuffer {
  /**
   * @param {object} [options]
   * @param {number} [options.rateHz]
   * @param {number} [options.targetMs] wait for this much before starting
   * @param {number} [options.maxTargetMs] never wait for more than this
   * @param {number} [options.slackMs] tolerate this much above the target
   */
  constructor({ rateHz = 24000, targetMs = 80, maxTargetMs = 400, slackMs = 160 } = {}) {
    this.rateHz = rateHz;
    this.target = (rateHz * targetMs) / 1000;
    this.maxTarget = (rateHz * maxTargetMs) / 1000;
    this.slack = (rateHz * slackMs) / 1000;
    this.block = (rateHz * BLOCK_MS) / 1000;
    /** @type {Float32Array[]} */
    this.chunks = [];
    this.head = 0;
    this.depth = 0;
    this.isPlaying = false;
    this.waited = 0;
    this.sinceUnderrun = Infinity;
    this.last = 0;
    this.underruns = 0;
    this.skipped = 0;
  }

  /** @returns {number} how much sound is waiting, in milliseconds */
  get depthMs() {
    return (this.depth * 1000) / this.rateHz;
  }

  /** @param {Float32Array} samples */
  push(samples) {
    if (samples.length === 0) return;
    if (this.depth === 0 && this.sinceUnderrun < this.rateHz / 2) {
      // It ran dry in the middle of a sentence, not at its end.
      this.underruns += 1;
      this.target = Math.min(this.maxTarget, this.target * 1.5);
      this.sinceUnderrun = Infinity;
    }
    this.chunks.push(samples);
    this.depth += samples.length;
  }

  /**
   * @param {number} count
   * @returns {Float32Array} exactly so many samples; silence where there is no sound
   */
  pull(count) {
    const out = new Float32Array(count);
    this.sinceUnderrun += count;
    if (!this.isPlaying && !this.mayStart(count)) {
      this.fade(out, 0);
      return out;
    }
    this.catchUp();
    const got = this.take(out);
    if (got < count) {
      this.fade(out, got);
      this.isPlaying = false;
      this.waited = 0;
      this.sinceUnderrun = 0;
    } else {
      this.last = out[count - 1];
    }
    return out;
  }

  /** @param {number} count @returns {boolean} */
  mayStart(count) {
    if (this.depth === 0) return false;
    this.waited += count;
    this.isPlaying = this.depth >= this.target || this.waited >= this.target;
    return this.isPlaying;
  }

  /** Drop silent blocks at the head while more is waiting than should be. */
  catchUp() {
    while (this.depth > this.target + this.slack && this.isSilent(this.block)) {
      this.take(new Float32Array(this.block));
      this.skipped += this.block;
    }
  }

  /** @param {number} count @returns {boolean} whether the next samples are silence */
  isSilent(count) {
    let index = 0;
    let offset = this.head;
    for (let seen = 0; seen < count; seen += 1) {
      while (offset >= this.chunks[index].length) {
        index += 1;
        offset = 0;
      }
      if (Math.abs(this.chunks[index][offset]) > SILENT_PEAK) return false;
      offset += 1;
    }
    return true;
  }

  /** @param {Float32Array} out @returns {number} how many samples there were */
  take(out) {
    let written = 0;
    while (written < out.length && this.chunks.length > 0) {
      const chunk = this.chunks[0];
      const count = Math.min(out.length - written, chunk.length - this.head);
      out.set(chunk.subarray(this.head, this.head + count), written);
      written += count;
      this.head += count;
      if (this.head === chunk.length) {
        this.chunks.shift();
        this.head = 0;
      }
    }
    this.depth -= written;
    return written;
  }

  /** Let the last sample die away instead of clicking. @param {Float32Array} out @param {number} from */
  fade(out, from) {
    let value = from > 0 ? out[from - 1] : this.last;
    for (let i = from; i < out.length && Math.abs(value) > 1e-4; i += 1) {
      value *= 0.95;
      out[i] = value;
    }
    this.last = out.length > 0 ? out[out.length - 1] : this.last;
  }
}
