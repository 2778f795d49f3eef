/** Lets the app be installed, and say so when there is no connection. */

if ("serviceWorker" in navigator) {
  addEventListener("load", () => {
    // Without it everything works, but for the page that says "offline".
    navigator.serviceWorker.register("/sw.js").catch(() => {});
  });
}
