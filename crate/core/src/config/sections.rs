//! The sections and their keys, a row each: whatever is known of a key stands here. The first
//! paragraph above it is its short help, the rest its long one; the texts appear in helps and in the
//! page. After `=>` stands its [`Row`].

use super::{
    choices::{
        DeviceChoice, Dropout, Dtype, EarlyStopping, OnTooLong, PromptInit, Separator, Variant,
    },
    method::Method,
    row::{
        COMPUTE,
        Group::{Evaluation, Generation},
        MODEL, NAMED_MODEL, ROWS, Range, Row, SOURCES, TARGETS, TEXTS, THREADS,
        Task::{Bench, Demo, Evaluate, Generate, Lengths, Memory, Merge, Preview, Quantize, Split},
    },
    schedule::Schedule,
    section::{Key, Section, section},
    setting::Setting,
    target::TargetModule,
};
use crate::{
    error::{Error, Result},
    metric::Metric,
    ops::Products,
    optimizer::OptimizerKind,
};

const LORA: &[Method] = &[Method::Lora];
const PROMPT: &[Method] = &[Method::Prompt];
const ADAPTERS: &[Method] = &[Method::Lora, Method::Ia3, Method::Prompt];
/// What stands beside linear maps.
const BESIDE: &[Method] = &[Method::Lora, Method::Ia3];
/// What says how a row becomes text, beside the names of fields.
const FIELDS: &[&str] = &["template", "template_file"];

section! {
    /// The base model and where it is computed.
    ModelConfig "model" {
        /// The base model: `builtin`, a directory, or OWNER/NAME[@REVISION] of a hub
        ///
        /// `builtin` is a small T5 that is a part of Flantune: for a first try, not for real work. A
        /// directory holds config.json, tokenizer.json and model.safetensors, or its shards with
        /// their index. A model of a hub, such as google/flan-t5-small, is taken from the Hugging
        /// Face cache, and downloaded into it where it is not there.
        model: Option<String> = None
            => Row::plain().tasks(NAMED_MODEL).value("MODEL").essential().free().hidden();
        /// The type of number that weights are kept in
        ///
        /// All is computed in f32, whatever type files are of. `f16` takes half of the memory, `int8`
        /// a quarter, `int4` a fifth to a seventh: matrices are rounded as they are read, and multiplied
        /// out where they are used. A directory that `flantune quantize` has made of int8 or int4 is that
        /// anyhow.
        dtype: Dtype = Dtype::F32
            => Row::plain().tasks(MODEL).hidden();
        /// Where to compute
        ///
        /// `auto` takes a hardware GPU through `webgpu`, else `cpu`. A software rasteriser is used
        /// only when `webgpu` is asked for.
        device: DeviceChoice = DeviceChoice::Auto
            => Row::plain().tasks(COMPUTE).essential().free().hidden();
        /// Computes activations again in the backward pass, for less memory
        recompute: bool = false
            => Row::plain().tasks(&[Generate, Evaluate, Merge, Memory, Bench]);
        /// Uses the fused kernels instead of plain tensor operations
        ///
        /// Both give the same numbers within rounding.
        kernels: bool = true
            => Row::plain().tasks(COMPUTE);
        /// What frozen weights of 8-bit integers are multiplied as, on the processor
        ///
        /// `f32` multiplies them out to floats. `int16` multiplies integers by integers: activations and
        /// gradients are rounded to 16 bits in blocks of 64 with a scale each, which is faster, and nearer to
        /// float32 than bfloat16 is. What is trained is never rounded. A GPU multiplies floats, whatever
        /// this says.
        products: Option<Products> = None, "int16 with a dtype of int8, else f32"
            => Row::plain().tasks(&[Generate, Evaluate, Demo, Bench]);
        /// How many processor threads to use
        threads: Option<usize> = None, "all"
            => Row::whole(1, 4096).tasks(THREADS).free().hidden();
    }
}

