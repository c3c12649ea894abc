//! The kernels beside STREAM (a read of the same arena that only sums by xor), in one process and thread.
//!
//! `cargo bench -p kernels -- [--seed N] [--rows N] [--rounds N]`; prints JSON: a name, ours and STREAM's milliseconds
//! (medians), and the median of the rounds' ratios STREAM / ours. Each round measures both sides, in turns.

use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

use kernels::{
    Arena, BLOCK_ROWS, BestRows, Rotation, SplitMix64, Sum, cosine, dot, encode, f16_of, hamming,
    isa, l2sq, level_dot8, lut, lut_scan, normalise, scan_f16, scan_f32, scan_i8, tile_f32,
};

const DIMENSION: usize = 384;

fn main() {
    let options = Options::read();
    eprintln!(
        "seed {} isa {} rows {}",
        options.seed,
        isa().name(),
        options.rows
    );
    let mut draws = Draws(SplitMix64(options.seed));
    let mut results = Vec::new();
    beside_stream(&options, &mut draws, &mut results);
    in_cache(&options, &mut draws, &mut results);
    println!(
        "{{\"seed\":{},\"isa\":\"{}\",\"rows\":{},\"results\":[\n{}\n]}}",
        options.seed,
        isa().name(),
        options.rows,
        results.join(",\n"),
    );
}

struct Options {
    seed: u64,
    rows: usize,
    rounds: usize,
}

impl Options {
    fn read() -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |since| since.as_nanos() as u64);
        let mut options = Self {
            seed: now,
            rows: 200_000,
            rounds: 9,
        };
        let words: Vec<String> = std::env::args().skip(1).collect();
        for pair in words.windows(2) {
            let Ok(number) = pair[1].parse::<u64>() else {
                continue;
            };
            match pair[0].as_str() {
                "--seed" => options.seed = number,
                "--rows" => options.rows = number as usize / 32 * 32,
                "--rounds" => options.rounds = number as usize,
                _ => {}
            }
        }
        options
    }
}

/// Rows and bytes of a seed.
struct Draws(SplitMix64);

impl Draws {
    fn float(&mut self) -> f32 {
        (self.0.draw() >> 40) as f32 / 8_388_608.0 - 1.0
    }
    fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.float()).collect()
    }
    fn fill(&mut self, bytes: &mut [u8]) {
        for word in bytes.as_chunks_mut::<8>().0 {
            *word = self.0.draw().to_le_bytes();
        }
    }
}

fn beside_stream(options: &Options, draws: &mut Draws, results: &mut Vec<String>) {
    let rows = options.rows;
    let query = draws.floats(DIMENSION);
    let mut scores = vec![0.0f32; rows];

    let mut floats = Arena::zeroed(rows * DIMENSION * 4);
    floats
        .of_mut::<f32>()
        .iter_mut()
        .for_each(|x| *x = draws.float());
    results.push(compare("scan_f32", options.rounds, &floats, || {
        scan_f32(Sum::Dot, &query, floats.of(), DIMENSION, &mut scores);
    }));
    results.push(compare("scan_f32 l2sq", options.rounds, &floats, || {
        scan_f32(Sum::L2sq, &query, floats.of(), DIMENSION, &mut scores);
    }));
    for queries in [4usize, 8, 32, 64, 256] {
        let asked = draws.floats(queries * DIMENSION);
        let block = 512;
        let mut out = vec![0.0; queries * block];
        let gflop = 2.0 * (queries * rows * DIMENSION) as f64 / 1e9;
        let line = compare(
            &format!("tile_f32 {queries}"),
            options.rounds.min(5),
            &floats,
            || {
                for rows in floats.of::<f32>().chunks_exact(block * DIMENSION) {
                    tile_f32(&asked, DIMENSION, rows, DIMENSION, &mut out);
                }
            },
        );
        results.push(with_rate(line, gflop));
    }
    let mut best = Vec::new();
    results.push(compare(
        "scan_f32 and top 10",
        options.rounds,
        &floats,
        || {
            let mut top = BestRows::new(10, rows);
            for (block, rows) in floats.of::<f32>().chunks_exact(32 * DIMENSION).enumerate() {
                let mut scores = [0.0; 32];
                scan_f32(Sum::Dot, &query, rows, DIMENSION, &mut scores);
                top.add_block(32 * block as u32, &scores);
            }
            best = top.finish();
        },
    ));
    drop(floats);

    let mut halves = Arena::zeroed(rows * DIMENSION * 2);
    halves
        .of_mut::<u16>()
        .iter_mut()
        .for_each(|x| *x = f16_of(draws.float()));
    results.push(compare("scan_f16", options.rounds, &halves, || {
        scan_f16(Sum::Dot, &query, halves.of(), DIMENSION, &mut scores);
    }));
    drop(halves);

    let mut bytes = Arena::zeroed(rows * DIMENSION);
    draws.fill(bytes.as_bytes_mut());
    let query_i8: Vec<i8> = query.iter().map(|x| (x * 127.0) as i8).collect();
    let mut exact = vec![0i32; rows];
    results.push(compare("scan_i8", options.rounds, &bytes, || {
        scan_i8(&query_i8, bytes.of(), DIMENSION, &mut exact);
    }));
    drop(bytes);

    let many = 5 * rows;
    let mut blocks = Arena::zeroed(many * DIMENSION / 8);
    draws.fill(blocks.as_bytes_mut());
    let table = lut(&query);
    let mut sums = vec![0u32; many];
    results.push(compare(
        "lut_scan, 5 x the rows",
        options.rounds,
        &blocks,
        || {
            lut_scan(blocks.as_bytes(), &table.table, &mut sums);
        },
    ));
    let bits: Vec<u64> = (0..DIMENSION / 64).map(|_| draws.0.draw()).collect();
    results.push(compare(
        "hamming, 5 x the rows",
        options.rounds,
        &blocks,
        || {
            hamming(&bits, blocks.of(), &mut sums);
        },
    ));
    black_box((&scores, &exact, &sums, best, BLOCK_ROWS));
}

