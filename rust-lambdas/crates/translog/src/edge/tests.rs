use super::*;
use crate::plain_twin;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// Grows a log by `step` entries at a time, as a store of files would see it.
fn grown(size: u64, step: u64) -> (Edge, BTreeMap<String, Vec<u8>>) {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut edge = Edge::empty();
    while edge.size() < size {
        let from = edge.size();
        let to = size.min(from + step);
        let entries: Vec<Vec<u8>> = (from..to).map(entry).collect();
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        let bundle = Edge::tiles(from)
            .first()
            .filter(|tile| tile.level == 0)
            .map_or(Vec::new(), |tile| files[&tile.bundle_path()].clone());
        let growth = edge.grow(&bundle, &entries).unwrap();
        for (path, bytes) in growth.files {
            assert_eq!(files.insert(path.clone(), bytes), None, "{path}");
        }
        let tiles: Vec<u8> = Edge::tiles(to)
            .iter()
            .flat_map(|tile| files[&tile.to_string()].clone())
            .collect();
        edge = Edge::read(to, &tiles).unwrap();
        assert_eq!(edge, growth.edge);
    }
    (edge, files)
}

#[test]
fn has_the_root_of_the_plain_twin_at_every_size_up_to_1_100() {
    let leaves: Vec<Hash> = (0..1_100).map(|index| hash::leaf(&entry(index))).collect();
    let mut edge = Edge::empty();
    assert_eq!(edge.root(), plain_twin::root(&[]));
    let mut files = Vec::new();
    for (index, leaf) in leaves.iter().enumerate() {
        edge.push(*leaf, &mut files);
        assert_eq!(edge.root(), plain_twin::root(&leaves[..=index]), "{index}");
    }
}

#[test]
fn writes_full_tiles_and_the_partial_ones_of_the_last_size() {
    let (_, files) = grown(70_000, 70_000);
    let count = |prefix: &str| files.keys().filter(|path| path.starts_with(prefix)).count();
    assert_eq!(
        (
            count("tile/0/"),
            count("tile/entries/"),
            count("tile/1/"),
            count("tile/2/")
        ),
        (274, 274, 2, 1)
    );
    for path in [
        "tile/0/273.p/112",
        "tile/entries/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ] {
        assert!(files.contains_key(path), "{path}");
    }
    assert_eq!(files.keys().filter(|path| path.contains(".p/")).count(), 4);
}

#[test]
fn refuses_an_edge_or_bundle_that_is_not_the_tree() {
    let (edge, files) = grown(3, 3);
    assert_eq!(Edge::read(3, &[0; 64]), Err(Reject::Malformed));
    assert_eq!(Edge::read(3, &[0; 65]), Err(Reject::Malformed));
    assert_eq!(
        Edge::read(2, &files["tile/0/000.p/3"]),
        Err(Reject::Malformed)
    );
    assert_eq!(edge.clone().grow(&[], &[]), Err(Reject::Malformed));
    let mut bundle = files["tile/entries/000.p/3"].clone();
    bundle[2] ^= 1;
    assert_eq!(edge.clone().grow(&bundle, &[]), Err(Reject::Malformed));
    bundle[2] ^= 1;
    let too_long = [0; 65_536];
    assert_eq!(edge.grow(&bundle, &[&too_long]), Err(Reject::Malformed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn prop_any_steps_lead_to_the_same_full_tiles_and_root(size in 0u64..1_400, step in 1u64..700) {
        let (one, at_once) = grown(size, size.max(1));
        let (other, in_steps) = grown(size, step);
        prop_assert_eq!(one.root(), other.root());
        for (path, bytes) in at_once {
            prop_assert_eq!(in_steps.get(&path), Some(&bytes));
        }
    }
}
