/** The button that plays what the other side will hear first, in the call's voice. */

/** What the server says of it, in words for the reader. */
class Refused extends Error {}

/** @type {AudioContext | undefined} */
let context;
/** @type {{box: HTMLElement, abort: AbortController, source?: AudioBufferSourceNode} | null} */
let current = null;

/** @param {HTMLElement} box @param {"play" | "wait" | "stop"} state */
function show(box, state) {
  const button = /** @type {HTMLButtonElement} */ (box.querySelector("button"));
  button.textContent = button.dataset[state] ?? "";
  button.setAttribute("aria-busy", String(state === "wait"));
}

/** @param {HTMLElement} box @param {string} text */
function say(box, text) {
  const line = /** @type {HTMLElement} */ (box.querySelector("[role=status]"));
  line.textContent = text;
  line.classList.toggle("feedback__wrong", text !== "");
}

function stop() {
  if (!current) return;
  const { box, abort, source } = current;
  current = null; // first: the end of the sound is not the end of a later one
  abort.abort();
  source?.stop();
  show(box, "play");
}

/** @param {Response} answer */
async function sentence(answer) {
  try {
    return String((await answer.json()).error.message);
  } catch {
    return "";
  }
}

/** @param {HTMLElement} box */
async function play(box) {
  stop();
  // Made and woken by the click itself, which is when browsers allow it.
  context ??= new AudioContext();
  void context.resume();
  const mine = (current = { box, abort: new AbortController() });
  say(box, "");
  show(box, "wait");
  try {
    const answer = await fetch(box.dataset.hear, {
      method: "POST",
      body: new FormData(box.closest("form")),
      signal: mine.abort.signal,
    });
    if (!answer.ok) throw new Refused(await sentence(answer));
    const sound = await context.decodeAudioData(await answer.arrayBuffer());
    if (current !== mine) return;
    const source = context.createBufferSource();
    source.buffer = sound;
    source.connect(context.destination);
    source.addEventListener("ended", () => current === mine && stop());
    mine.source = source;
    source.start();
    show(box, "stop");
  } catch (error) {
    if (current !== mine) return;
    stop();
    say(box, (error instanceof Refused && error.message) || box.dataset.failed);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-hear] button");
  const box = button?.closest("[data-hear]");
  if (!box) return;
  if (current?.box === box) stop();
  else void play(box);
});

// What is changed is no longer what is heard.
for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => {
    if (current && event.target.form === current.box.closest("form")) stop();
  });
}

/** @param {ParentNode} root */
function reveal(root) {
  for (const button of root.querySelectorAll("[data-hear] button")) button.hidden = false;
}

reveal(document);
document.body.addEventListener("htmx:load", (event) => {
  if (current && !current.box.isConnected) stop();
  reveal(/** @type {ParentNode} */ (event.target));
});
