// The npm package: what is in it, what its types say, and what its documents claim.

import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { LOAD_REASONS } from "../../web/src/error.js";
import { ownAssets } from "../../web/src/worker/own-assets.js";
import { policy } from "./server.mjs";
import { install, MODULES, output, ROOT, tarballSize } from "./package-support.js";
import { expect, test } from "./site-support.js";

const WEB = join(ROOT, "web");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

test("has what it names, and is small", ({ folder }) => {
  const installed = install(folder);
  const described = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as Record<string, never>;
  const { exports, main, types, typesVersions, bin, customElements } = described as unknown as {
    exports: Record<string, string | Record<string, string>>;
    typesVersions: Record<string, Record<string, string[]>>;
  } & Record<string, string>;
  const exported = Object.values(exports).flatMap((target) => (typeof target === "string" ? [target] : Object.values(target)));
  const named = [...exported, main, types, customElements, ...Object.values(bin as unknown as object), ...Object.values(typesVersions["*"] ?? {}).flat()] as string[];
  for (const target of named.filter((target) => !target.includes("*"))) expect.soft(existsSync(join(installed, target)), target).toBe(true);
  for (const name of ["dist/THIRD-PARTY.txt", "dist/LICENSE-MIT", "dist/LICENSE-APACHE", "dist/assets/builtin/model.safetensors", "README.md"]) {
    expect.soft(existsSync(join(installed, name)), name).toBe(true);
  }
  expect(readdirSync(installed).sort()).toEqual(["README.md", "copy-assets.mjs", "custom-elements.json", "dist", "package.json"]);
  // Without the module, which is larger here than in a release (scripts/release.sh has its budget).
  const rest = tarballSize() - gzipSync(readFileSync(join(installed, "dist/flantune_wasm_bg.wasm"))).length;
  expect(rest).toBeLessThan(8_200_000);
  // Every import of its own leads to something.
  for (const [name, target] of Object.entries(exports)) {
    if (typeof target === "string" || name.includes("*")) continue;
    output(folder, process.execPath, ["--input-type=module", "-e", `await import("flantune${name.slice(1)}")`]);
  }
});

