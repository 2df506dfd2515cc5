// The life of the element: moved, removed, put back, and beside others of its kind.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "@playwright/test";

import { expect, test, watch } from "./site-support.js";

const ATTRIBUTES = 'lang="en" model="builtin" data="reviews" method="lora" rank="2" device="cpu"';
const lesson = (ids: string[]) =>
  `<!doctype html><html lang="en"><title>A lesson</title><link rel="icon" href="data:,"><script type="module" src="/web/dist/define.js"></script>
   ${ids.map((id) => `<section><flan-tune id="${id}" ${ATTRIBUTES}></flan-tune></section>`).join("")}</html>`;

/** On a machine that others work on too. */
const PATIENCE = { timeout: 120_000 };

/** Sets the numbers of the form, by their labels. */
async function settings(element: Locator, values: Record<string, string>): Promise<void> {
  await element.locator('[data-step="method"]').click();
  for (const [label, value] of Object.entries(values)) {
    await element.getByLabel(label, { exact: true }).fill(value);
    await element.getByLabel(label, { exact: true }).blur();
  }
  await element.locator('[data-step="method"]').click();
}

const step = (element: Locator) =>
  element.evaluate((element) => {
    const text = element.shadowRoot?.querySelector<HTMLElement>(".run")?.innerText ?? "";
    return Number(/([\d,]+) of/.exec(text)?.[1]?.replaceAll(",", "") ?? 0);
  });

async function ready(element: Locator): Promise<void> {
  await expect(element.locator('[data-step="model"]')).toContainText("7.1 million", PATIENCE);
  await expect(element.locator('[data-step="data"]')).toContainText("rows");
}

const train = (element: Locator) => element.getByRole("button", { name: /^Train/, exact: false }).first();

async function pageWith(page: Page, ids: string[], folder: string, url: string): Promise<Locator[]> {
  writeFileSync(join(folder, `${ids.join("-")}.html`), lesson(ids));
  await page.goto(`${url}${ids.join("-")}.html`);
  const elements = ids.map((id) => page.locator(`#${id}`));
  for (const element of elements) await ready(element);
  return elements;
}

test("moved within the page, in every way, it keeps its run", async ({ page, site, open, folder }) => {
  const { url } = await open({ "/": folder, "/web/": join(site, "web") });
  const seen = watch(page.context(), url);
  const [element] = (await pageWith(page, ["one"], folder, url)) as [Locator];
  await page.evaluate(() => {
    const told: number[] = [];
    Object.assign(window, { told });
    document.addEventListener("flantune:step", ({ detail }) => told.push(detail.step));
    document.addEventListener("flantune:error", ({ detail }) => told.push(Number.NaN, detail.message as never));
  });
  await settings(element, { Epochs: "9", "Batch size": "2" });
  await train(element).click();
  await expect.poll(() => step(element), PATIENCE).toBeGreaterThan(2);
  const ways: Record<string, (element: Element, place: Element) => void> = {
    append: (element, place) => place.append(element),
    insertBefore: (element, place) => place.insertBefore(element, place.firstChild),
    replaceChildren: (element, place) => place.replaceChildren(element),
    "remove and append": (element, place) => {
      element.remove();
      place.append(element);
    },
    "in a shadow tree": (element, place) => place.attachShadow({ mode: "open" }).append(element),
    moveBefore: (element, place) => ("moveBefore" in place ? (place as unknown as { moveBefore(node: Node, before: null): void }).moveBefore(element, null) : place.append(element)),
  };
  for (const [name, move] of Object.entries(ways)) {
    const before = await step(element);
    await page.evaluate(
      ({ move }) => {
        const place = document.createElement("div");
        document.body.append(place);
        const find = (root: ParentNode): Element | undefined => {
          for (const one of root.querySelectorAll("*")) {
            if (one.localName === "flan-tune") return one;
            const within = one.shadowRoot && find(one.shadowRoot);
            if (within) return within;
          }
          return undefined;
        };
        const element = find(document);
        if (element) (new Function(`return ${move}`)() as (element: Element, place: Element) => void)(element, place);
      },
      { move: move.toString() },
    );
    await expect.poll(() => step(element), { ...PATIENCE, message: `moved by ${name}` }).toBeGreaterThan(before);
  }
  // Its own buttons still reach it.
  await element.locator(".run").getByRole("button", { name: "Stop" }).click();
  await expect(element.locator(".run-phase")).toHaveText("Stopped early", PATIENCE);
  // Each step was told once, one after the other.
  const told = await page.evaluate(() => (window as unknown as { told: number[] }).told);
  expect(told).toEqual(told.map((_, place) => place + 1));
  expect(seen).toEqual([]);
});

