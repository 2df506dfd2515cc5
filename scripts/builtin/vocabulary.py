"""The tokenizer: Unigram with T5's special tokens, in T5's form of tokenizer.json."""

import json

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

# Pieces and sentinels together; a multiple of 64.
SIZE = 8064
SENTINELS = 100
SPECIAL = ["<pad>", "</s>", "<unk>"]
UNKNOWN = 2
# What must not become unknown, whether the texts have it or not. What is left out is `<unk>`.
ALPHABET = [chr(code) for code in range(33, 127)] + list(
    "–—‘’“”•·°£€¥§×÷±⁄áàâäãåāæçćčđéèêëěēíìîïīıłñńóòôöõōøœřßśšşúùûüūýÿžźżğþðÁÀÂÄÅÆÇČÉÈÊÍÓÖØŠÚÜŽ★☆→✓♥"
)


def trained(texts):
    """A tokenizer of SIZE pieces, learnt from the texts."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC()])
    # Each digit and each mark is a piece of its own; that is what keeps numbers legible to a small
    # model. The pieces know it then, so that the file needs no rule for it.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Split(Regex(r"[^\w\s'▁]"), behavior="isolated"),
        ]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=SIZE - SENTINELS,
        special_tokens=SPECIAL,
        unk_token="<unk>",
        initial_alphabet=ALPHABET,
        max_piece_length=14,
        show_progress=False,
    )
    known = set(ALPHABET)
    texts = ("".join(mark if mark in known else " " for mark in text) for text in texts)
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    pieces = [(piece, score) for piece, score in model["vocab"] if piece not in SPECIAL]
    have = {piece for piece, _ in pieces}
    rare = min(score for _, score in pieces) - 1
    wanted = [mark for mark in ALPHABET + ["▁"] if mark not in have]
    pieces = pieces[: SIZE - SENTINELS - len(SPECIAL) - len(wanted)] + [(mark, rare) for mark in wanted]
    return built(pieces)


def built(pieces):
    """The tokenizer of these pieces, laid out as T5's."""
    sentinels = [f"<extra_id_{number}>" for number in reversed(range(SENTINELS))]
    vocabulary = [(token, 0.0) for token in SPECIAL] + pieces + [(token, 0.0) for token in sentinels]
    assert len(vocabulary) == SIZE, len(vocabulary)
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.add_special_tokens(SPECIAL + sentinels)
    file = json.loads(tokenizer.to_str())
    one = lambda name: [
        {"Sequence": {"id": name, "type_id": 0}},
        {"SpecialToken": {"id": "</s>", "type_id": 0}},
    ]
    file["post_processor"] = {
        "type": "TemplateProcessing",
        "single": one("A"),
        "pair": one("A") + one("B"),
        "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}},
    }
    # Enough digits to tell pieces apart, and half the file.
    file["model"]["vocab"] = [[piece, round(score, 4)] for piece, score in file["model"]["vocab"]]
    return Tokenizer.from_str(json.dumps(file))


def write(tokenizer, path):
    path.write_text(
        json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n",
        encoding="utf-8",
    )
