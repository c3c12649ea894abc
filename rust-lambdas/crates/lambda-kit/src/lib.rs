//! What every Rust Lambda shares and none should decide for itself: a start that refuses and says why, JSON lines without
//! payloads, requests that are read strictly, errors that Lambda shows under a stable name, and HTTPS to where results go.
//!
//! A Lambda is five files: `main` names [`run`], `context` reads the [`Environment`] once, `handler` is one function,
//! `error` its failures, `lib` joins them for tests.

mod environment;
mod fields;
mod https;
mod log;
mod request;
mod run;

pub use environment::{Environment, StartError};
pub use fields::{Bytes, Floats};
pub use https::{Answer, HeaderName, HeaderValue, HttpsClient, Post, PostError, Uri};
pub use request::InvalidRequest;
pub use run::{Call, Failure, run};
