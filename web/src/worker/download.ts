// One file from the network into the storage. Plain GETs: huggingface.co sends downloads on to hosts
// that refuse what needs a preflight. A transfer that breaks is taken up where the server allows it
// (a single range needs no preflight) and both parts are known to be of one file, else begun again. A
// file has its name when it is whole and what was announced.

import { cancelled, FlantuneError } from "../error.js";
import { hash } from "./model-files.js";
import type { Storage } from "./storage/storage.js";
import { joinable, type Version, versionOf } from "./version.js";

/** Waits between attempts, in milliseconds. Bytes that come begin the list anew. */
const WAITS = [500, 1000, 2000, 4000, 8000];
/** Written at a time: the storage has each piece on disk before the next. */
const PIECE = 1 << 20;

export interface Download {
  address: string;
  /** Where it goes; its beginning is kept beside it until all is there. */
  path: string;
  /** Its length in bytes and its hash, where they are known. */
  bytes?: number;
  sha256?: string;
  signal?: AbortSignal | undefined;
  /** Told the bytes that are there, and the file's length where the server told it. */
  onProgress?: (loaded: number, total: number | undefined) => void;
}

export function get(address: string, signal?: AbortSignal, range?: number): Promise<Response> {
  return fetch(address, {
    referrerPolicy: "no-referrer",
    credentials: "omit",
    ...(signal ? { signal } : {}),
    ...(range === undefined ? {} : { headers: { range: `bytes=${range}-` } }),
  });
}

/** The answer to a GET, or what is wrong with it in words. */
export async function getOk(address: string, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await get(address, signal);
  } catch (error) {
    throw unreachable(address, error, signal);
  }
  if (!response.ok) throw refused(address, response);
  return response;
}

/** Downloads a file. It appears under its name when it is whole, and checked. */
export async function download(storage: Storage, file: Download): Promise<void> {
  const part = partOf(file.path);
  let longest = await lengthOf(storage, part);
  /** Whether what is there may be the beginning of the file. */
  let usable = true;
  for (let attempt = 0; ; ) {
    const start = usable ? await lengthOf(storage, part) : 0;
    const outcome = await transfer(storage, file, part, start);
    if (outcome.kind === "whole") {
      const wrong = await mismatch(storage, part, file);
      if (wrong === undefined) break;
      await storage.remove(part);
      // It may be of two versions of the file. A file that came in one piece is what the server has.
      if (start === 0)
        throw new FlantuneError(
          "hub",
          `${nameOf(file.path)}: ${wrong}`,
          "Try again; what came was thrown away",
        );
    }
    if (outcome.kind !== "broken") {
      usable = false;
      continue;
    }
    usable = true;
    const length = await lengthOf(storage, part);
    if (length > longest) attempt = 0;
    longest = Math.max(longest, length);
    const wait = WAITS[attempt];
    if (wait === undefined) throw outcome.error;
    attempt += 1;
    await pause(wait, file.signal);
  }
  await storage.remove(versionPathOf(file.path));
  await storage.rename(part, nameOf(file.path));
}

/** What is wrong with a file that is to have a certain length and hash. */
export async function mismatch(
  storage: Storage,
  path: string,
  { bytes, sha256, signal }: Pick<Download, "bytes" | "sha256" | "signal">,
): Promise<string | undefined> {
  const length = await storage.length(path);
  if (bytes !== undefined && length !== bytes) return `${length} bytes came, expected ${bytes}`;
  if (sha256 === undefined || (await hash(storage, path, signal)) === sha256) return undefined;
  return "its hash is not the one that the hub tells";
}

/** Where the beginning of a file is kept while it is downloaded. */
export function partOf(path: string): string {
  return `${path}.part`;
}

