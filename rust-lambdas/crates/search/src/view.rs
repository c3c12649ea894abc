use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernels::Rotation;
use segments::{
    Bitmap, Built, Payload, Prepared, RowType, Section, Segment, Shape, SourceRow, build,
};

use crate::best::{DELTA, Ranked};
use crate::delta::{Accepted, Delta, accept, check_id};
use crate::dense::{DenseSearch, Plan};
use crate::lexical::LexicalSearch;
use crate::query::Query;
use crate::report::Report;
use crate::{Filter, SearchError, Write};

/// A segment that several views may look at.
pub type SharedSegment = Arc<Mutex<Segment>>;

/// One namespace as of one manifest, and the rows written since.
pub struct View {
    shape: Shape,
    rotation: Option<Rotation>,
    parts: Vec<Part>,
    delta: Delta,
    seq: u64,
}

struct Part {
    segment: SharedSegment,
    max_seq: u64,
    live: Bitmap,
    /// Rows in `live`.
    count: usize,
    /// Words of all of them, once they were counted.
    words: Option<u64>,
}

/// Which kind of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// By their values.
    Dense,
    /// By their words.
    Lexical,
    /// Both, fused by rank.
    Hybrid,
}

/// A search.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "as the port's `ViewQuery`")]
pub struct Search<'q> {
    pub mode: Mode,
    pub values: &'q [f32],
    pub text: &'q str,
    pub k: usize,
    pub filter: Option<Filter>,
    pub exact: bool,
    pub report: bool,
    pub weights: (f64, f64),
    pub min_dense_score: Option<f64>,
    pub min_lexical_score: Option<f64>,
    pub plan: Plan,
}

/// A row that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Its id.
    pub id: String,
    /// Larger is better.
    pub score: f64,
    /// Smaller is closer; 0 unless the search was dense.
    pub distance: f64,
    place: (u32, u32),
}

/// What a search gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Best first; equal scores by id.
    pub hits: Vec<Hit>,
    /// Live rows that the filter lets through.
    pub allowed: usize,
    /// Of the dense list.
    pub report: Option<Report>,
    /// The newest write that was searched.
    pub seq: u64,
}

/// A row as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its id.
    pub id: String,
    /// Its components, where they are stored.
    pub values: Option<Vec<f32>>,
    /// JSON text.
    pub metadata: Option<String>,
    /// Its text.
    pub content: Option<String>,
}

/// Reciprocal rank fusion: 1 / (60 + rank).
const FUSION_RANK: f64 = 60.0;

impl View {
    /// Over segments of one shape; `tombstones`: ascending row numbers. The shape's rotation key is that of the segments.
    pub fn open(
        shape: Shape,
        segments: Vec<(SharedSegment, Vec<u32>)>,
    ) -> Result<Self, SearchError> {
        let mut view = Self {
            shape,
            rotation: None,
            parts: Vec::new(),
            delta: Delta::default(),
            seq: 0,
        };
        for (shared, tombstones) in segments {
            if view
                .parts
                .iter()
                .any(|part| Arc::ptr_eq(&part.segment, &shared))
            {
                return Err(SearchError::Mismatch);
            }
            let segment = lock(&shared);
            let key = segment.shape().rotation_key;
            if view.parts.is_empty() {
                view.shape.rotation_key = key;
            }
            if *segment.shape() != view.shape {
                return Err(SearchError::Mismatch);
            }
            let (rows, max_seq) = (segment.rows(), segment.opening().max_seq);
            drop(segment);
            let live = live_rows(rows, &tombstones)?;
            view.seq = view.seq.max(max_seq);
            view.parts.push(Part {
                segment: shared,
                max_seq,
                count: live.count(),
                live,
                words: None,
            });
        }
        if !view.parts.is_empty() {
            view.rotation = Some(Rotation::new(view.shape.dimension, view.shape.rotation_key));
        }
        view.hide_older()?;
        Ok(view)
    }

    /// Settings of the collection.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Whether it looks at a segment.
    pub fn is_over(&self, segment: &SharedSegment) -> bool {
        self.parts
            .iter()
            .any(|part| Arc::ptr_eq(&part.segment, segment))
    }

    /// About what the appended rows take.
    pub fn delta_bytes(&self) -> usize {
        self.delta.bytes()
    }

