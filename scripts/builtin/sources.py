"""The public sets, read into examples and into plain texts.

An example is (task, fields, target, key): `wordings.py` makes the fields a source text, and the key
is the text that decides whether the example is held out. A text is (key, text). SOURCES.md lists the
sets with their licences.
"""

import csv
import gzip
import json
import re

# The services of SGD, as people call them.
SERVICES = {
    "Banks": "banking",
    "Buses": "buses",
    "Calendar": "a calendar",
    "Events": "events",
    "Flights": "flights",
    "Homes": "homes",
    "Hotels": "hotels",
    "Media": "films to watch",
    "Movies": "cinema",
    "Music": "music",
    "RentalCars": "rental cars",
    "Restaurants": "restaurants",
    "RideSharing": "a ride",
    "Services": "appointments",
    "Travel": "sights",
    "Weather": "the weather",
}
E2E = {
    "name": "name",
    "eatType": "kind",
    "food": "food",
    "priceRange": "price",
    "customer rating": "rating",
    "area": "area",
    "familyFriendly": "for families",
    "near": "near",
}


def lines(data, name):
    """The lines of a file, packed or not."""
    path = data / name
    packed = data / (name + ".gz")
    if packed.exists():
        with gzip.open(packed, "rt", encoding="utf-8", newline="") as file:
            yield from file
    else:
        with open(path, encoding="utf-8", newline="") as file:
            yield from file


def rows(data, name):
    return (json.loads(line) for line in lines(data, name))


def tidy(text):
    """Without the spaces around punctuation that tokenised sets have."""
    text = re.sub(r" @([-,.])@ ", r"\1", text)
    text = text.replace(" 's", "'s").replace(" n't", "n't").replace("``", '"').replace("''", '"')
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r' " ([^"]*?) " ?', r' "\1" ', text)
    text = re.sub(r" ([,.;:!?%)\]])", r"\1", text)
    text = re.sub(r"([(\[]) ", r"\1", text)
    return text.replace(" – ", "–").strip()


def sentences(text):
    """Cuts a text after full stops that a capital follows, but not after an initial."""
    return [part.strip() for part in re.split(r"(?<=[a-z0-9)\"'][.!?]) +(?=[\"'A-Z])", text) if part.strip()]


def around(text, answer, words=75):
    """The sentences about the one that holds the answer, as many as fit, or None."""
    parts = sentences(text)
    place = next((i for i, part in enumerate(parts) if answer in part), None)
    if place is None or len(parts[place].split()) > words:
        return None
    first = last = place
    while True:
        length = len(" ".join(parts[first : last + 1]).split())
        if last + 1 < len(parts) and length + len(parts[last + 1].split()) <= words:
            last += 1
        elif first > 0 and length + len(parts[first - 1].split()) <= words:
            first -= 1
        else:
            return " ".join(parts[first : last + 1])


def prompted(data):
    """The examples of P3 whose sets are free to learn from, and short or cut to be."""
    for row in rows(data, "instruct/t0_p3_subset.jsonl"):
        task, text, answer = row["task"], row["input"], row["output"].strip()
        if task == "common_gen_Put_together":
            words = text.split(": ", 1)[1].rstrip(". ")
            yield "words_to_sentence", {"words": words}, answer, words
            yield "sentence_to_words", {"text": answer}, words, words
        elif task == "paws_labeled_final_paraphrase_task":
            first, second = tidy(text.split(": ", 1)[1]), tidy(answer)
            yield "paraphrase", {"text": first}, second, min(first, second)
        elif task == "dbpedia_14_given_a_choice_of_categories_":
            found = re.match(r"(.{2,60}?) -  ?(.+?)(?: Given a choice|\n|$)", text, re.S)
            if found:
                title, body = found[1].strip(), " ".join(sentences(found[2].strip())[:3])
                yield "topic", {"text": body}, answer.lower(), body
                yield "about", {"text": body}, title, body
        elif re.fullmatch(r"adversarial_qa_\w+_question_context_answer", task):
            found = re.match(r'Question: "(.*?)"\s+Context: "(.*)"\s+Answer:', text, re.S)
            if found:
                yield from reading(found[2], found[1], answer)
        elif task == "quoref_Given_Context_Answer_Question":
            question, _, context = text.partition(
                "\n\nAnswer the above question based on the context below:\n\n"
            )
            yield from reading(context, question, answer)
        elif task in ("quarel_testing_students", "quartz_use_info_from_question_paragraph"):
            yield "prompted", {"text": re.sub(r"\s+", " ", text)}, answer, text


