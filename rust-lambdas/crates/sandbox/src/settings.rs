//! Settings that code compiled ahead of time must agree with. This file is part of two programs: the sandbox, and the
//! compiler of images (`layers/script-image/compiler`), which has a workspace of its own. `layers/script-image/precompile.py`
//! repeats it in Python. The engine refuses an image where they differ.

use wasmtime::Config;

/// Applies them.
pub fn apply(config: &mut Config) {
    config.wasm_component_model(true);
    config.epoch_interruption(true);
    config.memory_init_cow(true);
}
