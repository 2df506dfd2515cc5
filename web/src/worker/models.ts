// Models: the built-in one, the user's files, and those that were downloaded and are kept.

import type { Base, Options } from "../engine.js";
import { FlantuneError } from "../error.js";
import type { LoadedModel, RemoteSource, WorkerSource } from "../protocol.js";
import type { DownloadPlan, Dtype, ModelRecipe, StoredModel } from "../types.js";
import type { Assets } from "./assets.js";
import { getOk, lengthOf, partOf } from "./download.js";
import type { Engine } from "./engine.js";
import { folderUrl, type Hub, limitedText, type Remote, type RemoteFile, remoteLength } from "./hub.js";
import { exclusively } from "./locks.js";
import { fetchModel, RECORD, type StoredRecord, type Work } from "./model-download.js";
import { modelFiles } from "./model-files.js";
import { readProgress } from "./read-progress.js";
import { type FilesMount, plainName } from "./storage/files.js";
import type { MemoryMount } from "./storage/memory.js";
import type { Storage } from "./storage/storage.js";
import { throttled } from "./throttle.js";

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

const WEIGHTS = "model.safetensors";
const DOWNLOADING = "This model is being downloaded";
/** Of a download in another tab. */
const ELSEWHERE = new FlantuneError("busy", DOWNLOADING, "Wait until that is done, then try again");

export class Models {
  readonly #recipes = new Map<string, ModelRecipe>();
  /** Those that are under way, by directory. */
  readonly #downloads = new Map<string, { signal: AbortSignal; ended: Promise<void> }>();
  #plans = 0;

  constructor(readonly at: Surroundings) {}

