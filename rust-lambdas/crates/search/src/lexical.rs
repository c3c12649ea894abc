//! Rows by their words: BM25 over all live rows of a view, wherever they lie.

use std::collections::BTreeMap;

use segments::{Bitmap, Segment, words};

use crate::SearchError;
use crate::best::{Best, DELTA, Ranked};
use crate::delta::Delta;

const K1: f64 = 1.2;
const B: f64 = 0.75;

/// What a lexical search is over. `live`, `allowed`: of each segment, none where all its rows are.
pub(crate) struct LexicalSearch<'v> {
    pub segments: Vec<&'v mut Segment>,
    pub live: Vec<Option<&'v Bitmap>>,
    pub allowed: &'v [Option<Bitmap>],
    pub delta: &'v Delta,
    pub delta_allowed: &'v Bitmap,
    /// Live rows and their words, filter or not.
    pub rows: usize,
    pub words: u64,
    pub k: usize,
}

impl LexicalSearch<'_> {
    /// Sums go by term in the order of bytes, so that no segmentation changes a bit of a score.
    pub(crate) fn run(mut self, text: &str) -> Result<Vec<Ranked>, SearchError> {
        let mut terms: BTreeMap<String, f64> = BTreeMap::new();
        for word in words(text) {
            *terms.entry(word).or_default() += 1.0;
        }
        let mut scores: Vec<Vec<f64>> = self
            .segments
            .iter()
            .map(|segment| vec![0.0; segment.rows()])
            .collect();
        let mut in_delta = vec![0.0; self.delta.rows.len()];
        let average = self.words as f64 / self.rows.max(1) as f64;
        for (term, times) in &terms {
            let mut lists = Vec::with_capacity(self.segments.len());
            let mut containing = 0;
            for (segment, live) in self.segments.iter_mut().zip(&self.live) {
                let mut list = segment.postings(term)?;
                list.retain(|posting| live.is_none_or(|live| live.has(posting.row as usize)));
                containing += list.len();
                lists.push(list);
            }
            let of_delta = self
                .delta
                .postings(term)
                .iter()
                .filter(|posting| self.delta.rows[posting.row as usize].is_live);
            containing += of_delta.clone().count();
            let (rows, containing) = (self.rows as f64, containing as f64);
            let idf = times * (1.0 + (rows - containing + 0.5) / (containing + 0.5)).ln();
            let part = |frequency: u32, words: u32| {
                let frequency = f64::from(frequency);
                let length = 1.0 - B + B * f64::from(words) / average;
                idf * frequency * (K1 + 1.0) / (frequency + K1 * length)
            };
            for ((segment, list), scores) in self.segments.iter_mut().zip(lists).zip(&mut scores) {
                let counts = segment.word_counts()?.as_chunks::<4>().0;
                for posting in list {
                    let words = u32::from_le_bytes(counts[posting.row as usize]);
                    scores[posting.row as usize] += part(posting.frequency, words);
                }
            }
            for posting in of_delta {
                let words = self.delta.rows[posting.row as usize].words;
                in_delta[posting.row as usize] += part(posting.frequency, words);
            }
        }
        let mut best = Best::new(self.k);
        for (source, scores) in scores.iter().enumerate() {
            let allowed = self.allowed[source].as_ref();
            add_scores(
                source as u32,
                scores,
                |row| allowed.is_none_or(|allowed| allowed.has(row)),
                &mut best,
            );
        }
        add_scores(
            DELTA,
            &in_delta,
            |row| self.delta_allowed.has(row),
            &mut best,
        );
        Ok(best.finish())
    }
}

/// A row without any of the terms is no hit.
fn add_scores(source: u32, scores: &[f64], is_allowed: impl Fn(usize) -> bool, best: &mut Best) {
    for (row, score) in scores.iter().enumerate() {
        if *score > 0.0 && is_allowed(row) {
            best.add(Ranked {
                rank: *score,
                source,
                row: row as u32,
            });
        }
    }
}
