//! `shared/vectors/segments`: golden files of each dimension, metric and row type, and damaged ones, each with its own code.
//! Rows come by formula, so that every build can make the golden files itself.

use kernels::Metric;
use segments::{
    Built, RowType, Section, Segment, SegmentError, Shape, SourceRow, build, prepare, verify,
};
use serde_json::{Value, json};

/// The cases and, by their names, the files.
pub fn cases() -> (Vec<Value>, Vec<(String, Vec<u8>)>) {
    let (mut cases, mut files) = (Vec::new(), Vec::new());
    for golden in GOLDEN {
        let built = golden.build();
        let file = format!("{}.segment", golden.name);
        let Shape {
            metric,
            dimension,
            row_type,
            has_text,
            ..
        } = golden.shape();
        cases.push(json!({
            "kind": "golden",
            "file": file,
            "name": super::hex(&built.name),
            "open_len": built.open_len,
            "metric": name_of(metric),
            "dimension": dimension,
            "rows": match row_type { RowType::None => "none", RowType::F16 => "f16", RowType::F32 => "f32" },
            "text": has_text,
            "row_count": golden.rows,
            "rotation_key": format!("{ROTATION_KEY:016x}"),
        }));
        files.push((file, built.bytes));
    }
    for (code, change) in DAMAGES {
        let damaged = change();
        let found = outcome(&damaged);
        assert_eq!(
            found.map_err(SegmentError::code),
            Err(*code),
            "the damage `{code}`"
        );
        let file = format!(
            "damaged-{}.segment",
            code.trim_start_matches("segment.").replace('_', "-")
        );
        let (name, open_len) = (super::hex(&damaged.name), damaged.open_len);
        cases.push(json!({ "kind": "damaged", "file": file, "name": name, "open_len": open_len, "code": code }));
        files.push((file, damaged.bytes));
    }
    (cases, files)
}

const ROTATION_KEY: u64 = 0x0123_4567_89ab_cdef;

struct Golden {
    name: &'static str,
    dimension: usize,
    metric: Metric,
    row_type: RowType,
    has_text: bool,
    rows: usize,
}

const GOLDEN: &[Golden] = &[
    golden("d1-cosine-f32", 1, Metric::Cosine, RowType::F32, false, 3),
    golden(
        "d3-dot-product-f16",
        3,
        Metric::DotProduct,
        RowType::F16,
        true,
        33,
    ),
    golden(
        "d3-euclidean-none",
        3,
        Metric::Euclidean,
        RowType::None,
        true,
        1,
    ),
    golden(
        "d64-euclidean-f32",
        64,
        Metric::Euclidean,
        RowType::F32,
        true,
        65,
    ),
    golden(
        "d64-squared-euclidean-f16",
        64,
        Metric::SquaredEuclidean,
        RowType::F16,
        false,
        31,
    ),
    golden(
        "d384-cosine-f16",
        384,
        Metric::Cosine,
        RowType::F16,
        true,
        5,
    ),
    golden(
        "d384-cosine-none",
        384,
        Metric::Cosine,
        RowType::None,
        false,
        32,
    ),
    golden(
        "d1000-dot-product-f32",
        1000,
        Metric::DotProduct,
        RowType::F32,
        false,
        2,
    ),
    golden(
        "d1000-squared-euclidean-none",
        1000,
        Metric::SquaredEuclidean,
        RowType::None,
        true,
        3,
    ),
    golden(
        "d4096-cosine-f16",
        4096,
        Metric::Cosine,
        RowType::F16,
        false,
        2,
    ),
];

const fn golden(
    name: &'static str,
    dimension: usize,
    metric: Metric,
    row_type: RowType,
    has_text: bool,
    rows: usize,
) -> Golden {
    Golden {
        name,
        dimension,
        metric,
        row_type,
        has_text,
        rows,
    }
}

impl Golden {
    fn shape(&self) -> Shape {
        Shape {
            metric: self.metric,
            dimension: self.dimension,
            row_type: self.row_type,
            has_text: self.has_text,
            rotation_key: ROTATION_KEY,
        }
    }

    fn build(&self) -> Built {
        let rows: Vec<SourceRow> = (0..self.rows)
            .map(|at| source_row(&self.shape(), at))
            .collect();
        build(&self.shape(), 1, self.rows as u64, &rows).expect("golden rows fit")
    }
}

/// Component j of row i is ((31 i + 17 j + 7 i j) mod 41 - 20) / 8; every third row has no metadata.
fn source_row(shape: &Shape, at: usize) -> SourceRow {
    let component = |j: usize| ((at * 31 + j * 17 + at * j * 7) % 41) as f32 / 8.0 - 2.5;
    let values: Vec<f32> = (0..shape.dimension).map(component).collect();
    let parity = if at.is_multiple_of(2) { "even" } else { "odd" };
    let metadata = format!(
        r#"{{"n":{at},"tags":["{parity}"],"deep":{{"a":{}}}}}"#,
        at as f64 / 4.0
    );
    SourceRow {
        id: format!("id-{at}"),
        row: prepare(shape, &values).expect("a row that fits"),
        metadata: (at % 3 != 2).then_some(metadata),
        content: shape.has_text.then(|| format!("Word{at} common")),
    }
}

