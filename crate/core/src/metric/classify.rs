//! Scores of answers, labels and numbers: as SQuAD's evaluation (Rajpurkar et al., "SQuAD: 100,000+
//! questions for machine comprehension of text", 2016), scikit-learn and scipy have them.

mod tally;

use std::{collections::HashMap, ops::AddAssign};

pub(crate) use self::tally::number as number_of;
pub(super) use self::tally::{AnswerTally, LabelTally, NumberTally};

/// A text in lower case, without ASCII punctuation and without articles, one space between words.
pub fn normalize(text: &str) -> String {
    let text: String = text.to_lowercase().chars().filter(|c| !c.is_ascii_punctuation()).collect();
    let mut kept = String::with_capacity(text.len());
    // An article counts between anything that is in no word, as `don’t a-b` shows.
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let is_word = first.is_alphanumeric();
        let end = rest.find(|c: char| c.is_alphanumeric() != is_word).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        kept.push_str(if matches!(part, "a" | "an" | "the") { " " } else { part });
        rest = after;
    }
    super::ngram::words(&kept).collect::<Vec<_>>().join(" ")
}

/// Whether a prediction equals one of the references, both [normalised](normalize).
pub fn exact_match<S: AsRef<str>>(prediction: &str, references: &[S]) -> bool {
    let prediction = normalize(prediction);
    references.iter().any(|reference| normalize(reference.as_ref()) == prediction)
}

/// The F1 of the words of a prediction, 0..1, against the reference that gives the highest.
pub fn token_f1<S: AsRef<str>>(prediction: &str, references: &[S]) -> f64 {
    let prediction = normalize(prediction);
    // How often a word is there, and how often in the reference of this number, from 1.
    let mut words: HashMap<&str, (usize, usize, usize)> = HashMap::new();
    prediction.split_whitespace().for_each(|word| words.entry(word).or_default().0 += 1);
    let predicted: usize = words.values().map(|(count, ..)| count).sum();
    let mut best = 0.0_f64;
    for (number, reference) in references.iter().enumerate() {
        let (mut same, mut expected) = (0, 0);
        for word in normalize(reference.as_ref()).split_whitespace() {
            expected += 1;
            let Some((count, seen, of)) = words.get_mut(word) else { continue };
            if *of != number + 1 {
                (*seen, *of) = (0, number + 1);
            }
            if *seen < *count {
                *seen += 1;
                same += 1;
            }
        }
        if same > 0 {
            best = best.max(2.0 * f64::from(same) / (predicted + expected) as f64);
        }
    }
    best
}

/// How often each label was predicted where each was right.
#[derive(Clone, Debug, Default)]
pub struct Confusion {
    ids: HashMap<String, usize>,
    classes: Vec<Class>,
    rows: usize,
    right: usize,
}

/// What is counted of a label.
#[derive(Clone, Copy, Debug, Default)]
struct Class {
    expected: usize,
    predicted: usize,
    right: usize,
}

impl Class {
    /// 0 where it was neither expected nor predicted.
    fn f1(self) -> f64 {
        2.0 * self.right as f64 / (self.expected + self.predicted).max(1) as f64
    }
}

impl AddAssign for Confusion {
    fn add_assign(&mut self, other: Self) {
        let mut labels: Vec<(&String, &usize)> = other.ids.iter().collect();
        labels.sort_by_key(|(_, id)| **id);
        for (label, id) in labels {
            let (mine, class) = (self.id(label), other.classes[*id]);
            let sum = &mut self.classes[mine];
            sum.expected += class.expected;
            sum.predicted += class.predicted;
            sum.right += class.right;
        }
        self.rows += other.rows;
        self.right += other.right;
    }
}

impl Confusion {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row.
    pub fn add(&mut self, predicted: &str, expected: &str) {
        let (predicted, expected) = (self.id(predicted), self.id(expected));
        self.classes[predicted].predicted += 1;
        self.classes[expected].expected += 1;
        self.rows += 1;
        if predicted == expected {
            self.classes[expected].right += 1;
            self.right += 1;
        }
    }

