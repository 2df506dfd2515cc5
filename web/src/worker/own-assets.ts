// Where the assets lie beside the worker, by literals that bundlers see: each of them copies the files
// and puts their new addresses here. A test holds the list against what is built.

/** An address for each path in the folder of the assets. */
export function ownAssets(): Record<string, URL> {
  return {
    "index.json": new URL("./assets/index.json", import.meta.url),
    "builtin/config.json": new URL("./assets/builtin/config.json", import.meta.url),
    "builtin/generation_config.json": new URL("./assets/builtin/generation_config.json", import.meta.url),
    "builtin/model.safetensors": new URL("./assets/builtin/model.safetensors", import.meta.url),
    "builtin/tokenizer.json": new URL("./assets/builtin/tokenizer.json", import.meta.url),
    "data/casual/template.txt": new URL("./assets/data/casual/template.txt", import.meta.url),
    "data/casual/test.jsonl": new URL("./assets/data/casual/test.jsonl", import.meta.url),
    "data/casual/train.jsonl": new URL("./assets/data/casual/train.jsonl", import.meta.url),
    "data/casual/validation.jsonl": new URL("./assets/data/casual/validation.jsonl", import.meta.url),
    "data/dialogues/template.txt": new URL("./assets/data/dialogues/template.txt", import.meta.url),
    "data/dialogues/test.jsonl": new URL("./assets/data/dialogues/test.jsonl", import.meta.url),
    "data/dialogues/train.jsonl": new URL("./assets/data/dialogues/train.jsonl", import.meta.url),
    "data/dialogues/validation.jsonl": new URL("./assets/data/dialogues/validation.jsonl", import.meta.url),
    "data/reviews/template.txt": new URL("./assets/data/reviews/template.txt", import.meta.url),
    "data/reviews/test.jsonl": new URL("./assets/data/reviews/test.jsonl", import.meta.url),
    "data/reviews/train.jsonl": new URL("./assets/data/reviews/train.jsonl", import.meta.url),
    "data/reviews/validation.jsonl": new URL("./assets/data/reviews/validation.jsonl", import.meta.url),
  };
}
