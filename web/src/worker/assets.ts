// What is served with the page: the built-in model and the demo sets. `index.json` beside them lists
// them, so that nothing is asked for that is not there.

import { FlantuneError } from "../error.js";
import { ASSET, fetchOwn, notLoaded } from "../own-files.js";
import type { Progress } from "../types.js";
import { chunks } from "./download.js";
import { ownAssets } from "./own-assets.js";

/** Names of files and their lengths in bytes, by folder: `builtin`, `data/reviews`… */
export type AssetIndex = Record<string, Record<string, number>>;

export class Assets {
  readonly #folder: string | undefined;
  #index: Promise<AssetIndex> | undefined;

  /** `url` is that of the folder; beside the worker where none is named. */
  constructor(url?: string) {
    this.#folder = url === undefined || url.endsWith("/") ? url : `${url}/`;
  }

  /** The files of a folder. */
  async folder(
    folder: string,
    { signal, onProgress }: { signal?: AbortSignal; onProgress?: (progress: Progress) => void } = {},
  ): Promise<Map<string, Blob>> {
    const index = await this.#list();
    const names = index[folder];
    if (!names) throw new FlantuneError("not_found", `${folder} is not served with this page`);
    const total = Object.values(names).reduce((sum, bytes) => sum + bytes, 0);
    const files = new Map<string, Blob>();
    let loaded = 0;
    for (const [name, bytes] of Object.entries(names)) {
      const url = this.#address(`${folder}/${name}`);
      const response = await fetchOwn(ASSET, url, signal);
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      try {
        for await (const piece of chunks(response.body)) {
          pieces.push(piece);
          loaded += piece.length;
          onProgress?.({ stage: "download", file: name, loaded, total });
        }
      } catch (error) {
        throw broken(url, error);
      }
      const file = new Blob(pieces);
      if (file.size !== bytes)
        throw notLoaded("content", ASSET, url, `it has ${file.size} bytes, expected ${bytes}`);
      files.set(name, file);
    }
    return files;
  }

  /** The rows of a demo set and its template. */
  async demo(name: string): Promise<{ files: Map<string, Blob>; template: string }> {
    const files = await this.folder(`data/${name}`);
    const template = await files.get("template.txt")?.text();
    if (template === undefined) throw new FlantuneError("not_found", `The demo set ${name} has no template`);
    return { files, template: template.trimEnd() };
  }

  #list(): Promise<AssetIndex> {
    this.#index ??= this.#read();
    this.#index.catch(() => {
      // Asked for again next time.
      this.#index = undefined;
    });
    return this.#index;
  }

  async #read(): Promise<AssetIndex> {
    const url = this.#address("index.json");
    const text = await (await fetchOwn(ASSET, url)).text().catch((error: unknown) => {
      throw broken(url, error);
    });
    // A server may call a web page anything.
    if (/^\s*</.test(text)) throw notLoaded("html", ASSET, url);
    try {
      return JSON.parse(text) as AssetIndex;
    } catch (error) {
      throw notLoaded("content", ASSET, url, error instanceof Error ? error.message : String(error), error);
    }
  }

  #address(path: string): string {
    if (this.#folder !== undefined) return this.#folder + path;
    const url = ownAssets()[path];
    if (url === undefined) throw new FlantuneError("not_found", `${path} is not served with this page`);
    return url.href;
  }
}

/** A transfer that began and did not come to its end. */
function broken(url: string, error: unknown): FlantuneError {
  const known = FlantuneError.from(error);
  if (known.code === "cancelled") return known;
  return notLoaded("unreachable", ASSET, url, known.message, error);
}
