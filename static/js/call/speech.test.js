import assert from "node:assert/strict";
import test from "node:test";

import { amplitude, conversation, listen, lostMs, room } from "../../../benchmarks/upstream.mjs";
import { CHUNK_MS, CHUNK_SAMPLES, WIRE_RATE_HZ } from "./pcm.js";
import { HANGOVER_MS, PRESS_SLACK_MS, PRE_SPEECH_MS, PushToTalk, SpeechGate, TRAIL_MS } from "./speech.js";

/** @param {Float32Array} sound @param {number} dbfs */
const pcmOf = (sound, dbfs) => Int16Array.from(sound, (value) =>
  Math.max(-32768, Math.min(32767, Math.round(value * amplitude(dbfs) * 32767))));

/** Chunks of a steady tone. */
const tone = (chunks, dbfs) => pcmOf(
  Float32Array.from({ length: chunks * CHUNK_SAMPLES },
    (_, i) => Math.SQRT2 * Math.sin((2 * Math.PI * 300 * i) / WIRE_RATE_HZ)), dbfs);

/** @param {...Int16Array} parts */
function joined(...parts) {
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

test("a normal conversation sends at least 40 % less, and every word", () => {
  for (const [speechDbfs, noiseDbfs] of [[-26, -66], [-26, -50], [-40, -56], [-46, -66]]) {
    const { pcm, spoken } = conversation({ speechDbfs, noiseDbfs });
    const { sent, order } = listen(pcm);
    const where = `speech ${speechDbfs} dBFS in noise of ${noiseDbfs}`;
    assert.ok((sent.size * CHUNK_MS) / 60_000 <= 0.6, `${where}: ${sent.size * CHUNK_MS} ms`);
    assert.equal(lostMs(spoken, sent), 0, where);
    const marks = order.filter((out) => typeof out === "string");
    assert.deepEqual(new Set(marks.filter((_, i) => i % 2 === 0)), new Set(["started"]), where);
  }
});

test("no first syllable is lost, however quietly it begins", () => {
  for (const noiseDbfs of [-76, -66, -56, -46]) {
    for (const aboveNoise of [12, 20, 30]) {
      for (const fadeMs of [0, 80, 200]) {
        const { pcm, spoken } = conversation({
          speechDbfs: noiseDbfs + aboveNoise, noiseDbfs, seconds: 8,
          turns: [{ at: 5.013, from: 0, to: 2.5 }],
        });
        const [{ from }] = spoken;
        const quiet = conversation({ speechDbfs: -200, noiseDbfs, seconds: 8, turns: [] }).pcm;
        for (let i = 0; i < (fadeMs * WIRE_RATE_HZ) / 1000; i += 1) {
          const share = (i / ((fadeMs * WIRE_RATE_HZ) / 1000)) ** 2;
          pcm[from + i] = Math.round(quiet[from + i] + share * (pcm[from + i] - quiet[from + i]));
        }
        // A fade of which this is the first half lies below the noise.
        spoken[0].from += (fadeMs / 2) * (WIRE_RATE_HZ / 1000);
        const { sent } = listen(pcm);
        assert.equal(lostMs(spoken, sent), 0,
          `${aboveNoise} dB above noise of ${noiseDbfs}, fading in for ${fadeMs} ms`);
      }
    }
  }
});

test("who speaks before the room is known is heard as well", () => {
  const { pcm, spoken } = conversation({
    speechDbfs: -45, noiseDbfs: -66, seconds: 6, turns: [{ at: 0, from: 0, to: 4.9 }],
  });
  assert.equal(lostMs(spoken, listen(pcm).sent), 0);
});

test("a minute of speech without a rest is sent to its end", () => {
  const turns = Array.from({ length: 12 }, (_, i) => ({ at: 2 + 4.9 * i, from: 0, to: 4.9 }));
  const { pcm, spoken } = conversation({ speechDbfs: -40, noiseDbfs: -60, seconds: 64, turns });
  assert.equal(lostMs(spoken, listen(pcm).sent), 0);
});

test("silence, steady noise and a click send nothing once the room is known", () => {
  const still = new Int16Array(10 * WIRE_RATE_HZ);
  assert.equal(listen(still).sent.size, 0);
  const noise = pcmOf(room(20), -50);
  const later = [...listen(noise).sent].filter((n) => n * CHUNK_MS > 9000);
  assert.deepEqual(later, []);
  const click = new Int16Array(10 * WIRE_RATE_HZ);
  click.fill(8000, 200_000, 200_100);
  assert.equal(listen(click).sent.size, 0);
});

test("noise that begins and stays becomes the room", () => {
  const pcm = joined(pcmOf(room(6), -66), pcmOf(room(30), -46));
  const { sent } = listen(pcm);
  assert.equal([...sent].filter((n) => n * CHUNK_MS > 6000 + 14_000).length, 0);
});

test("speech is framed by its beginning, its end, and 400 ms for the server to notice", () => {
  const quiet = tone(25, -90);
  const { order } = listen(joined(quiet, tone(25, -30), quiet, quiet));
  const ended = order.indexOf("ended");
  const first = 25 - PRE_SPEECH_MS / CHUNK_MS;
  const last = /** @type {number} */ (order[ended - 1]);
  const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  assert.deepEqual(order, [
    "started", ...numbers(first, last), "ended", ...numbers(last + 1, last + TRAIL_MS / CHUNK_MS),
  ]);
  const hungOverMs = (last - 49) * CHUNK_MS;
  assert.ok(hungOverMs === HANGOVER_MS || hungOverMs === HANGOVER_MS + CHUNK_MS, `${hungOverMs}`);
});

test("whoever goes on at once is neither cut nor sent twice", () => {
  for (const pauseChunks of [5, 11, 15, 21, 24, 30]) {
    const pcm = joined(tone(25, -90), tone(25, -30), tone(pauseChunks, -90), tone(25, -30), tone(40, -90));
    const numbers = listen(pcm).order.filter((out) => typeof out === "number");
    assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b), `${pauseChunks}`);
    for (let n = 25; n < 50; n += 1) {
      assert.ok(numbers.includes(n) && numbers.includes(n + 25 + pauseChunks));
    }
  }
});