section! {
    /// Rows, and how they become examples.
    DataConfig "data" {
        /// The file of training rows: JSONL, CSV or TSV; or a mixture of several: TOML
        ///
        /// JSONL has one JSON object a line; CSV and TSV have a header row. The ending of the name
        /// tells which it is.
        train: Option<String> = None
            => Row::plain().value("FILE").essential().free().hidden();
        /// The file of validation rows
        validation: Option<String> = None
            => Row::plain().value("FILE").essential().free().instead_of(&["validation_fraction"]).hidden();
        /// The part of the training rows held out for validation
        ///
        /// Drawn with `seed`. Only without a `validation` file; 0 turns it off. Of a mixture, it is
        /// the part of each set that names no `validation` of its own.
        validation_fraction: Option<f64> = None, "0.1 without a validation file"
            => Row::range(Range::Fraction).tasks(&[Split]).instead_of(&["validation"]);
        /// How a row becomes text: source ||| target, in Jinja
        ///
        /// For example `Summarize: {{dialogue}} ||| {{summary}}`. Both sides are stripped. Without
        /// it, rows need the fields `source` and `target`, or just two fields in that order.
        template: Option<String> = None
            => Row::plain().tasks(SOURCES).value("TEMPLATE").essential().of_rows().instead_of(&["template_file", "source_field", "target_field"]).hidden();
        /// A file that holds the template, or a PromptSource templates.yaml
        ///
        /// Easier than a shell's quoting where the template has several lines. The templates of a
        /// templates.yaml take turns over the rows, in an order drawn with `seed`.
        template_file: Option<String> = None
            => Row::plain().tasks(SOURCES).value("FILE").essential().free().of_rows().instead_of(&["template", "source_field", "target_field"]).hidden();
        /// The field of the source text, where there is no template
        source_field: Option<String> = None, "source"
            => Row::plain().tasks(SOURCES).value("FIELD").of_rows().instead_of(FIELDS);
        /// The field of the target text, where there is no template
        target_field: Option<String> = None, "target"
            => Row::plain().tasks(TARGETS).value("FIELD").of_rows().instead_of(FIELDS);
        /// Fields that hold the references to score against
        ///
        /// The best of several counts. Without this, the target is the only reference.
        reference_fields: Vec<String> = Vec::new()
            => Row::plain().tasks(&[Evaluate, Preview]).value("FIELD,…").of_rows();
        /// The most tokens of a source text, with its closing </s>
        max_source_tokens: usize = 512
            => Row::whole(1, 65_536).tasks(&[Generate, Evaluate, Preview, Lengths, Quantize, Memory]).of_texts();
        /// The most tokens of a target text, with its closing </s>
        max_target_tokens: usize = 128
            => Row::whole(1, 65_536).tasks(&[Evaluate, Preview, Lengths, Quantize, Memory]).of_texts();
        /// What happens to a text with more tokens than that
        ///
        /// `truncate` cuts it, `keep` leaves it as it is, `drop` leaves its row out, `error` stops.
        on_too_long: OnTooLong = OnTooLong::Truncate
            => Row::plain().tasks(&[Generate, Evaluate, Preview, Quantize]).of_texts();
        /// What separates the fields of CSV and TSV
        ///
        /// Without it, the ending of the file's name says it, or a header that shows another one, or
        /// Excel's first line `sep=;`.
        separator: Option<Separator> = None, "as the file shows"
            => Row::plain().tasks(ROWS).of_rows();
        /// Uses only the first rows of a file, this many
        limit: Option<usize> = None, "all rows"
            => Row::range(Range::from(1)).tasks(&[Generate, Evaluate, Lengths, Split, Quantize]).essential().of_rows();
        /// Leaves out bad rows, and counts them, instead of stopping at the first
        skip_bad_rows: bool = false
            => Row::plain().tasks(ROWS).free().hidden();
    }
}

section! {
    /// What is trained.
    MethodConfig "method" {
        /// What is trained: low-rank matrices, scales, a soft prompt, or every weight
        method: Method = Method::Lora
            => Row::plain().tasks(&[Memory]).essential().own();
        /// LoRA: the rank of the two small matrices
        rank: usize = 8
            => Row::whole(1, 4096).tasks(&[Memory, Bench]).methods(LORA).essential().own();
        /// LoRA: the strength of the update, which is multiplied by alpha / rank
        alpha: Option<f64> = None, "2 * rank"
            => Row::range(Range::UpTo(1e6)).methods(LORA);
        /// LoRA: the part of its inputs zeroed while training
        lora_dropout: f64 = 0.0
            => Row::range(Range::FromZero(0.99)).methods(LORA);
        /// LoRA: plain, rank-stabilised (rslora), or magnitude and direction apart (dora)
        variant: Variant = Variant::Plain
            => Row::plain().tasks(&[Memory]).methods(LORA);
        /// LoRA, (IA)³: the layers to train beside
        ///
        /// Attention has q, k, v and o; FLAN-T5's feed-forward layers have wi_0, wi_1 and wo, those
        /// of T5 v1.0 wi and wo.
        target_modules: Option<Vec<TargetModule>> = None, "q,v; k,v,wo for ia3"
            => Row::plain().tasks(&[Memory, Bench]).methods(BESIDE).own();
        /// Prompt: how many virtual tokens go before the source
        num_virtual_tokens: usize = 20
            => Row::whole(1, 4096).tasks(&[Memory, Bench]).methods(PROMPT).own();
        /// Prompt: what the virtual tokens start from
        init: PromptInit = PromptInit::Vocabulary
            => Row::plain().methods(PROMPT);
        /// Prompt: the text to start from, with `init` = text
        init_text: Option<String> = None
            => Row::plain().methods(PROMPT);
        /// An adapter to start from: a directory in PEFT's layout
        ///
        /// Its rank, alpha, variant and layers, or its number of virtual tokens, are taken over.
        init_adapter: Option<String> = None
            => Row::plain().value("DIR").methods(ADAPTERS).hidden();
    }
}

