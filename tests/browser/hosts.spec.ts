// The element in pages of others: their layouts, their styles, their sizes, their frameworks.

import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

import { test as pretended } from "./pretended.js";

interface Fixtures {
  /** Opens a page with the element and these attributes. */
  open: (attributes?: Record<string, string | null>) => Promise<void>;
}

const test = pretended.extend<Fixtures>({
  open: async ({ page, site, sound: _ }, use) => {
    await use(async (attributes = {}) => {
      await page.goto(site.address({ attributes: { lang: "en", ...attributes } }));
      await expect(page.locator('flan-tune [data-step="model"]')).toContainText("7.1 million");
    });
  },
});

/** Styles of the page around, which a policy would refuse as text. */
const style = (page: Page, css: string) =>
  page.evaluate((css) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets = [sheet];
  }, css);

/** What the element stands in, from the outermost box, which has the width, to the innermost. */
const LAYOUTS: Record<string, string[]> = {
  block: ["display: block"],
  "flex row": ["display: flex"],
  "flex row, align-items: center": ["display: flex; align-items: center"],
  "flex row, justify-content: center": ["display: flex; justify-content: center"],
  "flex column": ["display: flex; flex-direction: column"],
  "flex column, align-items: center": ["display: flex; flex-direction: column; align-items: center"],
  "inline flex": ["display: block", "display: inline-flex"],
  grid: ["display: grid"],
  "grid, place-items: center": ["display: grid; place-items: center"],
  "grid, justify-content: center": ["display: grid; justify-content: center"],
  float: ["display: flow-root", "float: left"],
  "inline block": ["display: block", "display: inline-block"],
  "table cell": ["display: table", "display: table-cell"],
  "table as wide as its content": ["display: block", "display: table", "display: table-cell"],
  "absolute position": ["position: relative; height: 10px", "position: absolute"],
  "fit-content": ["display: block", "width: fit-content"],
  "column of a page": ["columns: 1"],
  "vertical writing": ["writing-mode: vertical-rl; height: 600px", "writing-mode: horizontal-tb"],
};
const WIDTHS = [200, 320, 600, 1000, 1600];

for (const [name, boxes] of Object.entries(LAYOUTS)) {
  test(`a sensible width in any layout: ${name}`, async ({ page, open }) => {
    await page.setViewportSize({ width: 1700, height: 900 });
    await open();
    const measured = await page.evaluate(
      async ({ boxes, widths }) => {
        const element = document.querySelector("flan-tune") as HTMLElement;
        const nested = boxes.map((css) => {
          const box = document.createElement("div");
          box.style.cssText = css;
          return box;
        });
        nested.forEach((box, place) => nested[place + 1] && box.append(nested[place + 1] as HTMLElement));
        const [outer] = nested as [HTMLElement];
        document.querySelector("main")?.append(outer);
        nested.at(-1)?.append(element);
        const found = [];
        for (const width of widths) {
          outer.style.width = `${width}px`;
          await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
          const host = outer.getBoundingClientRect();
          const own = element.getBoundingClientRect();
          const inner = [...(element.shadowRoot?.querySelectorAll(".frame, .page, .grid, .step-heading, button") ?? [])].map((part) => part.getBoundingClientRect());
          found.push({ width, own: own.width, left: own.left - host.left, right: host.right - own.right, within: Math.max(...inner.map(({ right }) => right)) - own.right });
        }
        return found;
      },
      { boxes, widths: WIDTHS },
    );
    for (const { width, own, left, right, within } of measured) {
      // A column of text and its edges, or all that there is.
      expect.soft(own, `in ${width}`).toBeGreaterThan(Math.min(width, 760) - 10);
      expect.soft(own, `in ${width}`).toBeLessThanOrEqual(width + 0.5);
      expect.soft(left, `in ${width}`).toBeGreaterThan(-0.5);
      expect.soft(right, `in ${width}`).toBeGreaterThan(-0.5);
      expect.soft(within, `what is in it, in ${width}`).toBeLessThan(1);
    }
  });
}

test("two flex items share what there is", async ({ page, open }) => {
  await page.setViewportSize({ width: 1000, height: 900 });
  await open();
  const [aside, own, wide] = await page.evaluate(() => {
    const element = document.querySelector("flan-tune") as HTMLElement;
    const row = document.createElement("div");
    row.style.cssText = "display: flex; width: 700px";
    const aside = document.createElement("p");
    aside.style.cssText = "flex: 0 0 260px; margin: 0";
    document.querySelector("main")?.append(row);
    row.append(aside, element);
    return [aside.offsetWidth, element.offsetWidth, row.scrollWidth];
  });
  expect([aside, own, wide]).toEqual([260, 440, 700]);
});

