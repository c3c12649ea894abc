//! Views against a plain twin: rows in a list, scored one by one in `f64` or by the same kernel.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use kernels::{Metric, SplitMix64, dot, l2sq};
use proptest::prelude::*;
use search::{Certainty, Filter, Mode, Plan, Search, SharedSegment, View, Write};
use segments::{RowType, Segment, Shape, prepare, words};
use serde_json::{Value, json};

const METRICS: [Metric; 4] = [
    Metric::Cosine,
    Metric::DotProduct,
    Metric::Euclidean,
    Metric::SquaredEuclidean,
];

struct Draws(SplitMix64);

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        (self.0.draw() % bound as u64) as usize
    }

    fn float(&mut self) -> f32 {
        (self.0.draw() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    fn row(&mut self, dimension: usize) -> Vec<f32> {
        (0..dimension).map(|_| self.float()).collect()
    }
}

/// The twin: what is live, by id.
#[derive(Default)]
struct Twin(BTreeMap<String, (Vec<f32>, Value, String)>);

impl Twin {
    fn apply(&mut self, writes: &[Write]) {
        for write in writes {
            match write {
                Write::Vector {
                    id,
                    values,
                    metadata,
                    content,
                    ..
                } => {
                    let metadata = serde_json::from_str(metadata.as_deref().unwrap()).unwrap();
                    self.0.insert(
                        id.clone(),
                        (values.clone(), metadata, content.clone().unwrap()),
                    );
                }
                Write::Gone { id, .. } => {
                    self.0.remove(id);
                }
                Write::GoneWhere { filter, .. } => {
                    self.0
                        .retain(|_, (_, metadata, _)| !filter.allows(metadata.as_object()));
                }
            }
        }
    }

    /// (score, id), best first.
    fn nearest(
        &self,
        shape: &Shape,
        query: &[f32],
        k: usize,
        filter: Option<&Filter>,
    ) -> Vec<String> {
        let unrounded = Shape {
            row_type: RowType::F32,
            ..*shape
        };
        let query = prepare(&unrounded, query).unwrap().values;
        let mut all: Vec<(f32, &String)> = Vec::new();
        for (id, (values, metadata, _)) in &self.0 {
            if filter.is_some_and(|filter| !filter.allows(metadata.as_object())) {
                continue;
            }
            let row = prepare(shape, values).unwrap().values;
            let rank = match shape.metric {
                Metric::Cosine | Metric::DotProduct => dot(&query, &row),
                Metric::Euclidean | Metric::SquaredEuclidean => -l2sq(&query, &row),
            };
            all.push((rank, id));
        }
        all.sort_by(|(a, one), (b, other)| b.total_cmp(a).then(one.cmp(other)));
        all.into_iter().take(k).map(|(_, id)| id.clone()).collect()
    }

    fn by_words(&self, text: &str, k: usize) -> Vec<(String, f64)> {
        let lists: BTreeMap<&String, Vec<String>> = self
            .0
            .iter()
            .map(|(id, (_, _, text))| (id, words(text)))
            .collect();
        let n = lists.len() as f64;
        let average = lists.values().map(Vec::len).sum::<usize>() as f64 / n;
        let mut terms: BTreeMap<String, f64> = BTreeMap::new();
        words(text)
            .into_iter()
            .for_each(|word| *terms.entry(word).or_default() += 1.0);
        let mut scores: BTreeMap<&String, f64> = BTreeMap::new();
        for (term, times) in terms {
            let df = lists.values().filter(|list| list.contains(&term)).count() as f64;
            let idf = (1.0 + (n - df + 0.5) / (df + 0.5)).ln() * times;
            for (id, list) in &lists {
                let tf = list.iter().filter(|word| **word == term).count() as f64;
                if tf > 0.0 {
                    let part = tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * list.len() as f64 / average));
                    *scores.entry(id).or_default() += idf * part;
                }
            }
        }
        let mut all: Vec<(String, f64)> = scores
            .into_iter()
            .map(|(id, score)| (id.clone(), score))
            .collect();
        all.sort_by(|(one, a), (other, b)| b.total_cmp(a).then(one.cmp(other)));
        all.truncate(k);
        all
    }
}

