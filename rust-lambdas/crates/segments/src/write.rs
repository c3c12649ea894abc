//! Rows to the bytes of a segment.

use std::collections::HashMap;

use kernels::{Metric, Rotation, f16_of};
use serde_json::{Map, Value};

use crate::BuildError;
use crate::cluster::cluster;
use crate::codes::{encode_rows, square_as_stored};
use crate::columns::write_columns;
use crate::layout::{
    CHUNK_BYTES, Entry, ID_BYTES_MAX, OPEN_LENGTH_MAX, Opening, PAGE, ROWS_MAX, RowType, Section,
    Shape,
};
use crate::prepare::Prepared;
use crate::text::write_text_index;

/// A row on its way into a segment.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRow {
    /// 1 to 512 bytes, each once.
    pub id: String,
    /// As it is scored.
    pub row: Prepared,
    /// JSON text of an object, kept as it is.
    pub metadata: Option<String>,
    /// Any text.
    pub content: Option<String>,
}

/// A segment that nobody has read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// BLAKE3 of its opening block.
    pub name: [u8; 32],
    /// Bytes of its opening block.
    pub open_len: usize,
}

/// The first eight bytes of BLAKE3 of an id.
pub fn id_hash(id: &str) -> u64 {
    let digest = blake3::hash(id.as_bytes());
    u64::from_le_bytes(
        digest.as_bytes()[..8]
            .try_into()
            .expect("eight of 32 bytes"),
    )
}

/// Equal rows in an equal order give equal bytes, on every machine.
pub fn build(
    shape: &Shape,
    min_seq: u64,
    max_seq: u64,
    rows: &[SourceRow],
) -> Result<Built, BuildError> {
    check_rows(shape, rows)?;
    let padded = shape.padded();
    let rotated = rotate_rows(shape, rows);
    let clusters = cluster(&rotated, padded);
    let codes = encode_rows(&rotated, padded, &clusters);
    drop(rotated);
    let order: Vec<&SourceRow> = clusters
        .iter()
        .flatten()
        .map(|row| &rows[*row as usize])
        .collect();
    let blocks = rows.len().div_ceil(crate::BLOCK_ROWS);
    let metadata = parse_metadata(&order)?;
    let (columns, column_count) = write_columns(&metadata);
    let contents: Vec<Option<&str>> = order.iter().map(|row| row.content.as_deref()).collect();
    let mut bodies = vec![
        (Section::Plane0, codes.plane0, blocks),
        (Section::Factors, codes.factors, blocks),
        (Section::Bounds, codes.bounds, blocks),
        (Section::Planes1To3, codes.planes1_3, rows.len()),
        (Section::Planes4To7, codes.planes4_7, rows.len()),
        (Section::Rows, write_rows(shape, &order), rows.len()),
        (Section::Norms, write_norms(shape, &order), rows.len()),
        (Section::IdHashes, write_id_hashes(&order), rows.len()),
        (Section::Ids, write_ids(&order), rows.len()),
        (Section::Columns, columns, column_count),
        (Section::Payload, write_payload(&order), rows.len()),
    ];
    if shape.has_text {
        let (terms, postings, count) = write_text_index(&contents);
        bodies.push((Section::Terms, terms, count));
        bodies.push((Section::Postings, postings, count));
    }
    bodies.retain(|(_, bytes, _)| !bytes.is_empty());
    let opening = Opening {
        open_len: 0,
        shape: *shape,
        rows: rows.len(),
        clusters: clusters.len(),
        min_seq,
        max_seq,
        factor_scale: codes.factor_scale,
        file_len: 0,
        sections: Vec::new(),
        digests: Vec::new(),
    };
    assemble(opening, codes.clusters, bodies)
}

fn check_rows(shape: &Shape, rows: &[SourceRow]) -> Result<(), BuildError> {
    if rows.is_empty() {
        return Err(BuildError::Empty);
    }
    if rows.len() > ROWS_MAX {
        return Err(BuildError::TooLarge);
    }
    let mut ids = HashMap::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(
            row.row.values.len(),
            shape.dimension,
            "prepared rows have the dimension of their collection"
        );
        let fits = (1..=ID_BYTES_MAX).contains(&row.id.len());
        if !fits || ids.insert(row.id.as_str(), ()).is_some() {
            return Err(BuildError::Id(at));
        }
    }
    Ok(())
}

fn rotate_rows(shape: &Shape, rows: &[SourceRow]) -> Vec<f32> {
    let rotation = Rotation::new(shape.dimension, shape.rotation_key);
    let mut rotated = vec![0.0; rows.len() * shape.padded()];
    for (row, out) in rows.iter().zip(rotated.chunks_exact_mut(shape.padded())) {
        rotation.rotate(&row.row.values, out);
    }
    rotated
}

fn parse_metadata(order: &[&SourceRow]) -> Result<Vec<Option<Map<String, Value>>>, BuildError> {
    let parse = |(at, row): (usize, &&SourceRow)| {
        let parsed = row
            .metadata
            .as_deref()
            .map(serde_json::from_str)
            .transpose();
        parsed.map_err(|_| BuildError::Metadata(at))
    };
    order.iter().enumerate().map(parse).collect()
}

