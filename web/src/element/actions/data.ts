// Reading rows, and how they become source and target.

import type { DataOptions, DataSource } from "../../types.js";
import { composeTemplate, guessColumns } from "../columns.js";
import { limits, tidy } from "../rows.js";
import type { DataState, Demo } from "../state.js";
import type { DataSet } from "../trainer.js";
import type { Shared } from "./shared.js";

/** How long the template rests before it is tried, in milliseconds. */
const PAUSE = 250;
const PREVIEWS = 3;

export class DataActions {
  #shared: Shared;
  #call = 0;
  /** The set that is being opened, if any; who waits for an earlier one gets this. */
  #opening: Promise<DataSet | undefined> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** The limits stay; a demo set brings its own rows to judge by. */
  chooseDemo(name: Demo): Promise<DataSet | undefined> {
    const { validationFraction: _, ...options } = limits(this.#shared.store.state.data.options);
    return this.#open(name, name, options);
  }

  chooseFile(file: File): Promise<DataSet | undefined> {
    return this.#open("file", file, limits(this.#shared.store.state.data.options));
  }

  /** Reads what is chosen, as it was set up. */
  async reopen(): Promise<DataSet | undefined> {
    const { choice, file, options } = this.#shared.store.state.data;
    const source = choice === "file" ? file : choice;
    return source === undefined ? undefined : this.#open(choice, source, options);
  }

  /** The rows of now; reads what is chosen where nothing was read yet. */
  async ready(): Promise<DataSet | undefined> {
    const { data } = this.#shared.store.state;
    if (this.#timer !== undefined) await this.refresh(); // typing has not rested yet
    if (this.#opening !== undefined) return this.#opening;
    return data.set ?? this.reopen();
  }

  /** Changes how rows become text. `soon` waits until typing rests. */
  configure(options: DataOptions, soon = false): void {
    const { store } = this.#shared;
    store.change(({ data }) => (data.options = { ...data.options, ...options }));
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (soon) this.#timer = setTimeout(() => void this.refresh(), PAUSE);
    else void this.refresh();
  }

  /** Columns to source and target: a template that the user can go on with, where their names allow one. */
  mapColumns(source: string, target: string): void {
    const template = composeTemplate(source, target);
    this.configure({ sourceField: source, targetField: target, template: template ?? "" });
  }

  /** Looks again at rows as the model sees them. A later call makes an earlier one's answer void. */
  async refresh(): Promise<void> {
    const { store } = this.#shared;
    const { data, model } = store.state;
    const call = ++this.#call;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (data.set === undefined) return;
    try {
      const set = await data.set.configure(tidy(data.options));
      if (call !== this.#call) return;
      const loaded = model.loaded;
      const previews = await set.preview(PREVIEWS, loaded === undefined ? {} : { model: loaded });
      if (call !== this.#call) return;
      store.change(() => {
        data.set = set;
        data.previews = previews;
        delete data.templateProblem;
      });
      if (loaded === undefined) return;
      const lengths = await set.lengths({ model: loaded });
      if (call === this.#call) store.change(() => (data.lengths = lengths));
    } catch (thrown) {
      if (call !== this.#call) return;
      this.#shared.fail(thrown, (state, problem) => (state.data.templateProblem = problem));
    }
  }

  /** Rows that are being read are of a trainer that is gone. */
  forget(): void {
    this.#call += 1;
    this.#opening = undefined;
  }

  close(): void {
    this.#call += 1;
    clearTimeout(this.#timer);
  }

  #open(choice: DataState["choice"], source: DataSource, options: DataOptions): Promise<DataSet | undefined> {
    const opening: Promise<DataSet | undefined> = this.#read(
      choice,
      source,
      options,
      () => this.#opening === opening,
    ).then((set) => {
      if (this.#opening !== opening) return this.#opening;
      this.#opening = undefined;
      return set;
    });
    this.#opening = opening;
    return opening;
  }

  /** Reads a set into the state, as long as it is the one that is wanted. */
  async #read(
    choice: DataState["choice"],
    source: DataSource,
    options: DataOptions,
    isWanted: () => boolean,
  ): Promise<DataSet | undefined> {
    const { store } = this.#shared;
    this.#call += 1;
    const { set: before } = store.state.data;
    if (before !== undefined) this.#shared.retire(before);
    store.change(({ data }) => {
      data.choice = choice;
      data.phase = "reading";
      data.previews = [];
      delete data.set;
      delete data.lengths;
      delete data.problem;
      delete data.templateProblem;
      delete data.file;
      if (source instanceof File) data.file = source;
    });
    try {
      const set = await (await this.#shared.trainer()).loadData(source, tidy(options));
      if (!isWanted()) {
        this.#shared.retire(set);
        return undefined;
      }
      store.change(({ data }) => {
        data.set = set;
        data.phase = "ready";
        data.options = { ...set.options, ...options };
        if (choice === "file" && !options.template && options.sourceField === undefined) {
          const columns = guessColumns(set.fields);
          if (columns !== undefined) {
            data.options.sourceField = columns.source;
            data.options.targetField = columns.target;
            data.options.template = composeTemplate(columns.source, columns.target) ?? "";
          }
        }
      });
      this.#shared.announce(this.#shared.strings().data.ready(set.name, String(set.rows)));
      await this.refresh();
      return store.state.data.set;
    } catch (thrown) {
      if (isWanted()) {
        this.#shared.fail(
          thrown,
          ({ data }, problem) => {
            data.problem = problem;
            data.phase = "none";
          },
          "data",
        );
      }
      return undefined;
    }
  }
}
