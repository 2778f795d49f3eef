import assert from "node:assert/strict";
import test from "node:test";

import { readPhrases } from "./phrases.js";

const PHRASES = [
  { id: 1, text: "Yes", language: "en" },
  { id: 2, text: "네", language: "ko" },
  { id: "c", text: " One moment ", language: "en", position: 3 },
];

test("phrases in the caller's language are offered, in the server's order", () => {
  assert.deepEqual(readPhrases(PHRASES, "en", "ko"), [
    { id: "1", text: "Yes", language: "en", isQuick: false },
    { id: "c", text: "One moment", language: "en", isQuick: false },
  ]);
  assert.deepEqual(readPhrases(PHRASES, "ko", "en").map(({ id }) => id), ["2"]);
});

test("quick replies come first", () => {
  const phrases = PHRASES.map((phrase) => ({ ...phrase, is_quick: phrase.id === "c" }));
  assert.deepEqual(readPhrases(phrases, "en", "ko").map(({ id }) => id), ["c", "1"]);
});

test("without any, those in the callee's language are", () => {
  assert.deepEqual(readPhrases(PHRASES, "ja", "ko").map(({ id }) => id), ["2"]);
  assert.deepEqual(readPhrases(PHRASES, "ja", "vi"), []);
});

test("a phrase that names no language is the caller's", () => {
  assert.deepEqual(readPhrases([{ id: 1, text: "Hi" }], "en", "ko").map(({ id }) => id), ["1"]);
});

test("whatever else comes is no phrase", () => {
  for (const answer of [null, {}, "no", [null, 1, {}, { id: 1 }, { id: 2, text: " " }]]) {
    assert.deepEqual(readPhrases(answer, "en", "ko"), []);
  }
  assert.equal(readPhrases({ items: PHRASES }, "en", "ko").length, 2);
});
