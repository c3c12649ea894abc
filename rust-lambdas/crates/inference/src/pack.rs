//! Which texts run together.
//!
//! A batch is padded to its longest text, so texts of like length go together: sort by length, then fill each batch
//! while rows x longest stays within a budget. Above about a thousand tokens a batch outgrows the caches and throughput
//! falls, so the budget is a constant and not a setting.

/// Rows x longest row of a batch stays within this; a longer text runs alone.
pub(crate) const BATCH_TOKENS_MAX: usize = 1024;

/// Splits texts, given by their token counts, into batches of indexes. Every index appears exactly once; within a batch
/// lengths rise, so the last one is the longest.
pub(crate) fn pack(lengths: &[usize]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    // Equal lengths keep their order: the same request always makes the same batches.
    order.sort_by_key(|index| lengths[*index]);
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for index in order {
        match batches.last_mut() {
            Some(batch) if (batch.len() + 1) * lengths[index] <= BATCH_TOKENS_MAX => {
                batch.push(index)
            }
            _ => batches.push(vec![index]),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_texts_make_no_batch() {
        assert!(pack(&[]).is_empty());
    }

    #[test]
    fn a_text_over_the_budget_runs_alone() {
        assert_eq!(pack(&[2000, 1024, 3]), vec![vec![2], vec![1], vec![0]]);
    }

    #[test]
    fn short_texts_fill_one_batch_up_to_the_budget() {
        let batches = pack(&[16; 65]);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [64, 1]);
    }

    /// Lengths of 8 to 128 tokens, each doubling as frequent as any other.
    #[test]
    fn texts_of_all_lengths_are_padded_by_a_sixteenth_at_most() {
        for seed in 0..20u64 {
            let mut state = seed;
            let lengths: Vec<usize> = (0..512)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let share = (state >> 11) as f64 / (1u64 << 53) as f64;
                    (8.0 * 16f64.powf(share)).round() as usize
                })
                .collect();
            let real: usize = lengths.iter().sum();
            let padded: usize = pack(&lengths)
                .iter()
                .map(|batch| batch.len() * lengths[batch[batch.len() - 1]])
                .sum();
            let share = 1.0 - real as f64 / padded as f64;
            assert!(share <= 0.0625, "{share} with seed {seed}");
        }
    }

    proptest! {
        #[test]
        fn prop_every_text_runs_once_within_the_budget(lengths in proptest::collection::vec(1usize..1500, 0..300)) {
            let batches = pack(&lengths);
            let mut seen: Vec<usize> = batches.concat();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            for batch in &batches {
                prop_assert!(batch.windows(2).all(|pair| lengths[pair[0]] <= lengths[pair[1]]));
                let longest = lengths[batch[batch.len() - 1]];
                prop_assert!(batch.len() == 1 || batch.len() * longest <= BATCH_TOKENS_MAX);
            }
        }
    }
}
