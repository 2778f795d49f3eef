import assert from "node:assert/strict";
import test from "node:test";

import { usualPercent } from "./original.js";

test("the callee's own voice is soft under an interpretation, and full without one", () => {
  assert.deepEqual(["voice", "captions", "text", "agent"].map((mode) => usualPercent(mode, false)),
    [15, 100, 100, null]);
  assert.deepEqual(["voice", "captions", "text", "agent"].map((mode) => usualPercent(mode, true)),
    [100, 100, 100, null]);
});
