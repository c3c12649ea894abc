//! The start of a run, as the orchestrator answers it and as the sandbox takes it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `ScriptStart` of `functions/domain/ports/script-host.ts`, without the token.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    pub run_id: String,
    #[serde(skip_serializing)]
    pub tenant: String,
    /// Goes to the sandbox beside the header.
    #[serde(skip_serializing)]
    pub script: String,
    file_name: String,
    argv: Vec<String>,
    input: Value,
    seed: String,
    clock_base_ms: u64,
    dry_run: bool,
    pub limits: Limits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call_tool: Option<Value>,
    #[serde(default)]
    registry_tools: Vec<String>,
}

/// The sandbox holds them; the relay needs one.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub wall_ms: u64,
    cpu_ms: u64,
    memory_mb: u64,
    output_bytes: u64,
    host_calls: u64,
    script_tool_ms: u64,
}
