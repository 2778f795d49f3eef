import assert from "node:assert/strict";
import test from "node:test";

import { heightAbove } from "./viewport.js";

test("a keyboard is told from a browser's bar and from a page that is zoomed in", () => {
  assert.equal(heightAbove({ height: 420.5, scale: 1 }, 740), 420);
  assert.equal(heightAbove({ height: 690, scale: 1 }, 740), 0);
  assert.equal(heightAbove({ height: 370, scale: 2 }, 740), 0);
});
