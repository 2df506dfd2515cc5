// The library of adapters. Each has a directory with a record and, in a folder, what PEFT has. The
// folder is never written to again: other weights come in another folder, and the record, written
// last, says which one counts. So name, scores and weights change together or not at all.

import { FlantuneError } from "../error.js";
import type { AdapterInfo, Fit, Metrics, ModelRecipe, Warning } from "../types.js";
import { adapterFiles } from "./adapter-zip.js";
import { earlierInfo } from "./earlier-index.js";
import type { Engine } from "./engine.js";
import { exclusively } from "./locks.js";
import { CARD, CONFIG, WEIGHTS } from "./peft.js";
import { RECORD, readRecord, removeRecorded, writeRecord } from "./record.js";
import { plainName } from "./storage/files.js";
import type { Storage } from "./storage/storage.js";
import { zip } from "./zip.js";

export interface NewAdapter {
  id: string;
  name: string;
  model: ModelRecipe | null;
  metrics: Metrics;
}

interface AdapterRecord {
  info: AdapterInfo;
  /** Where its files lie in its directory; `""` where they lie beside the record, as they once did. */
  folder: string;
}

export class Adapters {
  /** By model: those that the core holds beside it, and what there is to know of them. */
  readonly #held = new Map<string, Map<string, Warning[]>>();
  /** By model: whether adapters of a base, by its hash, belong to it. A list need not wait for the core twice. */
  readonly #fits = new Map<string, Map<string, Fit>>();

  constructor(
    readonly engine: Engine,
    readonly storage: Storage,
  ) {}

  /** Newest first; beside a model each says whether it belongs to it. */
  async list(model?: string): Promise<AdapterInfo[]> {
    const ids = await this.storage.list("adapters");
    const records = await Promise.all(ids.map((id) => this.#find(id)));
    const list = records.flatMap((record) => record?.info ?? []);
    list.sort((one, other) => other.created - one.created);
    if (model === undefined) return list;
    const fits = await this.#fitsOf(
      model,
      list.flatMap(({ base }) => base ?? []),
    );
    return list.map((info) => {
      const fit = info.base === undefined ? undefined : fits.get(info.base);
      return fit ? { ...info, fit } : info;
    });
  }

  async #fitsOf(model: string, bases: string[]): Promise<Map<string, Fit>> {
    const known = this.#fits.get(model) ?? new Map<string, Fit>();
    this.#fits.set(model, known);
    const unknown = [...new Set(bases)].filter((base) => !known.has(base));
    if (unknown.length === 0) return known;
    const fits = await this.engine.request("fits", { model, bases: unknown });
    unknown.forEach((base, place) => {
      const fit = fits[place];
      if (fit) known.set(base, fit);
    });
    return known;
  }

