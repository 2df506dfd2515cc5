#!/usr/bin/env node
// Serves a built site, and trains five steps in its <flan-tune>, in Chromium.
//
// node five-steps.mjs FOLDER

import { chromium } from "@playwright/test";

import { launchOptions } from "./chromium.mjs";
import { serve } from "./server.mjs";

const STEPS = 5;
const [folder] = process.argv.slice(2);
const site = await serve({ "/": folder });
const browser = await chromium.launch(launchOptions());
try {
  const page = await browser.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.context().on("request", (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(site.url)) wrong.push(`a request to ${request.url()}`);
  });
  await page.goto(site.url);
  const losses = page.evaluate((steps) => {
    const losses = [];
    return new Promise((resolve, reject) => {
      document.addEventListener("flantune:step", ({ detail }) => losses.push(detail.loss) === steps && resolve(losses));
      document.addEventListener("flantune:error", ({ detail }) => reject(new Error(`${detail.message}. ${detail.hint ?? ""}`)));
    });
  }, STEPS);
  losses.catch(() => {}); // told below
  await page.getByRole("button", { name: "Try it", exact: true }).click();
  const found = await losses;
  if (wrong.length > 0) throw new Error(wrong.join("; "));
  console.log(`trained ${STEPS} steps: loss ${found.map((loss) => loss.toFixed(3)).join(", ")}`);
} catch (error) {
  console.error(`five-steps.mjs: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  site.close();
}