  async load(model: string, source: WorkerSource, dtype: Dtype, work: Work): Promise<LoadedModel> {
    const place = await this.#place(source, dtype, work);
    const { directory, base, name, recipe } = place;
    const params = { model, directory, dtype, ...(base && { base }) };
    const onRead = readProgress(await this.#weights(directory), work.onProgress);
    const info = await this.at.engine.request("loadModel", params, { signal: work.signal, onRead });
    this.#recipes.set(model, recipe);
    return { ...info, name, recipe };
  }

  /** Bytes of the weights in a directory, by name; a single file goes before shards, as the core has it. */
  async #weights(directory: string): Promise<Map<string, number>> {
    const { storage } = this.at;
    const names = (await storage.list(directory)).filter((name) => name.endsWith(".safetensors"));
    const read = names.includes(WEIGHTS) ? [WEIGHTS] : names;
    const lengths = read.map(async (name) => [name, await storage.length(`${directory}/${name}`)] as const);
    return new Map(await Promise.all(lengths));
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
      const {
        architecture,
        memory: bytes,
        obstacle,
      } = await engine.request("estimate", {
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
    storage.call(directory, remote.name);
    try {
      const files = await this.#withShards(remote, directory, signal);
      const config = remote.files.find(({ name }) => name === "config.json");
      if (config)
        memory.put(`${directory}/config.json`, new Blob([await this.#small(remote, config, signal)]));
      const listed = await Promise.all(files.map((file) => this.#planned(remote, file, signal)));
      const missing = listed.filter(({ stored }) => !stored);
      const {
        architecture,
        memory: bytes,
        obstacle,
      } = await engine.request("estimate", { directory, options });
      return {
        key: remote.key,
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
      await storage.remove(directory);
    }
  }

  /** Models that are kept, whole or in part. */
  async list(): Promise<StoredModel[]> {
    const { storage } = this.at;
    const models: StoredModel[] = [];
    for (const key of await storage.list("models")) {
      const record = await this.#record(key);
      const bytes = await this.#bytes(key);
      const { name = key, commit, url, complete = false } = record ?? {};
      models.push({
        key,
        name,
        ...(commit !== undefined && { commit }),
        ...(url !== undefined && { url }),
        bytes,
        complete,
      });
    }
    return models;
  }

  /** Removes a model that is kept; a download that was called off has its last bytes written first. */
  async remove(key: string): Promise<void> {
    const directory = `models/${plainName(key)}`;
    await this.#untilCalledOff(directory);
    const work = async () => {
      // First what says that it is whole.
      await this.at.storage.remove(`${directory}/${RECORD}`);
      await this.at.storage.remove(directory);
    };
    await exclusively(directory, work, ELSEWHERE);
  }

  /** What nobody needs of a model's directory, where nobody works on it. */
  async leftOf(key: string): Promise<string[]> {
    const directory = `models/${key}`;
    // A download begins with its record, and who removes a model begins with it, too.
    const begun = await this.at.storage.exists(`${directory}/${RECORD}`);
    return begun && (await this.#bytes(key, [RECORD])) > 0 ? [] : [directory];
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
      const directory = this.at.files.add(files);
      this.at.storage.call(directory, name);
      return { directory, name, recipe: { kind: "files", name, dtype } };
    }
    return this.#download(source, dtype, work);
  }

  async #download(source: RemoteSource, dtype: Dtype, work: Work): Promise<Place> {
    const stored = await this.#stored(source, dtype);
    if (stored) return stored;
    work.onProgress({ stage: "list", loaded: 0 });
    let remote: Remote;
    try {
      remote = await this.at.hub.find(source, work.signal);
    } catch (error) {
      // Without the network a branch is what it was when it was last asked for.
      const kept = FlantuneError.from(error).code === "network" && (await this.#stored(source, dtype, true));
      if (kept) return kept;
      throw error;
    }
    const directory = `models/${remote.key}`;
    const record = await this.#record(remote.key);
    if (!record?.complete) {
      await this.#untilCalledOff(directory);
      // Two tabs that download one model would write the same files.
      const fetching = exclusively(directory, () => this.#fetch(remote, directory, work), ELSEWHERE).finally(
        () => this.#downloads.delete(directory),
      );
      this.#downloads.set(directory, { signal: work.signal, ended: fetching.catch(() => {}) });
      await fetching;
    }
    return this.#placed(remote, directory, dtype);
  }

  /** Waits for a download of this page that was called off; refuses what cannot be beside one that was not. */
  async #untilCalledOff(directory: string): Promise<void> {
    for (;;) {
      const download = this.#downloads.get(directory);
      if (!download) return;
      if (!download.signal.aborted)
        throw new FlantuneError("busy", DOWNLOADING, "Wait until it is there, or call it off");
      await download.ended;
    }
  }

  async #fetch(remote: Remote, directory: string, { signal, onProgress }: Work): Promise<void> {
    const { tell, flush } = throttled(onProgress);
    try {
      const { key } = remote;
      await fetchModel(this.at.storage, remote, directory, {
        signal,
        onProgress: (now) => tell({ ...now, key }),
      });
    } catch (error) {
      // Where nothing came there is nothing to go on with. What stays is removed at the next start.
      const bytes = await this.#bytes(remote.key, [RECORD]).catch(() => undefined);
      if (bytes === 0) await this.at.storage.remove(directory).catch(() => {});
      throw error;
    } finally {
      flush();
    }
  }

  /** A complete model that needs no network: one by its commit or address, or `anyRevision` of it. */
  async #stored(source: RemoteSource, dtype: Dtype, anyRevision = false): Promise<Place | undefined> {
    const address = "url" in source ? folderUrl(source.url) : undefined;
    for (const key of await this.at.storage.list("models")) {
      // One that cannot be read is no reason not to take another; who asks for it hears of that.
      const record = await this.#record(key).catch(() => undefined);
      if (!record?.complete) continue;
      const { name, commit, url, base } = record;
      const same = "url" in source ? url === address : base?.id === source.hub;
      const asked = same && ("url" in source || anyRevision || commit === source.revision);
      if (asked)
        return this.#placed(
          { name, ...(url !== undefined && { url }), ...(base && { base }) },
          `models/${key}`,
          dtype,
        );
    }
    return undefined;
  }

  #placed(
    { name, url, base }: Pick<Remote, "name" | "url" | "base">,
    directory: string,
    dtype: Dtype,
  ): Place {
    const recipe: ModelRecipe =
      base?.revision === undefined
        ? { kind: "url", name, url: url ?? "", dtype }
        : { kind: "hub", name, revision: base.revision, dtype };
    this.at.storage.call(directory, name);
    return { directory, name, recipe, ...(base && { base }) };
  }

  async #planned(
    remote: Remote,
    file: RemoteFile,
    signal: AbortSignal,
  ): Promise<DownloadPlan["files"][number]> {
    const path = `models/${remote.key}/${file.name}`;
    const { name } = file;
    if (await this.at.storage.exists(path))
      return { name, bytes: await this.at.storage.length(path), stored: true };
    const bytes = file.bytes ?? (await remoteLength(file.address, signal));
    const begun = await lengthOf(this.at.storage, partOf(path));
    return bytes === undefined
      ? { name, stored: false }
      : { name, bytes: Math.max(bytes - begun, 0), stored: false };
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

  /** What is known of a stored model; without a record, or with a broken one, it is not complete. */
  async #record(key: string): Promise<StoredRecord | undefined> {
    try {
      return (await this.at.storage.json<StoredRecord | null>(`models/${key}/${RECORD}`)) ?? undefined;
    } catch (error) {
      if (FlantuneError.from(error).code === "format") return undefined;
      throw error;
    }
  }
}
