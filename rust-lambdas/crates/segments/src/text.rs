//! Words of texts, and the lists of rows that contain them.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::SegmentError;
use crate::cursor::{Cursor, write_varint};
use crate::layout::{u32_at, u64_at};

const TERM_BYTES_MAX: usize = 256;
const POSTING_BLOCK: usize = 128;

/// Unicode words after NFKC and lower case, cut to 256 bytes, in the order of the text.
pub fn words(text: &str) -> Vec<String> {
    let folded: String = text.nfkc().collect::<String>().to_lowercase();
    folded
        .unicode_words()
        .map(|word| word[..word.floor_char_boundary(TERM_BYTES_MAX)].to_owned())
        .collect()
}

/// A row that contains a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// Its number.
    pub row: u32,
    /// How often the term is there.
    pub frequency: u32,
}

/// Sections 13 and 14 and the number of terms.
pub(crate) fn write_text_index(contents: &[Option<&str>]) -> (Vec<u8>, Vec<u8>, usize) {
    let mut lengths = Vec::with_capacity(contents.len());
    let mut lists: BTreeMap<String, Vec<Posting>> = BTreeMap::new();
    for (row, content) in contents.iter().enumerate() {
        let words = content.map(words).unwrap_or_default();
        lengths.push(words.len() as u32);
        for word in words {
            let list = lists.entry(word).or_default();
            match list.last_mut() {
                Some(last) if last.row == row as u32 => last.frequency += 1,
                _ => list.push(Posting {
                    row: row as u32,
                    frequency: 1,
                }),
            }
        }
    }
    let mut postings: Vec<u8> = lengths
        .iter()
        .flat_map(|length: &u32| length.to_le_bytes())
        .collect();
    let (mut offsets, mut texts, mut entries) = (vec![0u32], String::new(), Vec::new());
    for (term, list) in &lists {
        texts.push_str(term);
        offsets.push(texts.len() as u32);
        let from = postings.len();
        write_postings(list, &lengths, &mut postings);
        entries.extend_from_slice(&(list.len() as u32).to_le_bytes());
        entries.extend_from_slice(&(from as u64).to_le_bytes());
        entries.extend_from_slice(&((postings.len() - from) as u32).to_le_bytes());
    }
    let mut terms = (lists.len() as u32).to_le_bytes().to_vec();
    offsets
        .iter()
        .for_each(|offset| terms.extend_from_slice(&offset.to_le_bytes()));
    terms.extend_from_slice(&entries);
    terms.extend_from_slice(texts.as_bytes());
    (terms, postings, lists.len())
}

fn write_postings(list: &[Posting], lengths: &[u32], bytes: &mut Vec<u8>) {
    let mut above = None;
    for block in list.chunks(POSTING_BLOCK) {
        let mut encoded = Vec::new();
        for posting in block {
            // From −1, so that the first row of all is a distance too.
            let distance = above.map_or(posting.row + 1, |above| posting.row - above);
            write_varint(distance, &mut encoded);
            write_varint(posting.frequency, &mut encoded);
            above = Some(posting.row);
        }
        let numbers = [
            block.last().map_or(0, |posting| posting.row),
            block
                .iter()
                .map(|posting| posting.frequency)
                .max()
                .unwrap_or(0),
            block
                .iter()
                .map(|posting| lengths[posting.row as usize])
                .min()
                .unwrap_or(0),
            encoded.len() as u32,
        ];
        numbers
            .iter()
            .for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        bytes.extend_from_slice(&encoded);
    }
}

/// Finds a term in section 13: how many rows contain it, and where in section 14 they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TermIndex<'b> {
    bytes: &'b [u8],
    count: usize,
}

impl<'b> TermIndex<'b> {
    pub(crate) fn read(bytes: &'b [u8], count: usize) -> Result<Self, SegmentError> {
        let index = Self { bytes, count };
        let is_whole = bytes.len() >= 4
            && u32_at(bytes, 0) as usize == count
            && bytes.len() >= index.texts_at();
        if is_whole {
            Ok(index)
        } else {
            Err(SegmentError::Terms)
        }
    }

