import assert from "node:assert/strict";
import test from "node:test";

import { MOST_KEYS, keypadText, readKeys } from "./keypad.js";

test("only keys of a telephone are sent, and pauses between them", () => {
  assert.equal(readKeys("1-2 3#*0wW,a"), "123#*0wW");
  assert.equal(readKeys("ㅂ１"), "");
  assert.equal(readKeys("1".repeat(99)).length, MOST_KEYS);
});

test("every state of the keys has words", () => {
  assert.equal(keypadText("sending"), "keys_sending");
  assert.equal(keypadText("sent"), "keys_sent");
  assert.equal(keypadText("failed"), "keys_failed");
  assert.equal(keypadText("a new one"), "keys_sending");
});
