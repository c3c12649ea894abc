//! Nearest rows: the plan, the cascade, the exact scan.

use kernels::{Rotation, rerank_f16, rerank_f32, scan_f16, scan_f32};
use segments::{Bitmap, RowType, Section, Segment};

use crate::SearchError;
use crate::best::{Best, Candidate, DELTA, Pool, Ranked, better};
use crate::delta::Delta;
use crate::levels::{Scanned, ensure_level, level_estimate, scan};
use crate::parallel::in_parts;
use crate::query::{Lens, Query, Rotated, bases, ensure_scan};
use crate::report::{Certainty, Dropped, Report, code_bytes, expected_recall, is_bounded, slope};

/// The numbers of the cascade.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Up to so many allowed rows, all stored rows are scored.
    pub exact_rows_max: usize,
    /// Below this share of all rows, those that are allowed are scored on their stored values.
    pub exact_share: f64,
    /// C0: what the first stage keeps; at least, and for each row, and for each hit.
    pub candidates_min: usize,
    /// Rows for each candidate of C0.
    pub rows_a_candidate: usize,
    /// Rows that the second stage keeps.
    pub keep4_min: usize,
    /// Rows that are scored on their stored values.
    pub rerank_min: usize,
    /// The last stage of codes: 0 reranks what the first kept, 1 what four planes kept, 2 is all.
    pub last_level: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            exact_rows_max: 20_000,
            exact_share: 0.02,
            candidates_min: 250,
            rows_a_candidate: 2000,
            keep4_min: 50,
            rerank_min: 20,
            last_level: 2,
        }
    }
}

impl Plan {
    fn candidates(&self, rows: usize, k: usize) -> usize {
        self.candidates_min
            .max(rows / self.rows_a_candidate)
            .max(10 * k)
            .min(rows)
    }
}

/// What a dense search is over. `allowed`: of each segment, none where all its rows are; of the delta.
pub(crate) struct DenseSearch<'v> {
    pub segments: Vec<&'v mut Segment>,
    pub allowed: Vec<Option<Bitmap>>,
    pub delta: &'v Delta,
    pub delta_allowed: &'v Bitmap,
    pub rotation: Option<&'v Rotation>,
    pub query: Query,
    pub k: usize,
    pub exact: bool,
    pub report: bool,
    pub plan: Plan,
}

