//! The Node addon `signet.node`: the crates `signing`, `kernels` and `inference` in process.
//!
//! A panic never crosses into Node: every exported function catches it and throws an error instead.

mod embed;
mod proof;
mod score;
