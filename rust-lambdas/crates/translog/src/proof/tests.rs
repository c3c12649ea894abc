use super::*;
use crate::edge::Edge;
use crate::plain_twin;
use std::collections::BTreeMap;

struct Log {
    leaves: Vec<Hash>,
    tiles: BTreeMap<(u8, u64), Vec<Hash>>,
}

/// Every tile at its widest; a narrower one is a part of it.
fn log(size: usize) -> Log {
    let leaves: Vec<Hash> = (0..size)
        .map(|index| hash::leaf(&index.to_le_bytes()))
        .collect();
    let mut tiles = BTreeMap::new();
    let mut row = leaves.clone();
    for level in 0.. {
        if row.is_empty() {
            break;
        }
        for (index, tile) in row.chunks(256).enumerate() {
            tiles.insert((level, index as u64), tile.to_vec());
        }
        row = row.chunks_exact(256).map(plain_twin::root).collect();
    }
    Log { leaves, tiles }
}

impl Log {
    fn prove(&self, claim: Claim) -> Vec<Hash> {
        let tiles = claim.tiles().unwrap();
        let bytes = tiles
            .iter()
            .map(|tile| self.tiles[&(tile.level, tile.index)][..usize::from(tile.width)].concat());
        claim.prove(&bytes.collect::<Vec<_>>().concat()).unwrap()
    }
}

#[test]
fn proves_inclusion_as_the_plain_twin_at_all_sizes_up_to_1_100() {
    let log = log(1_100);
    for size in 1..=1_100_usize {
        let leaves = &log.leaves[..size];
        let root = plain_twin::root(leaves);
        // All places of the small trees; of larger ones the places where tiles and powers of two meet.
        let places = (0..size).filter(|index| {
            size <= 40
                || index % 127 == size % 127
                || [0, 255, 256, 511, 512, 1023, size - 1].contains(index)
        });
        for index in places {
            let proof = log.prove(Claim::Inclusion {
                index: index as u64,
                size: size as u64,
            });
            assert_eq!(proof, plain_twin::path(index, leaves), "{index} of {size}");
            let verify = |index, size, proof: &[Hash]| {
                verify_inclusion(&leaves[index as usize], index, size, &root, proof)
            };
            assert_eq!(verify(index as u64, size as u64, &proof), Ok(()));
        }
    }
}

#[test]
fn proves_consistency_as_the_plain_twin_at_all_sizes_up_to_1_100() {
    let log = log(1_100);
    let roots: Vec<Hash> = (0..=1_100)
        .map(|size| plain_twin::root(&log.leaves[..size]))
        .collect();
    for new in 0..=1_100_usize {
        let olds = (0..=new).filter(|old| {
            new <= 40
                || old % 131 == new % 131
                || [0, 1, 255, 256, 257, 512, 1024, new].contains(old)
        });
        for old in olds {
            let proof = log.prove(Claim::Consistency {
                old: old as u64,
                new: new as u64,
            });
            assert_eq!(
                proof,
                plain_twin::consistency(old, &log.leaves[..new]),
                "{old} to {new}"
            );
            let verified =
                verify_consistency(old as u64, new as u64, &roots[old], &roots[new], &proof);
            assert_eq!(verified, Ok(()), "{old} to {new}");
        }
    }
}

#[test]
fn refuses_inclusion_when_anything_is_changed() {
    let log = log(300);
    for (index, size) in [
        (0, 1),
        (0, 2),
        (1, 2),
        (4, 7),
        (255, 256),
        (256, 257),
        (299, 300),
        (128, 300),
    ] {
        let root = plain_twin::root(&log.leaves[..size]);
        let (index, size) = (index as u64, size as u64);
        let proof = log.prove(Claim::Inclusion { index, size });
        let leaf = log.leaves[index as usize];
        let verify = |leaf: &Hash, index, size, root: &Hash, proof: &[Hash]| {
            verify_inclusion(leaf, index, size, root, proof)
        };
        assert_eq!(verify(&leaf, index, size, &root, &proof), Ok(()));
        for place in 0..proof.len() {
            let mut changed = proof.clone();
            changed[place][5] ^= 1;
            assert_eq!(
                verify(&leaf, index, size, &root, &changed),
                Err(Reject::Inclusion)
            );
            let mut short = proof.clone();
            short.remove(place);
            assert_eq!(
                verify(&leaf, index, size, &root, &short),
                Err(Reject::Inclusion)
            );
        }
        let mut long = proof.clone();
        long.push(leaf);
        assert_eq!(
            verify(&leaf, index, size, &root, &long),
            Err(Reject::Inclusion)
        );
        assert_eq!(
            verify(&[9; 32], index, size, &root, &proof),
            Err(Reject::Inclusion)
        );
        assert_eq!(
            verify(&leaf, index, size, &leaf_or(&root), &proof),
            Err(Reject::Inclusion)
        );
        assert_eq!(
            verify(&leaf, size, size, &root, &proof),
            Err(Reject::Inclusion)
        );
        if size > 2 {
            assert_eq!(
                verify(&leaf, index ^ 1, size, &root, &proof),
                Err(Reject::Inclusion)
            );
        }
    }
}

