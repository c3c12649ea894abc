//! Fuzzers for every parser: `fuzz [--seconds N] [--seed N] [--keep] [target …]`.
//!
//! A target gets bytes and says what came out, or what is wrong; a panic is wrong too. Inputs are changed from those kept
//! in `rust-lambdas/fuzz/<target>.txt` (one a line, in hex) and from the shared vectors. Without instrumentation there is
//! no coverage to follow: an input is worth changing further when its outcome is new for its length. The seed of a run is
//! printed, and the same seed gives the same run.

mod change;
mod log_targets;
mod targets;

use std::collections::HashSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::vectors::{from_hex, hex};
use change::Changes;
use targets::{Target, targets};

/// Of a target in a test: bounded by count, so that a slow machine tests as much as a fast one.
#[cfg(test)]
const INPUTS_IN_TESTS: u64 = 20_000;

/// Runs the named targets (all when none is named), each for the same time.
pub fn run(words: &[&str]) -> Result<(), String> {
    let options = Options::read(words)?;
    println!("seed {}", options.seed);
    let wanted: Vec<Target> = targets()
        .into_iter()
        .filter(|target| options.names.is_empty() || options.names.contains(&target.name))
        .collect();
    if wanted.is_empty() {
        let names: Vec<&str> = targets().iter().map(|target| target.name).collect();
        return Err(format!("expected targets among {}", names.join(", ")));
    }
    let each = Duration::from_secs(options.seconds) / wanted.len() as u32;
    for target in &wanted {
        let until = Instant::now() + each;
        let report = fuzz(target, options.seed, |_| Instant::now() < until)?;
        println!(
            "{}: {} inputs, {} outcomes",
            target.name,
            report.inputs,
            report.kept.len()
        );
        if options.keep {
            keep(target.name, &report.kept)?;
        }
    }
    Ok(())
}

struct Options<'w> {
    seconds: u64,
    seed: u64,
    keep: bool,
    names: Vec<&'w str>,
}

impl<'w> Options<'w> {
    fn read(words: &[&'w str]) -> Result<Self, String> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let mut options = Self {
            seconds: 60,
            seed: now.map_or(0, |since| since.as_nanos() as u64),
            keep: false,
            names: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut number = || {
                let text = words
                    .next()
                    .ok_or(format!("expected a number behind {word}"))?;
                text.parse()
                    .map_err(|_| format!("expected a number behind {word}, got `{text}`"))
            };
            match *word {
                "--seconds" => options.seconds = number()?,
                "--seed" => options.seed = number()?,
                "--keep" => options.keep = true,
                name => options.names.push(name),
            }
        }
        Ok(options)
    }
}

struct Report {
    inputs: u64,
    /// The first input of each outcome that the kept ones do not have.
    kept: Vec<Vec<u8>>,
}

/// Kept inputs first, then changed ones, as long as `goes_on` says so of their count.
fn fuzz(target: &Target, seed: u64, goes_on: impl Fn(u64) -> bool) -> Result<Report, String> {
    let mut changes = Changes::new(seed);
    let mut pool = kept(target.name);
    let mut seen = HashSet::new();
    for input in &pool {
        seen.insert(novelty(input, &outcome(target, input)?));
    }
    let mut vectors = (target.seeds)();
    for input in &vectors {
        outcome(target, input)?;
    }
    pool.append(&mut vectors);
    let mut report = Report {
        inputs: pool.len() as u64,
        kept: Vec::new(),
    };
    while goes_on(report.inputs) {
        report.inputs += 1;
        let input = changes.next(&pool);
        if seen.insert(novelty(&input, &outcome(target, &input)?)) {
            report.kept.push(input.clone());
            pool.push(input);
        }
    }
    Ok(report)
}

/// What came out, or a complaint with the input that reproduces it.
fn outcome(target: &Target, input: &[u8]) -> Result<String, String> {
    let complaint = |reason: &str| {
        format!(
            "{}: {reason}\ninput (hex, for rust-lambdas/fuzz/{}.txt): {}",
            target.name,
            target.name,
            hex(input)
        )
    };
    match catch_unwind(AssertUnwindSafe(|| (target.judge)(input))) {
        Ok(judged) => judged.map_err(|reason| complaint(&reason)),
        Err(_) => Err(complaint("panicked")),
    }
}

fn novelty(input: &[u8], outcome: &str) -> (u32, String) {
    (input.len().checked_ilog2().unwrap_or(0), outcome.to_owned())
}

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../fuzz/{name}.txt"))
}

fn kept(name: &str) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(corpus(name)).unwrap_or_default();
    text.lines().map(from_hex).collect()
}

/// Appends inputs that are short enough to be read again in every test.
fn keep(name: &str, inputs: &[Vec<u8>]) -> Result<(), String> {
    let mut text = fs::read_to_string(corpus(name)).unwrap_or_default();
    for input in inputs
        .iter()
        .filter(|input| !input.is_empty() && input.len() <= 512)
    {
        text.push_str(&hex(input));
        text.push('\n');
    }
    fs::write(corpus(name), text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_holds_for_its_kept_inputs_and_some_changed_ones() {
        for target in targets() {
            let report = fuzz(&target, 1, |inputs| inputs < INPUTS_IN_TESTS).unwrap();
            assert!(report.inputs >= INPUTS_IN_TESTS, "{}", target.name);
        }
    }

    #[test]
    fn a_target_that_fails_names_the_input() {
        fn judge(input: &[u8]) -> Result<String, String> {
            assert!(!input.ends_with(b"\xff"));
            Ok(String::new())
        }
        let target = Target {
            name: "broken",
            seeds: || vec![b"{}".to_vec()],
            judge,
        };
        let complaint = fuzz(&target, 1, |inputs| inputs < 100_000).err().unwrap();
        assert!(
            complaint.contains("panicked") && complaint.ends_with("ff"),
            "{complaint}"
        );
    }
}
