//! Batches: examples padded to one shape, and which examples go together.

use crate::{
    rng::{Purpose, Random},
    text::example::Example,
};

/// The id that pads sources, and that the decoder starts with.
pub const PAD: i32 = 0;
/// The label of a position that does not count.
pub const IGNORED: i32 = -100;

/// How many batches are sorted by length together: enough for little padding, and few enough for a
/// random order.
const GROUP: usize = 50;

/// Padded examples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// How many examples.
    pub rows: usize,
    /// The longest source, in tokens.
    pub source_length: usize,
    /// The longest target, in tokens.
    pub target_length: usize,
    /// Source ids `[rows, source_length]`, [`PAD`] after the end.
    pub input_ids: Vec<i32>,
    /// 1 where there is a source token, 0 where padded: `[rows, source_length]`.
    pub attention_mask: Vec<i32>,
    /// Target ids `[rows, target_length]`, [`IGNORED`] after the end.
    pub labels: Vec<i32>,
}

impl Batch {
    /// Pads examples to the longest source and the longest target among them.
    pub fn collate(examples: &[&Example]) -> Self {
        let longest = |length: fn(&Example) -> usize| {
            examples.iter().map(|example| length(example)).max().unwrap_or(0)
        };
        let source_length = longest(|example| example.source.len());
        let target_length = longest(|example| example.target.len());
        let mut batch = Self {
            rows: examples.len(),
            source_length,
            target_length,
            input_ids: vec![PAD; examples.len() * source_length],
            attention_mask: vec![0; examples.len() * source_length],
            labels: vec![IGNORED; examples.len() * target_length],
        };
        for (row, example) in examples.iter().enumerate() {
            for (column, id) in example.source.iter().enumerate() {
                batch.input_ids[row * source_length + column] = *id as i32;
                batch.attention_mask[row * source_length + column] = 1;
            }
            for (column, id) in example.target.iter().enumerate() {
                batch.labels[row * target_length + column] = *id as i32;
            }
        }
        batch
    }

    /// How many source tokens there are, padding not counted.
    pub fn source_tokens(&self) -> usize {
        self.attention_mask.iter().filter(|mask| **mask != 0).count()
    }

    /// How many target tokens count in the loss.
    pub fn target_tokens(&self) -> usize {
        self.labels.iter().filter(|label| **label != IGNORED).count()
    }
}

/// Which examples make the batches of an epoch, each exactly once: a function of the arguments and
/// of nothing else. Only the last batch may be smaller than `batch_size` (counted before its place
/// is drawn).
///
/// `lengths` are the tokens of each source and target. Shuffled and grouped by length, the examples
/// are shuffled, cut into groups of many batches, and sorted by length within each; then the order
/// of the batches is shuffled. Without shuffling there is no grouping: the order is the file's.
pub fn epoch_batches(
    lengths: &[(usize, usize)],
    batch_size: usize,
    seed: u64,
    epoch: u64,
    shuffle: bool,
    group_by_length: bool,
) -> Vec<Vec<usize>> {
    let batch_size = batch_size.max(1);
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    if shuffle {
        Random::new(seed, Purpose::Shuffle, epoch, 0).shuffle(&mut order);
        if group_by_length {
            for group in order.chunks_mut(batch_size.saturating_mul(GROUP)) {
                group.sort_by_key(|index| lengths[*index]);
            }
        }
    }
    let mut batches: Vec<Vec<usize>> = order.chunks(batch_size).map(<[usize]>::to_vec).collect();
    if shuffle && group_by_length {
        Random::new(seed, Purpose::Shuffle, epoch, 1).shuffle(&mut batches);
    }
    batches
}

