//! How long the texts of a data set are, and what of them would be cut.

use std::ops::Range;

use serde::Serialize;

use super::dataset::Dataset;

/// The most bars of a histogram.
const BARS: usize = 16;

/// How long the sources and targets of a set are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lengths {
    /// The set's, or the file's.
    pub name: String,
    /// How many rows there are.
    pub rows: usize,
    /// Of how many of them the source or the target has more tokens than is allowed.
    pub too_long: usize,
    /// The sources.
    pub source: Distribution,
    /// The targets.
    pub target: Distribution,
}

/// How long texts are, in tokens, the closing `</s>` counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Distribution {
    /// The fewest.
    pub min: usize,
    /// The most.
    pub max: usize,
    /// The mean.
    pub mean: f64,
    /// As many or fewer has half of the texts. Percentiles are lengths that occur (nearest rank).
    pub p50: usize,
    /// As many or fewer have 90 % of the texts.
    pub p90: usize,
    /// As many or fewer have 95 % of the texts.
    pub p95: usize,
    /// As many or fewer have 99 % of the texts.
    pub p99: usize,
    /// All tokens.
    pub tokens: usize,
    /// The most that are allowed: `max_source_tokens` or `max_target_tokens`.
    pub limit: usize,
    /// How many texts have more than that.
    pub too_long: usize,
    /// How many tokens those would lose.
    pub cut_tokens: usize,
    /// How many texts have how many tokens.
    pub histogram: Vec<Bar>,
}

/// How many texts have at least `from` and at most `to` tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// The fewest tokens.
    pub from: usize,
    /// The most tokens.
    pub to: usize,
    /// How many texts.
    pub count: usize,
}

impl Lengths {
    /// Of the examples at these places, which must not have been cut, against the limits of sources
    /// and of targets.
    pub(crate) fn of(
        name: &str,
        data: &Dataset,
        places: Range<usize>,
        limits: (usize, usize),
    ) -> Self {
        let lengths: Vec<(usize, usize)> = places.map(|place| data.length(place)).collect();
        let too_long = |length: &&(usize, usize)| length.0 > limits.0 || length.1 > limits.1;
        let of = |side: fn(&(usize, usize)) -> usize, limit: usize| {
            Distribution::of(lengths.iter().map(side).collect(), limit)
        };
        Self {
            name: name.to_owned(),
            rows: lengths.len(),
            too_long: lengths.iter().filter(too_long).count(),
            source: of(|length| length.0, limits.0),
            target: of(|length| length.1, limits.1),
        }
    }
}

impl Distribution {
    fn of(mut lengths: Vec<usize>, limit: usize) -> Self {
        lengths.sort_unstable();
        let count = lengths.len();
        let (min, max) = (*lengths.first().unwrap_or(&0), *lengths.last().unwrap_or(&0));
        let rank = |percent: usize| (count * percent).div_ceil(100).clamp(1, count.max(1)) - 1;
        let percentile = |percent: usize| lengths.get(rank(percent)).copied().unwrap_or(0);
        let tokens: usize = lengths.iter().sum();
        let over = |length: &&usize| **length > limit;
        let width = width(max - min + 1);
        let begin = min / width * width;
        let mut histogram: Vec<Bar> = (begin..=max)
            .step_by(width)
            .map(|from| Bar { from, to: from + width - 1, count: 0 })
            .collect();
        for length in &lengths {
            histogram[(length - begin) / width].count += 1;
        }
        if lengths.is_empty() {
            histogram.clear();
        }
        Self {
            min,
            max,
            mean: tokens as f64 / count.max(1) as f64,
            p50: percentile(50),
            p90: percentile(90),
            p95: percentile(95),
            p99: percentile(99),
            tokens,
            limit,
            too_long: lengths.iter().filter(over).count(),
            cut_tokens: lengths.iter().filter(over).map(|length| length - limit).sum(),
            histogram,
        }
    }
}

/// The width of bars that are easily read: 1, 2 or 5 with zeros.
fn width(range: usize) -> usize {
    let mut ten = 1;
    loop {
        for width in [ten, 2 * ten, 5 * ten] {
            // One more, since the first bar need not begin with the fewest.
            if range.div_ceil(width) < BARS {
                return width;
            }
        }
        ten *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted() {
        // 1 to 100 once each, in no order.
        let lengths: Vec<usize> = (0..100).map(|n| n * 37 % 100 + 1).collect();
        let found = Distribution::of(lengths, 95);
        assert_eq!((found.min, found.max, found.mean, found.tokens), (1, 100, 50.5, 5_050));
        assert_eq!((found.p50, found.p90, found.p95, found.p99), (50, 90, 95, 99));
        assert_eq!((found.too_long, found.cut_tokens), (5, 1 + 2 + 3 + 4 + 5));
        assert_eq!(found.histogram.len(), 11);
        assert_eq!(found.histogram[0], Bar { from: 0, to: 9, count: 9 });
        assert_eq!(found.histogram[10], Bar { from: 100, to: 109, count: 1 });
    }

    #[test]
    fn few_and_extreme_lengths_are_counted() {
        let one = Distribution::of(vec![7], 7);
        assert_eq!((one.p50, one.p99, one.too_long), (7, 7, 0));
        assert_eq!(one.histogram, [Bar { from: 7, to: 7, count: 1 }]);
        let none = Distribution::of(Vec::new(), 7);
        assert_eq!((none.p50, none.mean, none.histogram.len()), (0, 0.0, 0));
        for lengths in [vec![1, 2, 65_536], vec![400, 512, 513], (1..1_000).collect()] {
            let count = lengths.len();
            let found = Distribution::of(lengths, 512);
            assert!(found.histogram.len() <= BARS);
            assert_eq!(found.histogram.iter().map(|bar| bar.count).sum::<usize>(), count);
            let first = found.histogram[0];
            assert!(first.from <= found.min && found.min <= first.to && first.count > 0);
        }
    }
}
