/** The page of saved phrases: Escape leaves the phrase that is being edited. */

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing) return;
  const form = event.target.closest?.("form[data-cancel]");
  form?.querySelector("[data-cancel-link]").click();
});

// A button at the end of the list stays where the keyboard is; it does nothing there.
document.addEventListener(
  "click",
  (event) => {
    if (event.target.closest?.('button[aria-disabled="true"]')) event.preventDefault();
  },
  true,
);
