// The library of adapters: a PEFT directory each, and the index of them.

import { FlantuneError } from "../api/error.js";
import type { AdapterInfo, Metrics, ModelRecipe } from "../types.js";
import { adapterFiles } from "./adapter-zip.js";
import type { Engine } from "./engine.js";
import type { Table } from "./index.js";
import { CARD, CONFIG, WEIGHTS } from "./peft.js";
import { plainName } from "./storage/files.js";
import type { Storage } from "./storage/storage.js";
import { zip } from "./zip.js";

/** What PEFT has in an adapter's directory. */
const FILES = [CONFIG, WEIGHTS, CARD];

export interface NewAdapter {
  id: string;
  name: string;
  model: ModelRecipe | null;
  metrics: Metrics;
}

export class Adapters {
  /** By model: those that the core holds beside it. */
  readonly #held = new Map<string, Set<string>>();

  constructor(
    readonly engine: Engine,
    readonly storage: Storage,
    readonly table: Table<AdapterInfo>,
  ) {}

  /** Newest first. What the index and the storage do not agree on is mended. */
  async list(): Promise<AdapterInfo[]> {
    const stored = new Set(await this.storage.list("adapters"));
    const indexed = new Map((await this.table.all()).map((info) => [info.id, info]));
    for (const id of indexed.keys()) {
      if (stored.has(id)) continue;
      indexed.delete(id);
      await this.table.delete(id);
    }
    for (const id of stored) {
      if (!indexed.has(id)) {
        const info = await this.#readopt(id);
        if (info) indexed.set(id, info);
      }
    }
    return [...indexed.values()].sort((one, other) => other.created - one.created);
  }

  async get(id: string): Promise<AdapterInfo> {
    const info = await this.table.get(id);
    if (info) return info;
    const message = `There is no adapter \`${id}\` in this browser`;
    throw new FlantuneError("not_found", message, "Import it again, or take another");
  }

  /** Takes a finished run's result into the library. */
  async takeFrom(directory: string, adapter: NewAdapter): Promise<AdapterInfo> {
    // A run that was stopped, and then gone on with, has one there already.
    await this.#release(adapter.id);
    await this.#copy(directory, `adapters/${adapter.id}`);
    return this.#add(adapter);
  }

  /** Copies an adapter to a directory, whose path it returns. */
  async copyTo(directory: string, id: string): Promise<string> {
    await this.#copy(await this.directory(id), directory);
    return directory;
  }

  async import(file: Blob, name: string, id: string): Promise<AdapterInfo> {
    const files = await adapterFiles(file);
    try {
      for (const { name, pieces } of files) await this.storage.write(`adapters/${id}/${name}`, pieces());
      return await this.#add({ id, name, model: null, metrics: {} });
    } catch (error) {
      await this.storage.remove(`adapters/${id}`);
      throw error;
    }
  }

  async export(id: string): Promise<Blob> {
    await this.get(id);
    const files: { name: string; file: Blob }[] = [];
    for (const name of FILES) {
      const path = `adapters/${id}/${name}`;
      if (await this.storage.exists(path)) files.push({ name, file: await this.storage.file(path) });
    }
    return zip(files);
  }

  async rename(id: string, name: string): Promise<AdapterInfo> {
    const info = { ...(await this.get(id)), name: await this.#freeName(name, id) };
    await this.table.put(info);
    return info;
  }

  async remove(id: string): Promise<void> {
    await this.#release(id);
    await this.table.delete(id);
    await this.storage.remove(`adapters/${plainName(id)}`);
  }

  /** Sees to it that the core holds an adapter beside a model. */
  async hold(model: string, id: string): Promise<void> {
    const held = this.#held.get(model) ?? new Set();
    this.#held.set(model, held);
    if (held.has(id)) return;
    await this.get(id);
    await this.engine.request("holdAdapter", { model, adapter: id, directory: `adapters/${id}` });
    held.add(id);
  }

  /** A model went, and with it what was held beside it. */
  forget(model: string): void {
    this.#held.delete(model);
  }

  async #copy(from: string, to: string): Promise<void> {
    for (const name of FILES) {
      const file = `${from}/${name}`;
      if (await this.storage.exists(file)) await this.storage.copy(file, `${to}/${name}`);
    }
  }

  async #release(id: string): Promise<void> {
    for (const [model, held] of this.#held) {
      if (held.delete(id)) await this.engine.request("dropAdapter", { model, adapter: id });
    }
  }

  /** The directory of an adapter. */
  async directory(id: string): Promise<string> {
    await this.get(id);
    return `adapters/${id}`;
  }

  async #add({ id, name, model, metrics }: NewAdapter): Promise<AdapterInfo> {
    const summary = await this.engine.request("describeAdapter", { directory: `adapters/${id}` });
    const { method, parameters, bytes, base, config } = summary;
    const info: AdapterInfo = {
      id,
      name: await this.#freeName(name, id),
      method,
      parameters,
      bytes,
      created: Date.now(),
      ...(base !== undefined && { base }),
      model,
      metrics,
      config,
    };
    await this.table.put(info);
    return info;
  }

  /** An adapter that the index lost: browsers may clear one store and not the other. */
  async #readopt(id: string): Promise<AdapterInfo | undefined> {
    try {
      return await this.#add({ id, name: id, model: null, metrics: {} });
    } catch (error) {
      // Half written, by a tab that was closed: it was never in the library.
      if (FlantuneError.from(error).code === "crash") throw error;
      return undefined;
    }
  }

  /** A name that no other adapter has. */
  async #freeName(wanted: string, id: string): Promise<string> {
    const others = (await this.table.all()).filter((info) => info.id !== id).map(({ name }) => name);
    const name = wanted.trim().slice(0, 200) || id;
    if (!others.includes(name)) return name;
    for (let number = 2; ; number += 1) {
      if (!others.includes(`${name} ${number}`)) return `${name} ${number}`;
    }
  }
}