  /** Takes a run's result into the library, in place of what an earlier stop gave. */
  takeFrom(directory: string, adapter: NewAdapter): Promise<AdapterInfo> {
    return this.#locked(adapter.id, async () => {
      const info = await this.#keep(adapter, (folder) => this.#copy(directory, folder));
      await this.#release(adapter.id);
      return info;
    });
  }

  /** Copies an adapter to a directory, whose path it returns. */
  async copyTo(directory: string, id: string): Promise<string> {
    await this.#copy(await this.directory(id), directory);
    return directory;
  }

  async import(file: Blob, name: string, id: string): Promise<AdapterInfo> {
    const files = await adapterFiles(file);
    const unpack = async (folder: string) => {
      for (const { name, pieces } of files) await this.storage.write(`${folder}/${name}`, pieces());
    };
    return this.#locked(id, () => this.#keep({ id, name, model: null, metrics: {} }, unpack));
  }

  async export(id: string): Promise<Blob> {
    const directory = await this.directory(id);
    const files: { name: string; file: Blob }[] = [];
    for (const name of await this.#files(directory)) {
      files.push({ name, file: await this.storage.file(`${directory}/${name}`) });
    }
    return zip(files);
  }

  rename(id: string, name: string): Promise<AdapterInfo> {
    return this.#locked(id, async () => {
      const record = await this.#get(id);
      const info = { ...record.info, name: await this.#freeName(name, id) };
      await writeRecord(this.storage, directoryOf(id), { ...record, info });
      return info;
    });
  }

  remove(id: string): Promise<void> {
    return this.#locked(id, async () => {
      await this.#release(id);
      await removeRecorded(this.storage, directoryOf(id));
    });
  }

  /** Sees to it that the core holds an adapter beside a model. Gives what there is to know of it there. */
  async hold(model: string, id: string): Promise<Warning[]> {
    const held = this.#held.get(model) ?? new Map<string, Warning[]>();
    this.#held.set(model, held);
    const known = held.get(id);
    if (known) return known;
    const params = { model, adapter: id, directory: await this.directory(id) };
    const { warnings } = await this.engine.request("holdAdapter", params);
    held.set(id, warnings);
    return warnings;
  }

  /** A model went, and with it what was held beside it. */
  forget(model: string): void {
    this.#held.delete(model);
    this.#fits.delete(model);
  }

  /** Where PEFT's files of an adapter lie. */
  async directory(id: string): Promise<string> {
    const { info, folder } = await this.#get(id);
    const directory = filesOf(id, folder);
    this.storage.call(directory, info.name);
    return directory;
  }

  /** What nobody needs of an adapter's directory, where nobody works on it. */
  async leftOf(id: string): Promise<string[]> {
    const directory = directoryOf(id);
    const record = await readRecord<AdapterRecord>(this.storage, directory);
    if (!record) return (await this.#isWhole(directory)) ? [] : [directory];
    const needed = record.folder === "" ? [RECORD, CONFIG, WEIGHTS, CARD] : [RECORD, record.folder];
    const names = await this.storage.list(directory);
    return names.filter((name) => !needed.includes(name)).map((name) => `${directory}/${name}`);
  }

  async #get(id: string): Promise<AdapterRecord> {
    const record = await this.#find(id);
    if (record) return record;
    const message = `There is no adapter \`${id}\` in this browser`;
    throw new FlantuneError("not_found", message, "Import it again, or take another");
  }

  async #find(id: string): Promise<AdapterRecord | undefined> {
    const directory = directoryOf(id);
    try {
      return (await readRecord<AdapterRecord>(this.storage, directory)) ?? (await this.#adopt(id, ""));
    } catch (error) {
      if (FlantuneError.from(error).code !== "format") throw error;
      // The record is broken, the adapter need not be.
      const folders = (await this.storage.list(directory))
        .map(Number)
        .filter(Boolean)
        .sort((one, other) => other - one);
      for (const folder of [...folders.map(String), ""]) {
        const record = await this.#adopt(id, folder);
        if (record) return record;
      }
      return undefined;
    }
  }

  /** An adapter without a record: before there were any, its files lay in its directory itself. */
  async #adopt(id: string, folder: string): Promise<AdapterRecord | undefined> {
    const files = filesOf(id, folder);
    if (!(await this.#isWhole(files))) return undefined;
    const earlier = await earlierInfo(id).catch(() => "unreadable" as const);
    const known = earlier === "unreadable" ? undefined : earlier;
    const { name, model, metrics, created } = known ?? {
      name: id,
      model: null,
      metrics: {},
      created: Date.now(),
    };
    try {
      const info = { ...(await this.#describe({ id, name, model, metrics }, files)), created };
      // Where its name cannot be had now, or nothing be written, it is taken over another time.
      if (earlier !== "unreadable")
        await writeRecord(this.storage, directoryOf(id), { info, folder }).catch(() => {});
      return { info, folder };
    } catch (thrown) {
      const error = FlantuneError.from(thrown);
      // Files that are no adapter are none; what else is wrong is no reason to pass over it.
      if (error.code === "format" || error.code === "adapter" || error.code === "tensor") return undefined;
      throw error;
    }
  }

  /** Makes an adapter's folder, then its record; where that fails, all is as it was. */
  async #keep(adapter: NewAdapter, fill: (folder: string) => Promise<void>): Promise<AdapterInfo> {
    const { id } = adapter;
    const before = await this.#find(id);
    const folder = String(Number(before?.folder ?? 0) + 1);
    const files = filesOf(id, folder);
    try {
      // What a closed tab left there.
      await this.storage.remove(files);
      await fill(files);
      const info = await this.#describe(adapter, files);
      await writeRecord(this.storage, directoryOf(id), { info, folder });
      return info;
    } finally {
      // The folder of before or, where something failed, this one. What stays is removed at the next start.
      const left = await this.leftOf(id).catch(() => []);
      for (const path of left) await this.storage.remove(path).catch(() => {});
    }
  }

  async #describe({ id, name, model, metrics }: NewAdapter, directory: string): Promise<AdapterInfo> {
    const { method, parameters, bytes, base, config } = await this.engine.request("describeAdapter", {
      directory,
    });
    return {
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
  }

  async #copy(from: string, to: string): Promise<void> {
    for (const name of await this.#files(from)) await this.storage.copy(`${from}/${name}`, `${to}/${name}`);
  }

  /** The names of what PEFT has in a directory. Rejects with `not_found` where one that is needed is missing. */
  async #files(directory: string): Promise<string[]> {
    return (await this.storage.exists(`${directory}/${CARD}`)) ? [CONFIG, WEIGHTS, CARD] : [CONFIG, WEIGHTS];
  }

  async #isWhole(directory: string): Promise<boolean> {
    return (
      (await this.storage.exists(`${directory}/${CONFIG}`)) &&
      (await this.storage.exists(`${directory}/${WEIGHTS}`))
    );
  }

  async #release(id: string): Promise<void> {
    for (const [model, held] of this.#held) {
      if (held.delete(id)) await this.engine.request("dropAdapter", { model, adapter: id });
    }
  }

  /** The names of all adapters but one, as far as they can be read. */
  async #names(without: string): Promise<string[]> {
    const ids = (await this.storage.list("adapters")).filter((id) => id !== plainName(without));
    const read = (id: string) =>
      readRecord<AdapterRecord>(this.storage, directoryOf(id)).catch(() => undefined);
    return (await Promise.all(ids.map(read))).flatMap((record) => record?.info.name ?? []);
  }

  #locked<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
    return exclusively(directoryOf(id), work);
  }

  /** A name that no other adapter has. */
  async #freeName(wanted: string, id: string): Promise<string> {
    const others = await this.#names(id);
    const name = wanted.trim().slice(0, 200) || id;
    if (!others.includes(name)) return name;
    for (let number = 2; ; number += 1) {
      if (!others.includes(`${name} ${number}`)) return `${name} ${number}`;
    }
  }
}

function directoryOf(id: string): string {
  return `adapters/${plainName(id)}`;
}

function filesOf(id: string, folder: string): string {
  return folder === "" ? directoryOf(id) : `${directoryOf(id)}/${folder}`;
}
