//! The numbers of `shared/limits.json` that the process itself holds.

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
    pub wall_ms_max: u64,
    pub cpu_ms_max: u64,
    pub memory_mb_max: usize,
    pub output_bytes_max: usize,
    pub events_bytes_max: usize,
    pub result_bytes_max: usize,
    pub input_bytes_max: usize,
    pub argv_bytes_max: usize,
    pub script_bytes_max: usize,
    pub frame_bytes: usize,
    pub frame_bytes_max: usize,
    pub host_calls_max: u64,
    pub per_process: usize,
}
