// How the worker is started: by the words that bundlers look for, or by an address where those do not do.

import { FlantuneError } from "../error.js";

/** What `trusted-types` in a page's policy calls it. */
const TRUSTED = "flantune";

/** Built by build.mjs: files of other names have been through a bundler, and the worker beside them too. */
const AS_BUILT = /\/(flantune|element|define|chunk-[A-Z0-9]{8})\.js$/;

// Not written into `new URL` itself: bundlers would take that for a file to copy. A bundler may put the
// path of the file on its own machine here (webpack), or nothing (a classic script), which is then found
// by its tag.
const here: string | undefined = import.meta.url;
const tag = typeof document === "undefined" ? null : document.currentScript;
const script = tag !== null && "src" in tag && typeof tag.src === "string" ? tag.src : "";
const own = [here, script].find((address) => address !== undefined && /^https?:/.test(address));

/** How a worker of a frame without an origin is addressed. */
let inFrame: Promise<"data" | "blob"> | undefined;

/** A worker, and where its script lies as far as that is known. */
export interface StartedWorker {
  worker: Worker;
  url?: string;
}

/**
 * Starts the worker at an address, else the one that came with this module.
 *
 * Errors: `environment` where the page does not allow it, or it is not found from here.
 */
export async function newWorker(url: URL | undefined): Promise<StartedWorker> {
  // A frame without an origin (`sandbox` without `allow-same-origin`): its workers are of none either.
  const scheme = self.origin === "null" ? await (inFrame ??= schemeInFrame()) : "blob";
  try {
    return url === undefined ? ownWorker(scheme) : { worker: workerAt(url, scheme), url: url.href };
  } catch (thrown) {
    throw thrown instanceof FlantuneError ? thrown : refused(thrown, url ?? beside());
  }
}

function ownWorker(scheme: "data" | "blob"): StartedWorker {
  const url = beside();
  const asBuilt = own !== undefined && AS_BUILT.test(new URL(own).pathname);
  // Of another origin, or in a frame without one: some browsers refuse what follows only later.
  if (asBuilt && url !== undefined && url.origin !== self.origin)
    return { worker: workerAt(url, scheme), url: url.href };
  try {
    // Word for word what bundlers look for: they bundle the worker, and put its address here.
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    return asBuilt && url !== undefined ? { worker, url: url.href } : { worker };
  } catch (thrown) {
    // In a classic script there is no `import.meta`; under Trusted Types an address must be vouched for.
    if (url === undefined) throw thrown;
    return { worker: workerAt(url, scheme), url: url.href };
  }
}

/** Beside the script that this was loaded from. */
function beside(): URL | undefined {
  return own === undefined ? undefined : new URL("worker.js", own);
}

function workerAt(url: URL, scheme: "data" | "blob"): Worker {
  const text = `import ${JSON.stringify(url.href)};`;
  if (scheme === "data") return start(dataAddress(text));
  if (url.origin === self.origin || url.protocol === "blob:" || url.protocol === "data:")
    return start(url.href);
  // A worker of another origin is refused, but one of this page's may import it.
  return start(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
}

const dataAddress = (text: string) => `data:text/javascript,${encodeURIComponent(text)}`;

/**
 * Chromium starts module workers without an origin from `data:` alone. WebKit starts those too, but they
 * cannot read any Blob; from `blob:` they can. So one is asked.
 */
async function schemeInFrame(): Promise<"data" | "blob"> {
  let probe: Worker | undefined;
  try {
    const worker = (probe = start(
      dataAddress('new Blob(["a"]).text().then(() => postMessage(true), () => postMessage(false));'),
    ));
    return await new Promise((resolve) => {
      worker.addEventListener("message", ({ data }) => resolve(data ? "data" : "blob"));
      // The policy refuses it, which the worker itself will be told.
      worker.addEventListener("error", () => resolve("data"));
    });
  } catch {
    return "data";
  } finally {
    probe?.terminate();
  }
}

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(address: string): string },
  ): { createScriptURL(address: string): string };
}

let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;

/** A page may demand that addresses of scripts are vouched for; elsewhere that changes nothing. */
function start(address: string): Worker {
  const { trustedTypes } = self as unknown as { trustedTypes?: TrustedTypes };
  try {
    policy ??= trustedTypes?.createPolicy(TRUSTED, { createScriptURL: (address) => address });
  } catch {
    // The page's policy does not name it: where it demands none, all is well.
  }
  return new Worker(policy?.createScriptURL(address) ?? address, { type: "module" });
}

/** Errors: `environment` where there are no web workers. */
export function needWorkers(): void {
  if (typeof Worker !== "undefined" && typeof location !== "undefined") return;
  const message =
    "There are no web workers here, so Flantune cannot start: this is a server, a service worker or a worklet";
  throw new FlantuneError(
    "environment",
    message,
    "Import it anywhere, but call Flantune.start() in a page, or in a web worker of one",
  );
}

/** What was thrown where a worker was to be started, in words. */
function refused(thrown: unknown, url: URL | undefined): FlantuneError {
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  const at = url === undefined ? "" : ` ${url.href}`;
  const details = { cause: thrown, url: url?.href };
  if (thrown instanceof TypeError && /Trusted/i.test(detail)) {
    const message = `${at.trim() || "The worker"}: this page demands Trusted Types, so the worker's script was not started: ${detail}`;
    return new FlantuneError(
      "environment",
      message,
      `Add \`trusted-types ${TRUSTED}\` to the page's policy`,
      { ...details, reason: "trusted_types" },
    );
  }
  if (url === undefined) {
    const hint =
      "Copy the worker (`npx flantune copy-assets FOLDER`), and name it: workerUrl, or worker-url on the element";
    return new FlantuneError(
      "environment",
      `The worker's script was not found from here: ${detail}`,
      hint,
      details,
    );
  }
  const hint =
    "Check that the page's security policy lets workers start (`worker-src`), and that workerUrl names worker.js";
  return new FlantuneError(
    "environment",
    `The worker's script${at} could not be started: ${detail}`,
    hint,
    details,
  );
}
