// Choosing, downloading and loading a base.

import type { DownloadPlan, ModelSource } from "../../types.js";
import { limits } from "../rows.js";
import type { ModelState } from "../state.js";
import { isAbort } from "../store.js";
import type { Model } from "../trainer.js";
import type { Shared } from "./shared.js";

export class ModelActions {
  #shared: Shared;
  #abort: AbortController | undefined;
  #loading: Promise<Model | undefined> | undefined;
  /** The base that was open before another was chosen. */
  #held: Model | undefined;
  #onLoaded: () => void;

  constructor(shared: Shared, onLoaded: () => void) {
    this.#shared = shared;
    this.#onLoaded = onLoaded;
  }

  choose(change: Partial<Pick<ModelState, "choice" | "address" | "revision" | "dtype" | "files">>): void {
    this.#abort?.abort();
    this.#loading = undefined;
    const { loaded, phase } = this.#shared.store.state.model;
    this.#shared.store.change(({ model }) => {
      Object.assign(model, change);
      model.phase = "none";
      delete model.problem;
      delete model.plan;
      delete model.progress;
      delete model.loaded;
    });
    if (loaded !== undefined) this.#held = loaded;
    if (phase === "loading" || phase === "paused") void this.listStored(); // what came of a download is kept
  }

  /** Asks what a model of a hub or the web would take, and downloads nothing of its weights. */
  async plan(): Promise<DownloadPlan | undefined> {
    const { store } = this.#shared;
    const state = store.state.model;
    const source = this.#source();
    if (source === undefined) {
      const { code, message, hint } = { code: "missing", ...this.#shared.strings().model.addressMissing };
      store.change(() => (state.problem = { code, message, hint }));
      return undefined;
    }
    const abort = this.#begin();
    store.change(() => {
      state.phase = "planning";
      delete state.problem;
      delete state.plan;
    });
    try {
      const trainer = await this.#shared.trainer();
      const { settings, data } = store.state;
      const options = { ...settings, ...limits(data.options), dtype: state.dtype };
      const plan = await trainer.models.plan(source, { options, signal: abort.signal });
      if (abort.signal.aborted) return undefined;
      store.change(() => {
        state.plan = plan;
        state.phase = "planned";
      });
      this.#shared.announce(this.#shared.strings().model.planned);
      return plan;
    } catch (thrown) {
      this.#failed(thrown, abort);
      return undefined;
    }
  }

  /** Whether the chosen model can be loaded without a download whose size nobody has seen; else that is looked up. */
  async isHere(): Promise<boolean> {
    const { model } = this.#shared.store.state;
    if (model.choice !== "web" || model.loaded !== undefined || model.plan !== undefined) return true;
    const plan = await this.plan();
    return plan === undefined || plan.bytes === 0; // without an answer, loading says what is wrong
  }

  /** Loads what is chosen. A second call while it loads waits for the first. */
  load(): Promise<Model | undefined> {
    const { loaded } = this.#shared.store.state.model;
    if (loaded !== undefined) return Promise.resolve(loaded);
    if (this.#loading !== undefined) return this.#loading;
    const loading: Promise<Model | undefined> = this.#load().finally(() => {
      if (this.#loading === loading) this.#loading = undefined;
    });
    this.#loading = loading;
    return loading;
  }

  async #load(): Promise<Model | undefined> {
    const { store } = this.#shared;
    const state = store.state.model;
    const source = this.#source();
    if (source === undefined) {
      store.change(() => (state.problem = { code: "missing", ...this.#shared.strings().model.filesMissing }));
      return undefined;
    }
    const abort = this.#begin();
    store.change(() => {
      state.phase = "loading";
      delete state.problem;
      delete state.progress;
    });
    try {
      const trainer = await this.#shared.trainer();
      const model = await trainer.loadModel(source, {
        dtype: state.dtype,
        signal: abort.signal,
        onProgress: (progress) => store.change(() => (state.progress = progress)),
      });
      if (abort.signal.aborted) {
        this.#shared.retire(model);
        return undefined;
      }
      // The one before is let go of now, not when another was only looked at.
      if (this.#held !== undefined) this.#shared.retire(this.#held);
      this.#held = undefined;
      store.change(() => {
        state.loaded = model;
        state.phase = "ready";
      });
      this.#shared.announce(this.#shared.strings().model.ready(model.name));
      this.#onLoaded();
      void this.listStored();
      return model;
    } catch (thrown) {
      this.#failed(thrown, abort);
      return undefined;
    }
  }

  /** What was loaded, or is about to be, is of a trainer that is gone. */
  forget(): void {
    this.#abort?.abort();
    this.#loading = undefined;
    this.#held = undefined;
  }

  /** Stops a download; what is here stays, and `load` goes on from there. */
  pause(): void {
    this.#abort?.abort();
    this.#loading = undefined;
    this.#shared.store.change(({ model }) => (model.phase = "paused"));
  }

  /** Stops a download and gives the space back. */
  async cancel(): Promise<void> {
    this.#abort?.abort();
    this.#loading = undefined;
    const { store } = this.#shared;
    const { progress, plan } = store.state.model;
    const key = progress?.key ?? plan?.key;
    store.change(({ model }) => {
      model.phase = model.plan === undefined ? "none" : "planned";
      delete model.progress;
    });
    if (key !== undefined) await this.deleteStored(key);
  }

  async listStored(): Promise<void> {
    try {
      const stored = await (await this.#shared.trainer()).models.list();
      this.#shared.store.change(({ model }) => (model.stored = stored));
    } catch (thrown) {
      this.#shared.fail(thrown, ({ model }, problem) => (model.problem = problem));
    }
  }

  async deleteStored(key: string): Promise<void> {
    try {
      await (await this.#shared.trainer()).models.delete(key);
    } catch (thrown) {
      this.#shared.fail(thrown, ({ model }, problem) => (model.problem = problem));
    }
    await this.listStored();
  }

  close(): void {
    this.#abort?.abort();
  }

  #begin(): AbortController {
    this.#abort?.abort();
    this.#abort = new AbortController();
    return this.#abort;
  }

  #failed(thrown: unknown, abort: AbortController): void {
    if (abort.signal.aborted || isAbort(thrown)) return;
    this.#shared.fail(
      thrown,
      ({ model }, problem) => {
        model.problem = problem;
        model.phase = model.plan === undefined ? "none" : "planned";
      },
      "model",
    );
  }

  #source(): ModelSource | undefined {
    const { choice, address, revision, files, plan } = this.#shared.store.state.model;
    if (choice === "builtin") return { builtin: true };
    if (choice === "files") return files.length === 0 ? undefined : { files };
    const typed = address.trim();
    if (typed === "") return undefined;
    if (isUrl(typed)) return { url: typed };
    const pinned = plan?.commit ?? revision.trim();
    return pinned === "" ? { hub: typed } : { hub: typed, revision: pinned };
  }
}

/** The hub's id of the chosen model, with its commit where that is known. */
export function hubId({ choice, address, revision, plan }: ModelState): string | undefined {
  const typed = address.trim();
  if (choice !== "web" || typed === "" || isUrl(typed)) return undefined;
  const commit = plan?.commit ?? revision.trim();
  return commit === "" ? typed : `${typed}@${commit}`;
}

function isUrl(address: string): boolean {
  return /^https?:\/\//.test(address);
}