fn name_of(metric: Metric) -> &'static str {
    match metric {
        Metric::Cosine => "cosine",
        Metric::DotProduct => "dot_product",
        Metric::Euclidean => "euclidean",
        Metric::SquaredEuclidean => "squared_euclidean",
    }
}

fn outcome(built: &Built) -> Result<(), SegmentError> {
    verify(&mut Segment::open(
        Box::new(built.bytes.clone()),
        built.name,
        built.open_len,
    )?)
}

type Damage = (&'static str, fn() -> Built);

const DAMAGES: &[Damage] = &[
    ("segment.truncated", || cut(|bytes| bytes.truncate(100))),
    ("segment.magic", || changed(0, b"s")),
    ("segment.newer", || changed(7, &[2])),
    ("segment.name", || changed(40, &[9])),
    ("segment.open_length", || {
        resealed(8, &8192u32.to_le_bytes())
    }),
    ("segment.dimension", || resealed(12, &4097u32.to_le_bytes())),
    ("segment.rows", || resealed(20, &0u32.to_le_bytes())),
    ("segment.metric", || resealed(24, &[4])),
    ("segment.row_type", || resealed(25, &[3])),
    ("segment.seq_range", || resealed(40, &1000u64.to_le_bytes())),
    ("segment.factor_scale", || resealed(56, &3f32.to_le_bytes())),
    ("segment.header_zeros", || resealed(100, &[1])),
    ("segment.section_table", || {
        resealed(128, &2u32.to_le_bytes())
    }),
    ("segment.section_codec", || {
        resealed(132, &1u32.to_le_bytes())
    }),
    ("segment.section_offset", || {
        resealed(128 + 32 + 8, &64u64.to_le_bytes())
    }),
    ("segment.section_length", || {
        resealed(128 + 32 + 16, &7u64.to_le_bytes())
    }),
    ("segment.file_length", || {
        cut(|bytes| bytes.truncate(bytes.len() - 1))
    }),
    ("segment.chunks", || resealed(60, &2u32.to_le_bytes())),
    ("segment.clusters", || {
        in_section(Section::Clusters, 4, &1u32.to_le_bytes())
    }),
    ("segment.chunk", || changed(5000, &[0x55])),
    ("segment.padding", || behind_section(Section::Bounds)),
    ("segment.plane0", || {
        in_section(Section::Plane0, 4 * 64 + 2, &[0xff])
    }),
    ("segment.factors", || {
        in_section(Section::Factors, 64, &0x7e00u16.to_le_bytes())
    }),
    ("segment.stored_rows", || {
        in_section(Section::Rows, 6, &1u16.to_le_bytes())
    }),
    ("segment.ids", || {
        in_section(Section::Ids, 4, &0u32.to_le_bytes())
    }),
    ("segment.id_hashes", || {
        in_section(Section::IdHashes, 0, &[0xff; 8])
    }),
    ("segment.columns", || {
        in_section(Section::Columns, 0, &9u32.to_le_bytes())
    }),
    ("segment.payload", || {
        in_section(Section::Payload, 8 * 34, &[7])
    }),
    ("segment.terms", || {
        in_section(Section::Terms, 0, &1u32.to_le_bytes())
    }),
    ("segment.postings", || {
        in_section(Section::Postings, 0, &50u32.to_le_bytes())
    }),
];

fn base() -> Built {
    GOLDEN[1].build()
}

/// Bytes that no digest covers any more.
fn changed(at: usize, bytes: &[u8]) -> Built {
    let mut built = base();
    built.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    built
}

fn cut(cut: fn(&mut Vec<u8>)) -> Built {
    let mut built = base();
    cut(&mut built.bytes);
    built
}

/// Bytes of the opening block that its name stands for.
fn resealed(at: usize, bytes: &[u8]) -> Built {
    reseal(changed(at, bytes))
}

fn in_section(section: Section, at: usize, bytes: &[u8]) -> Built {
    let opened = base();
    let segment =
        Segment::open(Box::new(opened.bytes), opened.name, opened.open_len).expect("a golden file");
    let entry = segment
        .opening()
        .entry(section)
        .expect("a section of the golden file");
    resealed(entry.offset as usize + at, bytes)
}

fn behind_section(section: Section) -> Built {
    let opened = base();
    let segment =
        Segment::open(Box::new(opened.bytes), opened.name, opened.open_len).expect("a golden file");
    let entry = segment
        .opening()
        .entry(section)
        .expect("a section of the golden file");
    resealed((entry.offset + entry.length) as usize, &[1])
}

/// Digests of the chunks as they are now, and the name of that.
fn reseal(mut built: Built) -> Built {
    let sections = usize::from(u16::from_le_bytes([built.bytes[26], built.bytes[27]]));
    let (block, body) = built.bytes.split_at_mut(built.open_len);
    for (at, chunk) in body.chunks(segments::CHUNK_BYTES).enumerate() {
        block[128 + 32 * (sections + at)..][..32].copy_from_slice(blake3::hash(chunk).as_bytes());
    }
    built.name = *blake3::hash(block).as_bytes();
    built
}
