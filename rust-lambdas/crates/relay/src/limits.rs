//! The numbers of `shared/limits.json` that the relay holds.

use std::sync::LazyLock;

use serde::Deserialize;

pub(crate) static LIMITS: LazyLock<Runs> = LazyLock::new(|| {
    let file: File = serde_json::from_str(include_str!("../../../../shared/limits.json"))
        .expect("shared/limits.json is part of the build");
    file.runs
});

#[derive(Deserialize)]
struct File {
    runs: Runs,
}

#[derive(Deserialize)]
pub(crate) struct Runs {
    pub events_bytes_max: usize,
    pub frame_bytes_max: usize,
}
