"""Tasks over sentences that a program can solve: copying, editing, finding, counting, arithmetic.

They teach a small model to take words from its source, in an order that the instruction says.
"""

import re

SMALL = frozenset(
    "the a an of to and in is it that for on with as was at by from this be are were has have had not "
    "you i he she they we his her their its my your our but or if so do does did can could will would "
    "which who what when where how there then than also into about up out been being one some any all".split()
)
NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
).split()
ORDINALS = "first second third fourth fifth sixth".split()
MONTHS = "January February March April May June July August September October November December".split()
CONTRACTIONS = {
    "do not": "don't",
    "does not": "doesn't",
    "did not": "didn't",
    "is not": "isn't",
    "are not": "aren't",
    "was not": "wasn't",
    "were not": "weren't",
    "cannot": "can't",
    "will not": "won't",
    "would not": "wouldn't",
    "could not": "couldn't",
    "have not": "haven't",
    "has not": "hasn't",
    "it is": "it's",
    "It is": "It's",
    "I am": "I'm",
    "I will": "I'll",
    "I have": "I've",
    "I would": "I'd",
    "you are": "you're",
    "they are": "they're",
    "we are": "we're",
    "that is": "that's",
    "That is": "That's",
    "There is": "There's",
    "there is": "there's",
    "let us": "let's",
    "Let us": "Let's",
    "You are": "You're",
}


def words(text):
    return re.findall(r"[A-Za-z][A-Za-z'-]*", text)


def content(text):
    """The words that carry meaning, in order, each once."""
    found = [word for word in words(text) if word.lower() not in SMALL and len(word) > 2]
    return list(dict.fromkeys(found))


def contracted(text):
    for long, short in CONTRACTIONS.items():
        text = re.sub(rf"\b{long}\b", short, text)
    return text


def expanded(text):
    for long, short in CONTRACTIONS.items():
        text = re.sub(rf"\b{re.escape(short)}(?!\w)", long, text)
    return text


def copy(text, draw):
    return {"text": text}, text


def upper(text, draw):
    return {"text": text}, text.upper() if len(text) < 70 else None


def lower(text, draw):
    return {"text": text}, text.lower()


def title_case(text, draw):
    return {"text": text}, " ".join(word[:1].upper() + word[1:] for word in text.split()).rstrip(".")


def no_punctuation(text, draw):
    return {"text": text}, re.sub(r"[^\w\s'-]", "", text)


def capitals(text, draw):
    """Puts capitals and the full stop back."""
    return {"text": text.lower().rstrip(".!?")}, text


def contract(text, draw):
    short = contracted(text)
    return ({"text": text}, short) if short != text else (None, None)


def expand(text, draw):
    long = expanded(text)
    if long == text:
        short = contracted(text)
        return ({"text": short}, text) if short != text else (None, None)
    return {"text": text}, long


def some(text, draw, longest=6):
    """A few of the words, as a list of their own."""
    found = content(text)
    if len(found) < 3:
        return None
    count = draw.randint(3, min(longest, len(found)))
    return draw.sample(found, count)


def backwards(text, draw):
    listed = some(text, draw)
    return ({"words": ", ".join(listed)}, ", ".join(reversed(listed))) if listed else (None, None)


def in_order(text, draw):
    listed = some(text.lower(), draw)
    return ({"words": ", ".join(listed)}, ", ".join(sorted(listed))) if listed else (None, None)


def at_place(text, draw):
    listed = some(text, draw)
    if not listed:
        return None, None
    place = draw.randrange(len(listed) + 1)
    if place == len(listed):
        return {"words": ", ".join(listed), "place": "last"}, listed[-1]
    return {"words": ", ".join(listed), "place": ORDINALS[place]}, listed[place]


def without(text, draw):
    listed = some(text, draw)
    if not listed:
        return None, None
    gone = draw.choice(listed)
    return {"words": ", ".join(listed), "word": gone}, ", ".join(w for w in listed if w != gone)


def last_words(text, draw):
    parts = text.split()
    count = draw.choice([1, 2, 3, 4])
    which = draw.choice(["first", "last"])
    answer = parts[:count] if which == "first" else parts[-count:]
    number = "" if count == 1 else NUMBERS[count] + " "
    fields = {"text": text, "which": which, "words": f"{number}word{'s' * (count > 1)}"}
    return fields, " ".join(answer)


