//! Segments and views: the vector operations of the crate `compute`, on a libuv worker, because they read files and scan
//! millions of rows. They have a lock of their own, so that nothing that signs waits for a search.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, Mutex, PoisonError};

use compute::{VectorEngine, VectorOperation};
use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi::{Env, Error, Result, Task};
use napi_derive::napi;

/// One for the process: handles stay unique however often the addon is opened.
static ENGINE: LazyLock<Mutex<VectorEngine>> = LazyLock::new(Mutex::default);

/// Answers one request frame about segments and views. The request is kept alive and must not be written until the promise
/// settles. Rejects when the frame is malformed, which no input of a user can make it.
#[napi(js_name = "callVectors")]
pub fn call_vectors(operation: u32, request: Uint8Array) -> AsyncTask<VectorTask> {
    AsyncTask::new(VectorTask { operation, request })
}

/// What a worker needs for one request.
pub struct VectorTask {
    operation: u32,
    request: Uint8Array,
}

impl Task for VectorTask {
    type Output = Vec<u8>;
    type JsValue = Uint8Array;

    fn compute(&mut self) -> Result<Self::Output> {
        let operation = VectorOperation::from_number(self.operation)
            .ok_or_else(|| Error::from_reason("no vector operation has this number"))?;
        let answered = catch_unwind(AssertUnwindSafe(|| {
            // A panic leaves chunks unread and views as they were: a view changes only when all of a request is checked.
            let mut engine = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
            engine.answer(operation, &self.request)
        }));
        match answered {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Error::from_reason(error.to_string())),
            Err(_) => Err(Error::from_reason("the compute panicked")),
        }
    }

    fn resolve(&mut self, _: Env, answer: Self::Output) -> Result<Self::JsValue> {
        Ok(answer.into())
    }
}