test("a run that is cut off is listed elsewhere without a reload: removed, or its tab closed", async ({ context, site, open, folder }) => {
  const { url } = await open({ "/": folder, "/web/": join(site, "web") });
  const page = await context.newPage();
  const [one, other] = (await pageWith(page, ["one", "other"], folder, url)) as [Locator, Locator];
  await settings(one, { Epochs: "40", "Batch size": "2" });
  await train(one).click();
  await expect.poll(() => step(one), PATIENCE).toBeGreaterThan(2);
  await expect(other.getByText("Runs that were cut off")).toBeHidden();
  await one.evaluate((element) => element.remove());
  await expect(other.getByText(/reviews, LoRA \d.*: [\d,]+ of [\d,]+ steps/i)).toBeVisible(PATIENCE);
  await other.getByRole("button", { name: /^Forget: / }).click();
  await expect(other.getByText(/of [\d,]+ steps/)).toBeHidden(PATIENCE);

  const tab = await context.newPage();
  const [third] = (await pageWith(tab, ["third"], folder, url)) as [Locator];
  await settings(third, { Epochs: "40", "Batch size": "2" });
  await train(third).click();
  await expect.poll(() => step(third), PATIENCE).toBeGreaterThan(2);
  await tab.close();
  await expect(other.getByText(/reviews, LoRA \d.*: [\d,]+ of [\d,]+ steps/i)).toBeVisible(PATIENCE);
  await other.getByRole("button", { name: /^Go on: / }).click();
  await expect.poll(() => step(other), PATIENCE).toBeGreaterThan(2);
});

test("two elements see each other's adapters at once", async ({ context, site, open, folder }) => {
  const { url } = await open({ "/": folder, "/web/": join(site, "web") });
  const page = await context.newPage();
  const [one, other] = (await pageWith(page, ["one", "other"], folder, url)) as [Locator, Locator];
  const tab = await context.newPage();
  const [third] = (await pageWith(tab, ["third"], folder, url)) as [Locator];
  for (const element of [one, other, third]) await element.locator('[data-step="adapters"]').click();
  await settings(one, { Epochs: "40", "Batch size": "2" });
  await train(one).click();
  await expect.poll(() => step(one), PATIENCE).toBeGreaterThan(2);
  await one.getByRole("button", { name: "Stop", exact: true }).click();
  const trained = /^Name of Reviews, LoRA 1/;
  for (const element of [one, other, third]) await expect(element.getByLabel(trained)).toBeVisible(PATIENCE);
  await other.getByLabel(trained).fill("Best");
  await other.getByLabel(trained).blur();
  for (const element of [one, other, third]) await expect(element.getByLabel("Name of Best")).toHaveValue("Best");
  await third.getByRole("button", { name: "Delete: Best" }).click();
  await third.getByRole("button", { name: "Delete for good: Best" }).click();
  for (const element of [one, other, third]) await expect(element.getByLabel("Name of Best")).toHaveCount(0);
});

test("twenty times taken away and put back, also while it trains, one worker is left", async ({ page, site, open, folder }) => {
  const { url } = await open({ "/": folder, "/web/": join(site, "web") });
  const failures: string[] = [];
  page.on("pageerror", (error) => failures.push(String(error)));
  const [element] = (await pageWith(page, ["one"], folder, url)) as [Locator];
  await settings(element, { Epochs: "40", "Batch size": "2" });
  await train(element).click();
  await expect.poll(() => step(element), PATIENCE).toBeGreaterThan(2);
  await page.evaluate(async () => {
    const element = document.querySelector("flan-tune") as HTMLElement;
    for (let count = 0; count < 20; count += 1) {
      element.remove();
      await new Promise((resolve) => setTimeout(resolve));
      document.body.append(element);
    }
  });
  await ready(element);
  await expect.poll(() => page.workers().length).toBe(1);
  await expect(element.getByText(/reviews, LoRA \d.*: [\d,]+ of [\d,]+ steps/i)).toBeVisible(PATIENCE);
  expect(failures).toEqual([]);
});
