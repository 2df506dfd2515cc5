// The static site: without network after the first load, whole versions, a hub of one's own, and the
// server that serves it here.

import { createHash } from "node:crypto";
import { readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { brotliCompressSync } from "node:zlib";
import type { Page } from "@playwright/test";

import { launchOptions } from "./chromium.mjs";
import { compressedSite, counted, expect, losses, siteWithHub, test, tryIt, watch } from "./site-support.js";

/** Waits until the site is kept. */
async function kept(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (navigator.serviceWorker.controller) return;
    await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
  });
}

const caches = (page: Page) => page.evaluate(async () => (await self.caches.keys()).filter((name) => !name.endsWith(" clients")));

test("after the first load the page trains without network", async ({ page, context, site, open }) => {
  const server = await open({ "/school/": site });
  const seen = watch(context, server.url);
  await page.goto(`${server.url}school/`);
  await kept(page);
  // Neither the browser's nor the server's end is there any more.
  server.close();
  await context.setOffline(true);
  await page.goto(`${server.url}school/index.html?method=prompt`);
  const told = losses(page, 3);
  await tryIt(page);
  expect(await told).toHaveLength(3);
  expect(seen).toEqual([]);
});

test("the first page itself goes on without network", async ({ page, context, site, open }) => {
  const server = await open({ "/": site });
  await page.goto(server.url);
  await kept(page);
  server.close();
  await context.setOffline(true);
  const told = losses(page, 3);
  await tryIt(page);
  expect(await told).toHaveLength(3);
});

for (const lang of ["en", "de"]) {
  test(`axe finds nothing on the site's own page: ${lang}`, async ({ page, site, open }) => {
    const server = await open({ "/": site });
    await page.goto(`${server.url}?lang=${lang}`);
    await expect(page.locator("html")).toHaveAttribute("lang", lang);
    await expect(page).toHaveTitle(lang === "de" ? "Flantune: ein Sprachmodell im Browser anpassen" : "Flantune: tune a language model in the browser");
    await expect(page.locator('flan-tune [data-step="model"]')).toContainText(lang === "de" ? "7,1 Millionen" : "7.1 million");
    if (lang === "de") {
      // Whatever key the configuration gets, it is explained in the page's language.
      await page.locator('flan-tune [data-step="method"]').click();
      await page.getByText("Alle Einstellungen").click();
      await expect(page.getByText("Wie aus Gradienten Schritte werden")).toBeVisible();
      await expect(page.locator('flan-tune .note [lang="en"]')).toHaveCount(0);
    }
    const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)])).toEqual([]);
  });
}

test("a compressed site comes in less than 12 MB, is sent once, and is kept", async ({ playwright, folder, open }) => {
  const output = join(folder, "site");
  await compressedSite(output);
  const server = await open({ "/": output });
  const way = await counted(server.port);
  // With a cache on disk, as windows have that are not private: those in memory refuse what is large.
  const context = await playwright.chromium.launchPersistentContext(join(folder, "profile"), launchOptions());
  const page = await context.newPage();
  await page.goto(way.url);
  await kept(page);
  expect(way.bytes()).toBeLessThan(12_000_000);
  way.close();
  server.close();
  await context.setOffline(true);
  await page.goto(way.url);
  const told = losses(page, 3);
  await tryIt(page);
  expect(await told).toHaveLength(3);
  await context.close();
});

