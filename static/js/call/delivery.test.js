import assert from "node:assert/strict";
import test from "node:test";

import { Announcer, CUT_SHOWN_MS, Delivery, QUIET_MS, UNSURE_SHOWN_MS } from "./delivery.js";

/** What the caller said, as the first caption of it comes. */
const said = (delivery, id, now = 0) => delivery.said({ utterance_id: id, original: `text ${id}` }, now);
const unheard = (delivery, id, state, now) =>
  delivery.unheard({ utterance_id: id, text: `text ${id}`, translation: `번역 ${id}`, state }, now);
const shown = (delivery, id, now) => delivery.shown(delivery.utterances.get(id), now);
const ids = (delivery, now) => delivery.items(now).map((item) => item.id);
const now = (delivery, at, isCalleeSpeaking = false) => delivery.summary(at, isCalleeSpeaking)?.name;

/** A delivery in which u1 was playing and the other side has interrupted it. */
function interrupted() {
  const delivery = new Delivery();
  said(delivery, "u1");
  delivery.played("u1", 800, 1000);
  unheard(delivery, "u1", "held", 1100);
  delivery.interrupted();
  return delivery;
}

test("an utterance waits, is being heard, and is heard when its sound has ended", () => {
  const delivery = new Delivery();
  assert.equal(now(delivery, 0), undefined);
  said(delivery, "u1");
  assert.equal(shown(delivery, "u1", 0), "waiting");
  assert.equal(now(delivery, 0), "waiting");
  delivery.played("u1", 200, 1000);
  delivery.played("u1", 400, 1200);
  delivery.tick(1200 + QUIET_MS - 1);
  assert.deepEqual(delivery.summary(1200, false), { name: "playing", heardMs: 400 });
  delivery.tick(1200 + QUIET_MS);
  assert.equal(shown(delivery, "u1", 9000), "heard");
  assert.equal(now(delivery, 9000), "heard");
});

test("a pause within an utterance is not its end for good, and what was heard stays heard", () => {
  const delivery = new Delivery();
  said(delivery, "u1");
  delivery.played("u1", 1800, 0);
  delivery.tick(QUIET_MS);
  delivery.played("u1", 200, 3000); // the server counts each piece of sound from zero
  assert.deepEqual(delivery.summary(3000, false), { name: "playing", heardMs: 1800 });
});

test("words that wait for the other side to finish say so", () => {
  const delivery = new Delivery();
  said(delivery, "u1");
  assert.equal(now(delivery, 0, true), "waiting_for_them");
});

test("a mhm of the other side does not show", () => {
  const delivery = new Delivery();
  said(delivery, "u1");
  delivery.played("u1", 800, 1000);
  unheard(delivery, "u1", "held", 1100);
  assert.equal(shown(delivery, "u1", 1100 + CUT_SHOWN_MS - 1), "playing");
  assert.deepEqual(ids(delivery, 1100 + CUT_SHOWN_MS - 1), []);
  unheard(delivery, "u1", "resumed", 1700);
  assert.equal(shown(delivery, "u1", 1700), "resumed");
  unheard(delivery, "u1", "spoken", 2500);
  assert.equal(shown(delivery, "u1", 2500), "heard");
});

test("a cut shows when it is confirmed, or when it lasts", () => {
  assert.deepEqual(ids(interrupted(), 1100), ["u1"]);
  const delivery = new Delivery();
  unheard(delivery, "u1", "held", 0);
  assert.deepEqual(ids(delivery, CUT_SHOWN_MS), ["u1"]);
  assert.equal(delivery.items(CUT_SHOWN_MS)[0].translation, "번역 u1");
});

test("a confirmed cut of earlier does not confirm the next one", () => {
  const delivery = interrupted();
  unheard(delivery, "u1", "resumed", 2000);
  unheard(delivery, "u1", "held", 3000);
  assert.deepEqual(ids(delivery, 3100), []);
});

test("late reports of playback do not end the waiting", () => {
  const delivery = interrupted();
  delivery.played("u1", 1000, 1120);
  delivery.tick(9000);
  assert.equal(shown(delivery, "u1", 9000), "held");
  unheard(delivery, "u1", "lost", 16_000);
  delivery.played("u1", 1000, 16_010);
  assert.equal(shown(delivery, "u1", 16_010), "lost");
});

test("leaving out what waits is the server's work, and it is then out of sight", () => {
  const delivery = interrupted();
  assert.equal(delivery.toLeaveOut(2000), "u1");
  assert.equal(delivery.leaveOut("u1"), true);
  assert.deepEqual(ids(delivery, 2000), []);
  unheard(delivery, "u1", "discarded", 2100);
  assert.deepEqual(ids(delivery, 2100), []);
  assert.equal(shown(delivery, "u1", 2100), "discarded");
  assert.equal(now(delivery, 2100), "settled"); // and not: they have heard it
});

test("what was to be left out but was lost or held again is seen again", () => {
  for (const state of ["held", "lost"]) {
    const delivery = interrupted();
    delivery.leaveOut("u1");
    unheard(delivery, "u1", "resumed", 2000);
    unheard(delivery, "u1", state, 3000);
    assert.deepEqual(ids(delivery, 3000 + CUT_SHOWN_MS), ["u1"], state);
  }
});

