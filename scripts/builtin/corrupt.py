"""Span corruption, as T5 was pre-trained: what is cut out of a text is to be written.

Raffel et al. 2020, section 3.1.4: 15 % of the tokens, in spans of 3 on average; each span is replaced by
a sentinel, and the target is the sentinels with what they stand for, closed by one more. Here spans
are of whole words, so that the rows are texts: cut where the tokenizer would cut, a text could be
tokenised differently when it is read again.
"""

RATE = 0.15
# How many tokens a span has: 3 on average.
SPANS = (1, 2, 3, 3, 4, 5)


def chunks(text, count, longest):
    """Parts of at most so many tokens, cut between words; `count` gives a word's tokens."""
    part, length = [], 0
    for word in text.split():
        tokens = count(word)
        if part and length + tokens > longest:
            yield part
            part, length = [], 0
        part.append(word)
        length += tokens
    if part:
        yield part


def corrupt(words, count, draw):
    """Source and target, or None where the text is too short."""
    sizes = [count(word) for word in words]
    wanted = max(1, round(sum(sizes) * RATE))
    if len(words) < 6:
        return None
    cut = [False] * len(words)
    for _ in range(40):
        missing = wanted - sum(size for size, gone in zip(sizes, cut) if gone)
        if missing <= 0:
            break
        length = min(missing, draw.choice(SPANS))
        start = draw.randrange(len(words))
        if start > 0 and cut[start - 1] or cut[start]:
            continue
        end, tokens = start, 0
        while end < len(words) and tokens < length and not cut[end]:
            tokens += sizes[end]
            end += 1
        if end < len(words) and cut[end]:
            continue
        cut[start:end] = [True] * (end - start)
    source, target, spans = [], [], 0
    for place, word in enumerate(words):
        if not cut[place]:
            source.append(word)
            continue
        if place == 0 or not cut[place - 1]:
            sentinel = f"<extra_id_{spans}>"
            source.append(sentinel)
            target.append(sentinel)
            spans += 1
        target.append(word)
    if not spans or not any(not gone for gone in cut):
        return None
    target.append(f"<extra_id_{spans}>")
    return " ".join(source), " ".join(target)