fn leaf_or(root: &Hash) -> Hash {
    let mut other = *root;
    other[31] ^= 0x80;
    other
}

#[test]
fn refuses_consistency_when_anything_is_changed() {
    let log = log(300);
    let root = |size: u64| plain_twin::root(&log.leaves[..size as usize]);
    for (old, new) in [
        (1, 2),
        (2, 3),
        (3, 7),
        (4, 7),
        (6, 8),
        (255, 257),
        (256, 300),
        (299, 300),
    ] {
        let proof = log.prove(Claim::Consistency { old, new });
        let verify = |old_root: &Hash, new_root: &Hash, proof: &[Hash]| {
            verify_consistency(old, new, old_root, new_root, proof)
        };
        assert_eq!(verify(&root(old), &root(new), &proof), Ok(()));
        for place in 0..proof.len() {
            let mut changed = proof.clone();
            changed[place][5] ^= 1;
            assert_eq!(
                verify(&root(old), &root(new), &changed),
                Err(Reject::Consistency)
            );
            let mut short = proof.clone();
            short.remove(place);
            assert_eq!(
                verify(&root(old), &root(new), &short),
                Err(Reject::Consistency)
            );
        }
        let mut long = proof.clone();
        long.push(root(old));
        assert_eq!(
            verify(&root(old), &root(new), &long),
            Err(Reject::Consistency)
        );
        assert_eq!(
            verify(&leaf_or(&root(old)), &root(new), &proof),
            Err(Reject::Consistency)
        );
        assert_eq!(
            verify(&root(old), &leaf_or(&root(new)), &proof),
            Err(Reject::Consistency)
        );
        assert_eq!(
            verify_consistency(new, old, &root(new), &root(old), &proof),
            Err(Reject::Consistency)
        );
    }
    let (empty, one) = (hash::EMPTY_ROOT, root(1));
    assert_eq!(verify_consistency(0, 1, &empty, &one, &[]), Ok(()));
    assert_eq!(
        verify_consistency(0, 1, &one, &one, &[]),
        Err(Reject::Consistency)
    );
    assert_eq!(
        verify_consistency(0, 1, &empty, &one, &[one]),
        Err(Reject::Consistency)
    );
    assert_eq!(
        verify_consistency(1, 1, &one, &one, &[one]),
        Err(Reject::Consistency)
    );
    assert_eq!(
        verify_consistency(1, 1, &one, &empty, &[]),
        Err(Reject::Consistency)
    );
    assert_eq!(
        verify_consistency(0, 0, &one, &one, &[]),
        Err(Reject::Consistency)
    );
}

#[test]
fn refuses_claims_that_make_no_sense_and_tiles_that_do_not_fit() {
    for claim in [
        Claim::Inclusion { index: 1, size: 1 },
        Claim::Inclusion { index: 0, size: 0 },
        Claim::Inclusion {
            index: 0,
            size: u64::MAX,
        },
        Claim::Consistency { old: 2, new: 1 },
    ] {
        assert_eq!(claim.tiles(), Err(Reject::Malformed));
    }
    let claim = Claim::Inclusion { index: 0, size: 2 };
    for tiles in [&[0; 32][..], &[0; 65], &[0; 96]] {
        assert_eq!(claim.prove(tiles), Err(Reject::Malformed));
    }
}

#[test]
fn an_edge_and_a_proof_of_70_000_entries_agree() {
    let entries: Vec<Vec<u8>> = (0..70_000_u64)
        .map(|index| index.to_le_bytes().to_vec())
        .collect();
    let borrowed: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let growth = Edge::empty().grow(&[], &borrowed).unwrap();
    let files: BTreeMap<String, Vec<u8>> = growth.files.into_iter().collect();
    for index in [0, 255, 256, 65_535, 65_536, 69_999] {
        let claim = Claim::Inclusion {
            index,
            size: 70_000,
        };
        let tiles: Vec<u8> = claim
            .tiles()
            .unwrap()
            .iter()
            .flat_map(|tile| files[&tile.to_string()].clone())
            .collect();
        let proof = claim.prove(&tiles).unwrap();
        let leaf = hash::leaf(&entries[index as usize]);
        assert_eq!(
            verify_inclusion(&leaf, index, 70_000, &growth.edge.root(), &proof),
            Ok(())
        );
    }
}
