//! The engine's settings and the loading of a script image.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{Config, Engine};

use crate::settings;

/// CPython counts its own stack, 1 MiB within the memory, and raises `RecursionError` at its end. What the compiled code
/// keeps in ours beside that is up to 50 times as much (a scanner of JSON, a comparison, the taking down of a list), and
/// where ours ends first a run traps. Pages that no run touches cost nothing.
const WASM_STACK_BYTES: usize = 64 << 20;
const ASYNC_STACK_BYTES: usize = WASM_STACK_BYTES + (512 << 10);

/// A script image, loaded.
pub struct Image {
    pub(crate) engine: Engine,
    pub(crate) component: Component,
    /// SHA-256 of the file, hexadecimal.
    pub(crate) sha256: String,
}

/// Why an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// No such file, or no right to read it.
    #[error("the script image `{0}` cannot be read: {1}")]
    Unreadable(String, #[source] std::io::Error),
    /// The file is not the one that was pinned.
    #[error(
        "the script image has SHA-256 {found}, expected {expected}; build it again with `npm start`"
    )]
    DigestMismatch {
        /// Of the file.
        found: String,
        /// The pin.
        expected: String,
    },
    /// Engine and image do not agree.
    #[error(
        "the script image was compiled with other settings or another version of the engine; build it again with `npm start`: {0}"
    )]
    Incompatible(wasmtime::Error),
    /// The machine lacks what the engine needs, such as address space.
    #[error("the engine does not start here: {0}")]
    Engine(wasmtime::Error),
}

/// Loads the image at `path` if its bytes have this digest (hexadecimal SHA-256).
pub fn load(path: &Path, expected: &str) -> Result<Image, ImageError> {
    let found =
        digest(path).map_err(|error| ImageError::Unreadable(path.display().to_string(), error))?;
    if found != expected.to_ascii_lowercase() {
        return Err(ImageError::DigestMismatch {
            found,
            expected: expected.to_owned(),
        });
    }
    let engine = Engine::new(&configuration()).map_err(ImageError::Engine)?;
    // SAFETY: the file's digest is the one that the caller pinned when the image was built; see the function's list.
    let component = unsafe { deserialize(&engine, path) }.map_err(ImageError::Incompatible)?;
    Ok(Image {
        engine,
        component,
        sha256: found,
    })
}

fn configuration() -> Config {
    let mut config = Config::new();
    settings::apply(&mut config);
    // From here on: settings of the running process alone.
    config.max_wasm_stack(WASM_STACK_BYTES);
    config.async_stack_size(ASYNC_STACK_BYTES);
    config
}

fn digest(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        match file.read(&mut block)? {
            0 => {
                return Ok(hasher
                    .finalize()
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect());
            }
            read => hasher.update(&block[..read]),
        }
    }
}

/// Maps code that was compiled ahead of time.
///
/// # Safety
///
/// The bytes become machine code of this process, so the caller has made sure that
/// - they are what our own build wrote: their SHA-256 is the pinned one (`load` compares it, and nothing else calls this);
/// - nobody writes to the file while it is mapped: a build publishes a new folder by rename and never writes in place, and
///   whoever may write there may replace this executable as well (`docs/decisions/0015-precompiled-script-image.md`).
///
/// The engine itself refuses files of another version or other settings.
unsafe fn deserialize(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: passed on to our caller, in the words above.
    unsafe { Component::deserialize_file(engine, path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_another_digest_before_anything_is_mapped() {
        let error = load(Path::new("Cargo.toml"), &"0".repeat(64))
            .err()
            .expect("refused");
        assert!(
            matches!(error, ImageError::DigestMismatch { .. }),
            "{error}"
        );
    }

    #[test]
    fn refuses_a_file_that_is_no_image() {
        let digest = digest(Path::new("Cargo.toml")).expect("readable");
        let error = load(Path::new("Cargo.toml"), &digest)
            .err()
            .expect("refused");
        assert!(matches!(error, ImageError::Incompatible(_)), "{error}");
    }

    #[test]
    fn names_a_file_that_is_not_there() {
        let error = load(Path::new("/nowhere/image"), "00")
            .err()
            .expect("refused");
        assert!(error.to_string().contains("/nowhere/image"), "{error}");
    }
}
