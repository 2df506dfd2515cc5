#!/usr/bin/env python3
"""Holds `flantune memory` against what `flantune bench` then takes, and prints a Markdown table.

    python scripts/bench/memory.py FLANTUNE [--shape small,base] [--sizes 8x128x32,8x384x48]

FLANTUNE is the program; a size is batch x source x target. Linux only: the high-water mark of a
process comes from /proc.
"""

import argparse
import json
import subprocess


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("flantune", help="the path of the program")
    parser.add_argument("--case", default="lora,prompt,full")
    parser.add_argument("--shape", default="small,base")
    parser.add_argument("--sizes", default="8x128x32")
    options = parser.parse_args()

    print("| shape | batch | method | estimate, MB | measured, MB | ratio |")
    print("| --- | --- | --- | ---: | ---: | ---: |", flush=True)
    for shape in options.shape.split(","):
        for sizes in options.sizes.split(","):
            for case in options.case.split(","):
                estimate, measured = compare(options.flantune, shape, case, sizes.split("x"))
                size = "{} × ({} + {})".format(*sizes.split("x"))
                ratio = estimate / measured
                row = [shape, size, case, f"{estimate / 1e6:.0f}", f"{measured / 1e6:.0f}", f"{ratio:.2f}"]
                print("| " + " | ".join(row) + " |", flush=True)


def compare(flantune, shape, case, sizes):
    batch, source, target = sizes
    common = ["--json", "--device", "cpu", "--shape", shape, "--batch-size", batch]
    estimate = [flantune, "memory", "--method", case, *common]
    estimate += ["--max-source-tokens", source, "--max-target-tokens", target]
    bench = [flantune, "bench", "--case", case, *common, "--source", source, "--target", target]
    return run(estimate)["total"], run(bench)["cases"][0]["peak_bytes"]


def run(command):
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    main()
