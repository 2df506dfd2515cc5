#!/usr/bin/env python3
"""What a model makes of the held-out rows, task by task, beside two baselines that need no model.

    python evaluate.py --flantune FLANTUNE --model DIR --rows WORK/rows

`always` gives the commonest target of the training rows to every row, `copy` gives the source back.
Both show what a score is worth: 0.5 is much for free text, and nothing for yes or no. Prints Markdown.
"""

import argparse
import collections
import json
import subprocess
import tempfile
from pathlib import Path

METRICS = ("exact_match", "rougeL")


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def run(command):
    """The metrics that the command ends with."""
    done = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])["metrics"]


def scores(flantune, folder, pairs):
    """Per cent of exact match, and ROUGE-L in points."""
    path = folder / "pairs.jsonl"
    write(path, [{"prediction": prediction, "references": [target]} for prediction, target in pairs])
    found = run([flantune, "score", "--predictions", path, "--metrics", ",".join(METRICS), "--json"])
    values = (found[name] for name in METRICS)
    return [100 * (value["f1"] if isinstance(value, dict) else value) for value in values]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--flantune", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=100, help="rows a task")
    options = parser.parse_args()

    tests = {
        path.stem: read(path)[: options.limit] for path in sorted((options.rows / "held-out").glob("*.jsonl"))
    }
    usual = collections.defaultdict(collections.Counter)
    for path in sorted(options.rows.glob("train-*.jsonl")):
        for row in read(path):
            usual[row["task"]][row["target"]] += 1

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        together = [row for rows in tests.values() for row in rows]
        write(folder / "all.jsonl", together)
        run(
            [
                options.flantune,
                "eval",
                "--model",
                options.model,
                "--data",
                folder / "all.jsonl",
                "--source-field",
                "source",
                "--target-field",
                "target",
                "--metrics",
                "rougeL",
                "--max-new-tokens",
                48,
                "--output-rows",
                folder / "answers.jsonl",
                "--device",
                "cpu",
                "--json",
            ]
        )
        answers = iter(read(folder / "answers.jsonl"))
        print("| task | rows | exact match | always | copy | ROUGE-L | always | copy |")
        print("| --- | --: | --: | --: | --: | --: | --: | --: |")
        sums = [0.0] * 6
        above = 0
        for task, rows in tests.items():
            targets = [row["target"] for row in rows]
            always = usual[task].most_common(1)[0][0]
            predictions = [next(answers)["prediction"] for _ in rows]
            kinds = (predictions, [always] * len(rows), [row["source"] for row in rows])
            by_kind = [scores(options.flantune, folder, list(zip(kind, targets))) for kind in kinds]
            columns = [by_kind[kind][metric] for metric in (0, 1) for kind in (0, 1, 2)]
            sums = [total + value for total, value in zip(sums, columns)]
            above += columns[3] > max(columns[4:])
            print(f"| {task} | {len(rows)} | " + " | ".join(f"{value:.0f}" for value in columns) + " |")
        means = " | ".join(f"{total / len(tests):.1f}" for total in sums)
        print(f"| mean of {len(tests)} | {len(together)} | {means} |")
        print(f"\nROUGE-L is above both baselines on {above} of {len(tests)} tasks.")


if __name__ == "__main__":
    main()
