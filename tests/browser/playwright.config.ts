import { defineConfig } from "@playwright/test";

import { launchOptions } from "./chromium.mjs";

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  // A software GPU on a small machine: compiling its pipelines alone takes most of a minute.
  timeout: 600_000,
  // What is awaited is there as soon as the machine gets to it, which others use as well.
  expect: { timeout: 60_000 },
  // A page computes on one core.
  workers: 2,
  reporter: process.env["CI"] ? [["list"], ["github"]] : "list",
  // What takes many minutes on a software GPU is run by hand.
  ...(process.env["FLANTUNE_SLOW"] ? {} : { grepInvert: /@slow/ }),
  use: { browserName: "chromium", launchOptions: launchOptions() },
});
