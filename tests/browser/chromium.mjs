// The Chromium that the tests, benches and pictures run in, and how it is started.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** What Playwright's `launch` takes. `adapter` is WebGPU's; every machine has the software one. */
export function launchOptions({ adapter = "swiftshader" } = {}) {
  const args = [
    // Chromium has WebGPU on Linux behind this flag only.
    "--enable-unsafe-webgpu",
    `--use-webgpu-adapter=${adapter}`,
    // No traffic of the browser's own.
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ];
  // Chromium's sandbox refuses to start as root.
  if (process.getuid?.() === 0) args.push("--no-sandbox");
  return { executablePath: findChromium(), args };
}

/** The path of the installed browser; `CHROMIUM` names another. scripts/setup.sh looks in the same places. */
function findChromium() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const installed = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const candidates = [process.env.CHROMIUM, "/usr/bin/chromium", ...installed];
  const found = candidates.filter(Boolean).find(canRun);
  if (found === undefined) throw new Error("Chromium is missing: install it, or name it in CHROMIUM");
  return found;
}

function canRun(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
