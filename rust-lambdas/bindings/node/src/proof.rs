//! Signing, verifying, hashing: the crate `compute` behind one function over packed frames.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

use compute::Engine;
use napi::bindgen_prelude::Uint8Array;
use napi::{Error, Result};
use napi_derive::napi;

/// One for the process: handles stay unique however often the addon is opened.
static ENGINE: LazyLock<Mutex<Engine>> =
    LazyLock::new(|| Mutex::new(Engine::with_clock(elapsed_ms)));

fn elapsed_ms() -> f64 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed().as_secs_f64() * 1000.0
}

/// The version of what this addon exports. Counted up when an export changes, so that an addon built from other sources
/// is told apart before it is used.
#[napi(js_name = "interfaceVersion")]
pub fn interface_version() -> u32 {
    1
}

/// Answers one request frame. It borrows the request and hands the answer over without a copy; who asked zeroes both
/// where they held private bytes. Throws when the frame is malformed, which no input of a user can make it.
#[napi(js_name = "call")]
pub fn call(operation: u32, request: &[u8]) -> Result<Uint8Array> {
    let answered = catch_unwind(AssertUnwindSafe(|| {
        // A panic left no key half written: every operation finishes its own work before it stores a key.
        let mut engine = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
        engine.answer(operation, request)
    }));
    match answered {
        Ok(Ok(answer)) => Ok(answer.into()),
        Ok(Err(error)) => Err(Error::from_reason(error.to_string())),
        Err(_) => Err(Error::from_reason("the compute panicked")),
    }
}
