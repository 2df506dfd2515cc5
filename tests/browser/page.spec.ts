// The element, on a trainer that only pretends (web/test/fake.ts): every state is reached in a moment
// and is the same each time. What a real trainer does with it is tested elsewhere.

import { readFileSync } from "node:fs";

import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

import { STATES } from "../../web/test/states.mjs";
import { test as pretended } from "./pretended.js";

interface Setup {
  fake?: Record<string, unknown>;
  attributes?: Record<string, string | null>;
  search?: string;
}

interface Fixtures {
  /** Opens the page; what the page throws fails the test. */
  open: (setup?: Setup) => Promise<void>;
}

const test = pretended.extend<Fixtures>({
  open: async ({ page, site, sound: _ }, use) => {
    await use(async (setup = {}) => {
      await page.goto(site.address({ ...setup, attributes: { lang: "en", ...setup.attributes } }));
    });
  },
});

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const step = (page: Page, name: string) => page.locator(`flan-tune [data-step="${name}"]`);
const state = (name: string) => STATES[name as keyof typeof STATES];

async function choose(page: Page, name: string, text: string): Promise<void> {
  await step(page, "data").click();
  await page
    .locator('flan-tune input[type="file"][accept*="jsonl"]')
    .setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(text) });
}

for (const scheme of ["light", "dark"] as const) {
  for (const name of Object.keys(STATES)) {
    test(`axe finds nothing: ${name}, ${scheme}`, async ({ page, open }) => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      const { fake, act } = state(name) as { fake?: Record<string, unknown>; act(page: Page): Promise<void> };
      await open({ fake });
      await act(page);
      // What is folded away is looked at too.
      await page.evaluate(() => {
        for (const details of document.querySelector("flan-tune")?.shadowRoot?.querySelectorAll("details") ?? []) details.open = true;
      });
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)])).toEqual([]);
    });
  }
}

