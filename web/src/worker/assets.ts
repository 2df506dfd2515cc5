// What is served with the page: the built-in model and the demo sets. `index.json` beside them lists
// them, so that nothing is asked for that is not there.

import { FlantuneError } from "../api/error.js";
import type { Progress } from "../types.js";
import { chunks } from "./download.js";

/** Names of files and their lengths in bytes, by folder: `builtin`, `data/reviews`… */
export type AssetIndex = Record<string, Record<string, number>>;

export class Assets {
  readonly #url: string;
  #index: Promise<AssetIndex> | undefined;

  /** `url` is that of the folder. */
  constructor(url: string) {
    this.#url = url.endsWith("/") ? url : `${url}/`;
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
    for (const name of Object.keys(names)) {
      const response = await this.#get(`${folder}/${name}`, signal);
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      try {
        for await (const piece of chunks(response.body)) {
          pieces.push(piece);
          loaded += piece.length;
          onProgress?.({ stage: "download", file: name, loaded, total });
        }
      } catch (error) {
        throw failed(`${folder}/${name}`, error);
      }
      files.set(name, new Blob(pieces));
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
    this.#index ??= this.#get("index.json").then((response) => response.json());
    this.#index.catch(() => {
      // Asked for again next time.
      this.#index = undefined;
    });
    return this.#index;
  }

  async #get(path: string, signal?: AbortSignal): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.#url + path, signal ? { signal } : {});
    } catch (error) {
      throw failed(path, error);
    }
    if (response.ok) return response;
    const message = `${this.#url}${path}: the server answered ${response.status} ${response.statusText}`;
    throw new FlantuneError("network", message.trimEnd(), "The folder `assets` is to be served beside flantune.js");
  }
}

function failed(path: string, error: unknown): FlantuneError {
  const known = FlantuneError.from(error);
  if (known.code === "cancelled") return known;
  return new FlantuneError("network", `${path}: it could not be loaded: ${known.message}`, "Check the connection");
}
