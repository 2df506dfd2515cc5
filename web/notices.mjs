// The licences of what is not ours: npm packages in the bundles, crates in the Wasm module. Each text
// once, with who is under it.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const TEXTS = /^(licen[cs]e|copying|notice|unlicense|copyright)/i;
const LINE = "-".repeat(80);

/** `metafiles` are esbuild's, `here` the folder that their paths start from, `root` the repository. */
export function notices({ metafiles, here, root }) {
  const parts = [...npmPackages(metafiles, here), ...crates(root)];
  const lines = parts.map(({ name, version, licence }) => `${name} ${version}: ${licence}`);
  const texts = new Map();
  for (const { name, folder } of parts) {
    for (const file of readdirSync(folder, { withFileTypes: true })) {
      if (!file.isFile() || !TEXTS.test(file.name)) continue;
      const text = readFileSync(join(folder, file.name), "utf8")
        .replaceAll(/[ \t\r]+$/gm, "")
        .trim();
      texts.set(text, [...(texts.get(text) ?? []), name]);
    }
  }
  const blocks = [...texts].map(([text, names]) => `${LINE}\n${[...new Set(names)].join(", ")}\n\n${text}\n`);
  const head = `Flantune is licensed under the MIT License or the Apache License 2.0, at your option: see LICENSE-MIT and
LICENSE-APACHE. Its page contains these works of others, whose licences' texts follow, each once.`;
  return `${head}\n\n${lines.join("\n")}\n\n${blocks.join("\n")}`;
}

function npmPackages(metafiles, here) {
  const folders = new Set();
  for (const { inputs } of metafiles) {
    for (const path of Object.keys(inputs)) {
      const name = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
      if (name) folders.add(join(here, name));
    }
  }
  return [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return { name, version, licence: license, folder };
  });
}

/** What the module is linked from: no build scripts, no macros, no tests, no features of the command line. */
function crates(root) {
  const target = "wasm32-unknown-unknown";
  const tree = cargo(
    root,
    "tree",
    "-p",
    "flantune-wasm",
    "--target",
    target,
    "-e",
    "normal,no-proc-macro",
    "--prefix",
    "none",
  );
  const linked = new Set(tree.split("\n").map((line) => line.split(" ").slice(0, 2).join(" ")));
  const { packages } = JSON.parse(
    cargo(root, "metadata", "--format-version", "1", "--filter-platform", target),
  );
  return packages
    .filter(({ name, version, source }) => source !== null && linked.has(`${name} v${version}`))
    .sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version))
    .map(({ name, version, license, license_file: file, manifest_path: path }) => {
      return { name, version, licence: license ?? file ?? "not said", folder: dirname(path) };
    });
}

function cargo(root, ...words) {
  const { status, stdout, stderr, error } = spawnSync("cargo", [...words, "--offline", "--locked"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (error)
    throw new Error(`cargo, which knows the crates' licences, could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`cargo ${words[0]}: ${stderr.trim()}`);
  return stdout;
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
