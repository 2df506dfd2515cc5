// Written by crate/wasm/src/request.rs (cargo test, with FLANTUNE_WRITE set).
export const samples = [
  {
    "request": "keys"
  },
  {
    "request": "demos"
  },
  {
    "request": "resolve",
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
    "request": "openDevice",
    "device": "webgpu"
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
  }
] as const;