def reading(context, question, answer):
    context, question = context.replace("\n", " "), question.strip()
    question = question[:1].upper() + question[1:].rstrip("?. ") + "?"
    part = around(context, answer)
    if part and len(answer) < 80:
        yield "reading", {"text": part, "question": question}, answer, context
        yield "ask", {"text": part, "answer": answer}, question, context


def choices(text):
    """`(A) one (B) two` as a list."""
    return [part.strip() for part in re.split(r"\s*\([A-H]\)\s*", text) if part.strip()]


def reasoned(data):
    """Questions with options or short answers, from FLAN's chain-of-thought sets and others."""
    cot = "instruct/flan_cot/%s_train.jsonl"
    for row in rows(data, cot % "creak"):
        claim = re.search(r'"(.+?)"', row["question"].replace("\n", " "))
        if claim:
            yield "claim", {"text": claim[1]}, row["answer"], claim[1]
    for name in ("ecqa", "qasc"):
        for row in rows(data, cot % name):
            question, _, options = row["question"].partition("\nOptions:\n")
            options = [re.sub(r"^- (\([A-H]\) )?", "", option) for option in options.split("\n")]
            answer = row["answer"]
            if re.fullmatch(r"\([A-H]\)", answer):
                answer = options[ord(answer[1]) - ord("A")]
            yield "choose", {"question": question, "options": options}, answer, question
            if name == "ecqa" and 20 < len(row["rationale"]) < 200:
                fields = {"question": question, "answer": answer}
                yield "explain", fields, row["rationale"], question
    for row in rows(data, cot % "sensemaking"):
        pair = re.findall(r'Sentence ([AB]): "(.+?)"', row["question"])
        if len(pair) == 2 and row["answer"].startswith("Sentence"):
            texts = dict(pair)
            wrong = texts[row["answer"][-1]]
            key = min(texts.values())
            yield "nonsense", {"a": texts["A"], "b": texts["B"]}, row["answer"], key
            if 10 < len(row["rationale"]) < 160:
                yield "why_nonsense", {"text": wrong}, row["rationale"], key
    for row in rows(data, cot % "strategyqa"):
        yield "yes_no", {"question": row["question"]}, row["answer"], row["question"]
    for row in rows(data, cot % "gsm8k"):
        steps = row["rationale"].split(". ")
        if len(row["question"].split()) < 45 and len(row["rationale"]) < 150 and len(steps) <= 3:
            yield "word_problem", {"text": row["question"]}, row["rationale"], row["question"]
    for row in rows(data, "instruct/openbookqa/train.jsonl"):
        options = choices(row["choices"])
        answer = ord(row["answer"]) - ord("A")
        if answer < len(options):
            yield (
                "choose",
                {"question": row["question"], "options": options},
                options[answer],
                row["question"],
            )
    for row in csv.reader(
        lines(data, "instruct/codah/full_data.tsv"), delimiter="\t", quoting=csv.QUOTE_NONE
    ):
        if len(row) == 7:
            fields = {"text": row[1], "options": row[2:6]}
            yield "go_on", fields, row[2 + int(row[6])], row[1]
    for row in rows(data, "instruct/self_instruct_seed_tasks.jsonl"):
        text = " ".join((row["instruction"] + "\n" + row["input"]).split())
        if len(text) < 450 and len(row["output"]) < 160:
            yield "prompted", {"text": text}, " ".join(row["output"].split()), text


def intents(data):
    for row in rows(data, "instruct/banking77/train.jsonl"):
        label = row["category"].rstrip("?").replace("_", " ").lower()
        yield "bank_intent", {"text": " ".join(row["text"].split())}, label, row["text"]


def restaurants(data):
    """E2E both ways: facts to a sentence, and one fact out of a sentence."""
    for name in ("devset", "testset_w_refs"):
        for number, row in enumerate(rows(data, f"instruct/e2e/{name}.jsonl")):
            facts = dict(re.findall(r"([\w ]+?)\[(.*?)\],? ?", row["mr"]))
            listed = ", ".join(f"{E2E[k]}: {v}" for k, v in facts.items() if k in E2E)
            text = row["ref"].strip()
            yield "facts_to_text", {"facts": listed}, text, row["mr"]
            known = [k for k in facts if k in E2E and facts[k].lower() in text.lower()]
            if known:
                asked = known[number % len(known)]
                fields = {"text": text, "fact": E2E[asked]}
                yield "find_fact", fields, facts[asked], row["mr"]


