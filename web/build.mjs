#!/usr/bin/env node
// Builds web/dist: the package's modules, their types, the Wasm module and what is served with it.
//
// node build.mjs [--wasm FOLDER] [--model FOLDER] [--no-types] [--notices] [--report]
//
// FOLDER holds what wasm-bindgen wrote: its glue is bundled with the worker, its module lies beside it.
// Without --wasm the last one is taken, of which web/engine keeps a copy. The built-in
// model is taken from models/builtin unless another is named. --notices writes the licences of what is
// not ours, for which it asks cargo. --report tells what the first load weighs, and fails where that is
// over its budget; it takes a minute.

import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { build } from "esbuild";

import { notices } from "./notices.mjs";
import { reportSizes } from "./sizes.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..");
const dist = join(here, "dist");
const engine = join(here, "engine");
const GLUE = "flantune_wasm.js";
const MODULE = "flantune_wasm_bg.wasm";
const FRAMEWORKS = ["react", "vue", "svelte"];
const DEMOS = ["reviews", "dialogues", "casual"];
const SETS = ["train.jsonl", "validation.jsonl", "test.jsonl", "template.txt"];
const LICENCES = ["LICENSE", "LICENSE-MIT", "LICENSE-APACHE"];
const MODEL = ["config.json", "tokenizer.json", "generation_config.json", "model.safetensors"];

const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));

const { values: options } = parseArgs({
  options: {
    wasm: { type: "string" },
    model: { type: "string", default: join(root, "models/builtin") },
    "no-types": { type: "boolean", default: false },
    notices: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
    "module-budget": { type: "string" },
  },
});

/**
 * uPlot asks for the numbers of `navigator.language` when it is loaded, and throws where that names no
 * language: WebKitGTK calls it "C" under C.UTF-8, and the page stayed empty. The browser's own default
 * is always there.
 */
const anyLanguage = {
  name: "any-language",
  setup({ onLoad }) {
    onLoad({ filter: /uPlot\.esm\.js$/ }, ({ path }) => {
      const parts = readFileSync(path, "utf8").split(
        "new Intl.NumberFormat(domEnv ? nav.language : 'en-US')",
      );
      if (parts.length !== 2)
        throw new Error("uPlot formats numbers in another way now: see whether this is still needed");
      return { contents: parts.join("new Intl.NumberFormat()") };
    });
  },
};

/** The worker imports wasm-bindgen's glue from beside itself: it lies in web/engine. */
const glue = {
  name: "glue",
  setup({ onResolve }) {
    onResolve({ filter: /\/flantune_wasm\.js$/ }, () => {
      const path = join(engine, GLUE);
      return existsSync(path)
        ? { path }
        : { errors: [{ text: `${path} is not there: name what wasm-bindgen wrote, by --wasm FOLDER` }] };
    });
  },
};

mkdirSync(dist, { recursive: true });
if (options.wasm) keepEngine(options.wasm);
const metafiles = await bundle();
if (!options["no-types"]) declare();
if (existsSync(join(engine, MODULE))) cpSync(join(engine, MODULE), join(dist, MODULE));
copyAssets();
copyTypes();
for (const name of LICENCES) cpSync(join(root, name), join(dist, name));
try {
  if (options.notices) writeFileSync(join(dist, "THIRD-PARTY.txt"), notices({ metafiles, here, root }));
  if (options.report) reportSizes(dist, options["module-budget"]);
  else console.log(`web/dist: ${sizes()}`);
} catch (error) {
  console.error(`build.mjs: ${error.message}`);
  process.exit(1);
}

