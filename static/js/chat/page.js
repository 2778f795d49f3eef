/**
 * The chat page: replies appear paragraph by paragraph; without this script each message
 * loads the page anew.
 */

import { EventReader, lines } from "./stream.js";

const composer = /** @type {HTMLFormElement | null} */ (document.getElementById("composer"));
const log = document.getElementById("log");
const box = /** @type {HTMLTextAreaElement | null} */ (document.getElementById("id_text"));
const stop = /** @type {HTMLButtonElement | null} */ (document.getElementById("stop"));
/** What is under way, to be given up. @type {AbortController | null} */
let underWay = null;

for (const input of document.querySelectorAll('input[name="time_zone"]')) {
  /** @type {HTMLInputElement} */ (input).value =
    Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}

if (composer && log) {
  document.addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.matches("form[data-say]")) return;
    event.preventDefault();
    const data = new FormData(form, event.submitter);
    void say(form.action, data);
  });
  stop?.addEventListener("click", () => underWay?.abort());
  box?.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && underWay) underWay.abort();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (box.value.trim()) composer.requestSubmit();
  });
  document.body.addEventListener("htmx:beforeSwap", keepPlace);
  document.body.addEventListener("htmx:afterSettle", backToPlace);
  toTheEnd();
  const pending = /** @type {HTMLFormElement | null} */ (
    document.querySelector("form[data-pending]")
  );
  pending?.requestSubmit();
}

/** What was open in the panel, and which of its controls had the focus; -1: another one. */
let place = { open: /** @type {boolean[]} */ ([]), control: -1 };

/** @returns {HTMLElement[]} */
function controls() {
  return [...document.querySelectorAll("#panel :is(button, summary, input, select, textarea)")]
    .map((one) => /** @type {HTMLElement} */ (one));
}

/** The panel is about to be replaced. */
function keepPlace() {
  place = {
    open: [...document.querySelectorAll("#panel details")].map(
      (one) => /** @type {HTMLDetailsElement} */ (one).open),
    control: controls().indexOf(/** @type {HTMLElement} */ (document.activeElement)),
  };
}

/** It was replaced: whoever uses keys goes on where they were, or writes on. */
function backToPlace() {
  document.querySelectorAll("#panel details").forEach((one, n) => {
    if (place.open[n]) /** @type {HTMLDetailsElement} */ (one).open = true;
  });
  const focused = document.activeElement;
  if (!focused || focused === document.body) {
    (controls()[place.control] ?? box)?.focus({ preventScroll: true });
  }
  toTheEnd();
}

/**
 * @param {string} address
 * @param {FormData} data
 */
async function say(address, data) {
  if (underWay) return;
  const mine = new AbortController();
  setBusy(mine);
  const text = String(data.get("text") ?? "").trim();
  const question = text ? add("user", text) : null;
  const reply = add("assistant", "");
  const target = /** @type {HTMLElement} */ (reply.querySelector(".chat__text"));
  showThinking(target);
  try {
    const answer = await fetch(address, {
      method: "POST",
      body: data,
      headers: { Accept: "text/event-stream" },
      signal: mine.signal,
    });
    if (!answer.ok || !answer.body) {
      const body = await answer.json().catch(() => ({}));
      throw new Refusal(body.message ?? composer?.dataset.offline ?? "");
    }
    if (box && data.get("text") === box.value) box.value = "";
    await receive(answer.body, target);
    if (mine.signal.aborted) await takeBack(question, reply, data);
  } catch (error) {
    const isRefused = error instanceof Refusal;
    if (mine.signal.aborted) await takeBack(question, reply, data);
    else {
      if (isRefused) question?.remove();
      reply.remove();
      complain(isRefused ? error.message : (composer?.dataset.offline ?? ""));
    }
  } finally {
    setBusy(null);
    box?.focus({ preventScroll: true });
  }
}

/**
 * Nobody waits for the answer any more: the message comes back, to be changed.
 * @param {HTMLElement | null} question
 * @param {HTMLElement} reply
 * @param {FormData} data
 */
async function takeBack(question, reply, data) {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", String(data.get("csrfmiddlewaretoken") ?? ""));
  const answer = await fetch(composer?.dataset.stop ?? "", { method: "POST", body })
    .catch(() => null);
  if (!answer?.ok) {
    location.reload(); // it was answered already, or nobody knows
    return;
  }
  const { text } = await answer.json();
  const last = question ?? reply.previousElementSibling;
  if (last?.matches(".chat__message--user")) last.remove();
  reply.remove();
  if (box && !box.value) box.value = text;
  const said = document.getElementById("composer-said");
  if (said) said.textContent = composer?.dataset.stopped ?? "";
}

