//! Every path of this machine against the plain twins, at every length where a tail can go wrong.

use crate::isa::Kernels;
use crate::*;

fn paths() -> impl Iterator<Item = &'static Kernels> {
    Isa::available().into_iter().filter_map(Isa::kernels)
}

fn dimensions() -> impl Iterator<Item = usize> {
    (1..=130).chain([384, 768, 1000, 1536, 4096])
}

/// Rounded up to 64, as codes are.
fn padded_dimensions() -> impl Iterator<Item = usize> {
    [64, 128, 192, 384, 768, 1024, 1536, 4096].into_iter()
}

struct Draws(u64);

impl Draws {
    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count)
            .map(|_| (self.bits() >> 40) as f32 / 8_388_608.0 - 1.0)
            .collect()
    }
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.bits() >> 32) as u8).collect()
    }
    fn signed(&mut self, count: usize) -> Vec<i8> {
        self.bytes(count)
            .into_iter()
            .map(|byte| byte as i8)
            .collect()
    }
}

fn norm(row: &[f32]) -> f64 {
    dot_scalar(row, row).sqrt()
}

/// Rows begin one float behind an aligned address, and are odd in number.
const COUNT: usize = 5;

#[test]
fn scans_and_reranks_agree_with_their_twin_on_every_path() {
    let mut draws = Draws(7);
    for dimension in dimensions() {
        let stride = dimension + dimension % 3;
        let query = draws.floats(dimension);
        let unaligned = draws.floats(1 + COUNT * stride);
        let rows = &unaligned[1..];
        let halves: Vec<u16> = rows.iter().map(|x| f16_of(*x)).collect();
        let numbers = [3, 0, 4, 4, 1, 2, 0];
        for kernels in paths() {
            for sum in [Sum::Dot, Sum::L2sq] {
                let check = |row: &[f32], got: f32| {
                    let scale = match sum {
                        Sum::Dot => norm(&query) * norm(row),
                        Sum::L2sq => (norm(&query) + norm(row)).powi(2),
                    };
                    let difference = f64::from(got) - sum_scalar(sum, &query, row);
                    assert!(
                        difference.abs() <= 1e-5 * scale,
                        "{:?} {sum:?} {dimension}: {difference}",
                        kernels.isa
                    );
                };
                let row = |number: usize| &rows[number * stride..][..dimension];
                let half = |number: usize| scan::widened(&halves[number * stride..][..dimension]);
                let mut out = [0.0; COUNT];
                (kernels.scan_f32)(sum, &query, rows, stride, &mut out);
                out.iter()
                    .enumerate()
                    .for_each(|(at, got)| check(row(at), *got));
                (kernels.scan_f16)(sum, &query, &halves, stride, &mut out);
                out.iter()
                    .enumerate()
                    .for_each(|(at, got)| check(&half(at), *got));
                let mut out = [0.0; 7];
                (kernels.rerank_f32)(sum, &query, rows, stride, &numbers, &mut out);
                out.iter()
                    .zip(numbers)
                    .for_each(|(got, number)| check(row(number as usize), *got));
                (kernels.rerank_f16)(sum, &query, &halves, stride, &numbers, &mut out);
                out.iter()
                    .zip(numbers)
                    .for_each(|(got, number)| check(&half(number as usize), *got));
                match sum {
                    Sum::Dot => check(row(1), (kernels.dot)(&query, row(1))),
                    Sum::L2sq => check(row(1), (kernels.l2sq)(&query, row(1))),
                }
            }
            let row = &rows[..dimension];
            let sums = (kernels.three_sums)(&query, row, 0.5, 2.0);
            let exact = [
                dot_scalar(&query, row),
                dot_scalar(&query, &query) / 4.0,
                4.0 * dot_scalar(row, row),
            ];
            let scales = [norm(&query) * norm(row), exact[1], exact[2]];
            for at in 0..3 {
                assert!(
                    (f64::from(sums[at]) - exact[at]).abs() <= 1e-5 * scales[at],
                    "{:?} {dimension}",
                    kernels.isa
                );
            }
            let unscaled = (kernels.three_sums)(&query, row, 1.0, 1.0);
            let mut two = [[0.0; 2]];
            (kernels.scan_two_sums)(&query, row, &mut two);
            assert_eq!(two[0], [unscaled[0], unscaled[2]], "{:?}", kernels.isa);
            let mut scaled = query.clone();
            (kernels.scale)(&mut scaled, 0.3);
            assert!(
                scaled.iter().zip(&query).all(|(got, x)| *got == x * 0.3),
                "{:?}",
                kernels.isa
            );
        }
    }
}

