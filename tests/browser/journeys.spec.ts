// A person's ways through the page, by its own controls, on the real trainer: rows and a model of one's
// own, a model of a hub and the sample on the graphics card, another device before "Try it".

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { unzipSync } from "fflate";
import type { Page } from "@playwright/test";

import { COMMIT, modelFiles, startHub } from "./hub.mjs";
import { policy } from "./server.mjs";
import { expect, losses, siteWithHub, test, tryIt, watch } from "./site-support.js";

const FLANTUNE = process.env["FLANTUNE"];
const TINY = fileURLToPath(new URL("../oracle/tiny/gated", import.meta.url));
const WORDS = ["cat", "dog", "red", "blue"];
/** Words in a frame, which the tiny model is to repeat alone. */
const ROWS = ["sentence,animal", ...Array.from({ length: 40 }, (_, row) => `the ${WORDS[row % 4]} sat on ${row},${WORDS[row % 4]}`)];

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const step = (page: Page, name: string) => page.locator(`flan-tune [data-step="${name}"]`);
const region = (page: Page, name: string) => page.getByRole("region", { name, exact: true });

/** The files of the tiny model, as a person chooses them. */
async function chooseModel(page: Page): Promise<void> {
  await page.getByRole("radio", { name: "Files of yours" }).check();
  const files = Object.entries(modelFiles(TINY)).map(([name, buffer]) => ({ name, buffer, mimeType: "application/octet-stream" }));
  await region(page, "Model").locator('input[type="file"][multiple]').setInputFiles(files);
  await expect(button(page, "Use this model")).toBeEnabled();
}

/** The zip that a button saves. */
async function saved(page: Page, name: string): Promise<Buffer> {
  const download = page.waitForEvent("download");
  await button(page, name).click();
  return readFileSync(await (await download).path());
}

/** The step that a run has come to, and how many it has. */
async function progress(page: Page): Promise<[number, number]> {
  const text = await region(page, "Run").innerText();
  const [, done, all] = /([\d,]+) of ([\d,]+)/.exec(text) ?? [];
  return [Number(done?.replaceAll(",", "")), Number(all?.replaceAll(",", ""))];
}

test("own rows and an own model: trained, cut off, gone on with, compared, exported, merged, imported", async ({ context, site, open }) => {
  const { url } = await open({ "/": site });
  const seen = watch(context, url);
  const address = `${url}?lang=en&method=lora&rank=2&batchSize=4&maxSteps=1000&evalEvery=500&checkpointEvery=50&learningRate=0.01`;
  let page = await context.newPage();
  await page.goto(address);
  await step(page, "model").click();
  await chooseModel(page);
  await button(page, "Use this model").click();
  await page.locator('flan-tune input[type="file"][accept*="jsonl"]').setInputFiles({ name: "animals.csv", mimeType: "text/csv", buffer: Buffer.from(ROWS.join("\n")) });
  await expect(page.getByLabel("The model reads", { exact: true })).toHaveValue("sentence");
  await page.getByRole("textbox", { name: "Template" }).fill("{{ sentence }} ||| the {{ animal }}");
  await expect(region(page, "Preview").getByRole("listitem").first()).toContainText("the cat");
  await button(page, "Train").click();
  await expect.poll(async () => (await progress(page))[0]).toBeGreaterThan(150);
  await page.close();

  // The next day, in the same browser.
  page = await context.newPage();
  await page.goto(address);
  await expect(page.getByText(/^animals\.csv, LoRA 1: [\d,]+ of 1,000 steps/)).toBeVisible();
  const goOn = button(page, "Go on: animals.csv, LoRA 1");
  await goOn.click();
  await expect(region(page, "Run")).toContainText("This run's base is a model of your own files, and only you can open those. Choose its files again");
  await step(page, "model").click();
  await chooseModel(page);
  await goOn.click();
  await expect(region(page, "Run")).toContainText("Finished", { timeout: 120_000 });
  expect(await progress(page)).toEqual([1000, 1000]);

  await step(page, "compare").click();
  await page.getByLabel("Prompt 1").fill("the red sat on 101");
  await button(page, "Compare").click();
  const answer = region(page, "Answers").getByText("the red", { exact: true });
  await expect(answer).toHaveCount(1); // the adapter's, not the base's
  await step(page, "adapters").click();
  const zip = await saved(page, "Export: animals.csv, LoRA 1");
  expect(Object.keys(unzipSync(zip))).toEqual(expect.arrayContaining(["adapter_config.json", "adapter_model.safetensors"]));
  const merged = unzipSync(await saved(page, "Merged model: animals.csv, LoRA 1"));
  expect(Object.keys(merged).sort()).toEqual(Object.keys(modelFiles(TINY)).sort());

  // From the zip it is another adapter with the same answer.
  await button(page, "Delete: animals.csv, LoRA 1").click();
  await button(page, "Delete for good: animals.csv, LoRA 1").click();
  await expect(page.getByLabel("Name of animals.csv, LoRA 1")).toHaveCount(0);
  await page.locator('flan-tune input[type="file"][accept=".zip"]').setInputFiles({ name: "friend.zip", mimeType: "application/zip", buffer: zip });
  await expect(page.getByLabel("Name of friend")).toBeVisible();
  await button(page, "Compare").click();
  await expect(answer).toHaveCount(1);
  await expect(region(page, "Answers")).toContainText("friend");
  expect(seen).toEqual([]);
});

