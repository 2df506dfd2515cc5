// How the worker is started.

// Not written into `new URL` itself: bundlers would take it for a file to copy, and these are found
// beside this module only where it is served as it was built.
const here = import.meta.url;

/** The worker beside this module. */
export const OWN_WORKER = new URL("./worker.js", here);
/** The folder with the built-in model and the demo sets beside this module. */
export const OWN_ASSETS = new URL("./assets/", here);

export function newWorker(url: URL): Worker {
  if (url.origin === location.origin || url.protocol === "blob:") {
    // Word for word what bundlers look for: they bundle the worker, and put its address here.
    if (url.href === OWN_WORKER.href) return new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    return new Worker(url, { type: "module" });
  }
  // A worker of another origin is refused, but one of this page's may import it.
  const script = URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" }));
  return new Worker(script, { type: "module" });
}