section! {
    /// How it is trained.
    TrainConfig "train" {
        /// How often to go through the training rows
        epochs: usize = 3
            => Row::range(Range::from(1)).essential().instead_of(&["max_steps"]).own();
        /// Stops after this many optimizer steps, instead of `epochs`
        max_steps: Option<usize> = None, "by epochs"
            => Row::range(Range::from(1));
        /// Examples in a batch
        batch_size: usize = 8
            => Row::whole(1, 65_536).tasks(&[Generate, Evaluate, Memory, Bench]).essential().own();
        /// Batches whose gradients are added up before a step
        accumulate: usize = 1
            => Row::whole(1, 65_536).tasks(&[Memory]);
        /// How gradients become steps
        optimizer: Option<OptimizerKind> = None, "adamw; adafactor for prompt"
            => Row::plain().tasks(&[Memory]);
        /// The learning rate at the schedule's highest point
        learning_rate: Option<f64> = None, "1e-3 for lora, 8e-3 for ia3, 0.3 for prompt, 3e-4 for full; 1 where the optimizer finds it"
            => Row::range(Range::Positive).essential().own();
        /// how slowly the mean of gradients follows
        beta1: f64 = 0.9
            => Row::range(Range::Fraction);
        /// how slowly the second mean follows
        beta2: f64 = 0.999
            => Row::range(Range::Fraction);
        /// what is added to the divisor
        epsilon: f64 = 1e-8
            => Row::range(Range::Positive);
        /// how much of the last step is kept
        momentum: f64 = 0.0
            => Row::range(Range::Fraction).tasks(&[Memory]);
        /// multiplies the learning rate by the size of the weights
        scale_parameter: bool = false
            => Row::plain();
        /// The part of a weight taken away each step, times the learning rate
        ///
        /// Never of norms.
        weight_decay: f64 = 0.0
            => Row::range(Range::NotNegative);
        /// The largest norm of all gradients together; above it they are scaled down
        ///
        /// 0 turns it off.
        clip_norm: f64 = 1.0
            => Row::range(Range::NotNegative);
        /// How the learning rate changes after the warm-up
        schedule: Schedule = Schedule::Linear
            => Row::plain();
        /// Steps in which the learning rate rises from 0
        warmup_steps: usize = 0
            => Row::plain();
        /// The part of the target probability spread over the whole vocabulary
        label_smoothing: f64 = 0.0
            => Row::range(Range::Fraction);
        /// The weight of the squared log of the softmax's divisor in the loss
        z_loss: f64 = 0.0
            => Row::range(Range::NotNegative);
        /// The rate of the model's own dropout, or the word model for config.json's
        dropout: Dropout = Dropout::Rate(0.0)
            => Row::range(Range::Fraction).tasks(&[Memory]);
        /// Where every random choice comes from
        ///
        /// The same seed, configuration, device and build give the same weights.
        seed: u64 = 0
            => Row::plain().tasks(&[Evaluate, Preview, Lengths, Split, Demo]).essential().own();
        /// Draws the rows in a new order each epoch
        ///
        /// Without it they come in the file's order, and `group_by_length` has no effect.
        shuffle: bool = true
            => Row::plain();
        /// Puts examples of like length in a batch, which wastes less padding
        group_by_length: bool = true
            => Row::plain();
        /// Steps between checkpoints
        checkpoint_every: usize = 100
            => Row::range(Range::from(1)).free();
        /// How many of the newest checkpoints to keep
        keep_checkpoints: usize = 2
            => Row::range(Range::from(1)).free();
    }
}

