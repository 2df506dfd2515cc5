// Photographs the page in its main states, for docs/pictures. The trainer is the tests' fake, so that
// the pictures are the same every time: `node scripts/pictures.mjs [DIRECTORY]`.

import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { launchOptions } from "../tests/browser/chromium.mjs";
import { servePage } from "../web/test/serve.mjs";
import { STATES } from "../web/test/states.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { chromium } = createRequire(join(root, "tests/browser/package.json"))("@playwright/test");
const [directory = join(root, "docs/pictures"), ...only] = process.argv.slice(2);

/** Widths, colours, languages: every state in the first of them. */
const LOOKS = [
  { name: "light", width: 1280, scheme: "light", states: Object.keys(STATES) },
  { name: "dark", width: 1280, scheme: "dark", states: ["tried"] },
  { name: "320", width: 320, scheme: "light", states: ["tried", "data"] },
  { name: "1600", width: 1600, scheme: "light", states: ["training"] },
  { name: "german", width: 1280, scheme: "light", states: ["first"], attributes: { lang: "de" }, german: true },
];

await mkdir(directory, { recursive: true });
const site = await servePage();
const browser = await chromium.launch(launchOptions());
try {
  for (const { name, width, scheme, states, attributes, german } of LOOKS) {
    for (const state of states) {
      const file = `${state}-${name}.png`;
      if (only.length > 0 && !only.some((wanted) => file.startsWith(wanted))) continue;
      const { fake, act } = STATES[state];
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme, reducedMotion: "reduce", timezoneId: "UTC" });
      page.on("pageerror", (error) => console.error(`${file}: ${error.stack}`));
      page.on("console", (message) => message.type() === "error" && console.error(`${file}: ${message.text()}`));
      page.setDefaultTimeout(8000);
      await page.goto(site.address({ fake: { pace: 0, ...fake }, attributes: { lang: "en", ...attributes } }));
      try {
        if (!german) await act(page);
      } catch (error) {
        console.error(`${file}: ${error.message}`);
        process.exitCode = 1;
      }
      await page.evaluate(() => scrollTo(0, 0));
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      await page.screenshot({ path: resolve(directory, file), fullPage: true });
      await page.close();
      console.log(file);
    }
  }
} finally {
  await browser.close();
  site.close();
}
