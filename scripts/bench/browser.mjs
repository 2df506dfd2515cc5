// What measurements in a browser share: Chromium as the tests start it, their server, and pages.

import { createRequire } from "node:module";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const tests = join(root, "tests/browser/");
const { chromium } = createRequire(tests)("playwright-core");
const { launchOptions } = await import(join(tests, "chromium.mjs"));
export const { serve } = await import(join(tests, "server.mjs"));

/** Chromium. On WebGPU the adapter is SwiftShader's, unless ADAPTER names another (see --use-webgpu-adapter). */
export function launch() {
  return chromium.launch(launchOptions({ adapter: process.env.ADAPTER }));
}

/** The machine and the browser, in words. */
export function machine(browser) {
  return `${cpus()[0]?.model}, ${cpus().length} cores, Chromium ${browser.version()}`;
}

/** What a function gives in a page of its own: a module's memory never shrinks. */
export async function inPage(browser, address, work, argument) {
  const page = await browser.newPage();
  try {
    await page.goto(address);
    return await page.evaluate(work, argument);
  } finally {
    await page.close();
  }
}
