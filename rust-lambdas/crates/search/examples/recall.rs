//! Recall, expected recall, times and bytes of the cascade on the sets T and H:
//! `cargo run --release -p search --example recall -- [--rows N] [--seed N] [--queries N]`, JSON to the line.
//!
//! recall@10 = |returned and exact| / 10; exact is brute force in `f64` over the rows as they were given.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use datasets::{DIMENSION, Hidden, Set, Topics, rows};
use kernels::Metric;
use search::{Filter, Mode, Plan, Search, View};
use segments::{Prepared, RowType, Segment, Shape, SourceRow, build, prepare};
use serde_json::json;

const K: usize = 10;
/// Query rows are far from those that were put in.
const QUERIES_FROM: u64 = 1 << 32;

struct Options {
    rows: usize,
    seed: u64,
    queries: usize,
}

fn main() {
    let options = read_options();
    let topics = Topics::new(options.seed, 300);
    let hidden = Hidden::new(options.seed);
    for (name, set) in [("T", &topics as &dyn Set), ("H", &hidden as &dyn Set)] {
        measure(name, set, &options);
    }
}

fn read_options() -> Options {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, unless: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.map_or(unless, |at| arguments[at + 1].parse().expect("a number"))
    };
    let clock = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(1, |time| time.as_nanos() as u64);
    Options {
        rows: number("--rows", 10_000) as usize,
        seed: number("--seed", clock % 1_000_000),
        queries: number("--queries", 500) as usize,
    }
}

fn measure(name: &str, set: &dyn Set, options: &Options) {
    let Options {
        rows: count,
        seed,
        queries,
    } = *options;
    let values = rows(set, 0, count);
    let asked = rows(set, QUERIES_FROM, queries);
    let shape = Shape {
        metric: Metric::Cosine,
        dimension: DIMENSION,
        row_type: RowType::F16,
        has_text: false,
        rotation_key: seed,
    };
    let source = source_rows(&shape, &values, set);
    let began = Instant::now();
    let built = build(&shape, 1, count as u64, &source).expect("rows that fit");
    let rate = count as f64 / began.elapsed().as_secs_f64();
    drop(source);
    let payload = json!({ "set": name, "rows": count, "seed": seed, "open_len": built.open_len });
    println!(
        "{}",
        json!({ "build": payload, "rows_per_s": rate.round(), "bytes_a_row": built.bytes.len() / count })
    );

    let segment =
        Segment::open(Box::new(built.bytes), built.name, built.open_len).expect("our own segment");
    let mut view =
        View::open(shape, vec![(Arc::new(Mutex::new(segment)), Vec::new())]).expect("one segment");
    let exact: Vec<HashSet<usize>> = asked
        .chunks_exact(DIMENSION)
        .map(|query| brute(&values, query, |_| true))
        .collect();
    let wide = |rerank: usize, last_level: usize| Plan {
        exact_rows_max: 0,
        rerank_min: rerank,
        keep4_min: if last_level == 1 {
            rerank
        } else {
            50.max(rerank)
        },
        candidates_min: if last_level == 0 { rerank } else { 250 },
        rows_a_candidate: if last_level == 0 { usize::MAX } else { 2000 },
        last_level,
        ..Plan::default()
    };
    let plans = [
        (
            "default",
            Plan {
                exact_rows_max: 0,
                ..Plan::default()
            },
        ),
        ("392 B, rerank 20", wide(20, 2)),
        ("200 B, rerank 50", wide(50, 1)),
        ("56 B, rerank 500", wide(500, 0)),
    ];
    for (plan_name, plan) in plans {
        let line = run(&mut view, &asked, &exact, plan, None);
        println!(
            "{}",
            json!({ "set": name, "rows": count, "seed": seed, "plan": plan_name, "recall": line })
        );
    }
    let filters = [
        ("50 %", json!({ "random": { "$lt": 500 } }), 500),
        ("10 %", json!({ "random": { "$lt": 100 } }), 100),
        ("1 %", json!({ "random": { "$lt": 10 } }), 10),
        ("0.1 %", json!({ "random": { "$lt": 1 } }), 1),
    ];
    for (filter_name, filter, below) in filters {
        let allowed = |row: usize| random_of(row) < below;
        let exact: Vec<HashSet<usize>> = asked
            .chunks_exact(DIMENSION)
            .map(|query| brute(&values, query, allowed))
            .collect();
        let filter = Filter::read(&filter).expect("a filter");
        let line = run(
            &mut view,
            &asked,
            &exact,
            Plan {
                exact_rows_max: 0,
                ..Plan::default()
            },
            Some(filter),
        );
        println!(
            "{}",
            json!({ "set": name, "rows": count, "filter": filter_name, "recall": line })
        );
    }
}

