// Models: the built-in one, the user's files, and those that were downloaded and are kept.

import { bytesToHex } from "@noble/hashes/utils.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { FlantuneError } from "../api/error.js";
import type { Base } from "../engine.js";
import type { ChosenFile, LoadedModel, Options, RemoteSource, WorkerSource } from "../protocol.js";
import type { DownloadPlan, Dtype, ModelRecipe, Progress, StoredModel } from "../types.js";
import type { Assets } from "./assets.js";
import { download, getOk, lengthOf, partOf } from "./download.js";
import type { Engine } from "./engine.js";
import { type Hub, limitedText, type Remote, type RemoteFile, remoteLength } from "./hub.js";
import { type FilesMount, plainName } from "./storage/files.js";
import type { MemoryMount } from "./storage/memory.js";
import type { Storage } from "./storage/storage.js";
import { throttled } from "./throttle.js";

/** What is known of a stored model: written first, and again, as complete, when all is there. */
const RECORD = "download.json";

interface StoredRecord {
  name: string;
  commit?: string;
  url?: string;
  base?: Base;
  complete: boolean;
}

interface Work {
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

/** Where a model lies, and how it is had again. */
interface Place {
  directory: string;
  name: string;
  recipe: ModelRecipe;
  base?: Base;
}

export interface Surroundings {
  engine: Engine;
  storage: Storage;
  files: FilesMount;
  /** For what need not be kept. */
  memory: MemoryMount;
  assets: Assets;
  hub: Hub;
}

export class Models {
  readonly #recipes = new Map<string, ModelRecipe>();
  #plans = 0;

  constructor(readonly at: Surroundings) {}

  async load(model: string, source: WorkerSource, dtype: Dtype, work: Work): Promise<LoadedModel> {
    const place = await this.#place(source, dtype, work);
    work.onProgress({ stage: "load", loaded: 0 });
    const { directory, base, name, recipe } = place;
    const params = { model, directory, dtype, ...(base && { base }) };
    const info = await this.at.engine.request("loadModel", params, { signal: work.signal });
    this.#recipes.set(model, recipe);
    return { ...info, name, recipe };
  }

  async drop(model: string): Promise<void> {
    this.#recipes.delete(model);
    await this.at.engine.request("dropModel", { model });
  }

  recipe(model: string): ModelRecipe {
    const recipe = this.#recipes.get(model);
    if (!recipe) throw new FlantuneError("setting", "This model was dropped: load it again");
    return recipe;
  }

