//! Many token rows to one row.

use std::str::FromStr;

/// How the rows of a text's tokens become the vector of the text. Padding never takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Component-wise mean.
    Mean,
    /// The first token, which BERT-like models train for this.
    Cls,
    /// Component-wise maximum.
    Max,
    /// The last token.
    Last,
}

impl FromStr for Pooling {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "mean" => Ok(Self::Mean),
            "cls" => Ok(Self::Cls),
            "max" => Ok(Self::Max),
            "last" => Ok(Self::Last),
            _ => Err(format!(
                "expected pooling `mean`, `cls`, `max` or `last`, got `{text}`"
            )),
        }
    }
}

/// Pools `rows` (tokens x dimension, the text's own tokens only, at least one) into `out` (dimension).
pub(crate) fn pool(pooling: Pooling, rows: &[f32], out: &mut [f32]) {
    let dimension = out.len();
    match pooling {
        Pooling::Cls => out.copy_from_slice(&rows[..dimension]),
        Pooling::Last => out.copy_from_slice(&rows[rows.len() - dimension..]),
        Pooling::Max => {
            out.copy_from_slice(&rows[..dimension]);
            for row in rows.chunks_exact(dimension).skip(1) {
                out.iter_mut()
                    .zip(row)
                    .for_each(|(kept, new)| *kept = kept.max(*new));
            }
        }
        Pooling::Mean => {
            out.fill(0.0);
            for row in rows.chunks_exact(dimension) {
                out.iter_mut().zip(row).for_each(|(sum, new)| *sum += new);
            }
            let count = (rows.len() / dimension) as f32;
            out.iter_mut().for_each(|sum| *sum /= count);
        }
    }
}

/// Scales to length 1. `None` where that is impossible: the length is zero, infinite or not a number.
pub(crate) fn normalise(row: &mut [f32]) -> Option<()> {
    // In f64: the squares of 384 small numbers lose digits in f32, and the norm has to be 1 within 1e-5.
    let norm = row
        .iter()
        .map(|value| f64::from(*value) * f64::from(*value))
        .sum::<f64>()
        .sqrt();
    if !norm.is_normal() {
        return None;
    }
    row.iter_mut()
        .for_each(|value| *value = (f64::from(*value) / norm) as f32);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [f32; 6] = [1.0, -2.0, 3.0, 4.0, -1.0, 7.0];

    #[test]
    fn each_pooling_takes_what_its_name_says() {
        let pooled = |pooling| {
            let mut out = [9.0; 2];
            pool(pooling, &ROWS, &mut out);
            out
        };
        assert_eq!(pooled(Pooling::Mean), [1.0, 3.0]);
        assert_eq!(pooled(Pooling::Cls), [1.0, -2.0]);
        assert_eq!(pooled(Pooling::Max), [3.0, 7.0]);
        assert_eq!(pooled(Pooling::Last), [-1.0, 7.0]);
    }

    #[test]
    fn a_row_of_zeros_or_of_no_numbers_has_no_direction() {
        assert_eq!(normalise(&mut [0.0, 0.0]), None);
        assert_eq!(normalise(&mut [f32::NAN, 1.0]), None);
        assert_eq!(normalise(&mut [f32::INFINITY, 1.0]), None);
    }

    #[test]
    fn names_of_poolings_are_closed() {
        assert_eq!("last".parse(), Ok(Pooling::Last));
        assert!("median".parse::<Pooling>().is_err());
    }
}
