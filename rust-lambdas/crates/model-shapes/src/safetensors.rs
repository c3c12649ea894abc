//! The file format of weights: the length of a JSON header, the header, the numbers one tensor after the other.

use crate::weights::{Linear, Norm, Weights};

/// Under the names that published BERT weights have; matrices of linear layers are `[out, in]`, as there.
pub fn bytes(weights: &Weights) -> Vec<u8> {
    let mut file = File::default();
    for (name, matrix) in [
        ("word", &weights.words),
        ("position", &weights.positions),
        ("token_type", &weights.types),
    ] {
        file.add(
            &format!("embeddings.{name}_embeddings.weight"),
            &[matrix.rows, matrix.columns],
            &matrix.values,
        );
    }
    file.norm("embeddings.LayerNorm", &weights.norm);
    for (number, layer) in weights.layers.iter().enumerate() {
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        file.linear(&name("attention.self.query"), &layer.query);
        file.linear(&name("attention.self.key"), &layer.key);
        file.linear(&name("attention.self.value"), &layer.value);
        file.linear(&name("attention.output.dense"), &layer.mixed);
        file.norm(&name("attention.output.LayerNorm"), &layer.attention_norm);
        file.linear(&name("intermediate.dense"), &layer.inner);
        file.linear(&name("output.dense"), &layer.outer);
        file.norm(&name("output.LayerNorm"), &layer.output_norm);
    }
    file.finish()
}

#[derive(Default)]
struct File {
    tensors: Vec<String>,
    numbers: Vec<u8>,
}

impl File {
    fn add(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let from = self.numbers.len();
        self.numbers
            .extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let to = self.numbers.len();
        self.tensors.push(format!(
            "\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{from},{to}]}}"
        ));
    }

    fn linear(&mut self, name: &str, linear: &Linear) {
        let (rows, columns) = (linear.weight.rows, linear.weight.columns);
        let turned = (0..columns)
            .flat_map(|column| (0..rows).map(move |row| row * columns + column))
            .map(|at| linear.weight.values[at]);
        self.add(
            &format!("{name}.weight"),
            &[columns, rows],
            &turned.collect::<Vec<_>>(),
        );
        self.add(&format!("{name}.bias"), &[columns], &linear.bias);
    }

    fn norm(&mut self, name: &str, norm: &Norm) {
        self.add(&format!("{name}.weight"), &[norm.scale.len()], &norm.scale);
        self.add(&format!("{name}.bias"), &[norm.bias.len()], &norm.bias);
    }

    fn finish(self) -> Vec<u8> {
        let header = format!("{{{}}}", self.tensors.join(","));
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&self.numbers);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TINY;

    #[test]
    fn tensors_lie_one_after_the_other_and_linear_ones_are_turned() {
        let weights = Weights::draw(TINY, 3);
        let bytes = bytes(&weights);
        let (length, rest) = bytes.split_at(8);
        let length = u64::from_le_bytes(length.try_into().expect("8 bytes")) as usize;
        let header = std::str::from_utf8(&rest[..length]).expect("text");
        let inner = header
            .split("\"encoder.layer.0.intermediate.dense.weight\":")
            .nth(1)
            .expect("named");
        assert!(
            inner.starts_with("{\"dtype\":\"F32\",\"shape\":[64, 32],\"data_offsets\":["),
            "{inner:.80}"
        );
        let from: usize = inner
            .split("offsets\":[")
            .nth(1)
            .and_then(|text| text.split(',').next())
            .and_then(|text| text.parse().ok())
            .expect("a number");
        // Row 1, column 0 of the turned matrix is row 0, column 1 of the drawn one.
        let at = length + from + 32 * 4;
        let value = f32::from_le_bytes(rest[at..at + 4].try_into().expect("4 bytes"));
        assert_eq!(value, weights.layers[0].inner.weight.values[1]);
        let end: usize = header
            .rsplit(',')
            .next()
            .and_then(|text| text.trim_end_matches(['}', ']']).parse().ok())
            .expect("a number");
        assert_eq!(rest.len(), length + end);
    }
}
