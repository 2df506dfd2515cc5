// The main states of the page, for tests and pictures: how to come to each of them, by Playwright.

const KAYAK =
  "Write a title for this review.\nProduct: inflatable kayak, 4/5\nUp and ready in eight minutes, and steady even with a nervous terrier on board.";
const ROWS = `{"question": "Where does the last ferry leave from?", "answer": "From the north pier, at ten to nine."}
{"question": "Who has the key to the boathouse, now that Marta has moved away and nobody has seen the list since spring?", "answer": "Ines has it."}
not a row
{"question": "May dogs come along?", "answer": "Yes, on the lower deck."}
`;

const button = (page, name) => page.getByRole("button", { name, exact: true }).first();
const open = (page, name) => page.locator(`flan-tune [data-step="${name}"]`).click();
const done = (page) => page.getByText("Done. Both adapters").first().waitFor();

/** Each state: how the fake is, and what is done to the page. */
export const STATES = {
  first: { act: async (page) => page.getByText("Built-in, ").first().waitFor() },
  trying: {
    fake: { holdAt: 52, holdMethod: "prompt" },
    async act(page) {
      await button(page, "Try it").click();
      await page.getByText("51 of 112").waitFor();
    },
  },
  tried: {
    async act(page) {
      await button(page, "Try it").click();
      await done(page);
    },
  },
  model: {
    async act(page) {
      await open(page, "train");
      await open(page, "model");
      await page.getByLabel("Hugging Face or a web address").check();
      await page.getByLabel("Model’s id or address").fill("google/flan-t5-small");
      await button(page, "Look it up").click();
      await page.getByText("310.5 MB").waitFor();
    },
  },
  data: {
    async act(page) {
      await open(page, "train");
      await open(page, "data");
      await page.locator('flan-tune input[accept*="jsonl"]').setInputFiles({
        name: "questions.jsonl",
        mimeType: "application/x-ndjson",
        buffer: Buffer.from(ROWS.repeat(12)),
      });
      await page.getByText("cannot be used").waitFor();
      await page.getByLabel("Most tokens to read").fill("24");
      await page.getByLabel("Show tokens").check();
      await page.getByText("tokens are cut").first().waitFor();
    },
  },
  method: {
    async act(page) {
      await open(page, "train");
      await open(page, "method");
      await page.getByText("trainable parameters").waitFor();
      await page.getByText("Why?").filter({ visible: true }).first().click();
    },
  },
  training: {
    fake: {
      holdAt: 61,
      runs: [
        {
          id: "run-7",
          name: "reviews, LoRA 1",
          state: "interrupted",
          created: Date.UTC(2026, 9, 14, 9, 30),
          step: 60,
          steps: 100,
          method: "lora",
          model: { kind: "builtin", name: "builtin" },
          data: { name: "reviews", rows: 220 },
          options: { method: "lora" },
        },
      ],
    },
    async act(page) {
      await button(page, "Train").click();
      await page.getByText("60 of 112").first().waitFor();
    },
  },
  compared: {
    async act(page) {
      await button(page, "Try it").click();
      await done(page);
      await open(page, "train");
      await open(page, "compare");
      await page.getByLabel("Prompt 1").fill(KAYAK);
      await button(page, "Compare").click();
      await button(page, "Score").click();
      await page.getByText("20 rows of reviews").waitFor();
      await page.getByText("Scoring row").waitFor({ state: "hidden" });
      await open(page, "adapters");
    },
  },
  problem: {
    async act(page) {
      await open(page, "train");
      await open(page, "model");
      await page.getByLabel("Hugging Face or a web address").check();
      await page.getByLabel("Model’s id or address").fill("nobody/nothing");
      await button(page, "Look it up").click();
      await page.getByText("is not on the hub").waitFor();
    },
  },
};
