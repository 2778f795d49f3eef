import assert from "node:assert/strict";
import { test } from "node:test";

import { byName, obstacle, problem } from "./obstacles.js";

const HERE = { isSecure: true, hostname: "wigvo.example", knowsPasskeys: true };

test("nothing is in the way where the address is a name and encrypted", () => {
  assert.equal(obstacle(HERE), null);
  assert.equal(obstacle({ ...HERE, hostname: "localhost" }), null);
});

test("what is in the way is named", () => {
  assert.equal(obstacle({ ...HERE, isSecure: false }), "insecure");
  assert.equal(obstacle({ ...HERE, knowsPasskeys: false }), "unknown");
  assert.equal(obstacle({ ...HERE, hostname: "127.0.0.1" }), "number");
  assert.equal(obstacle({ ...HERE, hostname: "[::1]" }), "number");
  assert.equal(obstacle({ ...HERE, hostname: "192.168.0.7" }), "number");
  const lan = { isSecure: false, hostname: "192.168.0.7", knowsPasskeys: false };
  assert.equal(obstacle(lan), "insecure");
});

test("a name with digits is a name", () => {
  assert.equal(obstacle({ ...HERE, hostname: "1.example" }), null);
});

test("this computer has a name, others are not guessed", () => {
  const page = byName("http://127.0.0.1:8000/accounts/2fa/?x=1");
  assert.equal(String(page), "http://localhost:8000/accounts/2fa/?x=1");
  assert.equal(byName("http://192.168.0.7:8000/"), null);
});

test("what went wrong has a sentence", () => {
  const named = (name) => Object.assign(new Error("x"), { name });
  assert.equal(problem(named("NotAllowedError")), "cancelled");
  assert.equal(problem(named("InvalidStateError")), "known");
  assert.equal(problem(named("SecurityError")), "failed");
  assert.equal(problem("x"), "failed");
});
