// Method, its settings, and runs.

import type { Options } from "../../engine.js";
import type { DeviceChoice, Method, Setting } from "../../types.js";
import { save } from "../dom.js";
import { defaultNumber } from "../keys.js";
import { dataName, modelName } from "../names.js";
import { PRESET_SETTINGS } from "../presets.js";
import { tidy } from "../rows.js";
import { byKey, isActive, isBusy, type Preset, type StepName } from "../state.js";
import type { Strings } from "../strings/en.js";
import type { DataSet, Model, Run } from "../trainer.js";
import type { DataActions } from "./data.js";
import { follow, newRun } from "./follow.js";
import { hubId, type ModelActions } from "./model.js";
import type { Shared } from "./shared.js";

export class TrainActions {
  #shared: Shared;
  #model: ModelActions;
  #data: DataActions;
  #run: Run | undefined;
  #onAdapter: () => Promise<void>;
  readonly chooseDevice: (device: DeviceChoice) => void;

  constructor(
    shared: Shared,
    model: ModelActions,
    data: DataActions,
    onAdapter: () => Promise<void>,
    chooseDevice: (device: DeviceChoice) => void,
  ) {
    this.#shared = shared;
    this.#model = model;
    this.#data = data;
    this.#onAdapter = onAdapter;
    this.chooseDevice = chooseDevice;
  }

