use super::*;

fn parse(text: &str) -> Result<Mixture> {
    Mixture::parse("data/mix.toml", text.as_bytes(), &DataConfig::default())
}

fn failure(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

/// The sets of the places of an epoch.
fn sets_of(sizes: &[usize], places: &[usize]) -> Vec<usize> {
    let mut counts = vec![0; sizes.len()];
    for place in places {
        let mut end = 0;
        let set = sizes.iter().position(|size| {
            end += size;
            *place < end
        });
        counts[set.unwrap()] += 1;
    }
    counts
}

#[test]
fn a_file_names_its_sets() {
    let base = DataConfig {
        template: Some("{{ a }} ||| {{ b }}".to_owned()),
        max_source_tokens: 64,
        ..DataConfig::default()
    };
    let text = "\u{feff}temperature = 2\ncap = 100\n\
        [[set]]\ntrain = \"dialogues.v1.jsonl\"\n\
        [[set]]\nname = \"reviews\"\ntrain = \"../r/train.csv\"\nvalidation = \"/abs/v.csv\"\n\
        template_file = \"r.yaml\"\nweight = 0.5\ncap = 7\n\
        [[set]]\nname = \"c\"\ntrain = \"c.tsv\"\nsource_field = \"text\"\n\
        validation_fraction = 0.25\nreference_fields = [\"r\"]\n";
    let mixture = Mixture::parse("data/mix.toml", text.as_bytes(), &base).unwrap();
    assert_eq!(mixture.temperature, 2.0);
    let [dialogues, reviews, c] = &mixture.sets[..] else { panic!("{mixture:?}") };
    assert_eq!(
        (dialogues.name.as_str(), dialogues.weight, dialogues.cap),
        ("dialogues.v1", 1.0, Some(100))
    );
    assert_eq!(dialogues.data.train.as_deref(), Some("data/dialogues.v1.jsonl"));
    assert_eq!(dialogues.data.template, base.template);
    assert_eq!((reviews.name.as_str(), reviews.weight, reviews.cap), ("reviews", 0.5, Some(7)));
    assert_eq!(reviews.data.train.as_deref(), Some("data/../r/train.csv"));
    assert_eq!(reviews.data.validation.as_deref(), Some("/abs/v.csv"));
    assert_eq!(reviews.data.template_file.as_deref(), Some("data/r.yaml"));
    assert_eq!((&reviews.data.template, reviews.data.max_source_tokens), (&None, 64));
    assert_eq!(c.data.source_field.as_deref(), Some("text"));
    assert_eq!((c.data.validation_fraction, &c.data.template), (Some(0.25), &None));
    assert_eq!(c.data.reference_fields, ["r"]);
    assert!(is_mixture("a/MIX.TOML") && !is_mixture("toml") && !is_mixture("é"));
}

#[test]
fn what_is_wrong_is_named() {
    let set = "[[set]]\nname = \"a\"\ntrain = \"a.jsonl\"\n";
    for (text, expected) in [
        ("", "expected at least one [[set]] with `train`"),
        ("set = []", "expected at least one [[set]]"),
        ("[set]\ntrain = \"a\"", "a set is written [[set]], not [set]"),
        ("set = [1]", "set 1: expected a [[set]] with keys"),
        ("[[set]]\nname = \"a\"", "set 1 (`a`): train: expected a file of rows, found nothing"),
        ("[[set]]\ntrain = \"\"", "set 1: train: expected a file, found nothing"),
        ("[[set]]\ntrain = 3", "set 1: train: found 3, expected text"),
        ("[[set]]\ntrain = \"a\"\nname = \" \"", "set 1 (` `): name: found ` `, expected a text"),
        ("temprature = 2", "`temprature`: there is no such key; did you mean `temperature`?"),
        ("xyzzy = 2", "`xyzzy`: there is no such key; there are set, temperature, cap"),
        ("train = \"a\"", "`train` must stand in a [[set]]"),
        ("[[set]\n", "not valid TOML: line 1: "),
        ("temperature = 0", "temperature: found 0, expected a number greater than 0"),
        ("temperature = nan", "temperature: found null, expected a number greater than 0"),
        ("cap = 1.5", "cap: found 1.5, expected a whole number from 1"),
    ] {
        let message = failure(text);
        assert!(message.starts_with(&format!("data/mix.toml: {expected}")), "{text}: {message}");
    }
    for (key, expected) in [
        ("weigth = 1", "`weigth`: there is no such key; did you mean `weight`?"),
        ("weight = 0", "weight: found 0, expected a number greater than 0"),
        ("weight = -1.0", "weight: found -1.0, expected a number greater than 0"),
        ("weight = inf", "weight: found null, expected a number greater than 0"),
        ("weight = \"1\"", "weight: found `1`, expected a number greater than 0"),
        ("cap = 0", "cap: found 0, expected a whole number from 1"),
        ("temperature = 2", "`temperature` must stand above the sets"),
        ("rank = 2", "`rank` is the same for all sets, and stands in no [[set]]"),
        ("limit = 2", "`limit` is the same for all sets, and stands in no [[set]]"),
        ("validation = \"MIX.toml\"", "validation: found the mixture `MIX.toml`, expected a file"),
        (
            "template = \"a ||| b\"\ntemplate_file = \"t\"",
            "template_file: found `t`, expected nothing",
        ),
        ("validation = \"v\"\nvalidation_fraction = 0.1", "validation_fraction: found 0.1"),
        ("validation_fraction = 2", "validation_fraction: found 2.0, expected a number from 0"),
        ("[[set]]\ntrain = \"b/a.csv\"", "set 2: there are two sets `a`; give one another `name`"),
    ] {
        let message = failure(&format!("{set}{key}\n"));
        let place = if key.starts_with("[[") { "" } else { "set 1 (`a`): " };
        assert!(
            message.starts_with(&format!("data/mix.toml: {place}{expected}")),
            "{key}: {message}"
        );
    }
    let error = Mixture::parse("m.toml", b"\xff", &DataConfig::default()).unwrap_err();
    assert!(error.to_string().starts_with("m.toml: byte 1 is not UTF-8"));
}

#[test]
fn rates_are_those_of_t5() {
    // min(n, K) and its powers, by hand.
    let sets = [(100, 1.0, None), (3_000, 1.0, Some(400)), (900, 1.0, None)];
    let close = |rates: &[f64], expected: [f64; 3]| {
        let sum: f64 = expected.iter().sum();
        for (rate, expected) in rates.iter().zip(expected) {
            assert!((rate - expected / sum).abs() < 1e-12, "{rates:?}");
        }
    };
    let mixing = Mixing::new(&sets, 1.0);
    close(mixing.rates(), [100.0, 400.0, 900.0]);
    assert_eq!(mixing.epoch_length(), 1_400);
    close(Mixing::new(&sets, 2.0).rates(), [10.0, 20.0, 30.0]);
    close(Mixing::new(&sets, 1e15).rates(), [1.0, 1.0, 1.0]);
    close(Mixing::new(&sets, 1e-9).rates(), [0.0, 0.0, 1.0]);
    close(Mixing::new(&sets, f64::MIN_POSITIVE / 4.0).rates(), [0.0, 0.0, 1.0]);
    let weighted = [(100, 3.0, None), (3_000, 1.0, Some(400)), (900, 0.5, None)];
    close(Mixing::new(&weighted, 2.0).rates(), [30.0, 20.0, 15.0]);
}

#[test]
fn what_is_drawn_is_within_a_hundredth_of_the_rates() {
    for (sets, temperature) in [
        (vec![(70_000, 1.0, None), (25_000, 1.0, Some(10_000)), (900, 2.0, None)], 1.0),
        (vec![(70_000, 1.0, None), (25_000, 1.0, Some(10_000)), (900, 2.0, None)], 3.0),
        (vec![(10, 1.0, None), (90_000, 1.0, None)], 1.0),
        (vec![(1_000, 1.0, None), (1_000, 0.0137, None), (2_000, 1.0, Some(1))], 1.0),
    ] {
        let sizes: Vec<usize> = sets.iter().map(|set| set.0).collect();
        let mixing = Mixing::new(&sets, temperature);
        let (mut totals, epochs) = (vec![0; sizes.len()], 60);
        for epoch in 0..epochs {
            let places = mixing.epoch(11, epoch, true);
            assert_eq!(places.len(), mixing.epoch_length());
            let counts = sets_of(&sizes, &places);
            for ((total, count), rate) in totals.iter_mut().zip(&counts).zip(mixing.rates()) {
                *total += count;
                let share = rate * mixing.epoch_length() as f64;
                assert!((*count as f64 - share).abs() < 1.0, "{counts:?} for {share}");
            }
        }
        let all = (epochs as usize * mixing.epoch_length()) as f64;
        for (total, rate) in totals.iter().zip(mixing.rates()) {
            let share = *total as f64 / all;
            // A set of which less than one example an epoch is due comes by chance.
            let bound = 0.01 * rate + if rate * all < 1_000.0 { 4.0 / all } else { 0.0 };
            assert!((share - rate).abs() <= bound, "{share}, not {rate}");
        }
    }
}

#[test]
fn an_epoch_goes_on_where_the_last_one_stopped() {
    // A third of the second set an epoch: each of its rows once in three epochs.
    let mixing = Mixing::new(&[(50, 1.0, None), (150, 1.0, Some(50))], 1.0);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for epoch in 0..3 {
        let places = mixing.epoch(5, epoch, true);
        first.push(places.iter().copied().filter(|place| *place < 50).collect::<Vec<_>>());
        second.extend(places.iter().copied().filter(|place| *place >= 50));
    }
    for mut once in first.clone() {
        once.sort();
        assert_eq!(once, (0..50).collect::<Vec<_>>());
    }
    assert_ne!(first[0], first[1]);
    second.sort();
    assert_eq!(second, (50..200).collect::<Vec<_>>());
    // A set that is drawn more often than it has rows is gone through again.
    let mixing = Mixing::new(&[(3, 1.0, None), (97, 1.0, None)], 1e9);
    let places = mixing.epoch(5, 0, true);
    let counts: Vec<usize> =
        (0..3).map(|row| places.iter().filter(|place| **place == row).count()).collect();
    assert!(counts.iter().all(|count| (16..=17).contains(count)), "{counts:?}");
}

#[test]
fn draws_depend_on_seed_and_epoch_alone() {
    let mixing = Mixing::new(&[(50, 1.0, None), (30, 2.0, None)], 1.5);
    assert_eq!(mixing.epoch(1, 2, true), mixing.epoch(1, 2, true));
    assert_ne!(mixing.epoch(1, 2, true), mixing.epoch(1, 3, true));
    assert_ne!(mixing.epoch(1, 2, true), mixing.epoch(2, 2, true));
    // Unshuffled, each set's rows come in its own order, in turns with the others.
    let places = mixing.epoch(1, 0, false);
    let of_first: Vec<usize> = places.iter().copied().filter(|place| *place < 50).collect();
    assert!(of_first.is_sorted() && !places.is_sorted());
}

#[test]
fn one_set_alone_is_all_its_rows() {
    for seed in 0..5 {
        let mut places = Mixing::new(&[(123, 0.3, None)], 2.0).epoch(seed, 4, true);
        places.sort();
        assert_eq!(places, (0..123).collect::<Vec<_>>());
    }
}
