// One trainer in one place: its state, its actions, its views. The element keeps one of these.

import type { Changed } from "../protocol.js";
import type { StartOptions } from "../types.js";
import type { Actions } from "./actions/actions.js";
import { AttemptActions } from "./actions/attempt.js";
import { CompareActions } from "./actions/compare.js";
import { DataActions } from "./actions/data.js";
import { LibraryActions } from "./actions/library.js";
import { ModelActions } from "./actions/model.js";
import { PlanActions } from "./actions/plan.js";
import type { Shared } from "./actions/shared.js";
import { TrainActions } from "./actions/train.js";
import { FlanTuneErrorEvent } from "./events.js";
import { isSetting } from "./keys.js";
import { PRESET_SETTINGS, presetOf } from "./presets.js";
import { byKey, DEMOS, isBusy, isInUse, STEPS, type State, type StepName } from "./state.js";
import { problem, Store, said } from "./store.js";
import type { Strings } from "./strings/en.js";
import type { Start, Trainer } from "./trainer.js";
import type { Shared as Wishes } from "./url.js";
import { sentences } from "./views/parts.js";

export interface Host {
  fire(event: Event): void;
  announce(text: string): void;
  strings(): Strings;
  focusStep(step: StepName): void;
  options(): StartOptions;
}

export class App {
  readonly store = new Store();
  readonly actions: Actions;
  #host: Host;
  #start: Start;
  #trainer: Promise<Trainer> | undefined;
  #closed = false;
  /** Whether one trainer gives way to another, on another device. */
  #changing = false;
  /** What is no longer chosen, but may still be in use. */
  #retired: { close(): Promise<void> }[] = [];
  #model: ModelActions;
  #data: DataActions;
  #train: TrainActions;
  #library: LibraryActions;

