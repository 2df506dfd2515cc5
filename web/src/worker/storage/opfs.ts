// Files in the origin's private file system. They outlive the tab, and the browser may be asked to
// keep them (`navigator.storage.persist()`, which only the page can).

import type { EngineWriter } from "../../engine.js";
import { FlantuneError, isNamed } from "../../error.js";
import { newId } from "../../id.js";
import { exclusively } from "../locks.js";
import { type Mount, notFound } from "./storage.js";

/** Ends the names of files that are still being written. */
const UNFINISHED = ".unfinished";
/** Where it is tried whether files can be written. */
export const PROBES = "probes";

// In all engines, but not yet in TypeScript's library. It replaces what has the name, at once.
interface Handle extends FileSystemFileHandle {
  move(name: string): Promise<void>;
}

export class OpfsMount implements Mount {
  readonly #root: FileSystemDirectoryHandle;
  #count = 0;

  private constructor(root: FileSystemDirectoryHandle) {
    this.#root = root;
  }

  /** The mount, or why there is none: in private windows and partitioned frames some browsers refuse. */
  static async open(): Promise<OpfsMount | FlantuneError> {
    const refused = (why: string, where: string) =>
      new FlantuneError(
        "no_storage",
        `This browser keeps nothing for this page after it is closed: ${why}`,
        `Export adapters before the page is closed; ${where} them`,
      );
    // Browsers of WebKitGTK have none at all, in no window.
    const has = (method: string) => method in FileSystemFileHandle.prototype;
    const lacking =
      typeof navigator.storage?.getDirectory !== "function" || !has("createSyncAccessHandle") || !has("move");
    if (lacking)
      return refused("it has no private file system here", "Chrome, Edge, Firefox and Safari keep");
    try {
      const root = await navigator.storage.getDirectory();
      const mount = new OpfsMount(await root.getDirectoryHandle("flantune", { create: true }));
      await mount.#probe();
      return mount;
    } catch (error) {
      return refused(error instanceof Error ? error.message : String(error), "an ordinary window keeps");
    }
  }