    /// Newest write.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Of two rows with one id the one in the segment with the higher `max_seq` lives.
    fn hide_older(&mut self) -> Result<(), SearchError> {
        if self.parts.len() < 2 {
            return Ok(());
        }
        let mut newest: Vec<usize> = (0..self.parts.len()).collect();
        newest.sort_by_key(|part| std::cmp::Reverse(self.parts[*part].max_seq));
        // Hash to the newest place; equal hashes of different ids are looked at one by one.
        let mut seen: HashMap<u64, Vec<(usize, usize)>> = HashMap::new();
        for part in newest {
            let shared = Arc::clone(&self.parts[part].segment);
            let mut segment = lock(&shared);
            segment.ensure(Section::IdHashes)?;
            for at in 0..segment.rows() {
                let (hash, row) = (segment.hash_at(at), segment.hashed_row(at)?);
                if !self.parts[part].live.has(row) {
                    continue;
                }
                let places = seen.entry(hash).or_default();
                let mut is_hidden = false;
                for (newer, newer_row) in places.iter().filter(|(newer, _)| *newer != part) {
                    let id = segment.id(row)?.to_owned();
                    is_hidden |= lock(&self.parts[*newer].segment).id(*newer_row)? == id;
                }
                if is_hidden {
                    self.parts[part].hide(row);
                } else {
                    places.push((part, row));
                }
            }
        }
        Ok(())
    }

    /// Adds writes in the order of `seq`; all or none. Writes that are not newer than the view are in it already.
    pub fn append(&mut self, writes: Vec<Write>) -> Result<(), SearchError> {
        let mut accepted: Vec<(u64, Change)> = Vec::with_capacity(writes.len());
        for (at, write) in writes.into_iter().enumerate() {
            let seq = write.seq();
            accepted.push((
                seq,
                match write {
                    Write::Vector {
                        id,
                        values,
                        metadata,
                        content,
                        ..
                    } => Change::Put(accept(&self.shape, at, id, &values, metadata, content)?),
                    Write::Gone { id, .. } => {
                        check_id(&id, at)?;
                        Change::Remove(id)
                    }
                    Write::GoneWhere { filter, .. } => Change::RemoveWhere(filter),
                },
            ));
        }
        for (seq, change) in accepted {
            match change {
                Change::Put(row) => {
                    self.hide(&row.id, seq)?;
                    self.delta.push(row, self.shape.has_text);
                }
                Change::Remove(id) => {
                    self.hide(&id, seq)?;
                    self.delta.remove(&id);
                }
                Change::RemoveWhere(filter) => {
                    self.hide_where(&filter, seq)?;
                    self.delta.remove_where(&filter);
                }
            }
            self.seq = self.seq.max(seq);
        }
        Ok(())
    }

    fn hide(&mut self, id: &str, seq: u64) -> Result<(), SearchError> {
        for part in self.parts.iter_mut().filter(|part| part.max_seq < seq) {
            let found = lock(&part.segment).find(id)?;
            if let Some(row) = found {
                part.hide(row);
            }
        }
        Ok(())
    }

    fn hide_where(&mut self, filter: &Filter, seq: u64) -> Result<(), SearchError> {
        for part in self.parts.iter_mut().filter(|part| part.max_seq < seq) {
            let matching = filter.rows(&mut lock(&part.segment))?;
            part.live.and_not(&matching);
            part.count = part.live.count();
            part.words = None;
        }
        Ok(())
    }

    /// Live rows, filtered or all.
    pub fn count(&self, filter: Option<&Filter>) -> Result<usize, SearchError> {
        if filter.is_none() {
            return Ok(self.delta.live() + self.parts.iter().map(|part| part.count).sum::<usize>());
        }
        let mut guards = self.lock_all();
        let allowed = self.allowed(filter, &mut guards)?;
        Ok(self.count_allowed(&allowed))
    }

