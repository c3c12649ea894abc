//! Developer tasks: `cargo run --release -p xtask -- vectors [--check]` writes (or compares) `shared/vectors`, the cases
//! that every build of the crates must answer alike.

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
        _ => Err("expected `vectors` or `vectors --check`".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}
