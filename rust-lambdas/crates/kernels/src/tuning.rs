//! How far ahead memory is asked for.
//!
//! Measured by `cargo bench -p kernels` on an Intel Xeon with AVX-512 (family 6, model 167, two shared cores), 2026-11-24,
//! as the ratio of a read of the same memory to the kernel, median of five rounds, twice each:
//!
//! | bytes ahead | `scan_f32` | `scan_f16` | `scan_i8` | `lut_scan` |
//! |---|---|---|---|---|
//! | AVX-512, 0 | 0.96, 0.98 | 0.88, 0.98 | 0.93, 1.01 | 0.69, 0.83 |
//! | AVX-512, 512 | 0.98, 1.01 | 0.90, 1.06 | 1.01, 1.06 | 0.83, 0.93 |
//! | AVX-512, 2,048 | 1.06, 1.07 | 1.09, 1.15 | 1.09, 1.10 | 0.90, 0.96 |
//! | AVX-512, 4,096 | 0.95, 1.01 | 1.09, 1.09 | 0.99, 1.22 | 0.90, 0.91 |
//! | AVX2, 0 | 1.14, 1.16 | 0.78, 1.02 | 0.79, 0.87 | 0.63, 0.80 |
//! | AVX2, 2,048 | 1.19, 1.19 | 1.02, 1.10 | 0.95, 1.01 | 0.80, 0.80 |
//!
//! One distance serves all of them. Other families of processors want their own figures before they get their own entry.

/// Half of a page: far enough to hide an access to memory, near enough to be still in the first cache when it is used.
pub(crate) const AHEAD_BYTES: usize = 2048;
