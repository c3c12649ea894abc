//! The stages of the cascade over codes.

use kernels::{BLOCK_ROWS, Estimate, estimates, level_dot4, level_dot8, lut_scan, signs_of_row};
use segments::{Bitmap, Section, Segment, SegmentError};

use crate::best::{Candidate, Pool};
use crate::parallel::in_parts;
use crate::query::{Lens, Query, Rotated};

/// Bits of the three levels.
pub(crate) const LEVEL_BITS: [u32; 3] = [1, 4, 8];
/// Blocks that are summed before their sums are looked at: they and what they come from stay in the first cache.
const STEP_BLOCKS: usize = 8;
/// Blocks that are worth a thread: about 2 ms. On a busy machine a thread waits for a processor longer than a small scan
/// takes: 200,000 rows took 9 ms on two threads and 1.9 ms on one, with ten others running.
const THREAD_BLOCKS: usize = 8192;

/// The estimates of all allowed rows, for a report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scanned {
    pub candidate: Candidate,
}

/// Stage 1: every allowed row of a segment by its top bits. With `all`, every estimate is kept there.
pub(crate) fn scan(
    source: u32,
    lens: &Lens<'_>,
    query: &Query,
    rotated: &Rotated,
    allowed: Option<&Bitmap>,
    room: usize,
    all: Option<&mut Vec<Scanned>>,
) -> Pool {
    let keeps_all = all.is_some();
    let parts = in_parts(lens.segment.opening().blocks(), THREAD_BLOCKS, |blocks| {
        let mut part = PartScan {
            source,
            lens,
            query,
            rotated,
            allowed,
            pool: Pool::new(room),
            all: Vec::new(),
            keeps_all,
            cluster: lens.segment.cluster_of(blocks.start * BLOCK_ROWS),
        };
        part.scan(blocks);
        (part.pool, part.all)
    });
    let mut pool = Pool::new(room);
    let mut every = Vec::new();
    for (part, scanned) in parts {
        pool.join(part);
        every.extend(scanned);
    }
    if let Some(all) = all {
        all.append(&mut every);
    }
    pool
}

struct PartScan<'p> {
    source: u32,
    lens: &'p Lens<'p>,
    query: &'p Query,
    rotated: &'p Rotated,
    allowed: Option<&'p Bitmap>,
    pool: Pool,
    all: Vec<Scanned>,
    keeps_all: bool,
    /// That of the rows at hand: blocks come in order.
    cluster: usize,
}

impl PartScan<'_> {
    fn scan(&mut self, blocks: std::ops::Range<usize>) {
        let mut sums = [0u32; STEP_BLOCKS * BLOCK_ROWS];
        for first in blocks.clone().step_by(STEP_BLOCKS) {
            let end = blocks.end.min(first + STEP_BLOCKS);
            if self
                .allowed
                .is_some_and(|allowed| (first..end).all(|block| allowed.block(block) == 0))
            {
                continue;
            }
            let sums = &mut sums[..(end - first) * BLOCK_ROWS];
            lut_scan(
                self.lens.segment.plane0(first..end),
                &self.rotated.lut.table,
                sums,
            );
            for (block, sums) in (first..end).zip(sums.chunks_exact(BLOCK_ROWS)) {
                self.add_block(block, sums);
            }
        }
    }

    fn add_block(&mut self, block: usize, sums: &[u32]) {
        let segment = self.lens.segment;
        let first = block * BLOCK_ROWS;
        let rows = (segment.rows() - first).min(BLOCK_ROWS);
        let mut scores = [0f32; BLOCK_ROWS];
        let clusters = segment.clusters();
        let end_of = |cluster: usize| clusters[cluster].first + clusters[cluster].rows;
        while end_of(self.cluster) <= first {
            self.cluster += 1;
        }
        let cluster = self.cluster;
        let is_one = first + rows <= end_of(cluster);
        // v of one bit is ±1/2.
        let estimate = Estimate {
            base: if is_one {
                self.lens.bases[cluster]
            } else {
                0.0
            },
            factor_scale: segment.opening().factor_scale,
            offset: self.rotated.lut.offset / 2.0,
            scale: self.rotated.lut.scale / 2.0,
        };
        estimates(
            estimate,
            sums,
            &segment.factors(block)[BLOCK_ROWS..2 * BLOCK_ROWS],
            &mut scores,
        );
        if !is_one {
            for (at, score) in scores[..rows].iter_mut().enumerate() {
                *score += self.lens.base(first + at);
            }
        }
        if self.query.sum() == kernels::Sum::L2sq {
            for (at, score) in scores[..rows].iter_mut().enumerate() {
                *score -= self.lens.penalty(self.query.metric, first + at);
            }
        }
        let threshold = if self.keeps_all {
            f32::NEG_INFINITY
        } else {
            self.pool.threshold()
        };
        if !scores[..rows]
            .iter()
            .fold(false, |is_any, score| is_any | (*score >= threshold))
        {
            return;
        }
        let allowed = self
            .allowed
            .map_or(u32::MAX, |allowed| allowed.block(block));
        for (at, estimate) in scores[..rows].iter().enumerate() {
            if allowed >> at & 1 == 0 {
                continue;
            }
            let candidate = Candidate {
                estimate: *estimate,
                source: self.source,
                row: (first + at) as u32,
            };
            if self.keeps_all {
                self.all.push(Scanned { candidate });
            }
            if *estimate >= self.pool.threshold() {
                self.pool.add(candidate);
            }
        }
    }
}

/// Reads what stages 2 and 3 need of some rows.
pub(crate) fn ensure_level(
    segment: &mut Segment,
    level: usize,
    row: usize,
) -> Result<(), SegmentError> {
    segment.ensure_row(Section::Planes1To3, row)?;
    if level == 2 {
        segment.ensure_row(Section::Planes4To7, row)
    } else {
        Ok(())
    }
}

/// Stages 2 (level 1, four planes) and 3 (level 2, eight): the estimate of one row.
pub(crate) fn level_estimate(
    lens: &Lens<'_>,
    query: &Query,
    rotated: &Rotated,
    level: usize,
    row: usize,
) -> f32 {
    let segment = lens.segment;
    let block = row / BLOCK_ROWS;
    let mut signs = [0u8; 512];
    let signs = &mut signs[..rotated.values.len() / 8];
    signs_of_row(segment.plane0(block..block + 1), row % BLOCK_ROWS, signs);
    let next = segment.row_bytes(Section::Planes1To3, row);
    let sum = match level {
        1 => level_dot4(&rotated.bytes, signs, next),
        _ => level_dot8(
            &rotated.bytes,
            signs,
            next,
            segment.row_bytes(Section::Planes4To7, row),
        ),
    };
    let product = f64::from(segment.factor(row, level + 1)) * rotated.product(level, sum);
    lens.base(row) + product as f32 - lens.penalty(query.metric, row)
}