fn shape(metric: Metric, dimension: usize, row_type: RowType) -> Shape {
    Shape {
        metric,
        dimension,
        row_type,
        has_text: true,
        rotation_key: 0,
    }
}

fn search<'q>(values: &'q [f32], k: usize, plan: Plan) -> Search<'q> {
    Search {
        mode: Mode::Dense,
        values,
        text: "",
        k,
        filter: None,
        exact: false,
        report: true,
        weights: (1.0, 1.0),
        min_dense_score: None,
        min_lexical_score: None,
        plan,
    }
}

/// Everything through the cascade, however few rows there are.
fn cascade(candidates_min: usize) -> Plan {
    Plan {
        exact_rows_max: 0,
        exact_share: 0.0,
        candidates_min,
        ..Plan::default()
    }
}

fn open(view: &View, seq: u64) -> SharedSegment {
    let built = view.build(7, 0, seq).unwrap();
    Arc::new(Mutex::new(
        Segment::open(Box::new(built.bytes), built.name, built.open_len).unwrap(),
    ))
}

fn writes(draws: &mut Draws, dimension: usize, count: usize, seq: &mut u64) -> Vec<Write> {
    const WORDS: [&str; 6] = ["ant", "bee", "cat", "dog", "elk", "fox"];
    (0..count)
        .map(|_| {
            *seq += 1;
            let id = format!("id-{:03}", draws.below(120));
            match draws.below(20) {
                0 => Write::Gone { seq: *seq, id },
                1 => {
                    let filter = Filter::read(&json!({ "group": draws.below(40) })).unwrap();
                    Write::GoneWhere { seq: *seq, filter }
                }
                _ => {
                    let text: Vec<&str> = (0..draws.below(9)).map(|_| WORDS[draws.below(6)]).collect();
                    let metadata = json!({ "group": draws.below(40), "tags": [draws.below(3), "x"], "deep": { "a": draws.float() } });
                    // Few distinct rows now and then, so that ties are common.
                    let values = if draws.below(4) == 0 { vec![1.0; dimension] } else { draws.row(dimension) };
                    Write::Vector { seq: *seq, id, values, metadata: Some(metadata.to_string()), content: Some(text.join(" ")) }
                }
            }
        })
        .collect()
}

/// A view of up to three segments and a delta that says the same as its twin.
fn grown(draws: &mut Draws, shape: Shape) -> (View, Twin) {
    let (mut twin, mut seq, mut segments) = (Twin::default(), 0, Vec::new());
    for _ in 0..draws.below(4) {
        let count = 1 + draws.below(150);
        let batch = writes(draws, shape.dimension, count, &mut seq);
        let mut alone = View::open(shape, Vec::new()).unwrap();
        alone.append(batch.clone()).unwrap();
        let mut over = View::open(shape, segments.clone()).unwrap();
        over.append(batch.clone()).unwrap();
        for ((_, tombstones), dead) in segments.iter_mut().zip(over.tombstones()) {
            *tombstones = dead;
        }
        twin.apply(&batch);
        if alone.count(None).unwrap() > 0 {
            segments.push((open(&alone, seq), Vec::new()));
        }
    }
    let mut view = View::open(shape, segments).unwrap();
    let batch = writes(draws, shape.dimension, 60, &mut seq);
    view.append(batch.clone()).unwrap();
    twin.apply(&batch);
    (view, twin)
}

