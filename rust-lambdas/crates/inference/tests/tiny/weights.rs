use super::random::SplitMix64;
use super::{FEED_FORWARD, HIDDEN, LAYERS, POSITIONS, VOCABULARY};

/// `rows x columns`, row-major.
pub struct Matrix {
    pub rows: usize,
    pub columns: usize,
    pub values: Vec<f32>,
}

/// `x * weight + bias`.
pub struct Linear {
    pub weight: Matrix,
    pub bias: Vec<f32>,
}

pub struct Norm {
    pub scale: Vec<f32>,
    pub bias: Vec<f32>,
}

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

pub struct Weights {
    pub words: Matrix,
    pub positions: Matrix,
    pub types: Matrix,
    pub norm: Norm,
    pub layers: Vec<Layer>,
}

impl Weights {
    /// All numbers in one order from one seed: normal x 0.02, scales of norms around 1.
    pub fn draw() -> Self {
        let mut random = SplitMix64(1);
        Self {
            words: matrix(&mut random, VOCABULARY, HIDDEN),
            positions: matrix(&mut random, POSITIONS, HIDDEN),
            types: matrix(&mut random, 2, HIDDEN),
            norm: norm(&mut random),
            layers: (0..LAYERS).map(|_| layer(&mut random)).collect(),
        }
    }
}

fn layer(random: &mut SplitMix64) -> Layer {
    Layer {
        query: linear(random, HIDDEN, HIDDEN),
        key: linear(random, HIDDEN, HIDDEN),
        value: linear(random, HIDDEN, HIDDEN),
        mixed: linear(random, HIDDEN, HIDDEN),
        attention_norm: norm(random),
        inner: linear(random, HIDDEN, FEED_FORWARD),
        outer: linear(random, FEED_FORWARD, HIDDEN),
        output_norm: norm(random),
    }
}

fn linear(random: &mut SplitMix64, from: usize, to: usize) -> Linear {
    Linear {
        weight: matrix(random, from, to),
        bias: numbers(random, to, 0.0),
    }
}

fn norm(random: &mut SplitMix64) -> Norm {
    Norm {
        scale: numbers(random, HIDDEN, 1.0),
        bias: numbers(random, HIDDEN, 0.0),
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
