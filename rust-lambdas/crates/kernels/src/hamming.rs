use crate::isa::active;

/// How many bits of each row differ from the query's; rows stand one after the other, each as long as the query.
pub fn hamming(query: &[u64], rows: &[u64], out: &mut [u32]) {
    assert!(
        rows.len() >= query.len() * out.len(),
        "a row for each place"
    );
    if query.is_empty() {
        out.fill(0);
        return;
    }
    (active().hamming)(query, rows, out);
}

/// The plain twin, for one row.
pub fn hamming_scalar(query: &[u64], row: &[u64]) -> u32 {
    let bit = |words: &[u64], at: usize| words[at / 64] >> (at % 64) & 1;
    (0..64 * query.len())
        .filter(|at| bit(query, *at) != bit(row, *at))
        .count() as u32
}

/// The compiler picks the population count of the instruction set that it ends up in.
#[inline(always)]
pub(crate) fn hamming_in(query: &[u64], rows: &[u64], out: &mut [u32]) {
    for (row, out) in rows.chunks_exact(query.len()).zip(out) {
        *out = query
            .iter()
            .zip(row)
            .map(|(x, y)| (x ^ y).count_ones())
            .sum();
    }
}
