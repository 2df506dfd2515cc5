// The tree of files that the core sees. The first part of a path says where it lies: in OPFS (or in
// memory, where the browser gives no OPFS), among the user's own files, or among fetched assets.

import type { EngineWriter } from "../../engine.js";
import { FlantuneError, isNamed } from "../../error.js";

/** How many bytes are copied at a time. */
const PIECE = 4 << 20;

/** A place for files. Paths as in `EngineHost`. */
export interface Mount {
  /** The whole file, read lazily where it lies outside of memory. Rejects with `not_found`. */
  file(path: string): Promise<Blob>;
  create(path: string): Promise<EngineWriter>;
  append(path: string, bytes: Uint8Array): Promise<void>;
  list(directory: string): Promise<string[]>;
  remove(path: string): Promise<void>;
  /** Gives a file another name in its directory. */
  rename(path: string, name: string): Promise<void>;
}

export class Storage implements Mount {
  readonly #mounts = new Map<string, Mount>();
  readonly #rest: Mount;
  readonly #names = new Map<string, string>();

  /** `rest` has every path that no other mount has. */
  constructor(rest: Mount) {
    this.#rest = rest;
  }

  /** Puts what begins with `name/` elsewhere. */
  mount(name: string, mount: Mount): void {
    this.#mounts.set(name, mount);
  }

  unmount(name: string): void {
    this.#mounts.delete(name);
  }

  /** Says what a user calls a directory. */
  call(directory: string, name: string): void {
    this.#names.set(directory, name);
  }

  /** What a user calls a file or directory, for messages: where the worker keeps it says nothing to him. */
  shown(path: string): string {
    return this.#names.get(path) ?? path.slice(path.lastIndexOf("/") + 1);
  }

  file(path: string): Promise<Blob> {
    return this.#at(path).file(path);
  }

  async length(path: string): Promise<number> {
    return (await this.file(path)).size;
  }

  async read(path: string, start: number, end: number): Promise<Uint8Array> {
    const file = await this.file(path);
    try {
      return new Uint8Array(await file.slice(start, end).arrayBuffer());
    } catch (error) {
      throw unreadable(this.shown(path), error);
    }
  }

  create(path: string): Promise<EngineWriter> {
    return this.#at(path).create(path);
  }

  append(path: string, bytes: Uint8Array): Promise<void> {
    return this.#at(path).append(path, bytes);
  }

  list(directory: string): Promise<string[]> {
    return this.#at(directory).list(directory);
  }

  remove(path: string): Promise<void> {
    this.#names.delete(path);
    return this.#at(path).remove(path);
  }

  rename(path: string, name: string): Promise<void> {
    return this.#at(path).rename(path, name);
  }

  /** Writes a file of pieces; where one of them fails, nothing is written. */
  async write(path: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const writer = await this.create(path);
    try {
      for await (const piece of pieces) await writer.write(piece);
    } catch (error) {
      writer.abandon();
      throw error;
    }
    await writer.finish();
  }

  /** Copies a file, in pieces: it may not fit in memory. */
  copy(from: string, to: string): Promise<void> {
    return this.write(to, this.#pieces(from));
  }

  async *#pieces(path: string): AsyncGenerator<Uint8Array> {
    const length = await this.length(path);
    for (let offset = 0; offset < length; offset += PIECE) {
      yield await this.read(path, offset, Math.min(offset + PIECE, length));
    }
  }

  writeJson(path: string, value: unknown): Promise<void> {
    return this.write(path, [new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)]);
  }

  /** What a file of JSON holds; nothing where there is no such file, and only there. Rejects with `format` what is no JSON. */
  async json<Value>(path: string): Promise<Value | undefined> {
    let text: string;
    try {
      text = await this.text(path);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
    try {
      return JSON.parse(text) as Value;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new FlantuneError("format", `${path}: it holds no JSON: ${message}`);
    }
  }

  async text(path: string): Promise<string> {
    const file = await this.file(path);
    try {
      return await file.text();
    } catch (error) {
      throw unreadable(this.shown(path), error);
    }
  }

  async exists(path: string): Promise<boolean> {
    try {
      await this.file(path);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  #at(path: string): Mount {
    const first = path.split("/", 1)[0] ?? "";
    return this.#mounts.get(first) ?? this.#rest;
  }
}

export function notFound(path: string): FlantuneError {
  return new FlantuneError("not_found", `${path}: there is no such file`);
}

/** Whether it says that there is no such file. Whatever else goes wrong says nothing of that. */
export function isNotFound(error: unknown): boolean {
  return FlantuneError.from(error).code === "not_found";
}

/** A file that was changed or moved after it was chosen cannot be read any more. */
export function unreadable(name: string, error: unknown): FlantuneError {
  const message = error instanceof Error ? error.message : String(error);
  const moved = isNamed(error, "NotReadableError") || isNamed(error, "NotFoundError");
  const hint = moved ? "If it was changed or moved since it was chosen, choose it again" : undefined;
  return new FlantuneError("storage", `${name}: it cannot be read: ${message}`, hint);
}