def after_word(text, draw):
    parts = text.split()
    place = draw.randrange(len(parts) - 1)
    if parts.count(parts[place]) > 1:
        return None, None
    return {"text": text, "word": parts[place].strip(',.;:"()')}, parts[place + 1].strip(',.;:"()')


def replace(text, draw):
    found = content(text)
    if len(found) < 2:
        return None, None
    old = draw.choice(found)
    new = draw.choice(REPLACEMENTS)
    return {"text": text, "old": old, "new": new}, re.sub(rf"\b{re.escape(old)}\b", new, text)


REPLACEMENTS = (
    "piano lantern rabbit engine pepper window river button castle orange bicycle kettle garden winter "
    "teacher pirate blanket market dragon camera pencil forest bridge tomato island sailor"
).split()


def keywords(text, draw):
    found = content(text)
    if len(found) < 4:
        return None, None
    longest = sorted(found, key=lambda word: (-len(word), found.index(word)))[:3]
    return {"text": text}, ", ".join(word for word in found if word in longest)


def from_keywords(text, draw):
    found = content(text)
    if not 3 <= len(found) <= 8:
        return None, None
    return {"words": ", ".join(found)}, text


def missing(text, draw):
    """The word that was cut out, from the sentence said twice over: once whole."""
    found = content(text)
    if len(found) < 3:
        return None, None
    gone = draw.choice(found)
    return {"text": text, "cut": re.sub(rf"\b{re.escape(gone)}\b", "___", text, count=1)}, gone


def count_words(text, draw):
    parts = text.split()
    short = parts[: draw.randint(2, min(9, len(parts)))]
    return {"text": " ".join(short)}, str(len(short))


def ends(text, draw):
    """A long text shortened to where its first clause ends."""
    head = re.split(r",| which | because | although | while |;| \(", text, maxsplit=1)[0]
    if 4 <= len(head.split()) < len(text.split()) - 3:
        return {"text": text}, head.rstrip(".") + "."
    return None, None


EDITS = {
    "copy": copy,
    "upper": upper,
    "lower": lower,
    "title_case": title_case,
    "no_punctuation": no_punctuation,
    "capitals": capitals,
    "contract": contract,
    "expand": expand,
    "backwards": backwards,
    "in_order": in_order,
    "at_place": at_place,
    "without": without,
    "last_words": last_words,
    "after_word": after_word,
    "replace": replace,
    "keywords": keywords,
    "from_keywords": from_keywords,
    "missing": missing,
    "count_words": count_words,
    "shorten": ends,
}


def arithmetic(draw):
    kind = draw.choice("+-*")
    a, b = (
        (draw.randint(2, 12), draw.randint(2, 10))
        if kind == "*"
        else (draw.randint(1, 99), draw.randint(1, 50))
    )
    if kind == "-":
        a, b = max(a, b), min(a, b)
    answer = {"+": a + b, "-": a - b, "*": a * b}[kind]
    sign, word = {"+": ("+", "plus"), "-": ("-", "minus"), "*": ("x", "times")}[kind]
    return {"sum": f"{a} {draw.choice([sign, word])} {b}"}, str(answer)


def larger(draw):
    a, b = draw.sample(range(1, 1000), 2)
    which = draw.choice(["larger", "smaller"])
    return {"a": a, "b": b, "which": which}, str(max(a, b) if which == "larger" else min(a, b))


def date(draw):
    day, month, year = draw.randint(1, 28), draw.randint(1, 12), draw.randint(1950, 2030)
    long = f"{day} {MONTHS[month - 1]} {year}"
    short = f"{year}-{month:02}-{day:02}"
    return ({"date": long}, short) if draw.random() < 0.5 else ({"date": short}, long)


def number_word(draw):
    number = draw.randint(0, 20)
    if draw.random() < 0.5:
        return {"number": number, "form": "in words"}, NUMBERS[number]
    return {"number": NUMBERS[number], "form": "in digits"}, str(number)


SUMS = {"arithmetic": arithmetic, "larger": larger, "date": date, "number_word": number_word}
