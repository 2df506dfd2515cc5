"""Small made texts with known answers: reviews, dialogues, facts about people, notes.

The sentences are ours. Their forms are kept apart from those of the demo sets in `data/`: the built-in
model is to meet those for the first time when a user tunes it.
"""

NAMES = (
    "Ada Adam Aisha Akira Alma Amara Amir Ana Anton Ben Bilal Bruno Carla Carmen Chen Clara Daniel Dara "
    "David Diego Elena Ella Emeka Emil Emma Eva Fatima Felix Femi Finn Freya George Grace Hana Hassan "
    "Hugo Ida Ines Isaac Ivan Jack James Jana Jin Jonas Jorge Julia Kai Karim Kate Kofi Lars Laura Leah "
    "Leo Lena Lin Lucas Lucy Luis Maja Marco Maria Mark Mary Maya Mei Mia Milan Mina Mira Nadia Naomi "
    "Nils Nina Noah Nora Olga Oliver Omar Oscar Otto Paul Peter Petra Priya Rahul Rania Ravi Rosa Ruth "
    "Sam Sara Selin Simon Sofia Sven Tara Theo Tom Tomas Uma Vera Victor Wanda Will Yara Yusuf Zara Zoe"
).split()
CITIES = (
    "Accra Athens Bergen Berlin Boston Cairo Chicago Cork Delhi Dublin Geneva Glasgow Hanoi Lagos Leeds "
    "Lima Lisbon London Madrid Manila Milan Montreal Nairobi Naples Osaka Oslo Paris Porto Prague Quito "
    "Riga Rome Seoul Sydney Tokyo Toronto Turin Vienna Warsaw York"
).split()
JOBS = (
    "baker nurse teacher pilot gardener plumber lawyer dentist farmer painter cook driver singer tailor "
    "carpenter librarian programmer photographer electrician journalist waiter vet judge sailor"
).split()
PETS = "a cat|a dog|two cats|a parrot|a rabbit|three hens|a tortoise|a horse|no pets|a hamster".split("|")
HOBBIES = (
    "plays chess|bakes bread|paints birds|runs marathons|collects stamps|plays the piano|reads novels|"
    "grows tomatoes|climbs rocks|builds model ships|sings in a choir|repairs old radios|swims every day|"
    "plays football|learns Spanish|keeps bees"
).split("|")
FOODS = (
    "soup|pizza|pancakes|curry|sushi|noodles|apple pie|dumplings|tacos|lentil stew|fish and chips|rice".split(
        "|"
    )
)
COLOURS = "red blue green yellow black white grey brown purple orange".split()

