// web/examples, each as its readers would use it, and the package that npm would publish.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Frame } from "@playwright/test";

import { EXAMPLES, expect, losses, PACKAGE, test, tryIt, watch } from "./site-support.js";

const modules = fileURLToPath(new URL("node_modules/", import.meta.url));
const own = join(PACKAGE, "node_modules");

test("plain: the element in a page, under any path", async ({ page, site, open }) => {
  test.slow();
  const { url } = await open({ "/some/school/": site });
  const seen = watch(page.context(), url);
  await page.goto(`${url}some/school/web/examples/plain/`);
  // The page's colours reach into the element.
  const button = page.getByRole("button", { name: "Try it", exact: true });
  await expect(button).toHaveCSS("border-top-color", "rgb(27, 79, 143)");
  const told = losses(page, 12);
  await tryIt(page);
  const [first, ...rest] = await told;
  expect(Math.min(...rest)).toBeLessThan(first as number);
  await expect(page.locator("#loss")).toHaveText(/^\d+\.\d{3} at step \d+$/);
  await expect(page.locator("#adapter")).toHaveText(/^Trained: .+, [\d,]+ numbers\.$/, { timeout: 300_000 });
  expect(seen).toEqual([]);
});

test("iframe: inside a page of another origin, under a policy that lets no script run", async ({ page, site, open, folder }) => {
  const trainer = await open({ "/": site });
  cpSync(join(EXAMPLES, "iframe"), join(folder, "lesson"), { recursive: true });
  const file = join(folder, "lesson/index.html");
  writeFileSync(file, readFileSync(file, "utf8").replaceAll("https://flantune.example", trainer.url.slice(0, -1)));
  const lesson = await open({ "/": join(folder, "lesson") }, { bare: true });
  // Another site, not only another port: its storage is apart.
  const address = lesson.url.replace("127.0.0.1", "localhost");
  const seen = watch(page.context(), trainer.url, address);
  await page.goto(address);
  // Frames of another site get no storage here, as in browsers that block third-party cookies.
  const frame = page.frame({ url: `${trainer.url}?model=builtin&data=reviews&method=lora&rank=4` }) as Frame;
  await frame.waitForLoadState();
  const told = losses(frame, 3);
  await tryIt(frame);
  expect(await told).toHaveLength(3);
  expect(seen).toEqual([]);
});

test("api: from JavaScript alone", async ({ page, site, open }) => {
  const { url } = await open({ "/": site });
  const seen = watch(page.context(), url);
  await page.goto(`${url}web/examples/api/`);
  await page.getByRole("button", { name: "Train 20 steps" }).click();
  await expect(page.getByRole("status")).toHaveText(/^done: \d+ numbers trained on cpu$/, { timeout: 300_000 });
  const rows = await page.locator("#answers tr").allInnerTexts();
  expect(rows).toHaveLength(3);
  // Something was learnt: not all answers are what they were.
  const answers = rows.map((row) => row.split("\t").slice(-2));
  expect(answers.some(([before, after]) => before !== after)).toBe(true);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download" }).click()]);
  expect(download.suggestedFilename()).toMatch(/\.zip$/);
  expect(seen).toEqual([]);
});

test("the script from another origin", async ({ page, site, open, folder }) => {
  const trainer = await open({ "/": site }, { bare: true, headers: { "access-control-allow-origin": "*" } });
  const origin = trainer.url.slice(0, -1);
  const policy = `default-src 'none'; script-src ${origin} 'wasm-unsafe-eval'; worker-src ${origin} blob:; connect-src ${origin}`;
  writeFileSync(
    join(folder, "index.html"),
    `<!doctype html><html lang="en"><title>A lesson</title>
     <meta http-equiv="Content-Security-Policy" content="${policy}; img-src data:"><link rel="icon" href="data:,">
     <script type="module" src="${trainer.url}web/dist/define.js"></script>
     <flan-tune model="builtin" data="reviews" method="prompt"></flan-tune>`,
  );
  const lesson = await open({ "/": folder }, { bare: true });
  const seen = watch(page.context(), trainer.url, lesson.url);
  await page.goto(lesson.url);
  const told = losses(page, 3);
  await tryIt(page);
  expect(await told).toHaveLength(3);
  expect(seen).toEqual([]);
});