fn write_rows(shape: &Shape, order: &[&SourceRow]) -> Vec<u8> {
    let stride = shape.row_type.stride(shape.dimension);
    let mut bytes = Vec::with_capacity(order.len() * stride);
    for row in order {
        match shape.row_type {
            RowType::None => return bytes,
            RowType::F16 => row
                .row
                .values
                .iter()
                .for_each(|x| bytes.extend_from_slice(&f16_of(*x).to_le_bytes())),
            RowType::F32 => row
                .row
                .values
                .iter()
                .for_each(|x| bytes.extend_from_slice(&x.to_le_bytes())),
        }
        bytes.resize(bytes.len().next_multiple_of(64), 0);
    }
    bytes
}

fn write_norms(shape: &Shape, order: &[&SourceRow]) -> Vec<u8> {
    if !shape.has_norms() {
        return Vec::new();
    }
    let norm = |row: &&SourceRow| match shape.metric {
        Metric::Cosine => row.row.norm,
        _ => square_as_stored(&row.row.values),
    };
    order
        .iter()
        .flat_map(|row| norm(row).to_le_bytes())
        .collect()
}

fn write_id_hashes(order: &[&SourceRow]) -> Vec<u8> {
    let mut pairs: Vec<(u64, u32)> = order
        .iter()
        .zip(0..)
        .map(|(row, at)| (id_hash(&row.id), at))
        .collect();
    pairs.sort_unstable();
    let hashes = pairs.iter().flat_map(|(hash, _)| hash.to_le_bytes());
    hashes
        .chain(pairs.iter().flat_map(|(_, row)| row.to_le_bytes()))
        .collect()
}

fn write_ids(order: &[&SourceRow]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut end = 0u32;
    for length in std::iter::once(0).chain(order.iter().map(|row| row.id.len() as u32)) {
        end += length;
        bytes.extend_from_slice(&end.to_le_bytes());
    }
    order
        .iter()
        .for_each(|row| bytes.extend_from_slice(row.id.as_bytes()));
    bytes
}

fn write_payload(order: &[&SourceRow]) -> Vec<u8> {
    if order
        .iter()
        .all(|row| row.metadata.is_none() && row.content.is_none())
    {
        return Vec::new();
    }
    let (mut offsets, mut records) = (vec![0u64], Vec::new());
    for row in order {
        if row.metadata.is_some() || row.content.is_some() {
            let (metadata, content) = (
                row.metadata.as_deref().unwrap_or(""),
                row.content.as_deref().unwrap_or(""),
            );
            records.push(u8::from(row.metadata.is_some()) | u8::from(row.content.is_some()) << 1);
            records.extend_from_slice(&(metadata.len() as u32).to_le_bytes());
            records.extend_from_slice(metadata.as_bytes());
            records.extend_from_slice(content.as_bytes());
        }
        offsets.push(records.len() as u64);
    }
    let mut bytes: Vec<u8> = offsets
        .iter()
        .flat_map(|offset| offset.to_le_bytes())
        .collect();
    bytes.extend_from_slice(&records);
    bytes
}

/// Places the sections, hashes the chunks, writes the opening block before them.
fn assemble(
    mut opening: Opening,
    clusters: Vec<u8>,
    bodies: Vec<(Section, Vec<u8>, usize)>,
) -> Result<Built, BuildError> {
    let body_end = bodies.iter().fold(0usize, |end, (_, bytes, _)| {
        end.next_multiple_of(PAGE) + bytes.len()
    });
    let chunks = body_end.div_ceil(CHUNK_BYTES);
    let clusters_offset = Opening::clusters_offset(bodies.len() + 1, chunks);
    let open_len = (clusters_offset + clusters.len()).next_multiple_of(PAGE);
    if open_len > OPEN_LENGTH_MAX {
        return Err(BuildError::TooLarge);
    }
    let mut bytes = vec![0; open_len];
    bytes.reserve_exact(body_end);
    opening.sections.push(Entry {
        section: Section::Clusters,
        offset: clusters_offset as u64,
        length: clusters.len() as u64,
        count: opening.clusters as u64,
    });
    for (section, body, count) in bodies {
        bytes.resize(bytes.len().next_multiple_of(PAGE), 0);
        opening.sections.push(Entry {
            section,
            offset: bytes.len() as u64,
            length: body.len() as u64,
            count: count as u64,
        });
        bytes.extend_from_slice(&body);
    }
    opening.open_len = open_len;
    opening.file_len = bytes.len() as u64;
    opening.digests = bytes[open_len..]
        .chunks(CHUNK_BYTES)
        .map(|chunk| *blake3::hash(chunk).as_bytes())
        .collect();
    let head = opening.write();
    bytes[..head.len()].copy_from_slice(&head);
    bytes[clusters_offset..][..clusters.len()].copy_from_slice(&clusters);
    let name = *blake3::hash(&bytes[..open_len]).as_bytes();
    Ok(Built {
        bytes,
        name,
        open_len,
    })
}
