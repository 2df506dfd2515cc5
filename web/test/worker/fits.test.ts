// Which adapters the page takes for a base: as the core does, by the same cases.

import assert from "node:assert/strict";
import { test } from "node:test";

import { compareBases, fits, otherPrecision } from "../../src/element/fits.js";
import type { Model } from "../../src/element/trainer.js";
import type { AdapterInfo } from "../../src/types.js";

import cases from "./bases.json";

interface Case {
  case: string;
  recorded: string;
  base: string;
  same: boolean;
  precisions: string[] | null;
}

const CASES: Case[] = cases;

for (const { case: name, recorded, base, same, precisions } of CASES) {
  test(name, () => {
    const adapter = { base: recorded } as AdapterInfo;
    const model = { hash: base } as Model;
    assert.equal(compareBases(recorded, base).same, same);
    assert.equal(fits(adapter, model), same);
    const found = otherPrecision(adapter, model);
    assert.deepEqual(found === undefined ? null : [found.was, found.is], precisions);
  });
}

test("what is not known fits", () => {
  const adapter = { base: "a" } as AdapterInfo;
  assert.ok(fits({} as AdapterInfo, { hash: "b" } as Model));
  assert.ok(fits(adapter, undefined));
  assert.equal(otherPrecision(adapter, undefined), undefined);
});