# A product, its parts, and what may be said of each: good, bad.
GOODS = {
    "headphones": ("sound|cable|ear pads", "music"),
    "kettle": ("lid|handle|spout", "kitchen"),
    "laptop": ("screen|keyboard|battery", "computers"),
    "backpack": ("straps|zips|pockets", "travel"),
    "blender": ("motor|jug|blades", "kitchen"),
    "tent": ("poles|seams|zips", "outdoors"),
    "watch": ("strap|display|battery", "fashion"),
    "vacuum cleaner": ("motor|hose|filter", "home"),
    "office chair": ("seat|wheels|armrests", "furniture"),
    "lamp": ("switch|shade|light", "furniture"),
    "running shoes": ("soles|laces|fit", "sport"),
    "yoga mat": ("surface|colour|grip", "sport"),
    "phone case": ("corners|colour|grip", "phones"),
    "novel": ("plot|ending|characters", "books"),
    "board game": ("rules|pieces|artwork", "games"),
    "coffee machine": ("pump|water tank|milk frother", "kitchen"),
    "umbrella": ("handle|frame|cover", "fashion"),
    "camera": ("lens|menu|battery", "photography"),
    "toaster": ("timer|slots|lever", "kitchen"),
    "bicycle": ("brakes|gears|saddle", "sport"),
    "speaker": ("bass|volume|battery", "music"),
    "cookbook": ("recipes|photos|index", "books"),
    "puzzle": ("pieces|picture|box", "games"),
    "raincoat": ("hood|sleeves|zip", "fashion"),
    "printer": ("ink|paper tray|software", "computers"),
    "drill": ("battery|grip|chuck", "tools"),
    "pillow": ("filling|cover|smell", "home"),
    "mattress": ("springs|cover|edges", "furniture"),
    "garden hose": ("nozzle|length|fittings", "garden"),
    "guitar": ("neck|strings|tuners", "music"),
    "frying pan": ("coating|handle|weight", "kitchen"),
    "suitcase": ("wheels|lock|shell", "travel"),
}
# More products, of which one speaks in general.
for _shelf, _names in {
    "kitchen": "apron|baking tray|bread knife|can opener|chopping board|colander|corkscrew|cutlery set|egg timer|"
    "espresso cups|food processor|garlic press|grater|ice cream maker|juicer|kitchen scales|ladle|lunch box|measuring jug|"
    "microwave|mixing bowl|oven gloves|pepper mill|pizza stone|rice cooker|rolling pin|salad bowl|saucepan|sieve|"
    "soup spoon|spatula|tea towel|teapot|thermos|waffle iron|water bottle|whisk|wok",
    "home": "alarm clock|bath mat|blanket|broom|candle|clothes rack|curtains|dehumidifier|doormat|duvet|fan|heater|"
    "ironing board|laundry basket|mop|night light|photo frame|picture hook|rug|shower curtain|soap dish|towel|vase|wall clock",
    "furniture": "armchair|bar stool|bedside table|bookshelf|bunk bed|chest of drawers|coat stand|coffee table|desk|"
    "dining table|mirror|rocking chair|shoe rack|sofa|wardrobe",
    "garden": "bird feeder|garden gnome|greenhouse|hammock|hedge trimmer|lawn mower|parasol|plant pot|rake|secateurs|"
    "spade|watering can|wheelbarrow|wind chime",
    "tools": "extension lead|hammer|ladder|paint roller|pliers|sander|saw|screwdriver|spirit level|tape measure|toolbox|torch|wrench",
    "fashion": "belt|boots|cap|coat|dress|gloves|handbag|hat|jacket|jeans|jumper|necklace|pyjamas|ring|sandals|scarf|shirt|"
    "skirt|slippers|socks|sunglasses|tie|trousers|wallet",
    "sport": "bike helmet|bike lock|boxing gloves|dumbbells|fishing rod|football|golf clubs|hockey stick|skateboard|"
    "skipping rope|sledge|snorkel|surfboard|swimming goggles|table tennis bat|tennis racket|wetsuit",
    "computers": "charger|keyboard|memory card|microphone|monitor|mouse|mouse mat|projector|router|scanner|tablet|usb stick|webcam",
    "toys": "doll|dolls' house|drum|kite|marble run|paint box|playing cards|remote control car|robot|rocking horse|"
    "scooter|stuffed bear|toy train|trampoline|wooden blocks|yo-yo",
    "stationery": "ballpoint pen|calendar|crayons|diary|fountain pen|glue|notebook|ruler|scissors|sketchbook|stapler|stickers",
    "pets": "aquarium|bird cage|cat tree|dog bed|dog lead|dog toy|hamster wheel|litter box|scratching post",
    "beauty": "electric razor|hair dryer|hairbrush|hand cream|lipstick|nail file|perfume|shampoo|soap|sun cream|toothbrush",
}.items():
    for _name in _names.split("|"):
        GOODS.setdefault(
            _name, ("colour|material|size|finish|design|quality|packaging|weight|price|shape|smell", _shelf)
        )

GOOD = (
    "works well|is excellent|is better than I hoped|feels solid|is a joy to use|is just right|"
    "still looks new|is surprisingly good|does its job|impressed everyone at home"
).split("|")
BAD = (
    "broke after a week|feels cheap|is disappointing|is a nuisance|does not last|let me down|"
    "could be better|is badly made|makes no sense|came damaged"
).split("|")
PRAISE = "I love it.|Great value.|I would buy it again.|Five people have asked me where I got it.|Very happy.|Money well spent.|It made my week.|Recommended.".split(
    "|"
)
BLAME = "I want my money back.|A waste of money.|I would not buy it again.|It went straight back.|Very unhappy.|Avoid it.|Look elsewhere.|I regret it.".split(
    "|"
)
MIXED = "It is fine for the price.|Not bad, not great.|I will keep it for now.|It depends on what you need.|You get what you pay for.".split(
    "|"
)
OPENINGS = (
    "I bought this {p} last month.|My {f} gave me this {p}.|Ordered the {p} for my {f}.|I have used this {p} every day.|"
    "This is my second {p}.|The {p} came on time.|I needed a new {p}.|We took the {p} on holiday.|"
    "After two weeks with this {p} I can say this.|"
).split("|")
FAMILY = "sister brother mother father wife husband son daughter uncle aunt neighbour flatmate".split()


