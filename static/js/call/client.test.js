import assert from "node:assert/strict";
import test from "node:test";

import { CallClient } from "./client.js";

class FakeSocket {
  /** @param {string} url */
  constructor(url) {
    this.url = url;
    this.sent = [];
    this.bufferedAmount = 0;
    this.isClosed = false;
  }

  send(data) {
    this.sent.push(data);
  }

  close() {
    this.isClosed = true;
  }

  /** @returns {any[]} */
  get messages() {
    return this.sent.filter((data) => typeof data === "string").map((data) => JSON.parse(data));
  }

  get chunks() {
    return this.sent.filter((data) => typeof data !== "string");
  }
}

const STARTED = {
  status: "queued",
  stream: { url: "ws://relay.test/relay/calls/1/stream", ticket: "t1", expires_at: "" },
};

/** A browser of our own: answers in order, sockets by hand, time on demand. */
class World {
  constructor(...answers) {
    this.answers = answers;
    this.posts = [];
    this.sockets = [];
    this.states = [];
    this.messages = [];
    this.sounds = [];
    this.calls = [];
    this.backs = [];
    this.timers = [];
    this.now = 0;
    this.client = new CallClient({
      startUrl: "/start",
      endUrl: "/end",
      csrf: "c",
      speaks: true,
      fetch: async (url, init) => {
        this.posts.push({ url, init });
        const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
        if (answer instanceof Error) throw answer;
        return { ok: answer.status < 400, status: answer.status, json: async () => answer.body };
      },
      openSocket: (url) => {
        const socket = new FakeSocket(url);
        this.sockets.push(socket);
        return socket;
      },
      later: (run, ms) => this.timers.push({ run, ms }),
      cancel: () => {},
      random: () => 1,
      now: () => this.now,
      onState: (state, detail) => this.states.push({ state, ...detail }),
      onMessage: (message) => this.messages.push(message),
      onSound: (pcm) => this.sounds.push(pcm),
      onCall: (call) => this.calls.push(call),
      onBack: (seconds) => this.backs.push(seconds),
    });
  }

  get socket() {
    return this.sockets.at(-1);
  }

  get state() {
    return this.states.at(-1);
  }

  async open() {
    await this.client.connect();
    this.socket.onopen();
  }

  async nextTimer() {
    await this.timers.shift().run();
  }
}

const ok = { status: 200, body: STARTED };
const refusal = (status, message) => ({ status, body: { error: { code: "x", message } } });

test("it starts the call with the CSRF token and opens the socket with the ticket", async () => {
  const world = new World(ok);
  await world.open();
  assert.equal(world.posts[0].init.headers["X-CSRFToken"], "c");
  assert.equal(world.socket.url, "ws://relay.test/relay/calls/1/stream?ticket=t1");
  assert.deepEqual(world.socket.messages, [{ type: "hello", protocol: 1, speaks: true }]);
  assert.equal(world.calls[0].status, "queued");
  assert.equal(world.state.state, "open");
});

test("a refusal is told in the server's words and nothing is opened", async () => {
  const world = new World(refusal(422, "No such number."));
  await world.client.connect();
  assert.deepEqual(world.state, { state: "stopped", text: "start_failed", message: "No such number." });
  assert.equal(world.sockets.length, 0);
});

test("a server that cannot be reached is told at once, and can be tried again", async () => {
  const world = new World(new TypeError("offline"), ok);
  await world.client.connect();
  assert.equal(world.state.text, "start_offline");
  await world.client.again();
  world.socket.onopen();
  assert.equal(world.state.state, "open");
});

test("a lost socket is replaced: a fresh ticket, a new hello, after a wait", async () => {
  const world = new World(ok);
  await world.open();
  world.socket.onclose({ code: 1006, reason: "" });
  assert.equal(world.state.state, "waiting");
  assert.equal(world.timers[0].ms, 500);
  await world.nextTimer();
  assert.equal(world.states.at(-1).state, "reconnecting");
  world.socket.onopen();
  assert.equal(world.posts.length, 2);
  assert.equal(world.sockets.length, 2);
  assert.equal(world.socket.messages[0].type, "hello");
  assert.deepEqual(world.backs, [0]);
});

test("it waits longer from time to time while the server stays away", async () => {
  const world = new World(ok, new TypeError("offline"));
  await world.open();
  world.socket.onclose({ code: 1006, reason: "" });
  const waits = [];
  for (let i = 0; i < 4; i += 1) {
    waits.push(world.timers[0].ms);
    await world.nextTimer();
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000]);
});

test("speech during the gap is kept and sent in order", async () => {
  const world = new World(ok);
  await world.open();
  world.client.speak(new ArrayBuffer(2));
  world.socket.onclose({ code: 1006, reason: "" });
  world.client.speak(new ArrayBuffer(4));
  world.client.speak(new ArrayBuffer(6));
  await world.nextTimer();
  world.socket.onopen();
  assert.deepEqual(world.socket.chunks.map((chunk) => chunk.byteLength), [4, 6]);
});

