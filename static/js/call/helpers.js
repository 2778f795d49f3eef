/** The link for a helper: copied or shared; everything else about it htmx does. */

export class Helpers {
  /** @param {HTMLElement} root */
  constructor(root) {
    root.addEventListener("click", (event) => {
      const target = /** @type {Element} */ (event.target);
      const button = /** @type {HTMLElement | null} */ (target.closest("[data-copy], [data-share]"));
      if (!button) return;
      const { copy, share } = button.dataset;
      const field = /** @type {HTMLInputElement} */ (document.getElementById(copy ?? share ?? ""));
      if (share) void navigator.share({ url: field.value }).catch(() => {});
      else void this.copy(field, button);
    });
    root.addEventListener("htmx:load", () => this.shown(root));
  }

  /** @param {HTMLElement} root */
  shown(root) {
    const share = /** @type {HTMLElement | null} */ (root.querySelector("[data-share]"));
    if (share) share.hidden = !("share" in navigator);
    const field = /** @type {HTMLInputElement | null} */ (root.querySelector("#helper-address"));
    field?.focus();
    field?.select();
  }

  /**
   * @param {HTMLInputElement} field
   * @param {HTMLElement} button
   */
  async copy(field, button) {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy"); // where the address is not secure
    }
    button.textContent = button.dataset.copied ?? "";
  }
}
