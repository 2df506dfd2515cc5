// Zips that strangers made. What a zip says of itself is only believed where it holds: bytes are counted
// as they are unpacked, and end where the zip said that they would. (APPNOTE.TXT 6.3.10 of PKWARE has the
// layout; David Fifield, "A better zip bomb", 2019, what overlapping entries are good for.)

import { Inflate } from "fflate";

import { FlantuneError } from "../error.js";
import { Crc32 } from "./crc32.js";
import { unreadable } from "./storage/storage.js";

/** A file in a zip. */
export interface Entry {
  name: string;
  /** Its length, unpacked and packed, and its CRC-32, as the zip says. */
  size: number;
  packed: number;
  crc: number;
  flags: number;
  method: number;
  /** Where its own header begins, and where the next thing of the zip does. */
  start: number;
  end: number;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const END_LENGTH = 22;
const MOST_COMMENT = 0xffff;
/** Stands where a number is too large, and is to be found in its 64-bit form. */
const ELSEWHERE = 0xffff_ffff;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;
/** The file's own header has no lengths: they follow its bytes. */
const STREAMED = 8;
/** No list of files is longer. */
const LONGEST_LIST = 4 << 20;
/** Read at a time. Of packed bytes 1032 times as many may come: these are some 17 MB. */
const PIECE = 1 << 20;
const PACKED_PIECE = 16 << 10;
/** So many packed bytes may pass of which nothing comes: a block that is stored comes as a whole, and has at most 64 KB. */
const SILENCE = 128 << 10;

/** The list of the files in a zip, in the order of their bytes. Rejects with `format`. */
export async function entriesOf(file: Blob, most: number): Promise<Entry[]> {
  const { count, offset, length } = await listOf(file);
  if (count > most) throw broken(`it has more than ${most} files`);
  if (length > LONGEST_LIST) throw broken(`its list of files has ${length} bytes, more than ${LONGEST_LIST}`);
  const list = await view(file, offset, offset + length);
  const entries: Entry[] = [];
  let at = 0;
  while (at < length && entries.length < count) {
    const { entry, next } = entryAt(list, at);
    entries.push(entry);
    at = next;
  }
  if (entries.length !== count || at !== length)
    throw broken(`its list of files has not the ${count} that it says`);
  entries.sort((one, other) => one.start - other.start);
  entries.forEach((entry, place) => {
    entry.end = entries[place + 1]?.start ?? offset;
    const least = entry.start + 30 + entry.name.length + entry.packed;
    if (least > entry.end) throw broken(`${shown(entry.name)} lies over what comes after it`);
  });
  return entries;
}

/** The bytes of a file in a zip, piece by piece: as many as its entry says, with the CRC-32 that it says, or `format`. */
export async function* unpack(file: Blob, entry: Entry): AsyncGenerator<Uint8Array> {
  const { name, size, packed, crc, method } = entry;
  const start = await dataOf(file, entry);
  const sum = new Crc32();
  let count = 0;
  const pieces = method === STORED ? stored(file, start, packed) : inflated(file, start, packed);
  for await (const piece of pieces) {
    count += piece.length;
    if (count > size) throw broken(`${shown(name)} has more than the ${size} bytes that it says`);
    sum.add(piece);
    yield piece;
  }
  if (count !== size) throw broken(`${shown(name)} has ${count} bytes, not the ${size} that it says`);
  if (sum.value !== crc) throw broken(`${shown(name)} is damaged: its checksum (CRC-32) is another`);
}

/** A name as it may be shown. */
export function shown(name: string): string {
  return name.replaceAll(/\p{C}/gu, "\ufffd").slice(0, 100);
}

/** Where the list of files lies, by what stands at the zip's end. */
async function listOf(file: Blob): Promise<{ count: number; offset: number; length: number }> {
  const from = Math.max(0, file.size - END_LENGTH - MOST_COMMENT);
  const tail = await view(file, from, file.size);
  let at = tail.byteLength - END_LENGTH;
  while (
    at >= 0 &&
    !(tail.getUint32(at, true) === END && at + END_LENGTH + tail.getUint16(at + 20, true) === tail.byteLength)
  )
    at -= 1;
  if (at < 0) throw broken("it is no zip, or its end is missing");
  let disks = tail.getUint32(at + 4, true);
  let count = tail.getUint16(at + 10, true);
  let length = tail.getUint32(at + 12, true);
  let offset = tail.getUint32(at + 16, true);
  let end = from + at;
  if (count === 0xffff || length === ELSEWHERE || offset === ELSEWHERE) {
    const locator = end >= 20 ? await view(file, end - 20, end) : undefined;
    if (locator?.getUint32(0, true) === LOCATOR64) {
      const start = number(locator, 8);
      if (start + 56 > end - 20) throw broken("its end names a place that is not in it");
      const end64 = await view(file, start, start + 56);
      if (end64.getUint32(0, true) !== END64) throw broken("its end is damaged");
      disks = end64.getUint32(16, true) + end64.getUint32(20, true);
      count = number(end64, 32);
      length = number(end64, 40);
      offset = number(end64, 48);
      end = start;
    }
  }
  if (disks !== 0) throw broken("it is one of several parts");
  if (offset + length !== end) throw broken("its list of files is not where it says");
  return { count, offset, length };
}

/** The entry of the list that begins there, and where the next one does. */
function entryAt(list: DataView, at: number): { entry: Entry; next: number } {
  if (at + 46 > list.byteLength || list.getUint32(at, true) !== CENTRAL)
    throw broken("its list of files is damaged");
  const nameEnd = at + 46 + list.getUint16(at + 28, true);
  const extraEnd = nameEnd + list.getUint16(at + 30, true);
  const next = extraEnd + list.getUint16(at + 32, true);
  if (next > list.byteLength) throw broken("its list of files is damaged");
  const name = text(list, at + 46, nameEnd);
  const large = largeNumbers(list, nameEnd, extraEnd);
  const value = (place: number) => {
    const found = list.getUint32(at + place, true);
    return found === ELSEWHERE ? (large.shift() ?? found) : found;
  };
  const [size, packed] = [value(24), value(20)];
  const entry = {
    name,
    size,
    packed,
    start: value(42),
    end: 0,
    crc: list.getUint32(at + 16, true),
    flags: list.getUint16(at + 8, true),
    method: list.getUint16(at + 10, true),
  };
  return { entry, next };
}

/** The 64-bit numbers of an entry's extra field, in their order: length, packed length, place. */
function largeNumbers(list: DataView, start: number, end: number): number[] {
  for (let at = start; at + 4 <= end; at += 4 + list.getUint16(at + 2, true)) {
    if (list.getUint16(at, true) !== 1) continue;
    const length = Math.min(list.getUint16(at + 2, true), end - at - 4);
    return Array.from({ length: Math.floor(length / 8) }, (_, place) => number(list, at + 4 + 8 * place));
  }
  return [];
}

/** Where the bytes of a file begin. Its own header must say what the list does: other programs go by that one. */
async function dataOf(
  file: Blob,
  { name, size, packed, crc, flags, method, start, end }: Entry,
): Promise<number> {
  if (flags & ENCRYPTED) throw broken(`${shown(name)} is locked by a password`);
  if (method !== STORED && method !== DEFLATED)
    throw broken(`${shown(name)} is packed in a way (${method}) that is not read here`);
  const header = await view(file, start, start + 30);
  if (header.getUint32(0, true) !== LOCAL) throw broken(`${shown(name)} is not where the list of files says`);
  const nameLength = header.getUint16(26, true);
  const data = start + 30 + nameLength + header.getUint16(28, true);
  if (data + packed > end) throw broken(`${shown(name)} lies over what comes after it`);
  const own = text(await view(file, start + 30, start + 30 + nameLength), 0, nameLength);
  const agrees = (place: number, expected: number) => {
    const found = header.getUint32(place, true);
    return found === expected || found === ELSEWHERE || (found === 0 && (flags & STREAMED) !== 0);
  };
  const same =
    own === name && header.getUint16(8, true) === method && (header.getUint16(6, true) & ENCRYPTED) === 0;
  if (same && agrees(14, crc) && agrees(18, packed) && agrees(22, size)) return data;
  throw broken(`${shown(name)}: its header and the list of files do not agree`);
}

async function* stored(file: Blob, start: number, length: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < length; offset += PIECE) {
    yield bytes(file, start + offset, start + Math.min(offset + PIECE, length));
  }
}