    fn id(&mut self, label: &str) -> usize {
        if let Some(id) = self.ids.get(label) {
            return *id;
        }
        self.ids.insert(label.to_owned(), self.classes.len());
        self.classes.push(Class::default());
        self.classes.len() - 1
    }

    /// The part of rows whose label is right. This, as all other scores, is not a number where there
    /// are no rows.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.rows as f64
    }

    /// The F1 of one label; 0 where it is neither expected nor predicted.
    pub fn f1_of(&self, label: &str) -> f64 {
        match self.rows {
            0 => f64::NAN,
            _ => self.ids.get(label).map_or(0.0, |id| self.classes[*id].f1()),
        }
    }

    /// The mean F1 of all labels that are expected or predicted.
    pub fn f1_macro(&self) -> f64 {
        self.classes.iter().map(|class| class.f1()).sum::<f64>() / self.classes.len() as f64
    }

    /// The F1 of all rows together, which is their accuracy, since every row has one label.
    pub fn f1_micro(&self) -> f64 {
        self.accuracy()
    }

    /// The mean F1 of all labels, each weighted by how many rows expect it.
    pub fn f1_weighted(&self) -> f64 {
        let weighted = self.classes.iter().map(|class| class.f1() * class.expected as f64);
        weighted.sum::<f64>() / self.rows as f64
    }

    /// Matthews' correlation, of any number of labels (Gorodkin 2004); 0 where all rows expect one
    /// label, or all have one predicted.
    pub fn matthews(&self) -> f64 {
        if self.rows == 0 {
            return f64::NAN;
        }
        let rows = self.rows as f64;
        // Rows² less the products of the classes' counts.
        let covariance = |of: fn(&Class) -> f64, with: fn(&Class) -> f64, whole: f64| {
            whole * rows - self.classes.iter().map(|class| of(class) * with(class)).sum::<f64>()
        };
        let expected = |class: &Class| class.expected as f64;
        let predicted = |class: &Class| class.predicted as f64;
        let both = covariance(expected, predicted, self.right as f64);
        let square = covariance(expected, expected, rows) * covariance(predicted, predicted, rows);
        if square == 0.0 { 0.0 } else { both / square.sqrt() }
    }
}

/// Pearson's correlation. Not a number where there are fewer than two pairs, where one side is
/// constant, or where a number is not finite.
pub fn pearson(pairs: &[(f64, f64)]) -> f64 {
    let count = pairs.len() as f64;
    let (first, second) =
        pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    let (first, second) = (first / count, second / count);
    let is_constant =
        |of: fn(&(f64, f64)) -> f64| pairs.windows(2).all(|two| of(&two[0]) == of(&two[1]));
    if is_constant(|pair| pair.0) || is_constant(|pair| pair.1) {
        return f64::NAN;
    }
    let (mut squares, mut products) = ((0.0, 0.0), 0.0);
    for (a, b) in pairs {
        let (a, b) = (a - first, b - second);
        squares = (squares.0 + a * a, squares.1 + b * b);
        products += a * b;
    }
    // Two roots, since the product of the squares can overflow. Rounding must not lead out of −1..1.
    (products / squares.0.sqrt() / squares.1.sqrt()).clamp(-1.0, 1.0)
}

/// Spearman's correlation: [Pearson's](pearson) of ranks, equal numbers having the mean of theirs.
pub fn spearman(pairs: &[(f64, f64)]) -> f64 {
    if pairs.iter().any(|(a, b)| a.is_nan() || b.is_nan()) {
        return f64::NAN;
    }
    let first = ranks(pairs.iter().map(|pair| pair.0).collect());
    let second = ranks(pairs.iter().map(|pair| pair.1).collect());
    pearson(&first.into_iter().zip(second).collect::<Vec<_>>())
}

