import assert from "node:assert/strict";
import test from "node:test";

import {
  Outbox, SPOKEN_SHOWN_MS, TypingSignal, UNANSWERED_MS, letters, needsHelp, sends,
} from "./outbox.js";

const states = (outbox) => outbox.shown.map(({ id, state }) => `${id} ${state}`);

test("a message is shown at once and follows what the server says", () => {
  const outbox = new Outbox();
  outbox.sent({ id: "a", text: "Four people" }, 0);
  assert.deepEqual(states(outbox), ["a sending"]);
  outbox.status({ id: "a", state: "queued" }, 10);
  outbox.status({ id: "a", state: "queued", translation: "네 명이요" }, 20);
  assert.equal(outbox.shown[0].translation, "네 명이요");
  for (const state of ["speaking", "interrupted", "repeating", "speaking", "spoken"]) {
    assert.ok(outbox.status({ id: "a", state }, 30), state);
    assert.equal(outbox.shown[0].state, state);
  }
});

test("the same state again is no news, and neither is what is not known", () => {
  const outbox = new Outbox();
  outbox.sent({ id: "a", text: "Hi" }, 0);
  assert.ok(outbox.status({ id: "a", state: "queued" }, 1));
  assert.equal(outbox.status({ id: "a", state: "queued" }, 2), null);
  assert.equal(outbox.status({ id: "a", state: "a new one" }, 2), null);
  assert.equal(outbox.status({ id: "of another page", state: "spoken" }, 2), null);
  assert.deepEqual(states(outbox), ["a queued"]);
});

test("what was spoken goes after a while, what failed stays", () => {
  const outbox = new Outbox();
  outbox.sent({ id: "a", text: "Hi" }, 0);
  outbox.sent({ id: "b", text: "Four people" }, 0);
  outbox.status({ id: "a", state: "spoken" }, 0);
  outbox.status({ id: "b", state: "mismatch", spoken: "Five people" }, 0);
  outbox.tick(SPOKEN_SHOWN_MS);
  assert.deepEqual(states(outbox), ["b mismatch"]);
  assert.equal(outbox.shown[0].spoken, "Five people");
});

test("only what was given up can be taken back, once", () => {
  const outbox = new Outbox();
  outbox.sent({ id: "a", text: "Hi" }, 0);
  assert.equal(outbox.take("a"), null);
  outbox.status({ id: "a", state: "failed" }, 1);
  assert.ok(needsHelp(outbox.shown[0]));
  assert.equal(outbox.take("a")?.text, "Hi");
  assert.equal(outbox.take("a"), null);
  assert.deepEqual(states(outbox), []);
});

test("when the connection is lost nobody knows, until there is news", () => {
  const outbox = new Outbox();
  outbox.sent({ id: "a", text: "Hi" }, 0);
  outbox.sent({ id: "b", text: "Bye" }, 0);
  outbox.sent({ id: "p1", text: "Yes", isPhrase: true }, 0);
  outbox.status({ id: "a", state: "spoken" }, 1);
  outbox.disconnected(2);
  assert.deepEqual(states(outbox), ["a spoken", "b unsure"]);
  outbox.status({ id: "b", state: "spoken" }, 3);
  assert.deepEqual(states(outbox), ["a spoken", "b spoken"]);
});

test("a message that nobody answers becomes unsure", () => {
  const outbox = new Outbox();
  outbox.sent({ id: "a", text: "Hi" }, 0);
  outbox.tick(UNANSWERED_MS - 1);
  assert.deepEqual(states(outbox), ["a sending"]);
  outbox.tick(UNANSWERED_MS);
  assert.deepEqual(states(outbox), ["a unsure"]);
});

test("Enter sends, but not with Shift and never while a syllable is being composed", () => {
  const enter = { key: "Enter", shiftKey: false, isComposing: false, keyCode: 13 };
  assert.ok(sends(enter));
  assert.ok(!sends({ ...enter, shiftKey: true }));
  assert.ok(!sends({ ...enter, isComposing: true, keyCode: 229 }));
  assert.ok(!sends({ ...enter, keyCode: 229 })); // Safari
  assert.ok(!sends({ ...enter, key: "Process", keyCode: 229 }));
  assert.ok(!sends({ ...enter, key: "a", keyCode: 65 }));
});

test("what the server does not take has failed at once", () => {
  const outbox = new Outbox();
  outbox.sent({ id: "a", text: "Hi" }, 0);
  outbox.sent({ id: "b", text: "Four people" }, 0);
  outbox.sent({ id: "p1", text: "Yes", isPhrase: true }, 0);
  outbox.status({ id: "a", state: "queued" }, 1);
  outbox.refused(2);
  assert.deepEqual(states(outbox), ["a queued", "b failed"]);
});

test("a whisper is told at once, and goes like what was spoken", () => {
  const outbox = new Outbox();
  outbox.sent({ id: "w", text: "Ask for a window", isWhisper: true }, 0);
  outbox.disconnected(1);
  assert.deepEqual(states(outbox), ["w told"]);
  outbox.tick(SPOKEN_SHOWN_MS);
  assert.deepEqual(states(outbox), []);
});

test("letters are counted as people see them", () => {
  assert.equal(letters("안녕 👋"), 4);
});

test("typing is told when it begins and when it pauses, not with each key", () => {
  const told = [];
  const typing = new TypingSignal((active) => told.push(active), 4000);
  typing.changed("h", 0);
  typing.changed("he", 200);
  typing.tick(4199);
  assert.deepEqual(told, [true]);
  typing.tick(4200);
  typing.changed("hel", 5000);
  typing.changed("", 5100);
  typing.stop();
  assert.deepEqual(told, [true, false, true, false]);
  typing.changed("  ", 6000);
  assert.equal(told.length, 4);
});
