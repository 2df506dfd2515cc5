// Which file of the page may import which: each only those of the layers before its own, or of its own,
// and no file one that imports it in turn.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { test } from "node:test";

/** What a file's path begins with, from what knows of nothing to what knows of all; the longest counts. */
const LAYERS = [
  "version.ts",
  "error.ts",
  "settings.ts",
  "types.ts",
  "id.ts",
  "engine.ts",
  "protocol.ts",
  "own-files.ts",
  "worker/locks.ts",
  "worker/storage/",
  "worker/",
  "api/",
  "element/trainer.ts",
  "element/state.ts",
  "element/strings/",
  "element/styles/",
  "element/",
  "element/actions/",
  "element/views/",
  "element/app.ts",
  "element/flan-tune.ts",
  "element/define.ts",
  "page.ts",
  "index.ts",
  "service-worker.ts",
];

/** Parts that know each other by messages and types alone, which lie below all of them. */
const APART = ["api/", "worker/", "element/"];
/** The one that puts the element and the API together. */
const JOINT = "element/define.ts";

type Imports = Map<string, string[]>;

/** What each file imports of the others; types too. */
function read(): Imports {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
  const imports = (name: string) => {
    const code = readFileSync(`src/${name}`, "utf8");
    const found = code.matchAll(/^(?:import|export)\b[^;"]*"(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/gm);
    return [...found]
      .map(([, named = "", asked = named]) => join(dirname(name), asked).replace(/\.js$/, ".ts"))
      .filter((other) => files.includes(other));
  };
  return new Map(files.map((name) => [name, imports(name)]));
}

function layerOf(name: string): number {
  const longest = LAYERS.filter((layer) => name.startsWith(layer)).sort((a, b) => b.length - a.length)[0];
  assert(longest !== undefined, `${name} has no layer`);
  return LAYERS.indexOf(longest);
}

/** The files of the shortest way from a file back to itself, if there is one. */
function circle(imports: Imports, file: string): string[] | undefined {
  const ways = [[file]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of imports.get(way.at(-1) ?? "") ?? []) {
      if (next === file) return [...way, file];
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return undefined;
}

const imports = read();
const all = [...imports].flatMap(([name, others]) => others.map((other) => ({ name, other })));

test("each file imports of the layers below it", () => {
  assert(imports.size > 100 && all.length > 300, `${imports.size} files, ${all.length} imports`);
  assert.deepEqual(
    all.filter(({ name, other }) => layerOf(other) > layerOf(name)),
    [],
  );
});

test("page, worker and element import nothing of each other", () => {
  const part = (name: string) => APART.find((folder) => name.startsWith(folder));
  const across = all.filter(({ name, other }) => part(other) !== undefined && part(name) !== part(other));
  assert.deepEqual(
    across.filter(({ name }) => part(name) !== undefined && name !== JOINT),
    [],
  );
});

test("no file imports what imports it", () => {
  assert.deepEqual([...imports.keys()].map((name) => circle(imports, name)).filter(Boolean), []);
});

test("a circle of files is found", () => {
  const imports = new Map([
    ["a", ["b"]],
    ["b", ["c"]],
    ["c", ["a", "d"]],
    ["d", ["c"]],
    ["e", ["a"]],
  ]);
  assert.deepEqual(circle(imports, "a"), ["a", "b", "c", "a"]);
  assert.deepEqual(circle(imports, "d"), ["d", "c", "d"]);
  assert.equal(circle(imports, "e"), undefined);
});
