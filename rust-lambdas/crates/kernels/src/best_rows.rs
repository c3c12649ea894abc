use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A row and its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Its number.
    pub row: u32,
    /// Finite.
    pub score: f32,
}

/// The k best rows of all that were added: larger scores first, equal ones by lower row.
///
/// A heap whose top is the worst of the best. A block of scores is first compared with that one alone, which vectorises
/// and after the first few blocks nearly always ends there.
#[derive(Debug)]
pub struct BestRows {
    k: usize,
    best: BinaryHeap<WorstFirst>,
}

impl BestRows {
    /// Only min(`k`, `rows`) places are reserved, `rows` being how many will come.
    pub fn new(k: usize, rows: usize) -> Self {
        Self {
            k,
            best: BinaryHeap::with_capacity(k.min(rows)),
        }
    }

    /// What a score must reach to matter: minus infinity while there are fewer than k. Beyond it only an equal score of a
    /// lower row changes anything.
    pub fn threshold(&self) -> f32 {
        match self.best.peek() {
            Some(WorstFirst(worst)) if self.best.len() >= self.k => worst.score,
            _ if self.k == 0 => f32::INFINITY,
            _ => f32::NEG_INFINITY,
        }
    }

    /// Adds one row, in any order of rows.
    #[inline]
    pub fn add(&mut self, row: u32, score: f32) {
        let hit = WorstFirst(Hit { row, score });
        if self.best.len() < self.k {
            self.best.push(hit);
        } else if let Some(mut worst) = self.best.peek_mut()
            && hit < *worst
        {
            *worst = hit;
        }
    }

    /// Adds the scores of rows that follow each other from `first_row` on.
    pub fn add_block(&mut self, first_row: u32, scores: &[f32]) {
        const BLOCK: usize = 32;
        for (block, scores) in scores.chunks(BLOCK).enumerate() {
            let threshold = self.threshold();
            if !scores
                .iter()
                .fold(false, |is_any, score| is_any | (*score >= threshold))
            {
                continue;
            }
            for (at, score) in scores.iter().enumerate() {
                if *score >= self.threshold() {
                    self.add(first_row + (BLOCK * block + at) as u32, *score);
                }
            }
        }
    }

    /// Best first.
    pub fn finish(self) -> Vec<Hit> {
        self.best
            .into_sorted_vec()
            .into_iter()
            .map(|WorstFirst(hit)| hit)
            .collect()
    }
}

/// Orders worse hits above better ones.
#[derive(Debug, Clone, Copy, PartialEq)]
struct WorstFirst(Hit);

impl Eq for WorstFirst {}

impl Ord for WorstFirst {
    fn cmp(&self, other: &Self) -> Ordering {
        // Scores are finite; adding 0 makes -0 equal to 0, which only the row then tells apart.
        let (score, others) = (self.0.score + 0.0, other.0.score + 0.0);
        others.total_cmp(&score).then(self.0.row.cmp(&other.0.row))
    }
}

impl PartialOrd for WorstFirst {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
