#!/usr/bin/env python3
"""What `flantune bench` times, done by torch, transformers and peft: one JSON object of the same form.

    python scripts/bench/peer.py --case lora,prompt,full,generate --threads 2

The same shapes, optimisers, clipping and rows without padding; random weights, denormals flushed, no
dropout. Each case runs in a process of its own, whose high-water mark is its peak memory.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

CASES = ["lora", "prompt", "full", "generate"]
# d_model, d_ff, layers, heads of FLAN-T5's sizes.
SHAPES = {"small": (512, 1024, 8, 6), "base": (768, 2048, 12, 12)}
VOCABULARY = 32128
# Padding, </s> and the unknown token stand first.
SPECIAL = 3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--case", default=",".join(CASES), help="some of " + ", ".join(CASES))
    parser.add_argument("--shape", default="small", choices=SHAPES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--source", type=int, default=128, help="tokens of a source")
    parser.add_argument("--target", type=int, default=32, help="tokens of a target")
    parser.add_argument("--steps", type=int, default=5, help="to time, after the first; at least 5")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    cases = options.case.split(",")
    for case in cases:
        if case not in CASES:
            parser.error(f"--case: expected some of {', '.join(CASES)}, found {case}")
    if options.in_this_process:
        done = [run(case, options) for case in cases]
    else:
        done = [in_a_process(case) for case in cases]
    d_model, _, layers, _ = SHAPES[options.shape]
    shape = {"d_model": d_model, "layers": layers, "batch": options.batch_size}
    shape |= {"source": options.source, "target": options.target}
    print(json.dumps({"device": "cpu", "threads": options.threads, "shape": shape, "cases": done}))


def in_a_process(case):
    # This process must not import torch: a child's high-water mark begins with its parent's.
    command = [sys.executable, __file__, *sys.argv[1:], "--case", case, "--in-this-process"]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(output)["cases"][0]


def run(case, options):
    # Read when the libraries are loaded.
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(options.threads)
    import torch

    torch.set_num_threads(options.threads)
    # Before there are other threads: they inherit it.
    if not torch.set_flush_denormal(True):
        sys.exit("this processor cannot flush denormals")
    torch.manual_seed(0)
    model, batch = new_model(options.shape), new_batch(options)
    step = generation(model, batch, options) if case == "generate" else training(case, model, batch)
    first, *rest = [timed(step) for _ in range(1 + max(options.steps, 5))]
    seconds = statistics.median_high(rest)
    tokens = options.target if case == "generate" else options.source + options.target
    return {
        "name": case,
        "dtype": "f32",
        "seconds": seconds,
        "first_seconds": first,
        "tokens_per_second": options.batch_size * tokens / seconds,
        "peak_bytes": peak_bytes(),
        "dispatches": None,
    }


def new_model(shape):
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    d_model, d_ff, layers, heads = SHAPES[shape]
    config = T5Config(
        vocab_size=VOCABULARY, d_model=d_model, d_ff=d_ff, d_kv=64, num_layers=layers,
        num_heads=heads, feed_forward_proj="gated-gelu", tie_word_embeddings=False,
        dropout_rate=0.0, decoder_start_token_id=0,
    )
    model = T5ForConditionalGeneration(config)
    # transformers 5 ties the head whatever the configuration says; FLAN-T5 has one of its own.
    model.lm_head.weight = torch.nn.Parameter(torch.randn(VOCABULARY, d_model) * d_model**-0.5)
    return model


def new_batch(options):
    import torch

    def draw(length):
        return torch.randint(SPECIAL, VOCABULARY, (options.batch_size, length))

    source = draw(options.source)
    return {
        "input_ids": source,
        "attention_mask": torch.ones_like(source),
        "labels": draw(options.target),
    }


def training(case, model, batch):
    import torch
    from peft import LoraConfig, PromptTuningConfig, TaskType, get_peft_model
    from transformers.optimization import Adafactor

    task = TaskType.SEQ_2_SEQ_LM
    if case == "lora":
        model = get_peft_model(
            model,
            LoraConfig(task_type=task, r=8, lora_alpha=16, lora_dropout=0.0, target_modules=["q", "v"]),
        )
    elif case == "prompt":
        model = get_peft_model(model, PromptTuningConfig(task_type=task, num_virtual_tokens=20))
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    if case == "prompt":
        optimizer = Adafactor(parameters, lr=0.3, scale_parameter=False, relative_step=False, warmup_init=False)
    else:
        # Fused, as transformers' own trainer has it.
        rate = 1e-3 if case == "lora" else 3e-4
        optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.0, fused=True)

    def step():
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()

    return step


def generation(model, batch, options):
    """Greedy, as many tokens for each row as a target has."""
    model.eval()
    length = options.target
    source = {name: batch[name] for name in ("input_ids", "attention_mask")}

    def step():
        texts = model.generate(
            **source, do_sample=False, num_beams=1, use_cache=True,
            max_new_tokens=length, min_new_tokens=length,
        )
        # The start token comes with them.
        assert texts.shape[1] == length + 1

    return step


def timed(step):
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def peak_bytes():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in kibibytes, macOS in bytes.
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
