import assert from "node:assert/strict";
import test from "node:test";

import {
  advance, backoffMs, clock, closing, fill, isLive, isOver, keyName, lagSeconds, parse, streamUrl,
} from "./protocol.js";

test("a status only moves forward", () => {
  assert.equal(advance("ringing", "in_progress"), "in_progress");
  assert.equal(advance("in_progress", "ringing"), "in_progress");
  assert.equal(advance("completed", "failed"), "completed");
  assert.equal(advance("queued", "busy"), "busy");
  assert.equal(advance("queued", "something new"), "queued");
});

test("live and over are told apart", () => {
  assert.deepEqual(["draft", "queued", "in_progress", "busy"].map(isLive), [false, true, true, false]);
  assert.deepEqual(["draft", "queued", "completed", "busy"].map(isOver), [false, false, true, true]);
});

test("only JSON objects with a type are messages", () => {
  assert.deepEqual(parse('{"type":"status","status":"ringing"}'), { type: "status", status: "ringing" });
  for (const junk of ["", "{", "[]", "null", "1", '{"type":1}', new ArrayBuffer(2)]) {
    assert.equal(parse(junk), null);
  }
});

test("every close code of the contract has its own answer", () => {
  assert.equal(closing(4401, "").action, "retry");
  assert.equal(closing(4404, "").action, "stop");
  assert.equal(closing(4408, "").text, "closed_replaced");
  assert.equal(closing(4409, "").text, "closed_over");
  assert.equal(closing(4429, "").action, "wait");
  assert.deepEqual(closing(4307, "https://b.example"), {
    action: "move", text: "closed_moved", url: "https://b.example",
  });
  assert.equal(closing(1006, "").action, "retry");
});

test("waiting doubles up to ten seconds", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 9].map((n) => backoffMs(n, 1)),
    [500, 1000, 2000, 4000, 8000, 10000, 10000]);
  assert.equal(backoffMs(0, 0), 375);
});

test("the ticket goes into the address, which another node may replace", () => {
  assert.equal(streamUrl("wss://a.example/relay/calls/1/stream", "t:1+/"),
    "wss://a.example/relay/calls/1/stream?ticket=t%3A1%2B%2F");
  assert.equal(streamUrl("wss://a.example/relay/calls/1/stream", "t", "http://b.example:81"),
    "ws://b.example:81/relay/calls/1/stream?ticket=t");
});

test("sentences are filled in, unknown names left", () => {
  assert.equal(fill("{seconds} s, {other}", { seconds: 3 }), "3 s, {other}");
});

test("durations read like a clock", () => {
  assert.deepEqual([0, 5, 65, 3729, -1].map(clock), ["0:00", "0:05", "1:05", "1:02:09", "0:00"]);
});

test("a lag is told from three seconds on, and only if the server says so", () => {
  assert.deepEqual([0, 2999, 3000, 3001, 5400, 61_000].map(lagSeconds), [0, 0, 0, 3, 5, 61]);
  assert.deepEqual([undefined, null, "9000", NaN].map(lagSeconds), [0, 0, 0, 0]);
});

test("a key is what is printed on it, and its place where letters are not Latin", () => {
  const keys = [
    ["r", "KeyR", "r"], ["R", "KeyR", "r"],
    ["r", "KeyO", "r"], // Dvorak
    ["m", "Semicolon", "m"], // AZERTY
    ["ㄱ", "KeyR", "r"], ["ㅡ", "KeyM", "m"], // Korean
    ["Process", "KeyR", "Process"], // an input method is composing
    ["Delete", "Delete", "Delete"], ["Backspace", "Backspace", "Backspace"],
    ["1", "Digit1", "1"], ["Unidentified", "", "Unidentified"],
  ];
  for (const [key, code, name] of keys) assert.equal(keyName({ key, code }), name, `${key} ${code}`);
});
