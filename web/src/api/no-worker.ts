// Why a worker's script did not start: the browser tells the page nothing but that, so it is asked for
// once more.

import { FlantuneError } from "../error.js";
import { fetchOwn, notLoaded, refusedBy, turn, WORKER } from "../own-files.js";

const SCRIPT = /^(text|application)\/(x-)?(java|ecma)script\b/i;
const COEP = "cross-origin-embedder-policy";

/** `url` is that of the script, as far as it is known: a bundler's own address is not. */
export async function whyNoWorker(url: string | undefined): Promise<FlantuneError> {
  // What a policy refuses it tells in a task of its own.
  await turn();
  if (url === undefined) {
    const blocked = refusedBy("worker-src").find((one) => URL.canParse(one));
    if (blocked !== undefined) return notLoaded("worker_src", WORKER, blocked);
    const hint = "The console names its address. Check the connection, and the page's policy (`worker-src`)";
    return new FlantuneError("network", "The worker's script could not be loaded", hint);
  }
  for (const one of refusedBy("worker-src")) {
    if (one === "blob" || one === "data") return notLoaded("worker_src", WORKER, url, `${one}:`);
    if (url.startsWith(one)) return notLoaded("worker_src", WORKER, url);
  }
  try {
    const response = await fetchOwn(WORKER, url);
    const type = response.headers.get("content-type") ?? "";
    if (!SCRIPT.test(type))
      return notLoaded(
        "content",
        WORKER,
        url,
        `it is served as ${type || "nothing"}, and a script is expected`,
      );
    // One of another origin is imported by an address of this page's, which has the page's own headers; what
    // the policy refuses there, no page hears of.
    if (new URL(url).origin !== self.origin) return notLoaded("worker_src", WORKER, url);
    if (!response.headers.has(COEP) && (await isIsolated())) return notLoaded("coep", WORKER, url);
  } catch (thrown) {
    return FlantuneError.from(thrown);
  }
  return notLoaded("unreachable", WORKER, url, "the browser does not say why");
}

/** Whether this page has a Cross-Origin-Embedder-Policy: that alone need not make `crossOriginIsolated` true. */
async function isIsolated(): Promise<boolean> {
  if (self.crossOriginIsolated) return true;
  try {
    const { headers } = await fetch(location.href, { method: "HEAD" });
    return /require-corp|credentialless/.test(headers.get(COEP) ?? "");
  } catch {
    return false;
  }
}