/** Styles that are handed down, each to a value that would be seen. */
const INHERITED: Record<string, string> = {
  "text-align": "right",
  "text-transform": "uppercase",
  "letter-spacing": "4px",
  "word-spacing": "9px",
  "text-indent": "40px",
  direction: "rtl",
  "white-space": "pre",
  "font-style": "italic",
  "font-weight": "900",
  "font-family": "cursive",
  "font-variant": "small-caps",
  "font-stretch": "condensed",
  "line-height": "3",
  "text-shadow": "2px 2px red",
  color: "rgb(255, 0, 0)",
  "word-break": "break-all",
  "overflow-wrap": "anywhere",
  "line-break": "anywhere",
  hyphens: "auto",
  "tab-size": "1",
  quotes: '"<" ">"',
  "list-style": "square inside",
  "border-collapse": "collapse",
  "caption-side": "bottom",
  "writing-mode": "vertical-rl",
  "text-orientation": "upright",
  "-webkit-text-fill-color": "rgb(255, 0, 0)",
  "-webkit-text-stroke": "3px red",
  "text-emphasis": "dot",
  "text-underline-position": "under",
  "font-kerning": "none",
  "font-feature-settings": '"smcp"',
  "text-rendering": "geometricPrecision",
  "user-select": "none",
};
const PARTS = [".page", ".heading-0", ".lead", ".button.large", ".step-heading", ".step-name", "legend", ".input", ".note", "p", "table th", "summary", "dt", "[role=status]"];

test("what a page hands down to its elements stays outside", async ({ page, open }) => {
  await open({ model: null, data: null });
  for (const step of ["data", "method", "train"]) await page.locator(`flan-tune [data-step="${step}"]`).click();
  const computed = (names: string[]) =>
    page.evaluate(
      ({ names, parts }) => {
        const root = document.querySelector("flan-tune")?.shadowRoot as ShadowRoot;
        return Object.fromEntries(
          parts.map((part) => {
            const style = getComputedStyle(root.querySelector(part) ?? root.querySelector(".page") as Element);
            return [part, Object.fromEntries(names.map((name) => [name, style.getPropertyValue(name)]))];
          }),
        );
      },
      { names, parts: PARTS },
    );
  const names = [...Object.keys(INHERITED), "font-size"];
  // Its own styles look at its width, which layouts and writing modes change.
  const width = "flan-tune { width: 900px !important; max-width: none !important }";
  await style(page, width);
  const quiet = await computed(names);
  for (const [name, value] of Object.entries(INHERITED)) {
    // Both on what is around it and, as resets do, on everything there is.
    for (const selector of ["html, body, main", "*"]) {
      await style(page, `${selector} { ${name}: ${value} !important } ${width}`);
      expect.soft(await computed(names), `${selector} { ${name}: ${value} }`).toEqual(quiet);
    }
  }
  expect(quiet[".page"]).toMatchObject({ direction: "ltr", "text-align": "start", "letter-spacing": "normal" });
});

test("that it is hidden, or not to be clicked, does reach in", async ({ page, open }) => {
  await open();
  const seen = () =>
    page.evaluate(() => {
      const style = getComputedStyle(document.querySelector("flan-tune")?.shadowRoot?.querySelector(".heading-0") as Element);
      return [style.visibility, style.pointerEvents];
    });
  expect(await seen()).toEqual(["visible", "auto"]);
  await style(page, "main { visibility: hidden; pointer-events: none }");
  expect(await seen()).toEqual(["hidden", "none"]);
});

/** The page's own sizes, and the sizes of ordinary text, a title and a button's height inside. */
const SIZES: [css: string, text: number][] = [
  ["", 16],
  ["html { font-size: 62.5% } body { font-size: 1.6rem }", 16],
  ["html { font-size: 62.5% } body { font-size: 1.4rem }", 14],
  ["html { font-size: 62.5% } body { font-size: 2rem }", 20],
  ["body { font-size: 12px }", 16],
  ["html { font-size: 24px }", 24],
  ["flan-tune { --flantune-font-size: 20px }", 20],
  ["flan-tune { --flantune-font-size: 13px }", 13],
  ["body { font-size: 20px } flan-tune { --flantune-font-size: 1.1em }", 22],
  ["html { font-size: 62.5% } flan-tune { --flantune-font-size: 1.5rem }", 15],
];

test("text is as large as the page's own, or as it is told, and all else follows", async ({ page, open }) => {
  await page.setViewportSize({ width: 700, height: 900 });
  await open();
  const measure = () =>
    page.evaluate(() => {
      const root = document.querySelector("flan-tune")?.shadowRoot as ShadowRoot;
      const size = (part: string) => parseFloat(getComputedStyle(root.querySelector(part) as Element).fontSize);
      return { text: size(".promise"), lead: size(".lead"), note: size(".note"), button: root.querySelector<HTMLElement>(".button.large")?.offsetHeight ?? 0 };
    });
  for (const [css, text] of SIZES) {
    await style(page, css);
    const { lead, note, button, ...found } = await measure();
    expect.soft(found.text, css).toBeCloseTo(text, 1);
    expect.soft([lead / text, note / text], css).toEqual([expect.closeTo(1.125, 2), expect.closeTo(0.875, 2)]);
    expect.soft(button / text, css).toBeCloseTo(2.875, 1);
    expect.soft(await page.evaluate(() => document.documentElement.scrollWidth), css).toBeLessThanOrEqual(700);
  }
});