for (const name of Object.keys(STATES)) {
  test(`nothing is wider than a screen of 320 pixels: ${name}`, async ({ page, open }) => {
    await page.setViewportSize({ width: 320, height: 640 });
    const { fake, act } = state(name) as { fake?: Record<string, unknown>; act(page: Page): Promise<void> };
    await open({ fake });
    await act(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  });
}

test("Try it trains both methods, by keyboard alone", async ({ page, open }) => {
  await open();
  await page.keyboard.press("Tab");
  await expect(button(page, "Try it")).toBeFocused();
  await page.keyboard.press("Enter");
  const rows = page.getByText("Three reviews that training never sees").locator("..").getByRole("listitem");
  await expect(rows).toHaveCount(3);
  await expect(rows.first()).toContainText("BeforeReview: enough room");
  await expect(rows.first()).toContainText("After LoRAChest freezer, 3/5: enough room");
  await expect(rows.first()).toContainText("After prompt tuningChest freezer: enough room");
  await expect(step(page, "adapters")).toContainText("2 adapters");
  await expect(page.getByRole("status")).toHaveText("Done. Both adapters are in the library below.");
});

test("steps fold to a line that says what was chosen, and open by keyboard", async ({ page, open }) => {
  await open();
  const model = step(page, "model");
  await expect(model).toHaveAttribute("aria-expanded", "false");
  await expect(model).toHaveAccessibleName("1 Model Built-in, 7.1 million parameters, 7.1 MB");
  await model.focus();
  await page.keyboard.press("Enter");
  await expect(model).toHaveAttribute("aria-expanded", "true");
  await expect(page.getByRole("radio", { name: "Built-in" })).toBeChecked();
  await button(page, "Use this model").focus();
  await page.keyboard.press("Enter");
  await expect(model).toHaveAttribute("aria-expanded", "false");
  await expect(step(page, "data")).toBeFocused();
  await expect(step(page, "data")).toHaveAttribute("aria-expanded", "true");
});

test("without attributes the first step is open and nothing is decided", async ({ page, open }) => {
  await open({ attributes: { model: null, data: null } });
  await expect(step(page, "model")).toHaveAttribute("aria-expanded", "true");
  await expect(step(page, "train")).toHaveAttribute("aria-expanded", "false");
});

test("columns become source and target, and the template shows what the model reads", async ({ page, open }) => {
  await open();
  await choose(page, "people.csv", "name,town,job\nInes,Porto,baker\nKarim,Lyon,clerk\n");
  const reads = page.getByLabel("The model reads", { exact: true });
  const writes = page.getByLabel("The model writes", { exact: true });
  await expect(reads).toHaveValue("name");
  await expect(writes).toHaveValue("job");
  await reads.selectOption("town");
  const template = page.getByRole("textbox", { name: "Template" });
  await expect(template).toHaveValue("{{ town }} ||| {{ job }}");
  const rows = page.getByRole("region", { name: "Preview" }).getByRole("listitem");
  await expect(rows.first()).toContainText("ReadsPorto");
  await template.fill("Who works in {{ town }}? ||| {{ name }} is a {{ job }}");
  await expect(rows.first()).toContainText("Who works in Porto?");
  await expect(rows.nth(1)).toContainText("Karim is a clerk");
  await page.getByLabel("Most tokens to read").fill("4");
  await page.getByLabel("Most tokens to read").blur();
  await expect(rows.first().locator("del").first()).toHaveText("in Porto?");
  await expect(page.getByText("2 rows are longer than 4 tokens")).toBeVisible();
});

test("what there is to know of the rows is said before a run, in the page's language", async ({ page, open }) => {
  await open({ attributes: { lang: "de" } });
  await choose(page, "half.jsonl", '{"source": "one", "target": ""}\n{"source": "two", "target": "zwei"}\n');
  await expect(page.getByRole("listitem").filter({ hasText: "Zieltexte sind leer: 1." })).toContainText("1 targets are empty");
  await page.evaluate(() => document.querySelector("flan-tune")?.setAttribute("lang", "en"));
  const said = page.getByRole("listitem").filter({ hasText: "1 targets are empty" });
  await expect(said).not.toContainText("leer");
});

test("columns whose names Jinja cannot write are taken by name", async ({ page, open }) => {
  await open();
  await choose(page, "odd.csv", "the text,the label\nfine,good\nbroken,bad\n");
  await expect(page.getByLabel("The model reads", { exact: true })).toHaveValue("the text");
  await expect(page.getByRole("textbox", { name: "Template" })).toHaveValue("");
  await expect(page.getByRole("region", { name: "Preview" }).getByRole("listitem").first()).toContainText("Writesgood");
});

test("problems stand beside what caused them, and say what to do", async ({ page, open }) => {
  await open();
  await choose(page, "empty.jsonl", "not json\n");
  await expect(page.getByText("empty.jsonl holds no row that can be used. It needs one JSON object a line")).toBeVisible();
  // Nothing is trained on rows that are not there.
  await expect(button(page, "Train")).toHaveAttribute("aria-disabled", "true");
  await expect(page.getByText("The chosen rows could not be read: see step 2.")).toBeVisible();
  await page.getByRole("radio", { name: "Reviews" }).check();
  await expect(button(page, "Train")).not.toHaveAttribute("aria-disabled", "true");
  const template = page.getByRole("textbox", { name: "Template" });
  await template.fill("{{ nothing }} ||| {{ title }}");
  await expect(template).toHaveAttribute("aria-invalid", "true");
  await expect(template).toHaveAccessibleDescription(/Row 1 has no field `nothing`\. It has product, stars, review, title\./);
  await template.fill("{{ review }} ||| {{ title }}");
  await expect(template).not.toHaveAttribute("aria-invalid");

  await step(page, "method").click();
  const rank = page.getByLabel("Rank", { exact: true });
  await rank.fill("0");
  await rank.blur();
  await expect(rank).toHaveAttribute("aria-invalid", "true");
  await expect(rank).toHaveAccessibleDescription(/A number from 1 to 4096 is needed/);
  // Nothing else is trained than what the form shows.
  await button(page, "Train").click();
  await expect(page.getByText("A number in step 3 cannot be used. Correct it there first.")).toBeVisible();
  await expect(page.getByText("Your run appears here")).toBeVisible();
  await page.getByRole("radio", { name: "Balanced" }).check();
  await expect(rank).toHaveValue("8");

  await step(page, "model").click();
  await page.getByRole("radio", { name: /Hugging Face/ }).check();
  const address = page.getByLabel("Model’s id or address");
  await address.fill("nobody/nothing");
  await address.press("Enter");
  await expect(address).toHaveAccessibleDescription(/nobody\/nothing is not on the hub\. Check the spelling/);
});

test("while Try it asks and trains nothing else begins, and it can be stopped at any moment", async ({ page, open }) => {
  await open({ fake: { pace: 5 } });
  await button(page, "Try it").click();
  await expect(button(page, "Train")).toBeDisabled();
  await expect(page.getByLabel("Compute on")).toBeDisabled();
  await page.locator(".try-phase").getByRole("button", { name: "Stop" }).click();
  await expect(page.getByText("Stopped.", { exact: true }).first()).toBeVisible();
  await expect(button(page, "Train again")).toBeEnabled();
  await expect(page.getByLabel("Compute on")).toBeEnabled();
});

test("Try it leaves the model and the rows that were chosen as they are", async ({ page, open }) => {
  await open();
  await choose(page, "people.csv", "name,town\nInes,Porto\nKarim,Lyon\n");
  await page.getByRole("textbox", { name: "Template" }).fill("Where is {{ name }}? ||| {{ town }}");
  await step(page, "model").click();
  await page.getByRole("radio", { name: /Hugging Face/ }).check();
  await page.getByLabel("Model’s id or address").fill("google/flan-t5-small");
  await button(page, "Look it up").click();
  await button(page, "Download and use").click();
  await expect(button(page, "Use this model")).toBeEnabled();
  await button(page, "Try it").click();
  await expect(page.getByText("Done. Both adapters").first()).toBeVisible();
  await expect(page.getByLabel("Model’s id or address")).toHaveValue("google/flan-t5-small");
  await expect(button(page, "Use this model")).toBeEnabled();
  await expect(page.getByRole("textbox", { name: "Template" })).toHaveValue("Where is {{ name }}? ||| {{ town }}");
});

test("rows keep their template and limits on another device", async ({ page, open }) => {
  await open();
  await choose(page, "people.csv", "name,town\nInes,Porto\nKarim,Lyon\n");
  await page.getByRole("textbox", { name: "Template" }).fill("Where is {{ name }}? ||| {{ town }}");
  await page.getByLabel("Most tokens to read").fill("4");
  await page.getByLabel("Most tokens to read").blur();
  await page.getByLabel("Compute on").selectOption("Processor");
  await expect(page.getByRole("region", { name: "Preview" }).getByRole("listitem").first()).toContainText("Where is Ines?");
  await expect(page.getByLabel("Most tokens to read")).toHaveValue("4");
  await expect(page.getByText("longer than 4 tokens")).toBeVisible();
});

test("another model can be chosen while one is being downloaded", async ({ page, open }) => {
  await open({ fake: { holdDownload: 0.5 } });
  await step(page, "model").click();
  await page.getByRole("radio", { name: /Hugging Face/ }).check();
  await page.getByLabel("Model’s id or address").fill("google/flan-t5-small");
  await button(page, "Look it up").click();
  await button(page, "Download and use").click();
  await expect(page.getByText("155.3 MB of 310.5 MB")).toBeVisible();
  await page.getByRole("radio", { name: "Built-in" }).check();
  await expect(button(page, "Use this model")).toBeEnabled();
  await button(page, "Train").click();
  await expect(page.getByText("112 of 112")).toBeVisible();
});

test("Train says how large a model is before it downloads it", async ({ page, open }) => {
  await open({ attributes: { model: "google/flan-t5-small" } });
  await step(page, "train").click();
  await button(page, "Train").click();
  await expect(page.getByText("The model is not in this browser yet. Step 1 says how large it is")).toBeVisible();
  await expect(page.getByText("310.5 MB, 4 files")).toBeVisible();
  await expect(page.getByText("Your run appears here")).toBeVisible();
});

test("a trainer that does not start says why, and can be tried again", async ({ page, open }) => {
  await open({ fake: { failStart: true } });
  await expect(page.locator("flan-tune .intro").getByText("The page's WebAssembly module could not be read. Reload the page")).toBeVisible();
  await expect(page.getByRole("status")).toContainText("WebAssembly module could not be read");
  await expect(button(page, "Try it")).toBeDisabled();
  await page.evaluate(() => (window.fake.options.failStart = false));
  await button(page, "Try again").click();
  await expect(button(page, "Try it")).toBeEnabled();
});

test("a download shows its size first, and can be paused and gone on with", async ({ page, open }) => {
  await open({ fake: { holdDownload: 0.5 } });
  await step(page, "model").click();
  await page.getByRole("radio", { name: /Hugging Face/ }).check();
  await page.getByLabel("Model’s id or address").fill("google/flan-t5-small");
  await button(page, "Look it up").click();
  await expect(page.getByText("310.5 MB, 4 files")).toBeVisible();
  await expect(page.getByText("0fc9ddf78a1e988dac52e2dac162b0ede4fd74ab")).toBeVisible();
  await expect(page.getByText("612.0 MB")).toBeVisible();
  await button(page, "Download and use").click();
  await expect(page.getByText("155.3 MB of 310.5 MB")).toBeVisible();
  await button(page, "Pause").click();
  await expect(page.getByText("Paused. What has been downloaded is kept.")).toBeVisible();
  await page.evaluate(() => window.fake.release());
  await button(page, "Resume").click();
  await expect(button(page, "Use this model")).toBeEnabled();
  await page.getByRole("radio", { name: "Kept in this browser" }).check();
  await button(page, "Delete google/flan-t5-small from this browser").click();
  await expect(page.getByText("No models are kept yet")).toBeVisible();
});

test("the count of trained numbers is the model's own", async ({ page, open }) => {
  await open();
  await step(page, "method").click();
  // 4 encoder layers with one attention, 2 decoder layers with two: 8 matrices q and 8 v, of 256 x 256.
  await expect(page.getByText("65,536 trainable parameters")).toBeVisible();
  await page.getByLabel("Rank", { exact: true }).fill("4");
  await page.getByLabel("Rank", { exact: true }).blur();
  await expect(page.getByText("32,768 trainable parameters")).toBeVisible();
  await page.getByRole("checkbox", { name: /^wo/ }).check();
  // 6 layers of 4 x (256 + 512) more.
  await expect(page.getByText("51,200 trainable parameters")).toBeVisible();
  // DoRA's lengths: 16 maps of 256, 6 of 256.
  await page.locator("summary", { hasText: "All settings" }).click();
  await page.getByLabel("variant", { exact: true }).selectOption("dora");
  await expect(page.getByText("56,832 trainable parameters")).toBeVisible();
  await page.getByRole("radio", { name: "(IA)³" }).check();
  // 8 maps k and 8 v give 256 numbers each, 6 maps wo take 512.
  await expect(page.getByText("7,168 trainable parameters")).toBeVisible();
  await page.getByRole("radio", { name: "Prompt tuning" }).check();
  await expect(page.getByText("5,120 trainable parameters")).toBeVisible();
});

test("Prodigy is the choice that finds the learning rate", async ({ page, open }) => {
  await open();
  await step(page, "method").click();
  const rate = page.getByRole("spinbutton", { name: "Learning rate" });
  await expect(rate).toHaveValue("0.002");
  const find = page.getByRole("checkbox", { name: /Find the rate itself/ });
  await find.check();
  await expect(rate).toBeDisabled();
  const download = page.waitForEvent("download");
  await button(page, "Download settings as TOML").click();
  const path = await (await download).path();
  expect(readFileSync(path, "utf8")).toContain('optimizer = "prodigy"');
  expect(readFileSync(path, "utf8")).not.toContain("learningRate");
  await find.uncheck();
  await expect(rate).toBeEnabled();
  await expect(rate).toHaveValue("0.002");
});

test("a run can be paused, gone on with and stopped", async ({ page, open }) => {
  await open({ fake: { pace: 5 } });
  await button(page, "Train").click();
  const run = page.getByRole("region", { name: "Run" });
  await button(page, "Pause").click();
  await expect(run).toContainText("Paused");
  // By keyboard, too: the button that was pressed is the one that goes on.
  await expect(button(page, "Resume")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(run).toContainText("Training");
  await button(page, "Stop").click();
  await expect(run).toContainText("Stopped early");
  await expect(button(page, "Train again")).toBeEnabled();
});

test("a run that failed says why, and one that was cut off is offered", async ({ page, open }) => {
  const run = {
    id: "run-1",
    name: "Yesterday's",
    state: "interrupted",
    created: Date.UTC(2026, 9, 14, 9, 30),
    step: 40,
    steps: 100,
    method: "lora",
    model: { kind: "builtin", name: "builtin" },
    data: { name: "reviews", rows: 220 },
    options: { method: "lora", epochs: 4 },
  };
  const unreadable = { ...run, id: "run-2", name: "run-2", state: "failed", problem: "runs/run-2/page.json: it holds no JSON" };
  await open({ fake: { runs: [run, unreadable], failAt: 45 } });
  await expect(page.getByText("Yesterday's: 40 of 100 steps")).toBeVisible();
  // Also of one that cannot be read any more.
  await expect(page.getByText(unreadable.problem)).toBeVisible();
  await button(page, "Go on: Yesterday's").click();
  await expect(page.getByText("The graphics card was lost at step 45. Its last checkpoint is kept")).toBeVisible();
  await expect(page.getByRole("region", { name: "Run", exact: true })).toContainText("44 of 112");
});

test("base and adapters answer side by side, and scores tell what changed", async ({ page, open }) => {
  await open();
  await state("compared").act(page);
  const answers = page.getByRole("region", { name: "Answers" });
  await expect(answers).toContainText("BaseReview: up and ready");
  await expect(answers).toContainText("Try it: LoRAInflatable kayak, 4/5");
  const scores = page.getByRole("region", { name: "Scores on held-out rows" }).first();
  await expect(scores.getByRole("row", { name: /^Base/ })).toContainText("4.218");
  await expect(scores.getByRole("row", { name: /^Try it: LoRA/ })).toContainText("20 of 20");
  await page.getByText("Row by row").click();
  await page.getByLabel("Only rows that changed").check();
  await expect(scores.getByRole("listitem")).toHaveCount(20);
});

test("which adapters belong to the loaded base is said before they are used", async ({ page, open }) => {
  const adapter = { method: "lora", parameters: 100, bytes: 1600, created: 0, model: null, metrics: {}, config: {} };
  const of = (name: string, base: object) => ({ ...adapter, id: name, name, ...base });
  await open({ fake: { adapters: [of("Ours", { base: "builtin" }), of("Theirs", { base: "other" }), of("Unknown", {})] } });
  await step(page, "adapters").click();
  const warning = "Made for another base than the loaded one.";
  const row = (name: string) => page.getByRole("listitem").filter({ has: page.getByLabel(`Name of ${name}`) });
  for (const [name, belongs] of [["Ours", true], ["Theirs", false], ["Unknown", true]] as const) {
    await expect(row(name).getByRole("checkbox")).toBeEnabled({ enabled: belongs });
    await expect(row(name).getByText(warning)).toBeVisible({ visible: !belongs });
  }
});

test("adapters are renamed, exported, imported and deleted after a second click", async ({ page, open }) => {
  await open({ fake: { adapters: [{ id: "a", name: "First", method: "lora", parameters: 100, bytes: 1600, created: 0, model: null, metrics: {}, config: {} }] } });
  await step(page, "adapters").click();
  const name = page.getByLabel("Name of First");
  await name.fill("Best");
  await name.blur();
  await expect(page.getByLabel("Name of Best")).toHaveValue("Best");
  const download = page.waitForEvent("download");
  await button(page, "Export: Best").click();
  expect((await download).suggestedFilename()).toBe("Best.zip");
  const input = page.locator('flan-tune input[type="file"][accept=".zip"]');
  await input.setInputFiles({ name: "photo.zip", mimeType: "application/zip", buffer: Buffer.from("no zip") });
  await expect(page.getByText("photo is not a zip. Choose a zip with adapter_config.json")).toBeVisible();
  await input.setInputFiles({ name: "friend.zip", mimeType: "application/zip", buffer: Buffer.from("PK") });
  await expect(page.getByLabel("Name of friend")).toBeVisible();
  await button(page, "Delete: Best").click();
  await expect(button(page, "Keep: Best")).toBeFocused();
  await button(page, "Keep: Best").click();
  await expect(page.getByLabel("Name of Best")).toBeVisible();
  await button(page, "Delete: Best").click();
  await expect(button(page, "Keep: Best")).toBeFocused();
  await button(page, "Delete for good: Best").focus();
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Name of Best")).toHaveCount(0);
  await expect(page.getByLabel("Name of friend")).toBeFocused();
});

test("German texts, by attribute, by the page's language, and changed on the way", async ({ page, open }) => {
  await open({ attributes: { lang: "de" } });
  await expect(button(page, "Ausprobieren")).toBeVisible();
  await expect(step(page, "model")).toContainText("7,1");
  await page.evaluate(() => document.querySelector("flan-tune")?.setAttribute("lang", "en"));
  await expect(button(page, "Try it")).toBeVisible();
  await expect(step(page, "model")).toContainText("7.1 million");
});

test("settings go into the address and come back; rows and templates never do", async ({ page, open }) => {
  await open({ attributes: { "address-settings": "" } });
  await step(page, "method").click();
  await page.getByRole("radio", { name: "Prompt tuning" }).check();
  await page.getByLabel("Virtual tokens").fill("33");
  await page.getByLabel("Seed").fill("7");
  await page.getByLabel("Seed").blur();
  await expect(page).toHaveURL(/numVirtualTokens=33/);
  await step(page, "data").click();
  await page.getByRole("textbox", { name: "Template" }).fill("Secret {{ review }} ||| {{ title }}");
  await expect(page.getByText("Secret Cracked")).toBeVisible();
  await page.getByLabel("Most tokens to read").fill("16");
  await page.getByLabel("Most tokens to read").blur();
  await expect(page).toHaveURL(/maxSourceTokens=16/);
  const { search } = new URL(page.url());
  expect(search).not.toContain("Secret");
  expect(search).toContain("data=reviews");
  // Others add to addresses what is no setting.
  await open({ attributes: { "address-settings": "" }, search: `${search}&fbclid=abc` });
  await expect(step(page, "method")).toContainText("Prompt tuning, 33 virtual tokens");
  await step(page, "method").click();
  await expect(page.getByLabel("Seed")).toHaveValue("7");
  await expect(page).not.toHaveURL(/fbclid/);
  await step(page, "data").click();
  await expect(page.getByLabel("Most tokens to read")).toHaveValue("16");
  await expect(page.getByText("longer than 16 tokens")).toBeVisible();
});

test("an address that says what a preset says is that preset; what cannot be is passed over", async ({ page, open }) => {
  await open({ attributes: { "address-settings": "" } });
  await step(page, "method").click();
  await page.getByRole("radio", { name: "Quick" }).check();
  await expect(page).toHaveURL(/rank=4/);
  const { search } = new URL(page.url());
  await open({ attributes: { "address-settings": "" }, search: `${search}&maxSourceTokens=many&onTooLong=explode&device=tpu` });
  await step(page, "method").click();
  await expect(page.getByRole("radio", { name: "Quick" })).toBeChecked();
  await step(page, "data").click();
  await expect(page.getByLabel("Most tokens to read")).toHaveValue("512");
  await expect(page.getByText("All rows fit into 512 tokens").first()).toBeVisible();
});

test("on a page of its own the element offers its languages, and remembers them in the address", async ({ page, open }) => {
  await open({ attributes: { "address-settings": "" } });
  await button(page, "Deutsch").click();
  await expect(button(page, "Ausprobieren")).toBeVisible();
  await expect(page).toHaveURL(/lang=de/);
  await expect(button(page, "Deutsch")).toBeFocused();
  await expect(page.locator("flan-tune .frame")).toHaveAttribute("lang", "de");
});

test("attributes are followed; what they cannot mean is passed over", async ({ page, open }) => {
  await open({ attributes: { method: "nonsense", rank: "-3", data: "what" } });
  await step(page, "method").click();
  await expect(page.getByRole("radio", { name: "LoRA" })).toBeChecked();
  await expect(page.getByLabel("Rank", { exact: true })).toHaveValue("8");
  await page.evaluate(() => {
    const element = document.querySelector("flan-tune");
    element?.setAttribute("rank", "2");
    element?.setAttribute("data", "casual");
  });
  await expect(page.getByLabel("Rank", { exact: true })).toHaveValue("2");
  await expect(step(page, "data")).toContainText("Casual, 235 rows");
});

test("the element tells the page around it, through other shadow trees", async ({ page, open }) => {
  await open();
  await page.evaluate(() => {
    const heard: [string, unknown][] = [];
    Object.assign(window, { heard });
    for (const name of ["step", "eval", "adapter", "error"]) {
      document.addEventListener(`flantune:${name}`, (event) => heard.push([event.constructor.name, (event as CustomEvent).detail]));
    }
    const host = document.createElement("div");
    document.body.append(host);
    const element = document.querySelector("flan-tune");
    if (element !== null) host.attachShadow({ mode: "open" }).append(element);
  });
  await button(page, "Train").click();
  await expect(page.getByText("112 of 112")).toBeVisible();
  await expect(step(page, "adapters")).toContainText("1 adapter");
  const heard = await page.evaluate(() => (window as unknown as { heard: [string, Record<string, unknown>][] }).heard);
  const details = (name: string) => heard.filter(([type]) => type.endsWith(name)).map(([, detail]) => detail);
  const steps = heard.filter(([, detail]) => detail["event"] === "step");
  expect(steps).toHaveLength(112);
  expect(steps[0]?.[1]).toMatchObject({ step: 1, loss: expect.any(Number) });
  expect(heard.some(([, detail]) => detail["event"] === "eval")).toBe(true);
  expect(heard.at(-1)?.[1]).toMatchObject({ method: "lora", parameters: 65_536 });
  expect(details("never")).toEqual([]);
});

test("taking the element away ends its trainer and its run; putting it back starts anew", async ({ page, open }) => {
  await open({ fake: { pace: 5 } });
  await button(page, "Train").click();
  await expect(page.getByText(/^[1-9]\d* of 112$/)).toBeVisible();
  await page.evaluate(() => {
    const element = document.querySelector("flan-tune");
    Object.assign(window, { kept: element });
    element?.remove();
  });
  await expect.poll(() => page.evaluate(() => window.fake.open())).toBe(0);
  expect(await page.evaluate(() => (window as unknown as { kept: HTMLElement }).kept.shadowRoot?.querySelectorAll("canvas, button").length)).toBe(0);
  await page.evaluate(() => document.body.append((window as unknown as { kept: HTMLElement }).kept));
  await expect(button(page, "Try it")).toBeVisible();
  await expect.poll(() => page.evaluate(() => window.fake.open())).toBe(1);
});

test("however many events stream in, the page changes once a frame", async ({ page, open }) => {
  await open();
  await step(page, "method").click();
  await page.getByLabel("Epochs").fill("40");
  await page.getByLabel("Epochs").blur();
  await page.evaluate(() => {
    const counted = { changes: 0, frames: 0 };
    Object.assign(window, { counted });
    const everything = { subtree: true, childList: true, characterData: true, attributes: true };
    const root = document.querySelector("flan-tune")?.shadowRoot as ShadowRoot;
    new MutationObserver(() => (counted.changes += 1)).observe(root, everything);
    const count = () => {
      counted.frames += 1;
      requestAnimationFrame(count);
    };
    count();
  });
  await button(page, "Train").click();
  await expect(page.getByText("1,120 of 1,120")).toBeVisible();
  const { changes, frames } = await page.evaluate(() => (window as unknown as { counted: { changes: number; frames: number } }).counted);
  // A click and an end change it beside the frames, and a chart sets its size: a few more, not one for each event.
  expect(changes).toBeLessThan(2 * frames + 50);
});
