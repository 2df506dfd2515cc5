// What the page says of rows, and how it draws their lengths.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { format } from "../../src/element/format.js";
import { boxes } from "../../src/element/histogram.js";
import { de } from "../../src/element/strings/de.js";
import { en } from "../../src/element/strings/en.js";
import { warningText } from "../../src/element/warnings.js";
import type { Distribution } from "../../src/types.js";

test("the German page has words for every warning that the guide lists", () => {
  const guide = readFileSync("../docs/guide/errors.md", "utf8");
  const table = guide.slice(guide.indexOf("A run goes on after a warning"));
  const codes = [...table.matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].flatMap(([, names = ""]) =>
    names.split(", ").map((name) => name.replaceAll("`", "")),
  );
  assert.ok(codes.length > 15, codes.join(" "));
  // Of `score`, which the page does not have.
  const wanted = codes.filter((code) => !["no_number", "long_texts"].includes(code));
  assert.deepEqual(
    wanted.filter((code) => de.warning[code as keyof typeof de.warning] === undefined),
    [],
  );
});

test("a warning in the page's language, with its count", () => {
  const warning = {
    event: "warning",
    code: "empty_targets",
    message: "3 targets are empty",
    count: 3000,
  } as const;
  assert.equal(warningText(warning, { strings: en, format: format("en") }), undefined);
  const german = { strings: { ...en, ...de }, format: format("de") };
  assert.equal(warningText(warning, german), "Zieltexte sind leer: 3.000.");
  assert.equal(warningText({ ...warning, code: "new_code" }, german), undefined);
});

/** A bar for each of these lengths. */
function lengths(numbers: number[], limit: number): Distribution {
  const histogram = numbers.map((from) => ({ from, to: from, count: 1 }));
  return { histogram, limit } as Distribution;
}

test("two lengths are two halves, and one is the whole", () => {
  const two = boxes(lengths([7, 8], 512), 320, 72);
  assert.deepEqual(
    two.boxes.map(({ x, width }) => [x, width]),
    [
      [0, 159],
      [160, 159],
    ],
  );
  assert.equal(two.limit, undefined);
  const one = boxes(lengths([7], 512), 320, 72);
  assert.deepEqual(
    one.boxes.map(({ x, width }) => [x, width]),
    [[0, 319]],
  );
  assert.deepEqual(boxes(lengths([], 512), 320, 72), { boxes: [] });
});

test("what is as long as the limit fits", () => {
  const found = boxes(lengths([7, 8, 9, 10], 8), 320, 72);
  assert.deepEqual(
    found.boxes.map(({ beyond }) => beyond),
    [false, false, true, true],
  );
  assert.equal(found.limit, 160);
  assert.equal(boxes(lengths([7, 8], 8), 320, 72).limit, undefined);
});
