import assert from "node:assert/strict";
import { test } from "node:test";

import { EventReader, lines } from "./stream.js";

const part = (text) => `event: part\ndata: ${JSON.stringify({ text })}\n\n`;

test("events are read however they are cut", () => {
  const whole = part("안녕하세요") + part("two\nlines") + 'event: done\ndata: {"html":""}\n\n';
  for (let at = 0; at <= whole.length; at += 1) {
    const reader = new EventReader();
    const events = [...reader.feed(whole.slice(0, at)), ...reader.feed(whole.slice(at))];
    assert.deepEqual(
      events.map((event) => event.name),
      ["part", "part", "done"],
    );
    assert.equal(events[1].data.text, "two\nlines");
  }
});

test("half an event is none yet", () => {
  const reader = new EventReader();
  assert.deepEqual(reader.feed("event: part\ndata: {"), []);
});

test("what is no event is left out", () => {
  const reader = new EventReader();
  assert.deepEqual(reader.feed(": a comment\n\ndata: not json\n\n"), []);
});

test("a paragraph has lines", () => {
  assert.deepEqual(lines("a\nb"), ["a", "b"]);
});