test("its README has no link that npm could not follow", () => {
  const links = [...read("web/README.md").matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link as string);
  expect(links.filter((link) => !/^(https:|#)/.test(link))).toEqual([]);
});

test("copies its files to where a page is served, and says what it cannot", ({ folder }) => {
  install(folder);
  const copy = (...words: string[]) => output(folder, "npx", ["--offline", "flantune", ...words]);
  expect(copy("copy-assets", "public/flantune")).toContain(`copied to ${join("public", "flantune")}`);
  expect(copy("copy-assets", "public/flantune")).toContain("copied");
  const copied = join(folder, "public/flantune");
  for (const name of ["worker.js", "flantune_wasm_bg.wasm", "assets/index.json", "assets/builtin/model.safetensors", "LICENSE"]) {
    expect(existsSync(join(copied, name)), name).toBe(true);
  }
  for (const words of [[], ["copy-assets"], ["copy-asset", "a"], ["copy-assets", "a", "b"], ["copy-assets", "--all"]]) {
    expect(() => copy(...words), words.join(" ")).toThrow("usage: npx flantune copy-assets FOLDER");
  }
  writeFileSync(join(folder, "taken"), "");
  expect(() => copy("copy-assets", "taken")).toThrow(/taken cannot be written/);
});

test("the worker names each of its assets where bundlers see it", () => {
  const assets = join(WEB, "dist/assets");
  const there = readdirSync(assets, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".br"))
    .map((entry) => join(entry.parentPath, entry.name).slice(assets.length + 1));
  expect(Object.keys(ownAssets()).sort()).toEqual(there.sort());
  const worker = readFileSync(join(WEB, "dist/worker.js"), "utf8");
  for (const path of there) expect(worker).toContain(`new URL("./assets/${path}",import.meta.url)`);
  expect(worker).toContain('new URL("./flantune_wasm_bg.wasm",import.meta.url)');
  const page = readdirSync(join(WEB, "dist")).filter((name) => name.endsWith(".js") && name !== "worker.js");
  const starts = page.filter((name) => readFileSync(join(WEB, "dist", name), "utf8").includes('new Worker(new URL("./worker.js",import.meta.url),{type:"module"})'));
  expect(starts).toHaveLength(1);
});

/** What a program of a user's says, in TypeScript. */
const USE = `
import { Flantune, FlantuneError, type ErrorCode, type Metrics, type RunEvent } from "flantune";
import { FlanTuneElement, type FlanTuneErrorEvent } from "flantune/element";
import "flantune/define";

async function use(): Promise<void> {
  const flantune = await Flantune.start({ device: "cpu" });
  const model = await flantune.loadModel({ builtin: true }, { dtype: "int8" });
  const data = await flantune.loadData([{ source: "a", target: "b" }], { validationFraction: 0 });
  const run = flantune.train(model, data, { method: "lora", rank: 8, targetModules: ["q", "wi_0"], signal: AbortSignal.timeout(1000) });
  const events: RunEvent[] = [];
  for await (const event of run) events.push(event);
  for await (const event of run.events()) if (event.event === "eval") event.metrics.rougeL?.f1.toFixed();
  const adapter = await run.adapter;
  const texts: string[] = await model.generate(["a"], { adapter });
  const text: string = await model.generate("a", { adapter, maxNewTokens: 4, earlyStopping: "never" });
  const metrics: Metrics = (await model.evaluate(data, { adapter, metrics: ["rougeL", "loss"] })).metrics;
  const { loss, rougeL, "chrf++": chrf } = metrics;
  loss?.toFixed(texts.length + text.length + (rougeL?.precision ?? 0) + (chrf ?? 0));
  document.querySelector("flan-tune")?.addEventListener("flantune:step", ({ detail }) => detail.loss.toFixed());
  document.addEventListener("flantune:error", (event: FlanTuneErrorEvent) => event.detail.code);
  const element: FlanTuneElement | null = document.querySelector("flan-tune");
  if (element) {
    element.model = null;
    element.rank = undefined;
    element.headingLevel = 2;
    // @ts-expect-error: there is no such theme
    element.theme = "blue";
  }
  // @ts-expect-error: there is no such device
  Flantune.start({ device: "tpu" }).catch((error: FlantuneError) => error.hint);
  // @ts-expect-error: there is no such option
  flantune.train(model, data, { learningrate: 1 });
  // @ts-expect-error: there is no such option of texts
  model.generate("a", { maxTokens: 4 });
  // @ts-expect-error: there is no such metric
  model.evaluate(data, { metrics: ["rouge"] });
  const code = (error: FlantuneError): ErrorCode => error.code;
  // @ts-expect-error: there is no such code
  code(new FlantuneError("closed", "")) === "shut";
  await flantune.close();
}
void use();
`;

const USE_REACT = `
import type {} from "flantune/react";
import type { FlanTuneStepEvent } from "flantune/element";
export const one = <flan-tune model="builtin" data="reviews" method="lora" rank={4} heading-level={2} lang="en" className="wide" />;
export const other = <flan-tune rank={undefined} theme={null} headingLevel={2} addressSettings assetsUrl="/flantune/" {...{ "onflantune:step": ({ detail }: FlanTuneStepEvent) => detail.loss.toFixed() }}>No script</flan-tune>;
// @ts-expect-error: there is no such set
export const wrong = <flan-tune data="poems" />;
`;

/** Compilers, and ways to resolve a package that they know. */
const COMPILERS = [
  ["typescript", "ESNext", "bundler"],
  ["typescript", "NodeNext", "NodeNext"],
  ["typescript5", "ESNext", "bundler"],
  ["typescript5", "NodeNext", "NodeNext"],
  ["typescript5", "CommonJS", "node10"],
] as const;

for (const [compiler, module, moduleResolution] of COMPILERS) {
  test(`types, strictly, with ${compiler}, ${moduleResolution}`, ({ folder }) => {
    install(folder);
    mkdirSync(join(folder, "node_modules/@types"), { recursive: true });
    for (const name of ["@types/react", "csstype"]) symlinkSync(join(MODULES, name), join(folder, "node_modules", name));
    writeFileSync(join(folder, "use.ts"), USE);
    writeFileSync(join(folder, "use-react.tsx"), USE_REACT);
    const options = { strict: true, noEmit: true, skipLibCheck: false, target: "ES2022", lib: ["ES2022", "DOM", "DOM.Iterable", "DOM.AsyncIterable"], module, moduleResolution, jsx: "react-jsx", types: [], preserveSymlinks: true };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["use.ts", "use-react.tsx"] }));
    const home = compiler === "typescript" ? join(WEB, "node_modules/typescript") : join(MODULES, compiler);
    expect(output(folder, process.execPath, [join(home, "bin/tsc"), "-p", "tsconfig.json"])).toBe("");
  });
}

interface Manifest {
  modules: { declarations?: Record<"attributes" | "members" | "events" | "cssProperties" | "cssParts", { name: string; attribute?: string }[]>[] }[];
}

