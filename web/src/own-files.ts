// What is wrong where one of Flantune's own files (the worker, the Wasm module, an asset) does not come:
// one sentence for each cause, with the address. Used by the page and by the worker.

import { FlantuneError, type LoadReason } from "./error.js";

/** What the file is, in a sentence, and how a page says where it lies. */
export interface OwnFile {
  what: string;
  option: string;
}

export const WORKER: OwnFile = {
  what: "the worker's script",
  option: "`workerUrl` (`worker-url` on the element)",
};
export const MODULE: OwnFile = { what: "the Wasm module", option: "`wasmUrl` (`wasm-url` on the element)" };
export const ASSET: OwnFile = {
  what: "a file of the assets",
  option: "`assetsUrl` (`assets-url` on the element)",
};

type Sentence = (file: OwnFile, url: string, detail: string) => [message: string, hint: string];

const copied = ({ option }: OwnFile) =>
  `Copy Flantune's files to where the page is served (\`npx flantune copy-assets FOLDER\`), and name them: ${option}`;

const SENTENCES: Record<Exclude<LoadReason, "trusted_types">, Sentence> = {
  unreachable: ({ what }, url, detail) => [
    `${url}: ${what} could not be loaded: ${detail}`,
    "Check the connection, and that no filter and no policy stands between (`connect-src`)",
  ],
  status: (file, url, detail) => [
    `${url}: ${file.what} is not there: the server answered ${detail}`,
    copied(file),
  ],
  html: (file, url) => [
    `${url}: expected ${file.what}, found HTML: the server sends a web page for what it does not have`,
    copied(file),
  ],
  cors: ({ what }, url) => [
    `${url}: ${what} lies on another origin, which lets no other page read it (CORS)`,
    "Have that server send `access-control-allow-origin`, or serve the file from the page's own origin",
  ],
  connect_src: ({ what }, url) => [
    `${url}: the page's security policy does not let ${what} be loaded (\`connect-src\`)`,
    `Add \`connect-src ${sourceOf(url)}\` to the policy`,
  ],
  // The detail is what was refused: a script of another origin is started through one of `blob:` or `data:`.
  worker_src: ({ what }, url, detail) => [
    `${url}: the page's security policy does not let ${what} start (\`worker-src\`)`,
    `Add \`worker-src ${detail || sourceOf(url)}\` to the policy`,
  ],
  wasm_eval: ({ what }, url) => [
    `${url}: the page's security policy does not let ${what} run (\`script-src\`)`,
    "Add `'wasm-unsafe-eval'` to `script-src` in the policy",
  ],
  coep: ({ what }, url) => [
    `${url}: this page is isolated by Cross-Origin-Embedder-Policy, and ${what} comes without that header`,
    "Have the server send the same `cross-origin-embedder-policy` with the worker's script as with the page",
  ],
  content: (file, url, detail) => [
    `${url}: this is not ${file.what} of this version: ${detail}`,
    copied(file),
  ],
};

/** The error of a file that does not come. */
export function notLoaded(
  reason: keyof typeof SENTENCES,
  file: OwnFile,
  url: string,
  detail = "",
  cause?: unknown,
): FlantuneError {
  const [message, hint] = SENTENCES[reason](file, url, detail);
  return new FlantuneError("network", message, hint, { reason, url, cause });
}

/** What a policy calls the origin of an address. */
function sourceOf(url: string): string {
  const { protocol, origin } = new URL(url);
  if (protocol === "blob:" || protocol === "data:") return protocol;
  return origin === self.origin || origin === location.origin ? "'self'" : origin;
}

/** What a policy refused in this thread lately. Violations are told in a task of their own, soon after. */
const refused: { directive: string; url: string }[] = [];

/** Notes what a policy refuses from now on, until it is told that all is loaded. */
export function watchPolicy(): () => void {
  const { document } = globalThis as { document?: EventTarget };
  const target: EventTarget = document ?? self;
  const note = (event: Event) => {
    const { effectiveDirective, blockedURI } = event as SecurityPolicyViolationEvent;
    refused.push({ directive: effectiveDirective, url: blockedURI });
  };
  target.addEventListener("securitypolicyviolation", note);
  return () => target.removeEventListener("securitypolicyviolation", note);
}

/** What a policy refused by this directive: addresses, of other origins perhaps only that, or a scheme's name. */
export function refusedBy(directive: string): string[] {
  return refused.filter((one) => one.directive === directive).map(({ url }) => url);
}

/** Fetches one of the files; `signal` calls it off. Errors: `network` with its reason, `cancelled`. */
export async function fetchOwn(file: OwnFile, url: string, signal?: AbortSignal): Promise<Response> {
  // A small file that a bundler wrote into the address itself: a policy need not let that be fetched.
  if (url.startsWith("data:")) return fromDataUrl(url);
  let response: Response;
  const stop = watchPolicy();
  try {
    response = await fetch(url, signal ? { signal } : {});
  } catch (thrown) {
    const known = FlantuneError.from(thrown);
    if (known.code === "cancelled") throw known;
    throw await unreachable(file, url, thrown);
  } finally {
    stop();
  }
  checkAnswer(file, url, response);
  return response;
}

/** Refuses an answer that is an error's, or a web page. */
function checkAnswer(file: OwnFile, url: string, { ok, status, statusText, headers }: Response): void {
  if (!ok) throw notLoaded("status", file, url, `${status} ${statusText}`.trimEnd());
  if (/^text\/html\b/i.test(headers.get("content-type") ?? "")) throw notLoaded("html", file, url);
}

/** Why an address does not answer: asked once more in other ways, where that can tell. */
async function unreachable(file: OwnFile, url: string, thrown: unknown): Promise<FlantuneError> {
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  // The policy's own word comes in a task after the refusal.
  await turn();
  if (refusedBy("connect-src").some((one) => url.startsWith(one)))
    return notLoaded("connect_src", file, url, detail, thrown);
  if (new URL(url).origin !== self.origin && (await answersAnybody(url)))
    return notLoaded("cors", file, url, detail, thrown);
  return notLoaded("unreachable", file, url, navigator.onLine ? detail : "this computer is offline", thrown);
}

/** Whether a server answers, though not to be read by us. */
async function answersAnybody(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { mode: "no-cors", cache: "no-store" })).type === "opaque";
  } catch {
    return false;
  }
}

/** Some turns of the event loop: timers would take long in hidden tabs. */
export async function turn(): Promise<void> {
  for (let count = 0; count < 3; count += 1) {
    await new Promise<void>((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    });
  }
}

function fromDataUrl(url: string): Response {
  const comma = url.indexOf(",");
  const head = url.slice("data:".length, comma);
  const body = decodeURIComponent(url.slice(comma + 1));
  const type = head.replace(/;base64$/, "");
  const bytes = head.endsWith(";base64")
    ? Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0))
    : new TextEncoder().encode(body);
  return new Response(bytes, { headers: { "content-type": type || "text/plain" } });
}