    fn entries_at(&self) -> usize {
        4 + 4 * (self.count + 1)
    }

    fn texts_at(&self) -> usize {
        self.entries_at() + 16 * self.count
    }

    pub(crate) fn term(&self, at: usize) -> Result<&'b [u8], SegmentError> {
        let offset = |at: usize| u32_at(self.bytes, 4 + 4 * at) as usize;
        self.bytes[self.texts_at()..]
            .get(offset(at)..offset(at + 1))
            .ok_or(SegmentError::Terms)
    }

    /// (rows, offset, bytes)
    pub(crate) fn entry(&self, at: usize) -> (u32, u64, u32) {
        let entry = self.entries_at() + 16 * at;
        (
            u32_at(self.bytes, entry),
            u64_at(self.bytes, entry + 4),
            u32_at(self.bytes, entry + 12),
        )
    }

    pub(crate) fn find(&self, term: &str) -> Result<Option<usize>, SegmentError> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.term(middle)?.cmp(term.as_bytes()) {
                std::cmp::Ordering::Equal => return Ok(Some(middle)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// Terms ascend and nothing is behind them.
    pub(crate) fn verify(&self) -> Result<(), SegmentError> {
        let texts = self.bytes.len() - self.texts_at();
        let ends =
            u32_at(self.bytes, 4) == 0 && u32_at(self.bytes, 4 + 4 * self.count) as usize == texts;
        let mut last: Option<&[u8]> = None;
        for at in 0..self.count {
            let term = self.term(at)?;
            let is_above = last.is_none_or(|last| last < term);
            if !is_above || term.is_empty() || std::str::from_utf8(term).is_err() {
                return Err(SegmentError::Terms);
            }
            last = Some(term);
        }
        if ends {
            Ok(())
        } else {
            Err(SegmentError::Terms)
        }
    }
}

/// The rows of a term. `bytes`: its part of section 14; `lengths`: the words of all rows.
pub(crate) fn read_postings(
    bytes: &[u8],
    count: u32,
    rows: usize,
) -> Result<Vec<Posting>, SegmentError> {
    try_read_postings(bytes, count, rows).ok_or(SegmentError::Postings)
}

fn try_read_postings(bytes: &[u8], count: u32, rows: usize) -> Option<Vec<Posting>> {
    let mut cursor = Cursor::new(bytes, 0);
    let mut list: Vec<Posting> = Vec::new();
    while list.len() < count as usize {
        let (last, highest, _) = (cursor.number()?, cursor.number()?, cursor.number()?);
        let length = cursor.number()? as usize;
        let end = cursor.at().checked_add(length)?;
        for _ in 0..POSTING_BLOCK.min(count as usize - list.len()) {
            let distance = cursor.varint()?;
            let row = match list.last() {
                Some(above) => above.row.checked_add(distance)?,
                None => distance.checked_sub(1)?,
            };
            let frequency = cursor.varint()?;
            if distance == 0 || row as usize >= rows || frequency == 0 || frequency > highest {
                return None;
            }
            list.push(Posting { row, frequency });
        }
        if cursor.at() != end || list.last()?.row != last {
            return None;
        }
    }
    cursor.is_at_end().then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_cut_where_unicode_says() {
        assert_eq!(
            words("The ﬁrst, (2nd) naïve STRASSE: can't."),
            ["the", "first", "2nd", "naïve", "strasse", "can't"]
        );
        assert_eq!(
            words("Ｆｕｌｌ ½ Ünïcode"),
            ["full", "1⁄2", "ünïcode"].map(str::to_owned).to_vec()
        );
        assert!(words(" .,;! ").is_empty());
        assert_eq!(words(&"ä".repeat(400))[0].len(), 256);
    }
}
