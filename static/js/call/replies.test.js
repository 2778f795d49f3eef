import assert from "node:assert/strict";
import test from "node:test";

import { ReplyTurn, readReplies } from "./replies.js";

const caption = (/** @type {string} */ id, /** @type {number} */ ms) => ({
  utterance_id: id, started_ms: ms,
});

test("replies go when the other side has said something newer", () => {
  const turn = new ReplyTurn();
  assert.equal(turn.isPast(caption("callee-1", 1000)), false);
  turn.shown("callee-1");
  assert.equal(turn.isPast(caption("callee-1", 1000)), false); // its translation grows
  assert.equal(turn.isPast(caption("callee-0", 200)), false); // so does an older one's
  assert.equal(turn.isPast(caption("callee-2", 4000)), true);
  turn.shown("callee-2");
  assert.equal(turn.isPast(caption("callee-1", 1000)), false);
});

test("a reply is read in the caller's language and sent in the callee's", () => {
  assert.deepEqual(readReplies([{ text: "네 명이요", translation: "Four people" }]), [
    { shown: "Four people", said: "네 명이요", message: { text: "네 명이요", as: "callee" } },
  ]);
});

test("with one language there is one line", () => {
  for (const item of [{ text: "네" }, { text: "네", translation: "네" }]) {
    assert.deepEqual(readReplies([item]), [
      { shown: "네", said: "", message: { text: "네", as: "callee" } },
    ]);
  }
});

test("a reply that is only known in the caller's language is translated on the way", () => {
  assert.deepEqual(readReplies([{ text: "", translation: "Four" }])[0].message, { text: "Four" });
});

test("there are at most three, and nothing else is one", () => {
  const many = ["a", "b", "c", "d"].map((text) => ({ text }));
  assert.equal(readReplies(many).length, 3);
  assert.deepEqual(readReplies([null, {}, 3, { text: " " }]), []);
  assert.deepEqual(readReplies(undefined), []);
});