test("the settings of own rows as a file, with which the command line trains to the same losses", async ({ page, site, open, folder }) => {
  test.skip(FLANTUNE === undefined, "FLANTUNE names no command line to compare with");
  const { url } = await open({ "/": site });
  await page.goto(`${url}?lang=en&method=lora&rank=2&batchSize=4&maxSteps=12&learningRate=0.01&evalSamples=1`);
  await page.getByLabel("Compute on").selectOption("Processor");
  await step(page, "model").click();
  await chooseModel(page);
  await button(page, "Use this model").click();
  const rows = Buffer.from(ROWS.join("\n"));
  await page.locator('flan-tune input[type="file"][accept*="jsonl"]').setInputFiles({ name: "animals.csv", mimeType: "text/csv", buffer: rows });
  await page.getByRole("textbox", { name: "Template" }).fill("{{ sentence }} ||| the {{ animal }}");
  await page.getByLabel("Most tokens to read").fill("6");
  await page.getByLabel("Held out, in percent").fill("20");
  await page.getByLabel("Held out, in percent").blur();
  await expect(page.getByText("longer than 6 tokens")).toBeVisible();
  const heard = losses(page, 12);
  await button(page, "Train").click();
  const found = await heard;
  // What the base writes stands above what the adapter writes.
  const sample = region(page, "The same rows during training").getByRole("listitem").first();
  await expect(sample).toContainText("Before");
  await expect(sample).toContainText("Step 12");

  await step(page, "method").click();
  const toml = await saved(page, "Download settings as TOML");
  const config = join(folder, "flantune.toml");
  const train = join(folder, "animals.csv");
  writeFileSync(config, toml);
  writeFileSync(train, rows);
  const words = ["train", "--config", config, "--train", train, "--model", TINY, "--device", "cpu", "--output", join(folder, "run"), "--json"];
  const events = execFileSync(FLANTUNE as string, words, { encoding: "utf8" }).trim().split("\n").map((line) => JSON.parse(line));
  const native = events.filter(({ event }) => event === "step").map(({ loss }) => loss);
  expect(native).toHaveLength(12);
  native.forEach((loss, place) => expect(Math.abs((found[place] as number) / loss - 1)).toBeLessThan(1e-3));
});

test("a model of a hub: looked up, downloaded, trained on WebGPU, kept", async ({ context, folder, open }) => {
  const hub = await startHub(modelFiles(TINY));
  await siteWithHub(`${folder}/site`, hub.url);
  // As a host sends it: the policy lets the page ask its hub, and where that sends it on.
  const { url } = await open({ "/": `${folder}/site` }, { headers: { "content-security-policy": policy({ connect: [hub.url, hub.downloads] }) } });
  const seen = watch(context, url, hub.url, hub.downloads);
  const page = await context.newPage();
  await page.goto(`${url}?lang=en&method=prompt&numVirtualTokens=4&batchSize=4&maxSteps=3&evalSamples=0`);
  await page.getByLabel("Compute on").selectOption("Graphics card (WebGPU)");
  await step(page, "model").click();
  await page.getByRole("radio", { name: "Hugging Face or a web address" }).check();
  await page.getByLabel("Model’s id or address").fill("school/tiny");
  await button(page, "Look it up").click();
  // Before its first use a graphics card is compared with the processor.
  await expect(page.getByText(COMMIT)).toBeVisible();
  await button(page, "Download and use").click();
  await button(page, "Use this model").click();
  await expect(page).toHaveURL(new RegExp(`model=school%2Ftiny&revision=${COMMIT}`));
  await button(page, "Train").click();
  await expect(region(page, "Run")).toContainText("Finished", { timeout: 500_000 });
  expect(await progress(page)).toEqual([3, 3]);
  await expect(region(page, "Run").getByRole("definition").last()).toHaveText("Graphics card (WebGPU)");
  expect(seen).toEqual([]);

  // The address says it all, and the hub need not answer again.
  hub.close();
  await page.reload();
  await page.getByRole("radio", { name: "Kept in this browser" }).check();
  await button(page, "Open this model: school/tiny").click();
  await expect(button(page, "Use this model")).toBeEnabled();
});

