// Rows for the fake: demo sets of a few rows repeated, and small files read in earnest.

import type { DataSet } from "../src/element/trainer.js";
import type { DataOptions, Distribution, Lengths, Preview, PreviewSide, Warning } from "../src/types.js";
import { FakeError } from "./fake.js";

type Row = Record<string, unknown>;

const REVIEWS: Row[] = [
  {
    product: "rain gauge",
    stars: 1,
    review: "Cracked in the first frost, so now it measures how much rain fell on the lawn.",
    title: "Rain gauge, 1/5: cracked in the first frost",
  },
  {
    product: "cast-iron pan",
    stars: 5,
    review:
      "Heavy enough to train with, but it sears a steak like a restaurant and nothing sticks once seasoned. My grandmother would approve.",
    title: "Cast-iron pan, 5/5: sears like a restaurant, nothing sticks",
  },
  {
    product: "chest freezer",
    stars: 3,
    review: "Enough room for half a cow and a birthday cake. It hums so low that the cat has left home.",
    title: "Chest freezer, 3/5: plenty of room, but it hums",
  },
  {
    product: "butter dish",
    stars: 5,
    review:
      "The lid seals and the butter stays soft enough to spread without ripping the toast. Such a small thing, such joy.",
    title: "Butter dish, 5/5: seals well, butter stays soft",
  },
  {
    product: "fitness watch",
    stars: 2,
    review: "Counted nine thousand steps on a day I spent in bed with flu. Strap gives me a rash, too.",
    title: "Fitness watch, 2/5: counts steps in bed and gives me a rash",
  },
];
const DIALOGUES: Row[] = [
  {
    dialogue:
      "Dinah: You missed book club.\nPranav: I didn't finish the book.\nDinah: Nobody did. We had cake and moved it to the third.",
    summary: "Dinah and Pranav: book club moved to the third",
  },
];
const CASUAL: Row[] = [
  {
    formal: "Could you possibly inform me of the time at which the last ferry departs?",
    casual: "hey, when's the last ferry?",
  },
];

const DEMOS: Record<string, { rows: Row[]; count: number; template: string }> = {
  reviews: {
    rows: REVIEWS,
    count: 220,
    template:
      "Write a title for this review.\nProduct: {{ product }}, {{ stars }}/5\n{{ review }} ||| {{ title }}",
  },
  dialogues: {
    rows: DIALOGUES,
    count: 220,
    template: "Summarize the conversation.\n{{ dialogue }} ||| {{ summary }}",
  },
  casual: {
    rows: CASUAL,
    count: 235,
    template: "Rewrite this in a casual style: {{ formal }} ||| {{ casual }}",
  },
};

export function demoRows(name: string): Row[] {
  const { rows, count } = DEMOS[name] ?? { rows: [], count: 0 };
  return Array.from({ length: count }, (_, place) => rows[place % rows.length] ?? {});
}

/** JSONL, CSV and TSV, without quoting's finer points. */
export function readRows(
  name: string,
  text: string,
): { rows: Row[]; errors: { count: number; first: string[] } } {
  const lines = text.split(/\r?\n/);
  const rows: Row[] = [];
  const first: string[] = [];
  let count = 0;
  const bad = (line: number, what: string) => {
    count += 1;
    if (first.length < 3) first.push(`${name}, line ${line + 1}: ${what}`);
  };
  const table = /\.(csv|tsv)$/.exec(name);
  const separator = table?.[1] === "tsv" ? "\t" : ",";
  const header = table === null ? [] : (lines[0] ?? "").split(separator);
  lines.forEach((line, place) => {
    if (line.trim() === "" || (table !== null && place === 0)) return;
    if (table !== null) {
      const cells = line.split(separator);
      if (cells.length !== header.length)
        bad(place, `${cells.length} fields where the header has ${header.length}`);
      else rows.push(Object.fromEntries(header.map((field, column) => [field, cells[column] ?? ""])));
      return;
    }
    try {
      rows.push(JSON.parse(line) as Row); // the tests' files hold objects
    } catch {
      bad(place, "not a JSON object");
    }
  });
  if (rows.length === 0)
    throw new FakeError(
      "rows",
      `${name} holds no row that can be used`,
      "It needs one JSON object a line, or a header and rows of as many fields.",
    );
  return { rows, errors: { count, first } };
}

export class FakeData implements DataSet {
  readonly options: DataOptions;

  constructor(
    readonly name: string,
    readonly all: Row[],
    readonly errors: { count: number; first: string[] },
    options: DataOptions,
  ) {
    const template = DEMOS[name]?.template;
    this.options = template === undefined ? options : { template, ...options };
  }