async function* inflated(file: Blob, start: number, length: number): AsyncGenerator<Uint8Array> {
  let came: Uint8Array[] = [];
  let silent = 0;
  // Not the asynchronous form, which starts workers that a page's security policy may forbid.
  const inflate = new Inflate((piece) => void came.push(piece));
  for (let offset = 0; offset < length; offset += PACKED_PIECE) {
    const end = Math.min(offset + PACKED_PIECE, length);
    const packed = await bytes(file, start + offset, start + end);
    try {
      inflate.push(packed, end === length);
    } catch (error) {
      throw broken(`it cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`);
    }
    silent += packed.length;
    for (const piece of came) {
      if (piece.length > 0) silent = 0;
      yield piece;
    }
    came = [];
    if (silent > SILENCE) throw broken("what is packed in it ends too early");
  }
}

async function bytes(file: Blob, start: number, end: number): Promise<Uint8Array> {
  let found: ArrayBuffer;
  try {
    found = await file.slice(start, end).arrayBuffer();
  } catch (error) {
    throw unreadable("the zip", error);
  }
  if (found.byteLength !== end - start) throw broken("it is cut off");
  return new Uint8Array(found);
}

async function view(file: Blob, start: number, end: number): Promise<DataView> {
  const { buffer } = await bytes(file, start, end);
  return new DataView(buffer);
}

/** A number of 64 bits; one that no file can have becomes infinite. */
function number(view: DataView, at: number): number {
  const found = view.getBigUint64(at, true);
  return found > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(found);
}

/** Names that matter here have no other letters than ASCII's, which all of a zip's encodings share. */
function text(view: DataView, start: number, end: number): string {
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + start, end - start));
}

function broken(why: string): FlantuneError {
  return new FlantuneError("format", why);
}