test("a gap longer than five seconds is admitted", async () => {
  const world = new World(ok);
  await world.open();
  world.socket.onclose({ code: 1006, reason: "" });
  for (let i = 0; i < 175; i += 1) world.client.speak(new ArrayBuffer(2));
  await world.nextTimer();
  world.socket.onopen();
  assert.equal(world.socket.chunks.length, 125);
  assert.deepEqual(world.backs, [2]);
});

test("nothing is kept before the call has begun", async () => {
  const world = new World(ok);
  world.client.speak(new ArrayBuffer(2));
  await world.open();
  assert.equal(world.socket.chunks.length, 0);
});

test("muting survives a new socket", async () => {
  const world = new World(ok);
  await world.open();
  world.client.mute(true);
  world.socket.onclose({ code: 1006, reason: "" });
  await world.nextTimer();
  world.socket.onopen();
  assert.deepEqual(world.socket.messages.at(-1), { type: "mute", muted: true });
});

for (const [code, text] of [[4404, "closed_missing"], [4408, "closed_replaced"], [4409, "closed_over"]]) {
  test(`close code ${code} is final`, async () => {
    const world = new World(ok);
    await world.open();
    world.socket.onclose({ code, reason: "" });
    assert.deepEqual(world.state, { state: "stopped", text });
    assert.equal(world.timers.length, 0);
  });
}

test("an old ticket is tried once more, two in a row mean the login is gone", async () => {
  const world = new World(ok);
  await world.client.connect();
  world.socket.onclose({ code: 4401, reason: "" });
  assert.equal(world.state.state, "waiting");
  await world.nextTimer();
  world.socket.onclose({ code: 4401, reason: "" });
  assert.deepEqual(world.state, { state: "stopped", text: "closed_login" });
});

test("too many openings wait for the next minute", async () => {
  const world = new World(ok);
  await world.open();
  world.socket.onclose({ code: 4429, reason: "" });
  assert.deepEqual(world.state, { state: "waiting", text: "closed_busy", seconds: 60 });
});

test("a call on another node is followed there", async () => {
  const world = new World(ok);
  await world.open();
  world.socket.onclose({ code: 4307, reason: "http://node-b.test:9000" });
  await world.nextTimer();
  assert.equal(world.socket.url, "ws://node-b.test:9000/relay/calls/1/stream?ticket=t1");
});

test("a call that ended meanwhile is not joined again", async () => {
  const world = new World(ok, refusal(409, "This call has ended."));
  await world.open();
  world.socket.onclose({ code: 1006, reason: "" });
  await world.nextTimer();
  assert.equal(world.state.text, "closed_over");
});

test("a socket that swallows speech is given up", async () => {
  const world = new World(ok);
  await world.open();
  const dead = world.socket;
  dead.bufferedAmount = 300_000;
  world.client.speak(new ArrayBuffer(2));
  assert.ok(dead.isClosed);
  assert.equal(world.state.state, "waiting");
});

test("sound and messages are told apart, rubbish is ignored", async () => {
  const world = new World(ok);
  await world.open();
  world.socket.onmessage({ data: new Int16Array([1, -2]).buffer });
  world.socket.onmessage({ data: '{"type":"status","status":"ringing"}' });
  world.socket.onmessage({ data: "rubbish" });
  assert.deepEqual([...world.sounds[0]], [1, -2]);
  assert.equal(world.messages.length, 1);
});

test("hanging up is said on the socket and asked of the server", async () => {
  const world = new World(ok, { status: 200, body: {} });
  await world.open();
  assert.equal(await world.client.hangUp(), true);
  assert.deepEqual(world.socket.messages.at(-1), { type: "end" });
  assert.equal(world.posts.at(-1).url, "/end");
});

test("after stopping, a late answer opens nothing", async () => {
  const world = new World(ok);
  const connecting = world.client.connect();
  world.client.stop();
  await connecting;
  assert.equal(world.sockets.length, 0);
});

test("a silent connection is asked, and given up without an answer", async () => {
  const world = new World(ok);
  await world.open();
  world.now = 5000;
  world.client.beat();
  assert.deepEqual(world.socket.messages.at(-1), { type: "ping" });
  world.socket.onmessage({ data: '{"type":"pong"}' });
  world.now = 10_000;
  world.client.beat();
  world.now = 17_000;
  world.client.beat();
  assert.equal(world.socket.isClosed, true);
  assert.equal(world.state.state, "waiting");
  await world.nextTimer();
  world.socket.onopen();
  assert.equal(world.state.state, "open");
  assert.equal(world.backs.length, 1);
});

test("a socket that never opens is given up", async () => {
  const world = new World(ok);
  await world.client.connect();
  world.now = 9999;
  world.client.beat();
  assert.equal(world.socket.isClosed, false);
  world.now = 10_000;
  world.client.beat();
  assert.equal(world.socket.isClosed, true);
  assert.equal(world.state.state, "waiting");
});
