import assert from "node:assert/strict";
import test from "node:test";

import { Countdown } from "./question.js";

test("begun seconds count, and below none there is nothing", () => {
  const countdown = new Countdown(30_000, 1000);
  assert.deepEqual([1000, 1001, 2000, 30_999, 31_000, 40_000].map((now) => countdown.seconds(now)),
    [30, 30, 29, 1, 0, 0]);
  assert.ok(!countdown.isOver(30_999));
  assert.ok(countdown.isOver(31_000));
});

test("the time left is told at 30 and at 10 seconds, once each", () => {
  const countdown = new Countdown(45_000, 0);
  const told = [];
  for (let now = 0; now <= 45_000; now += 250) {
    const news = countdown.news(now);
    if (news) told.push(news);
  }
  assert.deepEqual(told, [30, 10]);
});

test("a page that slept tells what is left now", () => {
  const countdown = new Countdown(45_000, 0);
  assert.equal(countdown.news(40_000), 5);
});
