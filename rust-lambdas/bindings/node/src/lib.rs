//! The Node addon `signet.node`: the crates `signing`, `kernels` and `inference` in process.
//!
//! A panic never crosses into Node: every exported function catches it and throws an error instead.

#![cfg_attr(
    test,
    allow(
        dead_code,
        reason = "napi registers nothing in a test build, so nothing looks used"
    )
)]

mod embed;
mod proof;
mod score;
mod vectors;
