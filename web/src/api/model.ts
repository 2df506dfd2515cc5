// A base model that is loaded.

import type { Options } from "../engine.js";
import type { LoadedModel } from "../protocol.js";
import type {
  AdapterInfo,
  Answer,
  Architecture,
  Dtype,
  EvaluateOptions,
  Evaluation,
  GenerateOptions,
  ModelRecipe,
} from "../types.js";
import { aCount, aFunction, anObject, aSignal, settings, wrong } from "./check.js";
import type { Client } from "./client.js";
import type { Data } from "./data.js";
import { asyncDispose } from "./dispose.js";
import { adapterParam, givenAdapter, givenData } from "./given.js";
import { checkKeys } from "./options.js";

/** A base model in memory. Adapters are taken up beside it per request; it is never changed. */
export class Model {
  /** What the worker calls it. */
  readonly id: string;
  readonly name: string;
  readonly architecture: Architecture;
  /** By which adapters know their base. */
  readonly hash: string;
  /** What its weights rest as: a directory of integers is that, whatever it was loaded with. */
  readonly dtype: Dtype;
  /** Bytes of the weights in memory. */
  readonly bytes: number;
  /** Where it came from. */
  readonly recipe: ModelRecipe;
  readonly #client: Client;
  readonly #onClosed: (model: Model) => void;

  /** Not for users: `Flantune.loadModel` makes models. `onClosed` is told when it is closed. */
  constructor(client: Client, id: string, loaded: LoadedModel, onClosed: (model: Model) => void) {
    const { name, architecture, hash, dtype, bytes, recipe } = loaded;
    this.#client = client;
    this.#onClosed = onClosed;
    this.id = id;
    this.name = name;
    this.architecture = { ...architecture, name };
    this.hash = hash;
    this.dtype = dtype;
    this.bytes = bytes;
    this.recipe = recipe;
  }

  get [Symbol.toStringTag](): string {
    return "FlantuneModel";
  }

  /**
   * The best text for a prompt, or for each prompt of an array, in their order.
   *
   * Errors: `setting` for an impossible option, `adapter` for one of another base, `cancelled`.
   */
  async generate(prompt: string, options?: GenerateOptions): Promise<string>;
  async generate(prompts: string[], options?: GenerateOptions): Promise<string[]>;
  async generate(prompts: string | string[], options: GenerateOptions = {}): Promise<string | string[]> {
    const answers = await this.#answer(
      "generate",
      typeof prompts === "string" ? [prompts] : prompts,
      options,
    );
    const texts = answers.map(({ texts }) => texts[0] ?? "");
    return typeof prompts === "string" ? (texts[0] ?? "") : texts;
  }

  /** As `generate`, with all texts (`numReturnSequences`) and the scores by which beams are ranked. */
  async answer(prompt: string, options?: GenerateOptions): Promise<Answer>;
  async answer(prompts: string[], options?: GenerateOptions): Promise<Answer[]>;
  async answer(prompts: string | string[], options: GenerateOptions = {}): Promise<Answer | Answer[]> {
    if (typeof prompts !== "string") return this.#answer("answer", prompts, options);
    const [answer] = await this.#answer("answer", [prompts], options);
    return answer as Answer; // one prompt has one answer
  }

  /**
   * Scores the model on rows: by default on all of them and by loss.
   *
   * ROUGE metrics are objects of `precision`, `recall` and `f1` in 0..1; BLEU and chrF are in 0..100.
   * Errors as those of `generate`, and `row`, `template` where no row can be used.
   */
  async evaluate(data: Data, options: EvaluateOptions = {}): Promise<Evaluation> {
    this.check();
    givenData("evaluate: data", this.#client, data);
    anObject("evaluate", options);
    const { adapter, signal, onProgress, split = "all", limit, ...keys } = options;
    aSignal("evaluate: signal", signal);
    aFunction("evaluate: onProgress", onProgress);
    if (split !== "all" && split !== "validation") throw wrong("evaluate: split", split, "all or validation");
    if (limit !== undefined) aCount("evaluate: limit", limit, 1);
    const params = {
      model: this.id,
      data: data.id,
      reading: data.options,
      options: await this.#keys("evaluate", keys, ["adapter", "signal", "onProgress", "split", "limit"]),
      split,
      ...(limit !== undefined && { rows: limit }),
      ...adapterParam("evaluate: adapter", adapter),
    };
    const rows = split === "all" || !onProgress ? data.rows : await this.#heldOut(data);
    const total = Math.min(rows, limit ?? Infinity);
    const tell = (rows: number) => onProgress?.(rows, Math.max(rows, total));
    return this.#client.call("evaluate", params, { signal, tell });
  }

  /** About how many rows of these a run holds out. */
  async #heldOut(data: Data): Promise<number> {
    const { length } = await this.#client.call("plan", { options: {}, data: data.id, reading: data.options });
    return length?.validation_examples ?? data.rows;
  }

  /** The base with an adapter folded in: a whole model's directory as a zip. LoRA only (`adapter`). */
  async merge(adapter: AdapterInfo | string): Promise<Blob> {
    this.check();
    return this.#client.call("merge", { model: this.id, adapter: givenAdapter("merge: adapter", adapter) });
  }

  /** Gives its memory back. A run beside it keeps it until it ends. */
  close(): Promise<void> {
    this.#onClosed(this);
    return this.#client.drop(this.id, () => this.#client.call("dropModel", { model: this.id }));
  }

  /** `await using model = …` closes it. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Not for users: whether this is a model of that client. */
  isOf(client: Client): boolean {
    return this.#client === client;
  }

  /** Not for users: throws where it was closed. */
  check(): void {
    this.#client.check(this.id, "This model was");
  }

  async #answer(where: string, prompts: string[], options: GenerateOptions): Promise<Answer[]> {
    this.check();
    checkPrompts(where, prompts);
    anObject(where, options);
    const { adapter, signal, onToken, ...keys } = options;
    aSignal(`${where}: signal`, signal);
    aFunction(`${where}: onToken`, onToken);
    const params = {
      model: this.id,
      prompts,
      options: await this.#keys(where, keys, ["adapter", "signal", "onToken"]),
      ...adapterParam(`${where}: adapter`, adapter),
    };
    return this.#client.call("generate", params, { signal, tell: onToken });
  }

  /** What is left of options: keys of the configuration. */
  async #keys(where: string, keys: object, own: string[]): Promise<Options> {
    const checked = settings(where, keys);
    await checkKeys(this.#client, where === "evaluate" ? "evaluate" : "generate", where, checked, own);
    return checked;
  }
}

function checkPrompts(where: string, prompts: unknown): void {
  if (!Array.isArray(prompts)) throw wrong(`${where}: prompts`, prompts, "a text, or an array of texts");
  const place = prompts.findIndex((prompt) => typeof prompt !== "string");
  if (place >= 0) throw wrong(`${where}: prompt ${place + 1}`, prompts[place], "a text");
}
