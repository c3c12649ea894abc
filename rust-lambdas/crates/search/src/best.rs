//! The best of many rows.

use std::cmp::Ordering;

/// A row somewhere in a view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ranked {
    /// Larger is better; finite.
    pub rank: f64,
    /// Index of the segment in the view, or [`DELTA`].
    pub source: u32,
    pub row: u32,
}

/// The source of rows that are in no segment.
pub(crate) const DELTA: u32 = u32::MAX;

impl Ranked {
    fn order(&self, other: &Self) -> Ordering {
        other.rank.total_cmp(&self.rank)
    }
}

/// At least the k best. Which of several equal ones are kept is not decided here, because their ids decide: all that are
/// as good as the k-th stay.
#[derive(Debug)]
pub(crate) struct Best {
    k: usize,
    kept: Vec<Ranked>,
    threshold: f64,
    /// When to look again for the k-th.
    room: usize,
}

impl Best {
    pub(crate) fn new(k: usize) -> Self {
        Self {
            k,
            kept: Vec::new(),
            threshold: f64::NEG_INFINITY,
            room: (2 * k).max(128),
        }
    }

    /// The rank of the k-th best; none while there are fewer.
    pub(crate) fn worst(&self) -> Option<f64> {
        let mut ranks: Vec<f64> = self.kept.iter().map(|ranked| ranked.rank).collect();
        (self.k > 0 && ranks.len() >= self.k).then(|| {
            *ranks
                .select_nth_unstable_by(self.k - 1, |a, b| b.total_cmp(a))
                .1
        })
    }

    /// What a rank must reach to matter.
    pub(crate) fn threshold(&self) -> f64 {
        self.threshold
    }

    pub(crate) fn add(&mut self, ranked: Ranked) {
        if ranked.rank < self.threshold || self.k == 0 {
            return;
        }
        self.kept.push(ranked);
        if self.kept.len() > self.room {
            self.prune();
            // Many equal ones: look less often, so that the work stays linear.
            self.room = (2 * self.kept.len()).max(128);
        }
    }

    fn prune(&mut self) {
        if self.kept.len() > self.k {
            self.kept.select_nth_unstable_by(self.k - 1, Ranked::order);
            self.threshold = self.kept[self.k - 1].rank;
            let threshold = self.threshold;
            self.kept.retain(|ranked| ranked.rank >= threshold);
        }
    }

    /// Best first; more than k where the last ones are equal.
    pub(crate) fn finish(mut self) -> Vec<Ranked> {
        if self.k > 0 {
            self.prune();
        }
        self.kept.sort_by(|a, b| {
            a.order(b)
                .then(a.source.cmp(&b.source))
                .then(a.row.cmp(&b.row))
        });
        self.kept
    }
}

/// A row with the estimate of its rank, as cheap as a scan over millions needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    pub estimate: f32,
    pub source: u32,
    pub row: u32,
}

/// Exactly the `room` best candidates, equal ones by place; for where leaving out an equal one is allowed.
#[derive(Debug)]
pub(crate) struct Pool {
    room: usize,
    kept: Vec<Candidate>,
    threshold: f32,
}

impl Pool {
    pub(crate) fn new(room: usize) -> Self {
        Self {
            room,
            kept: Vec::with_capacity((2 * room).min(1 << 16)),
            threshold: f32::NEG_INFINITY,
        }
    }

    #[inline]
    pub(crate) fn threshold(&self) -> f32 {
        self.threshold
    }

    #[inline]
    pub(crate) fn add(&mut self, candidate: Candidate) {
        self.kept.push(candidate);
        if self.kept.len() >= 2 * self.room + 64 {
            self.prune();
        }
    }

    fn prune(&mut self) {
        if self.kept.len() > self.room {
            self.kept.select_nth_unstable_by(self.room - 1, better);
            self.kept.truncate(self.room);
            self.threshold = self.kept[self.room - 1].estimate;
        }
    }

    pub(crate) fn join(&mut self, other: Self) {
        for candidate in other.kept {
            if candidate.estimate >= self.threshold {
                self.add(candidate);
            }
        }
    }

    /// Best first.
    pub(crate) fn finish(mut self) -> Vec<Candidate> {
        self.prune();
        self.kept.sort_unstable_by(better);
        self.kept
    }
}

pub(crate) fn better(a: &Candidate, b: &Candidate) -> Ordering {
    b.estimate
        .total_cmp(&a.estimate)
        .then(a.source.cmp(&b.source))
        .then(a.row.cmp(&b.row))
}