    /// Searches what is there.
    pub fn search(&mut self, search: &Search<'_>) -> Result<Found, SearchError> {
        if search.mode != Mode::Dense {
            self.count_words()?;
        }
        let mut guards = self.lock_all();
        let allowed = self.allowed(search.filter.as_ref(), &mut guards)?;
        let (mut report, mut lists) = (None, Vec::new());
        let depth = if search.mode == Mode::Hybrid {
            (3 * search.k).max(50)
        } else {
            search.k
        };
        if search.mode != Mode::Lexical {
            let (hits, of_list) = self.dense(search, depth, &allowed, &mut guards)?;
            report = search.report.then_some(of_list);
            lists.push(hits);
        }
        if search.mode != Mode::Dense {
            lists.push(self.lexical(search, depth, &allowed, &mut guards)?);
        }
        let hits = match (search.mode, lists.as_mut_slice()) {
            (Mode::Hybrid, [dense, lexical]) => fuse(dense, lexical, search.weights, search.k),
            (_, [only]) => std::mem::take(only),
            _ => Vec::new(),
        };
        Ok(Found {
            hits,
            allowed: self.count_allowed(&allowed),
            report,
            seq: self.seq,
        })
    }

    fn dense(
        &self,
        search: &Search<'_>,
        k: usize,
        allowed: &Allowed,
        guards: &mut [MutexGuard<'_, Segment>],
    ) -> Result<(Vec<Hit>, Report), SearchError> {
        let query = Query::new(&self.shape, search.values)?;
        let scoring = Query::new(&self.shape, search.values)?;
        let (ranked, report) = DenseSearch {
            segments: guards.iter_mut().map(|guard| &mut **guard).collect(),
            allowed: allowed.segments.clone(),
            delta: &self.delta,
            delta_allowed: &allowed.delta,
            rotation: self.rotation.as_ref(),
            query,
            k,
            exact: search.exact,
            report: search.report,
            plan: search.plan,
        }
        .run()?;
        let hits = self.name(ranked, k, guards, |rank| scoring.score(rank))?;
        Ok((above(hits, search.min_dense_score), report))
    }

    fn lexical(
        &self,
        search: &Search<'_>,
        k: usize,
        allowed: &Allowed,
        guards: &mut [MutexGuard<'_, Segment>],
    ) -> Result<Vec<Hit>, SearchError> {
        let of_delta = self
            .delta
            .rows
            .iter()
            .filter(|row| row.is_live)
            .map(|row| u64::from(row.words))
            .sum::<u64>();
        let ranked = LexicalSearch {
            segments: guards.iter_mut().map(|guard| &mut **guard).collect(),
            live: self
                .parts
                .iter()
                .map(|part| (part.count < part.live.rows()).then_some(&part.live))
                .collect(),
            allowed: &allowed.segments,
            delta: &self.delta,
            delta_allowed: &allowed.delta,
            rows: self.delta.live() + self.parts.iter().map(|part| part.count).sum::<usize>(),
            words: of_delta + self.parts.iter().filter_map(|part| part.words).sum::<u64>(),
            k,
        }
        .run(search.text)?;
        let hits = self.name(ranked, k, guards, |rank| (rank, 0.0))?;
        Ok(above(hits, search.min_lexical_score))
    }

    /// Words of the live rows of each segment, where they are not known.
    fn count_words(&mut self) -> Result<(), SearchError> {
        for part in self.parts.iter_mut().filter(|part| part.words.is_none()) {
            let mut segment = lock(&part.segment);
            let counts = segment.word_counts()?.as_chunks::<4>().0;
            let live = part.live.iter().filter_map(|row| counts.get(row));
            part.words = Some(live.map(|four| u64::from(u32::from_le_bytes(*four))).sum());
        }
        Ok(())
    }

    /// Ids of ranked rows, equal ranks by id, k of them.
    fn name(
        &self,
        ranked: Vec<Ranked>,
        k: usize,
        guards: &mut [MutexGuard<'_, Segment>],
        score: impl Fn(f64) -> (f64, f64),
    ) -> Result<Vec<Hit>, SearchError> {
        let mut named = Vec::with_capacity(ranked.len());
        for Ranked { rank, source, row } in ranked {
            let id = match source {
                DELTA => self.delta.rows[row as usize].id.clone(),
                _ => guards[source as usize].id(row as usize)?.to_owned(),
            };
            let (score, distance) = score(rank);
            named.push((
                rank,
                Hit {
                    id,
                    score,
                    distance,
                    place: (source, row),
                },
            ));
        }
        named.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.id.cmp(&other.id)));
        Ok(named.into_iter().take(k).map(|(_, hit)| hit).collect())
    }

    /// What is kept of a hit.
    pub fn stored(&self, hit: &Hit) -> Result<Stored, SearchError> {
        self.stored_at(hit.id.clone(), hit.place)
    }

    /// What is kept of an id; none where no live row has it.
    pub fn look_up(&self, id: &str) -> Result<Option<Stored>, SearchError> {
        if let Some(row) = self.delta.find(id) {
            return self.stored_at(id.to_owned(), (DELTA, row as u32)).map(Some);
        }
        for (source, part) in self.parts.iter().enumerate() {
            let found = lock(&part.segment).find(id)?;
            if let Some(row) = found.filter(|row| part.live.has(*row)) {
                return self
                    .stored_at(id.to_owned(), (source as u32, row as u32))
                    .map(Some);
            }
        }
        Ok(None)
    }

    fn stored_at(&self, id: String, (source, row): (u32, u32)) -> Result<Stored, SearchError> {
        let row = row as usize;
        if source == DELTA {
            let kept = &self.delta.rows[row];
            let dimension = self.shape.dimension;
            let values = self.delta.values[row * dimension..][..dimension]
                .iter()
                .map(|x| x * kept.norm)
                .collect();
            let has_rows = self.shape.row_type != RowType::None;
            return Ok(Stored {
                id,
                values: Some(values).filter(|_| has_rows),
                metadata: kept.metadata_text.clone(),
                content: kept.content.clone(),
            });
        }
        let mut segment = lock(&self.parts[source as usize].segment);
        let Payload { metadata, content } = segment.payload(row)?;
        let row = read_row(&mut segment, row)?;
        let values = row.map(|row| row.values.iter().map(|x| x * row.norm).collect());
        Ok(Stored {
            id,
            values,
            metadata,
            content,
        })
    }

    /// Ids of live rows in byte order: with the prefix, above `after`, at most `limit`.
    pub fn ids(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, SearchError> {
        let mut least: BTreeMap<String, ()> = BTreeMap::new();
        let mut add = |id: &str| {
            let fits = id.starts_with(prefix) && after.is_none_or(|after| id > after);
            let is_room = least.len() < limit
                || least
                    .last_key_value()
                    .is_some_and(|(last, ())| id < last.as_str());
            if fits && is_room && limit > 0 {
                least.insert(id.to_owned(), ());
                if least.len() > limit {
                    least.pop_last();
                }
            }
        };
        self.delta
            .rows
            .iter()
            .filter(|row| row.is_live)
            .for_each(|row| add(&row.id));
        for part in &self.parts {
            let mut segment = lock(&part.segment);
            segment.ensure(Section::Ids)?;
            for row in part.live.iter() {
                add(segment.id_read_before(row)?);
            }
        }
        Ok(least.into_keys().collect())
    }

    /// Rows of each segment that are dead, ascending.
    pub fn tombstones(&self) -> Vec<Vec<u32>> {
        let dead = |part: &Part| {
            (0..part.live.rows())
                .filter(|row| !part.live.has(*row))
                .map(|row| row as u32)
                .collect()
        };
        self.parts.iter().map(dead).collect()
    }

    /// A segment of all live rows: those of segments by age and place, then the appended ones. Scores stay what they are,
    /// because rows go over as they are scored.
    pub fn build(
        &self,
        rotation_key: u64,
        min_seq: u64,
        max_seq: u64,
    ) -> Result<Built, SearchError> {
        let shape = Shape {
            rotation_key,
            ..self.shape
        };
        let mut rows = Vec::with_capacity(self.count(None)?);
        let mut oldest: Vec<&Part> = self.parts.iter().collect();
        oldest.sort_by_key(|part| part.max_seq);
        for part in oldest {
            let mut segment = lock(&part.segment);
            for row in part.live.iter() {
                let Payload { metadata, content } = segment.payload(row)?;
                // Without stored rows there is nothing to make codes of.
                let prepared = read_row(&mut segment, row)?.ok_or(SearchError::NoStoredRows)?;
                rows.push(SourceRow {
                    id: segment.id(row)?.to_owned(),
                    row: prepared,
                    metadata,
                    content,
                });
            }
        }
        let dimension = self.shape.dimension;
        for (at, row) in self
            .delta
            .rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.is_live)
        {
            let values = self.delta.values[at * dimension..][..dimension].to_vec();
            rows.push(SourceRow {
                id: row.id.clone(),
                row: Prepared {
                    values,
                    norm: row.norm,
                },
                metadata: row.metadata_text.clone(),
                content: row.content.clone(),
            });
        }
        Ok(build(&shape, min_seq, max_seq, &rows)?)
    }

    fn lock_all(&self) -> Vec<MutexGuard<'_, Segment>> {
        self.parts.iter().map(|part| lock(&part.segment)).collect()
    }

