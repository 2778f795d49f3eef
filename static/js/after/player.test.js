import assert from "node:assert/strict";
import { test } from "node:test";

import { captionAt, clock } from "./player.js";

const CAPTIONS = [
  { from: 0, to: 1000 },
  { from: 2000, to: 6000 },
  { from: 3000, to: 3500 },
  { from: 8000, to: 9000 },
];

test("the caption that is being spoken is the one", () => {
  assert.equal(captionAt(CAPTIONS, 500), 0);
  assert.equal(captionAt(CAPTIONS, 2500), 1);
  assert.equal(captionAt(CAPTIONS, 8000), 3);
});

test("in a pause it is the last one", () => {
  assert.equal(captionAt(CAPTIONS, 1500), 0);
  assert.equal(captionAt(CAPTIONS, 7000), 1);
  assert.equal(captionAt(CAPTIONS, 60_000), 3);
});

test("who interrupts shortly is shown, then who goes on", () => {
  assert.equal(captionAt(CAPTIONS, 3200), 2);
  assert.equal(captionAt(CAPTIONS, 4000), 1);
});

test("before the first and without any there is none", () => {
  assert.equal(captionAt([{ from: 10, to: 20 }], 5), -1);
  assert.equal(captionAt([], 5), -1);
});

test("times are minutes and seconds", () => {
  assert.equal(clock(0), "0:00");
  assert.equal(clock(61_500), "1:01");
  assert.equal(clock(3_600_000), "60:00");
});
