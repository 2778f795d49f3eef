import assert from "node:assert/strict";
import { test } from "node:test";

import { SILENCE_MS, SilenceWatch } from "./attention.js";

test("only speech after a silence is news", () => {
  const watch = new SilenceWatch();
  assert.ok(watch.changed(true, 0)); // the first word of a call
  assert.ok(!watch.changed(true, 60_000)); // they have not stopped
  assert.ok(!watch.changed(false, 61_000));
  assert.ok(!watch.changed(true, 61_000 + SILENCE_MS - 1));
  assert.ok(!watch.changed(false, 70_000));
  assert.ok(watch.changed(true, 70_000 + SILENCE_MS));
});
