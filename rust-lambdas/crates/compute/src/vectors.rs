//! Segments and views over frames. Handles stand for what is in memory; a closed one is refused, never guessed at.
//!
//! One item a request. A refusal's text is JSON: code, index, path of a filter, message.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kernels::Metric;
use search::{Filter, Mode, Plan, Search, SearchError, SharedSegment, Stored, View, Write};
use segments::{ByteSource, FileSource, RowType, Segment, SegmentError, Shape, verify};
use serde_json::{Value, json};

use crate::FrameError;
use crate::frame::{Reader, Writer};

/// What can be asked; the numbers cross the language border and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the port's methods have the same names")]
pub enum VectorOperation {
    BuildSegment = 12,
    OpenSegment = 13,
    OpenView = 14,
    Search = 15,
    CloseSegment = 60,
    CloseView = 61,
    AppendRows = 62,
    LookUp = 63,
    ListIds = 64,
    CountRows = 65,
    Tombstones = 66,
    VerifySegment = 67,
    ResidentBytes = 68,
}

impl VectorOperation {
    const ALL: [Self; 13] = [
        Self::BuildSegment,
        Self::OpenSegment,
        Self::OpenView,
        Self::Search,
        Self::CloseSegment,
        Self::CloseView,
        Self::AppendRows,
        Self::LookUp,
        Self::ListIds,
        Self::CountRows,
        Self::Tombstones,
        Self::VerifySegment,
        Self::ResidentBytes,
    ];

    /// The operation of a number, if it is one of these.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|known| *known as u32 == number)
    }
}

/// Bytes of files that stay in memory; beyond, the segments that were longest not used are read again when needed.
const RESIDENT_MAX: usize = 2 << 30;

/// Open segments and views.
#[derive(Default)]
pub struct VectorEngine {
    segments: HashMap<u32, OpenSegment>,
    views: HashMap<u32, View>,
    last: u32,
    clock: u64,
}

struct OpenSegment {
    segment: SharedSegment,
    /// Whether its bytes can be read again.
    is_file: bool,
    used: u64,
}

/// A frame that is malformed is a bug of the other end; anything else is told to who asked.
enum Fault {
    Frame(FrameError),
    Refused(Value),
}

impl From<FrameError> for Fault {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

impl From<SearchError> for Fault {
    fn from(error: SearchError) -> Self {
        let path = if let SearchError::Filter { path, .. } = &error {
            path.as_str()
        } else {
            ""
        };
        Self::Refused(json!({
            "code": error.code(),
            "index": error.index(),
            "path": path,
            "message": error.to_string(),
        }))
    }
}

impl From<SegmentError> for Fault {
    fn from(error: SegmentError) -> Self {
        SearchError::from(error).into()
    }
}

fn closed(what: &str) -> Fault {
    Fault::Refused(
        json!({ "code": "handle_closed", "index": null, "path": "", "message": format!("no such {what} is open") }),
    )
}

impl VectorEngine {
    /// Answers one request frame with one answer frame.
    pub fn answer(
        &mut self,
        operation: VectorOperation,
        request: &[u8],
    ) -> Result<Vec<u8>, FrameError> {
        let mut request = Reader::new(request);
        if request.count()? != 1 {
            return Err(FrameError::Long);
        }
        let mut answer = Writer::new(1, 0);
        answer.accept();
        let outcome = self.answer_item(operation, &mut request, &mut answer);
        match outcome {
            Ok(()) => request.end()?,
            Err(Fault::Frame(error)) => return Err(error),
            Err(Fault::Refused(refusal)) => {
                answer = Writer::new(1, 0);
                answer.refuse_code(&refusal.to_string());
            }
        }
        Ok(answer.into_bytes())
    }

