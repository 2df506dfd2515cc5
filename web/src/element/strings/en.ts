// The element's texts in English. `Strings` is what every other language must have.

import type { Dtype, Method } from "../../types.js";
import type { Demo, Preset, RunView, StepName, Tried, TryState } from "../state.js";

/** A text with numbers or names in it. */
type Text = (...values: string[]) => string;

export interface Strings {
  /** Of Intl and the element's `lang`. */
  language: string;
  title: string;
  lead: string;
  offline: string;
  why: string;
  example: string;
  change: string;
  open: string;
  close: string;
  done: string;
  cancel: string;
  method: Record<Method, string>;
  stepTitle: Record<StepName, string>;
  stepLead: Record<StepName, string>;
  engine: { starting: string; failed: string; retry: string };
  /** The page that is nothing but the element. */
  site: { title: string; licences: string };
  /** By an error's code, or `CODE/REASON`, what it says and what helps (`{url}` is its address); what is not here is said as the API says it. */
  problem: Record<string, { message: string; hint?: string }>;
  /** By a warning's code, what it says (`{count}` is how many rows it is about); else it is said as the core says it. */
  warning: Record<string, string>;
  attempt: {
    button: string;
    again: string;
    stop: string;
    note: string;
    phase: Record<TryState["phase"], string>;
    adapterName: Record<Tried, string>;
    chart: string;
    chartSummary: Text;
    table: string;
    source: string;
    wanted: string;
    before: string;
    after: Record<Tried, string>;
    waiting: string;
    next: string;
  };
  model: {
    legend: string;
    builtin: string;
    builtinNote: string;
    files: string;
    filesNote: string;
    web: string;
    webNote: string;
    stored: string;
    storedNone: string;
    pickFiles: string;
    pickFolder: string;
    drop: string;
    chosen: Text;
    filesMissing: { message: string; hint: string };
    address: string;
    addressExample: string;
    addressMissing: { message: string; hint: string };
    revision: string;
    revisionNote: string;
    ask: string;
    asking: string;
    planned: string;
    planTitle: string;
    planDownload: string;
    planParameters: string;
    planMemory: string;
    planCommit: string;
    planFiles: Text;
    obstacle: Record<"memory" | "binding", string>;
    unknown: string;
    alreadyHere: string;
    download: string;
    load: string;
    pause: string;
    resume: string;
    paused: string;
    dtype: string;
    dtypeName: Record<Dtype, string>;
    stage: Record<"list" | "download" | "read" | "load", string>;
    progress: Text;
    use: string;
    delete: string;
    deleteStored: Text;
    incomplete: string;
    ready: Text;
    summary: Text;
    summaryChosen: Text;
    whyShape: Text;
    whyEmpty: string;
    whySize: Text;
  };
  data: {
    legend: string;
    demo: Record<Demo, string>;
    demoNote: Record<Demo, string>;
    own: string;
    ownNote: string;
    private: string;
    pick: string;
    drop: string;
    example: string;
    reading: string;
    ready: Text;
    summary: Text;
    rows: Text;
    badRows: Text;
    badRowsList: string;
    badRowsMore: Text;
    columns: string;
    sourceColumn: string;
    targetColumn: string;
    template: string;
    templateNote: string;
    preview: string;
    previewRow: Text;
    source: string;
    target: string;
    tokens: Text;
    tokenList: string;
    showTokens: string;
    cut: Text;
    leftOut: Text;
    shortened: Text;
    needsModel: string;
    lengths: string;
    lengthsOf: Record<"source" | "target", string>;
    tooLong: Text;
    noneTooLong: Text;
    limit: Record<"source" | "target", string>;
    onTooLong: string;
    onTooLongName: Record<"truncate" | "drop" | "keep" | "error", string>;
    heldOut: string;
    heldOutNote: string;
    histogramTable: string;
    bucket: string;
    count: string;
    whySplit: Text;
    whyBeside: Text;
    whyCut: Text;
    whyTokens: Text;
    whyEmpty: string;
  };
  settings: {
    legend: string;
    methodNote: Record<Method, string>;
    preset: string;
    presetName: Record<Preset | "own", string>;
    presetNote: Record<Preset, string>;
    rank: string;
    targetModules: string;
    moduleNote: Record<string, string>;
    virtualTokens: string;
    learningRate: string;
    epochs: string;
    batchSize: string;
    seed: string;
    all: string;
    allNote: string;
    /** By a key's name, behind the optimizers that it is for; what is not here is said in the core's words. */
    help: Record<string, string>;
    /** Defaults that are words, by a key's name. */
    defaultName: Record<string, string>;
    byDefault: Text;
    keysWaiting: string;
    section: Record<string, string>;
    toml: string;
    tomlModel: Text;
    tomlRows: Text;
    steps: Text;
    parameters: Text;
    parametersLora: Text;
    parametersScales: Text;
    parametersPrompt: Text;
    parametersNone: string;
    summaryLora: Text;
    summaryScales: Text;
    summaryPrompt: Text;
    whyHere: Text;
    whyLora: string;
    whyScales: string;
    whyPrompt: string;
    whyRate: Text;
    outOfRange: Text;
    tooSmall: Text;
    notAbove: Text;
    noNumber: string;
    findRate: string;
    findRateNote: string;
    modulesMissing: string;
  };
  train: {
    start: string;
    again: string;
    device: string;
    deviceName: Record<"auto" | "webgpu" | "cpu", string>;
    processor: string;
    runsOn: Text;
    /** By the code of the reason; what is not here is said as the API says it. */
    reason: Record<string, { message: string; hint: string }>;
    leftOut: string;
    preparing: string;
    /** The chosen rows were not to be read. */
    unreadable: string;
    missing: Record<"number" | "download" | "model" | "data" | "template", { message: string; hint: string }>;
    runName: (data: string, method: Method, number: number) => string;
    plan: Text;
    interrupted: string;
    interruptedRun: Text;
    resume: string;
    smaller: string;
    forget: string;
    samples: string;
    samplesNote: string;
    samplesEmpty: string;
    atStep: Text;
    before: string;
    wanted: string;
    warnings: string;
    summaryIdle: string;
    summary: Text;
    whySteps: Text;
    whyLoss: Text;
    whyEmpty: string;
  };
  run: {
    title: string;
    empty: string;
    phase: Record<RunView["phase"], string>;
    started: string;
    finished: Text;
    of: Text;
    step: string;
    loss: string;
    evaluation: string;
    speed: string;
    speedUnit: Text;
    left: string;
    pause: string;
    resume: string;
    stop: string;
    chart: string;
    chartSummary: Text;
    training: string;
    table: string;
    device: string;
  };
  compare: {
    prompts: string;
    prompt: Text;
    promptExample: string;
    promptMissing: { message: string; hint: string };
    add: string;
    remove: Text;
    suggest: string;
    with: string;
    base: string;
    run: string;
    running: string;
    generated: string;
    outputs: string;
    same: string;
    waiting: string;
    scores: string;
    score: string;
    scoring: Text;
    scored: string;
    scoresNote: Text;
    system: string;
    lossColumn: string;
    rougeColumn: string;
    bleuColumn: string;
    changedColumn: string;
    changed: Text;
    rows: string;
    onlyChanged: string;
    noneChanged: string;
    empty: string;
    summary: Text;
    summaryIdle: string;
    whyLoss: string;
    whyRouge: string;
    whyNumbers: Text;
    modelMissing: string;
    doubtful: Text;
  };
  adapters: {
    name: Text;
    details: Text;
    use: string;
    export: string;
    merge: string;
    delete: string;
    deleteSure: string;
    deleteYes: string;
    deleteNo: string;
    import: string;
    importDrop: string;
    imported: Text;
    importing: string;
    merging: string;
    exporting: string;
    modelMissing: string;
    wrongBase: string;
    otherPrecision(was: string, is: string): string;
    empty: string;
    summary: (count: number) => string;
    whySize: Text;
    whyFiles: string;
    actionOn: Text;
  };
}

