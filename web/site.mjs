#!/usr/bin/env node
// Writes the whole static site, for any path of any host, from what build.mjs built.
//
// node site.mjs --output DIR [--hub URL] [--no-compress]
// node site.mjs --check
//
// Beside each file that shrinks lies what a host may send in its place (NAME.br), and the weight of a
// first load is told; --no-compress spares that minute where the site is only looked at here.
// --hub names where models of a hub are asked for: a school's mirror of https://huggingface.co. --check
// only tells whether what build.mjs built is whole, before it is packed for npm.

import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { build } from "esbuild";

import { policy } from "../scripts/serve.mjs";
import { BEST, compressAll } from "./compress.mjs";
import { reportSizes } from "./sizes.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..");
const EXAMPLES = ["plain", "iframe", "api"];
const LICENCES = ["LICENSE", "LICENSE-MIT", "LICENSE-APACHE"];
/** Without these the page does not start, or may not be given to others. */
const NEEDED = [
  "define.js",
  "types/index.d.ts",
  "worker.js",
  "flantune_wasm_bg.wasm",
  "assets/builtin/model.safetensors",
  "THIRD-PARTY.txt",
];
/** What the service worker keeps: all that the page runs and loads. */
const KEPT = new Set([".css", ".html", ".js", ".json", ".jsonl", ".safetensors", ".svg", ".txt", ".wasm"]);

/**
 * `output` is replaced where it holds a site, and refused where it holds anything else. `quality` is
 * brotli's; without it nothing is compressed.
 */
export async function writeSite({ output, hub, quality }) {
  check();
  if (
    existsSync(output) &&
    readdirSync(output).length > 0 &&
    !existsSync(join(output, "service-worker.js"))
  ) {
    throw new Error(`${output} holds something that is no site of Flantune: name another directory`);
  }
  const part = `${output}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  cpSync(join(here, "dist"), join(part, "web/dist"), {
    recursive: true,
    filter: (path) => !/(\.d\.ts|\/types)$/.test(path),
  });
  for (const name of ["page.css", "icon.svg"]) cpSync(join(here, name), join(part, "web", name));
  for (const name of EXAMPLES)
    cpSync(join(here, "examples", name), join(part, "web/examples", name), { recursive: true });
  for (const name of LICENCES) cpSync(join(root, name), join(part, name));
  writeFileSync(join(part, "index.html"), index(hub));
  writeFileSync(join(part, "service-worker.js"), await serviceWorker(part));
  if (quality !== undefined) compressAll(part, quality);
  // Whole or not at all.
  rmSync(output, { recursive: true, force: true });
  renameSync(part, output);
}

function check() {
  const missing = NEEDED.filter((name) => !existsSync(join(here, "dist", name)));
  if (missing.length > 0)
    throw new Error(`web/dist has no ${missing.join(", ")}: node web/build.mjs --wasm FOLDER --notices`);
}

/** The page, with the policy that a host's headers may not have, and the hub. */
function index(hub) {
  const text = readFileSync(join(root, "index.html"), "utf8");
  const connect = hub === undefined ? [] : [hub.origin];
  const head = `<meta charset="utf-8">`;
  const withPolicy = replaced(
    text,
    head,
    `${head}\n    <meta http-equiv="Content-Security-Policy" content="${policy({ connect })}">`,
  );
  if (hub === undefined) return withPolicy;
  return replaced(
    withPolicy,
    "<flan-tune ",
    `<flan-tune hub-endpoint="${escaped(hub.href.replace(/\/+$/, ""))}" `,
  );
}

async function serviceWorker(site) {
  const files = {};
  for (const path of readdirSync(site, { recursive: true }).sort()) {
    const own = path === "index.html" || /^web\/(page\.css|icon\.svg|dist\/)/.test(path);
    if (!own || path === "web/dist/THIRD-PARTY.txt" || !KEPT.has(extname(path))) continue;
    files[path] = createHash("sha256")
      .update(readFileSync(join(site, path)))
      .digest("base64");
  }
  const version = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16);
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: ["src/service-worker.ts"],
    bundle: true,
    format: "iife",
    target: "es2022",
    minify: true,
    write: false,
  });
  return `const FLANTUNE_SITE = ${JSON.stringify({ version, files })};\n${outputFiles[0].text}`;
}

function replaced(text, part, by) {
  if (text.split(part).length !== 2) throw new Error(`index.html: expected ${part} once`);
  return text.replace(part, () => by);
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}

async function main() {
  const { values } = parseArgs({
    options: {
      output: { type: "string" },
      hub: { type: "string" },
      check: { type: "boolean" },
      "no-compress": { type: "boolean", default: false },
    },
  });
  if (values.check) return check();
  if (!values.output) throw new Error("--output DIR is missing");
  const output = resolve(values.output);
  const hub = values.hub === undefined ? undefined : hubOf(values.hub);
  const compress = !values["no-compress"];
  await writeSite({ output, hub, ...(compress && { quality: BEST }) });
  if (compress) reportSizes(join(output, "web/dist"));
  console.log(`${basename(output)}: ${readdirSync(output).join(", ")}`);
}

/** The hub's address, where it is one. */
export function hubOf(text) {
  const expected = "expected an address such as https://models.example.school";
  if (!URL.canParse(text)) throw new Error(`--hub: found ${text}, ${expected}`);
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol) || url.search || url.hash || url.username)
    throw new Error(`--hub: found ${text}, ${expected}`);
  return url;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await main().catch((error) => {
    console.error(`site.mjs: ${error.message}`);
    process.exit(1);
  });
}