/// Examples of these lengths in batches of like length, as places among them.
pub fn batches_by_length(
    lengths: impl Iterator<Item = usize>,
    batch_size: usize,
) -> Vec<Vec<usize>> {
    let mut order: Vec<(usize, usize)> =
        lengths.enumerate().map(|(at, length)| (length, at)).collect();
    order.sort_unstable();
    let batches = order.chunks(batch_size.max(1));
    batches.map(|batch| batch.iter().map(|(_, at)| *at).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(source: &[u32], target: &[u32]) -> Example {
        Example {
            row: 0,
            source: source.to_vec(),
            target: target.to_vec(),
            source_text: String::new(),
            target_text: String::new(),
            references: Vec::new(),
            source_cut: false,
            target_cut: false,
            mixed: None,
        }
    }

    #[test]
    fn a_batch_is_padded_to_the_longest() {
        let (a, b) = (example(&[5, 6, 1], &[1]), example(&[7, 1], &[8, 9, 1]));
        let batch = Batch::collate(&[&a, &b]);
        assert_eq!((batch.rows, batch.source_length, batch.target_length), (2, 3, 3));
        assert_eq!(batch.input_ids, [5, 6, 1, 7, 1, 0]);
        assert_eq!(batch.attention_mask, [1, 1, 1, 1, 1, 0]);
        assert_eq!(batch.labels, [1, -100, -100, 8, 9, 1]);
        assert_eq!((batch.source_tokens(), batch.target_tokens()), (5, 4));
        assert_eq!(Batch::collate(&[]), Batch::default());
        let prompts = Batch::collate(&[&example(&[0, 1], &[])]);
        assert_eq!(
            (prompts.target_length, prompts.labels.len(), prompts.source_tokens()),
            (0, 0, 2)
        );
    }

    #[test]
    fn every_example_is_in_one_batch() {
        let mut random = Random::new(1, Purpose::Synthetic, 0, 0);
        for count in [0_usize, 1, 7, 8, 9, 401, 1000] {
            let lengths: Vec<(usize, usize)> = (0..count)
                .map(|_| (random.below(90) as usize, random.below(30) as usize))
                .collect();
            for (shuffle, group) in [(false, false), (false, true), (true, false), (true, true)] {
                for batch_size in [1, 8, 2000] {
                    let batches = epoch_batches(&lengths, batch_size, 3, 4, shuffle, group);
                    assert_eq!(batches.len(), count.div_ceil(batch_size));
                    let mut all = batches.concat();
                    if !shuffle {
                        assert!(all.is_sorted());
                    }
                    all.sort();
                    assert_eq!(all, (0..count).collect::<Vec<_>>());
                    let short = batches.iter().filter(|batch| batch.len() != batch_size).count();
                    assert_eq!(short, usize::from(count % batch_size != 0));
                }
            }
        }
    }

    #[test]
    fn batches_depend_on_seed_and_epoch_alone() {
        let lengths = vec![(5, 5); 100];
        let batches = |seed, epoch| epoch_batches(&lengths, 8, seed, epoch, true, true);
        assert_eq!(batches(1, 2), batches(1, 2));
        assert_ne!(batches(1, 2), batches(1, 3));
        assert_ne!(batches(1, 2), batches(2, 2));
        assert_ne!(batches(1, 2).concat(), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn grouping_saves_padding_and_leaves_lengths_mixed() {
        let mut random = Random::new(2, Purpose::Synthetic, 0, 0);
        let lengths: Vec<(usize, usize)> =
            (0..2_000).map(|_| (1 + random.below(300) as usize, 10)).collect();
        let padded = |batches: &[Vec<usize>]| -> usize {
            let longest = |batch: &Vec<usize>| batch.iter().map(|i| lengths[*i].0).max().unwrap();
            batches.iter().map(|batch| batch.len() * longest(batch)).sum()
        };
        let tokens: usize = lengths.iter().map(|(source, _)| source).sum();
        let grouped = epoch_batches(&lengths, 8, 1, 0, true, true);
        let mixed = epoch_batches(&lengths, 8, 1, 0, true, false);
        assert!(padded(&grouped) * 100 < tokens * 105);
        assert!(padded(&mixed) * 100 > tokens * 150);
        // Long and short batches follow each other at random.
        let firsts: Vec<usize> = grouped.iter().map(|batch| lengths[batch[0]].0).collect();
        let rises = firsts.windows(2).filter(|pair| pair[1] > pair[0]).count();
        assert!((90..160).contains(&rises), "{rises} of {}", firsts.len());
    }
}
