// The package as npm would give it: made by scripts/release.sh, once, and installed where a test wants it.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Packages that this folder has installed. */
export const MODULES = fileURLToPath(new URL("node_modules/", import.meta.url));

let made: string | undefined;

/** The tarball. The engine is the one that web/dist was built with. */
export function tarball(): string {
  if (made !== undefined) return made;
  const folder = mkdtempSync(join(tmpdir(), "flantune-package-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const environment = { ...process.env, FLANTUNE_WASM: join(ROOT, "web/engine") };
  output(ROOT, join(ROOT, "scripts/release.sh"), ["--npm", "--budget", "16", "--output", folder], environment);
  const name = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  if (name === undefined) throw new Error(`release.sh --npm made ${readdirSync(folder).join(", ") || "nothing"}`);
  made = join(folder, name);
  return made;
}

export function tarballSize(): number {
  return statSync(tarball()).size;
}

/** Installs it beside other packages of `folder`, without the network. Gives where it went. */
export function install(folder: string): string {
  if (!existsSync(join(folder, "package.json"))) writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  output(folder, "npm", ["install", "--offline", "--no-audit", "--no-fund", "--no-save", "--no-package-lock", "--loglevel=error", tarball()]);
  return join(folder, "node_modules/flantune");
}

/** What a program prints; its errors fail the test. */
export function output(folder: string, program: string, words: string[], environment: NodeJS.ProcessEnv = process.env): string {
  try {
    return execFileSync(program, words, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env: environment });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${words.join(" ")}:\n${stdout ?? ""}${stderr ?? String(error)}`);
  }
}
