/** The page of settings: the example looks as what is chosen. */

const form = /** @type {HTMLFormElement} */ (document.getElementById("settings-form"));
const example = /** @type {HTMLElement} */ (document.getElementById("caption-example"));
const captions = /** @type {HTMLElement} */ (example.querySelector(".captions"));

form.addEventListener("input", () => {
  const chosen = new FormData(form);
  example.dataset.size = String(chosen.get("caption_size"));
  example.dataset.spacing = String(chosen.get("caption_spacing"));
  example.dataset.colours = String(chosen.get("caption_theme"));
  captions.dataset.show = String(chosen.get("caption_show"));
});