def anyone(draw):
    """A name from the list, or one that nobody bears: names are to be copied, not known."""
    if draw.random() < 0.6:
        return draw.choice(NAMES)
    made = "".join(draw.choice(STARTS) + draw.choice("aeiou") for _ in range(draw.choice([1, 2, 2, 3])))
    return cap(made + draw.choice(ENDS))


STARTS = "b c d f g h j k l m n p r s t v w y z br ch cl dr fl gr kr sh st th tr sv".split()
ENDS = ["", "", "n", "r", "s", "l", "th", "ra", "lia", "na", "ko", "ne", "k", "m", "x", "tt"]


def review(draw):
    """A review with its facts: product, parts, stars, mood, title."""
    product = draw.choice(list(GOODS))
    parts, shelf = GOODS[product]
    first, second = draw.sample(parts.split("|"), 2)
    mood = draw.choice(["positive", "negative", "mixed"])
    is_good = {"positive": (True, True), "negative": (False, False), "mixed": (True, False)}[mood]
    said = [draw.choice(GOOD if good else BAD) for good in is_good]
    if mood == "mixed" and draw.random() < 0.5:
        first, second, said, is_good = second, first, said[::-1], is_good[::-1]
    verb = lambda part, phrase: plural(part, phrase)
    joint = ", but the " if mood == "mixed" else draw.choice([" and the ", ", and the "])
    body = f"The {first} {verb(first, said[0])}{joint}{second} {verb(second, said[1])}."
    if draw.random() < 0.3:
        body = (
            f"The {first} {verb(first, said[0])}. "
            + ("However, the " if mood == "mixed" else "The ")
            + f"{second} {verb(second, said[1])}."
        )
    opening = draw.choice(OPENINGS).format(p=product, f=draw.choice(FAMILY))
    if product.endswith("s") and not product.endswith("ss"):
        opening = opening.replace("This is my second", "These are my second").replace("a new ", "new ")
        opening = opening.replace(f"this {product}", f"these {product}")
    if product not in opening:
        body = (
            body.replace("The ", f"The {product}: the ", 1)
            if draw.random() < 0.5
            else f"{cap(product)}. {body}"
        )
    end = draw.choice({"positive": PRAISE, "negative": BLAME, "mixed": MIXED}[mood])
    pieces = [opening, body, end] if draw.random() < 0.8 else [end, opening, body]
    stars = draw.choice({"positive": [4, 5], "negative": [1, 2], "mixed": [3]}[mood])
    title = {
        "positive": [
            f"Great {first} and {second}",
            f"A good {product}" if product[-1] != "s" else f"Good {product}",
            f"Happy with the {first}",
        ],
        "negative": [
            f"Poor {first} and {second}",
            f"A bad {product}" if product[-1] != "s" else f"Bad {product}",
            f"Problems with the {first}",
        ],
        "mixed": [f"Good {first}, poor {second}" if is_good[0] else f"Poor {first}, good {second}"],
    }[mood]
    return {
        "text": " ".join(piece for piece in pieces if piece),
        "product": product,
        "mood": mood,
        "stars": stars,
        "title": draw.choice(title),
        "shelf": shelf,
        "liked": ", ".join(p for p, good in zip((first, second), is_good) if good) or "nothing",
        "disliked": ", ".join(p for p, good in zip((first, second), is_good) if not good) or "nothing",
    }


def plural(part, phrase):
    """The verb to a part that is several: they look, they are."""
    if not part.endswith("s") or part == "bass":
        return phrase
    first, _, rest = phrase.partition(" ")
    changed = {"is": "are", "works": "work", "feels": "feel", "still": "still", "does": "do", "makes": "make"}
    rest = rest.replace("looks", "look").replace("its job", "their job")
    return f"{changed.get(first, first)} {rest}"


def reviews(draw):
    facts = review(draw)
    text = facts["text"]
    task = draw.choice(
        ["review_mood"] * 3
        + ["review_title"] * 4
        + ["review_stars"] * 2
        + ["review_product"] * 2
        + ["review_shelf", "review_liked", "review_disliked"]
    )
    answer = facts[task.removeprefix("review_")]
    if task == "review_stars":
        answer = f"{answer} star{'s' * (answer > 1)}"
    return task, {"text": text}, str(answer), text