test("what was lost stays in sight until it is dismissed", () => {
  const delivery = interrupted();
  unheard(delivery, "u1", "lost", 16_000);
  said(delivery, "u2", 17_000);
  unheard(delivery, "u2", "spoken", 20_000);
  assert.deepEqual(ids(delivery, 60_000), ["u1"]);
  assert.equal(now(delivery, 60_000), "incomplete");
  assert.equal(delivery.leaveOut("u1"), false);
  assert.deepEqual(ids(delivery, 60_000), []);
  assert.equal(now(delivery, 60_000), "heard");
});

test("what the caller talked over goes out of sight once the newer words were heard", () => {
  const delivery = interrupted();
  said(delivery, "u2", 2000);
  unheard(delivery, "u1", "discarded", 2000);
  assert.deepEqual(ids(delivery, 2000), ["u1"]);
  delivery.played("u2", 600, 4000);
  assert.deepEqual(ids(delivery, 4000), ["u1"]);
  delivery.tick(4000 + QUIET_MS);
  assert.deepEqual(ids(delivery, 4000 + QUIET_MS), []);
});

test("what was just left out can be taken back, until something else was heard", () => {
  const delivery = interrupted();
  said(delivery, "u0", 1200);
  delivery.leaveOut("u1");
  unheard(delivery, "u1", "discarded", 2000);
  assert.equal(delivery.toRepeat(2000), "u1");
  delivery.played("u0", 200, 4000);
  delivery.tick(4000 + QUIET_MS);
  assert.equal(delivery.toRepeat(6000), "u0");
});

test("said again is the last one not heard, or else the last one", () => {
  const delivery = new Delivery();
  assert.equal(delivery.toRepeat(0), null);
  for (const id of ["u1", "u2", "u3"]) {
    said(delivery, id);
    unheard(delivery, id, "spoken", 100);
  }
  said(delivery, "u4");
  assert.equal(delivery.toRepeat(100), "u3"); // u4 is still to come
  unheard(delivery, "u2", "lost", 200);
  assert.equal(delivery.toRepeat(200), "u2");
});

test("what is said again goes through the same states", () => {
  const delivery = interrupted();
  unheard(delivery, "u1", "lost", 16_000);
  delivery.repeat("u1", 17_000);
  assert.deepEqual(ids(delivery, 17_000), []);
  assert.equal(now(delivery, 17_000), "repeating");
  delivery.played("u1", 200, 18_000);
  assert.equal(shown(delivery, "u1", 18_000), "playing");
  unheard(delivery, "u1", "spoken", 19_000);
  assert.equal(shown(delivery, "u1", 19_000), "heard");
});

test("what cannot be said again is what it was", () => {
  const delivery = interrupted();
  unheard(delivery, "u1", "lost", 16_000);
  delivery.repeat("u1", 17_000);
  delivery.repeat("u1", 17_500);
  delivery.refused(18_000);
  assert.deepEqual(ids(delivery, 18_000), ["u1"]);
});

test("to say again what waits does not end the waiting", () => {
  const delivery = interrupted();
  delivery.repeat("u1", 2000);
  assert.equal(shown(delivery, "u1", 2000), "held");
});

test("a caption that is complete at first sight is of the past: nothing is claimed about it", () => {
  const delivery = new Delivery();
  delivery.said({ utterance_id: "u1", original: "a", original_final: true, translation_final: true }, 0);
  assert.equal(shown(delivery, "u1", 0), "");
  assert.equal(now(delivery, 0), undefined);
  assert.equal(delivery.toRepeat(0), "u1");
});

test("after a lost connection what was under way is unsure, until there is news", () => {
  const delivery = interrupted();
  said(delivery, "u2", 1200);
  said(delivery, "u3", 1200);
  unheard(delivery, "u3", "spoken", 1500);
  delivery.reconnected(5000);
  assert.deepEqual(ids(delivery, 5000), []);
  delivery.played("u2", 200, 6000);
  assert.deepEqual(ids(delivery, 5000 + UNSURE_SHOWN_MS), ["u1"]);
  assert.equal(shown(delivery, "u1", 5000 + UNSURE_SHOWN_MS), "unsure");
  assert.equal(shown(delivery, "u3", 5000 + UNSURE_SHOWN_MS), "heard");
});

test("at the end of the call nothing is left waiting", () => {
  const delivery = interrupted();
  said(delivery, "u2", 2000);
  delivery.played("u3", 200, 2000);
  delivery.played("u4", 200, 2000);
  delivery.tick(2000 + QUIET_MS);
  delivery.played("u3", 400, 4000);
  delivery.ended(4100);
  assert.deepEqual(["u1", "u2", "u3", "u4"].map((id) => shown(delivery, id, 4100)),
    ["lost", "lost", "cut", "heard"]);
});

test("states of a later protocol change nothing", () => {
  const delivery = interrupted();
  for (const state of ["quiet", "end", "toString", "something new"]) unheard(delivery, "u1", state, 2000);
  assert.equal(shown(delivery, "u1", 2000), "held");
});

test("announcements keep their distance; none is lost, none is said twice", () => {
  const announcer = new Announcer(3000);
  assert.equal(announcer.take(0), "");
  announcer.say("held", "Waits.");
  assert.equal(announcer.take(0), "Waits.");
  announcer.say("held", "Waits.");
  announcer.say("u1", "Lost: a.");
  announcer.say("held", "Goes on.");
  assert.equal(announcer.take(2999), "");
  assert.equal(announcer.take(3000), "Lost: a. Goes on.");
  assert.equal(announcer.take(9000), "");
  announcer.say("held", "Waits.");
  announcer.say("held", "");
  assert.equal(announcer.take(9000), "");
});
