// A data set.

import type { Client } from "./client.js";
import { FlantuneError } from "./error.js";
import type { Model } from "./model.js";
import type { LoadedData } from "../protocol.js";
import type { DataOptions, Lengths, Preview } from "../types.js";

/** Rows, and how they are read. They stay where they are; nothing is uploaded. */
export class Data {
  /** What the worker calls it. */
  readonly id: string;
  readonly name: string;
  /** How many rows can be read. */
  readonly rows: number;
  readonly fields: string[];
  /** The first rows, as they stand in the file. */
  readonly records: Record<string, unknown>[];
  /** Rows that are left out because they cannot be read: how many, and what is wrong with the first of them. */
  readonly errors: { count: number; first: string[] };
  readonly options: DataOptions;
  readonly #client: Client;
  readonly #loaded: LoadedData;
  readonly #model: () => Model | undefined;

  /** Not for users: `Flantune.loadData` makes them. `model` is the one that is meant where none is named. */
  constructor(client: Client, id: string, loaded: LoadedData, options: DataOptions, model: () => Model | undefined) {
    this.#client = client;
    this.#loaded = loaded;
    this.#model = model;
    this.id = id;
    this.name = options.name ?? loaded.name;
    this.rows = loaded.rows;
    this.fields = loaded.fields;
    this.records = loaded.records;
    this.errors = loaded.skipped;
    this.options = options;
  }

  /** About how many rows a run holds out to judge by. */
  get heldOut(): number {
    const { validationFraction, limit = Infinity } = this.options;
    const { validation } = this.#loaded;
    if (validation !== undefined && validationFraction === undefined) return Math.min(validation, limit);
    return Math.round(Math.min(this.rows, limit) * (validationFraction ?? 0.1));
  }

  /** The same rows with other options, in place of these. */
  async configure(options: DataOptions): Promise<Data> {
    return new Data(this.#client, this.id, this.#loaded, options, this.#model);
  }

  /**
   * The first rows, or those from `first` (counted from 0), as the model sees them. Tokens are those
   * of `model`, or of the model that was loaded last; without any there is only text.
   *
   * Errors: `template` for one that does not parse or names a field that is not there, `setting`.
   */
  preview(count: number, { model = this.#model(), first = 0 }: { model?: Model; first?: number } = {}): Promise<Preview[]> {
    const params = { data: this.id, reading: this.options, first, count };
    return this.#client.call("preview", model ? { ...params, model: model.id } : params);
  }

  /** How many tokens the rows have, and what would be cut. Errors as those of `preview`. */
  async lengths({ model = this.#model() }: { model?: Model } = {}): Promise<Lengths> {
    if (!model) {
      throw new FlantuneError("model_needed", "Lengths are counted in a model's tokens", "Load a model first");
    }
    return this.#client.call("lengths", { data: this.id, reading: this.options, model: model.id });
  }

  /** Lets go of the rows. */
  async close(): Promise<void> {
    this.#client.forget(this.id);
    await this.#client.call("dropData", { data: this.id });
  }
}
