/**
 * Show times in the reader's own time zone; without this script they are in UTC.
 */

/** @param {ParentNode} root */
function localise(root) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, {
    dateStyle: "medium",
    timeStyle: "short",
  });
  for (const time of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(/** @type {HTMLTimeElement} */ (time).dateTime);
    if (!Number.isNaN(moment.valueOf())) time.textContent = format.format(moment);
    time.removeAttribute("data-local");
  }
}

localise(document);
document.body.addEventListener("htmx:load", (event) => {
  localise(/** @type {ParentNode} */ (event.target));
});
