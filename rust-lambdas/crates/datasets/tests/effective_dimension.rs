//! The sets have the shape that their description claims.

use datasets::{DIMENSION, Hidden, Set, Topics, rows};

/// (tr C)² / tr C², C the covariance. The sum of squares of C is that of the products of all pairs of centred rows.
fn effective_dimension(set: &dyn Set) -> f64 {
    let count = 2000;
    let rows = rows(set, 0, count);
    let mut mean = [0f64; DIMENSION];
    rows.chunks_exact(DIMENSION).for_each(|row| {
        mean.iter_mut()
            .zip(row)
            .for_each(|(mean, x)| *mean += f64::from(*x))
    });
    let centred: Vec<Vec<f64>> = rows
        .chunks_exact(DIMENSION)
        .map(|row| {
            row.iter()
                .zip(mean)
                .map(|(x, mean)| f64::from(*x) - mean / count as f64)
                .collect()
        })
        .collect();
    let mut covariance = vec![0f64; DIMENSION * DIMENSION];
    for row in &centred {
        for (line, x) in covariance.chunks_exact_mut(DIMENSION).zip(row) {
            line.iter_mut().zip(row).for_each(|(sum, y)| *sum += x * y);
        }
    }
    let trace: f64 = (0..DIMENSION)
        .map(|at| covariance[at * (DIMENSION + 1)])
        .sum();
    trace * trace / covariance.iter().map(|x| x * x).sum::<f64>()
}

#[test]
fn topics_spread_over_about_a_hundred_dimensions() {
    let found = effective_dimension(&Topics::new(3, 300));
    assert!((70.0..140.0).contains(&found), "{found}");
}

#[test]
fn hidden_rows_lie_in_about_23_dimensions() {
    let found = effective_dimension(&Hidden::new(3));
    assert!((15.0..32.0).contains(&found), "{found}");
}

#[test]
fn a_row_does_not_depend_on_those_before_it() {
    let set = Topics::new(5, 300);
    let all = rows(&set, 0, 50);
    let tail = rows(&set, 40, 10);
    assert_eq!(&all[40 * DIMENSION..], &tail[..]);
    assert_ne!(rows(&Topics::new(6, 300), 0, 1), rows(&set, 0, 1));
}
