// What the tests of the API share: a site of its own for each test, and a page on it.

import { test as base, type Page } from "@playwright/test";
import { fileURLToPath } from "node:url";

import { serve } from "./server.mjs";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export interface Site {
  url: string;
  close(): void;
}

interface Fixtures {
  site: Site;
  /** A page of the site; every request of it is held against `allowed`. */
  api: Page;
  /** Addresses that the page may ask beside its own. */
  allowed: string[];
}

export const test = base.extend<Fixtures>({
  site: async ({}, use) => {
    const site = await serve({
      "/": here("api/"),
      "/flantune/": here("../../web/dist/"),
      "/tiny/": here("../oracle/tiny/gated/"),
      "/odd/": here("../oracle/tiny/odd/"),
      "/adapters/": here("../oracle/tiny/gated/adapters/"),
    });
    await use(site);
    site.close();
  },
  allowed: async ({}, use) => use([]),
  api: async ({ page, site, allowed }, use) => {
    const elsewhere: string[] = [];
    page.context().on("request", (request) => {
      const own = [site.url, "blob:", "data:", ...allowed];
      if (!own.some((address) => request.url().startsWith(address))) elsewhere.push(request.url());
    });
    await page.goto(`${site.url}page.html`);
    await use(page);
    base.expect(elsewhere, "requests that left the page's origin").toEqual([]);
  },
});

export const { expect } = base;

/** The page's own module, as tests use it inside of it. */
export const PAGE = "/page.js";