    fn answer_item(
        &mut self,
        operation: VectorOperation,
        request: &mut Reader<'_>,
        answer: &mut Writer,
    ) -> Result<(), Fault> {
        match operation {
            VectorOperation::BuildSegment => self.build_segment(request, answer),
            VectorOperation::OpenSegment => self.open_segment(request, answer),
            VectorOperation::OpenView => self.open_view(request, answer),
            VectorOperation::Search => self.search(request, answer),
            VectorOperation::CloseSegment => {
                self.segments.remove(&request.number()?);
                Ok(())
            }
            VectorOperation::CloseView => {
                self.views.remove(&request.number()?);
                Ok(())
            }
            VectorOperation::AppendRows => self.append_rows(request),
            VectorOperation::LookUp => self.look_up(request, answer),
            VectorOperation::ListIds => self.list_ids(request, answer),
            VectorOperation::CountRows => {
                let (view, filter) = (request.number()?, request.text()?);
                let count = self.view(view)?.count(filter_of(filter)?.as_ref())?;
                answer.long(count as u64);
                Ok(())
            }
            VectorOperation::Tombstones => {
                let lists = self.view(request.number()?)?.tombstones();
                answer.number(lists.len() as u32);
                for rows in lists {
                    let bytes: Vec<u8> = rows.iter().flat_map(|row| row.to_le_bytes()).collect();
                    answer.bytes(&bytes);
                }
                Ok(())
            }
            VectorOperation::VerifySegment => {
                let open = self
                    .segments
                    .get(&request.number()?)
                    .ok_or_else(|| closed("segment"))?;
                Ok(verify(
                    &mut open.segment.lock().unwrap_or_else(PoisonError::into_inner),
                )?)
            }
            VectorOperation::ResidentBytes => {
                request.number()?;
                let deltas: usize = self.views.values().map(View::delta_bytes).sum();
                answer.long((self.resident() + deltas) as u64);
                Ok(())
            }
        }
    }

    fn view(&mut self, handle: u32) -> Result<&mut View, Fault> {
        self.views.get_mut(&handle).ok_or_else(|| closed("view"))
    }

