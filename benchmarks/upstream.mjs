/**
 * How much of the microphone's sound leaves the browser, and whether all speech does.
 *
 *     node benchmarks/upstream.mjs
 *
 * A minute of conversation in which the caller speaks a third of the time: the golden
 * sentence (five seconds, whole and in parts) and the golden "네", at 24 kHz, in rooms of
 * several noises.  The noise is fixed; the table is the same everywhere.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inflateRawSync } from "node:zlib";

import {
  CHUNK_MS, CHUNK_SAMPLES, Resampler, WIRE_RATE_HZ, pcm16ToFloat,
} from "../static/js/call/pcm.js";
import { SpeechGate } from "../static/js/call/speech.js";

const GOLDEN = new URL("../realtime/tests/golden/speech.npz", import.meta.url);
const GOLDEN_HZ = 8000;

/** One minute: where each piece begins, which part of the sentence it is, in seconds. */
const TURNS = [
  { at: 2.0, from: 0, to: 4.9 },
  { at: 11.5, from: 1.2, to: 3.8 },
  { at: 18.0, from: 0, to: 0.314, isYes: true },
  { at: 23.0, from: 0, to: 3.4 },
  { at: 32.0, from: 2.6, to: 4.9 },
  { at: 38.5, from: 0, to: 0.314, isYes: true },
  { at: 43.0, from: 0, to: 4.9 },
  { at: 54.0, from: 3.4, to: 4.8 },
];

/** @type {Record<string, Float32Array>} */
const ARRAYS = {};

/** Read the arrays of an .npz of one-dimensional int16. @returns {Record<string, Float32Array>} */
export function golden() {
  if (ARRAYS.sentence) return ARRAYS;
  const file = readFileSync(GOLDEN);
  // The central directory knows the sizes; the local headers need not.
  let at = file.readUInt32LE(file.lastIndexOf(Buffer.from("PK\x05\x06", "latin1")) + 16);
  while (file.readUInt32LE(at) === 0x02014b50) {
    const nameLength = file.readUInt16LE(at + 28);
    const name = file.toString("latin1", at + 46, at + 46 + nameLength).replace(".npy", "");
    const local = file.readUInt32LE(at + 42);
    const start = local + 30 + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28);
    const packed = file.subarray(start, start + file.readUInt32LE(at + 20));
    const npy = file.readUInt16LE(at + 10) === 8 ? inflateRawSync(packed) : packed;
    const data = npy.subarray(10 + npy.readUInt16LE(8));
    const pcm = new Int16Array(data.length / 2).map((_, i) => data.readInt16LE(2 * i));
    const sound = new Resampler(GOLDEN_HZ, WIRE_RATE_HZ).process(pcm16ToFloat(pcm));
    ARRAYS[name] = toRms(sound, 1);
    at += 46 + nameLength + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32);
  }
  return ARRAYS;
}

/** @param {Float32Array} sound @param {number} rms @returns {Float32Array} */
export function toRms(sound, rms) {
  const power = sound.reduce((sum, value) => sum + value * value, 0) / sound.length;
  return sound.map((value) => (value * rms) / Math.sqrt(power));
}

/** @param {number} dbfs @returns {number} */
export const amplitude = (dbfs) => 10 ** (dbfs / 20);

/** @type {Map<number, Float32Array>} */
const ROOMS = new Map();

/** Noise of a room, always the same: more below than above. @returns {Float32Array} of RMS 1 */
export function room(seconds) {
  const known = ROOMS.get(seconds);
  if (known) return known;
  let state = 1;
  let low = 0;
  const sound = new Float32Array(seconds * WIRE_RATE_HZ);
  for (let i = 0; i < sound.length; i += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes' generator
    low = 0.9 * low + (state / 2 ** 31 - 1);
    sound[i] = low;
  }
  ROOMS.set(seconds, toRms(sound, 1));
  return room(seconds);
}

/**
 * @param {object} options
 * @param {number} options.speechDbfs RMS of the golden sentence
 * @param {number} options.noiseDbfs RMS of the room
 * @param {typeof TURNS} [options.turns]
 * @param {number} [options.seconds]
 * @returns {{pcm: Int16Array, spoken: {from: number, to: number}[]}} times in samples
 */
export function conversation({ speechDbfs, noiseDbfs, turns = TURNS, seconds = 60 }) {
  const { sentence, yes } = golden();
  const sound = room(seconds).map((value) => value * amplitude(noiseDbfs));
  const spoken = turns.map(({ at, from, to, isYes }) => {
    const piece = (isYes ? yes : sentence).slice(from * WIRE_RATE_HZ, to * WIRE_RATE_HZ);
    const start = Math.round(at * WIRE_RATE_HZ);
    piece.forEach((value, i) => {
      sound[start + i] += value * amplitude(speechDbfs);
    });
    return { from: start, to: start + piece.length };
  });
  const pcm = Int16Array.from(sound, (value) =>
    Math.max(-32768, Math.min(32767, Math.round(value * 32767))));
  return { pcm, spoken };
}

/**
 * Let the gate listen.
 * @param {Int16Array} pcm
 * @param {{push: (pcm: Int16Array) => (string | Int16Array)[]}} gate
 * @returns {{sent: Set<number>, order: (string | number)[]}} numbers of the chunks sent
 */
export function listen(pcm, gate = new SpeechGate()) {
  const numbers = new Map();
  /** @type {(string | number)[]} */
  const order = [];
  for (let n = 0; (n + 1) * CHUNK_SAMPLES <= pcm.length; n += 1) {
    const chunk = pcm.slice(n * CHUNK_SAMPLES, (n + 1) * CHUNK_SAMPLES);
    numbers.set(chunk, n);
    for (const out of gate.push(chunk)) {
      order.push(typeof out === "string" ? out : numbers.get(out) ?? -1);
    }
  }
  return { sent: new Set(order.filter((out) => typeof out === "number")), order };
}

/** @returns {number} ms of speech that was not sent */
export function lostMs(spoken, sent) {
  let lost = 0;
  for (const { from, to } of spoken) {
    for (let n = Math.floor(from / CHUNK_SAMPLES); n * CHUNK_SAMPLES < to; n += 1) {
      if (!sent.has(n)) lost += CHUNK_MS;
    }
  }
  return lost;
}

function main() {
  console.log("| speech, dBFS | noise, dBFS | spoken, s | sent, s | saved, % | speech not sent, ms |");
  console.log("|---|---|---|---|---|---|");
  for (const [speechDbfs, noiseDbfs] of [[-26, -66], [-26, -50], [-26, -40], [-40, -56], [-46, -66]]) {
    const { pcm, spoken } = conversation({ speechDbfs, noiseDbfs });
    const { sent } = listen(pcm);
    const seconds = (sent.size * CHUNK_MS) / 1000;
    const said = spoken.reduce((sum, { from, to }) => sum + to - from, 0) / WIRE_RATE_HZ;
    const cells = [speechDbfs, noiseDbfs, said.toFixed(1), seconds.toFixed(1),
      ((1 - seconds / 60) * 100).toFixed(0), lostMs(spoken, sent)];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
