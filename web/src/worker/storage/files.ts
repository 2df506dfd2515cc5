// Files that the user chose: only read, by slices, where they lie.

import type { EngineWriter } from "../../engine.js";
import { FlantuneError } from "../../error.js";
import { type Mount, notFound } from "./storage.js";

export class FilesMount implements Mount {
  readonly #folders = new Map<string, Map<string, Blob>>();
  #count = 0;

  /** Gives files a folder of their own, and returns its path. */
  add(files: Map<string, Blob>): string {
    this.#count += 1;
    const folder = `files/${this.#count}`;
    this.#folders.set(folder, files);
    return folder;
  }

  async file(path: string): Promise<Blob> {
    const end = path.lastIndexOf("/");
    const file = this.#folders.get(path.slice(0, end))?.get(path.slice(end + 1));
    if (!file) throw notFound(path);
    return file;
  }

  async list(directory: string): Promise<string[]> {
    return [...(this.#folders.get(directory)?.keys() ?? [])].sort();
  }

  async remove(path: string): Promise<void> {
    this.#folders.delete(path);
  }

  async create(path: string): Promise<EngineWriter> {
    throw readOnly(path);
  }

  async append(path: string): Promise<void> {
    throw readOnly(path);
  }

  async rename(path: string): Promise<void> {
    throw readOnly(path);
  }
}

function readOnly(path: string): FlantuneError {
  return new FlantuneError("storage", `${path}: the user's own files are only read`);
}

/** A name that is one part of a path. */
export function plainName(name: string): string {
  const plain = name.replaceAll(/[/\\\p{Cc}]/gu, "_").trim();
  return plain === "" || /^\.+$/.test(plain) ? "file" : plain.slice(-100);
}
