/**
 * Pages with passkeys: shows them where they work, and says what went wrong.
 *
 * The ceremony itself is allauth's script; it reports failures as an event.
 */

import { byName, obstacle, problem } from "./obstacles.js";

const found = obstacle({
  isSecure: isSecureContext,
  hostname: location.hostname,
  knowsPasskeys: typeof PublicKeyCredential === "function",
});

for (const part of document.querySelectorAll("[data-passkeys]")) {
  part.hidden = found !== null;
}
for (const note of document.querySelectorAll("[data-obstacle]")) {
  note.hidden = note.dataset.obstacle !== found;
}
const named = byName(location.href);
for (const part of document.querySelectorAll("[data-by-name]")) {
  part.hidden = named === null;
  if (named) {
    const link = /** @type {HTMLAnchorElement} */ (part.querySelector("a"));
    link.href = named.href;
    link.textContent = named.host;
  }
}

const box = document.getElementById("passkey-problem");

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  if (!box) return;
  const note = document.createElement("p");
  note.className = "note note--error";
  note.textContent = box.dataset[problem(event.detail.exception)] ?? "";
  box.replaceChildren(note);
});

// What was wrong before is not wrong while it is tried again.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button");
  if (button?.id.startsWith("passkey-")) box?.replaceChildren();
});
