// Written by crate/wasm/src/contract.rs (cargo test, with FLANTUNE_WRITE set).
export const requests = [
  {
    "request": "keys"
  },
  {
    "request": "demos"
  },
  {
    "request": "plan",
    "options": {
      "rank": 4,
      "learningRate": 0.001,
      "targetModules": [
        "q",
        "v"
      ],
      "shuffle": false
    },
    "model": "m",
    "rows": {
      "train": 90,
      "validation": 10
    }
  },
  {
    "request": "openDevice",
    "device": "webgpu"
  },
  {
    "request": "proveDevice",
    "name": "a GPU",
    "driver": "a browser"
  },
  {
    "request": "estimate",
    "directory": "models/a",
    "options": {
      "rank": 4,
      "learningRate": 0.001,
      "targetModules": [
        "q",
        "v"
      ],
      "shuffle": false
    }
  },
  {
    "request": "loadModel",
    "model": "m",
    "directory": "models/a",
    "dtype": "int8",
    "base": {
      "id": "google/flan-t5-small",
      "revision": "main"
    }
  },
  {
    "request": "dropModel",
    "model": "m"
  },
  {
    "request": "inspect",
    "path": "files/1/a.csv",
    "options": {
      "rank": 4,
      "learningRate": 0.001,
      "targetModules": [
        "q",
        "v"
      ],
      "shuffle": false
    },
    "count": 5
  },
  {
    "request": "preview",
    "model": "m",
    "path": "files/1/a.csv",
    "options": {
      "rank": 4,
      "learningRate": 0.001,
      "targetModules": [
        "q",
        "v"
      ],
      "shuffle": false
    },
    "first": 0,
    "count": 3
  },
  {
    "request": "lengths",
    "model": "m",
    "path": "files/1/a.csv",
    "options": {
      "rank": 4,
      "learningRate": 0.001,
      "targetModules": [
        "q",
        "v"
      ],
      "shuffle": false
    }
  },
  {
    "request": "openRun",
    "run": "r",
    "model": "m",
    "output": "runs/1",
    "options": {
      "rank": 4,
      "learningRate": 0.001,
      "targetModules": [
        "q",
        "v"
      ],
      "shuffle": false
    },
    "resume": false
  },
  {
    "request": "step",
    "run": "r"
  },
  {
    "request": "checkpoint",
    "run": "r"
  },
  {
    "request": "writeAdapter",
    "run": "r"
  },
  {
    "request": "splitBatches",
    "run": "r",
    "rows": 4
  },
  {
    "request": "closeRun",
    "run": "r"
  },
  {
    "request": "holdAdapter",
    "model": "m",
    "adapter": "a",
    "directory": "adapters/1"
  },
  {
    "request": "dropAdapter",
    "model": "m",
    "adapter": "a"
  },
  {
    "request": "describeAdapter",
    "directory": "adapters/1"
  },
  {
    "request": "fits",
    "model": "m",
    "bases": [
      "0011-2233-4455-F32-6677"
    ]
  },
  {
    "request": "generate",
    "model": "m",
    "adapter": "a",
    "prompts": [
      "Hello"
    ],
    "options": {
      "rank": 4,
      "learningRate": 0.001,
      "targetModules": [
        "q",
        "v"
      ],
      "shuffle": false
    }
  },
  {
    "request": "evaluate",
    "model": "m",
    "adapter": "a",
    "path": "files/1/a.csv",
    "options": {
      "rank": 4,
      "learningRate": 0.001,
      "targetModules": [
        "q",
        "v"
      ],
      "shuffle": false
    },
    "split": "validation",
    "rows": 20
  },
  {
    "request": "score",
    "predictions": [
      "a"
    ],
    "references": [
      [
        "a",
        "b"
      ]
    ],
    "options": {
      "rank": 4,
      "learningRate": 0.001,
      "targetModules": [
        "q",
        "v"
      ],
      "shuffle": false
    }
  },
  {
    "request": "merge",
    "model": "m",
    "adapter": "adapters/1",
    "output": "merged/1"
  },
  {
    "request": "hubModel",
    "id": "google/flan-t5-small@main",
    "endpoint": "https://a.b"
  },
  {
    "request": "hubFiles",
    "id": "google/flan-t5-small",
    "endpoint": "https://a.b",
    "listing": "{}"
  },
  {
    "request": "hubShards",
    "id": "google/flan-t5-small",
    "endpoint": "https://a.b",
    "commit": "0123",
    "directory": "models/a"
  },
  {
    "request": "bench",
    "cases": [
      "lora"
    ],
    "dtypes": [
      "f32"
    ],
    "shape": "small",
    "source": 128,
    "target": 32,
    "steps": 5,
    "options": {
      "rank": 4,
      "learningRate": 0.001,
      "targetModules": [
        "q",
        "v"
      ],
      "shuffle": false
    }
  }
] as const;
export const answers = {
  "keys": [
    {
      "section": "model",
      "name": "model",
      "kind": {
        "type": "text"
      },
      "default": "",
      "words": false,
      "summary": "The base model: `builtin`, a directory, or OWNER/NAME[@REVISION] of a hub",
      "details": "`builtin` is a small T5 that is a part of Flantune: for a first try, not for real work. A directory holds config.json, tokenizer.json and model.safetensors, or its shards with their index. A model of a hub, such as google/flan-t5-small, is taken from the Hugging Face cache, and downloaded into it where it is not there.",
      "place": "hidden",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "model",
      "name": "dtype",
      "kind": {
        "type": "choice",
        "choices": [
          "f32",
          "f16",
          "bf16",
          "int8",
          "int4"
        ]
      },
      "default": "f32",
      "words": false,
      "summary": "The type of number that weights are kept in",
      "details": "All is computed in f32, whatever type files are of. `f16` takes half of the memory, `int8` a quarter, `int4` a fifth to a seventh: matrices are rounded as they are read, and multiplied out where they are used. A directory that `flantune quantize` has made of int8 or int4 is that anyhow.",
      "place": "hidden",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "model",
      "name": "device",
      "kind": {
        "type": "choice",
        "choices": [
          "auto",
          "cpu",
          "webgpu"
        ]
      },
      "default": "auto",
      "words": false,
      "summary": "Where to compute",
      "details": "`auto` takes a hardware GPU through `webgpu`, else `cpu`. A software rasteriser is used only when `webgpu` is asked for.",
      "place": "hidden",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "model",
      "name": "recompute",
      "kind": {
        "type": "flag"
      },
      "default": "false",
      "words": false,
      "summary": "Computes activations again in the backward pass, for less memory",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "model",
      "name": "kernels",
      "kind": {
        "type": "flag"
      },
      "default": "true",
      "words": false,
      "summary": "Uses the fused kernels instead of plain tensor operations",
      "details": "Both give the same numbers within rounding.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "model",
      "name": "products",
      "kind": {
        "type": "choice",
        "choices": [
          "f32",
          "int16"
        ]
      },
      "default": "int16 with a dtype of int8, else f32",
      "words": true,
      "summary": "What frozen weights of 8-bit integers are multiplied as, on the processor",
      "details": "`f32` multiplies them out to floats. `int16` multiplies integers by integers: activations and gradients are rounded to 16 bits in blocks of 64 with a scale each, which is faster, and nearer to float32 than bfloat16 is. What is trained is never rounded. A GPU multiplies floats, whatever this says.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "model",
      "name": "threads",
      "kind": {
        "type": "integer"
      },
      "default": "all",
      "words": true,
      "summary": "How many processor threads to use",
      "details": "",
      "place": "hidden",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0,
        "to": 4096.0
      }
    },
    {
      "section": "data",
      "name": "train",
      "kind": {
        "type": "text"
      },
      "default": "",
      "words": false,
      "summary": "The file of training rows: JSONL, CSV or TSV; or a mixture of several: TOML",
      "details": "JSONL has one JSON object a line; CSV and TSV have a header row. The ending of the name tells which it is.",
      "place": "hidden",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "data",
      "name": "validation",
      "kind": {
        "type": "text"
      },
      "default": "",
      "words": false,
      "summary": "The file of validation rows",
      "details": "",
      "place": "hidden",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "data",
      "name": "validationFraction",
      "kind": {
        "type": "number"
      },
      "default": "0.1 without a validation file",
      "words": true,
      "summary": "The part of the training rows held out for validation",
      "details": "Drawn with `seed`. Only without a `validation` file; 0 turns it off. Of a mixture, it is the part of each set that names no `validation` of its own.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 0.0,
        "below": 1.0
      }
    },
    {
      "section": "data",
      "name": "template",
      "kind": {
        "type": "text"
      },
      "default": "",
      "words": false,
      "summary": "How a row becomes text: source ||| target, in Jinja",
      "details": "For example `Summarize: {{dialogue}} ||| {{summary}}`. Both sides are stripped. Without it, rows need the fields `source` and `target`, or just two fields in that order.",
      "place": "hidden",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "data",
      "name": "templateFile",
      "kind": {
        "type": "text"
      },
      "default": "",
      "words": false,
      "summary": "A file that holds the template, or a PromptSource templates.yaml",
      "details": "Easier than a shell's quoting where the template has several lines. The templates of a templates.yaml take turns over the rows, in an order drawn with `seed`.",
      "place": "hidden",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "data",
      "name": "sourceField",
      "kind": {
        "type": "text"
      },
      "default": "source",
      "words": true,
      "summary": "The field of the source text, where there is no template",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "data",
      "name": "targetField",
      "kind": {
        "type": "text"
      },
      "default": "target",
      "words": true,
      "summary": "The field of the target text, where there is no template",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "data",
      "name": "referenceFields",
      "kind": {
        "type": "list"
      },
      "default": "",
      "words": false,
      "summary": "Fields that hold the references to score against",
      "details": "The best of several counts. Without this, the target is the only reference.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "data",
      "name": "maxSourceTokens",
      "kind": {
        "type": "integer"
      },
      "default": "512",
      "words": false,
      "summary": "The most tokens of a source text, with its closing </s>",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0,
        "to": 65536.0
      }
    },
    {
      "section": "data",
      "name": "maxTargetTokens",
      "kind": {
        "type": "integer"
      },
      "default": "128",
      "words": false,
      "summary": "The most tokens of a target text, with its closing </s>",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0,
        "to": 65536.0
      }
    },
    {
      "section": "data",
      "name": "onTooLong",
      "kind": {
        "type": "choice",
        "choices": [
          "truncate",
          "keep",
          "drop",
          "error"
        ]
      },
      "default": "truncate",
      "words": false,
      "summary": "What happens to a text with more tokens than that",
      "details": "`truncate` cuts it, `keep` leaves it as it is, `drop` leaves its row out, `error` stops.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "data",
      "name": "separator",
      "kind": {
        "type": "choice",
        "choices": [
          "comma",
          "semicolon",
          "tab",
          "bar"
        ]
      },
      "default": "as the file shows",
      "words": true,
      "summary": "What separates the fields of CSV and TSV",
      "details": "Without it, the ending of the file's name says it, or a header that shows another one, or Excel's first line `sep=;`.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "data",
      "name": "limit",
      "kind": {
        "type": "integer"
      },
      "default": "all rows",
      "words": true,
      "summary": "Uses only the first rows of a file, this many",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0
      }
    },
    {
      "section": "data",
      "name": "skipBadRows",
      "kind": {
        "type": "flag"
      },
      "default": "false",
      "words": false,
      "summary": "Leaves out bad rows, and counts them, instead of stopping at the first",
      "details": "",
      "place": "hidden",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "method",
      "name": "method",
      "kind": {
        "type": "choice",
        "choices": [
          "lora",
          "ia3",
          "prompt",
          "full"
        ]
      },
      "default": "lora",
      "words": false,
      "summary": "What is trained: low-rank matrices, scales, a soft prompt, or every weight",
      "details": "",
      "place": "own",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "method",
      "name": "rank",
      "kind": {
        "type": "integer"
      },
      "default": "8",
      "words": false,
      "summary": "LoRA: the rank of the two small matrices",
      "details": "",
      "place": "own",
      "methods": [
        "lora"
      ],
      "optimizers": [],
      "range": {
        "from": 1.0,
        "to": 4096.0
      }
    },
    {
      "section": "method",
      "name": "alpha",
      "kind": {
        "type": "number"
      },
      "default": "2 * rank",
      "words": true,
      "summary": "LoRA: the strength of the update, which is multiplied by alpha / rank",
      "details": "",
      "place": "listed",
      "methods": [
        "lora"
      ],
      "optimizers": [],
      "range": {
        "to": 1000000.0,
        "above": 0.0
      }
    },
    {
      "section": "method",
      "name": "loraDropout",
      "kind": {
        "type": "number"
      },
      "default": "0",
      "words": false,
      "summary": "LoRA: the part of its inputs zeroed while training",
      "details": "",
      "place": "listed",
      "methods": [
        "lora"
      ],
      "optimizers": [],
      "range": {
        "from": 0.0,
        "to": 0.99
      }
    },
    {
      "section": "method",
      "name": "variant",
      "kind": {
        "type": "choice",
        "choices": [
          "plain",
          "rslora",
          "dora"
        ]
      },
      "default": "plain",
      "words": false,
      "summary": "LoRA: plain, rank-stabilised (rslora), or magnitude and direction apart (dora)",
      "details": "",
      "place": "listed",
      "methods": [
        "lora"
      ],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "method",
      "name": "targetModules",
      "kind": {
        "type": "list",
        "choices": [
          "q",
          "k",
          "v",
          "o",
          "wi_0",
          "wi_1",
          "wi",
          "wo"
        ]
      },
      "default": "q,v; k,v,wo for ia3",
      "words": true,
      "summary": "LoRA, (IA)³: the layers to train beside",
      "details": "Attention has q, k, v and o; FLAN-T5's feed-forward layers have wi_0, wi_1 and wo, those of T5 v1.0 wi and wo.",
      "place": "own",
      "methods": [
        "lora",
        "ia3"
      ],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "method",
      "name": "numVirtualTokens",
      "kind": {
        "type": "integer"
      },
      "default": "20",
      "words": false,
      "summary": "Prompt: how many virtual tokens go before the source",
      "details": "",
      "place": "own",
      "methods": [
        "prompt"
      ],
      "optimizers": [],
      "range": {
        "from": 1.0,
        "to": 4096.0
      }
    },
    {
      "section": "method",
      "name": "init",
      "kind": {
        "type": "choice",
        "choices": [
          "vocabulary",
          "random",
          "text"
        ]
      },
      "default": "vocabulary",
      "words": false,
      "summary": "Prompt: what the virtual tokens start from",
      "details": "",
      "place": "listed",
      "methods": [
        "prompt"
      ],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "method",
      "name": "initText",
      "kind": {
        "type": "text"
      },
      "default": "",
      "words": false,
      "summary": "Prompt: the text to start from, with `init` = text",
      "details": "",
      "place": "listed",
      "methods": [
        "prompt"
      ],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "method",
      "name": "initAdapter",
      "kind": {
        "type": "text"
      },
      "default": "",
      "words": false,
      "summary": "An adapter to start from: a directory in PEFT's layout",
      "details": "Its rank, alpha, variant and layers, or its number of virtual tokens, are taken over.",
      "place": "hidden",
      "methods": [
        "lora",
        "ia3",
        "prompt"
      ],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "train",
      "name": "epochs",
      "kind": {
        "type": "integer"
      },
      "default": "3",
      "words": false,
      "summary": "How often to go through the training rows",
      "details": "",
      "place": "own",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0
      }
    },
    {
      "section": "train",
      "name": "maxSteps",
      "kind": {
        "type": "integer"
      },
      "default": "by epochs",
      "words": true,
      "summary": "Stops after this many optimizer steps, instead of `epochs`",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0
      }
    },
    {
      "section": "train",
      "name": "batchSize",
      "kind": {
        "type": "integer"
      },
      "default": "8",
      "words": false,
      "summary": "Examples in a batch",
      "details": "",
      "place": "own",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0,
        "to": 65536.0
      }
    },
    {
      "section": "train",
      "name": "accumulate",
      "kind": {
        "type": "integer"
      },
      "default": "1",
      "words": false,
      "summary": "Batches whose gradients are added up before a step",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0,
        "to": 65536.0
      }
    },
    {
      "section": "train",
      "name": "optimizer",
      "kind": {
        "type": "choice",
        "choices": [
          "adamw",
          "adafactor",
          "sgd",
          "lion",
          "prodigy"
        ]
      },
      "default": "adamw; adafactor for prompt",
      "words": true,
      "summary": "How gradients become steps",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "train",
      "name": "learningRate",
      "kind": {
        "type": "number"
      },
      "default": "1e-3 for lora, 8e-3 for ia3, 0.3 for prompt, 3e-4 for full; 1 where the optimizer finds it",
      "words": true,
      "summary": "The learning rate at the schedule's highest point",
      "details": "",
      "place": "own",
      "methods": [],
      "optimizers": [],
      "range": {
        "above": 0.0
      }
    },
    {
      "section": "train",
      "name": "beta1",
      "kind": {
        "type": "number"
      },
      "default": "0.9",
      "words": false,
      "summary": "adamw, lion, prodigy: how slowly the mean of gradients follows",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [
        "adamw",
        "lion",
        "prodigy"
      ],
      "range": {
        "from": 0.0,
        "below": 1.0
      }
    },
    {
      "section": "train",
      "name": "beta2",
      "kind": {
        "type": "number"
      },
      "default": "0.999",
      "words": false,
      "summary": "adamw, lion, prodigy: how slowly the second mean follows",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [
        "adamw",
        "lion",
        "prodigy"
      ],
      "range": {
        "from": 0.0,
        "below": 1.0
      }
    },
    {
      "section": "train",
      "name": "epsilon",
      "kind": {
        "type": "number"
      },
      "default": "1e-8",
      "words": false,
      "summary": "adamw, prodigy: what is added to the divisor",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [
        "adamw",
        "prodigy"
      ],
      "range": {
        "above": 0.0
      }
    },
    {
      "section": "train",
      "name": "momentum",
      "kind": {
        "type": "number"
      },
      "default": "0",
      "words": false,
      "summary": "sgd: how much of the last step is kept",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [
        "sgd"
      ],
      "range": {
        "from": 0.0,
        "below": 1.0
      }
    },
    {
      "section": "train",
      "name": "scaleParameter",
      "kind": {
        "type": "flag"
      },
      "default": "false",
      "words": false,
      "summary": "adafactor: multiplies the learning rate by the size of the weights",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [
        "adafactor"
      ],
      "range": {}
    },
    {
      "section": "train",
      "name": "weightDecay",
      "kind": {
        "type": "number"
      },
      "default": "0",
      "words": false,
      "summary": "The part of a weight taken away each step, times the learning rate",
      "details": "Never of norms.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 0.0
      }
    },
    {
      "section": "train",
      "name": "clipNorm",
      "kind": {
        "type": "number"
      },
      "default": "1",
      "words": false,
      "summary": "The largest norm of all gradients together; above it they are scaled down",
      "details": "0 turns it off.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 0.0
      }
    },
    {
      "section": "train",
      "name": "schedule",
      "kind": {
        "type": "choice",
        "choices": [
          "linear",
          "constant",
          "cosine",
          "inverse_sqrt"
        ]
      },
      "default": "linear",
      "words": false,
      "summary": "How the learning rate changes after the warm-up",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "train",
      "name": "warmupSteps",
      "kind": {
        "type": "integer"
      },
      "default": "0",
      "words": false,
      "summary": "Steps in which the learning rate rises from 0",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "train",
      "name": "labelSmoothing",
      "kind": {
        "type": "number"
      },
      "default": "0",
      "words": false,
      "summary": "The part of the target probability spread over the whole vocabulary",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 0.0,
        "below": 1.0
      }
    },
    {
      "section": "train",
      "name": "zLoss",
      "kind": {
        "type": "number"
      },
      "default": "0",
      "words": false,
      "summary": "The weight of the squared log of the softmax's divisor in the loss",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 0.0
      }
    },
    {
      "section": "train",
      "name": "dropout",
      "kind": {
        "type": "number"
      },
      "default": "0",
      "words": false,
      "summary": "The rate of the model's own dropout, or the word model for config.json's",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 0.0,
        "below": 1.0
      }
    },
    {
      "section": "train",
      "name": "seed",
      "kind": {
        "type": "integer"
      },
      "default": "0",
      "words": false,
      "summary": "Where every random choice comes from",
      "details": "The same seed, configuration, device and build give the same weights.",
      "place": "own",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "train",
      "name": "shuffle",
      "kind": {
        "type": "flag"
      },
      "default": "true",
      "words": false,
      "summary": "Draws the rows in a new order each epoch",
      "details": "Without it they come in the file's order, and `groupByLength` has no effect.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "train",
      "name": "groupByLength",
      "kind": {
        "type": "flag"
      },
      "default": "true",
      "words": false,
      "summary": "Puts examples of like length in a batch, which wastes less padding",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "train",
      "name": "checkpointEvery",
      "kind": {
        "type": "integer"
      },
      "default": "100",
      "words": false,
      "summary": "Steps between checkpoints",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0
      }
    },
    {
      "section": "train",
      "name": "keepCheckpoints",
      "kind": {
        "type": "integer"
      },
      "default": "2",
      "words": false,
      "summary": "How many of the newest checkpoints to keep",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0
      }
    },
    {
      "section": "eval",
      "name": "evalEvery",
      "kind": {
        "type": "integer"
      },
      "default": "once an epoch",
      "words": true,
      "summary": "Steps between evaluations while training",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0
      }
    },
    {
      "section": "eval",
      "name": "evalRows",
      "kind": {
        "type": "integer"
      },
      "default": "200",
      "words": false,
      "summary": "The most validation rows that an evaluation while training takes",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0
      }
    },
    {
      "section": "eval",
      "name": "evalSamples",
      "kind": {
        "type": "integer"
      },
      "default": "3",
      "words": false,
      "summary": "Validation rows whose predictions are shown while training",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "eval",
      "name": "metrics",
      "kind": {
        "type": "list",
        "choices": [
          "loss",
          "rouge1",
          "rouge2",
          "rouge3",
          "rouge4",
          "rougeL",
          "rougeLsum",
          "bleu",
          "chrf",
          "chrf++",
          "ter",
          "exact_match",
          "token_f1",
          "accuracy",
          "f1",
          "f1_micro",
          "f1_weighted",
          "matthews",
          "pearson",
          "spearman"
        ]
      },
      "default": "loss",
      "words": false,
      "summary": "What to measure",
      "details": "Text is generated for all but the loss, which takes longer.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "eval",
      "name": "bestMetric",
      "kind": {
        "type": "choice",
        "choices": [
          "loss",
          "rouge1",
          "rouge2",
          "rouge3",
          "rouge4",
          "rougeL",
          "rougeLsum",
          "bleu",
          "chrf",
          "chrf++",
          "ter",
          "exact_match",
          "token_f1",
          "accuracy",
          "f1",
          "f1_micro",
          "f1_weighted",
          "matthews",
          "pearson",
          "spearman"
        ]
      },
      "default": "loss",
      "words": false,
      "summary": "What decides which weights are the best",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "eval",
      "name": "patience",
      "kind": {
        "type": "integer"
      },
      "default": "never",
      "words": true,
      "summary": "Stops after this many evaluations without a better one",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0
      }
    },
    {
      "section": "eval",
      "name": "stemmer",
      "kind": {
        "type": "flag"
      },
      "default": "true",
      "words": false,
      "summary": "Compares the stems of words in ROUGE",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "eval",
      "name": "maxNewTokens",
      "kind": {
        "type": "integer"
      },
      "default": "64, or the model's own",
      "words": true,
      "summary": "The most tokens to generate",
      "details": "The model's own generation_config.json says it, and what is said below, where nothing else does.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0,
        "to": 65536.0
      }
    },
    {
      "section": "eval",
      "name": "minNewTokens",
      "kind": {
        "type": "integer"
      },
      "default": "",
      "words": false,
      "summary": "The fewest tokens to generate",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "eval",
      "name": "numBeams",
      "kind": {
        "type": "integer"
      },
      "default": "1, or the model's own",
      "words": true,
      "summary": "How many beams to search with; 1 is greedy",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0,
        "to": 1024.0
      }
    },
    {
      "section": "eval",
      "name": "numReturnSequences",
      "kind": {
        "type": "integer"
      },
      "default": "1",
      "words": false,
      "summary": "How many outputs to give for a prompt",
      "details": "",
      "place": "hidden",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 1.0,
        "to": 1024.0
      }
    },
    {
      "section": "eval",
      "name": "lengthPenalty",
      "kind": {
        "type": "number"
      },
      "default": "1, or the model's own",
      "words": true,
      "summary": "Beams: above 0 favours long outputs, below 0 short ones",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "eval",
      "name": "earlyStopping",
      "kind": {
        "type": "choice",
        "choices": [
          "false",
          "true",
          "never"
        ]
      },
      "default": "false, or the model's own",
      "words": true,
      "summary": "Beams: whether to stop as soon as enough outputs are complete, or never early",
      "details": "With false the search stops when the best open output is no better at its length now, with never when it could not become better at any length.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "eval",
      "name": "temperature",
      "kind": {
        "type": "number"
      },
      "default": "",
      "words": false,
      "summary": "Sampling: above 1 flattens the probabilities, below 1 sharpens them",
      "details": "0 draws nothing, and takes the likeliest token.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 0.0
      }
    },
    {
      "section": "eval",
      "name": "topK",
      "kind": {
        "type": "integer"
      },
      "default": "",
      "words": false,
      "summary": "Sampling: draws from this many of the most probable tokens",
      "details": "0 turns it off.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    },
    {
      "section": "eval",
      "name": "topP",
      "kind": {
        "type": "number"
      },
      "default": "",
      "words": false,
      "summary": "Sampling: draws from the most probable tokens that sum to this probability",
      "details": "1 turns it off.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "to": 1.0,
        "above": 0.0
      }
    },
    {
      "section": "eval",
      "name": "repetitionPenalty",
      "kind": {
        "type": "number"
      },
      "default": "",
      "words": false,
      "summary": "Above 1 makes tokens that were already generated less probable",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "above": 0.0
      }
    },
    {
      "section": "eval",
      "name": "noRepeatNgramSize",
      "kind": {
        "type": "integer"
      },
      "default": "",
      "words": false,
      "summary": "No sequence of this many tokens is generated twice",
      "details": "0 turns it off.",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {
        "from": 0.0,
        "to": 65536.0
      }
    },
    {
      "section": "eval",
      "name": "generationSeed",
      "kind": {
        "type": "integer"
      },
      "default": "",
      "words": false,
      "summary": "Sampling: where its random choices come from",
      "details": "",
      "place": "listed",
      "methods": [],
      "optimizers": [],
      "range": {}
    }
  ],
  "demos": [
    {
      "name": "reviews",
      "about": "a title in the shop's own form for a review",
      "data": {
        "template": "Write a title for this review.\nProduct: {{ product }}, {{ stars }}/5\n{{ review }} ||| {{ title }}",
        "maxSourceTokens": 128,
        "maxTargetTokens": 48
      },
      "lora": {
        "maxSteps": 60,
        "learningRate": 0.005,
        "evalEvery": 20,
        "evalSamples": 0,
        "maxNewTokens": 48,
        "method": "lora"
      },
      "prompt": {
        "method": "prompt",
        "maxSteps": 100,
        "batchSize": 4,
        "optimizer": "adamw",
        "learningRate": 1.0,
        "evalEvery": 20,
        "evalSamples": 0,
        "maxNewTokens": 48
      }
    },
    {
      "name": "dialogues",
      "about": "a dialogue in one line",
      "data": {
        "template": "Summarize the conversation.\n{{ dialogue }} ||| {{ summary }}",
        "maxSourceTokens": 128,
        "maxTargetTokens": 48
      },
      "lora": {
        "learningRate": 0.005,
        "evalSamples": 0,
        "maxNewTokens": 48,
        "method": "lora"
      },
      "prompt": {
        "method": "prompt",
        "epochs": 4,
        "optimizer": "adamw",
        "learningRate": 0.5,
        "evalSamples": 0,
        "maxNewTokens": 48
      }
    },
    {
      "name": "casual",
      "about": "formal sentences in casual words",
      "data": {
        "template": "Rewrite this in a casual style: {{ formal }} ||| {{ casual }}",
        "maxSourceTokens": 128,
        "maxTargetTokens": 48
      },
      "lora": {
        "learningRate": 0.005,
        "evalSamples": 0,
        "maxNewTokens": 48,
        "method": "lora"
      },
      "prompt": {
        "method": "prompt",
        "epochs": 4,
        "optimizer": "adamw",
        "learningRate": 0.5,
        "evalSamples": 0,
        "maxNewTokens": 48
      }
    }
  ],
  "plan": {
    "config": {
      "model": {
        "dtype": "f32",
        "device": "auto",
        "recompute": false,
        "kernels": true
      },
      "data": {
        "validationFraction": 0.1,
        "referenceFields": [],
        "maxSourceTokens": 512,
        "maxTargetTokens": 128,
        "onTooLong": "truncate",
        "skipBadRows": false
      },
      "method": {
        "method": "lora",
        "rank": 8,
        "alpha": 16.0,
        "loraDropout": 0.0,
        "variant": "plain",
        "targetModules": [
          "q",
          "v"
        ],
        "numVirtualTokens": 20,
        "init": "vocabulary"
      },
      "train": {
        "epochs": 3,
        "batchSize": 8,
        "accumulate": 1,
        "optimizer": "adamw",
        "learningRate": 0.001,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "momentum": 0.0,
        "scaleParameter": false,
        "weightDecay": 0.0,
        "clipNorm": 1.0,
        "schedule": "linear",
        "warmupSteps": 0,
        "labelSmoothing": 0.0,
        "zLoss": 0.0,
        "dropout": 0.0,
        "seed": 0,
        "shuffle": true,
        "groupByLength": true,
        "checkpointEvery": 100,
        "keepCheckpoints": 2
      },
      "eval": {
        "evalRows": 200,
        "evalSamples": 3,
        "metrics": [
          "loss"
        ],
        "bestMetric": "loss",
        "stemmer": true,
        "numReturnSequences": 1
      }
    },
    "toml": "",
    "title": "LoRA of rank 8",
    "description": "LoRA (plain) of rank 8 and alpha 16 on q, v",
    "modules": [
      "q",
      "k",
      "v",
      "o",
      "wi_0",
      "wi_1",
      "wo"
    ],
    "parameters": {
      "trainable": 344064,
      "base": 76961152,
      "share": 0.004470619150815206,
      "prompt": {
        "tokens": 20,
        "width": 512
      },
      "matrices": [
        {
          "module": "q",
          "count": 24,
          "outputs": 384,
          "inputs": 512,
          "trainable": 7168
        },
        {
          "module": "v",
          "count": 24,
          "outputs": 384,
          "inputs": 512,
          "trainable": 7168
        }
      ]
    },
    "memory": {
      "weights": 309220864,
      "gradients": 0,
      "optimizer": 2752512,
      "activations": 1463910400,
      "logits": 131596288,
      "buffers": 37748736,
      "total": 1945228800,
      "trainable_parameters": 344064,
      "total_parameters": 77305216,
      "largest_tensor": 131596288
    },
    "length": {
      "steps": 36,
      "examples_per_step": 8,
      "examples": 90,
      "validation_examples": 10
    }
  },
  "openDevice": {
    "kind": "webgpu",
    "name": "a",
    "software": true,
    "limits": {
      "maxBufferSize": 1
    }
  },
  "proveDevice": {
    "device": "a",
    "driver": "b",
    "build": "0.1.0 0123",
    "right": true,
    "wrong": [
      "attention"
    ],
    "products": [
      {
        "tiles": "shared",
        "right": true,
        "seconds": 0.001
      }
    ],
    "tiles": "shared",
    "seconds": 1.5
  },
  "estimate": {
    "architecture": {
      "parameters": 76961152,
      "d_model": 512,
      "d_kv": 64,
      "d_ff": 1024,
      "num_heads": 6,
      "num_layers": 8,
      "num_decoder_layers": 8,
      "vocab_size": 32128,
      "gated": true
    },
    "memory": {
      "weights": 309220864,
      "gradients": 0,
      "optimizer": 2752512,
      "activations": 1463910400,
      "logits": 131596288,
      "buffers": 37748736,
      "total": 1945228800,
      "trainable_parameters": 344064,
      "total_parameters": 77305216,
      "largest_tensor": 131596288
    },
    "obstacle": "memory"
  },
  "loadModel": {
    "architecture": {
      "parameters": 76961152,
      "d_model": 512,
      "d_kv": 64,
      "d_ff": 1024,
      "num_heads": 6,
      "num_layers": 8,
      "num_decoder_layers": 8,
      "vocab_size": 32128,
      "gated": true
    },
    "hash": "0123",
    "dtype": "int8",
    "bytes": 7300000
  },
  "dropModel": null,
  "inspect": {
    "rows": 1,
    "fields": [
      "text"
    ],
    "records": [
      {
        "text": "a"
      }
    ],
    "skipped": {
      "count": 1,
      "first": [
        "line 2"
      ]
    }
  },
  "preview": [
    {
      "set": "a",
      "row": 0,
      "line": 1,
      "shortened": 1,
      "left_out": "too long",
      "source": {
        "text": "a b",
        "tokens": [
          {
            "id": 3,
            "token": "▁a"
          }
        ],
        "cut": {
          "tokens": 1,
          "text": "b"
        }
      },
      "target": {
        "text": "a b",
        "tokens": [
          {
            "id": 3,
            "token": "▁a"
          }
        ],
        "cut": {
          "tokens": 1,
          "text": "b"
        }
      },
      "references": [
        "b"
      ]
    }
  ],
  "lengths": {
    "name": "a",
    "rows": 10,
    "too_long": 1,
    "source": {
      "min": 1,
      "max": 9,
      "mean": 4.5,
      "p50": 4,
      "p90": 8,
      "p95": 9,
      "p99": 9,
      "tokens": 45,
      "limit": 8,
      "too_long": 1,
      "cut_tokens": 1,
      "histogram": [
        {
          "from": 0,
          "to": 9,
          "count": 10
        }
      ]
    },
    "target": {
      "min": 1,
      "max": 9,
      "mean": 4.5,
      "p50": 4,
      "p90": 8,
      "p95": 9,
      "p99": 9,
      "tokens": 45,
      "limit": 8,
      "too_long": 1,
      "cut_tokens": 1,
      "histogram": [
        {
          "from": 0,
          "to": 9,
          "count": 10
        }
      ]
    },
    "warnings": [
      {
        "event": "warning",
        "code": "truncated",
        "message": "3 sources were cut",
        "count": 3
      }
    ]
  },
  "openRun": {
    "steps": 126,
    "step": 100,
    "parameters": 344064
  },
  "step": {
    "events": [],
    "step": 1,
    "steps": 126,
    "done": false
  },
  "checkpoint": [],
  "writeAdapter": null,
  "splitBatches": null,
  "closeRun": null,
  "holdAdapter": {
    "method": "lora",
    "parameters": 344064,
    "bytes": 1376256,
    "base": "0123",
    "config": {
      "peft_type": "LORA"
    },
    "warnings": [
      {
        "event": "warning",
        "code": "truncated",
        "message": "3 sources were cut",
        "count": 3
      }
    ]
  },
  "dropAdapter": null,
  "describeAdapter": {
    "method": "lora",
    "parameters": 344064,
    "bytes": 1376256,
    "base": "0123",
    "config": {
      "peft_type": "LORA"
    }
  },
  "fits": [
    {
      "fits": true,
      "otherPrecision": {
        "was": "F32",
        "is": "BF16"
      }
    }
  ],
  "generate": [
    {
      "texts": [
        "a"
      ],
      "scores": [
        -0.5
      ]
    }
  ],
  "evaluate": {
    "metrics": {
      "rouge1": {
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0
      },
      "rouge2": {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0
      },
      "rouge3": {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0
      },
      "rouge4": {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0
      },
      "rougeL": {
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0
      },
      "rougeLsum": {
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0
      },
      "bleu": 0.0,
      "chrf": 100.0,
      "chrf++": 100.0,
      "ter": 0.0,
      "exact_match": 1.0,
      "token_f1": 1.0,
      "accuracy": 1.0,
      "f1": 1.0,
      "f1_micro": 1.0,
      "f1_weighted": 1.0,
      "matthews": 1.0,
      "pearson": 0.9999999999999999,
      "spearman": 0.9999999999999999,
      "loss": 1.5,
      "loss_per_token": 1.5,
      "a/loss": 1.5
    },
    "rows": [
      {
        "rouge1": {
          "precision": 1.0,
          "recall": 1.0,
          "f1": 1.0
        },
        "rouge2": {
          "precision": 0.0,
          "recall": 0.0,
          "f1": 0.0
        },
        "rouge3": {
          "precision": 0.0,
          "recall": 0.0,
          "f1": 0.0
        },
        "rouge4": {
          "precision": 0.0,
          "recall": 0.0,
          "f1": 0.0
        },
        "rougeL": {
          "precision": 1.0,
          "recall": 1.0,
          "f1": 1.0
        },
        "rougeLsum": {
          "precision": 1.0,
          "recall": 1.0,
          "f1": 1.0
        },
        "bleu": 0.0,
        "chrf": 100.0,
        "chrf++": 100.0,
        "ter": 0.0,
        "exact_match": 1.0,
        "token_f1": 1.0,
        "accuracy": 1.0,
        "f1": 1.0,
        "f1_micro": 1.0,
        "f1_weighted": 1.0,
        "matthews": 1.0,
        "pearson": 0.9999999999999999,
        "spearman": 0.9999999999999999,
        "loss": 1.5,
        "loss_per_token": 1.5,
        "a/loss": 1.5,
        "row": 0,
        "source": "a",
        "prediction": "b",
        "references": [
          "b"
        ]
      }
    ]
  },
  "score": {
    "rouge1": {
      "precision": 1.0,
      "recall": 1.0,
      "f1": 1.0
    },
    "rouge2": {
      "precision": 0.0,
      "recall": 0.0,
      "f1": 0.0
    },
    "rouge3": {
      "precision": 0.0,
      "recall": 0.0,
      "f1": 0.0
    },
    "rouge4": {
      "precision": 0.0,
      "recall": 0.0,
      "f1": 0.0
    },
    "rougeL": {
      "precision": 1.0,
      "recall": 1.0,
      "f1": 1.0
    },
    "rougeLsum": {
      "precision": 1.0,
      "recall": 1.0,
      "f1": 1.0
    },
    "bleu": 0.0,
    "chrf": 100.0,
    "chrf++": 100.0,
    "ter": 0.0,
    "exact_match": 1.0,
    "token_f1": 1.0,
    "accuracy": 1.0,
    "f1": 1.0,
    "f1_micro": 1.0,
    "f1_weighted": 1.0,
    "matthews": 1.0,
    "pearson": 0.9999999999999999,
    "spearman": 0.9999999999999999,
    "loss": 1.5,
    "loss_per_token": 1.5,
    "a/loss": 1.5
  },
  "merge": null,
  "hubModel": {
    "repository": "google/flan-t5-small",
    "revision": "main",
    "pinned": false,
    "folder": "a",
    "listing": "https://a.b"
  },
  "hubFiles": {
    "commit": "0123",
    "files": [
      {
        "name": "config.json",
        "address": "https://a.b/config.json"
      }
    ],
    "shards": true
  },
  "hubShards": [
    {
      "name": "config.json",
      "address": "https://a.b/config.json"
    }
  ],
  "bench": {
    "device": "cpu",
    "threads": 1,
    "shape": {
      "d_model": 512,
      "layers": 8,
      "batch": 8,
      "source": 128,
      "target": 32
    },
    "cases": [
      {
        "name": "lora",
        "dtype": "f32",
        "seconds": 0.5,
        "first_seconds": 1.5,
        "tokens_per_second": 2560.0,
        "peak_bytes": 900000000,
        "device_bytes": 700000000,
        "dispatches": 445,
        "pipelines": 40,
        "new_pipelines": 0,
        "kernels": {
          "product": 100
        }
      }
    ]
  }
} as const;
export const events = [
  {
    "event": "start",
    "method": "lora",
    "trainable_parameters": 344064,
    "total_parameters": 77305216,
    "steps": 126,
    "examples": 500,
    "validation_examples": 50,
    "sets": [
      {
        "name": "a",
        "examples": 5,
        "validation_examples": 1,
        "rate": 0.25
      }
    ],
    "device": "cpu",
    "resumed_from": 100
  },
  {
    "event": "step",
    "step": 7,
    "epoch": 0.056,
    "loss": 2.25,
    "learning_rate": 0.001,
    "gradient_norm": 1.5,
    "tokens": 1024,
    "seconds": 3.5,
    "tokens_per_second": 2048.0,
    "eta_seconds": 60.0
  },
  {
    "event": "eval",
    "step": 100,
    "metrics": {
      "rouge1": {
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0
      },
      "rouge2": {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0
      },
      "rouge3": {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0
      },
      "rouge4": {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0
      },
      "rougeL": {
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0
      },
      "rougeLsum": {
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0
      },
      "bleu": 0.0,
      "chrf": 100.0,
      "chrf++": 100.0,
      "ter": 0.0,
      "exact_match": 1.0,
      "token_f1": 1.0,
      "accuracy": 1.0,
      "f1": 1.0,
      "f1_micro": 1.0,
      "f1_weighted": 1.0,
      "matthews": 1.0,
      "pearson": 0.9999999999999999,
      "spearman": 0.9999999999999999,
      "loss": 1.5,
      "loss_per_token": 1.5,
      "a/loss": 1.5
    },
    "samples": [
      {
        "source": "a",
        "reference": "b",
        "prediction": "c"
      }
    ]
  },
  {
    "event": "checkpoint",
    "step": 100,
    "path": "out/checkpoints/000100"
  },
  {
    "event": "warning",
    "code": "truncated",
    "message": "3 sources were cut",
    "count": 3
  },
  {
    "event": "done",
    "steps": 126,
    "seconds": 60.5,
    "peak_bytes": 900000000,
    "output": "out",
    "metrics": {
      "rouge1": {
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0
      },
      "rouge2": {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0
      },
      "rouge3": {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0
      },
      "rouge4": {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0
      },
      "rougeL": {
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0
      },
      "rougeLsum": {
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0
      },
      "bleu": 0.0,
      "chrf": 100.0,
      "chrf++": 100.0,
      "ter": 0.0,
      "exact_match": 1.0,
      "token_f1": 1.0,
      "accuracy": 1.0,
      "f1": 1.0,
      "f1_micro": 1.0,
      "f1_weighted": 1.0,
      "matthews": 1.0,
      "pearson": 0.9999999999999999,
      "spearman": 0.9999999999999999,
      "loss": 1.5,
      "loss_per_token": 1.5,
      "a/loss": 1.5
    }
  },
  {
    "event": "error",
    "code": "setting",
    "message": "rank: found 0"
  }
] as const;