  /** Another method starts from its own balanced settings; the seed stays. */
  chooseMethod(method: Method): void {
    this.#shared.store.change((state) => {
      const { seed = 0 } = state.settings;
      state.settings = { method, ...PRESET_SETTINGS[method].balanced, seed };
      state.preset = "balanced";
      state.invalid.clear();
      delete state.settingsProblem;
    });
  }

  choosePreset(preset: Preset): void {
    this.#shared.store.change((state) => {
      const { method, seed = 0 } = state.settings;
      state.settings = { method, ...PRESET_SETTINGS[method][preset], seed };
      state.preset = preset;
      state.invalid.clear();
      delete state.settingsProblem;
    });
  }

  /** Sets one key; without a value it goes back to its default. */
  set(key: string, value: Setting | undefined): void {
    this.#shared.store.change((state) => {
      const settings = byKey(state.settings);
      if (value === undefined || value === null) delete settings[key];
      else settings[key] = value;
      state.preset = "own";
      state.invalid.delete(key);
      delete state.settingsProblem;
    });
  }

  /** Has Prodigy find the learning rate; without it, the balanced preset's comes back. */
  findRate(find: boolean): void {
    const { settings } = this.#shared.store.state;
    const { learningRate } = PRESET_SETTINGS[settings.method].balanced;
    this.set("optimizer", find ? "prodigy" : undefined);
    this.set("learningRate", find ? undefined : learningRate);
  }

  /** A field holds what its key cannot be: nothing begins until that is mended. */
  refuse(key: string): void {
    this.#shared.store.change((state) => {
      state.invalid.add(key);
      state.preset = "own";
    });
  }

  /** The settings as a file for `flantune train --config`. What lies only here is named in its head. */
  async downloadToml(): Promise<void> {
    const { store } = this.#shared;
    const strings = this.#shared.strings();
    const { model, data, settings } = store.state;
    const options: Options = { ...settings, ...tidy(data.options) };
    if (model.choice === "builtin") options["model"] = "builtin";
    else {
      options["dtype"] = model.dtype;
      const id = hubId(model);
      if (id !== undefined) options["model"] = id;
    }
    const head = [
      ...(options["model"] === undefined
        ? [strings.settings.tomlModel(modelName({ strings, state: store.state }))]
        : []),
      strings.settings.tomlRows(dataName({ strings, state: store.state })),
    ];
    try {
      const text = await (await this.#shared.trainer()).toml(options);
      save(
        "flantune.toml",
        new Blob([...head.map((line) => `# ${line}\n`), "\n", text], { type: "application/toml" }),
      );
    } catch (thrown) {
      this.#shared.fail(thrown, (state, problem) => (state.settingsProblem = problem));
    }
  }

  async start(): Promise<void> {
    const { store } = this.#shared;
    const { state } = store;
    if (isBusy(state)) return;
    store.change(() => {
      state.starting = true;
      delete state.runProblem;
    });
    const ready = await this.#prepare();
    store.change(() => (state.starting = false));
    if (ready === undefined) return;
    const { model, data } = ready;
    const { method } = state.settings;
    const number = state.library.list.length + 1;
    const name = this.#shared
      .strings()
      .train.runName(dataName({ strings: this.#shared.strings(), state }), method, number);
    await this.#follow(
      newRun(name, method, model.name, data.name),
      async (trainer) => trainer.train(model, data, { ...state.settings, name }),
      model,
    );
  }

  /** The model and rows to train with; without them, it is said where they are chosen. */
  async #prepare(): Promise<{ model: Model; data: DataSet } | undefined> {
    const { store } = this.#shared;
    const { state } = store;
    const missing = (what: keyof Strings["train"]["missing"], step: StepName) => {
      store.change(() => {
        state.runProblem = { code: "missing", ...this.#shared.strings().train.missing[what] };
        state.open[step] = true;
      });
      return undefined;
    };
    if (state.invalid.size > 0) return missing("number", "method");
    if (!(await this.#model.isHere())) return missing("download", "model");
    const model = await this.#model.load();
    if (model === undefined) return missing("model", "model");
    const data = await this.#data.ready();
    if (data === undefined) return missing("data", "data");
    if (state.data.templateProblem !== undefined) return missing("template", "data");
    return { model, data };
  }

  /** Goes on with a run; `smaller` computes its batches in halves, where memory did not suffice. */
  async resumeRun(id: string, smaller = false): Promise<void> {
    const { store } = this.#shared;
    const info = store.state.interrupted.find((run) => run.id === id);
    if (info === undefined || isBusy(store.state)) return;
    store.change((state) => (state.interrupted = state.interrupted.filter((run) => run.id !== id)));
    const view = newRun(info.name, info.method, info.model.name, info.data.name);
    const rowsAtOnce =
      info.rowsAtOnce ??
      Math.max(1, Math.floor((info.options.batchSize ?? defaultNumber(store.state, "batchSize")) / 2));
    const { loaded } = store.state.model;
    // A base of the user's own files can only be had again from the user: it may be the one that is open.
    const base = info.model.kind === "files" && loaded?.name === info.model.name ? { model: loaded } : {};
    await this.#follow(view, (trainer) =>
      trainer.runs.resume(id, { ...base, ...(smaller ? { rowsAtOnce } : {}) }),
    );
  }

  async forgetRun(id: string): Promise<void> {
    try {
      await (await this.#shared.trainer()).runs.delete(id);
      await this.listRuns();
    } catch (thrown) {
      this.#shared.fail(thrown, (state, problem) => (state.runProblem = problem));
    }
  }

  /** Runs that were cut off, by a closed tab or a stop. */
  async listRuns(): Promise<void> {
    try {
      const runs = await (await this.#shared.trainer()).runs.list();
      const { run: current } = this.#shared.store.state;
      this.#shared.store.change((state) => {
        state.interrupted = runs.filter(
          (run) =>
            !(isActive(current) && run.id === current?.id) &&
            ["interrupted", "stopped", "failed"].includes(run.state),
        );
      });
    } catch (thrown) {
      this.#shared.fail(thrown, (state, problem) => (state.runProblem = problem));
    }
  }

  pause(): void {
    if (this.#shared.store.state.run?.phase !== "running") return;
    this.#run?.pause().catch((thrown: unknown) => this.#failed(thrown));
    this.#shared.store.change(({ run }) => run && (run.phase = "paused"));
    this.#shared.announce(this.#shared.strings().run.phase.paused);
  }

  resume(): void {
    if (this.#shared.store.state.run?.phase !== "paused") return;
    this.#run?.resume().catch((thrown: unknown) => this.#failed(thrown));
    this.#shared.store.change(({ run }) => run && (run.phase = "running"));
    this.#shared.announce(this.#shared.strings().run.phase.running);
  }

  async stop(): Promise<void> {
    const { run } = this.#shared.store.state;
    if (run === undefined || !isActive(run)) return;
    this.#shared.store.change(() => (run.phase = "stopping"));
    await this.#run?.stop().catch((thrown: unknown) => this.#failed(thrown));
  }

  #failed(thrown: unknown): void {
    this.#shared.fail(thrown, (state, problem) => (state.runProblem = problem));
  }

  /** Puts a run where it can be paused and stopped from the page. */
  hold(run: Run | undefined): void {
    this.#run = run;
  }

  async #follow(
    view: ReturnType<typeof newRun>,
    begin: (trainer: Awaited<ReturnType<Shared["trainer"]>>) => Promise<Run>,
    base?: Model,
  ): Promise<void> {
    const { store } = this.#shared;
    store.change((state) => (state.run = view));
    try {
      this.#run = await begin(await this.#shared.trainer());
    } catch (thrown) {
      this.#shared.fail(thrown, (_, problem) => {
        view.phase = "failed";
        view.problem = problem;
      });
      await this.listRuns(); // one that could not be gone on with is still there
      return;
    }
    this.#shared.announce(this.#shared.strings().run.started);
    const adapter = await follow(this.#shared, this.#run, view, base);
    this.#run = undefined;
    await this.listRuns();
    if (adapter === undefined) return;
    this.#shared.announce(this.#shared.strings().run.finished(adapter.name));
    await this.#onAdapter();
  }
}
