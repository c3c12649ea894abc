//! Arithmetic on lists of vectors over frames: no state, nothing refused. Who asks has checked lengths and that all numbers
//! are finite.

use kernels::{Metric, TopK, normalise};

use crate::FrameError;
use crate::frame::{Reader, Writer};

/// What can be asked; the numbers cross the language border and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the port's methods have the same names")]
pub enum ArithmeticOperation {
    ComparePairs = 16,
    Normalise = 17,
    FindTop = 18,
    DescribeKernels = 19,
}

impl ArithmeticOperation {
    const ALL: [Self; 4] = [
        Self::ComparePairs,
        Self::Normalise,
        Self::FindTop,
        Self::DescribeKernels,
    ];

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|known| *known as u32 == number)
    }

    pub(crate) fn answer(self, request: &[u8]) -> Result<Vec<u8>, FrameError> {
        let mut request = Reader::new(request);
        let count = request.count()?;
        let mut answer = Writer::new(count, 0);
        for _ in 0..count {
            match self {
                Self::ComparePairs => {
                    let metric = metric_of(request.number()?)?;
                    let is_distance = request.number()? != 0;
                    let dimension = request.number()? as usize;
                    let (queries, rows) = (
                        vectors(&mut request, dimension)?,
                        vectors(&mut request, dimension)?,
                    );
                    answer.accept().bytes(&compare(
                        metric,
                        is_distance,
                        dimension,
                        &queries,
                        &rows,
                    ));
                }
                Self::Normalise => {
                    let dimension = request.number()? as usize;
                    let mut rows = vectors(&mut request, dimension)?;
                    rows.chunks_exact_mut(dimension).for_each(|row| {
                        normalise(row);
                    });
                    answer
                        .accept()
                        .bytes(&bytes_of(rows.iter().map(|x| x.to_le_bytes())));
                }
                Self::FindTop => {
                    let metric = metric_of(request.number()?)?;
                    let (dimension, k) = (request.number()? as usize, request.number()? as usize);
                    let query = vectors(&mut request, dimension)?;
                    let rows = vectors(&mut request, dimension)?;
                    let mut top = TopK::new(metric, query, k, rows.len() / dimension)
                        .map_err(|_| FrameError::Vectors)?;
                    top.add_rows(&rows).map_err(|_| FrameError::Vectors)?;
                    let hits = top.finish();
                    answer
                        .accept()
                        .bytes(&bytes_of(hits.iter().map(|hit| hit.row.to_le_bytes())))
                        .bytes(&bytes_of(hits.iter().map(|hit| hit.score.to_le_bytes())));
                }
                Self::DescribeKernels => {
                    request.number()?;
                    answer.accept().bytes(kernels::isa().name().as_bytes());
                }
            }
        }
        request.end()?;
        Ok(answer.into_bytes())
    }
}

fn compare(
    metric: Metric,
    is_distance: bool,
    dimension: usize,
    queries: &[f32],
    rows: &[f32],
) -> Vec<u8> {
    let pairs = queries
        .chunks_exact(dimension)
        .flat_map(|query| rows.chunks_exact(dimension).map(move |row| (query, row)));
    bytes_of(pairs.map(|(query, row)| {
        let result = if is_distance {
            metric.distance(query, row)
        } else {
            metric.score(query, row)
        };
        result.to_le_bytes()
    }))
}

fn metric_of(number: u32) -> Result<Metric, FrameError> {
    Metric::from_u32(number).ok_or(FrameError::Metric(number))
}

/// Whole finite rows; a dimension of 0 has none.
fn vectors(request: &mut Reader<'_>, dimension: usize) -> Result<Vec<f32>, FrameError> {
    let (numbers, rest) = request.bytes()?.as_chunks::<4>();
    let numbers: Vec<f32> = numbers
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    let is_whole = rest.is_empty() && dimension > 0 && numbers.len().is_multiple_of(dimension);
    if is_whole && numbers.iter().all(|x| x.is_finite()) {
        Ok(numbers)
    } else {
        Err(FrameError::Vectors)
    }
}

fn bytes_of(numbers: impl Iterator<Item = [u8; 4]>) -> Vec<u8> {
    numbers.flatten().collect()
}

#[cfg(test)]
mod tests {
    use crate::{Engine, FrameError};

    fn frame(fields: &[&dyn Field]) -> Vec<u8> {
        let mut frame = 1u32.to_le_bytes().to_vec();
        fields.iter().for_each(|field| field.write(&mut frame));
        frame
    }

    trait Field {
        fn write(&self, to: &mut Vec<u8>);
    }

    impl Field for u32 {
        fn write(&self, to: &mut Vec<u8>) {
            to.extend(self.to_le_bytes());
        }
    }

    impl Field for [f32] {
        fn write(&self, to: &mut Vec<u8>) {
            (4 * self.len() as u32).write(to);
            to.extend(self.iter().flat_map(|x| x.to_le_bytes()));
        }
    }

    impl<const N: usize> Field for [f32; N] {
        fn write(&self, to: &mut Vec<u8>) {
            self.as_slice().write(to);
        }
    }

    fn answered(operation: u32, fields: &[&dyn Field]) -> Vec<f32> {
        let answer = Engine::default().answer(operation, &frame(fields)).unwrap();
        assert_eq!(answer[0], 1);
        answer[5..]
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect()
    }

    #[test]
    fn compares_each_query_with_each_row() {
        let (queries, rows) = ([1.0, 0.0, 0.0, 2.0], [3.0, 4.0]);
        assert_eq!(
            answered(16, &[&1u32, &0u32, &2u32, &queries, &rows]),
            [3.0, 8.0]
        );
        assert_eq!(
            answered(16, &[&1u32, &1u32, &2u32, &queries, &rows]),
            [-3.0, -8.0]
        );
        assert_eq!(
            answered(16, &[&2u32, &1u32, &2u32, &[0.0, 0.0], &rows]),
            [5.0]
        );
        assert_eq!(
            answered(16, &[&3u32, &1u32, &2u32, &[0.0, 0.0], &rows]),
            [25.0]
        );
        assert_eq!(answered(16, &[&0u32, &1u32, &2u32, &rows, &rows]), [0.0]);
        assert_eq!(
            answered(17, &[&2u32, &[3.0, 4.0, 0.0, 0.0]]),
            [0.6, 0.8, 0.0, 0.0]
        );
    }

    #[test]
    fn what_the_other_end_never_sends_is_refused() {
        let refusal = |operation, fields: &[&dyn Field]| {
            Engine::default()
                .answer(operation, &frame(fields))
                .unwrap_err()
        };
        assert_eq!(refusal(17, &[&0u32, &[1.0]]), FrameError::Vectors);
        assert_eq!(refusal(17, &[&2u32, &[1.0]]), FrameError::Vectors);
        assert_eq!(refusal(17, &[&1u32, &[f32::NAN]]), FrameError::Vectors);
        assert_eq!(
            refusal(18, &[&4u32, &1u32, &1u32, &[1.0], &[1.0]]),
            FrameError::Metric(4)
        );
    }
}
