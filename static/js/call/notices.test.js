import assert from "node:assert/strict";
import test from "node:test";

import { answeredBy, guardrail, hold, money } from "./notices.js";

test("whoever answers is said, except when nobody knows", () => {
  for (const kind of ["person", "voicemail", "menu", "screening", "fax", "silence"]) {
    assert.equal(answeredBy(kind).text, `answered_${kind}`);
  }
  assert.equal(answeredBy("unknown").text, "");
  assert.equal(answeredBy("something new").text, "");
});

test("what needs the caller stays, what does not goes by itself", () => {
  assert.ok(answeredBy("person").ms > 0);
  assert.equal(answeredBy("menu").ms, 0);
  assert.equal(hold(true).ms, 0);
  assert.ok(hold(false).ms > 0);
});

test("waiting ends with a notice in the same place", () => {
  assert.equal(hold(true).about, hold(false).about);
  assert.notEqual(hold(true).text, hold(false).text);
});

test("what the guard did is said, also in words of a later server", () => {
  assert.equal(guardrail({ level: "high", action: "held" }).text, "guardrail_held");
  assert.equal(guardrail({ level: "high", action: "rephrased" }).text, "guardrail_rephrased");
  assert.equal(guardrail({ level: "low", action: "corrected" }).text, "guardrail_corrected");
  assert.equal(guardrail({ action: "passed" }).text, "");
  assert.equal(guardrail({ action: "something new" }).text, "guardrail_other");
});

test("money is never shown as a false zero", () => {
  assert.equal(money(0, "en"), "$0.00");
  assert.equal(money(0.004, "en"), "< $0.01");
  assert.equal(money("1.239", "en"), "$1.24");
  assert.match(money(0.5, "ko"), /0\.50/);
  for (const junk of [null, undefined, "a", NaN, -1, {}]) assert.equal(money(junk, "en"), "");
});
