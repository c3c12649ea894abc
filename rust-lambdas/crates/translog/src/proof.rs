//! Proofs that an entry is in a tree and that one tree continues another (RFC 6962 sections 2.1.1 and 2.1.2), made from
//! tiles, verified from nothing but hashes.
//!
//! Both kinds are lists of subtree hashes. Which subtrees, the two recursions of the RFC say; each subtree is put together
//! from complete ones, and each complete one stands in, or folds out of, exactly one tile.

use std::collections::BTreeMap;

use crate::tile::{Node, Tile, hash_in};
use crate::{Hash, Reject, hash};

/// What is to be proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Entry `index` is in the tree of `size`.
    Inclusion {
        /// From 0.
        index: u64,
        /// Of the tree.
        size: u64,
    },
    /// The tree of `new` begins with the tree of `old`.
    Consistency {
        /// Size of the smaller tree.
        old: u64,
        /// Size of the larger one.
        new: u64,
    },
}

/// Leaves `start..end`.
#[derive(Debug, Clone, Copy)]
struct Range {
    start: u64,
    end: u64,
}

impl Range {
    /// Where the RFC splits it: behind the largest power of two below its length.
    fn halves(self) -> (Self, Self) {
        let length = self.end - self.start;
        let middle = self.start + (1 << (u64::BITS - 1 - (length - 1).leading_zeros()));
        let (start, end) = (self.start, self.end);
        (Self { start, end: middle }, Self { start: middle, end })
    }

    /// The complete subtrees it consists of, from the left.
    fn nodes(self) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut rest = self;
        while rest.start < rest.end {
            let height = (rest.end - rest.start).ilog2() as u8;
            nodes.push(Node {
                height,
                index: rest.start >> height,
            });
            rest.start += 1 << height;
        }
        nodes
    }
}

impl Claim {
    /// The tiles, in order, that [`Claim::prove`] needs; malformed when the claim makes no sense.
    pub fn tiles(self) -> Result<Vec<Tile>, Reject> {
        let size = self.size();
        let mut tiles = Vec::new();
        for range in self.ranges()? {
            for node in range.nodes() {
                let (level, index, _) = node.place();
                tiles.push(Tile::of(level, index, size).ok_or(Reject::Malformed)?);
            }
        }
        tiles.sort_unstable();
        tiles.dedup();
        Ok(tiles)
    }

    /// The proof, from the bytes of [`Claim::tiles`], one behind the other.
    pub fn prove(self, tiles: &[u8]) -> Result<Vec<Hash>, Reject> {
        let mut hashes = hash::split(tiles).ok_or(Reject::Malformed)?;
        let mut by_place = BTreeMap::new();
        for tile in self.tiles()? {
            let (own, rest) = hashes
                .split_at_checked(usize::from(tile.width))
                .ok_or(Reject::Malformed)?;
            by_place.insert((tile.level, tile.index), own);
            hashes = rest;
        }
        if !hashes.is_empty() {
            return Err(Reject::Malformed);
        }
        self.ranges()?
            .into_iter()
            .map(|range| {
                let mut root: Option<Hash> = None;
                for node in range.nodes().into_iter().rev() {
                    let (level, index, _) = node.place();
                    let tile = by_place.get(&(level, index)).ok_or(Reject::Malformed)?;
                    let left = hash_in(tile, node)?;
                    root = Some(root.map_or(left, |right| hash::node(&left, &right)));
                }
                root.ok_or(Reject::Malformed)
            })
            .collect()
    }

    fn size(self) -> u64 {
        match self {
            Self::Inclusion { size, .. } => size,
            Self::Consistency { new, .. } => new,
        }
    }

    fn ranges(self) -> Result<Vec<Range>, Reject> {
        if self.size() > i64::MAX as u64 {
            return Err(Reject::Malformed);
        }
        let mut ranges = Vec::new();
        match self {
            Self::Inclusion { index, size } if index < size => {
                path(
                    index,
                    Range {
                        start: 0,
                        end: size,
                    },
                    &mut ranges,
                );
            }
            Self::Consistency { old, new } if old <= new => {
                if old > 0 {
                    subproof(old, Range { start: 0, end: new }, true, &mut ranges);
                }
            }
            _ => return Err(Reject::Malformed),
        }
        Ok(ranges)
    }
}

/// PATH of the RFC.
fn path(index: u64, range: Range, proof: &mut Vec<Range>) {
    if range.end - range.start == 1 {
        return;
    }
    let (left, right) = range.halves();
    let (inner, sibling) = if index < left.end {
        (left, right)
    } else {
        (right, left)
    };
    path(index, inner, proof);
    proof.push(sibling);
}

/// SUBPROOF of the RFC: `is_known` says that the verifier has the hash of `range` cut at `old`, being the old root.
fn subproof(old: u64, range: Range, is_known: bool, proof: &mut Vec<Range>) {
    if old == range.end {
        if !is_known {
            proof.push(range);
        }
        return;
    }
    let (left, right) = range.halves();
    if old <= left.end {
        subproof(old, left, is_known, proof);
        proof.push(right);
    } else {
        subproof(old, right, false, proof);
        proof.push(left);
    }
}

/// Whether `leaf` is leaf `index` of the tree (RFC 9162 section 2.1.3.2).
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), Reject> {
    if index >= size {
        return Err(Reject::Inclusion);
    }
    let (mut place, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(Reject::Inclusion);
        }
        if place & 1 == 1 || place == last {
            hash = hash::node(sibling, &hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = hash::node(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == *root {
        Ok(())
    } else {
        Err(Reject::Inclusion)
    }
}

/// Whether the tree of `new` begins with that of `old` (RFC 9162 section 2.1.4.2). Anything continues the empty tree, and
/// the proof of that is empty.
pub fn verify_consistency(
    old: u64,
    new: u64,
    old_root: &Hash,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), Reject> {
    let accepted = |holds| {
        if holds {
            Ok(())
        } else {
            Err(Reject::Consistency)
        }
    };
    if old > new || (new == 0 && *new_root != hash::EMPTY_ROOT) {
        return Err(Reject::Consistency);
    }
    if old == new {
        return accepted(proof.is_empty() && old_root == new_root);
    }
    if old == 0 {
        return accepted(proof.is_empty() && *old_root == hash::EMPTY_ROOT);
    }
    // A complete old tree is itself the first subtree; the proof leaves it out.
    let (first, rest) = if old.is_power_of_two() {
        (*old_root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(Reject::Consistency)?;
        (*first, rest)
    };
    let shift = (old - 1).trailing_ones();
    let (mut place, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(Reject::Consistency);
        }
        if place & 1 == 1 || place == last {
            old_hash = hash::node(sibling, &old_hash);
            new_hash = hash::node(sibling, &new_hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = hash::node(&new_hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    accepted(last == 0 && old_hash == *old_root && new_hash == *new_root)
}

#[cfg(test)]
mod tests;
