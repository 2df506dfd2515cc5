// web/examples, each as its readers would use it, with the package that npm would give them.

import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Frame } from "@playwright/test";

import { install, MODULES, output } from "./package-support.js";
import { EXAMPLES, expect, losses, test, tryIt, watch } from "./site-support.js";

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

/** Bundlers that are installed here; scripts/examples.sh tries the others. */
const BUNDLED: Record<string, { packages: string[]; programs: Record<string, string>; built: string }> = {
  vite: { packages: ["vite"], programs: { vite: "vite/bin/vite.js" }, built: "dist" },
  webpack: { packages: ["webpack", "webpack-cli"], programs: { webpack: "webpack-cli/bin/cli.js" }, built: "public" },
  esbuild: { packages: ["esbuild"], programs: { esbuild: "esbuild/bin/esbuild" }, built: "public" },
};

for (const [name, { packages, programs, built }] of Object.entries(BUNDLED)) {
  test(`${name}: the package, bundled`, async ({ page, open, folder }) => {
    cpSync(join(EXAMPLES, name), folder, { recursive: true });
    for (const wanted of packages) expect(versionOf(MODULES, wanted), wanted).toBe(wantedVersion(folder, wanted));
    // Without what the bundler itself would bring.
    const described = readFileSync(join(folder, "package.json"), "utf8");
    writeFileSync(join(folder, "package.json"), JSON.stringify({ ...JSON.parse(described), dependencies: {}, devDependencies: {} }));
    install(folder);
    for (const wanted of packages) symlinkSync(join(MODULES, wanted), join(folder, "node_modules", wanted));
    for (const [program, path] of Object.entries(programs)) symlinkSync(`../${path}`, join(folder, "node_modules/.bin", program));
    output(folder, "npm", ["run", "build"]);
    const { url } = await open({ "/some/school/": join(folder, built) });
    const seen = watch(page.context(), url);
    await page.goto(`${url}some/school/`);
    const told = losses(page, 5);
    await tryIt(page);
    expect(await told).toHaveLength(5);
    expect(seen).toEqual([]);
  });
}

test("vite: while developing", async ({ page, folder }) => {
  cpSync(join(EXAMPLES, "vite"), folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  install(folder);
  symlinkSync(join(MODULES, "vite"), join(folder, "node_modules/vite"));
  const { createServer } = await import("vite");
  const server = await createServer({ root: folder, configFile: join(folder, "vite.config.js"), logLevel: "error", server: { port: 0, host: "127.0.0.1" } });
  try {
    await server.listen();
    const url = server.resolvedUrls?.local[0] as string;
    await page.goto(url);
    const told = losses(page, 5);
    await tryIt(page);
    expect(await told).toHaveLength(5);
  } finally {
    await server.close();
  }
});

test("esbuild: as a module, with everything beside it, nothing is named", async ({ page, open, folder }) => {
  install(folder);
  mkdirSync(join(folder, "public"));
  writeFileSync(join(folder, "main.js"), `import "flantune/define";`);
  writeFileSync(
    join(folder, "public/index.html"),
    `<!doctype html><html lang="en"><title>A lesson</title><link rel="icon" href="data:,"><script type="module" src="main.js"></script>
     <flan-tune model="builtin" data="reviews"></flan-tune></html>`,
  );
  output(folder, join(MODULES, ".bin/esbuild"), ["main.js", "--bundle", "--format=esm", "--outfile=public/main.js"]);
  output(folder, "npx", ["--offline", "flantune", "copy-assets", "public"]);
  const { url } = await open({ "/": join(folder, "public") });
  await page.goto(url);
  const told = losses(page, 5);
  await tryIt(page);
  expect(await told).toHaveLength(5);
});

function versionOf(modules: string, name: string): string {
  return (JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8")) as { version: string }).version;
}

function wantedVersion(folder: string, name: string): string | undefined {
  return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { devDependencies: Record<string, string> }).devDependencies[name];
}
