#!/usr/bin/env python3
"""Full training on DialogSum with torch, as `dialogsum.sh` does it with Flantune, by other orders of rows.

    python scripts/bench/dialogsum_peer.py MODEL SHARED ORDER...

ORDER is `file` (that of the file, in both epochs: nothing is left to chance, and `flantune train
--no-shuffle` must come to the same) or the seed of a shuffle; the reference in SHARED is seed 0.
Needs what `oracle/real/reference.py` needs, whose functions this uses.
"""

import sys
from pathlib import Path

import torch


def train(reference, order):
    """The losses of the steps, the mean loss of the test rows, and ROUGE."""
    model, rows = reference.base(), reference.load("train", 500)
    parameters = list(model.parameters())
    steps = 2 * -(-len(rows) // 8)
    optimizer = torch.optim.AdamW(parameters, lr=3e-4, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    generator, losses = torch.Generator(), []
    if order != "file":
        generator.manual_seed(int(order))
    for _ in range(2):
        numbers = range(len(rows)) if order == "file" else torch.randperm(len(rows), generator=generator).tolist()
        examples = [reference.example(rows[number]) for number in numbers]
        for first in range(0, len(rows), 8):
            loss = model(**reference.collate(examples[first : first + 8])).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
    test = reference.load("test", 100)
    texts = [reference.tokenizer.decode(ids) for ids in reference.generate(model, test)]
    return losses, sum(reference.losses(model, test)) / len(test), reference.rouge(texts, test)


def main():
    model, shared, *orders = sys.argv[1:]
    sys.argv = [sys.argv[0], model]
    sys.path.insert(0, str(Path(shared) / "oracle/real"))
    import reference

    torch.set_flush_denormal(True)
    for order in orders:
        losses, loss, rouge = train(reference, order)
        print(f"order {order}: test loss {loss:.4f}, {rouge}")
        print("  losses of steps 1, 2, 10, 63, 126:", *(f"{losses[step - 1]:.5f}" for step in (1, 2, 10, 63, 126)), flush=True)


if __name__ == "__main__":
    main()