test("a new version is taken whole, at the next load", async ({ context, copy, open }) => {
  const [first, second] = [copy("first"), copy("second")];
  change(second);
  let server = await open({ "/": first });
  const { port, url } = server;
  const swap = async (folder: string) => {
    server.close();
    server = await open({ "/": folder }, { port });
  };
  const title = (page: Page) => page.evaluate(async () => [document.title, await (await fetch("web/page.css")).text().then((css) => /second/.test(css))]);
  const page = await context.newPage();
  await page.goto(url);
  await kept(page);
  const [before] = await caches(page);
  await swap(second);
  // This load is the old version's, and finds the new one.
  await page.reload();
  await expect.poll(() => caches(page)).toHaveLength(2);
  await expect.poll(() => page.evaluate(settled)).toBe(true);
  expect(await title(page)).toEqual(["Flantune: tune a language model in the browser", false]);
  const later = await context.newPage();
  await later.goto(url);
  expect(await title(later)).toEqual(["second", true]);
  // The page that was open keeps its files, which are gone from the server.
  expect(await title(page)).toEqual(["Flantune: tune a language model in the browser", false]);
  expect(await caches(later)).toHaveLength(2);
  await page.close();
  // A browser may take a while to see that a page is gone: then a later load forgets its version.
  await expect
    .poll(async () => {
      await later.reload();
      return caches(later);
    })
    .not.toContain(before);
  expect(await caches(later)).toHaveLength(1);
  expect(await title(later)).toEqual(["second", true]);
});

test("a version with a file of another is not taken", async ({ page, copy, open }) => {
  const folder = copy("torn");
  writeFileSync(join(folder, "web/page.css"), "/* of a version that is being written */");
  const { url } = await open({ "/": folder });
  await page.goto(url);
  const state = await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.register("./service-worker.js");
    const worker = registration.installing;
    if (worker) await new Promise((resolve) => worker.addEventListener("statechange", resolve, { once: true }));
    return worker?.state;
  });
  expect(state).toBe("redundant");
  expect(await caches(page)).toEqual([]);
});

test("other origins are left alone, and a page with the element keeps nothing", async ({ page, site, open, folder }) => {
  // Without a policy, for pages that ask another server on this machine.
  const own = await open({ "/": site }, { bare: true });
  writeFileSync(join(folder, "model.json"), "{}");
  const other = await open({ "/": folder }, { bare: true, headers: { "access-control-allow-origin": "*" } });
  const example = `${own.url}web/examples/api/`;
  await page.goto(example);
  expect(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)).toBe(0);
  await page.goto(own.url);
  await kept(page);
  await page.goto(example);
  const from = async (address: string) => {
    const [response] = await Promise.all([page.waitForResponse(address), page.evaluate((address) => fetch(address).then(() => {}), address)]);
    return response.fromServiceWorker();
  };
  expect(await from(`${other.url}model.json`)).toBe(false);
  // Nor is what lies beside the site on its own server.
  expect(await from(`${own.url}LICENSE-MIT`)).toBe(false);
  expect(await from(`${own.url}web/dist/flantune.js`)).toBe(true);
});

test("the site has its hub, its policy and the licences of all that is in it", async ({ page, folder, open }) => {
  const output = join(folder, "site");
  await siteWithHub(output, "https://models.school.example/hub/");
  const { url } = await open({ "/": output }, { bare: true });
  await page.goto(url);
  await expect(page.locator("flan-tune")).toHaveAttribute("hub-endpoint", "https://models.school.example/hub");
  const policy = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute("content");
  expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
  expect(policy).toContain("connect-src 'self' https: https://models.school.example;");
  const licences = readFileSync(join(output, "web/dist/THIRD-PARTY.txt"), "utf8");
  for (const name of ["fflate", "idb", "uplot", "burn", "tokenizers", "wgpu", "wasm-bindgen"]) expect(licences).toMatch(new RegExp(`^${name} \\d`, "m"));
  expect(licences).toContain("Permission is hereby granted, free of charge");
  await expect(siteWithHub(output, "models.school.example")).rejects.toThrow("--hub: found models.school.example, expected an address");
  await expect(siteWithHub(folder, "https://models.school.example")).rejects.toThrow("holds something that is no site");
});

