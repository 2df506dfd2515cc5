// What fails is said where it is seen, with its cause: each way in which a site can lack one of
// Flantune's files, provoked in the browser, in both languages.

import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, test as base, type Page } from "@playwright/test";

import { LOAD_REASONS } from "../../web/src/error.js";
import { de } from "../../web/src/element/strings/de.js";

const DIST = fileURLToPath(new URL("../../web/dist/", import.meta.url));
const VERSION = (JSON.parse(readFileSync(new URL("../../web/package.json", import.meta.url), "utf8")) as { version: string }).version;
const TYPES: Record<string, string> = { js: "text/javascript", json: "application/json", wasm: "application/wasm", html: "text/html" };
const HTML = "<!doctype html><title>A single-page site</title><p>Not here</p>";

type Answer = { status?: number; type?: string; headers?: Record<string, string>; body?: string | Buffer };
/** What a server does otherwise than sending a file of dist; nothing where it does that. */
type Odd = (path: string) => Answer | undefined;

interface Fixtures {
  serve: (odd: Odd, page?: string) => Promise<string>;
}

const test = base.extend<Fixtures>({
  serve: async ({}, use) => {
    const close: (() => void)[] = [];
    await use(async (odd, page = "") => {
      const server = createServer((request: IncomingMessage, response: ServerResponse) => {
        const path = new URL(request.url ?? "/", "http://localhost").pathname;
        const own = path === "/" ? { type: "text/html", body: page } : file(path);
        const { status = 200, type, headers = {}, body = "" } = { ...own, ...odd(path) };
        response.writeHead(status, { ...(type && { "content-type": type }), "cache-control": "no-store", ...headers }).end(body);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      close.push(() => (server.close(), server.closeAllConnections()));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    });
    for (const end of close) end();
  },
});

function file(path: string): Answer {
  try {
    return { type: TYPES[path.split(".").at(-1) ?? ""] ?? "application/octet-stream", body: readFileSync(join(DIST, path)) };
  } catch {
    return { status: 404, type: "text/plain", body: "nothing" };
  }
}

const element = (lang: string, attributes = "") =>
  `<!doctype html><html lang="en"><title>A lesson</title><link rel="icon" href="data:,"><script type="module" src="/define.js"></script>
   <flan-tune lang="${lang}" model="builtin" data="reviews" ${attributes}></flan-tune></html>`;

/** What the element tells of its first failure, and where. */
async function failure(page: Page, url: string): Promise<{ shown: string; said: string; detail: Record<string, string> }> {
  await page.addInitScript(() => {
    const said: string[] = [];
    Object.assign(window, { said, failed: new Promise((resolve) => document.addEventListener("flantune:error", ({ detail }) => resolve(detail))) });
    // All that the live region says, one after the other.
    void customElements.whenDefined("flan-tune").then(() => {
      const region = document.querySelector("flan-tune")?.shadowRoot?.querySelector("[role=status]") as Element;
      new MutationObserver(() => said.push(region.textContent ?? "")).observe(region, { childList: true, characterData: true, subtree: true });
    });
  });
  await page.goto(url);
  const detail = await page.evaluate(() => (window as unknown as { failed: Promise<Record<string, string>> }).failed);
  const intro = page.locator("flan-tune .intro .problem-content").filter({ visible: true });
  await expect(intro).toHaveCount(1);
  // No step was opened for it.
  await expect(page.locator('flan-tune [data-step="model"]')).toHaveAttribute("aria-expanded", "false");
  const said = await page.evaluate(() => (window as unknown as { said: string[] }).said.join("\n"));
  return { shown: await intro.innerText(), said, detail };
}

const POLICY = "default-src 'none'; style-src 'self'; img-src data:;";
const withPolicy = (policy: string): Odd => () => ({ headers: { "content-security-policy": `${POLICY} ${policy}` } });

interface Case {
  reason: string;
  code?: string;
  odd?: Odd;
  /** What is served on another origin, whose address takes the place of OTHER. */
  other?: Odd;
  attributes?: string;
  /** The end of the address that is named. */
  url: RegExp;
  en: [message: RegExp, hint: RegExp];
}

const CASES: Record<string, Case> = {
  "assets that are not there": {
    reason: "status",
    odd: (path) => (path.startsWith("/assets/") ? { status: 404, type: "text/plain", body: "" } : undefined),
    url: /\/assets\/index\.json$/,
    en: [/index\.json: a file of the assets is not there: the server answered 404 Not Found/, /npx flantune copy-assets FOLDER`\), and name them: `assetsUrl` \(`assets-url` on the element\)/],
  },
  "a web page in place of the assets": {
    reason: "html",
    odd: (path) => (path.startsWith("/assets/") ? { type: "text/html", body: HTML } : undefined),
    url: /\/assets\/index\.json$/,
    en: [/index\.json: expected a file of the assets, found HTML/, /`assets-url` on the element/],
  },
  "a web page in place of the assets, called JSON": {
    reason: "html",
    odd: (path) => (path.startsWith("/assets/") ? { type: "application/json", body: HTML } : undefined),
    url: /\/assets\/index\.json$/,
    en: [/index\.json: expected a file of the assets, found HTML/, /`assets-url` on the element/],
  },
  "a web page in place of the weights": {
    reason: "html",
    odd: (path) => (path.endsWith(".safetensors") ? { type: "text/html", body: HTML } : undefined),
    url: /\/assets\/builtin\/model\.safetensors$/,
    en: [/model\.safetensors: expected a file of the assets, found HTML/, /`assets-url` on the element/],
  },
  "assets of another version": {
    reason: "content",
    odd: (path) => (path.endsWith("tokenizer.json") ? { type: "application/json", body: "{}" } : undefined),
    url: /\/assets\/builtin\/tokenizer\.json$/,
    en: [/tokenizer\.json: this is not a file of the assets of this version: it has 2 bytes, expected \d+/, /copy-assets/],
  },
  "assets at an address where nothing answers": {
    reason: "unreachable",
    attributes: 'assets-url="http://127.0.0.1:9/"',
    url: /^http:\/\/127\.0\.0\.1:9\/index\.json$/,
    en: [/index\.json: a file of the assets could not be loaded: Failed to fetch/, /connect-src/],
  },
  "a web page in place of the Wasm module": {
    reason: "html",
    odd: (path) => (path.endsWith(".wasm") ? { type: "text/html", body: HTML } : undefined),
    url: /\/flantune_wasm_bg\.wasm$/,
    en: [/flantune_wasm_bg\.wasm: expected the Wasm module, found HTML/, /`wasm-url` on the element/],
  },
  "a web page in place of the Wasm module, called Wasm": {
    reason: "html",
    odd: (path) => (path.endsWith(".wasm") ? { type: "application/wasm", body: HTML } : undefined),
    url: /\/flantune_wasm_bg\.wasm$/,
    en: [/found HTML/, /`wasm-url` on the element/],
  },
  "something else in place of the Wasm module": {
    reason: "content",
    odd: (path) => (path.endsWith(".wasm") ? { type: "application/wasm", body: "nothing" } : undefined),
    url: /\/flantune_wasm_bg\.wasm$/,
    en: [/this is not the Wasm module of this version: .*magic/, /`wasm-url` on the element/],
  },
  "a Wasm module that is not there": {
    reason: "status",
    odd: (path) => (path.endsWith(".wasm") ? { status: 404, type: "text/plain", body: "" } : undefined),
    url: /\/flantune_wasm_bg\.wasm$/,
    en: [/the Wasm module is not there: the server answered 404 Not Found/, /`wasm-url` on the element/],
  },
  "a Wasm module on another origin, without CORS": {
    reason: "cors",
    other: () => undefined,
    attributes: 'wasm-url="OTHERflantune_wasm_bg.wasm"',
    url: /\/flantune_wasm_bg\.wasm$/,
    en: [/the Wasm module lies on another origin, which lets no other page read it \(CORS\)/, /access-control-allow-origin/],
  },
  "a policy without connect-src": {
    reason: "connect_src",
    odd: withPolicy("script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'"),
    url: /\/flantune_wasm_bg\.wasm$/,
    en: [/the page's security policy does not let the Wasm module be loaded \(`connect-src`\)/, /Add `connect-src 'self'`/],
  },
  "a policy without worker-src": {
    reason: "worker_src",
    odd: withPolicy("script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'; connect-src 'self'"),
    url: /\/worker\.js$/,
    en: [/the page's security policy does not let the worker's script start \(`worker-src`\)/, /Add `worker-src 'self'`/],
  },
  "a policy without 'wasm-unsafe-eval'": {
    reason: "wasm_eval",
    odd: withPolicy("script-src 'self'; worker-src 'self'; connect-src 'self'"),
    url: /\/flantune_wasm_bg\.wasm$/,
    en: [/the page's security policy does not let the Wasm module run \(`script-src`\)/, /'wasm-unsafe-eval'/],
  },
  "a web page in place of the worker": {
    reason: "html",
    odd: (path) => (path === "/worker.js" ? { type: "text/html", body: HTML } : undefined),
    url: /\/worker\.js$/,
    en: [/worker\.js: expected the worker's script, found HTML/, /`worker-url` on the element/],
  },
  "a worker that is not there": {
    reason: "status",
    attributes: 'worker-url="/nowhere.js"',
    url: /\/nowhere\.js$/,
    en: [/nowhere\.js: the worker's script is not there: the server answered 404/, /`worker-url` on the element/],
  },
  "a worker that is served as text": {
    reason: "content",
    odd: (path) => (path === "/worker.js" ? { type: "text/plain" } : undefined),
    url: /\/worker\.js$/,
    en: [/it is served as text\/plain, and a script is expected/, /`worker-url` on the element/],
  },
  "a worker of another version": {
    reason: "content",
    odd: (path) => (path === "/worker.js" ? { body: readFileSync(join(DIST, "worker.js"), "utf8").replaceAll(`"${VERSION}"`, '"0.0.0"') } : undefined),
    url: /\/worker\.js$/,
    en: [/this is not the worker's script of this version: it is 0\.0\.0, and the page's is \d/, /`worker-url` on the element/],
  },
  "a worker on another origin, without CORS": {
    reason: "cors",
    other: () => undefined,
    attributes: 'worker-url="OTHERworker.js"',
    url: /\/worker\.js$/,
    en: [/the worker's script lies on another origin, which lets no other page read it \(CORS\)/, /access-control-allow-origin/],
  },
  "a worker on another origin, which the policy does not let be imported": {
    reason: "worker_src",
    odd: withPolicy("script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'"),
    other: () => ({ headers: { "access-control-allow-origin": "*" } }),
    attributes: 'worker-url="OTHERworker.js"',
    url: /\/worker\.js$/,
    en: [/does not let the worker's script start \(`worker-src`\)/, /Add `worker-src blob:`/],
  },
  "a page that is isolated by COEP, with a worker that is not": {
    reason: "coep",
    odd: (path) => (path === "/" ? { headers: { "cross-origin-embedder-policy": "require-corp" } } : undefined),
    url: /\/worker\.js$/,
    en: [/isolated by Cross-Origin-Embedder-Policy, and the worker's script comes without that header/, /cross-origin-embedder-policy/],
  },
  "a page that demands Trusted Types, and names none": {
    reason: "trusted_types",
    code: "environment",
    odd: (path) => (path === "/" ? { headers: { "content-security-policy": "require-trusted-types-for 'script'; trusted-types 'none'" } } : undefined),
    url: /\/worker\.js$/,
    en: [/this page demands Trusted Types, so the worker's script was not started/, /trusted-types flantune/],
  },
};

for (const [name, { reason, code = "network", odd = () => undefined, other, attributes = "", url, en }] of Object.entries(CASES)) {
  for (const lang of ["en", "de"]) {
    test(`${name}: ${lang}`, async ({ page, serve }) => {
      const elsewhere = other === undefined ? "" : await serve(other);
      const address = await serve(odd, element(lang, attributes.replace("OTHER", elsewhere)));
      const { shown, said, detail } = await failure(page, address);
      expect(detail).toMatchObject({ code, reason, message: expect.stringMatching(en[0]), hint: expect.stringMatching(en[1]) });
      expect(detail["url"]).toMatch(url);
      for (const text of [shown, said]) expect(text).toContain(detail["url"]);
      if (lang === "en") for (const part of en) expect(shown).toMatch(part);
      else {
        const known = de.problem[`${code}/${reason}`];
        for (const text of [shown, said]) {
          expect(text).toContain(known?.message.replace("{url}", detail["url"] ?? ""));
          expect(text).toContain(known?.hint);
        }
      }
      // What was mended meanwhile is tried again, here by who comes by keyboard.
      await expect(page.locator("flan-tune .intro").getByRole("button", { name: lang === "en" ? "Try again" : "Noch einmal versuchen" })).toBeVisible();
    });
  }
}

test("each reason has its sentence in German, and a case here", () => {
  const keys = LOAD_REASONS.map((reason) => (reason === "trusted_types" ? `environment/${reason}` : `network/${reason}`));
  expect(keys.filter((key) => de.problem[key] === undefined)).toEqual([]);
  expect(LOAD_REASONS.filter((reason) => !Object.values(CASES).some((one) => one.reason === reason))).toEqual([]);
});

test("a file that comes at the second try is taken then", async ({ page, serve }) => {
  let there = false;
  const url = await serve((path) => (path.startsWith("/assets/") && !there ? { type: "text/html", body: HTML } : undefined), element("en"));
  await failure(page, url);
  there = true;
  await page.locator("flan-tune .intro").getByRole("button", { name: "Try again" }).click();
  await expect(page.locator('flan-tune [data-step="model"]')).toContainText("7.1 million");
  await expect(page.locator('flan-tune [data-step="data"]')).toContainText("220 rows");
  await expect(page.locator("flan-tune .intro .problem-content").filter({ visible: true })).toHaveCount(0);
});

test("under Trusted Types and COEP it starts where they are met", async ({ page, serve }) => {
  const headers = {
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": "require-trusted-types-for 'script'; trusted-types flantune",
  };
  const url = await serve(() => ({ headers }), element("en"));
  await page.goto(url);
  await expect(page.locator('flan-tune [data-step="model"]')).toContainText("7.1 million");
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
});

test("a script without CORS: the console says what the guide says", async ({ page, serve }) => {
  const other = await serve(() => undefined);
  const url = await serve(() => undefined, element("en").replace("/define.js", `${other}define.js`));
  const told = page.waitForEvent("console", (message) => message.type() === "error" && message.text().includes("CORS"));
  await page.goto(url);
  const text = (await told).text().replaceAll(`${other}define.js`, "https://flantune.example/web/dist/define.js").replaceAll(url.slice(0, -1), "https://school.example");
  const guide = readFileSync(new URL("../../docs/guide/bundlers.md", import.meta.url), "utf8");
  const quoted = guide.split("\n").find((line) => line.startsWith("Access to script at"));
  expect(text).toContain(quoted);
});

test("where there is no page: the modules do nothing, and start says why it cannot", async () => {
  const define = (await import(join(DIST, "define.js"))) as { FlanTuneElement: { define(): void } };
  const { FlanTuneElement } = (await import(join(DIST, "element.js"))) as { FlanTuneElement: { define(): void } };
  define.FlanTuneElement.define();
  FlanTuneElement.define();
  const { Flantune } = (await import(join(DIST, "flantune.js"))) as { Flantune: { start(options?: object): Promise<unknown> } };
  for (const options of [undefined, { device: "cpu" }, { workerUrl: "https://example.org/worker.js" }, { assetsUrl: "/flantune/" }]) {
    const error = await Flantune.start(options).then(() => undefined, (error: unknown) => error);
    expect(error).toMatchObject({ name: "FlantuneError", code: "environment", message: expect.stringContaining("no web workers here"), hint: expect.stringContaining("in a page") });
  }
});