  /** What a download and a run would take. Only lists and config.json are fetched. */
  async plan(source: WorkerSource, options: Options, signal: AbortSignal): Promise<DownloadPlan> {
    const { engine, hub, memory, storage } = this.at;
    if ("builtin" in source || "files" in source) {
      const place = await this.#place(source, "f32", { signal, onProgress: () => {} });
      const { architecture, memory: bytes, obstacle } = await engine.request("estimate", {
        directory: place.directory,
        options,
      });
      const files = (await storage.list(place.directory)).map((name) => ({ name, stored: true }));
      const known = { files, bytes: 0, architecture: { ...architecture, name: place.name }, memory: bytes };
      return obstacle === undefined ? known : { ...known, obstacle };
    }
    const remote = await hub.find(source, signal);
    this.#plans += 1;
    const directory = `plan/${this.#plans}`;
    try {
      const files = await this.#withShards(remote, directory, signal);
      const config = remote.files.find(({ name }) => name === "config.json");
      if (config) memory.put(`${directory}/config.json`, new Blob([await this.#small(remote, config, signal)]));
      const listed = await Promise.all(files.map((file) => this.#planned(remote, file, signal)));
      const missing = listed.filter(({ stored }) => !stored);
      const { architecture, memory: bytes, obstacle } = await engine.request("estimate", { directory, options });
      return {
        ...(remote.base && { repository: remote.base.id }),
        ...(remote.base?.revision !== undefined && { commit: remote.base.revision }),
        files: listed,
        ...(missing.every(({ bytes }) => bytes !== undefined) && {
          bytes: missing.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
        }),
        architecture: { ...architecture, name: remote.name },
        memory: bytes,
        ...(obstacle !== undefined && { obstacle }),
      };
    } finally {
      await memory.remove(directory);
    }
  }

  /** Models that are kept, whole or in part. */
  async list(): Promise<StoredModel[]> {
    const { storage } = this.at;
    const models: StoredModel[] = [];
    for (const key of await storage.list("models")) {
      const record = await this.#record(key);
      const bytes = await this.#bytes(key);
      const { name = key, commit, complete = false } = record ?? {};
      models.push({ key, name, ...(commit !== undefined && { commit }), bytes, complete });
    }
    return models;
  }

  async remove(key: string): Promise<void> {
    await this.at.storage.remove(`models/${plainName(key)}`);
  }

  /** Sees to it that a model's files lie in a directory of the storage. */
  async #place(source: WorkerSource, dtype: Dtype, work: Work): Promise<Place> {
    if ("builtin" in source) {
      const { assets, memory } = this.at;
      if ((await memory.list("builtin")).length === 0) {
        const { signal } = work;
        const progress = throttled(work.onProgress);
        const files = await assets.folder("builtin", { signal, onProgress: progress.tell });
        progress.flush();
        for (const [name, file] of files) memory.put(`builtin/${name}`, file);
      }
      return { directory: "builtin", name: "builtin", recipe: { kind: "builtin", name: "builtin" } };
    }
    if ("files" in source) {
      const { files, name } = modelFiles(source.files);
      return { directory: this.at.files.add(files), name, recipe: { kind: "files", name, dtype } };
    }
    return this.#download(source, dtype, work);
  }

  async #download(source: RemoteSource, dtype: Dtype, work: Work): Promise<Place> {
    const stored = await this.#stored(source, dtype);
    if (stored) return stored;
    work.onProgress({ stage: "list", loaded: 0 });
    const remote = await this.at.hub.find(source, work.signal);
    const directory = `models/${remote.key}`;
    const record = await this.#record(remote.key);
    if (!record?.complete) {
      // Two tabs that download one model would write the same files.
      await exclusively(`flantune-${directory}`, remote.name, async () => {
        const progress = throttled(work.onProgress);
        try {
          await this.#fetch(remote, directory, { signal: work.signal, onProgress: progress.tell });
        } catch (error) {
          // Where nothing came there is nothing to go on with.
          if ((await this.#bytes(remote.key, [RECORD])) === 0) await this.remove(remote.key);
          throw error;
        } finally {
          progress.flush();
        }
      });
    }
    return this.#placed(remote, directory, dtype);
  }

  /** A complete model that needs no network at all: one by its commit or address. */
  async #stored(source: RemoteSource, dtype: Dtype): Promise<Place | undefined> {
    for (const key of await this.at.storage.list("models")) {
      const record = await this.#record(key);
      if (!record?.complete) continue;
      const { name, commit, url, base } = record;
      const asked = "url" in source ? url === source.url : base?.id === source.hub && commit === source.revision;
      if (asked) return this.#placed({ name, ...(url !== undefined && { url }), ...(base && { base }) }, `models/${key}`, dtype);
    }
    return undefined;
  }

  #placed({ name, url, base }: Pick<Remote, "name" | "url" | "base">, directory: string, dtype: Dtype): Place {
    const recipe: ModelRecipe =
      base?.revision === undefined
        ? { kind: "url", name, url: url ?? "", dtype }
        : { kind: "hub", name, revision: base.revision, dtype };
    return { directory, name, recipe, ...(base && { base }) };
  }

  async #fetch(remote: Remote, directory: string, { signal, onProgress }: Work): Promise<void> {
    const { storage } = this.at;
    const { name, url, base } = remote;
    const commit = base?.revision;
    const record = {
      name,
      ...(url !== undefined && { url }),
      ...(base && { base }),
      ...(commit !== undefined && { commit }),
    };
    await storage.writeJson(`${directory}/${RECORD}`, { ...record, complete: false });
    const files = [...remote.files];
    const there = new Map<string, number>();
    for (let place = 0; place < files.length; place += 1) {
      const file = files[place];
      if (!file) break;
      const sizes = files.map(({ bytes }) => bytes);
      await this.#fetchFile(file, directory, signal, (loaded, total) => {
        there.set(file.name, loaded);
        if (total !== undefined) sizes[place] = total;
        const known = sizes.every((bytes) => bytes !== undefined);
        onProgress({
          stage: "download",
          file: file.name,
          loaded: [...there.values()].reduce((sum, bytes) => sum + bytes, 0),
          ...(known && { total: sizes.reduce((sum: number, bytes) => sum + (bytes ?? 0), 0) }),
        });
      });
      file.bytes = await lengthOf(storage, `${directory}/${file.name}`);
      there.set(file.name, file.bytes);
      // The index of shards is the last of the files until they are known.
      if (place === files.length - 1 && remote.shards && files.length === remote.files.length) {
        files.push(...(await remote.shards(directory)));
      }
    }
    await storage.writeJson(`${directory}/${RECORD}`, { ...record, complete: true });
  }