fn in_cache(options: &Options, draws: &mut Draws, results: &mut Vec<String>) {
    let (a, b) = (draws.floats(DIMENSION), draws.floats(DIMENSION));
    let mut c = a.clone();
    let mut planes = vec![0; DIMENSION];
    draws.fill(&mut planes);
    let query: Vec<i8> = a.iter().map(|x| (x * 127.0) as i8).collect();
    let rotation = Rotation::new(DIMENSION, 1);
    let (mut rotated, mut codes) = (vec![0.0; DIMENSION], vec![0; DIMENSION]);
    let bytes = DIMENSION / 8;
    let (zero, high, low) = (
        &planes[..bytes],
        &planes[bytes..4 * bytes],
        &planes[4 * bytes..],
    );
    let mut each = |name: &str, work: &mut dyn FnMut() -> f32| {
        let times = (0..options.rounds).map(|_| {
            let turns = 20_000;
            let all = milliseconds(|| {
                for _ in 0..turns {
                    black_box(work());
                }
            });
            all / f64::from(turns) * 1e6
        });
        results.push(format!(
            "{{\"name\":\"{name}\",\"ns\":{:.1}}}",
            median(times.collect())
        ));
    };
    each("pair dot", &mut || dot(black_box(&a), &b));
    each("pair l2sq", &mut || l2sq(black_box(&a), &b));
    each("pair cosine", &mut || cosine(black_box(&a), &b));
    each("normalise", &mut || normalise(black_box(&mut c)));
    each("level_dot8", &mut || {
        level_dot8(black_box(&query), zero, high, low) as f32
    });
    each("rotate", &mut || {
        rotation.rotate(black_box(&a), &mut rotated);
        rotated[0]
    });
    let row = rotated_copy(&rotation, &a);
    each("encode", &mut || {
        encode(black_box(&row), &mut codes).residual as f32
    });
}

fn rotated_copy(rotation: &Rotation, row: &[f32]) -> Vec<f32> {
    let mut rotated = vec![0.0; rotation.padded()];
    rotation.rotate(row, &mut rotated);
    rotated
}

fn compare(name: &str, rounds: usize, arena: &Arena, mut work: impl FnMut()) -> String {
    work();
    let (mut ours, mut streams, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let stream_ms = milliseconds(|| {
            black_box(stream(arena.of()));
        });
        let ours_ms = milliseconds(&mut work);
        ours.push(ours_ms);
        streams.push(stream_ms);
        ratios.push(stream_ms / ours_ms);
    }
    let gigabytes = arena.as_bytes().len() as f64 / 1e6 / median(streams.clone());
    format!(
        "{{\"name\":\"{name}\",\"ms\":{:.3},\"stream_ms\":{:.3},\"stream_gb_s\":{gigabytes:.1},\"ratio\":{:.3}}}",
        median(ours),
        median(streams),
        median(ratios),
    )
}

fn with_rate(line: String, gflop: f64) -> String {
    let ms: f64 = line
        .split("\"ms\":")
        .nth(1)
        .and_then(|rest| rest.split(',').next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(f64::NAN);
    line.replace('}', &format!(",\"gflop_s\":{:.1}}}", gflop / ms * 1e3))
}

/// Eight accumulators, as wide as the machine's registers: the compiler makes vectors of the rows of eight words.
fn stream(words: &[u64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the machine has it.
            return unsafe { stream_avx512(words) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the machine has it.
            return unsafe { stream_avx2(words) };
        }
    }
    stream_in(words)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn stream_avx512(words: &[u64]) -> u64 {
    stream_in(words)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn stream_avx2(words: &[u64]) -> u64 {
    stream_in(words)
}

#[inline(always)]
fn stream_in(words: &[u64]) -> u64 {
    let mut sums = [[0u64; 8]; 8];
    for block in words.as_chunks::<64>().0 {
        for (sum, words) in sums.iter_mut().zip(block.as_chunks::<8>().0) {
            for lane in 0..8 {
                sum[lane] ^= words[lane];
            }
        }
    }
    sums.as_flattened().iter().fold(0, |all, word| all ^ word)
}

/// Processor time of this thread: what others do on a shared machine does not count, as long as they leave the memory
/// alone.
fn milliseconds(work: impl FnOnce()) -> f64 {
    let began = processor_ms();
    work();
    processor_ms() - began
}

#[cfg(target_os = "linux")]
fn processor_ms() -> f64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: it writes the one value that it is given.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut now) };
    now.tv_sec as f64 * 1e3 + now.tv_nsec as f64 / 1e6
}

#[cfg(not(target_os = "linux"))]
fn processor_ms() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64() * 1e3)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