  constructor(start: Start, host: Host) {
    this.#start = start;
    this.#host = host;
    const shared: Shared = {
      store: this.store,
      trainer: () => this.#begin(),
      strings: () => host.strings(),
      announce: (text) => host.announce(text),
      fire: (event) => host.fire(event),
      focusStep: (step) => host.focusStep(step),
      fail: (thrown, place, folded) => {
        const shown = problem(thrown);
        // What the trainer before still had to do ends with it.
        if (this.#closed || (this.#changing && shown.code === "closed")) return;
        const text = said(thrown, host.strings());
        this.store.change((state) => place(state, text));
        // The box of an open step tells by itself.
        if (folded !== undefined && !this.store.state.open[folded])
          host.announce(sentences([text.message, text.hint]));
        host.fire(new FlanTuneErrorEvent(shown));
      },
      retire: (thing) => {
        this.#retired.push(thing);
        this.store.change();
      },
    };
    this.store.subscribe(() => this.#closeRetired());
    const model = new ModelActions(shared, () => {
      void data.refresh();
      void library.list();
    });
    const data = new DataActions(shared);
    const library = new LibraryActions(shared, model);
    new PlanActions(shared);
    const train = new TrainActions(
      shared,
      model,
      data,
      () => library.list(),
      (device) => void this.#changeDevice(device),
    );
    this.#model = model;
    this.#data = data;
    this.#train = train;
    this.#library = library;
    this.actions = {
      model,
      data,
      train,
      attempt: new AttemptActions(shared, model, train, () => library.list()),
      compare: new CompareActions(shared, model, data, library),
      library,
      toggle: (step) => this.store.change(({ open }) => (open[step] = !open[step])),
      advance: (step) => this.#advance(step),
      restart: () => void this.#retry(),
    };
  }

  /** Takes over what attributes or an address ask for. Steps that are decided thereby are folded. */
  wish({ model, revision, dtype, data, rows, settings }: Wishes): void {
    this.store.change((state) => {
      if (model === "builtin") state.model.choice = "builtin";
      else if (model !== undefined) {
        state.model.choice = "web";
        state.model.address = model;
        state.model.revision = revision ?? "";
      }
      if (dtype !== undefined) state.model.dtype = dtype;
      state.data.options = { ...rows };
      const demo = DEMOS.find((name) => name === data);
      if (demo !== undefined) state.data.choice = demo;
      const method = settings.method ?? state.settings.method;
      state.settings = { ...PRESET_SETTINGS[method].balanced, seed: 0, ...settings, method };
      state.preset = presetOf(state.settings);
      const decided = model === "builtin" && demo !== undefined;
      state.open = {
        model: !decided,
        data: false,
        method: false,
        train: decided,
        compare: false,
        adapters: false,
      };
    });
  }

  /** Starts the trainer and lists what is here. */
  async open(): Promise<void> {
    this.store.change(({ device }) => delete device.problem);
    const beginning = this.#begin();
    try {
      const trainer = await beginning;
      const lists = [this.#library.list(), this.#train.listRuns(), this.#model.listStored()];
      const [list] = await Promise.all([trainer.keys(), ...lists]);
      this.store.change((state) => {
        state.keys = list;
        // An address may carry anything; only what is a setting stays.
        const known = new Set(list.filter(isSetting).map(({ name }) => name));
        for (const key of Object.keys(state.settings)) if (!known.has(key)) delete byKey(state.settings)[key];
        state.preset = presetOf(state.settings);
      });
      const { model, data } = this.store.state;
      if (this.#closed) return;
      if (model.choice === "builtin") void this.#model.load();
      if (data.choice !== "file" || data.file !== undefined) void this.#data.ready();
    } catch (thrown) {
      if (this.#closed || this.#trainer !== beginning) return;
      this.#trainer = undefined; // the next try begins anew
      const shown = said(thrown, this.#host.strings());
      this.store.change(({ device }) => (device.problem = shown));
      this.#host.announce(sentences([shown.message, shown.hint]));
      this.#host.fire(new FlanTuneErrorEvent(problem(thrown)));
    }
  }

  /** What did not start or load is tried again. */
  async #retry(): Promise<void> {
    const { device, model, data } = this.store.state;
    if (device.problem !== undefined) return this.open();
    if (model.problem !== undefined) await this.#model.load();
    if (data.problem !== undefined) await this.#data.ready();
  }

  /** Where Flantune's files or models are had from has changed: what runs goes on as it is. */
  addressesChanged(): void {
    if (!isBusy(this.store.state)) void this.#anew(() => {});
  }

  /** Something was changed in this browser, here or in another page. */
  async #refresh(what: Changed): Promise<void> {
    if (this.#closed) return;
    const lists = {
      adapters: () => this.#library.list(),
      runs: () => this.#train.listRuns(),
      models: () => this.#model.listStored(),
    };
    await lists[what]();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.store.close();
    this.#model.close();
    this.#data.close();
    this.actions.compare.cancel();
    const trainer = this.#trainer;
    this.#trainer = undefined;
    await trainer?.then((started) => started.close()).catch(() => undefined); // it never started: nothing to close
  }

  #begin(): Promise<Trainer> {
    if (this.#closed) return Promise.reject(Object.assign(new Error("closed"), { code: "cancelled" }));
    this.#trainer ??= this.#start({ ...this.#host.options(), device: this.store.state.device.choice }).then(
      (trainer) => {
        this.store.change(({ device }) => {
          device.info = trainer.device;
          device.warnings = trainer.warnings;
        });
        trainer.onChange((what) => void this.#refresh(what));
        return trainer;
      },
    );
    return this.#trainer;
  }

  /** Another device needs another worker; what was loaded is loaded again. */
  async #changeDevice(choice: App["store"]["state"]["device"]["choice"]): Promise<void> {
    const { state } = this.store;
    if (isBusy(state) || state.device.choice === choice) return;
    await this.#anew(({ device }) => (device.choice = choice));
  }

  async #anew(change: (state: State) => void): Promise<void> {
    // Whoever asks from now on, while the old one closes, gets the new one.
    const old = this.#trainer;
    this.#changing = true;
    this.#trainer = undefined;
    this.#model.forget();
    this.#data.forget();
    this.store.change((state) => {
      change(state);
      const { device, model, data } = state;
      delete device.info;
      model.phase = "none";
      delete model.loaded;
      delete data.set;
    });
    await old?.then((trainer) => trainer.close()).catch(() => undefined); // it never started: nothing to close
    await this.open();
    this.#changing = false;
  }

  #closeRetired(): void {
    if (isInUse(this.store.state)) return;
    // It may be of a trainer that is gone.
    for (const thing of this.#retired.splice(0)) void thing.close().catch(() => undefined);
  }

  #advance(step: StepName): void {
    const next = STEPS[STEPS.indexOf(step) + 1];
    this.store.change(({ open }) => {
      open[step] = false;
      if (next !== undefined) open[next] = true;
    });
    if (next !== undefined) this.#host.focusStep(next);
  }
}
