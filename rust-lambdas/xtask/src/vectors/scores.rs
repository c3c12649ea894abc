use kernels::{Metric, score_scalar};
use serde_json::{Value, json};

/// Scores come from the plain twins. Components are small multiples of 1/8, so that ties are real ones.
pub fn cases() -> Vec<Value> {
    let metrics = [
        ("cosine", Metric::Cosine),
        ("dot_product", Metric::DotProduct),
        ("euclidean", Metric::Euclidean),
        ("squared_euclidean", Metric::SquaredEuclidean),
    ];
    let mut state = 1u64;
    let mut next = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % 17) as f32 / 8.0 - 1.0
    };
    let mut cases = Vec::new();
    for dimension in [1, 2, 7, 8, 31, 33, 65] {
        for (name, metric) in metrics {
            let query: Vec<f32> = (0..dimension).map(|_| next()).collect();
            let mut rows: Vec<Vec<f32>> = (0..9)
                .map(|_| (0..dimension).map(|_| next()).collect())
                .collect();
            rows.push(vec![0.0; dimension]);
            rows.push(rows[0].clone());
            for k in [1, 4, 20] {
                cases.push(case(name, metric, &query, &rows, k));
            }
        }
    }
    for (name, metric) in metrics {
        cases.push(case(
            name,
            metric,
            &[0.0, 0.0],
            &[vec![1.0, 0.0], vec![0.0, 0.0]],
            2,
        ));
        cases.push(case(name, metric, &[1.0, 2.0], &[], 3));
    }
    cases
}

fn case(name: &str, metric: Metric, query: &[f32], rows: &[Vec<f32>], k: usize) -> Value {
    let scores: Vec<f64> = rows
        .iter()
        .map(|row| score_scalar(metric, query, row))
        .collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| {
        (scores[*b] as f32)
            .total_cmp(&(scores[*a] as f32))
            .then(a.cmp(b))
    });
    order.truncate(k);
    let best: Vec<f32> = order.iter().map(|row| scores[*row] as f32).collect();
    json!({
        "metric": name,
        "query": query,
        "rows": rows,
        "k": k,
        "ok": { "rows": order, "scores": best },
    })
}
