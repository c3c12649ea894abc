//! The shared library of ONNX Runtime: one per process, loaded at the first use.

use crate::error::InferenceError;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What was loaded.
#[derive(Debug, Clone)]
pub struct RuntimeInfo {
    /// Absolute path of the shared library.
    pub path: PathBuf,
    /// ONNX Runtime's own description of its build.
    pub build: String,
}

enum State {
    Untried,
    Loaded(RuntimeInfo),
    Broken(PathBuf, String),
}

static STATE: Mutex<State> = Mutex::new(State::Untried);

/// Loads the library at `path`, or answers that it is loaded already. Another path than the loaded one is refused:
/// a process holds one ONNX Runtime.
///
/// `ort` remembers its first attempt for good and, after a failed one, hands out a library that is not there
/// (2.0.0-rc.13, `OnceLock::get_or_try_init`). So what can be seen from outside is checked before `ort` is asked, such
/// refusals may be repaired and tried again, and after a failure inside `ort` this process never asks it again.
pub fn load_runtime(path: &Path) -> Result<RuntimeInfo, InferenceError> {
    let refuse = |reason: String| {
        Err(InferenceError::Runtime {
            path: path.to_owned(),
            reason,
        })
    };
    let absolute = match fs::canonicalize(path) {
        Ok(absolute) => absolute,
        Err(error) => return refuse(error.to_string()),
    };
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    match &*state {
        State::Loaded(info) if info.path == absolute => return Ok(info.clone()),
        State::Loaded(info) => {
            return refuse(format!(
                "this process has loaded `{}` already",
                info.path.display()
            ));
        }
        State::Broken(first, reason) => {
            return refuse(format!(
                "loading `{}` failed, restart to try again: {reason}",
                first.display()
            ));
        }
        State::Untried => {}
    }
    if let Err(reason) = inspect(&absolute) {
        return refuse(reason);
    }
    match load(&absolute) {
        Ok(build) => {
            let info = RuntimeInfo {
                path: absolute,
                build,
            };
            *state = State::Loaded(info.clone());
            Ok(info)
        }
        Err(reason) => {
            *state = State::Broken(absolute, reason.clone());
            refuse(reason)
        }
    }
}

/// A shared library that names ONNX Runtime's entry point, judged by its bytes and without running any of them.
fn inspect(path: &Path) -> Result<(), String> {
    const MAGICS: [&[u8]; 3] = [b"\x7fELF", b"\xcf\xfa\xed\xfe", b"MZ"];
    const ENTRY: &[u8] = b"OrtGetApiBase\0";
    let read = |error: std::io::Error| error.to_string();
    let mut file = File::open(path).map_err(read)?;
    let mut magic = Vec::new();
    file.by_ref()
        .take(4)
        .read_to_end(&mut magic)
        .map_err(read)?;
    if !MAGICS.iter().any(|one| magic.starts_with(one)) {
        return Err("not a shared library".to_owned());
    }
    if !contains(file, ENTRY, BLOCK).map_err(read)? {
        return Err("a library, but not ONNX Runtime: it has no `OrtGetApiBase`".to_owned());
    }
    Ok(())
}

/// The names of a library's symbols stand near its start: of 45 MB the first block is read, and not the rest, which was
/// a tenth of what opening a model costs.
const BLOCK: usize = 1 << 20;

/// Looks for the rare first byte by a plain scan, then compares; the end of a block is kept for what goes across.
fn contains(mut from: impl Read, wanted: &[u8], block: usize) -> std::io::Result<bool> {
    let mut bytes = Vec::with_capacity(block + wanted.len());
    loop {
        bytes.drain(..bytes.len().saturating_sub(wanted.len() - 1));
        if from.by_ref().take(block as u64).read_to_end(&mut bytes)? == 0 {
            return Ok(false);
        }
        let mut rest = bytes.as_slice();
        while let Some(at) = rest.iter().position(|byte| *byte == wanted[0]) {
            if rest[at..].starts_with(wanted) {
                return Ok(true);
            }
            rest = &rest[at + 1..];
        }
    }
}

fn load(path: &Path) -> Result<String, String> {
    let attempt = std::panic::catch_unwind(|| {
        let environment = ort::init_from(path).map_err(|error| error.to_string())?;
        environment
            .with_name("signet")
            .with_telemetry(false)
            .commit();
        Ok(ort::info().to_owned())
    });
    attempt.unwrap_or_else(|_| Err("it does not offer the interface this build needs".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_an_entry_point_wherever_it_stands() {
        const ENTRY: &[u8] = b"OrtGetApiBase\0";
        for block in [1, 5, 14, 1024] {
            let found = |bytes: &[u8]| contains(bytes, ENTRY, block).expect("readable");
            assert!(found(ENTRY));
            assert!(found(b"OOrtOrtGetApiBase\0tail"));
            assert!(!found(b"OrtGetApiBas"));
            assert!(!found(b""));
            for before in 0..40 {
                assert!(
                    found(&[&vec![b'O'; before], ENTRY].concat()),
                    "{block}, {before}"
                );
            }
        }
    }

    #[test]
    fn refuses_a_missing_file_a_text_and_a_foreign_library_each_time() {
        let itself = std::env::current_exe().expect("a path");
        let text = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        for _ in 0..2 {
            for path in [Path::new("/nowhere/libonnxruntime.so"), Path::new(text)] {
                let error = load_runtime(path).expect_err("refused");
                assert_eq!(error.code(), "runtime_unavailable");
            }
        }
        // Any ELF file without the entry point. This test's own binary holds the name as text, so cut it short.
        let foreign =
            std::env::temp_dir().join(format!("signet-foreign-{}.so", std::process::id()));
        let head = fs::read(itself)
            .expect("readable")
            .into_iter()
            .take(4096)
            .collect::<Vec<_>>();
        fs::write(&foreign, head).expect("writable");
        let error = load_runtime(&foreign).expect_err("refused");
        fs::remove_file(&foreign).expect("removable");
        assert!(error.to_string().contains("OrtGetApiBase"), "{error}");
    }
}