    fn next_handle(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    fn build_segment(
        &mut self,
        request: &mut Reader<'_>,
        answer: &mut Writer,
    ) -> Result<(), Fault> {
        let handle = request.number()?;
        let (key, min_seq, max_seq) = (request.long()?, request.long()?, request.long()?);
        let view = self.view(handle)?;
        let rows = view.count(None)?;
        let built = view.build(key, min_seq, max_seq)?;
        answer
            .bytes(&built.bytes)
            .bytes(hex(&built.name).as_bytes())
            .number(built.open_len as u32)
            .number(rows as u32);
        Ok(())
    }

    fn open_segment(&mut self, request: &mut Reader<'_>, answer: &mut Writer) -> Result<(), Fault> {
        let (name, open_len) = (request.text()?, request.number()? as usize);
        let is_file = request.number()? == 0;
        let source: Box<dyn ByteSource> = if is_file {
            let path = Path::new(request.text()?);
            Box::new(FileSource::open(path).map_err(|_| SegmentError::Source)?)
        } else {
            Box::new(request.bytes()?.to_vec())
        };
        let name = name_of(name).ok_or(SegmentError::Name)?;
        let segment = Segment::open(source, name, open_len)?;
        let handle = self.next_handle();
        let (shape, opening) = (segment.shape(), segment.opening());
        answer
            .number(handle)
            .number(shape.metric as u32)
            .number(shape.dimension as u32);
        answer
            .number(shape.row_type as u32)
            .number(u32::from(shape.has_text));
        answer
            .bytes(format!("{:016x}", shape.rotation_key).as_bytes())
            .number(opening.rows as u32);
        answer
            .long(opening.min_seq)
            .long(opening.max_seq)
            .long(opening.file_len);
        let segment = Arc::new(Mutex::new(segment));
        self.segments.insert(
            handle,
            OpenSegment {
                segment,
                is_file,
                used: self.clock,
            },
        );
        Ok(())
    }

    fn open_view(&mut self, request: &mut Reader<'_>, answer: &mut Writer) -> Result<(), Fault> {
        let metric = request.number()?;
        let metric = Metric::from_u32(metric).ok_or(FrameError::Metric(metric))?;
        let dimension = request.number()? as usize;
        let row_type = RowType::from_u32(request.number()?).ok_or(FrameError::Short)?;
        let has_text = request.number()? != 0;
        let shape = Shape {
            metric,
            dimension,
            row_type,
            has_text,
            rotation_key: 0,
        };
        let mut segments = Vec::new();
        for _ in 0..request.number()? {
            let (handle, tombstones) = (request.number()?, request.bytes()?);
            let (rows, rest) = tombstones.as_chunks::<4>();
            let open = self
                .segments
                .get(&handle)
                .ok_or_else(|| closed("segment"))?;
            if !rest.is_empty() {
                return Err(SearchError::Tombstones.into());
            }
            let rows = rows.iter().map(|four| u32::from_le_bytes(*four)).collect();
            segments.push((Arc::clone(&open.segment), rows));
        }
        let view = View::open(shape, segments)?;
        let handle = self.next_handle();
        self.views.insert(handle, view);
        answer.number(handle);
        Ok(())
    }

    fn append_rows(&mut self, request: &mut Reader<'_>) -> Result<(), Fault> {
        let (handle, count) = (request.number()?, request.number()?);
        let mut writes = Vec::new();
        for index in 0..count {
            let (kind, seq) = (request.number()?, request.long()?);
            writes.push(match kind {
                0 => {
                    let (id, values) = (request.text()?.to_owned(), floats(request.bytes()?)?);
                    let flags = request.number()?;
                    let (metadata, content) =
                        (request.text()?.to_owned(), request.text()?.to_owned());
                    let metadata = (flags & 1 != 0).then_some(metadata);
                    let content = (flags & 2 != 0).then_some(content);
                    Write::Vector {
                        seq,
                        id,
                        values,
                        metadata,
                        content,
                    }
                }
                1 => Write::Gone {
                    seq,
                    id: request.text()?.to_owned(),
                },
                _ => {
                    let filter = filter_of(request.text()?)?;
                    let filter = filter.ok_or_else(|| refused_filter(index as usize))?;
                    Write::GoneWhere { seq, filter }
                }
            });
        }
        Ok(self.view(handle)?.append(writes)?)
    }

    fn search(&mut self, request: &mut Reader<'_>, answer: &mut Writer) -> Result<(), Fault> {
        let handle = request.number()?;
        let (mode, k, flags) = (
            request.number()?,
            request.number()? as usize,
            request.number()?,
        );
        let candidates_min = request.number()? as usize;
        let include = request.number()?;
        let [dense_weight, lexical_weight, min_dense, min_lexical] =
            <[f64; 4]>::try_from(doubles(request.bytes()?)).map_err(|_| FrameError::Short)?;
        let (values, text, filter) = (floats(request.bytes()?)?, request.text()?, request.text()?);
        let plan = Plan::default();
        let search = Search {
            mode: match mode {
                0 => Mode::Dense,
                1 => Mode::Lexical,
                _ => Mode::Hybrid,
            },
            values: &values,
            text,
            k,
            filter: filter_of(filter)?,
            exact: flags & 1 != 0,
            report: flags & 2 != 0,
            weights: (dense_weight, lexical_weight),
            min_dense_score: (!min_dense.is_nan()).then_some(min_dense),
            min_lexical_score: (!min_lexical.is_nan()).then_some(min_lexical),
            plan: Plan {
                candidates_min: plan.candidates_min.max(candidates_min),
                ..plan
            },
        };
        let view = self.view(handle)?;
        let found = view.search(&search)?;
        answer.number(score_kind(search.mode, view.shape().metric));
        answer.long(found.allowed as u64).long(found.seq);
        answer.number(u32::from(found.report.is_some()));
        if let Some(report) = found.report {
            answer
                .number(report.certainty as u32)
                .bytes(&report.expected_recall.to_le_bytes());
            answer
                .long(report.candidates as u64)
                .long(report.rows_scanned as u64)
                .long(report.bytes_read);
        }
        let numbers = |number: fn(&search::Hit) -> f64| -> Vec<u8> {
            found
                .hits
                .iter()
                .flat_map(|hit| number(hit).to_le_bytes())
                .collect()
        };
        answer
            .number(found.hits.len() as u32)
            .bytes(&numbers(|hit| hit.score))
            .bytes(&numbers(|hit| hit.distance));
        for hit in &found.hits {
            if include == 0 {
                answer.bytes(hit.id.as_bytes());
                continue;
            }
            write_stored(&view.stored(hit)?, include, answer);
        }
        self.evict(handle);
        Ok(())
    }

    fn look_up(&mut self, request: &mut Reader<'_>, answer: &mut Writer) -> Result<(), Fault> {
        let (handle, include, count) = (request.number()?, request.number()?, request.number()?);
        let view = self.view(handle)?;
        for _ in 0..count {
            let found = view.look_up(request.text()?)?;
            answer.number(u32::from(found.is_some()));
            if let Some(stored) = found {
                write_stored(&stored, include | INCLUDE_FLAGS, answer);
            }
        }
        Ok(())
    }

    fn list_ids(&mut self, request: &mut Reader<'_>, answer: &mut Writer) -> Result<(), Fault> {
        let (handle, prefix) = (request.number()?, request.text()?);
        let (has_after, after, limit) = (
            request.number()? != 0,
            request.text()?,
            request.number()? as usize,
        );
        let ids = self
            .view(handle)?
            .ids(prefix, has_after.then_some(after), limit)?;
        answer.number(ids.len() as u32);
        ids.iter().for_each(|id| {
            answer.bytes(id.as_bytes());
        });
        Ok(())
    }

    fn resident(&self) -> usize {
        let bytes = |open: &OpenSegment| {
            open.segment
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .resident_bytes()
        };
        self.segments.values().map(bytes).sum()
    }

    /// Files that were longest not searched give their memory back, whole segments at a time. `view` was searched now.
    fn evict(&mut self, view: u32) {
        self.clock += 1;
        if let Some(view) = self.views.get(&view) {
            let used = self
                .segments
                .values_mut()
                .filter(|open| view.is_over(&open.segment));
            used.for_each(|open| open.used = self.clock);
        }
        let mut resident = self.resident();
        if resident <= RESIDENT_MAX {
            return;
        }
        let mut files: Vec<&OpenSegment> =
            self.segments.values().filter(|open| open.is_file).collect();
        files.sort_by_key(|open| open.used);
        for open in files {
            let mut segment = open.segment.lock().unwrap_or_else(PoisonError::into_inner);
            if resident <= RESIDENT_MAX {
                return;
            }
            resident -= segment.resident_bytes();
            segment.forget();
        }
    }
}

impl std::fmt::Debug for VectorEngine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (segments, views) = (self.segments.len(), self.views.len());
        formatter
            .debug_struct("VectorEngine")
            .field("segments", &segments)
            .field("views", &views)
            .finish()
    }
}