TIMES = "at noon|at three|at six|at half past seven|at nine|after lunch|before dinner|in the morning|in the evening|on Monday|on Tuesday|on Friday|on Saturday|on Sunday|tomorrow|next week|this weekend".split(
    "|"
)
PLACES = "the library|the station|the park|the museum|the cinema|the pool|the café|the market|the office|the gym|the beach|the airport|the theatre|the harbour|the school".split(
    "|"
)
THINGS = "the keys|a ladder|the car|a drill|the tent|the camera|an umbrella|the projector|some sugar|the bike|a charger|the guitar|a suitcase|the cake tin|the blue folder|a dictionary".split(
    "|"
)
CHORES = "wash the dishes|feed the cat|water the plants|book the tickets|fix the printer|clean the garage|call the plumber|buy milk|write the report|pick up the parcel|paint the fence|walk the dog|bake a cake|send the invoice|pack the bags|check the tyres".split(
    "|"
)
REASONS = "I have a cold|I am working late|my train is late|I have an exam|the kids are ill|my car broke down|I am at the dentist|I promised my mother to help|I have no money left|it is too far".split(
    "|"
)
FEELINGS = {
    "tired": "I did not sleep|the neighbours play music all night|I am working late|the baby cries every night",
    "nervous": "I have a job interview|I start a new job|I have an exam|I am flying for the first time",
    "happy": "I passed the test|I won a prize|we are moving to another city|my sister had a baby",
    "sad": "my team lost|my best friend is away|my plants all died|the holidays are over",
    "angry": "my train was late again|the shop sent the wrong shoes|the neighbours play music all night",
    "bored": "I am at home all day|there is nothing on television|my best friend is away",
}


def second(text):
    """What `I` say, said of them: I have -> they have."""
    for old, new in (
        ("I am ", "{they} is "),
        ("I have ", "{they} has "),
        ("I did ", "{they} did "),
        ("I promised ", "{they} promised "),
        ("I passed ", "{they} passed "),
        ("I won ", "{they} won "),
        ("I start ", "{they} starts "),
    ):
        text = text.replace(old, new)
    return text.replace("my ", "their ").replace("we are ", "they are ")


