// The page with a trainer that only pretends (web/test/fake.ts), for the tests of the element.

import { expect, test as base } from "@playwright/test";

import { servePage } from "../../web/test/serve.mjs";

export const test = base.extend<{ sound: void }, { site: Awaited<ReturnType<typeof servePage>> }>({
  site: [
    async ({}, use) => {
      const site = await servePage();
      await use(site);
      site.close();
    },
    { scope: "worker" },
  ],
  /** What the page throws, or a policy refuses, fails the test. */
  sound: async ({ page }, use) => {
    const thrown: string[] = [];
    page.on("pageerror", (error) => thrown.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && /Content Security Policy/.test(message.text())) thrown.push(message.text());
    });
    await use();
    expect(thrown, "what the page threw, or a policy refused").toEqual([]);
  },
});