export const en: Strings = {
  language: "en",
  title: "Tune a language model, here in this page",
  lead: "FLAN-T5 is a small language model that follows instructions. Give it a few hundred examples of what you want, and train an adapter for it: a small file that changes how the model answers.",
  offline: "Everything runs on your own device. Nothing you load here is uploaded.",
  why: "Why?",
  example: "Example",
  change: "Change",
  open: "Open",
  close: "Close",
  done: "Continue",
  cancel: "Cancel",
  method: { lora: "LoRA", ia3: "(IA)³", prompt: "Prompt tuning" },
  stepTitle: {
    model: "Model",
    data: "Data",
    method: "Method",
    train: "Train",
    compare: "Compare",
    adapters: "Adapters",
  },
  stepLead: {
    model: "The base that you start from. It stays as it is; only the adapter beside it is trained.",
    data: "Rows with what the model reads and what it should write.",
    method: "What is trained, and how long.",
    train: "Watch the loss fall, and a few held-out rows change.",
    compare: "Ask the base and your adapters the same things.",
    adapters: "What you trained or imported. It stays in this browser.",
  },
  site: { title: "Flantune: tune a language model in the browser", licences: "Licences" },
  problem: {},
  warning: {},
  engine: { starting: "Starting…", failed: "The trainer could not start.", retry: "Try again" },
  attempt: {
    button: "Try it",
    again: "Try it again",
    stop: "Stop",
    note: "Trains the built-in model on 220 short reviews, first with LoRA, then with prompt tuning. It should write titles in one shop’s style.",
    phase: {
      idle: "",
      preparing: "Loading the built-in model and asking it as it is…",
      lora: "Training with LoRA…",
      prompt: "Training with prompt tuning…",
      done: "Done. Both adapters are in the library below.",
      stopped: "Stopped.",
    },
    adapterName: { lora: "Try it: LoRA", prompt: "Try it: prompt tuning" },
    chart: "Loss of both methods",
    chartSummary: (method, loss) => `${method}: loss ${loss}`,
    table: "Three reviews that training never sees",
    source: "Review",
    wanted: "Wanted title",
    before: "Before",
    after: { lora: "After LoRA", prompt: "After prompt tuning" },
    waiting: "…",
    next: "Next, change the data or the method below and train your own.",
  },
  model: {
    legend: "Where the model comes from",
    builtin: "Built-in",
    builtinNote: "A small T5 that came with this page. Good for the first try.",
    files: "Files of yours",
    filesNote:
      "A model’s folder: config.json, tokenizer.json and model.safetensors. The files are read here and not uploaded.",
    web: "Hugging Face or a web address",
    webNote: "For example google/flan-t5-small, 308 MB. You see its size before anything is downloaded.",
    stored: "Kept in this browser",
    storedNone: "No models are kept yet. What you download stays here until you delete it.",
    pickFiles: "Choose files",
    pickFolder: "Choose a folder",
    drop: "or drop them here",
    chosen: (count, bytes) => `${count === "1" ? "1 file" : `${count} files`}, ${bytes}`,
    filesMissing: { message: "No files are chosen yet.", hint: "Choose the model’s folder, or its files." },
    address: "Model’s id or address",
    addressExample: "google/flan-t5-small",
    addressMissing: {
      message: "There is no id or address yet.",
      hint: "Type OWNER/NAME, for example google/flan-t5-small.",
    },
    revision: "Revision (optional)",
    revisionNote:
      "A commit, a tag or a branch. Without it, the newest commit of main is taken and remembered.",
    ask: "Look it up",
    asking: "Looking it up…",
    planned: "The model was found. Its size is shown.",
    planTitle: "What it needs",
    planDownload: "Download",
    planParameters: "Parameters",
    planMemory: "Memory while training, about",
    planCommit: "Commit",
    planFiles: (count) => (count === "1" ? "1 file" : `${count} files`),
    obstacle: {
      memory:
        "This is more than this device is likely to have. Training may run out of memory; 8-bit integers take less.",
      binding:
        "One of its matrices is larger than what this graphics card takes in one piece. Compute on the processor instead.",
    },
    unknown: "unknown",
    alreadyHere: "nothing, it is already here",
    download: "Download and use",
    load: "Open this model",
    pause: "Pause",
    resume: "Resume",
    paused: "Paused. What has been downloaded is kept.",
    dtype: "Numbers kept as",
    dtypeName: {
      f32: "32-bit floats (exact)",
      f16: "16-bit floats (half of the memory)",
      int8: "8-bit integers (a quarter of the memory)",
      int4: "4-bit integers (a fifth of the memory, large models a seventh; coarser)",
    },
    stage: { list: "Looking up files", download: "Downloading", read: "Reading", load: "Preparing" },
    progress: (loaded, total) => `${loaded} of ${total}`,
    use: "Use this model",
    delete: "Delete",
    deleteStored: (name) => `Delete ${name} from this browser`,
    incomplete: "not complete",
    ready: (name) => `${name} is ready.`,
    summary: (name, parameters, bytes) => `${name}, ${parameters} parameters, ${bytes}`,
    summaryChosen: (name) => `${name}, not loaded yet`,
    whyShape: (name, encoder, decoder, width) =>
      `${name} reads with ${encoder} encoder layers and writes with ${decoder} decoder layers, ${width} numbers for each token in each of them. A larger model knows more, but each training step takes longer and needs more memory.`,
    whyEmpty:
      "A larger model knows more, but each training step takes longer and needs more memory. FLAN-T5-small has 77 million parameters; the built-in model has a tenth of that.",
    whySize: (bytes) =>
      `Its weights take ${bytes} here. They are frozen: training reads them, and never changes them.`,
  },
  data: {
    legend: "Which rows",
    demo: { reviews: "Reviews", dialogues: "Dialogues", casual: "Casual" },
    demoNote: {
      reviews: "A review becomes a title in a shop’s style.",
      dialogues: "A short talk becomes a line of minutes.",
      casual: "A stiff sentence becomes a text message.",
    },
    own: "A file of yours",
    ownNote: "JSONL, CSV or TSV with a column to read and a column to write.",
    private: "Your file is read on this device. It is not uploaded.",
    pick: "Choose a file",
    drop: "or drop it here",
    example: "What a file may look like",
    reading: "Reading rows…",
    ready: (name, rows) => `${name}: ${rows} rows read.`,
    summary: (name, rows) => `${name}, ${rows} rows`,
    rows: (rows) => (rows === "1" ? "1 row" : `${rows} rows`),
    badRows: (count) =>
      count === "1"
        ? "1 row cannot be used and is left out."
        : `${count} rows cannot be used and are left out.`,
    badRowsList: "The first of them",
    badRowsMore: (count) => `and ${count} more`,
    columns: "Columns",
    sourceColumn: "The model reads",
    targetColumn: "The model writes",
    template: "Template",
    templateNote:
      "How a row becomes text: what the model reads, then |||, then what it should write. Write columns in {{ braces }}.",
    preview: "Preview",
    previewRow: (row) => `Row ${row}`,
    source: "Reads",
    target: "Writes",
    tokens: (count) => (count === "1" ? "1 token" : `${count} tokens`),
    tokenList: "Tokens",
    showTokens: "Show tokens",
    cut: (count) => (count === "1" ? "The last token is cut" : `The last ${count} tokens are cut`),
    shortened: (bytes) => `Only the beginning is shown: the other ${bytes} of this row are not shown here.`,
    leftOut: (reason) => `This row would be left out: ${reason}`,
    needsModel: "Tokens and lengths are shown once a model is loaded.",
    lengths: "Lengths",
    lengthsOf: { source: "What the model reads", target: "What it writes" },
    tooLong: (rows, limit, tokens) =>
      `${rows === "1" ? "1 row is" : `${rows} rows are`} longer than ${limit} tokens; ${tokens} tokens lie beyond the limit.`,
    noneTooLong: (limit, longest) => `All rows fit into ${limit} tokens. The longest has ${longest}.`,
    limit: { source: "Most tokens to read", target: "Most tokens to write" },
    onTooLong: "Rows that are too long",
    onTooLongName: {
      truncate: "Cut off the end",
      drop: "Leave out",
      keep: "Keep whole",
      error: "Refuse the file",
    },
    heldOut: "Held out, in percent",
    heldOutNote: "These rows are never trained on.",
    histogramTable: "Lengths as a table",
    bucket: "Tokens",
    count: "Rows",
    whySplit: (held, rows) =>
      `${held} of your ${rows} rows are held out. Training never sees them, so their loss tells whether the model learns the task or only these rows.`,
    whyBeside: (held, rows) =>
      `Beside its ${rows} rows this set has ${held} that are held out. Training never sees them, so their loss tells whether the model learns the task or only its rows.`,
    whyCut: (row, tokens) =>
      `Row ${row} is too long: its last ${tokens} tokens are cut off, and the model never sees them.`,
    whyTokens: (words, tokens) =>
      `The model reads tokens, not words: the first row’s ${words} words are ${tokens} tokens.`,
    whyEmpty:
      "A model learns from pairs: what it reads, and what it should write. A few hundred pairs can teach it a form or a tone, but not new knowledge.",
  },
  settings: {
    legend: "What is trained",
    methodNote: {
      lora: "Two small matrices beside each chosen layer. The usual choice.",
      ia3: "One scale for each number that the chosen layers give. A tenth of LoRA’s numbers.",
      prompt: "A few made-up words before each text. The smallest adapter; it needs more steps.",
    },
    preset: "How thorough",
    presetName: { quick: "Quick", balanced: "Balanced", thorough: "Thorough", own: "Own" },
    presetNote: { quick: "A first look", balanced: "A good start", thorough: "More numbers, more time" },
    rank: "Rank",
    targetModules: "Layers to train beside",
    moduleNote: {
      q: "queries",
      k: "keys",
      v: "values",
      o: "attention’s output",
      wi: "feed-forward, in",
      wi_0: "feed-forward, in (gate)",
      wi_1: "feed-forward, in",
      wo: "feed-forward, out",
    },
    virtualTokens: "Virtual tokens",
    learningRate: "Learning rate",
    epochs: "Epochs",
    batchSize: "Batch size",
    seed: "Seed",
    all: "All settings",
    allNote: "Empty means the default. The names are those of the command line.",
    help: {},
    defaultName: {},
    byDefault: (value) => `Default: ${value}`,
    keysWaiting: "The list appears when the trainer has started.",
    section: { method: "Method", train: "Training", eval: "Evaluation and text" },
    toml: "Download settings as TOML",
    tomlModel: (name) => `The model is ${name}: name its folder with --model.`,
    tomlRows: (name) => `The rows are ${name}: name their file with --train.`,
    steps: (steps, rows, batch, epochs) =>
      `${steps} steps: ${rows} rows, ${batch} for each step, ${epochs === "1" ? "once" : `${epochs} times`}.`,
    parameters: (trained, all, part) => `${trained} trainable parameters: ${part} of the model’s ${all}.`,
    parametersLora: (module, count, outputs, inputs, rank, small, full) =>
      `${count} matrices ${module} of ${outputs} × ${inputs}: ${rank} × (${outputs} + ${inputs}) = ${small} instead of ${full} numbers each`,
    parametersScales: (module, count, numbers) => `${count} matrices ${module}: ${numbers} scales each`,
    parametersPrompt: (tokens, width, sum) => `${tokens} virtual tokens × ${width} numbers each = ${sum}`,
    parametersNone: "The number of trainable parameters is shown once a model is loaded.",
    summaryLora: (rank, modules, epochs) =>
      `LoRA, rank ${rank} on ${modules}, ${epochs === "1" ? "1 epoch" : `${epochs} epochs`}`,
    summaryScales: (modules, epochs) =>
      `(IA)³ on ${modules}, ${epochs === "1" ? "1 epoch" : `${epochs} epochs`}`,
    summaryPrompt: (tokens, epochs) =>
      `Prompt tuning, ${tokens} virtual tokens, ${epochs === "1" ? "1 epoch" : `${epochs} epochs`}`,
    whyHere: (rank, module, outputs, inputs, small, whole, part) =>
      `Here: rank ${rank} beside a matrix ${module} of ${outputs} × ${inputs} trains ${small} numbers instead of ${whole}, ${part} of them.`,
    whyLora:
      "LoRA leaves a matrix of d × k numbers alone and adds the product of two thin ones, d × r and r × k. They have r(d + k) numbers instead of d·k. The rank r says how many independent directions the change may have.",
    whyScales:
      "(IA)³ changes no matrix either. It multiplies each number that a layer gives, or that its last one takes, by a scale that begins as 1, and trains only those.",
    whyPrompt:
      "Prompt tuning changes no layer. It puts a few vectors before your text that no word has, and trains only those. On small models it lags behind LoRA; that is worth seeing too.",
    whyRate: (rate) =>
      `The learning rate ${rate} says how far each step goes. Too small, and the loss hardly falls; too large, and it jumps about.`,
    outOfRange: (from, to) => `A number from ${from} to ${to} is needed.`,
    tooSmall: (from) => `A number from ${from} is needed.`,
    notAbove: (above) => `A number above ${above} is needed.`,
    noNumber: "A number is needed.",
    findRate: "Find the rate itself",
    findRateNote:
      "The optimizer Prodigy estimates the learning rate while it trains; it keeps four more numbers for each trained number.",
    modulesMissing: "Choose at least one layer.",
  },
  train: {
    start: "Train",
    again: "Train again",
    device: "Compute on",
    deviceName: { auto: "Automatic", webgpu: "Graphics card (WebGPU)", cpu: "Processor" },
    processor: "the processor",
    runsOn: (name) => `Runs on ${name}.`,
    reason: {},
    leftOut:
      "Some fast ways to compute give wrong numbers with this graphics driver; plain ones take their place.",
    preparing: "Reading the model and the rows…",
    unreadable: "The chosen rows could not be read: see step 2.",
    missing: {
      number: { message: "A number in step 3 cannot be used.", hint: "Correct it there first." },
      download: {
        message: "The model is not in this browser yet.",
        hint: "Step 1 says how large it is; download it there.",
      },
      model: { message: "There is no model yet.", hint: "Choose one in step 1." },
      data: { message: "There are no rows yet.", hint: "Choose some in step 2." },
      template: { message: "The rows cannot be read with this template.", hint: "Correct it in step 2." },
    },
    runName: (data, method, number) =>
      `${data}, ${{ lora: "LoRA", ia3: "(IA)³", prompt: "prompt" }[method]} ${number}`,
    plan: (method, data, model) => `${method} · ${data} · ${model}`,
    interrupted: "Runs that were cut off",
    interruptedRun: (name, step, steps, when) => `${name}: ${step} of ${steps} steps, begun ${when}`,
    resume: "Go on",
    smaller: "Go on in smaller parts",
    forget: "Forget",
    samples: "The same rows during training",
    samplesNote: "Held out: training never sees them.",
    samplesEmpty: "After each evaluation, a few held-out rows show what the model writes by now.",
    atStep: (step) => `Step ${step}`,
    before: "Before",
    wanted: "Wanted",
    warnings: "Worth knowing",
    summaryIdle: "Not trained yet",
    summary: (name, phase) => `${name}: ${phase}`,
    whySteps: (batch, trained) =>
      `Each step reads ${batch} rows, measures how unlikely the wanted words were to the model, and moves the ${trained} trained numbers a little against that.`,
    whyLoss: (loss, probability) =>
      `The last loss was ${loss}: on average the model gave the next wanted token a probability of ${probability}.`,
    whyEmpty:
      "The loss says how unlikely the wanted words were to the model: at 0 it was sure of each of them, at 2.3 it gave each one chance in ten.",
  },
  run: {
    title: "Run",
    empty: "Your run appears here: its loss, speed and remaining time. This curve is an example.",
    phase: {
      starting: "Starting",
      running: "Training",
      paused: "Paused",
      stopping: "Stopping after this step",
      stopped: "Stopped early",
      done: "Finished",
      failed: "Ended with a problem",
    },
    started: "Training has started.",
    finished: (name) => `Training has finished. The adapter ${name} is in the library.`,
    of: (step, steps) => `${step} of ${steps}`,
    step: "Step",
    loss: "Loss",
    evaluation: "Held-out loss",
    speed: "Speed",
    speedUnit: (rate) => `${rate} tokens/s`,
    left: "Time left",
    pause: "Pause",
    resume: "Resume",
    stop: "Stop",
    chart: "Loss by step",
    chartSummary: (first, last, step) => `The loss began at ${first} and is ${last} at step ${step}.`,
    training: "Training",
    table: "Curve as a table",
    device: "Device",
  },
  compare: {
    prompts: "Your prompts",
    prompt: (number) => `Prompt ${number}`,
    promptExample: "Write a title for this review. …",
    promptMissing: { message: "There is no prompt yet.", hint: "Type one, or take two from the data." },
    add: "Add a prompt",
    remove: (number) => `Remove prompt ${number}`,
    suggest: "Take two from the data",
    with: "Compare the base with",
    base: "Base",
    run: "Compare",
    running: "Writing…",
    generated: "The answers are ready.",
    outputs: "Answers",
    same: "as the base",
    waiting: "…",
    scores: "Scores on held-out rows",
    score: "Score",
    scoring: (done, total) => `Scoring row ${done} of ${total}…`,
    scored: "The scores are ready.",
    scoresNote: (rows, data) => `${rows} rows of ${data} that training held out.`,
    system: "Model",
    lossColumn: "Loss",
    rougeColumn: "ROUGE-L",
    bleuColumn: "BLEU",
    changedColumn: "Changed",
    changed: (count, rows) => `${count} of ${rows}`,
    rows: "Row by row",
    onlyChanged: "Only rows that changed",
    noneChanged: "No answer changed.",
    empty: "Train or import an adapter: its answers appear here beside those of the base. For example:",
    summary: (count) => (count === "1" ? "Base and 1 adapter" : `Base and ${count} adapters`),
    summaryIdle: "Nothing to compare yet",
    whyLoss:
      "The loss falls when the wanted words become likelier. It is the fairest single number, but it does not read like text.",
    whyRouge:
      "ROUGE-L measures how much of the wanted words come in the same order, BLEU how many short sequences of words are the same. Both count words, not sense: a good answer in other words scores low.",
    whyNumbers: (rows, base, adapter) =>
      `On ${rows} held-out rows, ROUGE-L went from ${base} to ${adapter}. That says how far the adapter moved the model towards these rows, not how good it has become in general.`,
    modelMissing: "No model is loaded yet.",
    doubtful: (names) =>
      `${names}: trained on other rows, or with other rows held out. It may have seen some of these, so its scores may be too good.`,
  },
  adapters: {
    name: (name) => `Name of ${name}`,
    details: (method, numbers, bytes, when) => `${method}, ${numbers} numbers, ${bytes}, ${when}`,
    use: "Compare",
    export: "Export",
    merge: "Merged model",
    delete: "Delete",
    deleteSure: "This cannot be undone.",
    deleteYes: "Delete for good",
    deleteNo: "Keep",
    import: "Import an adapter",
    importDrop: "or drop zips here",
    imported: (name) => `${name} was imported.`,
    importing: "Importing…",
    merging: "Merging…",
    exporting: "Packing…",
    modelMissing: "There is no model to merge into. Load one in step 1.",
    wrongBase: "Made for another base than the loaded one.",
    otherPrecision: (was, is) =>
      `Trained beside this base in ${was}; here the base is in ${is}: losses differ a little.`,
    empty:
      "Nothing here yet. When a run ends, its adapter is kept here: a few hundred kilobytes that any tool for PEFT can read.",
    summary: (count) => (count === 1 ? "1 adapter" : `${count} adapters`),
    whySize: (name, bytes, model) =>
      `${name} takes ${bytes}; the base takes ${model}. That is why one base can serve many adapters, and why you can send one by e-mail.`,
    whyFiles:
      "An exported zip holds adapter_config.json and adapter_model.safetensors, as Python’s peft writes them. “Merged model” adds the adapter to the base for tools that know no adapters; it is as large as the base.",
    actionOn: (action, name) => `${action}: ${name}`,
  },
};
