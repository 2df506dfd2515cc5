// Data sets by the names that the page gives them: where their rows lie, and how they are read.

import type { Options } from "../engine.js";
import { FlantuneError } from "../error.js";
import type { LoadedData, WorkerRows } from "../protocol.js";
import type { DataOptions, Lengths, Preview } from "../types.js";
import type { Assets } from "./assets.js";
import type { Engine } from "./engine.js";
import { type FilesMount, plainName } from "./storage/files.js";

/** Rows that are shown as they stand in the file. */
const RECORDS = 20;

export interface DataSet {
  name: string;
  /** The path of its rows. */
  path: string;
  /** The path of rows to judge by, where it brings its own. */
  validation?: string;
  rows: number;
  /** How many rows to judge by it brings. */
  held?: number;
}

export class DataSets {
  readonly #sets = new Map<string, DataSet>();

  constructor(
    readonly engine: Engine,
    readonly files: FilesMount,
    readonly assets: Assets,
  ) {}

  async load(id: string, rows: WorkerRows): Promise<LoadedData> {
    let set: DataSet;
    let template: string | undefined;
    if ("demo" in rows) {
      const demo = await this.assets.demo(rows.demo);
      const folder = this.files.add(demo.files);
      template = demo.template;
      set = {
        name: rows.demo,
        path: `${folder}/train.jsonl`,
        validation: `${folder}/validation.jsonl`,
        rows: 0,
      };
    } else {
      const name = rowsName(rows);
      const folder = this.files.add(new Map([[name, rows.file]]));
      set = { name: rows.name, path: `${folder}/${name}`, rows: 0 };
    }
    const params = { path: set.path, options: { skipBadRows: true }, count: RECORDS };
    const inspection = await this.engine.request("inspect", params);
    set.rows = inspection.rows;
    this.#sets.set(id, set);
    const loaded = { name: set.name, ...inspection };
    if (template === undefined || set.validation === undefined) return loaded;
    const { rows: validation } = await this.engine.request("inspect", {
      ...params,
      path: set.validation,
      count: 0,
    });
    set.held = validation;
    return { ...loaded, template };
  }

  drop(id: string): void {
    const set = this.#sets.get(id);
    if (set) void this.files.remove(set.path.slice(0, set.path.lastIndexOf("/")));
    this.#sets.delete(id);
  }

  get(id: string): DataSet {
    const set = this.#sets.get(id);
    if (!set) throw new FlantuneError("closed", "These rows were closed", "Load them again");
    return set;
  }

  preview(
    id: string,
    options: DataOptions,
    first: number,
    count: number,
    model?: string,
  ): Promise<Preview[]> {
    const params = { path: this.get(id).path, options: readOptions(options), first, count };
    return this.engine.request("preview", model === undefined ? params : { ...params, model });
  }

  async lengths(id: string, options: DataOptions, model: string): Promise<Lengths> {
    const { path, name } = this.get(id);
    const lengths = await this.engine.request("lengths", { model, path, options: readOptions(options) });
    return { ...lengths, name: options.name ?? name };
  }
}

/** A set's own rows to judge by, unless a part of the others is asked for. */
export function ownValidation(
  { validation }: DataSet,
  { validationFraction }: DataOptions,
): { validation?: string } {
  return validation === undefined || validationFraction !== undefined ? {} : { validation };
}

/** How rows are read. A bad row never ends the work of a page: it is counted and reported. */
export function readOptions({ name: _, ...options }: DataOptions): Options {
  return { ...options, skipBadRows: true };
}

/** A name by whose ending the core knows the format. */
function rowsName({ file, name }: { file: Blob; name: string }): string {
  const plain = plainName(name);
  if (/\.(jsonl|ndjson|json|csv|tsv)$/i.test(plain)) return plain;
  if (/csv|comma-separated/.test(file.type)) return `${plain}.csv`;
  if (/tab-separated/.test(file.type)) return `${plain}.tsv`;
  return /\.[a-z]+$/i.test(plain) ? plain : `${plain}.jsonl`;
}
