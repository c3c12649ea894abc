//! What an instance can reach: an empty WASI context, its limits, and one door.

use rand_core::TryRng;
use tokio::sync::mpsc::UnboundedReceiver;
use wasmtime::component::{InstancePre, Linker, ResourceTable};
use wasmtime::{ResourceLimiter, StoreContextMut};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::clock::RunClock;
use crate::engine::Image;
use crate::frames::Outgoing;
use crate::limits::LIMITS;
use crate::output::Output;
use crate::random::RunRandom;
use crate::server::Outbox;
use crate::strict_json;

/// Handles of WASI resources that one instance may hold; the interpreter needs a dozen.
const RESOURCES_MAX: usize = 1_000;
const RANDOM_BYTES_MAX: u64 = 65_536;
const TABLE_ELEMENTS_MAX: usize = 60_000;
const METHOD_BYTES_MAX: usize = 64;

/// Why the host ends a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("wall time of {0} ms is used up")]
    Wall(u64),
    #[error("processor time of {0} ms is used up")]
    Processor(u64),
    #[error("cancelled")]
    Cancelled,
    #[error("the channel was used in a way that no script can: {0}")]
    Violation(String),
}

pub(crate) struct Guest {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) memory: MemoryLimit,
    pub(crate) door: Door,
}

impl Guest {
    pub(crate) fn new(clock: RunClock, seed: &str, memory_bytes_max: usize, door: Door) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        Self {
            wasi: empty_context(clock, seed, &door),
            table,
            memory: MemoryLimit {
                bytes_max: memory_bytes_max,
                bytes: 0,
                bytes_peak: 0,
                denied: false,
            },
            door,
        }
    }
}

/// The image with its imports resolved: what every run is instantiated from.
pub(crate) fn prepare(image: &Image) -> wasmtime::Result<InstancePre<Guest>> {
    let mut linker: Linker<Guest> = Linker::new(&image.engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    linker.root().func_wrap_async(
        "call",
        |mut store: StoreContextMut<'_, Guest>, (method, arguments): (String, String)| {
            Box::new(async move { Ok((store.data_mut().door.call(method, arguments).await?,)) })
        },
    )?;
    linker.instantiate_pre(&image.component)
}

fn empty_context(clock: RunClock, seed: &str, door: &Door) -> WasiCtx {
    let mut hash_seed = [0; 16];
    let Ok(()) = RunRandom::seeded(seed, "hash seed").try_fill_bytes(&mut hash_seed);
    let mut context = WasiCtxBuilder::new();
    context
        .stdout(door.stdout.clone())
        .stderr(door.stderr.clone())
        .wall_clock(clock)
        .monotonic_clock(clock)
        .secure_random(RunRandom::seeded(seed, "secure"))
        .insecure_random(RunRandom::seeded(seed, "insecure"))
        .insecure_random_seed(u128::from_le_bytes(hash_seed))
        .max_random_size(RANDOM_BYTES_MAX)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .allow_blocking_current_thread(false);
    context.build()
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// Memory of all memories of an instance. A denial is remembered: what the interpreter makes of it may be a trap.
pub(crate) struct MemoryLimit {
    bytes_max: usize,
    bytes: usize,
    pub(crate) bytes_peak: usize,
    pub(crate) denied: bool,
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = self.bytes.saturating_sub(current).saturating_add(desired);
        if bytes > self.bytes_max {
            self.denied = true;
            return Ok(false);
        }
        self.bytes = bytes;
        self.bytes_peak = self.bytes_peak.max(bytes);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.denied = true;
        Ok(())
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }
}

/// The channel as one run has it. Nothing that authorises is known on the other side of it.
pub(crate) struct Door {
    pub(crate) run_id: String,
    pub(crate) token: String,
    pub(crate) calls: u64,
    pub(crate) calls_max: u64,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
    pub(crate) outbox: Outbox,
    pub(crate) replies: UnboundedReceiver<(u64, String)>,
}

impl Door {
    async fn call(&mut self, method: String, arguments: String) -> Result<String, Stop> {
        if !is_method(&method) {
            return Err(Stop::Violation("a method name is malformed".into()));
        }
        if arguments.len() > LIMITS.frame_bytes {
            return Err(Stop::Violation(format!(
                "arguments of {} bytes",
                arguments.len()
            )));
        }
        strict_json::check_object(&arguments)
            .map_err(|reason| Stop::Violation(format!("arguments: {reason}")))?;
        if self.calls >= self.calls_max {
            return Ok(refusal(
                "LimitExceeded",
                "limit_exceeded",
                &format!("a run of {} host calls", self.calls_max),
            ));
        }
        self.calls += 1;
        self.stdout.flush_events();
        self.stderr.flush_events();
        let (run_id, token, seq) = (self.run_id.clone(), self.token.clone(), self.calls);
        self.outbox.send(
            Outgoing::Call {
                run_id,
                token,
                seq,
                method,
            },
            arguments.into_bytes(),
        );
        loop {
            match self.replies.recv().await {
                Some((answered, reply)) if answered == seq => return Ok(reply),
                Some(_) => {} // an answer to nothing that was asked
                None => return Err(Stop::Cancelled),
            }
        }
    }
}

fn is_method(name: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    name.len() <= METHOD_BYTES_MAX && name.split('.').all(is_word)
}

fn refusal(kind: &str, code: &str, message: &str) -> String {
    serde_json::json!({
        "kind": "error",
        "error": { "type": kind, "code": code, "message": message, "retryable": false, "facts": {} },
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_method_names() {
        for name in ["llm.chat", "tool.result", "embed", "bus.create_channel"] {
            assert!(is_method(name), "{name}");
        }
        for name in [
            "",
            ".",
            "llm.",
            "Llm.chat",
            "llm chat",
            "llm.chat\n",
            "__class__",
            &"a".repeat(65),
        ] {
            assert!(!is_method(name), "{name}");
        }
    }

    #[test]
    fn counts_all_memories_and_remembers_a_denial() {
        let mut memory = MemoryLimit {
            bytes_max: 100,
            bytes: 0,
            bytes_peak: 0,
            denied: false,
        };
        assert!(memory.memory_growing(0, 60, None).expect("decides"));
        assert!(!memory.memory_growing(0, 41, None).expect("decides"));
        assert!(memory.denied);
        assert!(memory.memory_growing(60, 100, None).expect("decides"));
        assert_eq!(memory.bytes_peak, 100);
    }
}
