// The page's numbers are the command line's: the same rows, seed and settings give the same losses.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, test } from "./support.js";

const FLANTUNE = process.env["FLANTUNE"];
const root = fileURLToPath(new URL("../../", import.meta.url));
const STEPS = 20;

/** The losses of a run of the command line, step by step. */
function native(options: string[]): number[] {
  const output = mkdtempSync(join(tmpdir(), "flantune-"));
  try {
    const words = ["train", "--json", "--device", "cpu", "--output", join(output, "run"), ...options];
    const lines = execFileSync(FLANTUNE as string, words, { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
    const events = lines.trim().split("\n").map((line) => JSON.parse(line));
    return events.filter(({ event }) => event === "step").map(({ loss }) => loss);
  } finally {
    rmSync(output, { recursive: true });
  }
}

/** 1e-4 over the first five steps, 1e-3 after them. */
function close(found: number[], expected: number[]) {
  expect(found).toHaveLength(expected.length);
  expected.forEach((loss, step) => {
    const difference = Math.abs((found[step] as number) / loss - 1);
    expect(difference, `step ${step + 1}: ${found[step]}, natively ${loss}`).toBeLessThan(step < 5 ? 1e-4 : 1e-3);
  });
}

test.skip(FLANTUNE === undefined, "FLANTUNE names no command line to compare with");

for (const device of ["cpu", "webgpu"]) {
  test(`a tiny model on ${device}`, async ({ api }) => {
    const expected = native(
      `--model tests/oracle/tiny/gated --train docs/guide/example/dialogues.jsonl --rank 4 --seed 5 --max-steps ${STEPS}
       --max-source-tokens 64 --max-target-tokens 32`.split(/\s+/),
    );
    const rows = readFileSync(join(root, "docs/guide/example/dialogues.jsonl"), "utf8");
    const found = await api.evaluate(
      async ([device, steps, rows]) => {
        const { collect, losses, start, tiny } = await import("/page.js");
        const flantune = await start({ device });
        const model = await flantune.loadModel({ files: await tiny() });
        const file = new File([rows], "dialogues.jsonl");
        const data = await flantune.loadData(file, { maxSourceTokens: 64, maxTargetTokens: 32 });
        const events = await collect(flantune.train(model, data, { rank: 4, seed: 5, maxSteps: steps }));
        await flantune.close();
        return losses(events);
      },
      [device, STEPS, rows] as const,
    );
    close(found, expected);
  });
}

test("a tiny model whose rate Prodigy finds", async ({ api }) => {
  const expected = native(
    `--model tests/oracle/tiny/gated --train docs/guide/example/dialogues.jsonl --optimizer prodigy --seed 5 --max-steps ${STEPS}
     --max-source-tokens 64 --max-target-tokens 32`.split(/\s+/),
  );
  const rows = readFileSync(join(root, "docs/guide/example/dialogues.jsonl"), "utf8");
  const found = await api.evaluate(
    async ([steps, rows]) => {
      const { collect, losses, start, tiny } = await import("/page.js");
      const flantune = await start({ device: "cpu" });
      const model = await flantune.loadModel({ files: await tiny() });
      const data = await flantune.loadData(new File([rows], "dialogues.jsonl"), { maxSourceTokens: 64, maxTargetTokens: 32 });
      const events = await collect(flantune.train(model, data, { optimizer: "prodigy", seed: 5, maxSteps: steps }));
      await flantune.close();
      return losses(events);
    },
    [STEPS, rows] as const,
  );
  close(found, expected);
});

for (const method of ["lora", "prompt"]) {
  test(`the built-in model, ${method}`, async ({ api }) => {
    const set = "data/reviews";
    const expected = native([
      ...["--model", "builtin", "--train", `${set}/train.jsonl`, "--template-file", `${set}/template.txt`],
      ...["--method", method, "--seed", "7", "--max-steps", `${STEPS}`, "--validation-fraction", "0"],
    ]);
    const found = await api.evaluate(
      async ([method, steps]) => {
        const { collect, losses, start } = await import("/page.js");
        const flantune = await start();
        const model = await flantune.loadModel({ builtin: true });
        const data = await flantune.loadData("reviews", { validationFraction: 0 });
        const events = await collect(flantune.train(model, data, { method, seed: 7, maxSteps: steps }));
        await flantune.close();
        return losses(events);
      },
      [method, STEPS] as const,
    );
    close(found, expected);
  });
}
