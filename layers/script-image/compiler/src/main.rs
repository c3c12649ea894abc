//! `script-image-compiler <component.wasm> <output.cwasm> <target triple>`: compiles a script image ahead of time for any
//! architecture. The Python wheel of the engine, which `precompile.py` uses, compiles for its own machine alone, in
//! exchange for no compile time of its own; so this tool is for deploys.

use std::error::Error;
use std::process::ExitCode;

use wasmtime::{Config, Engine};

#[path = "../../../../rust-lambdas/crates/sandbox/src/settings.rs"]
mod settings;

fn main() -> ExitCode {
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("script-image-compiler: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [component, output, target] = arguments.as_slice() else {
        return Err("expected the component, the output and a target triple".into());
    };
    let mut config = Config::new();
    settings::apply(&mut config);
    // A named target means its baseline: nothing is taken over from the processor that compiles. For arm64 that is
    // Armv8.0, below Graviton2; what Graviton2 adds (atomics in one instruction) has no use in code without threads.
    config.target(target)?;
    let compiled = Engine::new(&config)?.precompile_component(&std::fs::read(component)?)?;
    std::fs::write(output, compiled)?;
    Ok(())
}