test("the manifest of the element says what it is", async ({ page, site, open }) => {
  const [declared] = (JSON.parse(read("web/custom-elements.json")) as Manifest).modules.flatMap(({ declarations = [] }) => declarations);
  const names = (key: "attributes" | "members" | "events" | "cssProperties" | "cssParts") => (declared?.[key] ?? []).map(({ name }) => name).sort();
  const { url } = await open({ "/": site });
  await page.goto(url);
  const found = await page.evaluate(async () => {
    await customElements.whenDefined("flan-tune");
    const element = customElements.get("flan-tune") as typeof HTMLElement & { observedAttributes: string[] };
    const properties = Object.entries(Object.getOwnPropertyDescriptors(element.prototype)).flatMap(([name, { set }]) => (set === undefined ? [] : [name]));
    return { attributes: [...element.observedAttributes], properties };
  });
  expect(names("attributes")).toEqual(found.attributes.sort());
  expect(names("members")).toEqual(found.properties.sort());
  const sources = (folder: string) =>
    readdirSync(join(WEB, "src/element", folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => read(`web/src/element/${folder}/${name}`))
      .join("\n");
  const all = (text: string, pattern: RegExp) => [...new Set([...text.matchAll(pattern)].flatMap(([, name]) => (name as string).split(" ")))].sort();
  expect(names("events")).toEqual(all(read("web/src/element/events.ts"), /super\("(flantune:\w+)"/g));
  expect(names("cssProperties")).toEqual(all(sources("styles"), /var\((--flan(?:tune)?-(?!rem)[a-z-]+)/g));
  const parts = all(sources("."), /part: "([^"]+)"/g);
  const steps = ["model", "data", "method", "train", "compare", "adapters"].map((name) => `step-${name}`);
  expect(names("cssParts")).toEqual([...new Set([...parts, "step", ...steps])].sort());
  // The guide names them all too.
  const guide = read("docs/guide/teacher.md");
  const inGuide = (name: string) => guide.includes(`\`${name}\``);
  for (const key of ["attributes", "events", "cssProperties"] as const) expect(names(key).filter((name) => !inGuide(name)), key).toEqual([]);
});

/** What every document says that a page's policy needs, where all comes from the page's own server. */
const NEEDED = "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'";

test("every document names the same directives of a policy", () => {
  const documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "web/README.md", ...readdirSync(join(ROOT, "docs/guide")).filter((name) => name.endsWith(".md")).map((name) => `docs/guide/${name}`)];
  const lists = documents.flatMap((name) => [...read(name).matchAll(/`([^`\n]*script-src [^`\n]*)`/g)].map(([, list]) => [name, list as string] as const));
  expect(lists.length).toBeGreaterThanOrEqual(3);
  for (const [name, list] of lists) expect.soft(list, name).toBe(NEEDED);
  // And it is what the site itself has, but for what its own page needs besides.
  for (const directive of NEEDED.split("; ")) expect(policy()).toContain(directive);
});

test("the guide explains every code and every reason of an error", () => {
  const source = read("web/src/error.ts");
  const guide = read("docs/guide/developer.md") + read("docs/guide/bundlers.md");
  const codes = [...source.matchAll(/^ {2}\| "(\w+)"/gm)].map(([, code]) => code as string);
  expect(codes.length).toBeGreaterThan(20);
  const reasons = [...LOAD_REASONS];
  expect([...codes, ...reasons].filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
});

test("types know every key, choice and metric of the core", async ({ page, site, open, folder }) => {
  const { url } = await open({ "/": site });
  await page.goto(url);
  const keys = await page.evaluate(async () => {
    const { Flantune } = await import("./web/dist/flantune.js" as string);
    const flantune = await Flantune.start({ device: "cpu" });
    const keys = (await flantune.keys()) as { section: string; name: string; kind: { type: string; choices?: string[] } }[];
    await flantune.close();
    return keys;
  });
  /** Values that a key takes, as TypeScript writes them. */
  const values = ({ type, choices = [] }: { type: string; choices?: string[] }): string[] => {
    const words = choices.map((choice) => (["true", "false"].includes(choice) ? choice : JSON.stringify(choice)));
    switch (type) {
      case "flag":
        return ["true", "false"];
      case "integer":
      case "number":
        return ["1"];
      case "list":
        return [`[${words.join(", ")}]`];
      case "choice":
        return words;
      default:
        return ['"text"'];
    }
  };
  // What a page does not offer: whole models are trained by the command line alone.
  const unknown = new Set(["method: \"full\""]);
  const lines = (sections: string[], without: string[]) =>
    keys
      .filter(({ section, name }) => sections.includes(section) && !without.includes(name))
      .flatMap(({ name, kind }) => values(kind).map((value) => `${name}: ${value}`))
      .filter((line) => !unknown.has(line));
  const train = lines(["method", "train", "eval", "model"], ["model", "dtype", "device"]);
  const rows = lines(["data"], ["train", "validation", "templateFile", "skipBadRows"]);
  const metrics = keys.find(({ name }) => name === "metrics")?.kind.choices ?? [];
  expect(train.length).toBeGreaterThan(50);
  expect(metrics.length).toBeGreaterThan(15);
  const text = [
    'import type { DataOptions, Metrics, TrainOptions } from "flantune";',
    ...train.map((line) => `({ ${line} }) satisfies TrainOptions;`),
    ...rows.map((line) => `({ ${line} }) satisfies DataOptions;`),
    ...metrics.map((name) => `({} as Metrics)[${JSON.stringify(name)}] satisfies number | { f1: number } | null | undefined;`),
  ].join("\n");
  install(folder);
  writeFileSync(join(folder, "keys.ts"), text);
  const options = { strict: true, noEmit: true, skipLibCheck: false, target: "ES2022", module: "ESNext", moduleResolution: "bundler", types: [] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["keys.ts"] }));
  expect(output(folder, process.execPath, [join(WEB, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.json"])).toBe("");
  // And no more than the core does.
  const source = read("web/src/settings.ts");
  const typed = [...source.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name as string);
  expect(typed.filter((name) => !keys.some((key) => key.name === name))).toEqual([]);
});
