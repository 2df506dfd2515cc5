// A base model that is loaded.

import type { Client } from "./client.js";
import type { Data } from "./data.js";
import type { LoadedModel } from "../protocol.js";
import type {
  AdapterInfo,
  Answer,
  Architecture,
  EvaluateOptions,
  Evaluation,
  GenerateOptions,
  ModelRecipe,
  Setting,
} from "../types.js";

/** A base model in memory. Adapters are taken up beside it per request; it is never changed. */
export class Model {
  /** What the worker calls it. */
  readonly id: string;
  readonly name: string;
  readonly architecture: Architecture;
  /** By which adapters know their base. */
  readonly hash: string;
  /** Whether its weights rest as 8-bit integers. */
  readonly int8: boolean;
  /** Bytes of the weights in memory. */
  readonly bytes: number;
  /** Where it came from. */
  readonly recipe: ModelRecipe;
  readonly #client: Client;
  readonly #onClosed: (model: Model) => void;

  /** Not for users: `Flantune.loadModel` makes models. `onClosed` is told when it is closed. */
  constructor(client: Client, id: string, loaded: LoadedModel, onClosed: (model: Model) => void) {
    const { name, architecture, hash, int8, bytes, recipe } = loaded;
    this.#client = client;
    this.#onClosed = onClosed;
    this.id = id;
    this.name = name;
    this.architecture = { ...architecture, name };
    this.hash = hash;
    this.int8 = int8;
    this.bytes = bytes;
    this.recipe = recipe;
  }

  /**
   * The best text for each prompt, in their order.
   *
   * Errors: `setting` for an impossible option, `adapter` for one of another base, `cancelled`.
   */
  async generate(prompts: string[], options: GenerateOptions = {}): Promise<string[]> {
    const answers = await this.answer(prompts, options);
    return answers.map(({ texts }) => texts[0] ?? "");
  }

  /** As `generate`, with all texts (`numReturnSequences`) and the scores by which beams are ranked. */
  answer(prompts: string[], { adapter, signal, onToken, ...options }: GenerateOptions = {}): Promise<Answer[]> {
    const params = { model: this.id, prompts, options: settings(options), ...adapterParam(adapter) };
    return this.#client.call("generate", params, { signal, tell: onToken });
  }

  /**
   * Scores the model on rows: by default on all of them and by loss.
   *
   * ROUGE metrics are objects of `precision`, `recall` and `f1` in 0..1; BLEU and chrF are in 0..100.
   * Errors as those of `generate`, and `row`, `template` where no row can be used.
   */
  evaluate(data: Data, { adapter, signal, onProgress, split = "all", limit, ...options }: EvaluateOptions = {}): Promise<Evaluation> {
    const total = Math.min(split === "all" ? data.rows : data.heldOut, limit ?? Infinity);
    const params = {
      model: this.id,
      data: data.id,
      reading: data.options,
      options: settings(options),
      split,
      ...(limit !== undefined && { rows: limit }),
      ...adapterParam(adapter),
    };
    const tell = (rows: number) => onProgress?.(rows, Math.max(rows, total));
    return this.#client.call("evaluate", params, { signal, tell });
  }

  /** The base with an adapter folded in: a whole model's directory as a zip. LoRA only (`adapter`). */
  merge(adapter: AdapterInfo | string): Promise<Blob> {
    return this.#client.call("merge", { model: this.id, adapter: adapterId(adapter) });
  }

  /** Gives its memory back. A run beside it goes on; only after a crash it misses its base, and fails. */
  async close(): Promise<void> {
    this.#onClosed(this);
    this.#client.forget(this.id);
    await this.#client.call("dropModel", { model: this.id });
  }
}

/** The id of an adapter that is given whole, or by its id. */
export function adapterId(adapter: AdapterInfo | string): string {
  return typeof adapter === "string" ? adapter : adapter.id;
}

function adapterParam(adapter: AdapterInfo | string | null | undefined): { adapter?: string } {
  return adapter === null || adapter === undefined ? {} : { adapter: adapterId(adapter) };
}

/** What is left of options: keys of the configuration, whose values the core checks. */
function settings(options: Record<string, unknown>): Record<string, Setting> {
  return options as Record<string, Setting>;
}
