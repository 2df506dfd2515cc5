// The page itself, with the real trainer and the built-in model: index.html, as it is served.

import { expect, test } from "@playwright/test";
import { fileURLToPath } from "node:url";

import { serve } from "./server.mjs";

interface Heard {
  losses: number[];
  adapters: string[];
  errors: string[];
  long: number[];
}

declare global {
  interface Window {
    heard: Heard;
  }
}

test("Try it trains the built-in model with both methods, and nothing leaves the page", async ({ page }) => {
  const site = await serve({ "/deep/path/": fileURLToPath(new URL("../../", import.meta.url)) });
  const elsewhere: string[] = [];
  const failures: string[] = [];
  page.context().on("request", (request) => {
    if (!/^(blob:|data:)/.test(request.url()) && !request.url().startsWith(site.url)) elsewhere.push(request.url());
  });
  page.on("pageerror", (error) => failures.push(String(error)));
  await page.addInitScript(() => {
    const heard: Heard = { losses: [], adapters: [], errors: [], long: [] };
    window.heard = heard;
    document.addEventListener("flantune:step", (event) => heard.losses.push((event as CustomEvent<{ loss: number }>).detail.loss));
    document.addEventListener("flantune:adapter", (event) => heard.adapters.push((event as CustomEvent<{ method: string }>).detail.method));
    document.addEventListener("flantune:error", (event) => heard.errors.push((event as CustomEvent<{ message: string }>).detail.message));
    new PerformanceObserver((list) => heard.long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
  });
  await page.goto(`${site.url}deep/path/index.html?model=builtin&data=reviews&method=lora&lang=en`);
  await expect(page.locator('flan-tune [data-step="model"]')).toContainText("Built-in, 7.1 million parameters, 7.2 MB");
  await page.evaluate(() => (window.heard.long.length = 0)); // what came while the page was loaded
  await page.getByRole("button", { name: "Try it", exact: true }).click();
  await expect(page.getByRole("status")).toHaveText("Done. Both adapters are in the library below.", { timeout: 400_000 });

  const heard = await page.evaluate(() => window.heard);
  expect(heard.errors).toEqual([]);
  expect(heard.adapters).toEqual(["lora", "prompt"]);
  // LoRA takes 60 steps, the soft prompt 100.
  const first = 60;
  const mean = (losses: number[]) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  for (const run of [heard.losses.slice(0, first), heard.losses.slice(first)]) {
    expect(mean(run.slice(-10))).toBeLessThan(mean(run.slice(0, 10)) * 0.9);
  }
  const rows = page.getByText("Three reviews that training never sees").locator("..").getByRole("listitem");
  await expect(rows).toHaveCount(3);
  for (const row of await rows.all()) {
    const [, before, lora] = await row.getByRole("definition").allInnerTexts();
    expect(lora).not.toEqual(before);
  }
  // Measured, not asserted: it is the machine's as much as ours (docs/performance.md).
  console.log(`the longest task of the page's thread: ${Math.max(0, ...heard.long).toFixed(0)} ms`);

  // What was made is there after a reload.
  await page.reload();
  await expect(page.getByRole("button", { name: /^6 Adapters/ })).toContainText("2 adapters");
  await page.getByRole("button", { name: /^6 Adapters/ }).click();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export: Try it: LoRA" }).click();
  expect((await download).suggestedFilename()).toBe("Try-it-LoRA.zip");
  expect(elsewhere, "requests that left the page's origin").toEqual([]);
  expect(failures).toEqual([]);
  site.close();
});