section! {
    /// How it is judged, and how text is generated.
    EvalConfig "eval" {
        /// Steps between evaluations while training
        eval_every: Option<usize> = None, "once an epoch"
            => Row::range(Range::from(1)).group(Evaluation);
        /// The most validation rows that an evaluation while training takes
        eval_rows: usize = 200
            => Row::range(Range::from(1)).group(Evaluation);
        /// Validation rows whose predictions are shown while training
        eval_samples: usize = 3
            => Row::plain().group(Evaluation);
        /// What to measure
        ///
        /// Text is generated for all but the loss, which takes longer.
        metrics: Vec<Metric> = vec![Metric::Loss]
            => Row::plain().tasks(&[Evaluate]).group(Evaluation).essential();
        /// What decides which weights are the best
        best_metric: Metric = Metric::Loss
            => Row::plain().group(Evaluation);
        /// Stops after this many evaluations without a better one
        patience: Option<usize> = None, "never"
            => Row::range(Range::from(1)).group(Evaluation);
        /// Compares the stems of words in ROUGE
        stemmer: bool = true
            => Row::plain().tasks(&[Evaluate]).group(Evaluation);
        /// The most tokens to generate
        ///
        /// The model's own generation_config.json says it, and what is said below, where nothing else
        /// does.
        max_new_tokens: Option<usize> = None, "64, or the model's own"
            => Row::whole(1, 65_536).tasks(TEXTS).group(Generation).essential();
        /// The fewest tokens to generate
        min_new_tokens: Option<usize> = None
            => Row::plain().tasks(TEXTS).group(Generation);
        /// How many beams to search with; 1 is greedy
        num_beams: Option<usize> = None, "1, or the model's own"
            => Row::whole(1, 1024).tasks(TEXTS).group(Generation);
        /// How many outputs to give for a prompt
        num_return_sequences: usize = 1
            => Row::whole(1, 1024).tasks(&[Generate]).group(Generation).hidden();
        /// Beams: above 0 favours long outputs, below 0 short ones
        length_penalty: Option<f64> = None, "1, or the model's own"
            => Row::plain().tasks(TEXTS).group(Generation);
        /// Beams: whether to stop as soon as enough outputs are complete, or never early
        ///
        /// With false the search stops when the best open output is no better at its length now,
        /// with never when it could not become better at any length.
        early_stopping: Option<EarlyStopping> = None, "false, or the model's own"
            => Row::plain().tasks(TEXTS).group(Generation);
        /// Sampling: above 1 flattens the probabilities, below 1 sharpens them
        ///
        /// 0 draws nothing, and takes the likeliest token.
        temperature: Option<f64> = None
            => Row::range(Range::NotNegative).tasks(&[Generate]).group(Generation);
        /// Sampling: draws from this many of the most probable tokens
        ///
        /// 0 turns it off.
        top_k: Option<usize> = None
            => Row::plain().tasks(&[Generate]).group(Generation);
        /// Sampling: draws from the most probable tokens that sum to this probability
        ///
        /// 1 turns it off.
        top_p: Option<f64> = None
            => Row::range(Range::Share).tasks(&[Generate]).group(Generation);
        /// Above 1 makes tokens that were already generated less probable
        repetition_penalty: Option<f64> = None
            => Row::range(Range::Positive).tasks(TEXTS).group(Generation);
        /// No sequence of this many tokens is generated twice
        ///
        /// 0 turns it off.
        no_repeat_ngram_size: Option<usize> = None
            => Row::whole(0, 65_536).tasks(TEXTS).group(Generation);
        /// Sampling: where its random choices come from
        generation_seed: Option<u64> = None
            => Row::plain().tasks(&[Generate]).group(Generation);
    }
}

impl EvalConfig {
    /// Whether tokens are drawn: any of the keys that say what from asks for it, unless its value turns
    /// it off.
    pub fn samples(&self) -> bool {
        let asks = self.temperature.is_some()
            || self.top_k.is_some_and(|count| count > 0)
            || self.top_p.is_some_and(|share| share < 1.0);
        asks && self.temperature != Some(0.0)
    }

    /// Whether anything is said of draws, be it that there are none.
    pub(crate) fn draws_given(&self) -> bool {
        self.temperature.is_some() || self.top_k.is_some() || self.top_p.is_some()
    }

    /// Whether a metric is of texts that the model writes.
    pub fn scores_texts(&self) -> bool {
        self.metrics.iter().any(|metric| metric.needs_generation())
    }

    /// Whether an evaluation while training makes any text.
    pub(crate) fn makes_texts(&self) -> bool {
        self.eval_samples > 0 || self.scores_texts()
    }

    /// The most tokens to generate.
    pub fn max_new_tokens(&self) -> usize {
        self.max_new_tokens.unwrap_or(64)
    }

    /// How many beams to search with.
    pub fn num_beams(&self) -> usize {
        self.num_beams.unwrap_or(1)
    }

    /// The power of the length that a beam's score is divided by.
    pub fn length_penalty(&self) -> f64 {
        self.length_penalty.unwrap_or(1.0)
    }

    /// When beam search ends.
    pub fn early_stopping(&self) -> EarlyStopping {
        self.early_stopping.unwrap_or(EarlyStopping::False)
    }
}
