//! The right edge of a tree is all that an append has to know: the partial tile of each level. From it follow the root and,
//! with new entries, every tile that is new.

use crate::tile::{LEVELS, Tile, WIDTH, hashes_at, read_bundle, write_bundle};
use crate::{Hash, Reject, hash};

/// The hashes of the partial tiles of a tree, by level; a level whose last tile is full has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

/// A file of the log that an append brings about: its path below the prefix, and its bytes.
pub type File = (String, Vec<u8>);

/// What an append did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// The edge afterwards.
    pub edge: Edge,
    /// Every tile and bundle that is full now or partial at the new size, where the append changed it.
    pub files: Vec<File>,
}

impl Edge {
    /// The edge of the tree without entries.
    pub fn empty() -> Self {
        Self {
            size: 0,
            levels: Vec::new(),
        }
    }

    /// The partial tiles that make up the edge of a tree of `size`, from level 0 upwards.
    pub fn tiles(size: u64) -> Vec<Tile> {
        (0..LEVELS)
            .filter_map(|level| Tile::of(level, hashes_at(level + 1, size), size))
            .collect()
    }

    /// Reads the bytes of [`Edge::tiles`], one behind the other.
    pub fn read(size: u64, tiles: &[u8]) -> Result<Self, Reject> {
        let mut hashes = hash::split(tiles).ok_or(Reject::Malformed)?;
        let mut levels = Vec::new();
        for level in 0..LEVELS {
            let width = (hashes_at(level, size) % WIDTH as u64) as usize;
            let (tile, rest) = hashes.split_at_checked(width).ok_or(Reject::Malformed)?;
            levels.push(tile.to_vec());
            hashes = rest;
        }
        if !hashes.is_empty() || size > i64::MAX as u64 {
            return Err(Reject::Malformed);
        }
        while levels.last().is_some_and(Vec::is_empty) {
            levels.pop();
        }
        Ok(Self { size, levels })
    }

    /// Entries in the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root hash: the complete subtrees of the edge, put together from the smallest, which is the rightmost.
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for level in &self.levels {
            let mut end = level.len();
            while end > 0 {
                let start = end & (end - 1);
                let left = hash::complete(&level[start..end]);
                root = Some(root.map_or(left, |right| hash::node(&left, &right)));
                end = start;
            }
        }
        root.unwrap_or(hash::EMPTY_ROOT)
    }

    /// Appends `entries`. `bundle` has the entries under the partial tile of level 0, which must be those of this edge.
    pub fn grow(self, bundle: &[u8], entries: &[&[u8]]) -> Result<Growth, Reject> {
        let kept = read_bundle(bundle)?;
        let leaves: Vec<Hash> = kept.iter().map(|entry| hash::leaf(entry)).collect();
        if leaves != self.levels.first().map_or(&[][..], Vec::as_slice) {
            return Err(Reject::Malformed);
        }
        let old_size = self.size;
        let mut edge = self;
        let mut files = Vec::new();
        let mut open = kept;
        for entry in entries {
            open.push(entry);
            if open.len() == WIDTH {
                let tile = full(0, edge.size / WIDTH as u64);
                files.push((tile.bundle_path(), write_bundle(open.drain(..))?));
            }
            edge.push(hash::leaf(entry), &mut files);
        }
        for tile in Self::tiles(edge.size) {
            if hashes_at(tile.level, old_size) == hashes_at(tile.level, edge.size) {
                continue;
            }
            files.push((
                tile.to_string(),
                edge.levels[usize::from(tile.level)].concat(),
            ));
            if tile.level == 0 {
                files.push((tile.bundle_path(), write_bundle(open.iter().copied())?));
            }
        }
        Ok(Growth { edge, files })
    }

    fn push(&mut self, leaf: Hash, files: &mut Vec<File>) {
        let mut carried = Some(leaf);
        let mut level = 0;
        while let Some(hash) = carried.take() {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let tile = &mut self.levels[level];
            tile.push(hash);
            if tile.len() == WIDTH {
                let index = hashes_at(level as u8 + 1, self.size);
                files.push((full(level as u8, index).to_string(), tile.concat()));
                carried = Some(hash::complete(tile));
                tile.clear();
            }
            level += 1;
        }
        self.size += 1;
    }
}

fn full(level: u8, index: u64) -> Tile {
    Tile {
        level,
        index,
        width: WIDTH as u16,
    }
}

#[cfg(test)]
mod tests;
