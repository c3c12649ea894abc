//! The miniature model of `model-shapes`, and `twin`, which computes it without ONNX.
#![allow(dead_code, reason = "each test uses a part of it")]

pub mod twin;

use std::path::{Path, PathBuf};

pub const HIDDEN: usize = model_shapes::TINY.hidden;
pub const HEADS: usize = model_shapes::TINY.heads;
pub const POSITIONS: usize = model_shapes::TINY.positions;

/// The shared library that these tests run: `SIGNET_ORT_LIB`, or the one of the npm package.
pub fn onnx_runtime() -> PathBuf {
    if let Some(path) = std::env::var_os("SIGNET_ORT_LIB") {
        return path.into();
    }
    let arch = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x64"
    };
    let package = "../../../node_modules/onnxruntime-node/bin/napi-v6";
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(package)
            .join(if cfg!(target_os = "macos") {
                "darwin/arm64/libonnxruntime.1.dylib".to_owned()
            } else {
                format!("linux/{arch}/libonnxruntime.so.1")
            });
    assert!(
        path.exists(),
        "{} is missing: run npm ci --ignore-scripts",
        path.display()
    );
    path
}
