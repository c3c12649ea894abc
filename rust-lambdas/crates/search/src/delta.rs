//! Rows that were written since the segments of a view were made.

use std::collections::HashMap;

use segments::{Posting, Prepared, Shape, prepare, words};
use serde_json::{Map, Value};

use crate::{Filter, SearchError};

/// A write of a namespace.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "as the port's `AppendedRow`")]
pub enum Write {
    Vector {
        seq: u64,
        id: String,
        values: Vec<f32>,
        metadata: Option<String>,
        content: Option<String>,
    },
    Gone {
        seq: u64,
        id: String,
    },
    GoneWhere {
        seq: u64,
        filter: Filter,
    },
}

impl Write {
    /// Place in the order of writes.
    pub const fn seq(&self) -> u64 {
        match self {
            Self::Vector { seq, .. } | Self::Gone { seq, .. } | Self::GoneWhere { seq, .. } => *seq,
        }
    }
}

/// One row in memory.
#[derive(Debug, Clone)]
pub(crate) struct DeltaRow {
    pub id: String,
    pub norm: f32,
    pub metadata_text: Option<String>,
    pub metadata: Option<Map<String, Value>>,
    pub content: Option<String>,
    pub words: u32,
    pub is_live: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Delta {
    pub rows: Vec<DeltaRow>,
    /// rows × dimension, as scored.
    pub values: Vec<f32>,
    by_id: HashMap<String, usize>,
    postings: HashMap<String, Vec<Posting>>,
    live: usize,
    bytes: usize,
}

/// A row that is known to fit.
pub(crate) struct Accepted {
    pub id: String,
    row: Prepared,
    metadata_text: Option<String>,
    metadata: Option<Map<String, Value>>,
    content: Option<String>,
}

pub(crate) fn check_id(id: &str, at: usize) -> Result<(), SearchError> {
    if (1..=segments::ID_BYTES_MAX).contains(&id.len()) {
        Ok(())
    } else {
        Err(SearchError::Id(at))
    }
}

/// `at`: of the row in its request.
pub(crate) fn accept(
    shape: &Shape,
    at: usize,
    id: String,
    values: &[f32],
    metadata_text: Option<String>,
    content: Option<String>,
) -> Result<Accepted, SearchError> {
    check_id(&id, at)?;
    if values.len() != shape.dimension {
        return Err(SearchError::Dimension {
            index: at,
            expected: shape.dimension,
            got: values.len(),
        });
    }
    let row = prepare(shape, values).map_err(|unfit| SearchError::of_row(unfit, at))?;
    let metadata = metadata_text
        .as_deref()
        .map(serde_json::from_str)
        .transpose();
    let metadata = metadata.map_err(|_| SearchError::Metadata(at))?;
    Ok(Accepted {
        id,
        row,
        metadata_text,
        metadata,
        content,
    })
}

impl Delta {
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// About what it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn remove(&mut self, id: &str) {
        if let Some(row) = self.by_id.remove(id) {
            self.rows[row].is_live = false;
            self.live -= 1;
        }
    }

    pub(crate) fn remove_where(&mut self, filter: &Filter) {
        for row in &mut self.rows {
            if row.is_live && filter.allows(row.metadata.as_ref()) {
                row.is_live = false;
                self.live -= 1;
                self.by_id.remove(&row.id);
            }
        }
    }

    pub(crate) fn push(&mut self, accepted: Accepted, has_text: bool) {
        let Accepted {
            id,
            row,
            metadata_text,
            metadata,
            content,
        } = accepted;
        self.remove(&id);
        let at = self.rows.len();
        let mut word_count = 0;
        if let Some(content) = content.as_deref().filter(|_| has_text) {
            for word in words(content) {
                word_count += 1;
                let list = self.postings.entry(word).or_default();
                match list.last_mut() {
                    Some(last) if last.row == at as u32 => last.frequency += 1,
                    _ => list.push(Posting {
                        row: at as u32,
                        frequency: 1,
                    }),
                }
            }
        }
        let texts = [Some(&id), metadata_text.as_ref(), content.as_ref()];
        self.bytes += texts.iter().flatten().map(|text| text.len()).sum::<usize>() * 2
            + row.values.len() * 4
            + 256;
        self.values.extend_from_slice(&row.values);
        self.by_id.insert(id.clone(), at);
        self.live += 1;
        self.rows.push(DeltaRow {
            id,
            norm: row.norm,
            metadata_text,
            metadata,
            content,
            words: word_count,
            is_live: true,
        });
    }

    pub(crate) fn postings(&self, term: &str) -> &[Posting] {
        self.postings.get(term).map_or(&[], Vec::as_slice)
    }
}
