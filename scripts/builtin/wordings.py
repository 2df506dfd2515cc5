"""How each task is put into words: several ways, drawn by chance."""

WORDINGS = {
    # from public sets
    "reading": [
        "Answer the question from the text.\n{text}\nQuestion: {question}",
        "{text}\n\n{question}",
        "Question: {question}\nContext: {text}\nAnswer:",
        "Read this and answer. {text} {question}",
    ],
    "ask": [
        'Write a question whose answer is "{answer}".\n{text}',
        "{text}\nAsk a question about this text that is answered by: {answer}",
    ],
    "words_to_sentence": [
        "Write a sentence with these words: {words}",
        "Put the words together in a sentence: {words}.",
        "Make a sentence out of: {words}",
        "Use {words} in one sentence.",
    ],
    "sentence_to_words": [
        "What is this sentence about? Name the key words: {text}",
        "Key words of the sentence: {text}",
    ],
    "paraphrase": [
        "Say this in other words: {text}",
        "Paraphrase the sentence: {text}",
        "{text}\nRewrite this sentence.",
    ],
    "topic": [
        "What kind of thing is described here? {text}",
        "Classify the text: {text}",
        "{text}\nCategory:",
        "Is this about a company, an artist, an animal, a village or something else? {text}",
    ],
    "about": [
        "What is this text about? {text}",
        "Give a title to this text: {text}",
        "{text}\nTitle:",
        "Which title fits? {text}",
    ],
    "prompted": ["{text}"],
    "claim": [
        "Is this true? {text}",
        "{text}\nTrue or not? Answer yes or no.",
        "Yes or no: {text}",
        "Check this claim: {text}",
    ],
    "choose": [
        "{question}\nOptions: {options}",
        "Answer the question by choosing one option.\n{question}\n{options}",
        "Question: {question} Choices: {options} Answer:",
        "{question} Choose from: {options}",
    ],
    "explain": [
        '{question} Why is the answer "{answer}"?',
        "Question: {question}\nAnswer: {answer}\nExplain why.",
    ],
    "nonsense": [
        "Which sentence makes no sense?\nSentence A: {a}\nSentence B: {b}",
        "Sentence A: {a} Sentence B: {b} Which of the two is against common sense?",
    ],
    "why_nonsense": ["Why does this make no sense? {text}", "{text}\nWhat is wrong with this sentence?"],
    "yes_no": ["{question}", "{question} Yes or no?", "Answer yes or no. {question}"],
    "word_problem": ["Solve step by step: {text}", "{text}", "{text} Show how you get there."],
    "go_on": [
        "How does it go on? {text} ... {options}",
        "{text}\nChoose the best ending: {options}",
        "Finish the sentence with one of the endings. {text}\n{options}",
    ],
    "bank_intent": [
        "What does the customer of the bank want? {text}",
        "Intent of this message: {text}",
        "{text}\nWhat is this message about?",
        "Label the request: {text}",
    ],
    "facts_to_text": [
        "Describe the place: {facts}",
        "Turn these facts into a sentence. {facts}",
        "Write a description from the data: {facts}",
        "{facts}\nSay it in a sentence.",
    ],
    "find_fact": [
        "{text}\nWhat is the {fact}?",
        "Find the {fact}: {text}",
        "{fact} of this place? {text}",
    ],
    "talk_topic": [
        "What does the customer need? {text}",
        "{text}\nWhat is this conversation about?",
        "Name the topic of the conversation. {text}",
    ],
    "reply": [
        "Continue the conversation. {text}",
        "{text}\nWhat comes next?",
        "Write the next reply: {text}",
    ],
    "next_sentence": ["Continue: {text}", "Write the next sentence. {text}"],
    # edits of sentences
    "copy": ["Repeat this: {text}", "Copy the sentence: {text}", "Say exactly this: {text}"],
    "upper": ["Write in capitals: {text}", "Make this upper case: {text}"],
    "lower": [
        "Write in lower case: {text}",
        "{text}\nThe same without capital letters:",
        "Make all letters small: {text}",
    ],
    "title_case": ["Write every word with a capital: {text}", "Make this a headline in title case: {text}"],
    "no_punctuation": ["Remove the punctuation: {text}", "Write this without commas and full stops: {text}"],
    "capitals": [
        "Put in capitals and the full stop: {text}",
        "Correct the capital letters: {text}",
        "Punctuate: {text}",
    ],
    "contract": ["Use short forms such as don't and it's: {text}", "Contract where you can: {text}"],
    "expand": ["Write out the short forms: {text}", "Write this without contractions: {text}"],
    "backwards": [
        "Reverse the list: {words}",
        "Say these words backwards: {words}",
        "{words}\nFrom last to first:",
    ],
    "in_order": ["Sort the words from A to Z: {words}", "Put in alphabetical order: {words}"],
    "at_place": [
        "What is the {place} word? {words}",
        "{words}\nThe {place} word of this list:",
        "Which word is {place}: {words}?",
    ],
    "without": ['Leave out "{word}": {words}', "Remove {word} from the list: {words}"],
    "last_words": [
        "Write the {which} {words} of this sentence: {text}",
        "{text}\nWhat are the {which} {words}?",
    ],
    "after_word": ['Which word comes after "{word}"? {text}', '{text}\nWhat follows "{word}"?'],
    "replace": [
        'Replace "{old}" by "{new}": {text}',
        "{text}\nWrite {new} instead of {old}.",
        "Change {old} to {new}: {text}",
    ],
    "keywords": [
        "Three important words of this sentence: {text}",
        "{text}\nKeywords:",
        "Tag this text: {text}",
    ],
    "from_keywords": [
        "Write a sentence with these words in this order: {words}",
        "Make a text from the notes: {words}",
    ],
    "missing": ["Which word is missing? {cut} Whole sentence: {text}", "{text}\n{cut}\nFill the gap:"],
    "count_words": ["How many words? {text}", "Count the words: {text}"],
    "shorten": [
        "Shorten: {text}",
        "Say it more briefly: {text}",
        "Summarize in a few words: {text}",
        "{text}\nIn short:",
    ],
    "arithmetic": ["{sum} =", "What is {sum}?", "Work out {sum}.", "{sum}"],
    "larger": ["Which is {which}, {a} or {b}?", "{a} or {b}: which number is {which}?"],
    "date": ["Write the date in the other form: {date}", "{date} written differently:"],
    "number_word": ["Write {number} {form}.", "{number} {form}:"],
    # made scenes
    "review_mood": [
        "Is this review positive, negative or mixed? {text}",
        "Sentiment: {text}",
        "{text}\nWhat is the mood of this review?",
        "Review: {text} Sentiment (positive, negative, mixed):",
    ],
    "review_title": [
        "Write a title for this review: {text}",
        "Review: {text}\nTitle:",
        "{text}\nGive this review a headline.",
        "Summarize the review in a few words: {text}",
    ],
    "review_stars": [
        "How many stars does this review give? {text}",
        "{text}\nRating:",
        "Rate this review: {text}",
    ],
    "review_product": [
        "Which product is reviewed? {text}",
        "{text}\nWhat did they buy?",
        "Name the product: {text}",
    ],
    "review_shelf": ["In which department is this product sold? {text}", "Category of the product: {text}"],
    "review_liked": ["What did the customer like? {text}", "{text}\nGood points:"],
    "review_disliked": ["What did the customer not like? {text}", "{text}\nBad points:"],
    "dialogue_summary": [
        "Summarize the conversation. {text}",
        "{text}\nSummary:",
        "What happens in this conversation? {text}",
        "Summarize: {text}",
        "Dialogue: {text} In one sentence:",
    ],
    "who_speaks": ["Who is talking? {text}", "{text}\nName the speakers."],
    "who_said": ['Who says "{said}"? {text}', "{text}\nWho said: {said}"],
    "facts": ["{text} {question}", "Question: {question}\nText: {text}", "{text}\nQ: {question}\nA:"],
    "slot": ["Find the {slot}: {text}", "{text}\nWhat is the {slot}?", "{slot}? {text}"],
    "slots": ["Fill in {slots}: {text}", "{text}\nExtract: {slots}"],
}


def source(task, fields, draw):
    """The source text of an example, in one of its wordings."""
    fields = dict(fields)
    if "options" in fields:
        options = list(fields["options"])
        form = draw.choice(["; ", ", ", " / ", " or "])
        fields["options"] = form.join(option.rstrip(".") for option in options)
    return draw.choice(WORDINGS[task]).format(**fields)
