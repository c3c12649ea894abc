//! Metadata by columns: which rows have which value under which dotted path.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::SegmentError;
use crate::cursor::{Cursor, write_text};
use crate::row_set::{Bitmap, read_set, skip_set, write_set};

/// A value that a filter can compare.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "those of JSON")]
pub enum Scalar {
    Null,
    False,
    True,
    Number(f64),
    Text(String),
}

impl Scalar {
    /// Of a JSON value that is no list and no object.
    pub fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(false) => Self::False,
            Value::Bool(true) => Self::True,
            // -0 and 0 are one value; so are numbers that JSON writes differently.
            Value::Number(number) => Self::Number(number.as_f64()? + 0.0),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(_) | Value::Object(_) => return None,
        })
    }

    const fn tag(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::False => 1,
            Self::True => 2,
            Self::Number(_) => 3,
            Self::Text(_) => 4,
        }
    }
}

impl Eq for Scalar {}

impl Ord for Scalar {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => self.tag().cmp(&other.tag()),
        }
    }
}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Every path of an object with the value there, lists and objects included. A key with a dot, or an empty one, cannot be
/// told by a dotted path.
pub fn walk_paths(object: &Map<String, Value>, visit: &mut impl FnMut(&str, &Value)) {
    walk(object, String::new(), visit);
}

fn walk(object: &Map<String, Value>, prefix: String, visit: &mut impl FnMut(&str, &Value)) {
    for (key, value) in object {
        if key.is_empty() || key.contains('.') {
            continue;
        }
        let path = format!("{prefix}{key}");
        visit(&path, value);
        if let Value::Object(inner) = value {
            walk(inner, format!("{path}."), visit);
        }
    }
}

#[derive(Default)]
struct Gathered {
    present: Vec<u32>,
    values: BTreeMap<Scalar, Vec<u32>>,
    /// Whether a row may have more than one value, or one that is no number.
    is_mixed: bool,
}

const DICTIONARY: u8 = 0;
const NUMBERS: u8 = 1;
const NUMBER_BLOCK: usize = 1024;

/// The section, and how many columns it has; empty where no row has metadata. `rows`: in order of their numbers.
pub(crate) fn write_columns(rows: &[Option<Map<String, Value>>]) -> (Vec<u8>, usize) {
    let mut columns: BTreeMap<String, Gathered> = BTreeMap::new();
    for (row, metadata) in rows.iter().enumerate() {
        let Some(metadata) = metadata else { continue };
        walk_paths(metadata, &mut |path, value| {
            let column = match columns.get_mut(path) {
                Some(column) => column,
                None => columns.entry(path.to_owned()).or_default(),
            };
            column.add(row as u32, value);
        });
    }
    let mut bytes = (columns.len() as u32).to_le_bytes().to_vec();
    for (path, column) in &columns {
        column.write(path, rows.len(), &mut bytes);
    }
    if rows.iter().all(Option::is_none) {
        bytes.clear();
    }
    (bytes, columns.len())
}

impl Gathered {
    fn add(&mut self, row: u32, value: &Value) {
        self.present.push(row);
        self.is_mixed |= !value.is_number();
        let elements = match value {
            Value::Array(elements) => elements.as_slice(),
            one => std::slice::from_ref(one),
        };
        for scalar in elements.iter().filter_map(Scalar::of) {
            let rows = self.values.entry(scalar).or_default();
            // A list may hold a value twice.
            if rows.last() != Some(&row) {
                rows.push(row);
            }
        }
    }

    fn write(&self, path: &str, total: usize, bytes: &mut Vec<u8>) {
        write_text(path, bytes);
        if !self.is_mixed && self.values.len() > total / 8 {
            bytes.push(NUMBERS);
            write_set(&self.present, total, bytes);
            self.write_numbers(total, bytes);
            return;
        }
        bytes.push(DICTIONARY);
        write_set(&self.present, total, bytes);
        bytes.extend_from_slice(&(self.values.len() as u32).to_le_bytes());
        for (value, rows) in &self.values {
            bytes.push(value.tag());
            match value {
                Scalar::Number(number) => bytes.extend_from_slice(&number.to_le_bytes()),
                Scalar::Text(text) => write_text(text, bytes),
                Scalar::Null | Scalar::False | Scalar::True => {}
            }
            write_set(rows, total, bytes);
        }
    }

    fn write_numbers(&self, total: usize, bytes: &mut Vec<u8>) {
        let mut numbers = vec![f64::NAN; total];
        for (value, rows) in &self.values {
            if let Scalar::Number(number) = value {
                rows.iter().for_each(|row| numbers[*row as usize] = *number);
            }
        }
        for block in numbers.chunks(NUMBER_BLOCK) {
            let (low, high) = extremes(block);
            bytes.extend_from_slice(&low.to_le_bytes());
            bytes.extend_from_slice(&high.to_le_bytes());
        }
        numbers
            .iter()
            .for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
    }
}

fn extremes(block: &[f64]) -> (f64, f64) {
    block
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| {
            (low.min(*number), high.max(*number))
        })
}

/// Where the columns of a segment lie in its section; their values stay there.
#[derive(Debug, Default)]
pub struct Columns {
    columns: BTreeMap<String, Column>,
}