#[test]
fn tiles_agree_with_their_twin_on_every_path() {
    let mut draws = Draws(8);
    for dimension in (1..=40).chain([97, 130, 384, 1000, 4096]) {
        let stride = dimension + dimension % 2;
        for (queries, count) in [
            (1, 1),
            (1, 7),
            (2, 3),
            (4, 5),
            (7, 2),
            (8, 13),
            (9, 25),
            (32, 3),
            (33, 11),
            (45, 1),
        ] {
            if queries * dimension > 40_000 {
                continue;
            }
            let asked = draws.floats(queries * stride);
            let rows = draws.floats(count * stride);
            let (asked_i8, rows_i8) =
                (draws.signed(queries * stride), draws.signed(count * stride));
            for kernels in paths() {
                let mut out = vec![f32::NAN; queries * count];
                (kernels.tile_f32)(&asked, dimension, &rows, stride, &mut out);
                let mut exact = vec![0; queries * count];
                (kernels.tile_i8)(&asked_i8, dimension, &rows_i8, stride, &mut exact);
                for query in 0..queries {
                    for row in 0..count {
                        let (x, y) = (
                            &asked[query * stride..][..dimension],
                            &rows[row * stride..][..dimension],
                        );
                        let difference = f64::from(out[query * count + row]) - dot_scalar(x, y);
                        assert!(
                            difference.abs() <= 1e-5 * norm(x) * norm(y),
                            "{:?} {dimension} {queries} {count}: {difference}",
                            kernels.isa,
                        );
                        let (x, y) = (
                            &asked_i8[query * stride..][..dimension],
                            &rows_i8[row * stride..][..dimension],
                        );
                        assert_eq!(
                            exact[query * count + row],
                            dot_i8_scalar(x, y),
                            "{:?}",
                            kernels.isa
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn integer_kernels_give_the_same_bits_on_every_path() {
    let mut draws = Draws(9);
    for dimension in dimensions().chain([65_536]) {
        let extremes = [vec![-128i8; dimension], vec![127i8; dimension]];
        for query in [
            draws.signed(dimension),
            extremes[0].clone(),
            extremes[1].clone(),
        ] {
            let rows = [
                draws.signed(dimension),
                extremes[0].clone(),
                extremes[1].clone(),
            ]
            .concat();
            for kernels in paths() {
                let mut out = [0; 3];
                (kernels.scan_i8)(&query, &rows, dimension, &mut out);
                for (row, got) in rows.chunks_exact(dimension).zip(out) {
                    assert_eq!(
                        got,
                        dot_i8_scalar(&query, row),
                        "{:?} {dimension}",
                        kernels.isa
                    );
                }
            }
        }
    }
    for words in (1..=20).chain([64]) {
        let query: Vec<u64> = (0..words).map(|_| draws.bits()).collect();
        let rows: Vec<u64> = (0..words * COUNT).map(|_| draws.bits()).collect();
        for kernels in paths() {
            let mut out = [0; COUNT];
            (kernels.hamming)(&query, &rows, &mut out);
            for (row, got) in rows.chunks_exact(words).zip(out) {
                assert_eq!(
                    got,
                    hamming_scalar(&query, row),
                    "{:?} {words}",
                    kernels.isa
                );
            }
        }
    }
}

#[test]
fn codes_are_scanned_with_the_same_bits_on_every_path() {
    let mut draws = Draws(10);
    for dimension in padded_dimensions() {
        let drawn = (
            draws.bytes(4 * dimension),
            draws.bytes(4 * dimension * COUNT),
        );
        // Every look-up at its largest, so that sums reach 255 × groups.
        let largest = (vec![255; 4 * dimension], vec![0xff; 4 * dimension]);
        for (table, blocks) in [drawn, largest] {
            let mut twin = vec![0; blocks.len() / table.len() * BLOCK_ROWS];
            lut_scan_scalar(&blocks, &table, &mut twin);
            for kernels in paths() {
                let mut sums = vec![1; twin.len()];
                (kernels.lut_scan)(&blocks, &table, &mut sums);
                assert_eq!(sums, twin, "{:?} {dimension}", kernels.isa);
            }
        }
        let codes = draws.bytes(dimension);
        let mut planes = vec![0; dimension];
        planes_of(&codes, &mut planes);
        let bytes = dimension / 8;
        let planes: [&[u8]; 8] = std::array::from_fn(|plane| &planes[plane * bytes..][..bytes]);
        for query in [
            draws.signed(dimension),
            vec![-128; dimension],
            vec![127; dimension],
        ] {
            let by_codes = |shift: u32| -> i32 {
                query
                    .iter()
                    .zip(&codes)
                    .map(|(x, code)| i32::from(*x) * i32::from(code >> shift))
                    .sum()
            };
            let four = [planes[0], planes[1], planes[2], planes[3]];
            for kernels in paths() {
                assert_eq!(
                    (kernels.level_dot4)(&query, four),
                    by_codes(4),
                    "{:?} {dimension}",
                    kernels.isa
                );
                assert_eq!(
                    (kernels.level_dot8)(&query, planes),
                    by_codes(0),
                    "{:?} {dimension}",
                    kernels.isa
                );
            }
            assert_eq!(
                level_dot4(&query, planes[0], &planes[1..4].concat()),
                by_codes(4)
            );
            assert_eq!(
                level_dot8(
                    &query,
                    planes[0],
                    &planes[1..4].concat(),
                    &planes[4..].concat()
                ),
                by_codes(0)
            );
        }
    }
}

#[test]
fn rows_are_encoded_with_the_same_bits_on_every_path() {
    let mut draws = Draws(11);
    for dimension in dimensions() {
        let rotation = Rotation::new(dimension, 42);
        let row = draws.floats(dimension);
        let mut rotated = vec![0.0; rotation.padded()];
        rotation.rotate(&row, &mut rotated);
        assert!(
            (norm(&rotated) - norm(&row)).abs() <= 1e-5 * norm(&row),
            "{dimension}"
        );
        let mut values = draws.floats(rotation.padded());
        let before = values.clone();
        rotation::hadamard_in(&mut values);
        let mut codes = vec![0; rotated.len()];
        let factors = encode::encode_in(&rotated, &mut codes);
        let sums: Vec<u32> = (0..33).map(|_| draws.bits() as u32 & 0xf_ffff).collect();
        let halves: Vec<u16> = draws.floats(33).iter().map(|x| f16_of(*x)).collect();
        let estimate = Estimate {
            base: 0.1,
            factor_scale: 0.7,
            offset: -3.3,
            scale: 0.012_34,
        };
        let mut scores = [0.0; 33];
        estimates::estimates_in(estimate, &sums, &halves, &mut scores);
        for kernels in paths() {
            let mut again = before.clone();
            (kernels.hadamard)(&mut again);
            assert_eq!(again, values, "{:?} {dimension}", kernels.isa);
            let mut codes_again = vec![0; rotated.len()];
            assert_eq!(
                (kernels.encode)(&rotated, &mut codes_again),
                factors,
                "{:?} {dimension}",
                kernels.isa
            );
            assert_eq!(codes_again, codes, "{:?} {dimension}", kernels.isa);
            let mut scores_again = [0.0; 33];
            (kernels.estimates)(estimate, &sums, &halves, &mut scores_again);
            assert_eq!(scores_again, scores, "{:?}", kernels.isa);
            let mut floats = [0.0; 33];
            (kernels.widen)(&halves, &mut floats);
            assert_eq!(floats.map(f16_of), halves.as_slice(), "{:?}", kernels.isa);
        }
    }
}

#[test]
fn tables_and_blocks_stand_for_the_inner_product_with_the_signs() {
    let mut draws = Draws(12);
    for dimension in padded_dimensions() {
        let query = draws.floats(dimension);
        for rows in [1, 15, 16, 17, 31, 32] {
            let codes = draws.bytes(rows * dimension);
            let mut block = vec![0xee; 4 * dimension];
            pack_signs(&codes, dimension, &mut block);
            let Lut {
                table,
                offset,
                scale,
            } = lut(&query);
            let mut sums = [0; BLOCK_ROWS];
            lut_scan(&block, &table, &mut sums);
            for (row, codes) in codes.chunks_exact(dimension).enumerate() {
                let exact: f64 = query
                    .iter()
                    .zip(codes)
                    .map(|(x, code)| {
                        if *code >= 128 {
                            f64::from(*x)
                        } else {
                            -f64::from(*x)
                        }
                    })
                    .sum();
                let estimate = f64::from(offset) + f64::from(scale) * f64::from(sums[row]);
                // Each group is off by half a step at most.
                assert!(
                    (estimate - exact).abs() <= f64::from(scale) * dimension as f64 / 8.0 + 1e-4,
                    "{row}"
                );
                let mut signs = vec![0; dimension / 8];
                signs_of_row(&block, row, &mut signs);
                let mut planes = vec![0; dimension];
                planes_of(codes, &mut planes);
                assert_eq!(signs, planes[..dimension / 8], "{row} of {rows}");
            }
        }
    }
    let zero = lut(&[0.0; 64]);
    assert_eq!((zero.offset, zero.table.iter().max()), (0.0, Some(&0)));
}

#[test]
fn codes_are_what_their_definition_says() {
    let mut draws = Draws(13);
    let residual = draws.floats(384);
    let mut codes = [0; 384];
    let factors = encode(&residual, &mut codes);
    let largest = residual
        .iter()
        .fold(0f32, |largest, x| largest.max(x.abs()));
    let squares: f64 = dot_scalar(&residual, &residual);
    assert_eq!(factors.residual, squares.sqrt());
    for (level, bits) in LEVELS.into_iter().enumerate() {
        let product: f64 = (residual.iter().zip(codes))
            .map(|(x, code)| {
                let steps = f64::from(1u32 << bits);
                f64::from(*x) * ((2.0 * f64::from(code >> (8 - bits)) + 1.0 - steps) / steps)
            })
            .sum();
        assert_eq!(factors.levels[level], squares / product);
    }
    for (x, code) in residual.iter().zip(codes) {
        assert_eq!(
            f32::from(code),
            ((x / largest + 1.0) * 128.0).floor().min(255.0)
        );
    }
    let mut codes = [0; 3];
    assert_eq!(
        encode(&[0.0, -0.0, 0.0], &mut codes),
        Factors {
            residual: 0.0,
            levels: [0.0; 3]
        }
    );
    assert_eq!(codes, [128; 3]);
    encode(&[-2.0, 2.0, 0.0], &mut codes);
    assert_eq!(codes, [0, 255, 128]);
}

/// Written once from this code and kept: a segment that was written must stay readable.
#[test]
fn the_rotation_of_a_key_stays_what_it_is() {
    let rotation = Rotation::new(100, 0x5eed);
    assert_eq!(rotation.padded(), 128);
    let row: Vec<f32> = (0..100).map(|at| at as f32 - 50.0).collect();
    let mut rotated = [0.0; 128];
    rotation.rotate(&row, &mut rotated);
    let digest = rotated.iter().fold(0xcbf2_9ce4_8422_2325u64, |digest, x| {
        (digest ^ u64::from(x.to_bits())).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(digest, 0x4e13_ba82_533c_3950);
}

#[test]
fn sums_beyond_f32_are_cut_to_its_range() {
    let rows = [f32::MAX; 40];
    let mut out = [0.0; 2];
    scan_f32(Sum::Dot, &rows[..20], &rows, 20, &mut out);
    assert_eq!(out, [f32::MAX; 2]);
    let against = [f32::MIN; 20];
    rerank_f32(Sum::Dot, &against, &rows, 20, &[1, 0], &mut out);
    assert_eq!(out, [f32::MIN; 2]);
    tile_f32(&against, 20, &rows, 20, &mut out);
    assert_eq!(out, [f32::MIN; 2]);
    scan_f16(Sum::L2sq, &against, &[0x7bff; 40], 20, &mut out);
    assert_eq!(out, [f32::MAX; 2]);
}

#[test]
fn the_best_rows_are_the_head_of_the_sorted_scores() {
    let mut draws = Draws(14);
    for (count, k) in [
        (0, 3),
        (1, 1),
        (31, 5),
        (33, 40),
        (1000, 1),
        (1000, 10),
        (1000, 0),
        (1000, 999),
    ] {
        let scores: Vec<f32> = (0..count)
            .map(|_| (draws.bits() % 50) as f32 - 25.0)
            .collect();
        let mut sorted: Vec<Hit> = scores
            .iter()
            .enumerate()
            .map(|(row, score)| Hit {
                row: row as u32,
                score: *score,
            })
            .collect();
        sorted.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        sorted.truncate(k);
        let mut blocks = BestRows::new(k, count);
        let (head, tail) = scores.split_at(count / 3);
        // Later rows first: the order of blocks does not matter.
        blocks.add_block(head.len() as u32, tail);
        blocks.add_block(0, head);
        assert_eq!(blocks.finish(), sorted, "{count} {k}");
    }
}
