// The keys of the configuration and the metrics, typed: the core's own (`flantune.keys()`), in
// camelCase. A test holds this file against the core.

export const DTYPES = ["f32", "f16", "int8", "int4"] as const;
export type Dtype = (typeof DTYPES)[number];
export type Method = "lora" | "ia3" | "prompt";
export type LinearMap = "q" | "k" | "v" | "o" | "wi_0" | "wi_1" | "wi" | "wo";
/** A linear map, or the end of a path to some, such as `EncDecAttention.q`. */
export type TargetModule = LinearMap | `${string}.${LinearMap}`;

/** ROUGE: how much of the words is right, in 0..1. */
export interface Rouge {
  precision: number;
  recall: number;
  f1: number;
}

/** What each metric is. It is `null` where it is not defined, as a correlation of one row is not. */
export interface MetricValues {
  /** The mean of −log p over target tokens. */
  loss: number;
  rouge1: Rouge;
  rouge2: Rouge;
  rouge3: Rouge;
  rouge4: Rouge;
  rougeL: Rouge;
  rougeLsum: Rouge;
  /** 0..100, as sacrebleu has it; so are both chrF. */
  bleu: number;
  chrf: number;
  "chrf++": number;
  /** Edits for each hundred words of the reference, as sacrebleu has it: less is better. */
  ter: number;
  /** Parts of rows, in 0..1; so are the F1 and accuracy. */
  exact_match: number;
  token_f1: number;
  accuracy: number;
  f1: number;
  f1_micro: number;
  f1_weighted: number;
  /** Correlations, in −1..1. */
  matthews: number;
  pearson: number;
  spearman: number;
}

export type MetricName = keyof MetricValues;

/** Metrics by name: those that were asked for. Of a mixture's sets they are named `SET/METRIC`. */
export type Metrics = { [Name in MetricName]?: MetricValues[Name] | null } & {
  /** The mean over all target tokens of all rows, where `loss` is the mean over rows of their own means. */
  [Name in "loss_per_token"]?: number | null;
} & {
  [set: `${string}/${string}`]: number | Rouge | null;
};

/** How text is generated. */
export interface GenerationSettings {
  /** The most tokens to generate: 64. */
  maxNewTokens?: number;
  minNewTokens?: number;
  /** 1 is greedy. */
  numBeams?: number;
  /** How many texts to give for a prompt: 1. */
  numReturnSequences?: number;
  /** Beams: above 0 favours long texts, below 0 short ones: 1. */
  lengthPenalty?: number;
  /** Beams: whether to stop as soon as enough texts are complete. */
  earlyStopping?: boolean | "never";
  /** Sampling: above 1 flattens the probabilities, below 1 sharpens them. */
  temperature?: number;
  topK?: number;
  topP?: number;
  repetitionPenalty?: number;
  noRepeatNgramSize?: number;
  /** Sampling: where its random choices come from. */
  generationSeed?: number;
}

/** What is measured. */
export interface MetricSettings {
  /** `["loss"]`; text is generated for all others. */
  metrics?: MetricName[];
  /** Compares the stems of words in ROUGE: true. */
  stemmer?: boolean;
}

/** What is trained, how, and how it is judged on the way: the sections method, train and eval. */
export interface TrainSettings extends GenerationSettings, MetricSettings {
  method?: Method;
  /** LoRA: the rank of the two small matrices: 8. */
  rank?: number;
  /** LoRA: the strength of the update, which is multiplied by alpha / rank: 2 · rank. */
  alpha?: number;
  loraDropout?: number;
  variant?: "plain" | "rslora" | "dora";
  /** LoRA, (IA)³: the layers to train beside: `["q", "v"]`, and `["k", "v", "wo"]` for (IA)³. */
  targetModules?: TargetModule[];
  /** Prompt: how many virtual tokens go before the source: 20. */
  numVirtualTokens?: number;
  init?: "vocabulary" | "random" | "text";
  initText?: string;
  /** The id of an adapter of the library that is trained further. */
  initAdapter?: string;

  /** How often to go through the rows: 3. */
  epochs?: number;
  /** Stops after this many steps, instead of `epochs`. */
  maxSteps?: number;
  /** 8. */
  batchSize?: number;
  /** Batches whose gradients are added up before a step: 1. */
  accumulate?: number;
  optimizer?: "adamw" | "adafactor" | "sgd" | "lion" | "prodigy";
  /** 1e-3 for lora, 8e-3 for ia3, 0.3 for prompt; 1 where the optimizer finds it. */
  learningRate?: number;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
  momentum?: number;
  scaleParameter?: boolean;
  weightDecay?: number;
  /** The largest norm of all gradients together: 1; 0 turns it off. */
  clipNorm?: number;
  schedule?: "linear" | "constant" | "cosine" | "inverse_sqrt";
  warmupSteps?: number;
  labelSmoothing?: number;
  zLoss?: number;
  /** A rate, or config.json's. */
  dropout?: number | "model";
  seed?: number;
  shuffle?: boolean;
  groupByLength?: boolean;
  /** Steps between checkpoints: 100; in a page there is one at least every 30 seconds. */
  checkpointEvery?: number;
  keepCheckpoints?: number;

  /** Steps between evaluations: once an epoch. */
  evalEvery?: number;
  evalRows?: number;
  evalSamples?: number;
  bestMetric?: MetricName;
  /** Stops after this many evaluations without a better one. */
  patience?: number;

  /** Computes activations again in the backward pass, for less memory. */
  recompute?: boolean;
  /** Uses the fused kernels: true. */
  kernels?: boolean;
  /** What frozen weights of 8-bit integers are multiplied as, on the processor: `int16` where the weights are int8. */
  products?: "f32" | "int16";
  threads?: number;
}

/** How rows become text, and which of them: the section data. */
export interface RowSettings {
  /** Jinja, `source ||| target`. Without it, two fields. */
  template?: string;
  sourceField?: string;
  targetField?: string;
  /** Fields that hold the references to score against; the best of several counts. */
  referenceFields?: string[];
  /** What parts the fields of a table (CSV, TSV): what the file shows. */
  separator?: "comma" | "semicolon" | "tab" | "bar";
  /** The part of the rows held out for validation: 0.1. */
  validationFraction?: number;
  /** 512. */
  maxSourceTokens?: number;
  /** 128. */
  maxTargetTokens?: number;
  onTooLong?: "truncate" | "keep" | "drop" | "error";
  /** Uses only the first rows, this many. */
  limit?: number;
}

/** A value of the configuration. */
export type Setting = string | number | boolean | string[] | null;
