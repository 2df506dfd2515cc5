// Which files a model on a hub, or in a folder on the web, consists of. Ids and addresses are the
// core's, so that the page asks for the same as the command line.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Base } from "../engine.js";
import { FlantuneError } from "../error.js";
import type { RemoteSource } from "../protocol.js";
import { get, getOk, statusOf } from "./download.js";
import type { Engine } from "./engine.js";

/** The index of weights that are in several files. */
const SHARDS = "model.safetensors.index.json";
/** No list of files, configuration or index of shards is longer. */
const SMALL = 64 << 20;

export interface RemoteFile {
  name: string;
  address: string;
  bytes?: number;
  sha256?: string;
  /** A folder on the web need not have it. */
  optional?: boolean;
}

export interface Remote {
  /** The name of its directory below `models/`. */
  key: string;
  name: string;
  /** What adapters will say of their base. */
  base?: Base;
  url?: string;
  files: RemoteFile[];
  /** Reads which further files an index of shards names, once that lies in `directory`. */
  shards?: (directory: string) => Promise<RemoteFile[]>;
}

export class Hub {
  constructor(
    readonly engine: Engine,
    readonly endpoint: string,
  ) {}

  /** What a source offers, without any of it yet. */
  find(source: RemoteSource, signal?: AbortSignal): Promise<Remote> {
    if ("hub" in source) return this.#model(source.hub, source.revision, signal);
    return this.#folder(source.url, signal);
  }

  async #model(name: string, revision: string | undefined, signal?: AbortSignal): Promise<Remote> {
    const id = revision === undefined ? name : `${name}@${revision}`;
    const { endpoint } = this;
    const model = await this.engine.request("hubModel", { id, endpoint });
    // Lengths and hashes come with it where the hub can tell them.
    const response = await this.#listing(model.repository, `${model.listing}?blobs=true`, signal);
    const listing = await limitedText(response);
    const { commit, files, shards } = await this.engine.request("hubFiles", { id, endpoint, listing });
    const details = blobs(listing);
    const remote = (file: { name: string; address: string }): RemoteFile => ({
      ...file,
      ...details.get(file.name),
    });
    return {
      key: `${model.folder}@${commit}`,
      name: model.repository,
      base: { id: model.repository, revision: commit },
      files: files.map(remote),
      ...(shards && {
        shards: async (directory: string) =>
          (await this.engine.request("hubShards", { id, endpoint, commit, directory })).map(remote),
      }),
    };
  }

  async #listing(repository: string, address: string, signal?: AbortSignal): Promise<Response> {
    try {
      return await getOk(address, signal);
    } catch (error) {
      // The hub answers 401 for what it does not have, too.
      if (![401, 403, 404].includes(statusOf(error) ?? 0)) throw error;
      const message = `${repository}: the hub ${new URL(this.endpoint).host} has no such model or revision that everyone may read`;
      const hint =
        "Check the name, capital letters too; a private or gated model can be downloaded there, and its files chosen here";
      throw new FlantuneError("hub", message, hint, { cause: error });
    }
  }

  async #folder(address: string, signal?: AbortSignal): Promise<Remote> {
    const url = folderUrl(address);
    const at = (name: string): RemoteFile => ({ name, address: new URL(name, url).href });
    const files: RemoteFile[] = [at("config.json"), at("tokenizer.json")];
    files.push({ ...at("generation_config.json"), optional: true });
    const single = await there(at("model.safetensors").address, signal);
    files.push(at(single ? "model.safetensors" : SHARDS));
    const parts = new URL(url).pathname.split("/").filter(Boolean);
    return {
      key: `url--${fingerprint(url)}`,
      name: decodeURIComponent(parts.at(-1) ?? new URL(url).host),
      url,
      files,
      // The core reads an index the same way wherever it came from; only the addresses differ.
      ...(!single && {
        shards: async (directory: string) => {
          const hub = { id: "a/b", endpoint: "https://localhost", commit: "0".repeat(40), directory };
          return (await this.engine.request("hubShards", hub)).map(({ name }) => at(name));
        },
      }),
    };
  }
}

/** A small file's text. */
export async function limitedText(response: Response): Promise<string> {
  const blob = await response.blob();
  if (blob.size > SMALL) {
    throw new FlantuneError(
      "format",
      `${response.url}: it has ${blob.size} bytes, more than the ${SMALL} allowed`,
    );
  }
  return blob.text();
}

/** The length of a file that a plain GET tells before the body, which is not read. */
export async function remoteLength(address: string, signal?: AbortSignal): Promise<number | undefined> {
  const stop = new AbortController();
  const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  try {
    const { ok, headers } = await get(address, both);
    const length = headers.get("content-length");
    return ok && length !== null && !headers.get("content-encoding") ? Number(length) : undefined;
  } catch {
    return undefined;
  } finally {
    stop.abort();
  }
}

/** Whether there is a file, by a GET whose body is not read. */
async function there(address: string, signal?: AbortSignal): Promise<boolean> {
  const stop = new AbortController();
  const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  try {
    await getOk(address, both);
    return true;
  } catch (thrown) {
    const error = FlantuneError.from(thrown);
    if (error.code === "not_found") return false;
    throw error;
  } finally {
    stop.abort();
  }
}

/** The address of a folder, the same for all ways to write it. */
export function folderUrl(address: string): string {
  let url: URL;
  try {
    url = new URL(address, self.location.href.startsWith("blob:") ? undefined : self.location.href);
  } catch {
    throw new FlantuneError("setting", `url: found \`${address}\`, expected the address of a folder`);
  }
  if (!/^https?:$/.test(url.protocol)) {
    throw new FlantuneError(
      "setting",
      `url: found \`${address}\`, expected an address that begins with https://`,
    );
  }
  // The address of its config.json will do.
  url.pathname = url.pathname.replace(/\/config\.json$/, "/").replace(/\/?$/, "/");
  url.hash = "";
  return url.href;
}

/** Lengths and hashes in a hub's listing, for those files that it tells them of. */
function blobs(listing: string): Map<string, { bytes?: number; sha256?: string }> {
  const found = new Map<string, { bytes?: number; sha256?: string }>();
  const { siblings } = JSON.parse(listing) as { siblings?: unknown };
  if (!Array.isArray(siblings)) return found;
  for (const sibling of siblings as { rfilename?: unknown; size?: unknown; lfs?: { sha256?: unknown } }[]) {
    const { rfilename, size, lfs } = sibling ?? {};
    if (typeof rfilename !== "string") continue;
    const sha256 = lfs?.sha256;
    found.set(rfilename, {
      ...(typeof size === "number" && Number.isSafeInteger(size) && size >= 0 ? { bytes: size } : {}),
      ...(typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256) ? { sha256 } : {}),
    });
  }
  return found;
}

/** A short name for an address. */
function fingerprint(text: string): string {
  return bytesToHex(sha256(new TextEncoder().encode(text)).slice(0, 10));
}