def talk(draw):
    """A dialogue and its summary."""
    a = b = anyone(draw)
    while a == b:
        b = anyone(draw)
    time, place = draw.choice(TIMES), draw.choice(PLACES)
    thing, chore = draw.choice(THINGS), draw.choice(CHORES)
    reason = draw.choice(REASONS)
    match draw.randrange(10):
        case 0:
            turns = [
                draw.choice(
                    [
                        f"Shall we go to {place} {time}?",
                        f"Do you want to go to {place} {time}?",
                        f"I am going to {place} {time}. Coming?",
                    ]
                ),
                draw.choice(
                    ["Yes, good idea.", "Sure, I would love to.", "Great, count me in.", "With pleasure!"]
                ),
                draw.choice(
                    ["Great, see you there.", "Perfect. I will wait outside.", "Good. Do not be late!"]
                ),
            ]
            summary = f"{a} and {b} will go to {place} {time}."
        case 1:
            turns = [
                draw.choice(
                    [
                        f"Shall we go to {place} {time}?",
                        f"Are you free {time}? I want to go to {place}.",
                        f"Come with me to {place} {time}!",
                    ]
                ),
                draw.choice(
                    [f"Sorry, I cannot. {cap(reason)}.", f"I would like to, but {reason}.", f"No, {reason}."]
                ),
                draw.choice(
                    [
                        "What a pity.",
                        "Another time, then.",
                        "All right, get well soon." if "cold" in reason else "I see.",
                    ]
                ),
            ]
            summary = f"{a} invites {b} to {place} {time}, but {second(reason).format(they=b)}."
        case 2:
            turns = [
                draw.choice(
                    [
                        f"Could I borrow {thing}?",
                        f"Can you lend me {thing}?",
                        f"Do you still have {thing}? I need it.",
                    ]
                ),
                draw.choice(
                    [
                        f"Yes, bring it back {time}.",
                        f"Of course, but I need it back {time}.",
                        f"Take it, I only need it {time}.",
                    ]
                ),
                draw.choice(["Thank you!", "I will.", "You are a star.", "Promise."]),
            ]
            summary = f"{a} borrows {thing} from {b}, who needs it back {time}."
        case 3:
            turns = [
                draw.choice([f"Have you seen {thing}?", f"I cannot find {thing}.", f"Where is {thing}?"]),
                draw.choice(
                    [f"I think I saw it at {place}.", f"You left it at {place}.", f"Look at {place}."]
                ),
                draw.choice(["Oh no. Thanks!", "Of course! I forgot.", "You are right."]),
            ]
            summary = f"{a} is looking for {thing}; {b} says it is at {place}."
        case 4:
            turns = [
                draw.choice(
                    [
                        f"Can you {chore} {time}?",
                        f"Would you {chore} {time}, please?",
                        f"Please {chore} {time}.",
                    ]
                ),
                draw.choice(["No problem.", "I will do it.", "Yes, of course.", "Leave it to me."]),
            ]
            summary = f"{b} will {chore} {time}."
        case 5:
            turns = [
                draw.choice([f"Did you {chore}?", f"You wanted to {chore}. Did you?"]),
                draw.choice(["Sorry, I forgot.", "Not yet, I had no time.", "Oh no, I forgot it."]),
                draw.choice([f"Then please do it {time}.", f"It has to be done {time}."]),
                draw.choice(["I will.", "All right."]),
            ]
            summary = f"{b} forgot to {chore} and will do it {time}."
        case 6:
            feeling = draw.choice(list(FEELINGS))
            cause = draw.choice(FEELINGS[feeling].split("|"))
            turns = [
                draw.choice(["How are you?", "Is everything all right?", "You look different today."]),
                draw.choice(
                    [
                        f"I am {feeling}. {cap(cause)}.",
                        f"{cap(cause)}, so I am {feeling}.",
                        f"A bit {feeling}, because {cause}.",
                    ]
                ),
                draw.choice(["I understand.", "Tell me more over a coffee.", "I know the feeling."]),
            ]
            summary = f"{b} is {feeling} because {second(cause).format(they=b)}."
        case 7:
            food, other = draw.sample(FOODS, 2)
            turns = [
                draw.choice([f"I am cooking {food} {time}. Are you hungry?", f"Do you want {food} {time}?"]),
                draw.choice(
                    [
                        f"I would rather have {other}.",
                        f"Could we have {other} instead?",
                        f"Not {food} again. How about {other}?",
                    ]
                ),
                draw.choice(["Fine with me.", f"All right, {other} it is.", "Good idea."]),
            ]
            summary = f"{a} and {b} will have {other} instead of {food} {time}."
        case 8:
            city = draw.choice(CITIES)
            turns = [
                draw.choice(
                    [
                        f"I am flying to {city} {time}.",
                        f"Guess what, I am moving to {city}!",
                        f"My company sends me to {city} {time}.",
                    ]
                ),
                draw.choice(["How exciting! Who looks after your flat?", "Really? Who waters your plants?"]),
                draw.choice(["Could you?", "I hoped you would.", "Nobody yet. Would you?"]),
                draw.choice(["Of course.", "With pleasure."]),
            ]
            summary = f"{a} is going to {city}, and {b} will look after the flat."
        case _:
            price = draw.randint(5, 95)
            turns = [
                draw.choice([f"How much is {thing}?", f"What do you want for {thing}?"]),
                draw.choice([f"{price} euros.", f"I want {price} euros for it.", f"It costs {price} euros."]),
                draw.choice(["That is too much. I will think about it.", "Too expensive for me, sorry."])
                if price > 40
                else draw.choice(["I will take it.", "Fair enough, here you are."]),
            ]
            summary = f"{b} offers {thing} for {price} euros; {a} " + (
                "finds it too expensive." if price > 40 else "buys it."
            )
    text = " ".join(f"{(a, b)[i % 2]}: {turn}" for i, turn in enumerate(turns))
    return a, b, text, summary


def cap(text):
    return text[:1].upper() + text[1:]


def talks(draw):
    a, b, text, summary = talk(draw)
    if draw.random() < 0.8:
        return "dialogue_summary", {"text": text}, summary, text
    task = draw.choice(["who_speaks", "who_said"])
    if task == "who_speaks":
        return task, {"text": text}, f"{a} and {b}", text
    place = draw.randrange(2)
    said = (
        text.split(f"{b}: ")[0].split(": ", 1)[1].strip()
        if place == 0
        else text.split(f"{b}: ", 1)[1].split(f" {a}: ")[0]
    )
    return task, {"text": text, "said": said}, (a, b)[place], text