fn source_rows(shape: &Shape, values: &[f32], set: &dyn Set) -> Vec<SourceRow> {
    let source = |(row, values): (usize, &[f32])| {
        let prepared: Prepared = prepare(shape, values).expect("a unit row");
        let metadata = json!({ "random": random_of(row), "topic": set.topic(row as u64) });
        SourceRow {
            id: row.to_string(),
            row: prepared,
            metadata: Some(metadata.to_string()),
            content: None,
        }
    };
    values
        .chunks_exact(DIMENSION)
        .enumerate()
        .map(source)
        .collect()
}

/// 0 to 999 without a pattern.
fn random_of(row: usize) -> usize {
    (row as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(17) as usize
        % 1000
}

fn brute(values: &[f32], query: &[f32], allowed: impl Fn(usize) -> bool) -> HashSet<usize> {
    let mut best: Vec<(f64, usize)> = Vec::with_capacity(K + 1);
    for (row, values) in values.chunks_exact(DIMENSION).enumerate() {
        if !allowed(row) {
            continue;
        }
        let mut sums = [0f64; 8];
        for (x, y) in values
            .as_chunks::<8>()
            .0
            .iter()
            .zip(query.as_chunks::<8>().0)
        {
            for lane in 0..8 {
                sums[lane] += f64::from(x[lane]) * f64::from(y[lane]);
            }
        }
        let score: f64 = sums.iter().sum();
        if best.len() < K || score > best[K - 1].0 {
            let at = best.partition_point(|(other, _)| *other >= score);
            best.insert(at, (score, row));
            best.truncate(K);
        }
    }
    best.into_iter().map(|(_, row)| row).collect()
}

fn run(
    view: &mut View,
    asked: &[f32],
    exact: &[HashSet<usize>],
    plan: Plan,
    filter: Option<Filter>,
) -> serde_json::Value {
    let search = |values, report| Search {
        mode: Mode::Dense,
        values,
        text: "",
        k: K,
        filter: filter.clone(),
        exact: false,
        report,
        weights: (1.0, 1.0),
        min_dense_score: None,
        min_lexical_score: None,
        plan,
    };
    let (mut found, mut wanted, mut expected, mut times) = (0, 0, 0.0, Vec::new());
    for (query, exact) in asked.chunks_exact(DIMENSION).zip(exact) {
        let report = view.search(&search(query, true)).expect("an answer").report;
        expected += report.map_or(0.0, |report| report.expected_recall);
        let began = Instant::now();
        let hits = view.search(&search(query, false)).expect("an answer").hits;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        let is_exact =
            |hit: &&search::Hit| hit.id.parse().is_ok_and(|row: usize| exact.contains(&row));
        found += hits.iter().filter(is_exact).count();
        wanted += exact.len();
    }
    times.sort_by(f64::total_cmp);
    let round = |x: f64| (x * 10_000.0).round() / 10_000.0;
    json!({
        "recall": round(found as f64 / wanted.max(1) as f64),
        "expected": round(expected / exact.len() as f64),
        "ms_p50": round(times[times.len() / 2]),
    })
}
