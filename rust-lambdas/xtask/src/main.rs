//! Developer tasks: `cargo run --release -p xtask -- <task>`.
//!
//! - `vectors [--check]` writes (or compares) `shared/vectors`, the cases that every build of the crates must answer alike.
//! - `rates` prints operations a second on one core, as JSON.

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
        _ => Err("expected `vectors`, `vectors --check` or `rates`".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}