/// A number of 64 bits: its low half, then its high one.
trait ReadLong {
    fn long(&mut self) -> Result<u64, FrameError>;
}

impl ReadLong for Reader<'_> {
    fn long(&mut self) -> Result<u64, FrameError> {
        let (low, high) = (self.number()?, self.number()?);
        Ok(u64::from(high) << 32 | u64::from(low))
    }
}

trait WriteLong {
    fn long(&mut self, number: u64) -> &mut Self;
}

impl WriteLong for Writer {
    fn long(&mut self, number: u64) -> &mut Self {
        self.number(number as u32).number((number >> 32) as u32)
    }
}

/// Cosine, dot, l2, bm25, rrf.
const fn score_kind(mode: Mode, metric: Metric) -> u32 {
    match (mode, metric) {
        (Mode::Dense, Metric::Cosine) => 0,
        (Mode::Dense, Metric::DotProduct) => 1,
        (Mode::Dense, Metric::Euclidean | Metric::SquaredEuclidean) => 2,
        (Mode::Lexical, _) => 3,
        (Mode::Hybrid, _) => 4,
    }
}

const INCLUDE_METADATA: u32 = 1;
const INCLUDE_CONTENT: u32 = 2;
const INCLUDE_VALUES: u32 = 4;
/// Set where flags follow whatever is included.
const INCLUDE_FLAGS: u32 = 8;

/// Id, flags of what follows, and that.
fn write_stored(stored: &Stored, include: u32, answer: &mut Writer) {
    let metadata = stored
        .metadata
        .as_deref()
        .filter(|_| include & INCLUDE_METADATA != 0);
    let content = stored
        .content
        .as_deref()
        .filter(|_| include & INCLUDE_CONTENT != 0);
    let values = stored
        .values
        .as_deref()
        .filter(|_| include & INCLUDE_VALUES != 0);
    let flags = u32::from(metadata.is_some()) * INCLUDE_METADATA
        + u32::from(content.is_some()) * INCLUDE_CONTENT
        + u32::from(values.is_some()) * INCLUDE_VALUES;
    answer.bytes(stored.id.as_bytes()).number(flags);
    if let Some(metadata) = metadata {
        answer.bytes(metadata.as_bytes());
    }
    if let Some(content) = content {
        answer.bytes(content.as_bytes());
    }
    if let Some(values) = values {
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        answer.bytes(&bytes);
    }
}

/// No text is no filter.
fn filter_of(text: &str) -> Result<Option<Filter>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let filter = serde_json::from_str(text).map_err(|_| refused_filter(0))?;
    Ok(Some(Filter::read(&filter)?))
}

fn refused_filter(index: usize) -> Fault {
    Fault::Refused(
        json!({ "code": "invalid_filter", "index": index, "path": "filter", "message": "expected an object at `filter`" }),
    )
}

fn floats(bytes: &[u8]) -> Result<Vec<f32>, FrameError> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(FrameError::Vectors);
    }
    Ok(numbers
        .iter()
        .map(|four| f32::from_le_bytes(*four))
        .collect())
}

fn doubles(bytes: &[u8]) -> Vec<f64> {
    bytes
        .as_chunks::<8>()
        .0
        .iter()
        .map(|eight| f64::from_le_bytes(*eight))
        .collect()
}

fn name_of(text: &str) -> Option<[u8; 32]> {
    let mut name = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in name.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(name)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
