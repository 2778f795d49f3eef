import assert from "node:assert/strict";
import { test } from "node:test";

import { accountDisplay, CHOICES, readDisplay } from "./display.js";

const DEFAULTS = {
  size: "100", spacing: "normal", look: "page", show: "both", signal: "off",
};

test("without anything everything is as it comes, and nothing flashes", () => {
  assert.deepEqual(readDisplay(null, {}), DEFAULTS);
});

test("this browser's choice comes before the account's", () => {
  const own = JSON.stringify({ size: "300" });
  const shown = readDisplay(own, { size: "150", look: "yellow" });
  assert.equal(shown.size, "300");
  assert.equal(shown.look, "yellow");
});

test("what makes no sense is as if it were not there", () => {
  for (const stored of ["{", "null", "7", '"x"', '{"size": 300}', '{"size": "1000"}']) {
    assert.deepEqual(readDisplay(stored, { look: "pink" }), DEFAULTS, stored);
  }
});

test("the account's words for colours are understood", () => {
  const looks = ["page", "dark", "light", "yellow"].map((theme) => accountDisplay({ theme }).look);
  assert.deepEqual(looks, ["page", "black", "white", "yellow"]);
  assert.equal(accountDisplay({}).look, undefined);
  for (const look of looks) assert.ok(CHOICES.look.includes(/** @type {string} */ (look)));
});