#[derive(Debug)]
struct Column {
    present: usize,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// Each value and where its rows are.
    Dictionary(Vec<(Scalar, usize)>),
    /// Where the extremes begin.
    Numbers(usize),
}

impl Columns {
    pub(crate) fn read(bytes: &[u8], rows: usize, count: usize) -> Result<Self, SegmentError> {
        Self::try_read(bytes, rows, count).ok_or(SegmentError::Columns)
    }

    fn try_read(bytes: &[u8], rows: usize, count: usize) -> Option<Self> {
        let mut cursor = Cursor::new(bytes, 0);
        if cursor.number()? as usize != count {
            return None;
        }
        let mut columns: BTreeMap<String, Column> = BTreeMap::new();
        for _ in 0..count {
            let path = cursor.text()?.to_owned();
            let form = cursor.byte()?;
            let present = cursor.at();
            skip_set(&mut cursor, rows)?;
            let form = match form {
                DICTIONARY => Form::Dictionary(read_dictionary(&mut cursor, rows)?),
                NUMBERS => {
                    let at = cursor.at();
                    cursor.take(rows.div_ceil(NUMBER_BLOCK) * 16 + rows * 8)?;
                    Form::Numbers(at)
                }
                _ => return None,
            };
            if columns
                .last_key_value()
                .is_some_and(|(last, _)| *last >= path)
            {
                return None;
            }
            columns.insert(path, Column { present, form });
        }
        cursor.is_at_end().then_some(Self { columns })
    }

    /// Rows that have something under a path.
    pub(crate) fn present(
        &self,
        bytes: &[u8],
        path: &str,
        rows: usize,
    ) -> Result<Bitmap, SegmentError> {
        let mut found = Bitmap::none(rows);
        if let Some(column) = self.columns.get(path) {
            read_set(&mut Cursor::new(bytes, column.present), &mut found)
                .ok_or(SegmentError::Columns)?;
        }
        Ok(found)
    }

    /// Rows of which a value passes a test.
    pub(crate) fn matching(
        &self,
        bytes: &[u8],
        path: &str,
        rows: usize,
        test: &dyn Fn(&Scalar) -> bool,
    ) -> Result<Bitmap, SegmentError> {
        let mut found = Bitmap::none(rows);
        match self.columns.get(path).map(|column| &column.form) {
            None => {}
            Some(Form::Dictionary(values)) => {
                for (_, at) in values.iter().filter(|(value, _)| test(value)) {
                    read_set(&mut Cursor::new(bytes, *at), &mut found)
                        .ok_or(SegmentError::Columns)?;
                }
            }
            Some(Form::Numbers(at)) => {
                let numbers = at + rows.div_ceil(NUMBER_BLOCK) * 16;
                let cursor = &mut Cursor::new(bytes, numbers);
                for row in 0..rows {
                    let number = cursor.float().ok_or(SegmentError::Columns)?;
                    if !number.is_nan() && test(&Scalar::Number(number)) {
                        found.insert(row);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Reads everything that queries read one by one.
    pub(crate) fn verify(&self, bytes: &[u8], rows: usize) -> Result<(), SegmentError> {
        for (path, column) in &self.columns {
            let present = self.present(bytes, path, rows)?;
            let with_value = self.matching(bytes, path, rows, &|_| true)?;
            let mut absent = with_value;
            absent.and_not(&present);
            if absent.count() > 0 {
                return Err(SegmentError::Columns);
            }
            if let Form::Numbers(at) = column.form {
                verify_extremes(bytes, at, rows)?;
            }
        }
        Ok(())
    }
}

fn read_dictionary(cursor: &mut Cursor<'_>, rows: usize) -> Option<Vec<(Scalar, usize)>> {
    let count = cursor.number()?;
    let mut values: Vec<(Scalar, usize)> = Vec::new();
    for _ in 0..count {
        let value = match cursor.byte()? {
            0 => Scalar::Null,
            1 => Scalar::False,
            2 => Scalar::True,
            3 => Scalar::Number(cursor.float().filter(|number| number.is_finite())?),
            4 => Scalar::Text(cursor.text()?.to_owned()),
            _ => return None,
        };
        if values.last().is_some_and(|(last, _)| *last >= value) {
            return None;
        }
        values.push((value, cursor.at()));
        skip_set(cursor, rows)?;
    }
    Some(values)
}

fn verify_extremes(bytes: &[u8], at: usize, rows: usize) -> Result<(), SegmentError> {
    let mut stored = Cursor::new(bytes, at);
    let mut numbers = Cursor::new(bytes, at + rows.div_ceil(NUMBER_BLOCK) * 16);
    for from in (0..rows).step_by(NUMBER_BLOCK) {
        let block: Option<Vec<f64>> = (from..rows.min(from + NUMBER_BLOCK))
            .map(|_| numbers.float())
            .collect();
        let (low, high) = extremes(&block.ok_or(SegmentError::Columns)?);
        if stored.float() != Some(low) || stored.float() != Some(high) {
            return Err(SegmentError::Columns);
        }
    }
    Ok(())
}