def talks(data):
    """Tasks over two sets of dialogues with a machine."""
    for row in rows(data, "dialogues/sgd_train_sample.jsonl"):
        turns = [("Customer: " if t["speaker"] == "USER" else "Agent: ") + t["text"] for t in row["turns"]]
        names = list(
            dict.fromkeys(SERVICES[s.split("_")[0]] for s in row["services"] if s.split("_")[0] in SERVICES)
        )
        key = " ".join(turns[:2])
        if names:
            yield "talk_topic", {"text": " ".join(turns[:7])}, " and ".join(names), key
        for start in range(0, len(turns) - 5, 3):
            begin = start + (start % 2)
            history, reply = turns[begin : begin + 5], turns[begin + 5]
            yield "reply", {"text": " ".join(history)}, reply.split(": ", 1)[1], key
    for row in rows(data, "dialogues/taskmaster4_coffee.jsonl"):
        turns = [
            ("Customer: " if t["speaker"] == "user" else "Barista: ") + t["text"].strip()
            for t in row["turns"]
        ]
        key = " ".join(turns)
        for end in range(1, min(len(turns), 6), 2):
            yield "reply", {"text": " ".join(turns[:end])}, turns[end].split(": ", 1)[1], key


def articles(data):
    """Wikipedia's sections: (heading, paragraph)."""
    for part in ("valid", "test"):
        title = heading = ""
        for line in lines(data, f"text/wiki.{part}.raw"):
            line = line.strip()
            found = re.fullmatch(r"(=(?: =)*) (.+?) \1", line)
            if found:
                heading = tidy(found[2])
                title = heading if found[1] == "=" else title
            elif line:
                yield title, heading, tidy(line)


def encyclopedia(data):
    for title, heading, paragraph in articles(data):
        parts = sentences(paragraph)
        if heading == title and len(title.split()) < 7 and len(parts) > 1:
            yield "about", {"text": " ".join(parts[:3])}, title, paragraph
        for first, second in zip(parts[::2], parts[1::2]):
            if 5 < len(first.split()) < 30 and 5 < len(second.split()) < 30:
                yield "next_sentence", {"text": first}, second, paragraph


def examples(data):
    for reader in (prompted, reasoned, intents, restaurants, talks, encyclopedia):
        yield from reader(data)


def texts(data):
    """Plain texts for span corruption, for the vocabulary, and for tasks over sentences."""
    for _, _, paragraph in articles(data):
        yield paragraph, paragraph
    seen = set()
    for row in rows(data, "instruct/t0_p3_subset.jsonl"):
        if row["source"] == "adversarial_qa":
            found = re.search(r'(?:Context: |passage\s+)"?(.{200,})', row["input"], re.S)
        elif row["source"] == "quoref":
            found = re.search(r"(?:article|context|below|passage)[^:]{0,40}:\s+(.{200,})", row["input"], re.S)
        elif row["task"] == "dbpedia_14_given_a_choice_of_categories_":
            found = re.match(r".{2,60}? -  ?(.+?)(?: Given a choice|\n|$)", row["input"], re.S)
        else:
            found = None
        if found:
            text = " ".join(found[1].strip().strip('"').split())
            if text[:120] not in seen:
                seen.add(text[:120])
                yield text, text
    cot = "instruct/flan_cot/%s_train.jsonl"
    for row in rows(data, cot % "gsm8k"):
        yield row["question"], row["question"] + " " + row["rationale"]
    for row in rows(data, cot % "ecqa"):
        question = row["question"].partition("\nOptions")[0]
        yield question, f"{question} {row['answer']}. {row['rationale']}"
    for row in rows(data, cot % "creak"):
        claim = re.search(r'"(.+?)"', row["question"].replace("\n", " "))
        if claim and row["answer"] == "yes":
            yield claim[1], f"{claim[1]} {row['rationale']}"
    for row in rows(data, cot % "strategyqa"):
        yield row["question"], f"{row['question']} {row['answer'].capitalize()}. {row['rationale']}"
    for row in rows(data, "dialogues/sgd_train_sample.jsonl"):
        turns = [("Customer: " if t["speaker"] == "USER" else "Agent: ") + t["text"] for t in row["turns"]]
        yield " ".join(turns[:2]), " ".join(turns)
    for row in rows(data, "dialogues/taskmaster4_coffee.jsonl"):
        turns = [
            ("Customer: " if t["speaker"] == "user" else "Barista: ") + t["text"].strip()
            for t in row["turns"]
        ]
        yield " ".join(turns), " ".join(turns)
    for task, fields, target, key in restaurants(data):
        if task == "facts_to_text":
            yield key, target
    for row in rows(data, "instruct/openbookqa/train.jsonl"):
        options = choices(row["choices"])
        answer = ord(row["answer"]) - ord("A")
        if answer < len(options):
            yield row["question"], f"{row['question']} {options[answer]}"