/** Where it is kept of which version of the file that beginning is. */
function versionPathOf(path: string): string {
  return `${partOf(path)}.json`;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The length of a file; 0 where there is none. */
export async function lengthOf(storage: Storage, path: string): Promise<number> {
  return (await storage.exists(path)) ? storage.length(path) : 0;
}

type Outcome =
  | { kind: "whole" }
  /** What is there cannot be gone on with. */
  | { kind: "again" }
  | { kind: "broken"; error: FlantuneError };

/** One attempt, from byte `start` on. Throws what no further attempt would mend. */
async function transfer(storage: Storage, file: Download, part: string, start: number): Promise<Outcome> {
  const { address, signal } = file;
  if (start > 0 && start === file.bytes) return { kind: "whole" };
  const versionPath = versionPathOf(file.path);
  const begun = start > 0 ? await readVersion(storage, versionPath) : undefined;
  // Whatever comes is of no use where nobody can tell whether it fits.
  if (start > 0 && file.sha256 === undefined && begun === undefined) return { kind: "again" };
  let response: Response;
  try {
    response = await get(address, signal, start > 0 ? start : undefined);
  } catch (error) {
    // A preflight that was refused and a connection that failed look the same.
    const failure = unreachable(address, error, signal);
    if (failure.code === "cancelled") throw failure;
    return start > 0 && navigator.onLine ? { kind: "again" } : { kind: "broken", error: failure };
  }
  const { status } = response;
  const tryLater = status >= 500 || status === 429;
  const resumed = start > 0 && status === 206;
  const refusedRange = start > 0 && status !== 206 && status !== 200 && !tryLater;
  if (refusedRange || (resumed && !joinable(response, start, begun, file.sha256 !== undefined))) {
    await response.body?.cancel();
    return { kind: "again" };
  }
  if (!response.ok) {
    const error = refused(address, response);
    if (!tryLater) throw error;
    return { kind: "broken", error };
  }
  if (!resumed) {
    await storage.remove(part);
    const version = versionOf(response);
    if (version) await storage.writeJson(versionPath, version);
    else await storage.remove(versionPath);
  }
  let loaded = resumed ? start : 0;
  const told = file.bytes ?? totalOf(response, loaded);
  const tell = () => file.onProgress?.(loaded, told === undefined ? undefined : Math.max(told, loaded));
  tell();
  try {
    // Told as it comes: on a slow line a piece takes long.
    const came = (bytes: number) => {
      loaded += bytes;
      tell();
    };
    for await (const piece of gathered(response.body, came)) await storage.append(part, piece);
  } catch (error) {
    const failure = FlantuneError.from(error);
    // The disk, not the network.
    if (failure.code === "quota" || failure.code === "storage" || failure.code === "busy") throw failure;
    return broken(address, error, signal);
  }
  if (loaded === 0) await storage.append(part, new Uint8Array());
  // Of other lengths the browser sees to it: what a page of another origin is told may be that of the packed file.
  if (file.bytes !== undefined && loaded < file.bytes)
    return broken(address, new Error("it ended early"), signal);
  return { kind: "whole" };
}

/** What is kept of the version of a beginning; a broken record says nothing. */
async function readVersion(storage: Storage, path: string): Promise<Version | undefined> {
  try {
    return (await storage.json<Version | null>(path)) ?? undefined;
  } catch (error) {
    if (FlantuneError.from(error).code === "format") return undefined;
    throw error;
  }
}

/** The file's length by the answer's headers: not told where the transfer is packed. */
function totalOf(response: Response, start: number): number | undefined {
  const length = response.headers.get("content-length");
  if (length === null || response.headers.get("content-encoding")) return undefined;
  return start + Number(length);
}

/** Pieces put together to some size; what came before a failure is given before it is thrown. */
async function* gathered(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  came: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  const take = () => {
    const bytes = new Uint8Array(size);
    let offset = 0;
    for (const piece of held) {
      bytes.set(piece, offset);
      offset += piece.length;
    }
    held = [];
    size = 0;
    return bytes;
  };
  let failure: { error: unknown } | undefined;
  try {
    for await (const piece of chunks(body)) {
      held.push(piece);
      size += piece.length;
      came(piece.length);
      if (size >= PIECE) yield take();
    }
  } catch (error) {
    failure = { error };
  }
  if (size > 0) yield take();
  if (failure) throw failure.error;
}

/** The pieces of a stream. Not every browser iterates over streams by itself. */
export async function* chunks(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = body?.getReader();
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done || !value) return;
      yield value;
    }
  } finally {
    reader?.releaseLock();
  }
}

function broken(address: string, error: unknown, signal?: AbortSignal): Outcome {
  const failure = unreachable(address, error, signal);
  if (failure.code === "cancelled") throw failure;
  return { kind: "broken", error: failure };
}

function unreachable(address: string, error: unknown, signal?: AbortSignal): FlantuneError {
  if (signal?.aborted) return cancelled();
  const { host } = new URL(address);
  const detail = error instanceof Error ? error.message : String(error);
  const hint = navigator.onLine
    ? "It may be down, be blocked by a filter or by this page's security policy, or not allow other pages to read it (CORS)"
    : "This computer is offline: connect it and try again. What was downloaded is kept";
  return new FlantuneError("network", `${host} cannot be reached, or the transfer broke: ${detail}`, hint);
}

/** The status that a server answered with in place of a file, where that is what is wrong. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof FlantuneError && error.cause instanceof Response ? error.cause.status : undefined;
}

function refused(address: string, response: Response): FlantuneError {
  const { status, statusText } = response;
  const cause = { cause: response };
  const message = `${address}: the server answered ${status} ${statusText}`.trimEnd();
  if (status === 401 || status === 403) {
    const hint =
      "The model may be private, or its owner may want conditions accepted: download it there and choose its files";
    return new FlantuneError("network", message, hint, cause);
  }
  const hint = status === 404 ? "Check the name; capital letters count" : "Try again later";
  return new FlantuneError(status === 404 ? "not_found" : "network", message, hint, cause);
}

/** Waits between attempts; a cancelled one does not wait. */
function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelled());
    const stop = () => {
      clearTimeout(timer);
      reject(cancelled());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
