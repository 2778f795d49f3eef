import assert from "node:assert/strict";
import { test } from "node:test";

import { delayText, hint, reasonToStay } from "./hints.js";

const LIVE = {
  status: "in_progress", connection: "open", isFinished: false, ringingMs: NaN, heldMs: NaN,
};
const name = (/** @type {object} */ change) => hint({ ...LIVE, ...change }).name;

test("every state before the conversation says what to do", () => {
  assert.equal(name({ status: "draft", connection: "idle" }), "hint_draft");
  assert.equal(name({ status: "draft", connection: "starting" }), "hint_queued");
  assert.equal(name({ status: "queued" }), "hint_queued");
  assert.equal(name({ status: "ringing", ringingMs: 0 }), "hint_ringing");
  assert.equal(name({ status: "ringing", ringingMs: NaN }), "hint_ringing");
  assert.equal(name({}), "");
  assert.equal(name({ connection: "stopped" }), "hint_join");
  assert.deepEqual(hint({ ...LIVE, connection: "waiting", graceS: 60 }),
    { name: "hint_lost", seconds: 60 });
  assert.equal(name({ connection: "reconnecting", heldMs: 5000 }), "hint_lost");
  assert.equal(name({ connection: "waiting", mode: "agent" }), "hint_lost_agent");
  assert.equal(name({ connection: "waiting", status: "ringing" }), "hint_lost_before");
  assert.equal(name({ status: "draft", connection: "stopped", isFinished: true }), "");
});

test("a long wait says how long, but not every second", () => {
  const at = (/** @type {object} */ change) => hint({ ...LIVE, ...change });
  const ringing = { status: "ringing", ringingMs: 47_900 };
  assert.deepEqual(at(ringing), { name: "hint_ringing_long", seconds: 40 });
  assert.deepEqual(at({ heldMs: 0 }), { name: "hint_hold", seconds: 0 });
  assert.deepEqual(at({ heldMs: 59_999 }), { name: "hint_hold", seconds: 50 });
  assert.deepEqual(at({ heldMs: 179_000 }), { name: "hint_hold", seconds: 120 });
});

test("hanging up is asked about only where something would be cut off", () => {
  const calm = { isCalleeSpeaking: false, isHeld: false, hasUnsaid: false, mode: "voice" };
  assert.equal(reasonToStay(calm), "");
  assert.equal(reasonToStay({ ...calm, isCalleeSpeaking: true }), "stay_speaking");
  assert.equal(reasonToStay({ ...calm, isHeld: true }), "stay_held");
  assert.equal(reasonToStay({ ...calm, hasUnsaid: true, isHeld: true }), "stay_unsaid");
  assert.equal(reasonToStay({ ...calm, mode: "agent" }), "stay_agent");
});

test("how late captions are is shown as measured, or not at all", () => {
  const texts = { caption_delay: "{seconds} s later", caption_delay_long: "{seconds}" };
  assert.deepEqual(delayText(2345, texts), { short: "2.3 s later", long: "2.3", isLate: false });
  assert.ok(delayText(5001, texts).isLate);
  for (const none of [null, undefined, NaN, -1, "2"]) assert.equal(delayText(none, texts).short, "");
});
