import assert from "node:assert/strict";
import test from "node:test";

import { untold } from "./told.js";

test("what became final meanwhile is told, once, and nothing that is still open", () => {
  const captions = [
    { id: "a", isFinal: true },
    { id: "b", isFinal: true },
    { id: "c", isFinal: false },
  ];
  assert.deepEqual(untold(captions, new Set(["a"])), ["b"]);
  assert.deepEqual(untold(captions, new Set(["a", "b"])), []);
});

test("of very much only the newest is told", () => {
  const captions = Array.from({ length: 50 }, (_, n) => ({ id: `u${n}`, isFinal: true }));
  const some = untold(captions, new Set());
  assert.equal(some.length, 20);
  assert.equal(some.at(-1), "u49");
});