impl DenseSearch<'_> {
    pub(crate) fn run(mut self) -> Result<(Vec<Ranked>, Report), SearchError> {
        let counts: Vec<usize> = self
            .segments
            .iter()
            .zip(&self.allowed)
            .map(|(segment, allowed)| allowed.as_ref().map_or(segment.rows(), Bitmap::count))
            .collect();
        let allowed: usize = counts.iter().sum();
        let total: usize = self.segments.iter().map(|segment| segment.rows()).sum();
        let has_rows = self
            .segments
            .iter()
            .all(|segment| segment.shape().row_type != RowType::None);
        if self.exact && !has_rows {
            return Err(SearchError::NoStoredRows);
        }
        let mut best = Best::new(self.k);
        self.score_delta(&mut best);
        let in_delta = self.delta_allowed.count();
        let is_few = allowed <= self.plan.exact_rows_max
            || (allowed as f64) < self.plan.exact_share * total as f64;
        let mut report = if has_rows && (self.exact || is_few) {
            self.score_stored(&mut best)?;
            self.exact_report(allowed)
        } else {
            self.cascade(&mut best, allowed, !has_rows && is_few)?
        };
        report.rows_scanned += in_delta;
        report.bytes_read += (in_delta * self.query.values.len() * 4) as u64;
        Ok((best.finish(), report))
    }

    fn exact_report(&self, allowed: usize) -> Report {
        let stride = |segment: &Segment| segment.shape().row_type.stride(segment.shape().dimension);
        let row_bytes = self.segments.first().map_or(0, |segment| stride(segment));
        Report {
            certainty: Certainty::Exact,
            expected_recall: 1.0,
            candidates: allowed,
            rows_scanned: allowed,
            bytes_read: (allowed * row_bytes) as u64,
        }
    }

    fn score_delta(&self, best: &mut Best) {
        let dimension = self.query.values.len();
        let mut sums = vec![0.0; self.delta.rows.len()];
        scan_f32(
            self.query.sum(),
            &self.query.values,
            &self.delta.values,
            dimension,
            &mut sums,
        );
        for row in self.delta_allowed.iter() {
            best.add(Ranked {
                rank: self.query.rank_of_sum(sums[row]),
                source: DELTA,
                row: row as u32,
            });
        }
    }

    /// Every allowed row of every segment, on its stored values.
    fn score_stored(&mut self, best: &mut Best) -> Result<(), SearchError> {
        for source in 0..self.segments.len() {
            let segment = &mut *self.segments[source];
            let Some(allowed) = &self.allowed[source] else {
                segment.ensure(Section::Rows)?;
                scan_stored(source as u32, segment, &self.query, self.k, best);
                continue;
            };
            let rows: Vec<u32> = allowed.iter().map(|row| row as u32).collect();
            for row in &rows {
                segment.ensure_row(Section::Rows, *row as usize)?;
            }
            rerank(source as u32, segment, &self.query, &rows, best);
        }
        Ok(())
    }

    /// `all_planes`: every allowed row is scored at eight planes.
    fn cascade(
        &mut self,
        best: &mut Best,
        allowed: usize,
        all_planes: bool,
    ) -> Result<Report, SearchError> {
        let Some(rotation) = self.rotation.filter(|_| allowed > 0) else {
            return Ok(self.exact_report(allowed));
        };
        let rotated = Rotated::new(&self.query, rotation);
        for segment in &mut self.segments {
            ensure_scan(segment)?;
        }
        let room = if all_planes {
            allowed
        } else {
            self.plan.candidates(allowed, self.k)
        };
        let bases: Vec<Vec<f32>> = self
            .segments
            .iter()
            .map(|segment| bases(segment, &rotated))
            .collect();
        let (candidates, all) = self.first_stage(&rotated, &bases, room);
        let mut counts = [allowed, 0, 0];
        let mut dropped = Vec::new();
        if self.report {
            left_out(&all, &candidates, &mut dropped);
        }
        let mut kept = candidates;
        let keeps = [
            self.plan.keep4_min.max(5 * self.k),
            self.plan.rerank_min.max(2 * self.k),
        ];
        for level in 1..=self.plan.last_level {
            if level == 1 && all_planes {
                continue;
            }
            counts[level] = kept.len();
            self.rescore(&rotated, &bases, level, &mut kept)?;
            let keep = if all_planes {
                kept.len()
            } else {
                keeps[level - 1].min(kept.len())
            };
            let is_last_of_codes =
                level == self.plan.last_level && self.row_type() == RowType::None;
            if !is_last_of_codes {
                let over = kept.split_off(keep);
                dropped.extend(
                    over.into_iter()
                        .map(|candidate| Dropped { candidate, level }),
                );
            }
        }
        self.score_kept(kept, best)?;
        let row_bytes = self.row_type().stride(self.query.values.len());
        let mut report = Report {
            certainty: Certainty::Estimated,
            expected_recall: 1.0,
            candidates: room,
            rows_scanned: allowed,
            bytes_read: code_bytes(rotated.values.len(), counts)
                + (counts[2].min(keeps[1]) * row_bytes) as u64,
        };
        if self.report {
            let judged = self.judge(&rotated, &bases, &dropped, &all, room, best);
            (report.certainty, report.expected_recall) = judged;
        }
        Ok(report)
    }

    fn lenses<'s>(&'s self, bases: &'s [Vec<f32>]) -> Vec<Lens<'s>> {
        let lens = |(segment, bases): (&'s &mut Segment, &'s Vec<f32>)| Lens { segment, bases };
        self.segments.iter().zip(bases).map(lens).collect()
    }

    fn row_type(&self) -> RowType {
        self.segments
            .first()
            .map_or(RowType::None, |segment| segment.shape().row_type)
    }

    fn first_stage(
        &self,
        rotated: &Rotated,
        bases: &[Vec<f32>],
        room: usize,
    ) -> (Vec<Candidate>, Vec<Scanned>) {
        let mut pool = Pool::new(room);
        let mut all = Vec::new();
        for (source, segment) in self.segments.iter().enumerate() {
            let lens = Lens {
                segment,
                bases: &bases[source],
            };
            let allowed = self.allowed[source].as_ref();
            let keeps = self.report.then_some(&mut all);
            pool.join(scan(
                source as u32,
                &lens,
                &self.query,
                rotated,
                allowed,
                room,
                keeps,
            ));
        }
        (pool.finish(), all)
    }

    /// Estimates of the next level, best first.
    fn rescore(
        &mut self,
        rotated: &Rotated,
        bases: &[Vec<f32>],
        level: usize,
        kept: &mut [Candidate],
    ) -> Result<(), SearchError> {
        // By place: neighbours share blocks and chunks.
        kept.sort_unstable_by_key(|candidate| (candidate.source, candidate.row));
        for candidate in kept.iter() {
            ensure_level(
                self.segments[candidate.source as usize],
                level,
                candidate.row as usize,
            )?;
        }
        let lenses = self.lenses(bases);
        for candidate in kept.iter_mut() {
            let lens = &lenses[candidate.source as usize];
            candidate.estimate =
                level_estimate(lens, &self.query, rotated, level, candidate.row as usize);
        }
        kept.sort_unstable_by(better);
        Ok(())
    }

    /// The survivors on their stored rows, or by their last estimate where none are stored.
    fn score_kept(&mut self, mut kept: Vec<Candidate>, best: &mut Best) -> Result<(), SearchError> {
        if self.row_type() == RowType::None {
            for Candidate {
                estimate,
                source,
                row,
            } in kept
            {
                best.add(Ranked {
                    rank: self.query.rank_of_estimate(estimate),
                    source,
                    row,
                });
            }
            return Ok(());
        }
        kept.sort_unstable_by_key(|candidate| (candidate.source, candidate.row));
        for of_segment in kept.chunk_by(|a, b| a.source == b.source) {
            let source = of_segment[0].source;
            let segment = &mut *self.segments[source as usize];
            let rows: Vec<u32> = of_segment.iter().map(|candidate| candidate.row).collect();
            for row in &rows {
                segment.ensure_row(Section::Rows, *row as usize)?;
            }
            rerank(source, segment, &self.query, &rows, best);
        }
        Ok(())
    }

    /// How sure the answer is, and its expected recall.
    fn judge(
        &self,
        rotated: &Rotated,
        bases: &[Vec<f32>],
        dropped: &[Dropped],
        all: &[Scanned],
        room: usize,
        best: &Best,
    ) -> (Certainty, f64) {
        let Some(worst) = best.worst().map(|rank| self.query.estimate_of_rank(rank)) else {
            // Fewer than k rows in all: none of them was left out.
            return (Certainty::Bounded, 1.0);
        };
        let lenses = self.lenses(bases);
        // Without stored rows the score is the estimate of eight planes, which bounds of a true score do not bound.
        let can_bound = self.row_type() != RowType::None || dropped.is_empty();
        if can_bound && is_bounded(dropped, &lenses, &self.query, rotated, worst) {
            return (Certainty::Bounded, 1.0);
        }
        let mut estimates: Vec<f32> = all
            .iter()
            .map(|scanned| scanned.candidate.estimate)
            .collect();
        let slope = slope(&mut estimates, room);
        let expected = expected_recall(dropped, &lenses, rotated, worst, slope, self.k);
        (Certainty::Estimated, expected)
    }
}

