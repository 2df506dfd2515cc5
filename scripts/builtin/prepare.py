#!/usr/bin/env python3
"""Makes the rows that the built-in model learns from, the held-out rows, and the tokenizer.

    python prepare.py --data DIR --output DIR --seed 0

DIR holds the sets of SOURCES.md. Writes tokenizer.json, train-1.jsonl, train-2.jsonl and train-3.jsonl (a
stage each), validation.jsonl, and held-out/TASK.jsonl. The same seed and --tokenizer give the same bytes;
without --tokenizer one is learnt, whose scores differ from run to run in the last digits.
"""

import argparse
import collections
import hashlib
import json
import random
import re
from pathlib import Path

import corrupt
import edits
import scenes
import sources
import vocabulary
import wordings
from tokenizers import Tokenizer

LONGEST_SOURCE, LONGEST_TARGET = 128, 48
CHUNK = 112
HELD_OUT = 100
# One text in so many is held out.
HELD_OUT_SHARE = 25

# The tokens of each stage, sources and targets together, and the part of them that is span corruption.
STAGES = [(42_000_000, 0.6), (36_000_000, 0.35), (33_000_000, 0.2)]

# How often a task is drawn, against the others.
WEIGHTS = {
    "reading": 4,
    "ask": 2,
    "words_to_sentence": 1,
    "sentence_to_words": 1,
    "paraphrase": 1,
    "topic": 2,
    "about": 3,
    "prompted": 1,
    "claim": 3,
    "choose": 6,
    "explain": 4,
    "nonsense": 2,
    "why_nonsense": 3,
    "yes_no": 1,
    "word_problem": 1,
    "go_on": 2,
    "bank_intent": 6,
    "facts_to_text": 5,
    "find_fact": 4,
    "talk_topic": 2,
    "reply": 6,
    "next_sentence": 1,
    "copy": 4,
    "upper": 1,
    "lower": 3,
    "title_case": 2,
    "no_punctuation": 2,
    "capitals": 3,
    "contract": 2,
    "expand": 2,
    "backwards": 2,
    "in_order": 1,
    "at_place": 2,
    "without": 2,
    "last_words": 3,
    "after_word": 3,
    "replace": 3,
    "keywords": 4,
    "from_keywords": 5,
    "missing": 3,
    "count_words": 1,
    "shorten": 4,
    "arithmetic": 3,
    "larger": 1,
    "date": 1,
    "number_word": 1,
    "reviews": 10,
    "talks": 10,
    "people": 6,
    "notes": 5,
}


