// In frames and workers of others: without an origin of its own nothing is kept, and all else works.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { unzipSync } from "fflate";
import type { Frame, Page } from "@playwright/test";

import { expect, losses, test, tryIt, watch } from "./site-support.js";

/** A page that shows another in a frame of these rights. */
const around = (address: string, sandbox: string) =>
  `<!doctype html><html lang="en"><title>A lesson</title><link rel="icon" href="data:,">
   <iframe src="${address}" sandbox="${sandbox}" title="A trainer" style="width: 90vw; height: 90vh"></iframe></html>`;

/** What any module script needs in such a frame. */
const CORS = { "access-control-allow-origin": "*" };

async function frameOf(page: Page, address: string): Promise<Frame> {
  await expect.poll(() => page.frame({ url: address }) !== null).toBe(true);
  const frame = page.frame({ url: address }) as Frame;
  expect(await frame.evaluate(() => self.origin)).toBe("null");
  return frame;
}

test("a frame without an origin: it trains in memory, says that nothing is kept, and exports", async ({ page, site, open, folder }) => {
  const trainer = await open({ "/": site }, { bare: true, headers: CORS });
  const address = `${trainer.url}web/examples/plain/`;
  writeFileSync(join(folder, "index.html"), around(address, "allow-scripts allow-downloads"));
  const lesson = await open({ "/": folder }, { bare: true });
  const seen = watch(page.context(), trainer.url, lesson.url);
  await page.goto(lesson.url);
  const frame = await frameOf(page, address);
  const told = losses(frame, 5);
  await tryIt(frame);
  const [first, ...rest] = await told;
  expect(Math.min(...rest)).toBeLessThan(first as number);
  await frame.locator('flan-tune [data-step="adapters"]').click();
  await expect(frame.getByText("This frame has no origin of its own, so what is trained in it is gone").first()).toBeVisible();
  await expect(frame.getByText("with `allow-downloads`").first()).toBeVisible();
  await frame.locator(".try-phase").getByRole("button", { name: "Stop" }).click();
  const button = frame.getByRole("button", { name: /^Export: Try it: LoRA/ });
  await expect(button).toBeVisible();
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  expect(download.suggestedFilename()).toMatch(/\.zip$/);
  expect(seen).toEqual([]);
});

test("a frame without an origin: the API, and what is said of what cannot be", async ({ page, site, open, folder }) => {
  const trainer = await open({ "/": site }, { bare: true, headers: CORS });
  const address = `${trainer.url}web/examples/api/`;
  writeFileSync(join(folder, "index.html"), around(address, "allow-scripts"));
  const lesson = await open({ "/": folder }, { bare: true });
  await page.goto(lesson.url);
  const frame = await frameOf(page, address);
  const found = await frame.evaluate(async () => {
    const { Flantune } = await import("../../dist/flantune.js");
    const flantune = await Flantune.start({ device: "cpu" });
    const model = await flantune.loadModel({ builtin: true });
    const data = await flantune.loadData("reviews");
    const run = flantune.train(model, data, { method: "lora", rank: 4, maxSteps: 5, batchSize: 4, evalSamples: 0 });
    const losses = [];
    for await (const event of run) if (event.event === "step") losses.push(event.loss);
    const adapter = await run.adapter;
    const zip = [...new Uint8Array(await (await flantune.adapters.export(adapter)).arrayBuffer())];
    const text = await model.generate("Write a title for this review.", { adapter, maxNewTokens: 4 });
    const { warnings } = flantune;
    await flantune.close();
    const options = { workerUrl: "https://flantune.invalid/worker.js" };
    const refused = await Flantune.start(options).catch(({ code, message }) => ({ code, message }));
    return { losses, zip, text, warnings, refused };
  });
  expect(found.losses).toHaveLength(5);
  expect(Object.keys(unzipSync(new Uint8Array(found.zip)))).toEqual(expect.arrayContaining(["adapter_config.json", "adapter_model.safetensors"]));
  expect(typeof found.text).toBe("string");
  expect(found.warnings).toMatchObject([{ code: "no_storage", message: expect.stringContaining("no origin of its own"), hint: expect.stringContaining("allow-same-origin") }]);
  expect(found.refused).toMatchObject({ code: "network", message: expect.stringContaining("https://flantune.invalid/worker.js") });
});

test("under a strict policy a frame without an origin needs `data:` in `worker-src`, and is told so", async ({ page, site, open, folder }) => {
  const origin = async (worker: string) => {
    const server = await open({ "/": site }, { bare: true, headers: CORS });
    const policy = `default-src 'none'; style-src 'self'; img-src data:; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src ${worker}`;
    server.close();
    return open({ "/": site }, { bare: true, port: server.port, headers: { ...CORS, "content-security-policy": policy } });
  };
  for (const [worker, missing] of [["'self' data:", ""], ["'self' blob:", "data:"], ["data:", "'self'"]] as const) {
    const trainer = await origin(worker);
    const address = `${trainer.url}web/examples/plain/`;
    writeFileSync(join(folder, "index.html"), around(address, "allow-scripts"));
    const lesson = await open({ "/": folder }, { bare: true });
    await page.goto(lesson.url);
    const frame = await frameOf(page, address);
    if (missing === "") await expect(frame.locator('flan-tune [data-step="model"]')).toContainText("7.1 million");
    else await expect(frame.locator("flan-tune .intro")).toContainText(`Add \`worker-src ${missing}\` to the policy`);
  }
});

test("in a web worker of the page: the same API", async ({ page, site, open, folder }) => {
  writeFileSync(
    join(folder, "lesson.js"),
    `import { Flantune } from "/web/dist/flantune.js";
     const flantune = await Flantune.start({ device: "cpu" });
     const model = await flantune.loadModel({ builtin: true });
     const data = await flantune.loadData("reviews");
     const run = flantune.train(model, data, { method: "lora", rank: 4, maxSteps: 5, batchSize: 4, evalSamples: 0 });
     const losses = [];
     for await (const event of run) if (event.event === "step") losses.push(event.loss);
     postMessage({ losses, adapter: await run.adapter, zip: (await flantune.adapters.export(await run.adapter)).size });`,
  );
  writeFileSync(join(folder, "index.html"), `<!doctype html><title>A lesson</title><link rel="icon" href="data:,">`);
  const server = await open({ "/": folder, "/web/": join(site, "web") });
  const seen = watch(page.context(), server.url);
  await page.goto(server.url);
  const found = await page.evaluate(
    () =>
      new Promise<{ losses: number[]; adapter: { method: string }; zip: number }>((resolve, reject) => {
        const worker = new Worker("/lesson.js", { type: "module" });
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message));
      }),
  );
  expect(found.losses).toHaveLength(5);
  expect(found.adapter).toMatchObject({ method: "lora" });
  expect(found.zip).toBeGreaterThan(1000);
  expect(seen).toEqual([]);
});