    fn allowed(
        &self,
        filter: Option<&Filter>,
        guards: &mut [MutexGuard<'_, Segment>],
    ) -> Result<Allowed, SearchError> {
        let mut allowed = Allowed {
            segments: Vec::with_capacity(self.parts.len()),
            delta: Bitmap::none(self.delta.rows.len()),
        };
        for (part, guard) in self.parts.iter().zip(guards) {
            allowed.segments.push(match filter {
                Some(filter) => {
                    let mut rows = filter.rows(guard)?;
                    rows.and(&part.live);
                    Some(rows)
                }
                None => (part.count < part.live.rows()).then(|| part.live.clone()),
            });
        }
        for (at, row) in self.delta.rows.iter().enumerate() {
            if row.is_live && filter.is_none_or(|filter| filter.allows(row.metadata.as_ref())) {
                allowed.delta.insert(at);
            }
        }
        Ok(allowed)
    }

    fn count_allowed(&self, allowed: &Allowed) -> usize {
        let of_part = |(part, rows): (&Part, &Option<Bitmap>)| {
            rows.as_ref().map_or(part.count, Bitmap::count)
        };
        allowed.delta.count()
            + self
                .parts
                .iter()
                .zip(&allowed.segments)
                .map(of_part)
                .sum::<usize>()
    }
}

struct Allowed {
    /// None where all rows are allowed.
    segments: Vec<Option<Bitmap>>,
    delta: Bitmap,
}

enum Change {
    Put(Accepted),
    Remove(String),
    RemoveWhere(Filter),
}

impl Part {
    fn hide(&mut self, row: usize) {
        if self.live.has(row) {
            self.live.remove(row);
            self.count -= 1;
            self.words = None;
        }
    }
}

fn lock(segment: &SharedSegment) -> MutexGuard<'_, Segment> {
    // A panic leaves chunks unread, never half verified.
    segment.lock().unwrap_or_else(PoisonError::into_inner)
}

