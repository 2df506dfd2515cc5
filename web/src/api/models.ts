// Models before they are loaded.

import type { Client } from "./client.js";
import type { Options, WorkerSource } from "../protocol.js";
import type { DownloadPlan, ModelSource, StoredModel } from "../types.js";

export interface PlanOptions {
  /** What a run is to be like: memory depends on it. Keys of the configuration. */
  options?: Options;
  signal?: AbortSignal;
}

/** What models there are, and what they would take. */
export class Models {
  readonly #client: Client;

  /** Not for users: `flantune.models`. */
  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * What a model would take, before it is downloaded: bytes to come, and bytes of memory in a run.
   *
   * Errors: `hub`, `network`, `not_found`, `format` for what is no T5, `cancelled`.
   */
  async plan(source: ModelSource, { options = {}, signal }: PlanOptions = {}): Promise<DownloadPlan> {
    return this.#client.call("planModel", { source: workerSource(source), options }, { signal });
  }

  /** Models that are kept in this browser, whole or in part. */
  list(): Promise<StoredModel[]> {
    return this.#client.call("listModels", {});
  }

  /**
   * Removes what is kept of exactly this model. A download of it is called off by its signal first.
   *
   * Errors: `busy` while it is being downloaded, here or in another tab.
   */
  async delete(key: string): Promise<void> {
    await this.#client.call("removeModel", { key });
  }
}

/** As it crosses to the worker. */
export function workerSource(source: ModelSource): WorkerSource {
  if ("files" in source) {
    return { files: [...source.files].map((file) => ({ path: file.webkitRelativePath || file.name, file })) };
  }
  if ("url" in source) return { url: new URL(source.url, location.href).href };
  return source;
}
