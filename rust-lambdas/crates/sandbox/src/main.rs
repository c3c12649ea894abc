//! `signet-sandbox <image.cwasm> <sha256>`: runs scripts for one tenant, frames on standard input and output.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use sandbox::server::{Threads, serve};
use sandbox::{engine, walls};

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("signet-sandbox: {error}");
            ExitCode::from(70)
        }
    }
}

fn start() -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [image, sha256] = arguments.as_slice() else {
        return Err("expected the script image's path and its SHA-256".into());
    };
    walls::forget_environment()?;
    let mut walls = walls::before_loading();
    let image = engine::load(Path::new(image), sha256)?;
    let load = started.elapsed();
    walls.close_files();
    let threads = Threads::start(&image)?;
    walls.close_kernel();
    serve(&image, threads, walls, load)?;
    Ok(())
}