test("the server: types, paths, what is not there", async ({ request, site, open, folder }) => {
  symlinkSync("/etc/hosts", join(folder, "link"));
  const { url } = await open({ "/school/": site, "/more/": folder });
  const get = async (path: string) => {
    const response = await request.get(url + path, { maxRedirects: 0 });
    return { status: response.status(), type: response.headers()["content-type"], location: response.headers()["location"] };
  };
  expect(await get("school/web/dist/flantune_wasm_bg.wasm")).toMatchObject({ status: 200, type: "application/wasm" });
  expect(await get("school/web/dist/worker.js")).toMatchObject({ status: 200, type: "text/javascript; charset=utf-8" });
  expect(await get("school/?method=lora")).toMatchObject({ status: 200, type: "text/html; charset=utf-8" });
  expect(await get("school?a=b")).toMatchObject({ status: 301, location: "/school/?a=b" });
  expect(await get("school/web/examples/plain")).toMatchObject({ status: 301, location: "/school/web/examples/plain/" });
  for (const path of ["", "school/nothing.js", "school/index.html/", "school/web/", "school/..%2f..%2fetc/hosts", "more/link", "school/%00"]) {
    expect((await get(path)).status, path).toBe(404);
  }
  expect((await get("school/%zz")).status).toBe(400);
  expect((await request.post(`${url}school/`)).status()).toBe(405);
  const page = await request.get(`${url}school/`);
  expect(page.headers()["content-security-policy"]).toContain("script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:;");
  // What lies compressed beside a file goes to who takes it, as another answer to the same address.
  const [text, packed] = [Buffer.from("one text, ".repeat(200)), join(folder, "text.txt.br")];
  writeFileSync(join(folder, "text.txt"), text);
  writeFileSync(packed, brotliCompressSync(text));
  const ask = async (accepted: string) => {
    const response = await fetch(`${url}more/text.txt`, { headers: { "accept-encoding": accepted } });
    const { headers } = response;
    const got = { encoding: headers.get("content-encoding"), vary: headers.get("vary"), type: headers.get("content-type") };
    return { ...got, etag: headers.get("etag"), whole: Buffer.from(await response.arrayBuffer()).equals(text) };
  };
  const plain = { encoding: null, vary: "accept-encoding", type: "text/plain; charset=utf-8", whole: true };
  const [taken, ...others] = [await ask("gzip, br"), await ask("gzip"), await ask("gzip, br; q=0")];
  expect(taken).toMatchObject({ ...plain, encoding: "br" });
  for (const other of others) expect(other).toMatchObject(plain);
  expect(taken.etag).not.toBe(others[0]?.etag);
  // Not what was made of an earlier text.
  utimesSync(packed, 0, 0);
  expect((await ask("br")).encoding).toBe(null);
  const again = await request.get(`${url}school/`, { headers: { "if-none-match": page.headers()["etag"] as string } });
  expect(again.status()).toBe(304);
});

/** Whether no version waits for its turn. */
async function settled(): Promise<boolean> {
  const registration = await navigator.serviceWorker.getRegistration();
  return !registration?.installing && !registration?.waiting && registration?.active?.state === "activated";
}

/** Makes another version of a site: its page, its style, and the list that its service worker has. */
function change(folder: string): void {
  const edit = (name: string, edit: (text: string) => string) => {
    const path = join(folder, name);
    writeFileSync(path, edit(readFileSync(path, "utf8")));
    return createHash("sha256").update(readFileSync(path)).digest("base64");
  };
  const hashes = {
    "index.html": edit("index.html", (text) => text.replace(/<title>.*<\/title>/, "<title>second</title>")),
    "web/page.css": edit("web/page.css", (text) => `${text}/* second */`),
  };
  edit("service-worker.js", (text) => {
    const [head, ...rest] = text.split("\n");
    const list = JSON.parse((head as string).replace(/^const FLANTUNE_SITE = |;$/g, "")) as { version: string; files: object };
    return [`const FLANTUNE_SITE = ${JSON.stringify({ version: "second", files: { ...list.files, ...hashes } })};`, ...rest].join("\n");
  });
}
