// Photographs the page in its main states, for docs/pictures: `node scripts/pictures.mjs [DIRECTORY] [NAME...]`,
// after scripts/start.sh or test.sh has built web/dist. "Try it" and what follows it are the real trainer
// at work, which takes some minutes; the other pictures show the tests' stand-in, which waits where it is
// told to.

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { launchOptions } from "../tests/browser/chromium.mjs";
import { servePage } from "../web/test/serve.mjs";
import { STATES } from "../web/test/states.mjs";
import { writeSite } from "../web/site.mjs";
import { policy, serve } from "./serve.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { chromium } = createRequire(join(root, "tests/browser/package.json"))("@playwright/test");
const [directory = join(root, "docs/pictures"), ...only] = process.argv.slice(2);

/** Widths, colours, languages. */
const LOOKS = [
  { name: "light", width: 1280, scheme: "light", states: ["first", "trying", "tried", "compared"], real: true },
  { name: "dark", width: 1280, scheme: "dark", states: ["tried"], real: true },
  { name: "320", width: 320, scheme: "light", states: ["tried"], real: true },
  { name: "light", width: 1280, scheme: "light", states: ["model", "data", "method", "training", "problem"] },
  { name: "320", width: 320, scheme: "light", states: ["data"] },
  { name: "1600", width: 1600, scheme: "light", states: ["training"] },
  { name: "german", width: 1280, scheme: "light", states: ["first"], lang: "de" },
];

await mkdir(directory, { recursive: true });
const standIn = await servePage();
const folder = await mkdtemp(join(tmpdir(), "flantune-site-"));
await writeSite({ output: join(folder, "site") });
const site = await serve({ "/": join(folder, "site") }, { headers: { "content-security-policy": policy() } });
const browser = await chromium.launch(launchOptions());
try {
  for (const look of LOOKS) {
    for (const state of look.states) {
      const file = `${state}-${look.name}.png`;
      if (only.length === 0 || only.some((wanted) => file.startsWith(wanted))) await photograph(state, look, file);
    }
  }
} finally {
  await browser.close();
  standIn.close();
  site.close();
  await rm(folder, { recursive: true });
}

async function photograph(state, { width, scheme, real, lang = "en" }, file) {
  const { fake, act } = STATES[state];
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme, reducedMotion: "reduce", timezoneId: "UTC" });
  page.on("pageerror", (error) => console.error(`${file}: ${error.stack}`));
  page.on("console", (message) => message.type() === "error" && console.error(`${file}: ${message.text()}`));
  page.setDefaultTimeout(real ? 600_000 : 8000);
  await page.goto(real ? `${site.url}?lang=${lang}` : standIn.address({ fake: { pace: 0, ...fake }, attributes: { lang } }));
  try {
    if (lang === "en") await act(page); // what is waited for is English
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
