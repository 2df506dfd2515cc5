#!/usr/bin/env python3
"""The model before its training: its configuration, and weights drawn as T5 draws them.

python initial.py --tokenizer DATA/tokenizer.json --output DIR --seed 0
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy
from safetensors.numpy import save_file
from vocabulary import SIZE

CONFIG = {
    "architectures": ["T5ForConditionalGeneration"],
    "d_ff": 640,
    "d_kv": 64,
    "d_model": 256,
    "decoder_start_token_id": 0,
    "dense_act_fn": "gelu_new",
    "dropout_rate": 0.0,
    "eos_token_id": 1,
    "feed_forward_proj": "gated-gelu",
    "initializer_factor": 1.0,
    "is_encoder_decoder": True,
    "is_gated_act": True,
    "layer_norm_epsilon": 1e-06,
    "model_type": "t5",
    "n_positions": 512,
    "num_decoder_layers": 2,
    "num_heads": 4,
    "num_layers": 4,
    "pad_token_id": 0,
    "relative_attention_max_distance": 128,
    "relative_attention_num_buckets": 32,
    "scale_decoder_outputs": True,
    "tie_word_embeddings": True,
    "use_cache": True,
    "vocab_size": SIZE,
}
GENERATION = {"decoder_start_token_id": 0, "eos_token_id": 1, "pad_token_id": 0}
TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "model_max_length": 512,
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
}


def weights(config, seed):
    """Normal values with the deviations of transformers' T5PreTrainedModel."""
    draw = numpy.random.Generator(numpy.random.Philox(seed))
    model, inner, wide = config["d_model"], config["num_heads"] * config["d_kv"], config["d_ff"]
    tensors = {}

    def matrix(name, rows, columns, deviation):
        values = draw.standard_normal((rows, columns), dtype=numpy.float32)
        tensors[name] = values * numpy.float32(deviation)

    def norm(name):
        tensors[name + ".layer_norm.weight"] = numpy.ones(model, numpy.float32)

    def attention(name):
        matrix(name + ".q.weight", inner, model, (model * config["d_kv"]) ** -0.5)
        matrix(name + ".k.weight", inner, model, model**-0.5)
        matrix(name + ".v.weight", inner, model, model**-0.5)
        matrix(name + ".o.weight", model, inner, inner**-0.5)

    matrix("shared.weight", config["vocab_size"], model, 1.0)
    for stack, depth in ("encoder", config["num_layers"]), ("decoder", config["num_decoder_layers"]):
        for block in range(depth):
            layer = f"{stack}.block.{block}.layer."
            parts = ["SelfAttention"] + (["EncDecAttention"] if stack == "decoder" else [])
            for number, part in enumerate(parts):
                attention(f"{layer}{number}.{part}")
                norm(f"{layer}{number}")
            if block == 0:
                name = f"{layer}0.SelfAttention.relative_attention_bias.weight"
                buckets = config["relative_attention_num_buckets"]
                matrix(name, buckets, config["num_heads"], model**-0.5)
            dense = f"{layer}{len(parts)}.DenseReluDense"
            matrix(dense + ".wi_0.weight", wide, model, model**-0.5)
            matrix(dense + ".wi_1.weight", wide, model, model**-0.5)
            matrix(dense + ".wo.weight", model, wide, wide**-0.5)
            norm(f"{layer}{len(parts)}")
        tensors[stack + ".final_layer_norm.weight"] = numpy.ones(model, numpy.float32)
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    tensors = weights(CONFIG, options.seed)
    save_file(tensors, options.output / "model.safetensors", {"format": "pt"})
    for name, value in (
        ("config", CONFIG),
        ("generation_config", GENERATION),
        ("tokenizer_config", TOKENIZER),
    ):
        (options.output / f"{name}.json").write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")
    shutil.copyfile(options.tokenizer, options.output / "tokenizer.json")
    print(f"{sum(t.size for t in tensors.values()):,} parameters in {options.output}")


if __name__ == "__main__":
    main()