/// The rows of the first stage that are not among its candidates.
fn left_out(all: &[Scanned], candidates: &[Candidate], dropped: &mut Vec<Dropped>) {
    let mut places: Vec<(u32, u32)> = candidates
        .iter()
        .map(|candidate| (candidate.source, candidate.row))
        .collect();
    places.sort_unstable();
    let is_kept = |candidate: &Candidate| {
        places
            .binary_search(&(candidate.source, candidate.row))
            .is_ok()
    };
    let over = all
        .iter()
        .map(|scanned| scanned.candidate)
        .filter(|candidate| !is_kept(candidate));
    dropped.extend(over.map(|candidate| Dropped {
        candidate,
        level: 0,
    }));
}

/// Rows that are worth a thread of their own: about 2 ms.
const THREAD_ROWS: usize = 32_768;
const STEP_ROWS: usize = 64;

fn scan_stored(source: u32, segment: &Segment, query: &Query, k: usize, best: &mut Best) {
    let parts = in_parts(segment.rows(), THREAD_ROWS, |rows| {
        let mut best = Best::new(k);
        let mut sums = [0f32; STEP_ROWS];
        for first in rows.clone().step_by(STEP_ROWS) {
            let end = rows.end.min(first + STEP_ROWS);
            let sums = &mut sums[..end - first];
            sum_rows(segment, query, first..end, sums);
            let threshold = best.threshold();
            let is_any = |any, sum: &f32| any | (query.rank_of_sum(*sum) >= threshold);
            if !sums.iter().fold(false, is_any) {
                continue;
            }
            for (row, sum) in (first..end).zip(sums) {
                best.add(Ranked {
                    rank: query.rank_of_sum(*sum),
                    source,
                    row: row as u32,
                });
            }
        }
        best.finish()
    });
    parts
        .into_iter()
        .flatten()
        .for_each(|ranked| best.add(ranked));
}

fn sum_rows(segment: &Segment, query: &Query, rows: std::ops::Range<usize>, sums: &mut [f32]) {
    let bytes = segment.shape().row_type.stride(segment.shape().dimension);
    if segment.shape().row_type == RowType::F16 {
        let stride = bytes / 2;
        let rows = &segment.rows_f16()[rows.start * stride..rows.end * stride];
        return scan_f16(query.sum(), &query.values, rows, stride, sums);
    }
    let stride = bytes / 4;
    let rows = &segment.rows_f32()[rows.start * stride..rows.end * stride];
    scan_f32(query.sum(), &query.values, rows, stride, sums);
}

fn rerank(source: u32, segment: &Segment, query: &Query, rows: &[u32], best: &mut Best) {
    let bytes = segment.shape().row_type.stride(segment.shape().dimension);
    let mut sums = vec![0.0; rows.len()];
    if segment.shape().row_type == RowType::F16 {
        rerank_f16(
            query.sum(),
            &query.values,
            segment.rows_f16(),
            bytes / 2,
            rows,
            &mut sums,
        );
    } else {
        rerank_f32(
            query.sum(),
            &query.values,
            segment.rows_f32(),
            bytes / 4,
            rows,
            &mut sums,
        );
    }
    for (row, sum) in rows.iter().zip(sums) {
        best.add(Ranked {
            rank: query.rank_of_sum(sum),
            source,
            row: *row,
        });
    }
}
