import assert from "node:assert/strict";
import test from "node:test";

import { JitterBuffer } from "./jitter.js";

const MS = 24;

/** @param {number} ms @param {number} value */
function sound(ms, value = 0.5) {
  return new Float32Array(ms * MS).fill(value);
}

test("it waits for the target before it plays", () => {
  const buffer = new JitterBuffer({ targetMs: 80 });
  buffer.push(sound(40));
  assert.ok(buffer.pull(10 * MS).every((value) => value === 0));
  buffer.push(sound(40));
  assert.ok(buffer.pull(10 * MS).every((value) => value === 0.5));
});

test("a short sound plays although the target is never reached", () => {
  const buffer = new JitterBuffer({ targetMs: 80 });
  buffer.push(sound(20));
  let heard = 0;
  for (let i = 0; i < 20; i += 1) heard += buffer.pull(10 * MS).filter((v) => v === 0.5).length;
  assert.equal(heard, 20 * MS);
});

test("it always gives exactly what is asked for", () => {
  const buffer = new JitterBuffer();
  assert.equal(buffer.pull(128).length, 128);
  buffer.push(sound(100));
  assert.equal(buffer.pull(77).length, 77);
});

test("everything that was said comes out, in order, through jitter", () => {
  const buffer = new JitterBuffer({ targetMs: 60 });
  const said = Float32Array.from({ length: 2000 * MS }, (_, i) => 0.1 + (i % 997) / 2000);
  const heard = [];
  let sent = 0;
  for (let ms = 0; ms < 4000; ms += 10) {
    // Bursts: nothing for 100 ms, then 100 ms at once.
    if (ms % 100 === 0 && sent < said.length) {
      buffer.push(said.subarray(sent, sent + 100 * MS));
      sent += 100 * MS;
    }
    heard.push(...buffer.pull(10 * MS));
  }
  const spoken = heard.filter((value) => said.includes(value));
  assert.ok(spoken.length >= said.length);
  let next = 0;
  for (const value of heard) if (value === said[next]) next += 1;
  assert.equal(next, said.length);
});

test("a gap in a sentence makes it wait longer the next time", () => {
  const buffer = new JitterBuffer({ targetMs: 80 });
  const before = buffer.target;
  buffer.push(sound(80));
  for (let i = 0; i < 10; i += 1) buffer.pull(10 * MS);
  buffer.push(sound(80));
  assert.equal(buffer.underruns, 1);
  assert.ok(buffer.target > before);
});

test("a pause between sentences does not", () => {
  const buffer = new JitterBuffer({ targetMs: 80 });
  const before = buffer.target;
  buffer.push(sound(80));
  for (let i = 0; i < 100; i += 1) buffer.pull(10 * MS);
  buffer.push(sound(80));
  assert.equal(buffer.underruns, 0);
  assert.equal(buffer.target, before);
});

test("the target has a limit", () => {
  const buffer = new JitterBuffer({ targetMs: 80, maxTargetMs: 200 });
  for (let round = 0; round < 20; round += 1) {
    buffer.push(sound(10));
    for (let i = 0; i < 30; i += 1) buffer.pull(10 * MS);
  }
  assert.ok(buffer.target <= 200 * MS);
});

test("delay is got rid of in silence", () => {
  const buffer = new JitterBuffer({ targetMs: 80, slackMs: 160 });
  buffer.push(sound(1000, 0));
  buffer.push(sound(100, 0.5));
  buffer.pull(128);
  assert.ok(buffer.depthMs <= 240);
});

test("delay is never got rid of in speech", () => {
  const buffer = new JitterBuffer({ targetMs: 80, slackMs: 160 });
  buffer.push(sound(1000, 0.5));
  buffer.pull(240);
  assert.equal(buffer.depth, 1000 * MS - 240);
  assert.equal(buffer.skipped, 0);
});

test("the end of a sound dies away instead of clicking", () => {
  const buffer = new JitterBuffer({ targetMs: 10 });
  buffer.push(sound(20, 0.8));
  buffer.pull(10 * MS);
  const tail = buffer.pull(20 * MS);
  for (let i = 1; i < tail.length; i += 1) {
    assert.ok(Math.abs(tail[i] - tail[i - 1]) < 0.05);
  }
  assert.equal(tail.at(-1), 0);
});