fn ranks(numbers: Vec<f64>) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_unstable_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
    let mut ranks = vec![0.0; numbers.len()];
    let mut before = 0;
    for equal in order.chunk_by(|a, b| numbers[*a] == numbers[*b]) {
        let mean = before as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|place| ranks[*place] = mean);
        before += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::metric::{number, oracle, texts};

    fn close(found: f64, expected: &Value) {
        assert!((found - number(expected)).abs() < 1e-9, "{found} {expected}");
    }

    #[test]
    fn labels_are_scikit_learn_s() {
        let oracle = oracle("classify");
        let cases = oracle["labels"].as_array().unwrap();
        assert_eq!(cases.len(), 6);
        for case in cases {
            let mut confusion = Confusion::new();
            for (expected, predicted) in texts(&case["gold"]).iter().zip(texts(&case["predicted"]))
            {
                confusion.add(predicted, expected);
            }
            close(confusion.accuracy(), &case["accuracy"]);
            close(confusion.f1_macro(), &case["f1_macro"]);
            close(confusion.f1_micro(), &case["f1_micro"]);
            close(confusion.f1_weighted(), &case["f1_weighted"]);
            close(confusion.matthews(), &case["matthews"]);
            if !case["f1_yes"].is_null() {
                close(confusion.f1_of("yes"), &case["f1_yes"]);
            }
            assert_eq!(confusion.f1_of("never seen"), 0.0);
        }
    }

    #[test]
    fn correlations_are_scipy_s() {
        let oracle = oracle("classify");
        let cases = oracle["numbers"].as_array().unwrap();
        assert_eq!(cases.len(), 3);
        for case in cases {
            let numbers = |name: &str| -> Vec<f64> {
                case[name].as_array().unwrap().iter().map(number).collect()
            };
            let pairs: Vec<_> = numbers("predicted").into_iter().zip(numbers("gold")).collect();
            close(pearson(&pairs), &case["pearson"]);
            close(spearman(&pairs), &case["spearman"]);
        }
    }

    #[test]
    fn ties_share_their_ranks() {
        assert_eq!(ranks(vec![2.0, 1.0, 2.0, 3.0, 0.0, -0.0]), [4.5, 3.0, 4.5, 6.0, 1.5, 1.5]);
        // scipy.stats.spearmanr and pearsonr of these.
        let pairs = [(1.0, 2.0), (2.0, 2.0), (2.0, 3.0), (4.0, 1.0), (5.0, 5.0), (5.0, 4.0)];
        close(spearman(&pairs), &Value::from(0.5821543981758689));
        close(pearson(&pairs), &Value::from(0.5653491895603637));
    }

    #[test]
    fn what_has_no_answer_is_not_a_number() {
        for pairs in
            [&[][..], &[(1.0, 2.0)], &[(1.0, 2.0), (1.0, 3.0)], &[(0.0, 1.0), (f64::NAN, 2.0)]]
        {
            assert!(pearson(pairs).is_nan() && spearman(pairs).is_nan());
        }
        let none = Confusion::new();
        assert!(
            [none.accuracy(), none.f1_macro(), none.f1_weighted(), none.f1_of("a")]
                .into_iter()
                .chain([none.matthews()])
                .all(f64::is_nan)
        );
    }

    #[test]
    fn large_numbers_do_not_overflow() {
        let pairs = [(1e150, -1e150), (2e150, -2e150), (3e150, -3e150)];
        assert!((pearson(&pairs) + 1.0).abs() < 1e-12);
    }

    #[test]
    fn answers_are_squad_s() {
        let oracle = oracle("classify");
        let cases = oracle["squad"].as_array().unwrap();
        assert_eq!(cases.len(), 8);
        for case in cases {
            let (prediction, answers) =
                (case["prediction"].as_str().unwrap(), texts(&case["answers"]));
            let exact = if exact_match(prediction, &answers) { 1.0 } else { 0.0 };
            close(exact, &case["exact_match"]);
            close(token_f1(prediction, &answers), &case["f1"]);
        }
    }

    #[test]
    fn articles_are_whole_words() {
        assert_eq!(normalize("The theory of an Ant, a\u{2014}the\tA."), "theory of ant \u{2014}");
        assert_eq!(normalize("a_b the_ \u{e9}a"), "ab \u{e9}a");
        assert!(!exact_match::<&str>("a", &[]));
        assert_eq!(token_f1::<&str>("a", &[]), 0.0);
    }
}
