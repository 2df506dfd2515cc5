// Zips that strangers made, one kind of attack each; then zips that are broken at random, by a fixed seed:
// whatever a zip says, what comes out of it is what it says, or nothing, and reading it takes no more
// than the zip can justify. `FLANTUNE_ZIPS=100000` tries more of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";

import { type Zippable, zipSync } from "fflate";

import { FlantuneError } from "../../src/error.js";
import { adapterFiles } from "../../src/worker/adapter-zip.js";
import { Crc32 } from "../../src/worker/crc32.js";
import { zip } from "../../src/worker/zip.js";

const COUNT = Number(process.env["FLANTUNE_ZIPS"] ?? 3000);
const MB = 1 << 20;
const CONFIG = text('{"peft_type":"LORA","r":8}');
const WEIGHTS = Uint8Array.from({ length: 70_000 }, (_, place) => (place * place) >> 7);
const GOOD: Zippable = {
  "adapter_config.json": CONFIG,
  "adapter_model.safetensors": [WEIGHTS, { level: 6 }],
  "README.md": text("# A card\n"),
};

function text(words: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(words);
}

/** A zip that counts what is read of it. */
class Counted extends Blob {
  read = 0;

  override slice(start?: number, end?: number): Blob {
    const part = super.slice(start, end);
    this.read += part.size;
    return part;
  }
}

interface Found {
  files: Map<string, Uint8Array>;
  /** The longest piece that came at once, all that came, and all that was read. */
  longest: number;
  bytes: number;
  read: number;
  /** Bytes of memory that were in use at most, beyond those of before; what is free and not yet taken back counts. */
  memory: number;
  error?: FlantuneError;
}

/** Unpacks, as an import does. */
async function unpack(bytes: Uint8Array<ArrayBuffer> | Blob, keep = true): Promise<Found> {
  const file = new Counted([bytes]);
  const before = process.memoryUsage().arrayBuffers;
  const found: Found = { files: new Map(), longest: 0, bytes: 0, read: 0, memory: before };
  try {
    for (const { name, pieces } of await adapterFiles(file)) {
      const kept: Uint8Array[] = [];
      for await (const piece of pieces()) {
        found.memory = Math.max(found.memory, process.memoryUsage().arrayBuffers);
        found.longest = Math.max(found.longest, piece.length);
        found.bytes += piece.length;
        if (keep) kept.push(piece);
      }
      found.files.set(name, Buffer.concat(kept));
    }
  } catch (thrown) {
    assert(thrown instanceof FlantuneError, `it is rejected with ${String(thrown)}`);
    assert.equal(thrown.code, "adapter", thrown.message);
    assert(thrown.message.length < 1000 && !/\p{Cc}/u.test(thrown.message), thrown.message);
    found.error = thrown;
  }
  found.read = file.read;
  found.memory -= before;
  return found;
}

async function refused(bytes: Uint8Array<ArrayBuffer> | Blob, message: RegExp): Promise<Found> {
  const found = await unpack(bytes, false);
  assert.match(found.error?.message ?? "nothing was refused", message);
  return found;
}

/** Where the entries of a zip's list begin. */
function entries(bytes: Uint8Array): number[] {
  const list = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: number[] = [];
  for (let at = list.indexOf("PK\x01\x02"); at >= 0; at = list.indexOf("PK\x01\x02", at + 4)) found.push(at);
  return found;
}

/** A zip with a number changed: at a place from where an entry of its list begins. */
function changed(
  files: Zippable,
  entry: number,
  place: number,
  value: number,
  bytes = 4,
): Uint8Array<ArrayBuffer> {
  const zipped = Buffer.from(zipSync(files));
  zipped.writeUIntLE(value, (entries(zipped)[entry] ?? 0) + place, bytes);
  return new Uint8Array(zipped);
}

test("a good zip gives its files, packed or not, in a folder or not, streamed or not", async () => {
  const folder = Object.fromEntries(Object.entries(GOOD).map(([name, file]) => [`a folder/${name}`, file]));
  const streamed = await zip([
    { name: "adapter_config.json", file: new Blob([CONFIG]) },
    { name: "adapter_model.safetensors", file: new Blob([WEIGHTS]) },
  ]);
  for (const bytes of [
    zipSync(GOOD),
    zipSync(GOOD, { level: 0 }),
    zipSync({ ...folder, "a folder/": new Uint8Array(), "other/README.md": text("another") }),
    streamed,
  ]) {
    const { files, error } = await unpack(bytes instanceof Blob ? bytes : new Uint8Array(bytes));
    assert.equal(error, undefined);
    assert.deepEqual(new Uint8Array(files.get("adapter_config.json") ?? []), CONFIG);
    assert.deepEqual(new Uint8Array(files.get("adapter_model.safetensors") ?? []), WEIGHTS);
  }
});

