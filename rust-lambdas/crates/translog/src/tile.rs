//! Tiles: 256 hashes of one level side by side, and the entries under those of level 0 as bundles (C2SP `tlog-tiles`).
//!
//! Tile n of level l has the roots of the complete subtrees of height 8l that begin at leaf (256n + i)·256^l. The tile at
//! the right edge is partial, 1 to 255 wide; wider ones begin with the same bytes.

use std::fmt;

use crate::{Hash, Reject, hash};

/// Hashes in a full tile, entries in a full bundle.
pub const WIDTH: usize = 256;

/// Levels above 7 would need more than 2^63 entries.
pub const LEVELS: u8 = 8;

/// Bytes of one entry at most: its length is written in 16 bits.
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// A tile by its place; `width` is 1..=256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// 0 has leaf hashes.
    pub level: u8,
    /// From the left.
    pub index: u64,
    /// Hashes in it.
    pub width: u16,
}

impl Tile {
    /// Tile `index` of `level` in a tree of `size`; none where the tree has no hash for it.
    pub fn of(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = hashes_at(level, size);
        let left = hashes.checked_sub(index.checked_mul(WIDTH as u64)?)?;
        let width = left.min(WIDTH as u64) as u16;
        (width > 0).then_some(Self {
            level,
            index,
            width,
        })
    }

    /// The path of the bundle with the entries under a tile of level 0.
    pub fn bundle_path(&self) -> String {
        format!("tile/entries/{}", self.place())
    }

    fn place(&self) -> String {
        let mut rest = self.index / 1000;
        let mut place = format!("{:03}", self.index % 1000);
        while rest > 0 {
            place = format!("x{:03}/{place}", rest % 1000);
            rest /= 1000;
        }
        if usize::from(self.width) < WIDTH {
            place.push_str(&format!(".p/{}", self.width));
        }
        place
    }
}

/// The path below the log's prefix: `tile/0/x001/x234/067.p/12`.
impl fmt::Display for Tile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "tile/{}/{}", self.level, self.place())
    }
}

/// How many hashes all tiles of `level` have together in a tree of `size`.
pub fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

/// A complete subtree: `height`, and its place among those of that height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    pub(crate) height: u8,
    pub(crate) index: u64,
}

impl Node {
    /// Level and index of the tile that has it, and the hashes of that tile that it covers.
    pub(crate) fn place(self) -> (u8, u64, std::ops::Range<usize>) {
        let (level, inner) = (self.height / 8, u32::from(self.height % 8));
        let first = self.index << inner;
        let start = (first % WIDTH as u64) as usize;
        (level, first / WIDTH as u64, start..start + (1 << inner))
    }
}

/// A bundle from its entries.
pub fn write_bundle<'e>(entries: impl IntoIterator<Item = &'e [u8]>) -> Result<Vec<u8>, Reject> {
    let mut bundle = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| Reject::Malformed)?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Ok(bundle)
}

/// The entries of a bundle, which has nothing else.
pub fn read_bundle(mut bundle: &[u8]) -> Result<Vec<&[u8]>, Reject> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let (length, rest) = bundle.split_first_chunk().ok_or(Reject::Malformed)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, rest) = rest.split_at_checked(length).ok_or(Reject::Malformed)?;
        entries.push(entry);
        bundle = rest;
    }
    Ok(entries)
}

/// The hash of `node`, from the hashes of the tile that has it.
pub(crate) fn hash_in(tile: &[Hash], node: Node) -> Result<Hash, Reject> {
    let (_, _, covered) = node.place();
    Ok(hash::complete(tile.get(covered).ok_or(Reject::Malformed)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_paths_of_the_specification() {
        let tile = |level, index, width| Tile {
            level,
            index,
            width,
        };
        assert_eq!(tile(0, 1_234_067, 256).to_string(), "tile/0/x001/x234/067");
        assert_eq!(tile(2, 0, 1).to_string(), "tile/2/000.p/1");
        assert_eq!(tile(0, 273, 112).bundle_path(), "tile/entries/273.p/112");
    }

    #[test]
    fn counts_the_tiles_of_70_000_entries_as_the_specification_does() {
        assert_eq!(Tile::of(0, 272, 70_000).map(|tile| tile.width), Some(256));
        assert_eq!(Tile::of(0, 273, 70_000).map(|tile| tile.width), Some(112));
        assert_eq!(Tile::of(0, 274, 70_000), None);
        assert_eq!(Tile::of(1, 0, 70_000).map(|tile| tile.width), Some(256));
        assert_eq!(Tile::of(1, 1, 70_000).map(|tile| tile.width), Some(17));
        assert_eq!(Tile::of(2, 0, 70_000).map(|tile| tile.width), Some(1));
        assert_eq!(Tile::of(3, 0, 70_000), None);
        assert_eq!(Tile::of(1, 0, 256).map(|tile| tile.width), Some(1));
    }

    #[test]
    fn reads_the_bundles_that_it_writes_and_no_part_of_one() {
        let entries: [&[u8]; 3] = [b"one", b"", &[7; 65_535]];
        let bundle = write_bundle(entries).unwrap();
        assert_eq!(read_bundle(&bundle).unwrap(), entries);
        assert_eq!(
            read_bundle(&bundle[..bundle.len() - 1]),
            Err(Reject::Malformed)
        );
        assert_eq!(read_bundle(&[0]), Err(Reject::Malformed));
        assert_eq!(write_bundle([&[0; 65_536][..]]), Err(Reject::Malformed));
    }
}
