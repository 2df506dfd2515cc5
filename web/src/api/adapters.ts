// The library of adapters.

import type { Client } from "./client.js";
import { adapterId, type Model } from "./model.js";
import { newId } from "./id.js";
import type { AdapterInfo } from "../types.js";

/** Adapters that are kept in this browser. Each may be named by its id or by its whole record. */
export class Adapters {
  readonly #client: Client;

  /** Not for users: `flantune.adapters`. */
  constructor(client: Client) {
    this.#client = client;
  }

  /** Newest first. */
  list(): Promise<AdapterInfo[]> {
    return this.#client.call("listAdapters", {});
  }

  /** Gives an adapter another name; a number is added where another has that one. */
  rename(adapter: AdapterInfo | string, name: string): Promise<AdapterInfo> {
    return this.#client.call("renameAdapter", { adapter: adapterId(adapter), name });
  }

  /** PEFT's directory as a zip: the same bytes each time. */
  export(adapter: AdapterInfo | string): Promise<Blob> {
    return this.#client.call("exportAdapter", { adapter: adapterId(adapter) });
  }

  /** Takes in a zip of a PEFT directory. Errors: `adapter`, `tensor`, `format`, `quota`. */
  import(file: Blob, name?: string): Promise<AdapterInfo> {
    const given = name ?? (file instanceof File ? file.name.replace(/\.zip$/i, "") : "imported");
    return this.#client.call("importAdapter", { adapter: newId(), file, name: given });
  }

  /** The base with an adapter folded in: a whole model's directory as a zip. */
  merge(model: Model, adapter: AdapterInfo | string): Promise<Blob> {
    return model.merge(adapter);
  }

  /** Removes it, and the record of the run that made it, unless that run can still be gone on with. */
  async delete(adapter: AdapterInfo | string): Promise<void> {
    await this.#client.call("removeAdapter", { adapter: adapterId(adapter) });
  }
}