async function bundle() {
  // Chunks of an earlier build have other names; one of an earlier version had the glue and its snippets here.
  for (const name of readdirSync(dist))
    if (/^(chunk-|.*\.js\.map$|flantune_wasm\.js$|snippets$)/.test(name))
      rmSync(join(dist, name), { recursive: true });
  const shared = {
    absWorkingDir: here,
    outdir: dist,
    bundle: true,
    format: "esm",
    target: ["es2022", "chrome113", "firefox121", "safari17"],
    minify: true,
    sourcemap: true,
    // Names and lines for whoever reads a stack; the text of the sources would weigh more than the scripts.
    sourcesContent: false,
    metafile: true,
    legalComments: "linked",
    define: { FLANTUNE_VERSION: JSON.stringify(version) },
    loader: { ".css": "text" },
    plugins: [anyLanguage],
  };
  // The worker is one file, which a page may serve from elsewhere, with the module beside it.
  const worker = { worker: "src/worker/worker.ts" };
  const built = [await build({ ...shared, entryPoints: worker, plugins: [...shared.plugins, glue] })];
  const entries = {
    flantune: "src/index.ts",
    element: "src/element/flan-tune.ts",
    define: "src/element/define.ts",
    page: "src/page.ts",
  };
  const there = Object.entries(entries).filter(([, path]) => existsSync(join(here, path)));
  // Chunks lie beside the entries: the worker and the assets are found from there.
  built.push(
    await build({
      ...shared,
      entryPoints: Object.fromEntries(there),
      splitting: true,
      chunkNames: "chunk-[hash]",
    }),
  );
  return built.map(({ metafile }) => metafile);
}

function declare() {
  rmSync(join(dist, "types"), { recursive: true, force: true });
  for (const project of ["tsconfig.json", "tsconfig.worker.json"]) {
    const emit = project === "tsconfig.json" ? ["--emitDeclarationOnly"] : ["--noEmit"];
    run(join(here, "node_modules/.bin/tsc"), ["-p", project, ...emit]);
  }
  // For who imports a file of dist by its path.
  const types = { flantune: "index", element: "element/flan-tune", define: "element/define" };
  for (const [name, path] of Object.entries(types)) {
    if (!existsSync(join(dist, `types/${path}.d.ts`))) continue;
    writeFileSync(join(dist, `${name}.d.ts`), `export * from "./types/${path}.js";\n`);
  }
}

/** A copy of what wasm-bindgen wrote: dist has the glue only as a part of the worker. */
function keepEngine(folder) {
  if (resolve(folder) === engine) return;
  rmSync(engine, { recursive: true, force: true });
  mkdirSync(engine, { recursive: true });
  for (const name of [GLUE, MODULE, "snippets"])
    if (existsSync(join(folder, name))) cpSync(join(folder, name), join(engine, name), { recursive: true });
}

/** For frameworks: declarations alone, and modules that do nothing, for who imports them as such. */
function copyTypes() {
  for (const name of FRAMEWORKS) {
    cpSync(join(here, "frameworks", `${name}.d.ts`), join(dist, `${name}.d.ts`));
    writeFileSync(join(dist, `${name}.js`), "export {};\n");
  }
}

/** Copies what the page fetches, with an index: nothing is asked for that is not there. */
function copyAssets() {
  const assets = join(dist, "assets");
  rmSync(assets, { recursive: true, force: true });
  const index = {};
  const copy = (from, to, names) => {
    const there = names.filter((name) => existsSync(join(from, name)));
    if (there.length === 0) return;
    mkdirSync(join(assets, to), { recursive: true });
    for (const name of there) cpSync(join(from, name), join(assets, to, name));
    index[to] = Object.fromEntries(there.map((name) => [name, statSync(join(from, name)).size]));
  };
  copy(options.model, "builtin", MODEL);
  for (const demo of DEMOS) copy(join(root, "data", demo), `data/${demo}`, SETS);
  mkdirSync(assets, { recursive: true });
  writeFileSync(join(assets, "index.json"), `${JSON.stringify(index, null, 2)}\n`);
}

function sizes() {
  const names = readdirSync(dist).filter((name) => /\.(js|wasm)$/.test(name));
  return names
    .map((name) => `${name} ${Math.ceil(readFileSync(join(dist, name)).length / 1024)} KiB`)
    .join(", ");
}

function run(command, words) {
  const { status, error } = spawnSync(command, words, { cwd: here, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