fn live_rows(rows: usize, tombstones: &[u32]) -> Result<Bitmap, SearchError> {
    let mut live = Bitmap::all(rows);
    let is_ascending = tombstones.windows(2).all(|pair| pair[0] < pair[1]);
    if !is_ascending || tombstones.last().is_some_and(|last| *last as usize >= rows) {
        return Err(SearchError::Tombstones);
    }
    tombstones.iter().for_each(|row| live.remove(*row as usize));
    Ok(live)
}

/// A row as it is scored; none where none is stored.
fn read_row(segment: &mut Segment, row: usize) -> Result<Option<Prepared>, SearchError> {
    segment.ensure_row(Section::Rows, row)?;
    segment.ensure_row(Section::Norms, row)?;
    let mut values = vec![0.0; segment.shape().dimension];
    let is_cosine = segment.shape().metric == kernels::Metric::Cosine;
    let is_stored = segment.row(row, &mut values);
    Ok(is_stored.then(|| Prepared {
        values,
        norm: if is_cosine { segment.norm(row) } else { 1.0 },
    }))
}

fn above(mut hits: Vec<Hit>, least: Option<f64>) -> Vec<Hit> {
    hits.retain(|hit| least.is_none_or(|least| hit.score >= least));
    hits
}

fn fuse(dense: &[Hit], lexical: &[Hit], weights: (f64, f64), k: usize) -> Vec<Hit> {
    let mut fused: HashMap<(u32, u32), Hit> = HashMap::new();
    for (list, weight) in [(dense, weights.0), (lexical, weights.1)] {
        for (rank, hit) in (1u32..).zip(list) {
            let zero = Hit {
                score: 0.0,
                distance: 0.0,
                ..hit.clone()
            };
            fused.entry(hit.place).or_insert(zero).score +=
                weight / (FUSION_RANK + f64::from(rank));
        }
    }
    let mut hits: Vec<Hit> = fused.into_values().collect();
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
    hits.truncate(k);
    hits
}
