#!/usr/bin/env python3
"""Times Flantune and torch + peft in turn, and prints a Markdown table.

    python scripts/bench/compare.py FLANTUNE

FLANTUNE is the program. What the machine does besides changes from minute to minute, so each case
is run by one, then by the other, several times; a ratio is the median of the pairs' own ratios
(torch's seconds by ours: above 1 we are faster), with the least and the greatest behind it.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median

PEER = Path(__file__).with_name("peer.py")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("flantune", help="the path of the program")
    parser.add_argument("--python", default=sys.executable, help="one with torch, transformers, peft")
    parser.add_argument("--case", default="lora,prompt,full,generate")
    parser.add_argument("--shape", default="small")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5, help="each time")
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()

    print("| case | torch + peft, s | Flantune, s | ratio | torch's peak, MB | Flantune's, MB |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for case in options.case.split(","):
        pairs = [pair(case, options) for _ in range(options.pairs)]
        print(row(case, pairs), flush=True)


def pair(case, options):
    """A case as torch and as Flantune run it, one after the other."""
    same = ["--case", case, "--shape", options.shape, "--threads", str(options.threads)]
    same += ["--steps", str(options.steps)]
    theirs = run([options.python, str(PEER), *same])
    ours = run([options.flantune, "bench", "--json", "--device", "cpu", *same])
    for key in ("device", "threads", "shape"):
        if theirs[key] != ours[key]:
            sys.exit(f"{case}: {key} is {theirs[key]} there and {ours[key]} here")
    theirs, ours = theirs["cases"][0], ours["cases"][0]
    print(f"{case}: {theirs['seconds']:.3f} s, {ours['seconds']:.3f} s", file=sys.stderr)
    return theirs, ours


def run(command):
    # The warnings of libraries are no part of the table.
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout)


def row(case, pairs):
    theirs, ours = zip(*pairs)
    ratios = [theirs["seconds"] / ours["seconds"] for theirs, ours in pairs]
    ratio = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    seconds = [f"{median(run['seconds'] for run in runs):.3f}" for runs in (theirs, ours)]
    peaks = [f"{max(run['peak_bytes'] for run in runs) / 1e6:.0f}" for runs in (theirs, ours)]
    return "| " + " | ".join([case, *seconds, ratio, *peaks]) + " |"


if __name__ == "__main__":
    main()
