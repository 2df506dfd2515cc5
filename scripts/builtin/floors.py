#!/usr/bin/env python3
"""What answers that need no model score on the demo sets' test rows: ROUGE-L in points.

    python scripts/builtin/floors.py --flantune target/release/flantune

`source` gives the source back. `form` is the house style without any reading. A base that copies and an
adapter that has learnt the form alone stand about there; what is above `form` is reading.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data"


def form(row):
    """The part of the target that every row has in the same way."""
    if "title" in row:
        return f"{row['product']}, {row['stars']}/5:"
    if "summary" in row:
        return row["summary"].split(":")[0]
    return "hey"


def begun(row, words=6):
    """The form, filled with as many words of the source as a target has."""
    if "title" in row:
        text = row["review"].split()[:words]
    elif "summary" in row:
        text = row["dialogue"].split("\n")[-1].split(": ", 1)[1].split()[:words]
    else:
        text = row["formal"].split()[-words:]
    return f"{form(row)} {' '.join(text)}"


def score(flantune, pairs):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.jsonl"
        rows = [{"prediction": prediction, "references": [target]} for prediction, target in pairs]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        command = [flantune, "score", "--predictions", path, "--metrics", "rougeL", "--json"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return 100 * json.loads(done.stdout.splitlines()[-1])["metrics"]["rougeL"]["f1"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--flantune", type=Path, required=True)
    options = parser.parse_args()
    print("| set | source | form | form and some words |")
    print("| --- | --: | --: | --: |")
    for name, source, target in (
        ("reviews", "review", "title"),
        ("dialogues", "dialogue", "summary"),
        ("casual", "formal", "casual"),
    ):
        lines = (DATA / name / "test.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        answers = (lambda row: row[source], form, begun)
        values = [score(options.flantune, [(answer(row), row[target]) for row in rows]) for answer in answers]
        print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in values) + " |")


if __name__ == "__main__":
    main()
