import assert from "node:assert/strict";
import test from "node:test";

import { Chunker, Resampler, floatToPcm16, levelDbfs, pcm16ToFloat } from "./pcm.js";

/** @param {number} hz @param {number} rateHz @param {number} count */
function tone(hz, rateHz, count, amplitude = 0.5) {
  return Float32Array.from({ length: count }, (_, i) =>
    amplitude * Math.sin((2 * Math.PI * hz * i) / rateHz));
}

/** Feed in pieces of `size`, as a worklet does. */
function streamed(resampler, samples, size) {
  const out = [];
  for (let i = 0; i < samples.length; i += size) {
    out.push(...resampler.process(samples.subarray(i, i + size)));
  }
  return Float32Array.from(out);
}

function rms(samples) {
  return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
}

test("PCM16 keeps full scale and cuts what is louder", () => {
  assert.deepEqual([...floatToPcm16(Float32Array.of(0, 1, -1, 2, -2))],
    [0, 32767, -32768, 32767, -32768]);
});

test("PCM16 and back loses at most half a step", () => {
  const sound = tone(440, 24000, 2400);
  const back = pcm16ToFloat(floatToPcm16(sound));
  back.forEach((value, i) => assert.ok(Math.abs(value - sound[i]) < 2 / 32768));
});

test("the level of a full-scale sine is -3 dBFS, of silence -100", () => {
  assert.ok(Math.abs(levelDbfs(tone(1000, 24000, 2400, 1)) + 3.01) < 0.05);
  assert.equal(levelDbfs(new Float32Array(100)), -100);
});

for (const [from, to] of [[48000, 24000], [44100, 24000], [16000, 24000], [24000, 48000], [24000, 44100], [96000, 24000]]) {
  test(`${from} to ${to} Hz gives as many samples as time passes`, () => {
    const out = streamed(new Resampler(from, to), tone(1000, from, from), 128);
    assert.ok(Math.abs(out.length - to) < to / 400, `${out.length}`);
  });

  test(`${from} to ${to} Hz keeps a tone: right pitch, right level`, () => {
    const out = streamed(new Resampler(from, to), tone(1000, from, from), 128);
    const middle = out.subarray(to / 4, (3 * to) / 4);
    assert.ok(Math.abs(rms(middle) - 0.5 / Math.SQRT2) < 0.003);
    let crossings = 0;
    for (let i = 1; i < middle.length; i += 1) {
      if (middle[i - 1] < 0 && middle[i] >= 0) crossings += 1;
    }
    assert.ok(Math.abs(crossings - 500) <= 1, `${crossings}`);
  });

  test(`${from} to ${to} Hz does not depend on how the stream is cut`, () => {
    const sound = tone(700, from, 9600);
    const whole = new Resampler(from, to).process(sound);
    const pieces = streamed(new Resampler(from, to), sound, 37);
    assert.deepEqual(pieces, whole);
  });
}

test("what 24 kHz cannot hold is filtered out, not folded back", () => {
  const out = streamed(new Resampler(48000, 24000), tone(15000, 48000, 48000), 128);
  assert.ok(rms(out.subarray(1000)) < 0.5 * 10 ** (-60 / 20), `${rms(out.subarray(1000))}`);
});

test("the same rate passes through untouched", () => {
  const sound = tone(500, 24000, 128);
  assert.equal(new Resampler(24000, 24000).process(sound), sound);
});

test("a minute of stream does not drift", () => {
  const resampler = new Resampler(44100, 24000);
  let count = 0;
  const piece = new Float32Array(44100);
  for (let second = 0; second < 60; second += 1) count += resampler.process(piece).length;
  assert.ok(Math.abs(count - 60 * 24000) < 60, `${count}`);
});

test("chunks have one length and keep the order", () => {
  const chunker = new Chunker(5);
  const out = [1, 2, 3].flatMap((n) =>
    chunker.push(Float32Array.from({ length: 4 }, (_, i) => (n - 1) * 4 + i)));
  assert.deepEqual(out.map((chunk) => [...chunk]), [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]);
});
