import assert from "node:assert/strict";
import test from "node:test";

import { ModeState, SWITCH_MS, speaks } from "./modes.js";

test("the microphone belongs to voice and captions only", () => {
  assert.deepEqual(["voice", "captions", "text", "agent", ""].map(speaks),
    [true, true, false, false, false]);
});

test("a mode is in force when the server says so", () => {
  const state = new ModeState("voice");
  assert.ok(state.ask("text", 0));
  assert.equal(state.mode, "voice");
  assert.ok(state.confirmed("text"));
  assert.deepEqual([state.mode, state.wanted], ["text", ""]);
  assert.ok(!state.confirmed("text")); // a snapshot says it again
});

test("what is in force or asked for already is not asked for again", () => {
  const state = new ModeState("voice");
  assert.ok(!state.ask("voice", 0));
  assert.ok(state.ask("text", 0));
  assert.ok(!state.ask("text", 1));
  assert.ok(state.ask("voice", 2)); // on second thoughts
  state.confirmed("text");
  assert.equal(state.wanted, "voice");
  state.confirmed("voice");
  assert.equal(state.wanted, "");
});

test("a wish that is refused or not answered is given up", () => {
  const state = new ModeState("voice");
  state.ask("agent", 0);
  assert.equal(state.refused(), "agent");
  assert.equal(state.refused(), "");
  state.ask("text", 0);
  assert.equal(state.tick(SWITCH_MS - 1), "");
  assert.equal(state.tick(SWITCH_MS), "text");
  assert.equal(state.mode, "voice");
});

test("another window may switch as well", () => {
  const state = new ModeState("voice");
  assert.ok(state.confirmed("captions"));
  assert.equal(state.mode, "captions");
});
