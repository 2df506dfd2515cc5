import { defineConfig } from "@playwright/test";

import { launchOptions } from "./chromium.mjs";

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  // A software GPU on a small machine: compiling its pipelines alone takes most of a minute.
  timeout: 600_000,
  // Two trainings at once on two cores take longer than one after the other.
  workers: 1,
  reporter: process.env["CI"] ? [["list"], ["github"]] : "list",
  // What takes many minutes on a software GPU is run by hand.
  ...(process.env["FLANTUNE_SLOW"] ? {} : { grepInvert: /@slow/ }),
  use: { browserName: "chromium", launchOptions: launchOptions() },
});