test("its title is of the level that the page gives it, and the others follow", async ({ page, open }) => {
  await open({ "heading-level": "3" });
  await expect(page.getByRole("heading", { level: 3 })).toHaveText(["Tune a language model, here in this page"]);
  await expect(page.getByRole("heading", { level: 4 })).toHaveCount(6);
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(0);
  await page.evaluate(() => (document.querySelector("flan-tune")!.headingLevel = 2));
  await expect(page.getByRole("heading", { level: 2 })).toHaveCount(1);
  await page.evaluate(() => {
    const title = document.createElement("h1");
    title.textContent = "Lesson 4";
    document.querySelector("main")?.prepend(title);
    for (const details of document.querySelector("flan-tune")?.shadowRoot?.querySelectorAll("details") ?? []) details.open = true;
  });
  for (const step of await page.locator("flan-tune [data-step]").all()) if ((await step.getAttribute("aria-expanded")) === "false") await step.click();
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "best-practice"]).analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  // There are no more than six.
  await page.evaluate(() => document.querySelector("flan-tune")?.setAttribute("heading-level", "6"));
  await expect(page.getByRole("heading", { level: 6 }).first()).toHaveText("Tune a language model, here in this page");
});

for (const dir of ["ltr", "rtl"]) {
  for (const lang of ["en", "de"]) {
    test(`its own text is laid out in its own language's direction: ${lang} in a page that is ${dir}`, async ({ page, site }) => {
      await page.goto(site.address({ attributes: { lang } }));
      await page.evaluate((dir) => (document.documentElement.dir = dir), dir);
      const frame = page.locator("flan-tune .frame");
      await expect(frame).toHaveAttribute("lang", lang);
      await expect(frame).toHaveCSS("direction", "ltr");
      await expect(page.locator("flan-tune .lead")).toHaveCSS("text-align", "start");
    });
  }
}

test("what stands between its tags shows where no script runs, and only there", async ({ browser, page, site, open }) => {
  const text = "The trainer needs JavaScript.";
  const html = `<!doctype html><title>A lesson</title><flan-tune>${text}</flan-tune>`;
  const without = await browser.newContext({ javaScriptEnabled: false });
  const bare = await without.newPage();
  await bare.setContent(html);
  await expect(bare.getByText(text)).toBeVisible();
  await without.close();
  await open();
  await page.evaluate((text) => document.querySelector("flan-tune")?.append(text), text);
  expect(await page.evaluate(() => document.querySelector("flan-tune")?.innerText)).not.toContain(text);
  expect(site).toBeDefined();
});

test("properties stand beside attributes; null and undefined remove one", async ({ page, open }) => {
  await open();
  const found = await page.evaluate(() => {
    const element = document.querySelector("flan-tune")!;
    const values = {
      model: "google/flan-t5-small",
      data: "casual",
      method: "prompt",
      rank: 2,
      lang: "de",
      device: "cpu",
      theme: "dark",
      headingLevel: 3,
      hubEndpoint: "https://models.example",
      workerUrl: "/worker.js",
      wasmUrl: "/module.wasm",
      assetsUrl: "/assets/",
    };
    const attribute = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const element2 = document.createElement("flan-tune");
    return Object.entries(values).map(([name, value]) => {
      const property = Object.create(null) as Record<string, unknown>;
      const before = Reflect.get(element2, name) as unknown;
      Reflect.set(element2, name, value);
      property["set"] = [element2.getAttribute(attribute(name)), Reflect.get(element2, name) === value];
      for (const nothing of [null, undefined]) {
        Reflect.set(element2, name, value);
        Reflect.set(element2, name, nothing);
        property[String(nothing)] = [element2.hasAttribute(attribute(name)), Reflect.get(element2, name) === before];
      }
      return [name, String(value), property, element.isConnected];
    });
  });
  for (const [name, value, property] of found) {
    expect.soft(property, String(name)).toEqual({ set: [value, true], null: [false, true], undefined: [false, true] });
  }
  const flags = await page.evaluate(() => {
    const element = document.createElement("flan-tune");
    return ([true, false, true, null, true, undefined] as const).map((value) => {
      element.addressSettings = value;
      return element.hasAttribute("address-settings");
    });
  });
  expect(flags).toEqual([true, false, true, false, true, false]);
});

test("properties that were set before the element was defined are taken over", async ({ page, site }) => {
  await page.addInitScript(() => {
    document.addEventListener("DOMContentLoaded", () => {
      const element = document.createElement("flan-tune") as HTMLElement & Record<string, unknown>;
      Object.assign(element, { model: "builtin", data: "casual", method: "prompt", lang: "de", headingLevel: 2, id: "early" });
      document.body.append(element);
    });
  });
  await page.goto(site.address());
  const early = page.locator("#early");
  await expect(early.locator('[data-step="data"]')).toContainText("Umgangston");
  await expect(early.getByRole("heading", { level: 2 })).toHaveText("Ein Sprachmodell anpassen, hier auf dieser Seite");
  expect(await early.evaluate((element) => Object.keys(element))).toEqual([]);
});
