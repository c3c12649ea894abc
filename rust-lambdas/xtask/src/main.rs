//! Developer tasks: `cargo run --release -p xtask -- <task>`.
//!
//! - `vectors [--check]` writes (or compares) `shared/vectors`, the cases that every build of the crates must answer alike.
//! - `fuzz [--seconds N] [--seed N] [--keep] [target …]` changes inputs of every parser until one is answered wrongly.
//! - `model tiny|minilm-shape <folder> [seed]` writes a model of drawn weights: a graph, or weights for `layers/models/convert.py`.
//! - `rates` prints operations a second on one core, as JSON.

mod fuzz;
mod rates;
mod vectors;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let outcome = match words.as_slice() {
        ["vectors"] => vectors::write(&folder),
        ["vectors", "--check"] => vectors::check(&folder),
        ["rates"] => {
            println!("{}", rates::measure());
            Ok(())
        }
        ["model", "tiny", folder] => {
            model_shapes::write_tiny(folder.as_ref(), false).map_err(|error| error.to_string())
        }
        ["model", "minilm-shape", folder, seed @ ..] => write_minilm(folder, seed),
        ["fuzz", options @ ..] => fuzz::run(options),
        _ => Err("expected `vectors`, `vectors --check`, `model`, `rates` or `fuzz`".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn write_minilm(folder: &str, seed: &[&str]) -> Result<(), String> {
    let seed = match seed {
        [] => 1,
        [seed] => seed
            .parse()
            .map_err(|_| format!("expected a seed, got `{seed}`"))?,
        _ => return Err("expected `model minilm-shape <folder> [seed]`".to_owned()),
    };
    model_shapes::write_minilm(folder.as_ref(), seed).map_err(|error| error.to_string())
}