  /** Some browsers give a directory, but no files in it. */
  async #probe(): Promise<void> {
    const before = await this.list("");
    const path = `${PROBES}/${newId()}`;
    await exclusively(path, async () => {
      try {
        await this.append(path, new Uint8Array([1]));
      } catch (error) {
        // Where the disk is full, what there is can be read all the same, and some of it removed.
        const full = FlantuneError.from(error).code === "quota" && before.some((name) => name !== PROBES);
        if (!full) throw error;
      }
      await this.remove(path);
    });
  }

  async file(path: string): Promise<Blob> {
    const handle = await this.#handle(path);
    if (!handle) throw notFound(path);
    try {
      return await handle.getFile();
    } catch (error) {
      throw failure(path, error);
    }
  }

  async create(path: string): Promise<EngineWriter> {
    const { directory, name } = await this.#parent(path);
    // Another tab may be writing the same file.
    this.#count += 1;
    const unique = crypto.getRandomValues(new Uint32Array(1))[0];
    const temporary = `${name}.${unique}-${this.#count}${UNFINISHED}`;
    const handle = await attempt(path, () => directory.getFileHandle(temporary, { create: true }));
    // What cannot be removed now is removed at the next start.
    const discard = () => void directory.removeEntry(temporary).catch(() => {});
    const access = await attempt(path, () => handle.createSyncAccessHandle()).catch((error: unknown) => {
      discard();
      throw error;
    });
    let offset = 0;
    return {
      write: (bytes) =>
        attempt(path, async () => {
          offset += writeFully(access, bytes, offset);
        }),
      finish: async () => {
        try {
          await attempt(path, async () => access.flush());
        } catch (error) {
          access.close();
          discard();
          throw error;
        }
        access.close();
        await attempt(path, () => (handle as Handle).move(name)).catch((error: unknown) => {
          discard();
          throw error;
        });
      },
      abandon: () => {
        access.close();
        discard();
      },
    };
  }

  async append(path: string, bytes: Uint8Array): Promise<void> {
    const { directory, name } = await this.#parent(path);
    await attempt(path, async () => {
      const handle = await directory.getFileHandle(name, { create: true });
      const access = await handle.createSyncAccessHandle();
      const before = access.getSize();
      try {
        writeFully(access, bytes, before);
        access.flush();
      } catch (error) {
        // Half a piece would be joined with the next.
        access.truncate(before);
        throw error;
      } finally {
        access.close();
      }
    });
  }

  async list(path: string): Promise<string[]> {
    const directory = await this.#directory(path.split("/").filter(Boolean), false);
    if (!directory) return [];
    const names: string[] = [];
    await attempt(path, async () => {
      for await (const name of directory.keys()) {
        if (!name.endsWith(UNFINISHED)) names.push(name);
      }
    });
    return names.sort();
  }

  async rename(path: string, name: string): Promise<void> {
    const handle = await this.#handle(path);
    if (!handle) throw notFound(path);
    await attempt(path, () => (handle as Handle).move(name));
  }

  async remove(path: string): Promise<void> {
    const parts = path.split("/").filter(Boolean);
    const name = parts.pop();
    const directory = await this.#directory(parts, false);
    if (!directory || name === undefined) return;
    try {
      await directory.removeEntry(name, { recursive: true });
    } catch (error) {
      if (!isNamed(error, "NotFoundError")) throw failure(path, error);
    }
  }

  /** The paths of files in a directory, and below it, that are being written, or that nobody finished writing. */
  async unfinished(path: string): Promise<string[]> {
    const directory = await this.#directory(path.split("/").filter(Boolean), false);
    const found: string[] = [];
    await attempt(path, async () => {
      for await (const [name, handle] of directory?.entries() ?? []) {
        const below = `${path}/${name}`;
        if (handle.kind === "directory") found.push(...(await this.unfinished(below)));
        else if (name.endsWith(UNFINISHED)) found.push(below);
      }
    });
    return found;
  }

  async #parent(path: string): Promise<{ directory: FileSystemDirectoryHandle; name: string }> {
    const parts = path.split("/").filter(Boolean);
    const name = parts.pop();
    const directory = await this.#directory(parts, true);
    if (!directory || name === undefined) throw notFound(path);
    return { directory, name };
  }

  async #handle(path: string): Promise<FileSystemFileHandle | undefined> {
    const parts = path.split("/").filter(Boolean);
    const name = parts.pop();
    const directory = await this.#directory(parts, false);
    if (!directory || name === undefined) return undefined;
    try {
      return await directory.getFileHandle(name);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw failure(path, error);
    }
  }

  async #directory(parts: string[], create: boolean): Promise<FileSystemDirectoryHandle | undefined> {
    let directory = this.#root;
    for (const part of parts) {
      try {
        directory = await directory.getDirectoryHandle(part, { create });
      } catch (error) {
        if (!create && isMissing(error)) return undefined;
        throw failure(parts.join("/"), error);
      }
    }
    return directory;
  }
}

/** Browsers report a full disk by an exception, or by writing less. */
function writeFully(access: FileSystemSyncAccessHandle, bytes: Uint8Array, at: number): number {
  // The library's types refuse a view of shared memory, of which there is none here.
  const written = access.write(bytes as Uint8Array<ArrayBuffer>, { at });
  if (written < bytes.length) {
    throw new DOMException(`${written} of ${bytes.length} bytes were written`, "QuotaExceededError");
  }
  return written;
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failure(path, error);
  }
}

/** A directory is no file, and a file no directory. */
function isMissing(error: unknown): boolean {
  return isNamed(error, "NotFoundError") || isNamed(error, "TypeMismatchError");
}

function failure(path: string, error: unknown): FlantuneError {
  if (error instanceof FlantuneError) return error;
  // Newer browsers have a class of its own for it, by the same name.
  if (error instanceof Error && error.name === "QuotaExceededError") {
    const message = `${path}: the browser gives this page no more room`;
    const hint = "Remove models or adapters that are no longer needed, or free some disk, then go on";
    return new FlantuneError("quota", message, hint, { cause: error });
  }
  if (isNamed(error, "NoModificationAllowedError")) {
    const message = `${path}: another tab is using it`;
    return new FlantuneError("busy", message, "Close this page's other tabs, then try again", {
      cause: error,
    });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new FlantuneError("storage", `${path}: ${message}`, undefined, { cause: error });
}
