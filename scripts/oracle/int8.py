#!/usr/bin/env python3
"""Opens floats made of an int8 directory in transformers, and keeps the int8 one with its logits.

    python scripts/oracle/int8.py FLANTUNE [--model DIR]

FLANTUNE is the binary. It quantises the tiny model `gated` (or the one in DIR) to int8 and makes f32,
f16 and bf16 directories of that. Each must open in transformers with no weight missing, surplus or
newly made, and the f32 weights must equal `q · s` as it is computed here from the int8 file. If all
do, and no other model was named, the int8 directory and transformers' logits become the fixture of
the check `gated/as/int8`. transformers itself must refuse the int8 directory. Needs torch,
transformers and safetensors.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import T5ForConditionalGeneration
from transformers.utils import logging

TINY = Path(__file__).resolve().parents[2] / "tests" / "oracle" / "tiny" / "gated"
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("flantune", type=Path, help="the binary")
    parser.add_argument("--model", type=Path, default=TINY, help="a model's directory")
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()

    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        run(options.flantune, options.model, "int8", place / "int8")
        expected = multiplied_out(load_file(place / "int8" / "model.safetensors"))
        for dtype, kind in DTYPES.items():
            run(options.flantune, place / "int8", dtype, place / dtype)
            model = opened(place / dtype, kind)
            stored = load_file(place / dtype / "model.safetensors")
            if stored.keys() != expected.keys():
                sys.exit(f"{dtype}: other tensors: {sorted(stored.keys() ^ expected.keys())}")
            for name, values in stored.items():
                if values.dtype != kind or not torch.equal(values, expected[name].to(kind)):
                    sys.exit(f"{dtype}: {name} is not q · s")
            print(f"{dtype}: {len(stored)} tensors open in transformers and are q · s")
            if dtype == "f32":
                floats = model
        try:
            T5ForConditionalGeneration.from_pretrained(place / "int8")
            sys.exit("transformers opens the int8 directory, as something else")
        except ValueError as error:
            print(f"int8: refused by transformers: {str(error).splitlines()[0]}")
        if options.model == TINY:
            write(place / "int8", TINY / "as" / "int8", floats)


def run(flantune, model, to, output):
    subprocess.run(
        [flantune, "quantize", "--quiet", "--model", model, "--to", to, "--output", output],
        check=True, stdout=subprocess.DEVNULL,
    )


def multiplied_out(tensors):
    """The floats of an int8 file's tensors."""
    scales = {name: values for name, values in tensors.items() if name.endswith("_scale")}
    floats = {name: values for name, values in tensors.items() if name not in scales}
    for name, scale in scales.items():
        name = name.removesuffix("_scale")
        floats[name] = floats[name].float() * scale[:, None]
    return floats


def opened(directory, kind):
    """The model, opened as it says it is; transformers 5 ties the head unless the file holds one."""
    model, report = T5ForConditionalGeneration.from_pretrained(
        directory, dtype="auto", output_loading_info=True
    )
    problems = {key: value for key, value in report.items() if value}
    if problems or model.dtype != kind:
        sys.exit(f"{directory.name}: {problems}, {model.dtype}")
    stored = load_file(directory / "model.safetensors")
    head = stored.get("lm_head.weight", stored["shared.weight"])
    if not torch.equal(model.lm_head.weight, head):
        sys.exit(f"{directory.name}: transformers took another head than the file's")
    return model


def write(source, target, model):
    forward = load_file(TINY / "forward.safetensors")
    batch = {name: forward[name] for name in ["input_ids", "attention_mask", "labels"]}
    with torch.no_grad():
        logits = model.double().eval()(**batch).logits
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in ["config.json", "generation_config.json", "model.safetensors"]:
        shutil.copy(source / file, target)
    save_file({"logits": logits.float().contiguous()}, target / "logits.safetensors")
    print(f"wrote {target}")


if __name__ == "__main__":
    main()
