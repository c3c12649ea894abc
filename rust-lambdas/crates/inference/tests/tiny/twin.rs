//! The same network in plain f64 loops: one text at a time, no batch, no padding, no mask.

use super::{HEADS, HIDDEN};
use model_shapes::{Linear, Norm, Weights};

type Rows = Vec<Vec<f64>>;

/// Last hidden state of one text.
pub fn forward(weights: &Weights, ids: &[u32]) -> Rows {
    let cell = |values: &[f32], row: usize, column: usize| f64::from(values[row * HIDDEN + column]);
    let start = ids.iter().enumerate().map(|(position, id)| {
        let sum = |column| {
            cell(&weights.words.values, *id as usize, column)
                + cell(&weights.positions.values, position, column)
                + cell(&weights.types.values, 0, column)
        };
        normed(&weights.norm, &(0..HIDDEN).map(sum).collect::<Vec<_>>())
    });
    weights
        .layers
        .iter()
        .fold(start.collect(), |x: Rows, layer| {
            let project = |linear| x.iter().map(|row| applied(linear, row)).collect::<Rows>();
            let mixed = attend(
                &project(&layer.query),
                &project(&layer.key),
                &project(&layer.value),
            );
            let attended = x.iter().zip(&mixed).map(|(row, mixed)| {
                normed(
                    &layer.attention_norm,
                    &added(row, &applied(&layer.mixed, mixed)),
                )
            });
            attended
                .map(|row| {
                    let inner = applied(&layer.inner, &row)
                        .into_iter()
                        .map(gelu)
                        .collect::<Vec<_>>();
                    normed(
                        &layer.output_norm,
                        &added(&row, &applied(&layer.outer, &inner)),
                    )
                })
                .collect()
        })
}

pub fn pooled(name: &str, rows: &Rows) -> Vec<f64> {
    let column = |at: usize| rows.iter().map(move |row| row[at]);
    let vector = match name {
        "mean" => (0..HIDDEN)
            .map(|at| column(at).sum::<f64>() / rows.len() as f64)
            .collect(),
        "cls" => rows[0].clone(),
        "max" => (0..HIDDEN)
            .map(|at| column(at).fold(f64::NEG_INFINITY, f64::max))
            .collect(),
        "last" => rows[rows.len() - 1].clone(),
        _ => unreachable!("a pooling of the tests"),
    };
    let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    vector.into_iter().map(|value| value / norm).collect()
}

fn attend(query: &Rows, key: &Rows, value: &Rows) -> Rows {
    let size = HIDDEN / HEADS;
    let mut mixed = vec![vec![0.0; HIDDEN]; query.len()];
    for head in 0..HEADS {
        let columns = head * size..(head + 1) * size;
        for (row, out) in query.iter().zip(&mut mixed) {
            let score = |key: &Vec<f64>| {
                columns.clone().map(|at| row[at] * key[at]).sum::<f64>() / (size as f64).sqrt()
            };
            let scores = key.iter().map(score).collect::<Vec<_>>();
            let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let shares = scores
                .iter()
                .map(|score| (score - top).exp())
                .collect::<Vec<_>>();
            let sum = shares.iter().sum::<f64>();
            for at in columns.clone() {
                out[at] = shares
                    .iter()
                    .zip(value)
                    .map(|(share, row)| share / sum * row[at])
                    .sum();
            }
        }
    }
    mixed
}

fn applied(linear: &Linear, row: &[f64]) -> Vec<f64> {
    let columns = linear.weight.columns;
    let product = |column: usize| -> f64 {
        row.iter()
            .enumerate()
            .map(|(at, x)| x * f64::from(linear.weight.values[at * columns + column]))
            .sum()
    };
    (0..columns)
        .map(|column| product(column) + f64::from(linear.bias[column]))
        .collect()
}

fn normed(norm: &Norm, row: &[f64]) -> Vec<f64> {
    let mean = row.iter().sum::<f64>() / row.len() as f64;
    let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / row.len() as f64;
    let scale = |(at, x): (usize, &f64)| {
        (x - mean) / (variance + 1e-12).sqrt() * f64::from(norm.scale[at])
            + f64::from(norm.bias[at])
    };
    row.iter().enumerate().map(scale).collect()
}

fn added(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(x, y)| x + y).collect()
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2))
}

/// By its Taylor series, which is exact to f64 for the small arguments of this network; far out it is 1.
fn erf(x: f64) -> f64 {
    if x.abs() > 4.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}