test.describe("the npm package", () => {
  test("has what its exports name, and types for both ways to resolve them", async ({ folder }) => {
    const installed = install(folder);
    const { exports } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { exports: Record<string, unknown> };
    const targets = Object.values(exports).flatMap((target) => (typeof target === "string" ? [target] : Object.values(target as object)));
    for (const target of targets.filter((target) => !target.includes("*"))) expect(existsSync(join(installed, target)), target).toBe(true);
    for (const name of ["dist/THIRD-PARTY.txt", "dist/LICENSE-MIT", "dist/LICENSE-APACHE", "dist/assets/builtin/model.safetensors"]) {
      expect(existsSync(join(installed, name)), name).toBe(true);
    }
    expect(existsSync(join(installed, "src"))).toBe(false);
    writeFileSync(
      join(folder, "use.ts"),
      `import { Flantune, FlantuneError, type RunEvent } from "flantune";
       import { FlanTuneElement } from "flantune/element";
       import "flantune/define";
       const flantune = await Flantune.start({ device: "cpu" });
       const model = await flantune.loadModel({ builtin: true }, { dtype: "int8" });
       const data = await flantune.loadData([{ source: "a", target: "b" }], { validationFraction: 0 });
       const run = flantune.train(model, data, { method: "lora", rank: 8 });
       const events: RunEvent[] = [];
       for await (const event of run) events.push(event);
       const adapter = await run.adapter;
       const texts: string[] = await model.generate(["a"], { adapter });
       document.querySelector("flan-tune")?.addEventListener("flantune:step", ({ detail }) => detail.loss.toFixed(texts.length));
       const element: FlanTuneElement | null = document.querySelector("flan-tune");
       // @ts-expect-error: there is no such device
       Flantune.start({ device: "tpu" }).catch((error: FlantuneError) => error.hint ?? element);
      `,
    );
    for (const resolution of [["ESNext", "bundler"], ["NodeNext", "NodeNext"]]) {
      const options = { strict: true, noEmit: true, skipLibCheck: false, target: "ES2022", module: resolution[0], moduleResolution: resolution[1], types: [] };
      writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["use.ts"] }));
      expect(output(folder, join(own, ".bin/tsc"), ["-p", "tsconfig.json"])).toBe("");
    }
  });

  test("vite: with a bundler", async ({ page, open, folder }) => {
    cpSync(join(EXAMPLES, "vite"), folder, { recursive: true });
    install(folder);
    symlinkSync(join(modules, "vite"), join(folder, "node_modules/vite"));
    mkdirSync(join(folder, "node_modules/.bin"));
    symlinkSync("../vite/bin/vite.js", join(folder, "node_modules/.bin/vite"));
    output(folder, "npm", ["run", "build"]);
    const { url } = await open({ "/built/": join(folder, "dist") });
    const seen = watch(page.context(), url);
    await page.goto(`${url}built/`);
    const told = losses(page, 3);
    await tryIt(page);
    expect(await told).toHaveLength(3);
    expect(seen).toEqual([]);
  });
});

/** What `npm pack` packs, where `npm install` would put it. */
function install(folder: string): string {
  const packed = output(PACKAGE, "npm", ["pack", "--json", "--pack-destination", folder]);
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const installed = join(folder, "node_modules/flantune");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(folder, filename), "-C", installed, "--strip-components=1"]);
  return installed;
}

/** What a program prints; its errors fail the test. */
function output(folder: string, program: string, words: string[]): string {
  try {
    return execFileSync(program, words, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${words.join(" ")}:\n${stdout ?? ""}${stderr ?? String(error)}`);
  }
}
