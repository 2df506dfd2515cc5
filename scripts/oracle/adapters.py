#!/usr/bin/env python3
"""Opens the adapters that Flantune wrote in peft, and holds our logits against peft's.

    cargo run --profile ci -p flantune-tests --example adapters OUT
    python scripts/oracle/adapters.py OUT

Each adapter, and each model with an adapter merged into it, must give the logits that we computed
to 1e-4 of the greatest. If all do, the adapters and peft's logits become the fixtures of the checks
`written/MODEL/ADAPTER`. Needs torch, transformers, safetensors and peft (0.21.2 or newer: 0.21.0
opens no T5 of transformers 5.23).
"""

import argparse
import shutil
import sys
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import T5ForConditionalGeneration
from transformers.utils import logging

ORACLE = Path(__file__).resolve().parents[2] / "tests" / "oracle"
MODELS = ["gated", "relu", "odd"]
ADAPTERS = ["lora", "lora-all", "rslora", "dora", "ia3", "prompt"]
TOLERANCE = 1e-4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path, help="what the example wrote")
    out = parser.parse_args().out
    logging.set_verbosity_error()
    logging.disable_progress_bar()

    print(f"{'model':6} {'adapter':9} {'adapter in peft':>16} {'merged in transformers':>23}")
    fixtures, within = {}, True
    for name in MODELS:
        batch = load_file(ORACLE / "tiny" / name / "adapters" / "batches" / "0.safetensors")
        for adapter in ADAPTERS:
            directory = out / name / adapter
            ours = load_file(directory / "ours.safetensors")["logits"].double()
            theirs = peft_logits(name, directory, batch)
            distances = [distance(ours, theirs)]
            if (directory / "merged").exists():
                distances.append(distance(ours, logits(open_model(directory / "merged"), batch)))
            elif adapter != "prompt":
                sys.exit(f"{directory}/merged is missing")
            fixtures[name, adapter] = theirs
            # Not `>`: a NaN must fail.
            within &= all(far <= TOLERANCE for far in distances)
            cells = [f"{far:.1e}" for far in distances] + ["cannot be"] * (2 - len(distances))
            print(f"{name:6} {adapter:9} {cells[0]:>16} {cells[1]:>23}")
    if not within:
        sys.exit(f"not all are within {TOLERANCE} of the greatest logit; no fixture was written")
    for (name, adapter), theirs in fixtures.items():
        write(out / name / adapter, ORACLE / "written" / name / adapter, theirs)


def peft_logits(name, directory, batch):
    """What peft computes with an adapter of ours."""
    base = open_model(ORACLE / "tiny" / name)
    untouched = logits(base, batch)
    model = PeftModel.from_pretrained(base, directory)
    found = logits(model, batch)
    # An adapter whose tensors peft does not find leaves the base as it is, without an error.
    if distance(found, untouched) < 100 * TOLERANCE:
        sys.exit(f"{directory}: in peft the adapter changes nothing")
    return found


def open_model(directory):
    """transformers 5 ties the head to the embedding unless the file holds another one."""
    model = T5ForConditionalGeneration.from_pretrained(directory)
    stored = load_file(directory / "model.safetensors")
    head = stored.get("lm_head.weight", stored["shared.weight"])
    if not torch.equal(model.lm_head.weight, head):
        sys.exit(f"{directory}: transformers took another head than the file's")
    return model


def logits(model, batch):
    with torch.no_grad():
        return model.double().eval()(**batch).logits


def distance(found, expected):
    """The greatest difference, as a share of the greatest number."""
    return ((found.flatten() - expected.flatten()).abs().max() / expected.abs().max()).item()


def write(source, target, theirs):
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in ["adapter_config.json", "adapter_model.safetensors"]:
        shutil.copy(source / file, target)
    save_file({"logits": theirs.float().contiguous()}, target / "logits.safetensors")


if __name__ == "__main__":
    main()