for (const [method, settings] of [["lora", "rank=4&learningRate=0.005"], ["prompt", "numVirtualTokens=4&learningRate=0.5"]] as const) {
  test(`the built-in sample on WebGPU: ${method}`, async ({ page, context, site, open }) => {
    const { url } = await open({ "/": site });
    const seen = watch(context, url);
    // Short texts: a software GPU is far slower than the processor.
    const cut = "maxSourceTokens=16&maxTargetTokens=8&batchSize=2&maxNewTokens=8";
    await page.goto(`${url}?lang=en&model=builtin&data=reviews&method=${method}&${settings}&${cut}&maxSteps=12&evalEvery=12&evalRows=2&evalSamples=1`);
    await page.getByLabel("Compute on").selectOption("Graphics card (WebGPU)");
    const heard = losses(page, 12);
    await button(page, "Train").click();
    const found = await heard;
    const mean = (losses: number[]) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    expect(mean(found.slice(-4))).toBeLessThan(mean(found.slice(0, 4)) * 0.9);
    await expect(region(page, "Run")).toContainText("Finished", { timeout: 500_000 });
    await expect(region(page, "Run").getByRole("definition").last()).toHaveText("Graphics card (WebGPU)");
    const sample = region(page, "The same rows during training").getByRole("listitem").first();
    await expect(sample).toContainText("Step 12");
    await expect(sample).toContainText("Before", { timeout: 500_000 });
    const [, before, after] = await sample.getByRole("definition").allInnerTexts();
    expect(after).not.toBe(before);
    expect(seen).toEqual([]);
  });
}

test("in a hidden tab, where no frame comes and no timer fires, a run goes to its end", async ({ page, site, open }) => {
  const { url } = await open({ "/": site });
  await page.goto(`${url}?lang=en&method=lora&maxSteps=6&evalSamples=0`);
  await page.getByLabel("Compute on").selectOption("Processor");
  await expect(step(page, "model")).toContainText("7.1 million parameters");
  // Headless browsers hide no tab: its page is treated as hidden ones are, only worse.
  await page.evaluate(() => {
    const { requestAnimationFrame, setTimeout } = window;
    const frames: FrameRequestCallback[] = [];
    window.requestAnimationFrame = (callback) => frames.push(callback);
    window.setTimeout = (() => 0) as unknown as typeof setTimeout;
    const element = document.querySelector("flan-tune");
    const trained = new Promise((resolve) => element?.addEventListener("flantune:adapter", resolve, { once: true }));
    element?.shadowRoot?.querySelector<HTMLElement>('[part~="train"]')?.click();
    return trained.then(() => {
      Object.assign(window, { requestAnimationFrame, setTimeout });
      frames.forEach((callback) => requestAnimationFrame(callback));
    });
  });
  await expect(region(page, "Run")).toContainText("Finished");
  expect(await progress(page)).toEqual([6, 6]);
});

test("Try it, right after another device was chosen", async ({ page, context, site, open }) => {
  const { url } = await open({ "/": site });
  const seen = watch(context, url);
  await page.goto(`${url}?lang=en`);
  await page.getByLabel("Compute on").selectOption("Graphics card (WebGPU)");
  await page.getByLabel("Compute on").selectOption("Processor");
  const heard = losses(page, 2);
  await tryIt(page);
  expect(await heard).toHaveLength(2);
  await button(page, "Stop").first().click();
  await expect(page.getByRole("status")).toHaveText("Stopped.");
  expect(seen).toEqual([]);
});
