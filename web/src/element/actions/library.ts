// The library of adapters.

import { save } from "../dom.js";
import { fits, type LibraryState } from "../state.js";
import type { Model, Trainer } from "../trainer.js";
import type { ModelActions } from "./model.js";
import type { Shared } from "./shared.js";

export class LibraryActions {
  #shared: Shared;
  #model: ModelActions;

  constructor(shared: Shared, model: ModelActions) {
    this.#shared = shared;
    this.#model = model;
  }

  /** Lists adapters anew. The ones that came are compared from now on. */
  async list(): Promise<void> {
    try {
      const trainer = await this.#shared.trainer();
      const beside = this.#shared.store.state.model.loaded;
      const list = await trainer.adapters.list(beside && { model: beside });
      this.#shared.store.change(({ library, compare }) => {
        const known = new Set(library.list.map(({ id }) => id));
        for (const { id } of list) if (!known.has(id)) compare.chosen.add(id);
        for (const id of compare.chosen)
          if (!list.some((adapter) => adapter.id === id)) compare.chosen.delete(id);
        library.list = list;
        if (beside === undefined) delete library.beside;
        else library.beside = beside;
      });
    } catch (thrown) {
      this.#shared.fail(thrown, ({ library }, problem) => (library.problem = problem));
    }
  }

  rename(id: string, name: string): Promise<void> {
    const trimmed = name.trim();
    const adapter = this.#shared.store.state.library.list.find((known) => known.id === id);
    if (adapter === undefined || trimmed === "" || trimmed === adapter.name) return Promise.resolve();
    return this.#work(id, undefined, async (trainer) => void (await trainer.adapters.rename(id, trimmed)));
  }

  export(id: string): Promise<void> {
    return this.#work(id, "export", async (trainer) =>
      save(`${this.#fileName(id)}.zip`, await trainer.adapters.export(id)),
    );
  }

  merge(id: string): Promise<void> {
    return this.#work(id, "merge", async (trainer) => {
      const model = await this.#model.load();
      if (model === undefined) throw new Error(this.#shared.strings().adapters.modelMissing);
      save(`${this.#fileName(id)}-merged.zip`, await trainer.adapters.merge(model, id));
    });
  }

  async import(files: Iterable<File>): Promise<void> {
    for (const file of files) {
      await this.#work("", "import", async (trainer) => {
        const adapter = await trainer.adapters.import(file);
        this.#shared.announce(this.#shared.strings().adapters.imported(adapter.name));
        await this.list();
        const { state } = this.#shared.store;
        const listed = state.library.list.find(({ id }) => id === adapter.id);
        const { loaded } = state.model;
        if (loaded !== undefined && listed !== undefined && fits(state, listed))
          await this.check(loaded, adapter.id);
      });
    }
  }

  /** Asks what there is to know of an adapter beside a model. */
  async check(model: Model, id: string): Promise<void> {
    const warnings = await (await this.#shared.trainer()).adapters.check(model, id);
    this.#shared.store.change(({ library }) => library.warnings.set(id, warnings));
  }

  /** Asks for a second click, in place. */
  doom(id: string | undefined): void {
    this.#shared.store.change(({ library }) => {
      if (id === undefined) delete library.doomed;
      else library.doomed = id;
    });
  }

  delete(id: string): Promise<void> {
    return this.#work(id, "delete", (trainer) => trainer.adapters.delete(id));
  }

  #fileName(id: string): string {
    const name =
      this.#shared.store.state.library.list.find((adapter) => adapter.id === id)?.name ?? "adapter";
    return name.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^-+|-+$/g, "") || "adapter";
  }

  async #work(
    id: string,
    work: NonNullable<LibraryState["busy"]>["work"] | undefined,
    act: (trainer: Trainer) => Promise<void>,
  ): Promise<void> {
    const { store } = this.#shared;
    store.change(({ library }) => {
      delete library.problem;
      delete library.doomed;
      if (work !== undefined) library.busy = { id, work };
    });
    try {
      await act(await this.#shared.trainer());
    } catch (thrown) {
      this.#shared.fail(thrown, ({ library }, problem) => (library.problem = { ...problem, id }));
    }
    store.change(({ library }) => delete library.busy);
    await this.list();
  }
}
