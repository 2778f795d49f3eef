import assert from "node:assert/strict";
import { test } from "node:test";

import { find, folded } from "./search.js";

test("case and accents do not matter", () => {
  assert.deepEqual(find("Où est le Café?", "CAFE"), [[10, 14]]);
  assert.deepEqual(find("Mañana", "manana"), [[0, 6]]);
});

test("hangul is found as it is written, in syllables", () => {
  assert.deepEqual(find("내일 오전 열 시 반에", "열 시"), [
    [6, 7],
    [8, 9],
  ]);
  assert.equal(find("내일", "모레"), null);
});

test("every word has to be there, in any order", () => {
  assert.deepEqual(find("half past ten", "ten half"), [
    [0, 4],
    [10, 13],
  ]);
  assert.equal(find("half past ten", "ten eleven"), null);
});

test("what overlaps is marked once, what comes twice twice", () => {
  assert.deepEqual(find("banana", "ban ana"), [[0, 4]]);
  assert.deepEqual(find("no, no", "no"), [
    [0, 2],
    [4, 6],
  ]);
});

test("nothing is wanted: everything matches, nothing is marked", () => {
  assert.deepEqual(find("yes", "  "), []);
});

test("folding keeps every place", () => {
  for (const text of ["İstanbul", "ﬁn", "e\u0301", "👍🏽 é", "ß"]) {
    assert.equal(folded(text).length, text.length, text);
  }
});
