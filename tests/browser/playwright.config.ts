import { existsSync } from "node:fs";

import { defineConfig } from "@playwright/test";

const DEBIAN = "/usr/bin/chromium";
const executablePath = process.env["CHROMIUM"] ?? (existsSync(DEBIAN) ? DEBIAN : undefined);

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  // A software GPU on a small machine: compiling its pipelines alone takes most of a minute.
  timeout: 600_000,
  // Two trainings at once on two cores take longer than one after the other.
  workers: 1,
  reporter: process.env["CI"] ? [["list"], ["github"]] : "list",
  use: {
    browserName: "chromium",
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: [
        "--enable-unsafe-webgpu",
        "--use-webgpu-adapter=swiftshader",
        // No traffic of the browser's own.
        "--disable-background-networking",
        "--disable-component-update",
        // Chromium's sandbox refuses to start as root.
        ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      ],
    },
  },
});
