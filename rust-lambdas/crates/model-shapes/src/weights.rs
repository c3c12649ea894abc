//! Numbers of a network, drawn.

use crate::Shape;
use crate::random::SplitMix64;

/// `rows x columns`, row-major.
#[allow(missing_docs, reason = "the names say it")]
pub struct Matrix {
    pub rows: usize,
    pub columns: usize,
    pub values: Vec<f32>,
}

/// `x * weight + bias`.
#[allow(missing_docs, reason = "the names say it")]
pub struct Linear {
    pub weight: Matrix,
    pub bias: Vec<f32>,
}

/// Of a layer norm.
#[allow(missing_docs, reason = "the names say it")]
pub struct Norm {
    pub scale: Vec<f32>,
    pub bias: Vec<f32>,
}

/// One layer of the encoder.
#[allow(missing_docs, reason = "the names are those of the architecture")]
pub struct Layer {
    pub query: Linear,
    pub key: Linear,
    pub value: Linear,
    pub mixed: Linear,
    pub attention_norm: Norm,
    pub inner: Linear,
    pub outer: Linear,
    pub output_norm: Norm,
}

/// A whole network.
#[allow(missing_docs, reason = "the names are those of the architecture")]
pub struct Weights {
    pub shape: Shape,
    pub words: Matrix,
    pub positions: Matrix,
    pub types: Matrix,
    pub norm: Norm,
    pub layers: Vec<Layer>,
}

impl Weights {
    /// All numbers in one order from one seed: normal x 0.02, scales of norms around 1.
    pub fn draw(shape: Shape, seed: u64) -> Self {
        let mut random = SplitMix64(seed);
        let hidden = shape.hidden;
        Self {
            shape,
            words: matrix(&mut random, shape.vocabulary, hidden),
            positions: matrix(&mut random, shape.positions, hidden),
            types: matrix(&mut random, 2, hidden),
            norm: norm(&mut random, hidden),
            layers: (0..shape.layers)
                .map(|_| layer(&mut random, shape))
                .collect(),
        }
    }
}

fn layer(random: &mut SplitMix64, shape: Shape) -> Layer {
    let (hidden, inner) = (shape.hidden, shape.feed_forward);
    Layer {
        query: linear(random, hidden, hidden),
        key: linear(random, hidden, hidden),
        value: linear(random, hidden, hidden),
        mixed: linear(random, hidden, hidden),
        attention_norm: norm(random, hidden),
        inner: linear(random, hidden, inner),
        outer: linear(random, inner, hidden),
        output_norm: norm(random, hidden),
    }
}

fn linear(random: &mut SplitMix64, from: usize, to: usize) -> Linear {
    Linear {
        weight: matrix(random, from, to),
        bias: numbers(random, to, 0.0),
    }
}

fn norm(random: &mut SplitMix64, size: usize) -> Norm {
    Norm {
        scale: numbers(random, size, 1.0),
        bias: numbers(random, size, 0.0),
    }
}

fn matrix(random: &mut SplitMix64, rows: usize, columns: usize) -> Matrix {
    Matrix {
        rows,
        columns,
        values: numbers(random, rows * columns, 0.0),
    }
}

fn numbers(random: &mut SplitMix64, count: usize, around: f64) -> Vec<f32> {
    (0..count)
        .map(|_| (around + random.normal() * 0.02) as f32)
        .collect()
}