test("what begins at once fits into what the server had not yet filled with silence", () => {
  const gate = new SpeechGate();
  for (let n = 0; n < 50; n += 1) gate.push(tone(1, -90));
  let burst = 0;
  while (burst === 0) burst = gate.push(tone(1, -30)).filter((out) => typeof out !== "string").length;
  assert.equal(burst * CHUNK_MS, 400);
});

test("a microphone that goes away ends what was being said, once", () => {
  const gate = new SpeechGate();
  for (let n = 0; n < 20; n += 1) gate.push(tone(1, -30));
  assert.deepEqual(gate.close(), ["ended"]);
  assert.deepEqual(gate.close(), []);
});

test("push-to-talk sends what is said while the key is down, and a little around it", () => {
  const talk = new PushToTalk();
  const pcm = pcmOf(room(4), -30);
  const out = [];
  for (let n = 0; (n + 1) * CHUNK_SAMPLES <= pcm.length; n += 1) {
    if (n === 30) talk.press();
    if (n === 50) talk.release();
    const chunk = pcm.slice(n * CHUNK_SAMPLES, (n + 1) * CHUNK_SAMPLES);
    for (const what of talk.push(chunk)) {
      if (typeof what === "string") out.push(what);
      else out.push(what === chunk ? n : what.some((value) => value) ? "before" : "silence");
    }
  }
  const slack = PRESS_SLACK_MS / CHUNK_MS;
  const pressed = Array.from({ length: 20 + slack }, (_, i) => 30 + i);
  assert.deepEqual(out, [
    "started", ...new Array(slack).fill("before"), ...pressed, "ended",
    ...new Array(TRAIL_MS / CHUNK_MS).fill("silence"),
  ]);
});

test("a short press is one utterance, and pressing again at once goes on", () => {
  const talk = new PushToTalk();
  const push = (n) => Array.from({ length: n }, () => talk.push(tone(1, -30))).flat()
    .filter((out) => typeof out === "string");
  talk.press();
  assert.deepEqual(push(1), ["started"]);
  talk.release();
  assert.deepEqual(push(2), []);
  talk.press();
  assert.deepEqual(push(3), []);
  talk.release();
  assert.deepEqual(push(20), ["ended"]);
});