def people(draw):
    """Facts about two people, and a question about one."""
    chosen = [anyone(draw), anyone(draw)]
    while chosen[0] == chosen[1]:
        chosen[1] = anyone(draw)
    facts = []
    for name in chosen:
        facts.append(
            {
                "name": name,
                "city": draw.choice(CITIES),
                "job": draw.choice(JOBS),
                "age": str(draw.randint(18, 80)),
                "pet": draw.choice(PETS),
                "hobby": draw.choice(HOBBIES),
                "colour": draw.choice(COLOURS),
                "food": draw.choice(FOODS),
            }
        )
    said = []
    known = draw.sample(["city", "job", "age", "pet", "hobby", "colour", "food"], 3)
    forms = {
        "city": "{name} lives in {city}.|{name} comes from {city}.|{city} is where {name} lives.",
        "job": "{name} is a {job}.|{name} works as a {job}.|By trade {name} is a {job}.",
        "age": "{name} is {age} years old.|{name} turned {age} last week.",
        "pet": "{name} has {pet}.|At home {name} has {pet}.",
        "hobby": "{name} {hobby}.|In the evening {name} {hobby}.",
        "colour": "{name} drives a {colour} car.|{name}'s car is {colour}.",
        "food": "{name} likes {food}.|{name} could eat {food} every day.",
    }
    for person in facts:
        for kind in known:
            said.append(draw.choice(forms[kind].split("|")).format(**person))
    draw.shuffle(said)
    person, kind = draw.choice(facts), draw.choice(known)
    questions = {
        "city": "Where does {name} live?",
        "job": "What is {name}'s job?",
        "age": "How old is {name}?",
        "pet": "Which pets does {name} have?",
        "hobby": "What does {name} do in the evening?",
        "colour": "What colour is {name}'s car?",
        "food": "What does {name} like to eat?",
    }
    text, other = " ".join(said), facts[1] if person is facts[0] else facts[0]
    if draw.random() < 0.25 and person[kind] != other[kind]:
        who = {
            "city": "Who lives in {city}?",
            "job": "Who is a {job}?",
            "age": "Who is {age}?",
            "pet": "Who has {pet}?",
            "hobby": "Who {hobby}?",
            "colour": "Who drives a {colour} car?",
            "food": "Who likes {food}?",
        }[kind].format(**person)
        return "facts", {"text": text, "question": who}, person["name"], text
    return "facts", {"text": text, "question": questions[kind].format(**person)}, person[kind], text


def notes(draw):
    """A message with several slots, and one of them asked for, or all as a list."""
    name, city, thing, time = anyone(draw), draw.choice(CITIES), draw.choice(THINGS), draw.choice(TIMES)
    number, price = draw.randint(2, 12), draw.randint(5, 300)
    table = {
        "name": name,
        "city": city,
        "thing": thing,
        "time": time,
        "people": str(number),
        "price": f"{price} euros",
    }
    forms = [
        (
            "Hello, this is {name}. I would like a table for {people} people {time}.",
            ["name", "people", "time"],
        ),
        (
            "{name} here. My train to {city} leaves {time}, and the ticket was {price}.",
            ["name", "city", "time", "price"],
        ),
        ("Please send {thing} to {name} in {city}. It costs {price}.", ["thing", "name", "city", "price"]),
        (
            "We are {people} people and will come to {city} {time}. Ask for {name}.",
            ["people", "city", "time", "name"],
        ),
        (
            "Dear {name}, thank you for {thing}. I paid {price} and will collect it {time}.",
            ["name", "thing", "price", "time"],
        ),
        ("For sale: {thing}, {price}. Call {name} {time}.", ["thing", "price", "name", "time"]),
        (
            "The trip to {city} is {time}. It is {price} for {people} people; {name} has the tickets.",
            ["city", "time", "price", "people", "name"],
        ),
    ]
    form, slots = draw.choice(forms)
    text = form.format(**table)
    if draw.random() < 0.4:
        return (
            "slots",
            {"text": text, "slots": ", ".join(slots)},
            "; ".join(f"{slot}: {table[slot]}" for slot in slots),
            text,
        )
    slot = draw.choice(slots)
    return "slot", {"text": text, "slot": slot}, table[slot], text


SCENES = {"reviews": reviews, "talks": talks, "people": people, "notes": notes}
