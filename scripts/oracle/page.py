#!/usr/bin/env python3
"""Opens the zips that the page exported in peft, and holds the page's losses against peft's.

    node scripts/oracle/page.mjs OUT
    python scripts/oracle/page.py OUT

A row's loss is the mean over its target tokens of what the logits give each of them: every logit of the
row is in it. They must be equal to 1e-5, and differ from the base's. Needs torch, transformers,
tokenizers and peft.
"""

import json
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from peft import PeftModel
from tokenizers import Tokenizer
from transformers.utils import logging

from adapters import ORACLE, open_model

TOLERANCE = 1e-5


def loss(model, tokenizer, row):
    source, target = (torch.tensor([tokenizer.encode(row[side]).ids]) for side in ("source", "target"))
    with torch.no_grad():
        return model(input_ids=source, attention_mask=torch.ones_like(source), labels=target).loss.item()


def main():
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    out, tiny = Path(sys.argv[1]), ORACLE / "tiny" / "gated"
    tokenizer = Tokenizer.from_file(str(tiny / "tokenizer.json"))
    within = True
    for path in sorted(out.glob("*.zip")):
        found = json.loads(path.with_suffix(".json").read_text())
        with tempfile.TemporaryDirectory() as folder:
            zipfile.ZipFile(path).extractall(folder)
            model = PeftModel.from_pretrained(open_model(tiny), folder).eval()
        theirs = [loss(model, tokenizer, row) for row in found["rows"]]
        ours = [row["loss"] for row in found["rows"]]
        farthest = max(abs(a / b - 1) for a, b in zip(ours, theirs))
        moved = max(abs(a / b - 1) for a, b in zip(ours, found["base"]))
        within &= farthest <= TOLERANCE and moved > 100 * TOLERANCE
        print(f"{path.stem:8} {len(ours)} rows, losses within {farthest:.1e} of peft's; up to {moved:.0%} from the base's")
    if not within:
        sys.exit(f"not all are within {TOLERANCE}")


if __name__ == "__main__":
    main()
