//! Sets of rows: a list or a bitmap, whichever is shorter.

use crate::cursor::Cursor;
use crate::layout::u32_at;

/// A bit for each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    rows: usize,
}

impl Bitmap {
    /// No row is in it.
    pub fn none(rows: usize) -> Self {
        Self {
            words: vec![0; rows.div_ceil(64)],
            rows,
        }
    }

    /// Every row is in it.
    pub fn all(rows: usize) -> Self {
        let mut bitmap = Self {
            words: vec![u64::MAX; rows.div_ceil(64)],
            rows,
        };
        bitmap.trim();
        bitmap
    }

    /// Bits behind the last row stay zero, so that words can be counted.
    fn trim(&mut self) {
        if let Some(last) = self.words.last_mut()
            && !self.rows.is_multiple_of(64)
        {
            *last &= (1 << (self.rows % 64)) - 1;
        }
    }

    /// How many rows there are to be in it.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether a row is in it.
    pub fn has(&self, row: usize) -> bool {
        self.words[row / 64] >> (row % 64) & 1 == 1
    }

    /// Adds a row; whether it was new.
    pub fn insert(&mut self, row: usize) -> bool {
        let (word, bit) = (&mut self.words[row / 64], 1 << (row % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Takes a row out.
    pub fn remove(&mut self, row: usize) {
        self.words[row / 64] &= !(1 << (row % 64));
    }

    /// How many are in it.
    pub fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Rows that are in both.
    pub fn and(&mut self, other: &Self) {
        self.words
            .iter_mut()
            .zip(&other.words)
            .for_each(|(word, other)| *word &= other);
    }

    /// Rows that are in one of them.
    pub fn or(&mut self, other: &Self) {
        self.words
            .iter_mut()
            .zip(&other.words)
            .for_each(|(word, other)| *word |= other);
    }

    /// Rows that are in this one alone.
    pub fn and_not(&mut self, other: &Self) {
        self.words
            .iter_mut()
            .zip(&other.words)
            .for_each(|(word, other)| *word &= !other);
    }

    /// The others.
    pub fn inverted(mut self) -> Self {
        self.words.iter_mut().for_each(|word| *word = !*word);
        self.trim();
        self
    }

    /// The bits of 32 rows, `block` × 32 on.
    pub fn block(&self, block: usize) -> u32 {
        (self.words[block / 2] >> (block % 2 * 32)) as u32
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                (left != 0).then(|| {
                    let bit = left.trailing_zeros() as usize;
                    left &= left - 1;
                    at * 64 + bit
                })
            })
        })
    }
}

const LIST: u8 = 0;
const BITMAP: u8 = 1;

/// `rows`: ascending.
pub(crate) fn write_set(rows: &[u32], total: usize, bytes: &mut Vec<u8>) {
    let bitmap_bytes = total.div_ceil(8);
    let is_list = rows.len() * 4 <= bitmap_bytes;
    bytes.push(if is_list { LIST } else { BITMAP });
    bytes.extend_from_slice(&(rows.len() as u32).to_le_bytes());
    if is_list {
        rows.iter()
            .for_each(|row| bytes.extend_from_slice(&row.to_le_bytes()));
        return;
    }
    let from = bytes.len();
    bytes.resize(from + bitmap_bytes, 0);
    for row in rows {
        bytes[from + *row as usize / 8] |= 1 << (row % 8);
    }
}

/// Adds the rows of a written set to a bitmap; none if the bytes are not what [`write_set`] writes.
pub(crate) fn read_set(cursor: &mut Cursor<'_>, into: &mut Bitmap) -> Option<()> {
    let (form, count) = (cursor.byte()?, cursor.number()? as usize);
    let total = into.rows();
    let bitmap_bytes = total.div_ceil(8);
    match form {
        LIST if count.checked_mul(4)? <= bitmap_bytes => {
            let list = cursor.take(count * 4)?;
            let mut above = None;
            for at in 0..count {
                let row = u32_at(list, at * 4) as usize;
                if row >= total || above.is_some_and(|above| row <= above) {
                    return None;
                }
                above = Some(row);
                into.insert(row);
            }
            Some(())
        }
        BITMAP if count.checked_mul(4)? > bitmap_bytes => {
            let bits = cursor.take(bitmap_bytes)?;
            let mut found = 0;
            for (at, byte) in bits.iter().enumerate() {
                let mut left = *byte;
                while left != 0 {
                    let row = at * 8 + left.trailing_zeros() as usize;
                    left &= left - 1;
                    found += 1;
                    if row >= total {
                        return None;
                    }
                    into.insert(row);
                }
            }
            (found == count).then_some(())
        }
        _ => None,
    }
}

/// Steps over a set without looking at its rows.
pub(crate) fn skip_set(cursor: &mut Cursor<'_>, total: usize) -> Option<()> {
    let (form, count) = (cursor.byte()?, cursor.number()? as usize);
    let length = match form {
        LIST => count.checked_mul(4)?,
        BITMAP => total.div_ceil(8),
        _ => return None,
    };
    cursor.take(length).map(drop)
}
