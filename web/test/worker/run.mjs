#!/usr/bin/env node
// Tests of the worker's parts that need no browser, in Node: node test/worker/run.mjs [NAME...]

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const wanted = process.argv.slice(2);
const names = readdirSync(here).filter(
  (name) => name.endsWith(".test.ts") && (wanted.length === 0 || wanted.some((text) => name.includes(text))),
);
const outdir = mkdtempSync(join(tmpdir(), "flantune-worker-"));
try {
  // What tests start in threads of their own.
  const entryPoints = [...names, "walk.ts"].map((name) => join(here, name));
  await build({
    entryPoints,
    outdir,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: "inline",
    outExtension: { ".js": ".mjs" },
  });
  const files = names.map((name) => join(outdir, name.replace(/\.ts$/, ".mjs")));
  const { status, error } = spawnSync(
    process.execPath,
    ["--enable-source-maps", "--test", "--test-reporter=spec", ...files],
    { stdio: "inherit" },
  );
  if (error) throw error;
  process.exitCode = status ?? 1;
} finally {
  rmSync(outdir, { recursive: true });
}
