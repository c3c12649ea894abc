//! Developer tasks: `cargo run --release -p xtask -- <task>`.
//!
//! - `vectors [--check]` writes (or compares) `shared/vectors`, the cases that every build of the crates must answer alike.
//! - `fuzz [--seconds N] [--seed N] [--keep] [target …]` changes inputs of every parser until one is answered wrongly.
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
        ["fuzz", options @ ..] => fuzz::run(options),
        _ => Err("expected `vectors`, `vectors --check`, `rates` or `fuzz`".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}
