import assert from "node:assert/strict";
import test from "node:test";

import { ANSWER_MS, Heartbeat, QUIET_MS } from "./heartbeat.js";

test("it asks once into a silence, and is content with any answer", () => {
  const heart = new Heartbeat();
  heart.heard(1000);
  assert.equal(heart.tick(1000 + QUIET_MS - 1), "");
  assert.equal(heart.tick(1000 + QUIET_MS), "ask");
  assert.equal(heart.tick(1000 + QUIET_MS + 1000), "");
  heart.heard(8000);
  assert.equal(heart.tick(8000 + QUIET_MS - 1), "");
});

test("without an answer the connection is dead", () => {
  const heart = new Heartbeat();
  heart.heard(0);
  assert.equal(heart.tick(QUIET_MS), "ask");
  assert.equal(heart.tick(QUIET_MS + ANSWER_MS - 1), "");
  assert.equal(heart.tick(QUIET_MS + ANSWER_MS), "dead");
});

test("after a sleep it asks first: the connection may have come through", () => {
  const heart = new Heartbeat();
  heart.heard(0);
  assert.equal(heart.tick(3_600_000), "ask");
  heart.heard(3_600_100);
  assert.equal(heart.tick(3_601_000), "");
});