fn ids(view: &mut View, search: &Search<'_>) -> Vec<String> {
    view.search(search)
        .unwrap()
        .hits
        .into_iter()
        .map(|hit| hit.id)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn prop_says_what_its_twin_says(seed in any::<u64>(), dimension in 1usize..80, k in 1usize..30) {
        let mut draws = Draws(SplitMix64(seed));
        let row_type = [RowType::F16, RowType::F32][draws.below(2)];
        let shape = shape(METRICS[draws.below(4)], dimension, row_type);
        let (mut view, twin) = grown(&mut draws, shape);
        prop_assert_eq!(view.count(None).unwrap(), twin.0.len());
        prop_assert_eq!(view.ids("", None, 1000).unwrap(), twin.0.keys().cloned().collect::<Vec<_>>());
        let query = draws.row(dimension);
        let expected = twin.nearest(&shape, &query, k, None);

        let exact = Search { exact: true, ..search(&query, k, Plan::default()) };
        prop_assert_eq!(ids(&mut view, &exact), expected.clone());
        prop_assert_eq!(ids(&mut view, &search(&query, k, Plan::default())), expected.clone());

        // Through the codes: whatever says that it is bounded is what brute force says.
        for room in [1, 40, 1000] {
            let found = view.search(&search(&query, k, cascade(room))).unwrap();
            let report = found.report.unwrap();
            prop_assert!((0.0..=1.0).contains(&report.expected_recall));
            if report.certainty != Certainty::Estimated {
                let found: Vec<String> = found.hits.into_iter().map(|hit| hit.id).collect();
                prop_assert_eq!(found, expected.clone());
            }
        }

        for filter in [
            json!({ "group": { "$lt": 20 } }),
            json!({ "tags": 1, "deep.a": { "$gte": 0 } }),
            json!({ "$or": [{ "group": { "$in": [1, 2, 3] } }, { "$not": { "tags": { "$ne": 2 } } }] }),
            json!({ "absent": { "$exists": false }, "tags": "x" }),
        ] {
            let filter = Filter::read(&filter).unwrap();
            let expected = twin.nearest(&shape, &query, k, Some(&filter));
            let filtered = Search { filter: Some(filter.clone()), ..search(&query, k, Plan::default()) };
            prop_assert_eq!(ids(&mut view, &filtered), expected);
            let count = twin.0.values().filter(|(_, metadata, _)| filter.allows(metadata.as_object())).count();
            prop_assert_eq!(view.count(Some(&filter)).unwrap(), count);
        }
    }

    #[test]
    fn prop_words_score_alike_however_rows_lie(seed in any::<u64>(), k in 1usize..40) {
        let mut draws = Draws(SplitMix64(seed));
        let (mut view, twin) = grown(&mut draws, shape(Metric::Cosine, 3, RowType::F16));
        let text = "Bee, fox fox zebra";
        let lexical = Search { mode: Mode::Lexical, text, ..search(&[], k, Plan::default()) };
        let found: Vec<(String, f64)> = view.search(&lexical).unwrap().hits.into_iter().map(|hit| (hit.id, hit.score)).collect();
        let expected = twin.by_words(text, k);
        prop_assert_eq!(found.len(), expected.len());
        for ((id, score), (expected_id, expected_score)) in found.iter().zip(&expected) {
            prop_assert!((score - expected_score).abs() < 1e-9, "{id} {expected_id}");
        }
        // One segment of all rows gives the same bits.
        if view.count(None).unwrap() > 0 {
            let one = open(&view, 1 << 40);
            let mut compacted = View::open(*view.shape(), vec![(one, Vec::new())]).unwrap();
            let again: Vec<(String, f64)> = compacted.search(&lexical).unwrap().hits.into_iter().map(|hit| (hit.id, hit.score)).collect();
            prop_assert_eq!(again, found);
        }
    }

    #[test]
    fn prop_compaction_changes_nothing(seed in any::<u64>(), dimension in 1usize..70) {
        let mut draws = Draws(SplitMix64(seed));
        let row_type = [RowType::F16, RowType::F32][draws.below(2)];
        let shape = shape(METRICS[draws.below(4)], dimension, row_type);
        let (mut view, _) = grown(&mut draws, shape);
        prop_assume!(view.count(None).unwrap() > 0);
        let query = draws.row(dimension);
        let mut compacted = View::open(shape, vec![(open(&view, 1 << 40), Vec::new())]).unwrap();
        let exact = Search { exact: true, ..search(&query, 20, Plan::default()) };
        let (before, after) = (view.search(&exact).unwrap().hits, compacted.search(&exact).unwrap().hits);
        prop_assert_eq!(before.len(), after.len());
        for (one, other) in before.iter().zip(&after) {
            prop_assert_eq!((&one.id, one.score.to_bits()), (&other.id, other.score.to_bits()));
            prop_assert_eq!(view.stored(one).unwrap(), compacted.stored(other).unwrap());
            prop_assert_eq!(compacted.look_up(&one.id).unwrap(), Some(compacted.stored(other).unwrap()));
        }
    }
}