class Refusal extends Error {}

/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {HTMLElement} target
 */
async function receive(body, target) {
  const reader = new EventReader();
  const source = body.pipeThrough(new TextDecoderStream()).getReader();
  let isDone = false;
  for (;;) {
    const { value, done } = await source.read().catch(() => ({ value: "", done: true }));
    if (done) break;
    for (const { name, data } of reader.feed(value)) {
      if (name === "words") showWords(target, String(data.text));
      if (name === "part") {
        showWords(target, "");
        addParagraph(target, String(data.text));
      }
      if (name === "done") {
        isDone = true;
        showBeside(String(data.html));
        showTitle(String(data.title ?? ""));
      }
    }
  }
  target.querySelector(".chat__thinking")?.remove();
  showWords(target, "");
  if (!target.childElementCount) target.closest("li")?.remove();
  if (!isDone && !underWay?.signal.aborted) complain(composer?.dataset.failed ?? "");
}

/**
 * @param {"user" | "assistant"} role
 * @param {string} text
 */
function add(role, text) {
  const item = document.createElement("li");
  item.className = `chat__message chat__message--${role}`;
  const who = document.createElement("span");
  who.className = "visually-hidden";
  who.textContent = (role === "user" ? composer?.dataset.you : composer?.dataset.assistant) ?? "";
  const words = document.createElement("div");
  words.className = "chat__text";
  item.append(who, words);
  if (text) addParagraph(words, text);
  log?.append(item);
  toTheEnd();
  return item;
}

/** @param {HTMLElement} target */
function showThinking(target) {
  const paragraph = document.createElement("p");
  paragraph.className = "chat__thinking";
  paragraph.textContent = composer?.dataset.thinking ?? "";
  target.append(paragraph);
}

/**
 * A paragraph while it is being written.  Not for a screen reader, which would read each
 * word of it: that is told the whole, once.
 * @param {HTMLElement} target
 * @param {string} text all of it so far; "" takes it away
 */
function showWords(target, text) {
  let words = target.querySelector(".chat__words");
  if (!text) {
    words?.remove();
    return;
  }
  if (!words) {
    words = document.createElement("p");
    words.className = "chat__words";
    words.ariaHidden = "true";
    const thinking = target.querySelector(".chat__thinking");
    if (thinking) thinking.before(words);
    else target.append(words);
  }
  words.textContent = text;
  toTheEnd();
}

/**
 * @param {HTMLElement} target
 * @param {string} text
 */
function addParagraph(target, text) {
  const paragraph = document.createElement("p");
  lines(text).forEach((line, n) => {
    if (n) paragraph.append(document.createElement("br"));
    paragraph.append(line);
  });
  const thinking = target.querySelector(".chat__thinking");
  if (thinking) thinking.before(paragraph);
  else target.append(paragraph);
  toTheEnd();
}

/** @param {string} html what stands under and beside the conversation */
function showBeside(html) {
  const parts = new DOMParser().parseFromString(html, "text/html");
  for (const id of ["panel", "next"]) {
    const fresh = parts.getElementById(id);
    const old = document.getElementById(id);
    if (!fresh || !old) continue;
    fresh.removeAttribute("hx-swap-oob");
    const open = [...old.querySelectorAll("details")].map((one) => one.open);
    fresh.querySelectorAll("details").forEach((one, n) => {
      if (open[n]) one.open = true;
    });
    const node = document.importNode(fresh, true);
    old.replaceWith(node);
    window.htmx?.process(node);
  }
  toTheEnd();
}

/** @param {string} title what the call is about, once that is known */
function showTitle(title) {
  const heading = document.querySelector("h1");
  if (!title || !heading || heading.textContent === title) return;
  document.title = document.title.replace(heading.textContent ?? "", title);
  heading.textContent = title;
}

/** @param {AbortController | null} work that is under way */
function setBusy(work) {
  underWay = work;
  composer?.setAttribute("aria-busy", String(work !== null));
  // Not `disabled`: the focus would be lost with it.
  const send = composer?.querySelector("[type=submit]");
  send?.setAttribute("aria-disabled", String(work !== null));
  if (stop) stop.hidden = work === null;
  if (!work) return;
  if (document.activeElement === send) stop?.focus();
  complain("");
  const said = document.getElementById("composer-said");
  if (said) said.textContent = "";
}

/** @param {string} problem */
function complain(problem) {
  const place = document.getElementById("composer-problem");
  if (place) place.textContent = problem;
}

function toTheEnd() {
  const next = document.getElementById("next");
  const last = next?.childElementCount ? next : log?.lastElementChild;
  last?.scrollIntoView({ block: "nearest" });
}
