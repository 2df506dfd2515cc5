// Keeps the site, so that it works without network after the first load.
//
// One cache holds one version of the site, whole. A page gets the newest when it loads, and goes on
// with that one for as long as it is open, with its workers: never files of two. scripts/site.mjs puts
// the list of files before this script, so that a changed file makes it another script: that is how a
// browser sees that there is an update.

/** What the site is made of: SHA-256 hashes in base64, by path. Put here by scripts/site.mjs. */
declare const FLANTUNE_SITE: { version: string; files: Record<string, string> };

const scope = self as unknown as ServiceWorkerGlobalScope;
const root = new URL(scope.registration.scope);
const INDEX = "index.html";
/** What lies here belongs to the site, in this version or in another. */
const BUILT = "web/dist/";
/** Several sites may lie under one origin, whose caches are one list. */
const PREFIX = `flantune-site ${root.pathname} `;
const VERSION = PREFIX + FLANTUNE_SITE.version;
/** Which version each open page and worker has. A service worker is ended at will, and forgets. */
const CLIENTS = `${PREFIX}clients`;

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (event) => {
  const path = pathOf(event.request);
  if (path !== undefined) event.respondWith(answer(event, path));
});

async function install(): Promise<void> {
  try {
    const earlier = await versions();
    const cache = await caches.open(VERSION);
    for (const [path, hash] of Object.entries(FLANTUNE_SITE.files)) {
      await cache.put(address(path), await obtain(path, hash, earlier));
    }
  } catch (error) {
    // Half a version is none. The browser tries again at a later load.
    await caches.delete(VERSION);
    throw error;
  }
  // Pages that are open keep their version all the same.
  await scope.skipWaiting();
}

async function activate(): Promise<void> {
  if ((await versions()).every((name) => name === VERSION)) {
    // The very first page came from the network just now: it goes on without network too.
    for (const { id } of await scope.clients.matchAll({ includeUncontrolled: true, type: "all" }))
      await remember(id, VERSION);
    await scope.clients.claim();
  }
  await tidy();
}

/** The path of what the site has; undefined for what is none of its business. */
function pathOf({ method, mode, url }: Request): string | undefined {
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== root.origin || !pathname.startsWith(root.pathname)) return undefined;
  const path = pathname.slice(root.pathname.length);
  // Settings stand in the query: the page is the same.
  if (mode === "navigate") return path === "" || path === INDEX ? INDEX : undefined;
  return Object.hasOwn(FLANTUNE_SITE.files, path) || path.startsWith(BUILT) ? path : undefined;
}

async function answer(event: FetchEvent, path: string): Promise<Response> {
  const { clientId, request, resultingClientId } = event;
  const loads = request.mode === "navigate";
  const version = loads ? VERSION : await versionOf(clientId);
  if (resultingClientId) await remember(resultingClientId, version);
  if (loads) event.waitUntil(tidy());
  const kept = await caches.match(address(path), { cacheName: version });
  // A browser that needs room may have thrown the cache away.
  return kept ?? fetch(request);
}

async function versionOf(client: string): Promise<string> {
  const entry = await caches.match(clientAddress(client), { cacheName: CLIENTS });
  return entry === undefined ? VERSION : entry.text();
}

async function remember(client: string, version: string): Promise<void> {
  const cache = await caches.open(CLIENTS);
  await cache.put(clientAddress(client), new Response(version));
}

/** Forgets the pages that are closed, and the versions that none has. */
async function tidy(): Promise<void> {
  const used = new Set([VERSION]);
  const cache = await caches.open(CLIENTS);
  for (const request of await cache.keys()) {
    const version = await cache.match(request).then((entry) => entry?.text());
    const id = decodeURIComponent(new URL(request.url).search.slice(1));
    // Of a page that is still loading, this waits for the load.
    if (version !== undefined && (await scope.clients.get(id)) !== undefined) used.add(version);
    else await cache.delete(request);
  }
  for (const name of await versions()) if (!used.has(name)) await caches.delete(name);
}

/** The versions that are here, whole or not. */
async function versions(): Promise<string[]> {
  return (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CLIENTS);
}

/** A file of this version: from an earlier one that has the same, or from the network. */
async function obtain(path: string, hash: string, earlier: string[]): Promise<Response> {
  for (const cacheName of earlier) {
    const kept = await caches.match(address(path), { cacheName });
    if (kept !== undefined && (await hashOf(await kept.clone().arrayBuffer())) === hash) return kept;
  }
  // What the browser has just loaded is good; what it loaded long ago may not be.
  for (const cache of ["default", "reload"] as const) {
    // A host may send `index.html` on to the folder.
    const response = await fetch(path === INDEX ? root : address(path), { cache });
    if (!response.ok) throw new Error(`${path}: the server answered ${response.status}`);
    const bytes = await response.arrayBuffer();
    if ((await hashOf(bytes)) === hash) return unpacked(response, bytes);
  }
  throw new Error(
    `${path} is not the file that this version has: the site is being changed, or its host rewrites files`,
  );
}

/** The response as it is kept: not compressed, and not the end of a redirect, which no page may start from. */
function unpacked({ headers }: Response, bytes: ArrayBuffer): Response {
  const kept = new Headers(headers);
  for (const name of ["content-encoding", "content-length"]) kept.delete(name);
  return new Response(bytes, { headers: kept });
}

async function hashOf(bytes: ArrayBuffer): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return btoa(String.fromCharCode(...hash));
}

function address(path: string): string {
  return new URL(path, root).href;
}

function clientAddress(client: string): string {
  return address(`client?${encodeURIComponent(client)}`);
}
