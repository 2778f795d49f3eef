/**
 * Shows a page that says so when there is no connection.
 *
 * It keeps that page, its styles and its icon, nothing else, and answers with them only
 * when the network does not.  Calls, the API and people's pages are never kept.
 */

const KEPT = {{ kept|safe }};
const OFFLINE = {{ offline|safe }};
const CACHE = `wigvo-offline ${KEPT.join(" ")}`;

addEventListener("install", (event) => {
  const keep = async () => {
    const cache = await caches.open(CACHE);
    // Without cookies: it is the same page for everybody.
    await cache.addAll(KEPT.map((url) => new Request(url, { credentials: "omit", cache: "reload" })));
    await skipWaiting();
  };
  event.waitUntil(keep());
});

addEventListener("activate", (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) {
      if (name !== CACHE) await caches.delete(name);
    }
    await clients.claim();
  };
  event.waitUntil(tidy());
});

/** @param {Request} request @param {string} instead */
async function fromNetworkOr(request, instead) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await (await caches.open(CACHE)).match(instead);
    if (kept) return kept;
    throw error;
  }
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (!url.pathname.startsWith("/api/")) event.respondWith(fromNetworkOr(request, OFFLINE));
  } else if (KEPT.includes(url.pathname) && url.pathname !== OFFLINE) {
    event.respondWith(fromNetworkOr(request, url.pathname));
  }
});
