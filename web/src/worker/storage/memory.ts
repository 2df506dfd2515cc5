// Files in memory: what was fetched with the page, and everything where the browser gives no OPFS.

import type { EngineWriter } from "../../engine.js";
import { type Mount, notFound } from "./storage.js";

export class MemoryMount implements Mount {
  readonly #files = new Map<string, Blob>();

  /** Puts a file, or replaces it. */
  put(path: string, file: Blob): void {
    this.#files.set(path, file);
  }

  async file(path: string): Promise<Blob> {
    const file = this.#files.get(path);
    if (!file) throw notFound(path);
    return file;
  }

  async create(path: string): Promise<EngineWriter> {
    // Each piece becomes a Blob at once: those the browser may put on disk.
    const pieces: Blob[] = [];
    return {
      write: async (bytes) => {
        pieces.push(blob(bytes));
      },
      finish: async () => {
        this.#files.set(path, new Blob(pieces));
      },
      abandon: () => {
        pieces.length = 0;
      },
    };
  }

  async append(path: string, bytes: Uint8Array): Promise<void> {
    const before = this.#files.get(path);
    this.#files.set(path, before ? new Blob([before, blob(bytes)]) : blob(bytes));
  }

  async list(directory: string): Promise<string[]> {
    const below = directory === "" ? "" : `${directory}/`;
    const names = new Set<string>();
    for (const path of this.#files.keys()) {
      const name = path.startsWith(below) ? path.slice(below.length).split("/", 1)[0] : undefined;
      if (name) names.add(name);
    }
    return [...names].sort();
  }

  async rename(path: string, name: string): Promise<void> {
    const file = await this.file(path);
    this.#files.delete(path);
    this.#files.set(path.slice(0, path.lastIndexOf("/") + 1) + name, file);
  }

  async remove(path: string): Promise<void> {
    for (const file of this.#files.keys()) {
      if (file === path || file.startsWith(`${path}/`)) this.#files.delete(file);
    }
  }
}

/** A copy: the bytes may lie in the module's memory, or be reused by who wrote them. */
function blob(bytes: Uint8Array): Blob {
  return new Blob([bytes.slice()]);
}
