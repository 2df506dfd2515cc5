// A data set.

import { FlantuneError } from "../error.js";
import type { LoadedData } from "../protocol.js";
import type { DataOptions, Lengths, Preview } from "../types.js";
import { aCount, optionsAmong, settings, text, wrong } from "./check.js";
import type { Client } from "./client.js";
import { asyncDispose } from "./dispose.js";
import { type AnyModel, givenModel } from "./given.js";
import { checkKeys } from "./options.js";

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
  readonly #model: () => AnyModel | undefined;

  /** Not for users: `Flantune.loadData` makes them. `model` is the one that is meant where none is named. */
  constructor(
    client: Client,
    id: string,
    loaded: LoadedData,
    options: DataOptions,
    model: () => AnyModel | undefined,
  ) {
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

  get [Symbol.toStringTag](): string {
    return "FlantuneData";
  }

  /** The same rows with other options, in place of these. Errors: `setting`. */
  async configure(options: DataOptions): Promise<Data> {
    this.check();
    if (options === undefined) throw wrong("configure", options, "an object of options");
    await checkData(this.#client, "configure", options);
    return new Data(this.#client, this.id, this.#loaded, options, this.#model);
  }

  /**
   * The first rows, or those from `first` (counted from 0), as the model sees them. Tokens are those
   * of `model`, or of the model that was loaded last; without any there is only text.
   *
   * Errors: `template` for one that does not parse or names a field that is not there, `setting`.
   */
  async preview(count: number, options: { model?: AnyModel; first?: number } = {}): Promise<Preview[]> {
    this.check();
    aCount("preview: count", count);
    optionsAmong("preview", options, ["model", "first"]);
    const { model = this.#model(), first = 0 } = options;
    aCount("preview: first", first);
    const params = { data: this.id, reading: this.options, first, count };
    return this.#client.call(
      "preview",
      model ? { ...params, model: givenModel("preview: model", this.#client, model).id } : params,
    );
  }

  /** How many tokens the rows have, and what would be cut. Errors as those of `preview`. */
  async lengths(options: { model?: AnyModel } = {}): Promise<Lengths> {
    this.check();
    optionsAmong("lengths", options, ["model"]);
    const { model = this.#model() } = options;
    if (!model) {
      throw new FlantuneError(
        "model_needed",
        "Lengths are counted in a model's tokens",
        "Load a model first",
      );
    }
    const { id } = givenModel("lengths: model", this.#client, model);
    return this.#client.call("lengths", { data: this.id, reading: this.options, model: id });
  }

  /** Lets go of the rows. A run that needs them keeps them until it ends. */
  close(): Promise<void> {
    return this.#client.drop(this.id, () => this.#client.call("dropData", { data: this.id }));
  }

  /** `await using data = …` closes it. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Not for users: whether these are rows of that client. */
  isOf(client: Client): boolean {
    return this.#client === client;
  }

  /** Not for users: throws where they were closed. */
  check(): void {
    this.#client.check(this.id, "These rows were");
  }
}

/** Options of rows. Errors: `setting`. */
export async function checkData(client: Client, where: string, options: unknown): Promise<void> {
  const { name, ...keys } = settings(where, options);
  if (name !== undefined) text(`${where}: name`, name, "the name that the rows are to go by");
  await checkKeys(client, "rows", where, keys, ["name"]);
}