  async #fetchFile(
    file: RemoteFile,
    directory: string,
    signal: AbortSignal,
    onProgress: (loaded: number, total: number | undefined) => void,
  ): Promise<void> {
    const { storage } = this.at;
    const path = `${directory}/${file.name}`;
    if (await storage.exists(path)) return;
    try {
      const { address, bytes } = file;
      await download(storage, { address, path, ...(bytes !== undefined && { bytes }), signal, onProgress });
    } catch (error) {
      if (file.optional && FlantuneError.from(error).code === "not_found") return;
      throw error;
    }
    await this.#check(file, path);
  }

  /** That what came is what was announced. */
  async #check(file: RemoteFile, path: string): Promise<void> {
    const { storage } = this.at;
    const length = await storage.length(path);
    let wrong: string | undefined;
    if (file.bytes !== undefined && length !== file.bytes) wrong = `${length} bytes came, expected ${file.bytes}`;
    else if (file.sha256 !== undefined && (await hash(await storage.file(path))) !== file.sha256) {
      wrong = "its hash is not the one that the hub tells";
    }
    if (wrong === undefined) return;
    await storage.remove(path);
    throw new FlantuneError("hub", `${file.name}: ${wrong}`, "Try again; what came was thrown away");
  }

  async #planned(remote: Remote, file: RemoteFile, signal: AbortSignal): Promise<DownloadPlan["files"][number]> {
    const path = `models/${remote.key}/${file.name}`;
    const { name } = file;
    if (await this.at.storage.exists(path)) return { name, bytes: await this.at.storage.length(path), stored: true };
    const bytes = file.bytes ?? (await remoteLength(file.address, signal));
    const begun = await lengthOf(this.at.storage, partOf(path));
    return bytes === undefined ? { name, stored: false } : { name, bytes: Math.max(bytes - begun, 0), stored: false };
  }

  async #withShards(remote: Remote, directory: string, signal: AbortSignal): Promise<RemoteFile[]> {
    const index = remote.files.at(-1);
    if (!remote.shards || !index) return remote.files;
    this.at.memory.put(`${directory}/${index.name}`, new Blob([await this.#small(remote, index, signal)]));
    return [...remote.files, ...(await remote.shards(directory))];
  }

  /** A small file's text: what is stored, or from the network. */
  async #small(remote: Remote, { name, address }: RemoteFile, signal: AbortSignal): Promise<string> {
    const path = `models/${remote.key}/${name}`;
    if (await this.at.storage.exists(path)) return this.at.storage.text(path);
    return limitedText(await getOk(address, signal));
  }

  /** What is stored of a model. */
  async #bytes(key: string, without: string[] = []): Promise<number> {
    const { storage } = this.at;
    const names = (await storage.list(`models/${key}`)).filter((name) => !without.includes(name));
    const lengths = await Promise.all(names.map((name) => lengthOf(storage, `models/${key}/${name}`)));
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  async #record(key: string): Promise<StoredRecord | undefined> {
    try {
      return JSON.parse(await this.at.storage.text(`models/${key}/${RECORD}`)) as StoredRecord;
    } catch {
      // Without one, or with a broken one, it is not complete.
      return undefined;
    }
  }
}

/** The model among the files that were chosen: where a folder was, those beside its config.json. */
function modelFiles(chosen: ChosenFile[]): { files: Map<string, Blob>; name: string } {
  const split = chosen.map(({ path, file }) => {
    const end = path.lastIndexOf("/") + 1;
    return { folder: path.slice(0, end), name: path.slice(end), file };
  });
  const config = split
    .filter(({ name }) => name === "config.json")
    .sort((one, other) => one.folder.length - other.folder.length)[0];
  if (!config) {
    const names = split.slice(0, 5).map(({ name }) => name).join(", ") || "no files";
    const message = `A model's files begin with its config.json; found ${names}`;
    const hint = "Choose config.json, model.safetensors and tokenizer.json together, or their folder";
    throw new FlantuneError("not_found", message, hint);
  }
  const beside = split.filter(({ folder }) => folder === config.folder);
  const files = new Map(beside.map(({ name, file }) => [plainName(name), file]));
  return { files, name: config.folder.split("/").at(-2) ?? "files" };
}

async function hash(file: Blob): Promise<string> {
  const PIECE = 4 << 20;
  const hasher = sha256.create();
  for (let offset = 0; offset < file.size; offset += PIECE) {
    hasher.update(new Uint8Array(await file.slice(offset, offset + PIECE).arrayBuffer()));
  }
  return bytesToHex(hasher.digest());
}

/** Does the work while no other tab does. */
async function exclusively(lock: string, what: string, work: () => Promise<void>): Promise<void> {
  // Locks need a secure context, as OPFS does: without either, tabs share nothing.
  if (!navigator.locks) return work();
  await navigator.locks.request(lock, { ifAvailable: true }, async (held) => {
    if (held) return work();
    throw new FlantuneError("busy", `${what}: another tab is downloading it`, "Wait until that is done, then try again");
  });
}