test("a comment at the end, and lengths of 64 bits", async () => {
  const plain = Buffer.from(zipSync(GOOD, { level: 0 }));
  const end = plain.length - 22;
  const commented = Buffer.concat([plain, Buffer.from("PK\x05\x06 a comment of more than twenty bytes")]);
  commented.writeUInt16LE(commented.length - plain.length, end + 20);
  assert.equal((await unpack(new Uint8Array(commented))).error, undefined);
  assert.equal((await unpack(in64Bits(plain))).error, undefined);
});

/** The same zip with its end in the 64-bit form. */
function in64Bits(plain: Buffer): Uint8Array<ArrayBuffer> {
  const end = plain.length - 22;
  const end64 = Buffer.alloc(56);
  end64.write("PK\x06\x06", "latin1");
  end64.writeBigUInt64LE(44n, 4);
  for (const place of [24, 32]) end64.writeBigUInt64LE(BigInt(plain.readUInt16LE(end + 10)), place);
  end64.writeBigUInt64LE(BigInt(plain.readUInt32LE(end + 12)), 40);
  end64.writeBigUInt64LE(BigInt(plain.readUInt32LE(end + 16)), 48);
  const locator = Buffer.alloc(20);
  locator.write("PK\x06\x07", "latin1");
  locator.writeBigUInt64LE(BigInt(end), 8);
  locator.writeUInt32LE(1, 16);
  const tail = Buffer.from(plain.subarray(end));
  tail.writeUInt16LE(0xffff, 8);
  tail.writeUInt16LE(0xffff, 10);
  tail.writeUInt32LE(0xffff_ffff, 12);
  tail.writeUInt32LE(0xffff_ffff, 16);
  return new Uint8Array(Buffer.concat([plain.subarray(0, end), end64, locator, tail]));
}

/** Zeros, packed as small as deflate makes them, in a zip that claims some length for them. */
function bomb(length: number, claim: number): Uint8Array<ArrayBuffer> {
  const packed = deflateRawSync(new Uint8Array(length), { level: 9 });
  const zeros = new Crc32();
  for (let left = length; left > 0; left -= MB) zeros.add(new Uint8Array(Math.min(left, MB)));
  // Stored first, then said to be deflated.
  const zipped = Buffer.from(
    zipSync({ "adapter_config.json": CONFIG, "adapter_model.safetensors": packed }, { level: 0 }),
  );
  const [, entry = 0] = entries(zipped);
  for (const [header, place] of [
    [entry, 10],
    [zipped.indexOf("adapter_model") - 30, 8],
  ] as const) {
    zipped.writeUInt16LE(8, header + place);
    zipped.writeUInt32LE(zeros.value, header + place + 6);
    zipped.writeUInt32LE(claim, header + place + 14);
  }
  return new Uint8Array(zipped);
}

test("a bomb is stopped where it says that it ends, or before it begins", async () => {
  for (const claim of [0, 100, 20 * MB]) {
    const found = await refused(
      bomb(64 * MB, claim),
      /adapter_model\.safetensors has more than the \d+ bytes that it says/,
    );
    assert(found.bytes <= CONFIG.length + claim, `${found.bytes} bytes came`);
    assert(found.longest <= 17 * MB, `${found.longest} bytes came at once`);
  }
  const found = await refused(
    bomb(64 * MB, 600 * MB),
    /unpacked it has 629145\d+ bytes, more than the 536870912/,
  );
  assert.equal(found.bytes, 0);
});

test("a large adapter passes through little memory", async (context) => {
  const { bytes, longest, memory, error } = await unpack(bomb(256 * MB, 256 * MB), false);
  assert.equal(error, undefined);
  assert.equal(bytes, CONFIG.length + 256 * MB);
  context.diagnostic(
    `${Math.round(memory / MB)} MB were in use, ${Math.round(longest / MB)} MB came at once`,
  );
  assert(longest <= 17 * MB && memory < 100 * MB, `${longest} bytes came at once, ${memory} were in use`);
});

