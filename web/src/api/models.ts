// Models before they are loaded.

import type { Options } from "../engine.js";
import type { WorkerSource } from "../protocol.js";
import type { DownloadPlan, ModelSource, StoredModel } from "../types.js";
import {
  address,
  anObject,
  aSignal,
  isFile,
  isPlainObject,
  optionsAmong,
  settings,
  text,
  wrong,
} from "./check.js";
import type { Client } from "./client.js";

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
  async plan(source: ModelSource, asked: PlanOptions = {}): Promise<DownloadPlan> {
    optionsAmong("plan", asked, ["options", "signal"]);
    const { options = {}, signal } = asked;
    aSignal("plan: signal", signal);
    settings("plan: options", options);
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
    await this.#client.call("removeModel", {
      key: text("delete: key", key, "the key of a kept model, as `models.list` gives it"),
    });
  }
}

const SOURCES = "{ builtin: true }, { files }, { url } or { hub }";

/** As it crosses to the worker. Errors: `setting`. */
export function workerSource(source: ModelSource): WorkerSource {
  const where = "model";
  if (!isPlainObject(source)) throw wrong(where, source, SOURCES, sourceHint(source));
  const given: Record<string, unknown> = anObject(where, source);
  const kinds = ["builtin", "files", "url", "hub"].filter((kind) => given[kind] !== undefined);
  if (kinds.length !== 1) throw wrong(where, source, `one of ${SOURCES}`);
  optionsAmong(where, source, given["hub"] === undefined ? kinds : ["hub", "revision"]);
  switch (kinds[0]) {
    case "builtin":
      if (given["builtin"] !== true) throw wrong("model: builtin", given["builtin"], "true");
      return { builtin: true };
    case "files":
      return { files: chosenFiles(given["files"]) };
    case "url":
      return { url: address("model: url", given["url"]) };
    default: {
      const hub = text("model: hub", given["hub"], "OWNER/NAME");
      const { revision } = given;
      return revision === undefined
        ? { hub }
        : { hub, revision: text("model: revision", revision, "a commit, a tag or a branch") };
    }
  }
}

function chosenFiles(files: unknown): { path: string; file: File }[] {
  const iterable = typeof files === "object" && files !== null && Symbol.iterator in files;
  if (!iterable) throw wrong("model: files", files, "Files: a FileList, or an array of them");
  return [...(files as Iterable<unknown>)].map((file, place) => {
    if (!isFile(file)) throw wrong(`model: file ${place + 1}`, file, "a File, whose name tells what it is");
    return { path: file.webkitRelativePath || file.name, file };
  });
}

function sourceHint(source: unknown): string | undefined {
  if (source === "builtin") return "Write loadModel({ builtin: true })";
  if (typeof source !== "string") return undefined;
  return /^https?:/.test(source) ? "Write loadModel({ url })" : "Write loadModel({ hub })";
}
