// The library of adapters.

import { newId } from "../id.js";
import type { AdapterInfo, Warning } from "../types.js";
import { isBlob, isFile, optionsAmong, text, wrong } from "./check.js";
import type { Client } from "./client.js";
import { givenAdapter, givenModel } from "./given.js";
import type { Model } from "./model.js";

/** Adapters that are kept in this browser. Each may be named by its id or by its whole record. */
export class Adapters {
  readonly #client: Client;

  /** Not for users: `flantune.adapters`. */
  constructor(client: Client) {
    this.#client = client;
  }

  /** Newest first. Beside a model each whose base is known says whether it belongs to it (`fit`). */
  async list(options: { model?: Model } = {}): Promise<AdapterInfo[]> {
    optionsAmong("list", options, ["model"]);
    const { model } = options;
    return this.#client.call(
      "listAdapters",
      model ? { model: givenModel("list: model", this.#client, model).id } : {},
    );
  }

  /** Gives an adapter another name; a number is added where another has that one. */
  async rename(adapter: AdapterInfo | string, name: string): Promise<AdapterInfo> {
    const id = givenAdapter("rename: adapter", adapter);
    return this.#client.call("renameAdapter", {
      adapter: id,
      name: text("rename: name", name, "the adapter's new name"),
    });
  }

  /** PEFT's directory as a zip: the same bytes each time. */
  async export(adapter: AdapterInfo | string): Promise<Blob> {
    return this.#client.call("exportAdapter", { adapter: givenAdapter("export: adapter", adapter) });
  }

  /** Takes in a zip of a PEFT directory. Errors: `adapter`, `tensor`, `format`, `quota`. */
  async import(file: Blob, name?: string): Promise<AdapterInfo> {
    if (!isBlob(file))
      throw wrong("import: file", file, "a File or a Blob with the adapter's zip", blobHint(file));
    if (name !== undefined) text("import: name", name, "the adapter's name");
    const given = name ?? (isFile(file) ? file.name.replace(/\.zip$/i, "") : "imported");
    return this.#client.call("importAdapter", { adapter: newId(), file, name: given });
  }

  /**
   * What there is to know of an adapter beside a model: names that the model lacks, keys that nobody knows,
   * another precision. Errors: `adapter`, `tensor` where it does not go with that model.
   */
  async check(model: Model, adapter: AdapterInfo | string): Promise<Warning[]> {
    const { id } = givenModel("check: model", this.#client, model);
    return this.#client.call("checkAdapter", { model: id, adapter: givenAdapter("check: adapter", adapter) });
  }

  /** The base with an adapter folded in: a whole model's directory as a zip. */
  async merge(model: Model, adapter: AdapterInfo | string): Promise<Blob> {
    givenModel("merge: model", this.#client, model);
    return model.merge(adapter);
  }

  /** Removes it, and the record of the run that made it, unless that run can still be gone on with. */
  async delete(adapter: AdapterInfo | string): Promise<void> {
    await this.#client.call("removeAdapter", { adapter: givenAdapter("delete: adapter", adapter) });
  }
}

/** What is said of an answer of the network, which holds a file but is none. */
export function blobHint(value: unknown): string | undefined {
  return typeof Response !== "undefined" && value instanceof Response
    ? "Give what it holds: await response.blob()"
    : undefined;
}