def is_held_out(key):
    digest = hashlib.blake2b(key.strip().lower().encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % HELD_OUT_SHARE == 0


class Rows:
    """Draws rows, of the texts that are held out or of the others."""

    def __init__(self, data, held_out, seed):
        self.draw = random.Random(f"{seed} {held_out}")
        self.held_out = held_out
        self.given = collections.defaultdict(list)
        for task, fields, target, key in sources.examples(data):
            if is_held_out(key) == held_out:
                self.given[task].append((fields, target))
        self.texts = [text for key, text in sources.texts(data) if is_held_out(key) == held_out]
        self.sentences = sorted(
            {
                sentence
                for text in self.texts
                for sentence in sources.sentences(text)
                if 4 <= len(sentence.split()) <= 22
                and re.match(r"[A-Z]", sentence)
                # A text may be free while the same sentence stands in one that is held out.
                and is_held_out(sentence) == held_out
            }
        )
        self.contractible = [s for s in self.sentences if edits.contracted(s) != s or edits.expanded(s) != s]
        self.waiting = {}

    def deck(self, name, items):
        """The next of the items, all of them in a new order before one comes again."""
        pile = self.waiting.get(name)
        if not pile:
            pile = list(items)
            self.draw.shuffle(pile)
            self.waiting[name] = pile
        return pile.pop()

    def row(self, name):
        """A row of the task or the scene, or None where the text did not suit."""
        if name in edits.EDITS:
            pool = "contractible" if name in ("contract", "expand") else "sentences"
            text = self.deck(name, getattr(self, pool))
            fields, target = edits.EDITS[name](text, self.draw)
            if not fields or target is None:
                return None
            task = name
        elif name in edits.SUMS:
            fields, target = edits.SUMS[name](self.draw)
            task = name
            if is_held_out(repr(sorted(fields.items()))) != self.held_out:
                return None
        elif name in scenes.SCENES:
            task, fields, target, key = scenes.SCENES[name](self.draw)
            if is_held_out(key) != self.held_out:
                return None
        else:
            if not self.given[name]:
                return None
            fields, target = self.deck(name, self.given[name])
            task = name
        return {"task": task, "source": wordings.source(task, fields, self.draw), "target": target}

    def spans(self, count):
        """Rows of span corruption, without end."""
        while True:
            text = self.deck("texts", self.texts)
            for part in corrupt.chunks(text, count, CHUNK):
                # Short texts stand together, as in a packed batch.
                while sum(map(count, part)) < CHUNK // 2:
                    more = self.deck("texts", self.texts).split()
                    room = CHUNK - sum(map(count, part))
                    fitting = next(corrupt.chunks(" ".join(more), count, room))
                    part = part + fitting
                found = corrupt.corrupt(part, count, self.draw)
                if found:
                    yield {"task": "spans", "source": found[0], "target": found[1]}


def fits(row, tokenizer):
    """The row's tokens, or 0 if it is too long, says nothing or has unknown characters."""
    if not row["target"].strip():
        return 0
    source, target = (tokenizer.encode(row[side]).ids for side in ("source", "target"))
    if len(source) > LONGEST_SOURCE or len(target) > LONGEST_TARGET or vocabulary.UNKNOWN in source + target:
        return 0
    return len(source) + len(target)


def stage(rows, tokenizer, count, spans, budget, share):
    """About `budget` tokens of rows, `share` of them span corruption, in a drawn order."""
    made, tokens = [], collections.Counter()
    while tokens["spans"] < budget * share:
        row = next(spans)
        size = fits(row, tokenizer)
        tokens["spans"] += size
        if size:
            made.append(row)
    names, weights = list(WEIGHTS), list(WEIGHTS.values())
    while tokens["tasks"] < budget * (1 - share):
        row = rows.row(rows.draw.choices(names, weights)[0])
        size = fits(row, tokenizer) if row else 0
        if size:
            tokens["tasks"] += size
            made.append(row)
    rows.draw.shuffle(made)
    return made, tokens


def held_out(rows, tokenizer, spans):
    """Up to HELD_OUT rows of each task, no source twice."""
    found = collections.defaultdict(dict)
    for name in WEIGHTS:
        # A scene has several tasks, some rare, and one try in HELD_OUT_SHARE is of the right side.
        for _ in range(HELD_OUT * (400 if name in scenes.SCENES else 30)):
            row = rows.row(name)
            if row and len(found[row["task"]]) < HELD_OUT and fits(row, tokenizer):
                found[row["task"]].setdefault(row["source"], row)
    while len(found["spans"]) < HELD_OUT:
        row = next(spans)
        if fits(row, tokenizer):
            found["spans"].setdefault(row["source"], row)
    return {task: list(by_source.values()) for task, by_source in found.items()}


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tokenizer", type=Path, help="a tokenizer.json to take instead of learning one")
    parser.add_argument("--scale", type=float, default=1.0, help="makes the stages longer or shorter")
    options = parser.parse_args()
    output = options.output

    rows, others = Rows(options.data, False, options.seed), Rows(options.data, True, options.seed)
    print(f"{len(rows.texts):,} texts, {len(rows.sentences):,} sentences")
    names = list(WEIGHTS)
    made = (row for row in map(rows.row, (rows.draw.choice(names) for _ in range(40_000))) if row)
    learnt = rows.texts + [row[side] for row in made for side in ("source", "target")]
    if options.tokenizer:
        tokenizer = Tokenizer.from_file(str(options.tokenizer))
    else:
        tokenizer = vocabulary.trained(learnt)
    output.mkdir(parents=True, exist_ok=True)
    vocabulary.write(tokenizer, output / "tokenizer.json")
    sizes = {}

    def count(word):
        if word not in sizes:
            sizes[word] = len(tokenizer.encode(word, add_special_tokens=False).ids)
        return sizes[word]

    tests = held_out(others, tokenizer, others.spans(count))
    for task, found in sorted(tests.items()):
        write(output / "held-out" / f"{task}.jsonl", found)
    taken = {row["source"] for found in tests.values() for row in found}
    write(output / "validation.jsonl", [row for task in sorted(tests) for row in tests[task][:5]])

    spans = rows.spans(count)
    for number, (budget, share) in enumerate(STAGES, 1):
        made, tokens = stage(rows, tokenizer, count, spans, int(budget * options.scale), share)
        made = [row for row in made if row["source"] not in taken]
        write(output / f"train-{number}.jsonl", made)
        kinds = collections.Counter(row["task"] for row in made)
        print(
            f"stage {number}: {len(made):,} rows, {sum(tokens.values()):,} tokens; {dict(kinds.most_common())}"
        )


if __name__ == "__main__":
    main()
