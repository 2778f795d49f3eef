import assert from "node:assert/strict";
import { test } from "node:test";

import { lastWord, putAway, Reading, SHOWN, SLACK } from "./reading.js";

const END = { id: "u-1", letters: 12 };

test("who follows has nothing new and no mark", () => {
  const reading = new Reading();
  assert.ok(reading.arrived("u-1"));
  assert.ok(!reading.arrived("u-1")); // it has only grown
  assert.equal(reading.fresh.size, 0);
  assert.equal(reading.mark, null);
});

test("a pause marks the last word, and captions keep arriving", () => {
  const reading = new Reading();
  reading.arrived("u-1");
  reading.pause(END);
  for (const id of ["u-1", "u-2", "u-3", "u-3"]) reading.arrived(id);
  assert.equal(reading.fresh.size, 2);
  assert.deepEqual(reading.mark, END);
  assert.ok(!reading.follows);
  // Coming to the end does not end a pause, and scrolling does not move the mark.
  reading.scrolled(false, { id: "u-3", letters: 1 });
  reading.scrolled(true, { id: "u-3", letters: 1 });
  assert.deepEqual(reading.mark, END);
  reading.goOn();
  reading.scrolled(true, null);
  assert.equal(reading.mark, null);
  assert.equal(reading.fresh.size, 0);
});

test("scrolling back stops it, the end of the page goes on", () => {
  const reading = new Reading();
  reading.scrolled(false, END);
  assert.deepEqual(reading.mark, END);
  reading.arrived("u-2");
  assert.equal(reading.fresh.size, 1);
  reading.scrolled(true, null);
  assert.ok(reading.follows);
  assert.equal(reading.mark, null);
});

test("who skips to the newest can still go back to the mark", () => {
  const reading = new Reading();
  reading.pause(END);
  reading.arrived("u-2");
  reading.skip();
  assert.ok(reading.follows);
  assert.equal(reading.fresh.size, 0);
  assert.deepEqual(reading.mark, END);
});

test("who looks away misses nothing", () => {
  const reading = new Reading();
  reading.left(END);
  assert.ok(!reading.returned());
  assert.equal(reading.mark, null);
  reading.left(END);
  reading.arrived("u-2");
  assert.ok(reading.returned());
  assert.deepEqual(reading.mark, END);
});

test("the last word is whole, in Korean as well", () => {
  assert.deepEqual(lastWord("At seven o'clock", 16), [9, 16]);
  assert.deepEqual(lastWord("At seven ", 9), [3, 8]);
  assert.deepEqual(lastWord("내일 세 시에", 7), [5, 7]);
  assert.deepEqual(lastWord("", 0), [0, 0]);
});

test("of ten thousand captions only the newest are laid out", () => {
  assert.equal(putAway(SHOWN + SLACK, 0, true), 0);
  assert.equal(putAway(10_000, 0, true), 10_000 - SHOWN);
  assert.equal(putAway(10_050, 10_000 - SHOWN, true), 10_000 - SHOWN); // not with each one
  // Who reads the earlier ones keeps them, and a list that began anew hides none.
  assert.equal(putAway(10_500, 300, false), 300);
  assert.equal(putAway(3, 300, true), 0);
});