test("stored entries that lie over each other are refused, and none of them is read", async () => {
  // As in "A better zip bomb": one kernel of bytes, and many entries that all end in it.
  const kernel = new Uint8Array(4 * MB);
  const plain = Buffer.from(
    zipSync(
      { "adapter_config.json": CONFIG, "adapter_model.safetensors": kernel, "README.md": text("x") },
      { level: 0 },
    ),
  );
  const [, weights = 0, card = 0] = entries(plain);
  for (const [entry, place] of [
    [card, plain.readUInt32LE(weights + 42)],
    [card, plain.readUInt32LE(weights + 42) + 30],
  ] as const) {
    const over = Buffer.from(plain);
    over.writeUInt32LE(place, entry + 42);
    const found = await refused(new Uint8Array(over), /lies over what comes after it/);
    assert.equal(found.bytes, 0);
    assert(found.read < MB);
  }
  // A file that is said to be longer than there is room for.
  for (const field of [20, 24]) {
    const longer = Buffer.from(plain);
    longer.writeUInt32LE(6 * MB, weights + field);
    if (field === 20) longer.writeUInt32LE(6 * MB, weights + 24);
    await refused(new Uint8Array(longer), field === 20 ? /lies over what comes after it/ : /do not agree/);
  }
});

test("what is packed too often, too deep, elsewhere or twice is refused in words", async () => {
  const named = (...names: string[]) =>
    new Uint8Array(zipSync(Object.fromEntries(names.map((name) => [name, CONFIG]))));
  await refused(
    named("a/adapter_config.json", "b/adapter_config.json"),
    /several adapters: a\/adapter_config\.json, b/,
  );
  await refused(
    named("a/adapter_config.json", "b/adapter_model.safetensors"),
    /no adapter_model\.safetensors/,
  );
  await refused(
    named("../adapter_config.json", "../adapter_model.safetensors"),
    /outside of it: \.\.\/adapter_config/,
  );
  await refused(named("/adapter_config.json", "/adapter_model.safetensors"), /outside of it/);
  await refused(named("a\\..\\adapter_config.json"), /outside of it/);
  await refused(
    new Uint8Array(zipSync({ "adapter.zip": zipSync(GOOD) })),
    /another zip: unpack it, and take adapter\.zip/,
  );
  const many = Object.fromEntries(
    Array.from({ length: 100_000 }, (_, place) => [`${place}`, [new Uint8Array(), { level: 0 }] as const]),
  );
  const found = await refused(
    new Uint8Array(zipSync({ ...many, ...GOOD } as Zippable)),
    /more than 1000 files/,
  );
  assert(found.read < MB, `${found.read} bytes were read`);
  // The same name twice: which of them counts depends on who reads.
  const twice = Buffer.from(zipSync({ ...GOOD, "adapter_confiX.json": text("{}") }));
  for (let at = twice.indexOf("confiX"); at >= 0; at = twice.indexOf("confiX")) twice.write("config", at);
  await refused(new Uint8Array(twice), /several adapters/);
});

test("damage is found by its checksum, and two headers that differ are not believed", async () => {
  const stored = Buffer.from(zipSync(GOOD, { level: 0 }));
  const weights = stored.indexOf("adapter_model.safetensors") + "adapter_model.safetensors".length;
  stored[weights + 1000] = (stored[weights + 1000] ?? 0) ^ 1;
  await refused(new Uint8Array(stored), /adapter_model\.safetensors is damaged: its checksum/);
  await refused(changed(GOOD, 1, 16, 12345), /do not agree/);
  await refused(changed(GOOD, 1, 20, 5), /do not agree/);
  await refused(changed(GOOD, 1, 10, 0, 2), /do not agree/);
  await refused(changed(GOOD, 1, 10, 99, 2), /packed in a way \(99\)/);
  await refused(changed(GOOD, 1, 8, 1, 2), /locked by a password/);
  await refused(changed(GOOD, 1, 42, 7), /not where|lies over/);
  const renamed = Buffer.from(zipSync(GOOD));
  renamed.write("adapter_nodel", renamed.indexOf("adapter_model"));
  await refused(new Uint8Array(renamed), /do not agree/);
});

test("what is no zip, cut off, or more than a zip is refused in words", async () => {
  const good = zipSync(GOOD);
  await refused(new Uint8Array(), /no zip/);
  await refused(new Uint8Array(text("PK\x03\x04 not really")), /no zip/);
  for (const length of [10, 100, good.length - 23, good.length - 1])
    await refused(new Uint8Array(good.slice(0, length)), /no zip|cut off|its list/);
  await refused(
    new Uint8Array(Buffer.concat([Buffer.from("#!/bin/sh\n"), good])),
    /list of files is not where it says/,
  );
  await refused(new Uint8Array(Buffer.concat([good, Buffer.from("and more")])), /no zip/);
  await refused(new Blob([new Uint8Array(513 * MB)]), /more than the 536870912 that an adapter may have/);
});