  get rows(): number {
    return this.all.length;
  }
  get fields(): string[] {
    return Object.keys(this.all[0] ?? {});
  }
  get records(): Row[] {
    return this.all.slice(0, 5);
  }

  /** A demo set brings the rows that it holds out; of a file they are a part. */
  counted(): { train: number; validation: number } {
    const validation = this.held().length;
    return { train: this.name in DEMOS ? this.rows : this.rows - validation, validation };
  }

  async configure(options: DataOptions): Promise<FakeData> {
    const next = new FakeData(this.name, this.all, this.errors, options);
    next.texts(this.all[0] ?? {}, 0);
    return next;
  }

  async close(): Promise<void> {}

  async preview(
    count: number,
    { model, first = 0 }: { model?: unknown; first?: number } = {},
  ): Promise<Preview[]> {
    return this.all.slice(first, first + count).map((row, place) => {
      const { source, target } = this.texts(row, first + place);
      const tokens = model !== undefined;
      return {
        row: first + place,
        line: first + place + 1,
        source: side(source, tokens, this.options.maxSourceTokens ?? 512),
        target: side(target, tokens, this.options.maxTargetTokens ?? 128),
      };
    });
  }

  async lengths(): Promise<Lengths> {
    const texts = this.all.map((row, place) => this.texts(row, place));
    const source = distribution(
      texts.map((text) => tokenize(text.source).length),
      this.options.maxSourceTokens ?? 512,
    );
    const target = distribution(
      texts.map((text) => tokenize(text.target).length),
      this.options.maxTargetTokens ?? 128,
    );
    const empty = texts.filter((text) => text.target.trim() === "").length;
    const message = `${empty} targets are empty, such as that of row 1`;
    const warnings: Warning[] =
      empty === 0 ? [] : [{ event: "warning", code: "empty_targets", message, count: empty }];
    return { name: this.name, rows: this.rows, too_long: source.too_long, source, target, warnings };
  }

  held(): { source: string; target: string }[] {
    const count =
      this.name in DEMOS ? 20 : Math.max(1, Math.round(this.rows * (this.options.validationFraction ?? 0.1)));
    return this.all.slice(2, 2 + count).map((row, place) => this.texts(row, place));
  }

  texts(row: Row, place: number): { source: string; target: string } {
    const { template, sourceField = "source", targetField = "target" } = this.options;
    const field = (name: string) => {
      const value = row[name];
      if (value === undefined) {
        throw new FakeError(
          "template",
          `Row ${place + 1} has no field \`${name}\``,
          `It has ${Object.keys(row).join(", ")}.`,
        );
      }
      return String(value);
    };
    if (template === undefined || template.trim() === "")
      return { source: field(sourceField), target: field(targetField) };
    const [source, target] = template
      .split("|||")
      .map((part) => part.trim().replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => field(name)));
    if (source === undefined || target === undefined) {
      throw new FakeError(
        "template",
        "The template has no |||",
        "Write what the model reads, then |||, then what it should write.",
      );
    }
    return { source, target };
  }
}

function tokenize(text: string): string[] {
  const pieces = text.split(/\s+/).flatMap((word) => `▁${word}`.match(/.{1,5}/g) ?? []);
  return [...pieces, "</s>"];
}

function side(text: string, withTokens: boolean, limit: number): PreviewSide {
  if (!withTokens) return { text };
  const all = tokenize(text);
  const kept = all.length > limit ? [...all.slice(0, limit - 1), "</s>"] : all;
  const lost = all.slice(kept.length - 1, -1);
  const tokens = kept.map((token, place) => ({ id: 100 + place, token }));
  return lost.length === 0
    ? { text, tokens }
    : { text, tokens, cut: { tokens: lost.length, text: lost.join("").replaceAll("▁", " ").trim() } };
}

function distribution(lengths: number[], limit: number): Distribution {
  const sorted = [...lengths].sort((one, other) => one - other);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  const max = at(1);
  const width = Math.max(1, Math.ceil((max + 1) / 16));
  const histogram = Array.from({ length: Math.ceil((max + 1) / width) }, (_, bucket) => ({
    from: bucket * width,
    to: (bucket + 1) * width - 1,
    count: lengths.filter((length) => Math.floor(length / width) === bucket).length,
  }));
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const long = lengths.filter((length) => length > limit);
  return {
    min: at(0),
    max,
    mean: tokens / Math.max(1, lengths.length),
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    tokens,
    limit,
    too_long: long.length,
    cut_tokens: long.reduce((sum, length) => sum + length - limit, 0),
    histogram,
  };
}
