/**
 * Sound as numbers.  Pure: no DOM, no Web Audio, so node can test it.
 *
 * Floats are in -1 … 1; PCM16 is what travels: little-endian, mono, 24 kHz.
 */

export const WIRE_RATE_HZ = 24000;
export const CHUNK_MS = 40;
export const CHUNK_SAMPLES = (WIRE_RATE_HZ * CHUNK_MS) / 1000;

/** Zero crossings of the sinc on each side; 16 keeps speech clean up to 10 kHz. */
const HALF_WIDTH = 16;
/** Share of the narrower band that passes; the rest is the filter's slope. */
const PASSBAND = 0.92;

/**
 * @param {Float32Array} samples
 * @returns {Int16Array} the same sound; louder than full scale is cut off
 */
export function floatToPcm16(samples) {
  const pcm = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i += 1) {
    const value = Math.max(-1, Math.min(1, samples[i]));
    pcm[i] = Math.round(value < 0 ? value * 32768 : value * 32767);
  }
  return pcm;
}

/**
 * @param {Int16Array} pcm
 * @returns {Float32Array}
 */
export function pcm16ToFloat(pcm) {
  const samples = new Float32Array(pcm.length);
  for (let i = 0; i < pcm.length; i += 1) samples[i] = pcm[i] / 32768;
  return samples;
}

/**
 * @param {Float32Array} samples
 * @returns {number} level in dB below full scale, at least -100
 */
export function levelDbfs(samples) {
  let sum = 0;
  for (const value of samples) sum += value * value;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  return Math.max(-100, 20 * Math.log10(rms || 1e-5));
}

/** @param {number} a @param {number} b @returns {number} */
function gcd(a, b) {
  return b === 0 ? a : gcd(b, a % b);
}

/** @param {number} x in -1 … 1 @returns {number} Blackman window */
function blackman(x) {
  return 0.42 + 0.5 * Math.cos(Math.PI * x) + 0.08 * Math.cos(2 * Math.PI * x);
}

/**
 * Change the sample rate of a stream, piece by piece, by any rational factor.
 *
 * A windowed sinc, one row of weights per phase.  Nothing is lost or repeated
 * between pieces; positions are whole numbers, so a long call does not drift.
 */
export class Resampler {
  /** @param {number} fromHz @param {number} toHz */
  constructor(fromHz, toHz) {
    const divisor = gcd(fromHz, toHz);
    /** Input moves by `step / phases` of a sample per output sample. */
    this.step = fromHz / divisor;
    this.phases = toHz / divisor;
    this.isNeeded = this.step !== this.phases;
    const cutoff = PASSBAND * Math.min(1, toHz / fromHz);
    this.reach = Math.ceil(HALF_WIDTH / cutoff);
    this.weights = this.isNeeded ? this.rows(cutoff) : [];
    /** Starts with silence, so the first output is centred on the first input. */
    this.held = new Float32Array(this.reach - 1);
    /** Where the next output lies, in phases after the centre of `held`. */
    this.position = 0;
  }

  /** @param {number} cutoff @returns {Float32Array[]} */
  rows(cutoff) {
    return Array.from({ length: this.phases }, (_, phase) => {
      const row = new Float32Array(2 * this.reach);
      let sum = 0;
      for (let tap = 0; tap < row.length; tap += 1) {
        const x = tap - (this.reach - 1) - phase / this.phases;
        const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
        row[tap] = Math.abs(x) >= this.reach ? 0 : sinc * blackman(x / this.reach);
        sum += row[tap];
      }
      return row.map((weight) => weight / sum);
    });
  }

  /**
   * @param {Float32Array} input any length
   * @returns {Float32Array} as much output as the input so far allows
   */
  process(input) {
    if (!this.isNeeded) return input;
    const all = new Float32Array(this.held.length + input.length);
    all.set(this.held);
    all.set(input, this.held.length);
    const width = 2 * this.reach;
    const output = [];
    let start = Math.floor(this.position / this.phases);
    while (start + width <= all.length) {
      const row = this.weights[this.position % this.phases];
      let value = 0;
      for (let tap = 0; tap < width; tap += 1) value += row[tap] * all[start + tap];
      output.push(value);
      this.position += this.step;
      start = Math.floor(this.position / this.phases);
    }
    const used = Math.min(start, all.length);
    this.held = all.slice(used);
    this.position -= used * this.phases;
    return Float32Array.from(output);
  }
}

/** Cut a stream into pieces of one length. */
export class Chunker {
  /** @param {number} size in samples */
  constructor(size) {
    this.size = size;
    this.chunk = new Float32Array(size);
    this.filled = 0;
  }

  /**
   * @param {Float32Array} samples
   * @returns {Float32Array[]} the pieces that became full
   */
  push(samples) {
    const full = [];
    let read = 0;
    while (read < samples.length) {
      const count = Math.min(this.size - this.filled, samples.length - read);
      this.chunk.set(samples.subarray(read, read + count), this.filled);
      this.filled += count;
      read += count;
      if (this.filled === this.size) {
        full.push(this.chunk);
        this.chunk = new Float32Array(this.size);
        this.filled = 0;
      }
    }
    return full;
  }
}
