#!/usr/bin/env python3
"""How many pairs a second `flantune score` and Python's rouge-score and sacrebleu take, in turn.

    python scripts/bench/score.py --flantune target/release/flantune

Both score the same made texts by the same metric on one thread. Python's time is that of scoring
alone; ours is that of the whole command, with the start of the process and the reading of files, for
the same pairs several times over, since Python would take minutes for as many.
Ends with an error where the scores differ. Needs rouge-score and sacrebleu.
"""

import argparse
import json
import random
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF

STEMS = "walk talk play train learn read write paint cook clean visit answer open close help plan".split()
ENDINGS = ["", "s", "ed", "ing", "er", "ers", "able", "ation", "ful", "fully", "ness", "ment"]
SMALL = "the a of to and in is it that for on with as was at by from this be are".split()


def made(count, words):
    """Pairs of a prediction and a reference of which about half is the same."""
    draw = random.Random(1)
    long = [stem + ending for stem in STEMS for ending in ENDINGS]

    def word():
        return draw.choice(SMALL) if draw.random() < 0.45 else draw.choice(long)

    pairs = []
    for _ in range(count):
        reference = [word() for _ in range(draw.randint(words // 2, words * 3 // 2))]
        prediction = [w if draw.random() < 0.7 else word() for w in reference if draw.random() < 0.9]
        pairs.append(tuple(" ".join(text).capitalize() + "." for text in (prediction, reference)))
    return pairs


def rouge(pairs):
    kinds = ["rouge1", "rouge2", "rougeL"]
    scorer = rouge_scorer.RougeScorer(kinds, use_stemmer=True)
    scores = [scorer.score(reference, prediction) for prediction, reference in pairs]
    return {kind: statistics.fmean(score[kind].fmeasure for score in scores) for kind in kinds}


def corpus(metric, pairs):
    predictions, references = zip(*pairs)
    return metric.corpus_score(list(predictions), [list(references)]).score


def python(name, pairs):
    """Seconds and scores."""
    begin = time.perf_counter()
    match name:
        case "rouge1,rouge2,rougeL":
            scores = rouge(pairs)
        case "bleu":
            scores = {name: corpus(BLEU(), pairs)}
        case "chrf":
            scores = {name: corpus(CHRF(), pairs)}
        case _:
            scores = {name: corpus(CHRF(word_order=2), pairs)}
    return time.perf_counter() - begin, scores


def flantune(binary, name, directory):
    """Seconds and scores."""
    files = ["--predictions", directory / "predictions.txt", "--references", directory / "references.txt"]
    begin = time.perf_counter()
    done = subprocess.run([binary, "score", *files, "--metrics", name, "--json"], check=True, capture_output=True)
    seconds = time.perf_counter() - begin
    metrics = json.loads(done.stdout.splitlines()[-1])["metrics"]
    return seconds, {key: value["f1"] if isinstance(value, dict) else value for key, value in metrics.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--flantune", default="target/release/flantune", help="the binary")
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--times", type=int, default=20, help="how often flantune gets the pairs")
    parser.add_argument("--words", type=int, default=30, help="of a reference, on average")
    parser.add_argument("--rounds", type=int, default=3, help="of each, in turn; the median counts")
    options = parser.parse_args()
    pairs = made(options.pairs, options.words)
    print("| metrics | Python, pairs/s | flantune, pairs/s | ratio |\n| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        for index, name in enumerate(["predictions.txt", "references.txt"]):
            (directory / name).write_text("".join(pair[index] + "\n" for pair in pairs) * options.times)
        for name in ["rouge1,rouge2,rougeL", "bleu", "chrf", "chrf++"]:
            theirs, ours = [], []
            for _ in range(options.rounds):
                seconds, expected = python(name, pairs)
                theirs.append(options.pairs / seconds)
                seconds, found = flantune(options.flantune, name, directory)
                ours.append(options.pairs * options.times / seconds)
                for metric, score in expected.items():
                    if abs(found[metric] - score) > 1e-6:
                        raise SystemExit(f"{metric}: {found[metric]} is not {score}")
            theirs, ours = statistics.median(theirs), statistics.median(ours)
            print(f"| {name} | {theirs:,.0f} | {ours:,.0f} | {ours / theirs:.0f} |", flush=True)


if __name__ == "__main__":
    main()