test("packed bytes of which nothing comes are not read on and on", async () => {
  // An end of a deflate stream, and 64 MB behind it that belong to the same file, if one believes the zip.
  const rest = 64 * MB;
  const plain = Buffer.from(
    zipSync({ "adapter_config.json": CONFIG, "adapter_model.safetensors": [WEIGHTS, { level: 6 }] }),
  );
  const [config = 0, weights = 0] = entries(plain);
  const [end, packed] = [plain.length - 22, plain.readUInt32LE(weights + 20)];
  for (const place of [weights + 20, plain.indexOf("adapter_model") - 30 + 18])
    plain.writeUInt32LE(packed + rest, place);
  plain.writeUInt32LE(plain.readUInt32LE(end + 16) + rest, end + 16);
  const found = await refused(
    new Blob([plain.subarray(0, config), new Uint8Array(rest), plain.subarray(config)]),
    /ends too early/,
  );
  assert(found.read < MB, `${found.read} bytes were read`);
});

/** Random numbers below 2³², the same for the same seed (splitmix32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let value = state ^ (state >>> 16);
    value = Math.imul(value, 0x21f0aaad);
    value ^= value >>> 15;
    value = Math.imul(value, 0x735a2d97);
    return (value ^ (value >>> 15)) >>> 0;
  };
}

/** Zips of all forms that there are readers for. */
const SEEDS = [
  zipSync(GOOD),
  zipSync(GOOD, { level: 0 }),
  in64Bits(Buffer.from(zipSync(GOOD, { level: 0 }))),
  zipSync({
    "f/": new Uint8Array(),
    "f/adapter_config.json": CONFIG,
    "f/adapter_model.safetensors": [new Uint8Array(MB), { level: 9 }],
    "g/README.md": text("g"),
  }),
].map((bytes) => new Uint8Array(bytes));

const INTERESTING = [0, 1, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_fffe, 0xffff_ffff];

/** A seed with some of its bytes changed: mostly those of its headers, where little is needed for much. */
function mutated(next: () => number): Uint8Array<ArrayBuffer> {
  const pick = <Thing>(things: readonly Thing[]) => things[next() % things.length] as Thing;
  let bytes = Buffer.from(pick(SEEDS));
  for (let change = next() % 4; change >= 0; change -= 1) {
    const headers = [
      ...entries(bytes),
      ...["PK\x03\x04", "PK\x05\x06", "PK\x06\x06", "PK\x06\x07"].map((sign) =>
        bytes.indexOf(sign, 0, "latin1"),
      ),
    ];
    const near = pick(headers) + (next() % 60);
    const place = next() % 4 === 0 ? next() % bytes.length : Math.min(Math.max(near, 0), bytes.length - 1);
    switch (next() % 5) {
      case 0:
        bytes[place] = next();
        break;
      case 1:
        bytes.fill(0, place, Math.min(place + (next() % 8), bytes.length));
        break;
      case 2:
        if (place + 4 <= bytes.length)
          bytes.writeUInt32LE(pick([...INTERESTING, bytes.length, next()]) >>> 0, place);
        break;
      case 3:
        bytes = Buffer.concat([
          bytes.subarray(0, place),
          bytes.subarray(Math.min(place + (next() % 100), bytes.length)),
        ]);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(next() % bytes.length)]);
    }
    if (bytes.length < 30) return new Uint8Array(bytes);
  }
  return new Uint8Array(bytes);
}

test(`${COUNT} zips that are broken at random`, async (context) => {
  const next = random(19);
  let whole = 0;
  for (let round = 0; round < COUNT; round += 1) {
    const bytes = mutated(next);
    const { files, error, longest, read, bytes: came } = await unpack(bytes);
    const where = `round ${round}`;
    // Each byte is read once, and headers a few times.
    assert(read <= 3 * bytes.length + 200_000, `${where}: ${read} bytes were read of ${bytes.length}`);
    assert(longest <= 17 * MB && came <= 1032 * bytes.length, `${where}: ${came} bytes came`);
    if (error) continue;
    whole += 1;
    for (const [name, content] of files) {
      assert(["adapter_config.json", "adapter_model.safetensors", "README.md"].includes(name), where);
      const sum = new Crc32();
      sum.add(content);
      const listed = entries(bytes).filter((at) => Buffer.from(bytes).readUInt32LE(at + 16) === sum.value);
      assert(listed.length > 0, `${where}: ${name} has a checksum that the list knows`);
    }
  }
  context.diagnostic(`${whole} of ${COUNT} were whole all the same`);
  assert(whole > 0 && whole < COUNT);
});
