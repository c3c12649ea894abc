//! One run: a fresh instance, its limits, and the end that it comes to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::{mpsc::UnboundedReceiver, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep_until};
use wasmtime::component::InstancePre;
use wasmtime::{Engine, Error, Store, Trap, UpdateDeadline};
use wasmtime_wasi::I32Exit;

use crate::clock::RunClock;
use crate::frames::{Completion, Outgoing, ScriptError, Start, State, Timings, Usage};
use crate::guest::{Door, Guest, Stop};
use crate::limits::LIMITS;
use crate::meter::{Meter, Metered};
use crate::output::Output;
use crate::server::Outbox;

/// A printed line is seen at most this much later, whatever the script does.
const EVENT_DELAY: Duration = Duration::from_millis(20);

/// Strings that the host takes from an instance in one call: a frame, or an outcome with its result.
const HOST_STRINGS_BYTES_MAX: usize = 4 << 20;

/// What runs need from their process.
pub(crate) struct Context {
    pub(crate) engine: Engine,
    pub(crate) instances: InstancePre<Guest>,
    pub(crate) image: String,
    pub(crate) outbox: Outbox,
}

/// The other ends of a run's channels are with the server.
pub(crate) struct Control {
    pub(crate) replies: UnboundedReceiver<(u64, String)>,
    pub(crate) cancel: oneshot::Receiver<()>,
}

/// Runs `source` to its end: the completion and its parts.
pub(crate) async fn run(
    context: &Context,
    start: Start,
    source: Vec<u8>,
    control: Control,
) -> (Completion, Vec<u8>) {
    let started = Instant::now();
    let output = |event: fn(String) -> Outgoing| {
        let (outbox, run_id) = (context.outbox.clone(), start.run_id.clone());
        Output::new(
            start.limits.output_bytes,
            LIMITS.events_bytes_max,
            move |text| {
                outbox.send(event(run_id.clone()), text.into_bytes());
            },
        )
    };
    let stdout = output(|run_id| Outgoing::Stdout { run_id });
    let stderr = output(|run_id| Outgoing::Stderr { run_id });
    let mut usage = Used::default();
    let end = match admit(&start, source) {
        Ok(source) => {
            execute(
                context,
                &start,
                &source,
                control,
                (&stdout, &stderr),
                &mut usage,
            )
            .await
        }
        Err(error) => End::failed(6, error),
    };
    let (stdout, stderr) = (stdout.finish(), stderr.finish());
    let wall = started.elapsed();
    let completion = Completion {
        run_id: start.run_id,
        state: end.state,
        exit_code: end.exit_code,
        error: end.error,
        result_type: end.result_type,
        stdout_truncated: stdout.truncated,
        stderr_truncated: stderr.truncated,
        usage: Usage {
            wall_ms: milliseconds(wall),
            cpu_ms: milliseconds(Duration::from_nanos(usage.cpu_ns)),
            memory_bytes: usage.memory_bytes,
            host_calls: usage.host_calls,
            stdout_bytes: stdout.bytes,
            stderr_bytes: stderr.bytes,
        },
        timings: Timings {
            instantiate_ms: milliseconds(usage.instantiated),
            run_ms: milliseconds(wall.saturating_sub(usage.instantiated)),
        },
        image: context.image.clone(),
        parts: [end.result.len(), stdout.text.len(), stderr.text.len()],
    };
    let binary = [end.result, stdout.text, stderr.text].concat();
    (completion, binary.into_bytes())
}

#[derive(Default)]
struct Used {
    cpu_ns: u64,
    memory_bytes: usize,
    host_calls: u64,
    instantiated: Duration,
}

struct End {
    state: State,
    exit_code: i32,
    error: Option<ScriptError>,
    /// JSON text.
    result: String,
    result_type: String,
}

impl End {
    fn new(state: State, exit_code: i32, error: Option<ScriptError>) -> Self {
        Self {
            state,
            exit_code,
            error,
            result: "null".into(),
            result_type: "NoneType".into(),
        }
    }

    fn failed(exit_code: i32, error: ScriptError) -> Self {
        Self::new(State::Failed, exit_code, Some(error))
    }
}

/// The source as text, if the start is within the limits that every run has.
fn admit(start: &Start, source: Vec<u8>) -> Result<String, ScriptError> {
    let argv: usize = start.argv.iter().map(String::len).sum();
    let limits = [
        ("the script", source.len(), LIMITS.script_bytes_max),
        ("argv", argv, LIMITS.argv_bytes_max),
        (
            "the input",
            start.input.to_string().len(),
            LIMITS.input_bytes_max,
        ),
        ("memory_mb", start.limits.memory_mb, LIMITS.memory_mb_max),
        (
            "output_bytes",
            start.limits.output_bytes,
            LIMITS.output_bytes_max,
        ),
        (
            "wall_ms",
            usize::try_from(start.limits.wall_ms).unwrap_or(usize::MAX),
            to_usize(LIMITS.wall_ms_max),
        ),
        (
            "cpu_ms",
            usize::try_from(start.limits.cpu_ms).unwrap_or(usize::MAX),
            to_usize(LIMITS.cpu_ms_max),
        ),
        (
            "host_calls",
            usize::try_from(start.limits.host_calls).unwrap_or(usize::MAX),
            to_usize(LIMITS.host_calls_max),
        ),
    ];
    for (what, found, most) in limits {
        if found > most {
            return Err(error(
                "LimitExceeded",
                format!("{what}: {found}, at most {most}"),
            ));
        }
    }
    String::from_utf8(source).map_err(|_| error("SyntaxError", "the script is not UTF-8".into()))
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

async fn execute(
    context: &Context,
    start: &Start,
    source: &str,
    control: Control,
    (stdout, stderr): (&Output, &Output),
    used: &mut Used,
) -> End {
    let door = Door {
        run_id: start.run_id.clone(),
        token: start.token.clone(),
        calls: 0,
        calls_max: start.limits.host_calls,
        stdout: stdout.clone(),
        stderr: stderr.clone(),
        outbox: context.outbox.clone(),
        replies: control.replies,
    };
    let clock = RunClock::starting_at(start.clock_base_ms);
    let mut store = Store::new(
        &context.engine,
        Guest::new(clock, &start.seed, start.limits.memory_mb << 20, door),
    );
    store.limiter(|guest| &mut guest.memory);
    store.set_hostcall_fuel(HOST_STRINGS_BYTES_MAX);
    let meter = Arc::new(Meter::default());
    let began = Instant::now();
    let deadline = began + Duration::from_millis(start.limits.wall_ms);
    stop_at_limits(&mut store, start, deadline, Arc::clone(&meter));

    let settings = guest_start(start);
    let outcome = {
        let guest = Metered {
            meter: Arc::clone(&meter),
            future: Box::pin(async {
                let instance = context.instances.instantiate_async(&mut store).await?;
                used.instantiated = began.elapsed();
                let entry =
                    instance.get_typed_func::<(&str, &str), (String,)>(&mut store, "run")?;
                let (outcome,) = entry.call_async(&mut store, (&settings, source)).await?;
                Ok::<_, Error>(outcome)
            }),
        };
        until_stopped(
            guest,
            deadline,
            start.limits.wall_ms,
            control.cancel,
            (stdout, stderr),
        )
        .await
    };
    used.cpu_ns = meter.used_ns();
    used.memory_bytes = store.data().memory.bytes_peak;
    used.host_calls = store.data().door.calls;
    match outcome {
        Ok(text) => end_of_outcome(&text, store.data().memory.denied),
        Err(failure) => end_of_failure(&failure, store.data().memory.denied),
    }
}

/// Each tick of the epoch asks both clocks, and yields, so that a script that spins leaves the thread to the others.
fn stop_at_limits(store: &mut Store<Guest>, start: &Start, deadline: Instant, meter: Arc<Meter>) {
    let (wall_ms, cpu_ms) = (start.limits.wall_ms, start.limits.cpu_ms);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        if Instant::now() >= deadline {
            return Err(Stop::Wall(wall_ms).into());
        }
        if meter.used_while_polled_ns() >= cpu_ms * 1_000_000 {
            return Err(Stop::Processor(cpu_ms).into());
        }
        Ok(UpdateDeadline::Yield(1))
    });
}

async fn until_stopped(
    guest: impl Future<Output = wasmtime::Result<String>>,
    deadline: Instant,
    wall_ms: u64,
    mut cancel: oneshot::Receiver<()>,
    (stdout, stderr): (&Output, &Output),
) -> wasmtime::Result<String> {
    let mut guest = std::pin::pin!(guest);
    let mut events = interval(EVENT_DELAY);
    events.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = &mut cancel => return Err(Stop::Cancelled.into()),
            () = sleep_until(deadline.into()) => return Err(Stop::Wall(wall_ms).into()),
            _ = events.tick() => {
                stdout.flush_events();
                stderr.flush_events();
            }
            outcome = &mut guest => return outcome,
        }
    }
}

/// What the interpreter may know of its start: no token, no limits.
fn guest_start(start: &Start) -> String {
    serde_json::json!({
        "run_id": start.run_id,
        "file_name": start.file_name,
        "argv": start.argv,
        "input": start.input,
        "seed": start.seed,
        "dry_run": start.dry_run,
        "script_tool_ms": start.limits.script_tool_ms,
        "call_tool": start.call_tool,
        "registry_tools": start.registry_tools,
    })
    .to_string()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outcome {
    result: String,
    result_type: String,
    exit: Option<i64>,
    error: Option<ScriptError>,
}

/// The outcome comes from memory that the script could write to: each field is checked as if it were the script's.
fn end_of_outcome(text: &str, denied: bool) -> End {
    let violation = |reason: &str| {
        End::failed(
            4,
            error(
                "SandboxViolation",
                format!("the outcome is forged: {reason}"),
            ),
        )
    };
    let Ok(outcome) = serde_json::from_str::<Outcome>(text) else {
        return violation("not an outcome");
    };
    if serde_json::from_str::<serde_json::Value>(&outcome.result).is_err() {
        return violation("its result is not JSON");
    }
    if outcome.result.len() > LIMITS.result_bytes_max {
        let found = outcome.result.len();
        let message = format!(
            "the result has {found} bytes, at most {}",
            LIMITS.result_bytes_max
        );
        return End::failed(6, error("LimitExceeded", message));
    }
    let Some(raised) = outcome.error else {
        if outcome.exit.is_some_and(|status| status != 0) {
            return violation("an exit status without its error");
        }
        let end = End::new(State::Succeeded, 0, None);
        return End {
            result: outcome.result,
            result_type: outcome.result_type,
            ..end
        };
    };
    let exit_code = match (raised.kind.as_str(), &raised.code) {
        ("MemoryError", _) if denied => 6,
        ("LimitExceeded", Some(_)) => 6,
        // A provider's or a policy's doing is told by whoever answered the call (`functions/domain/runs/exit-code.ts`).
        _ => 1,
    };
    End::failed(exit_code, raised)
}

fn end_of_failure(failure: &Error, denied: bool) -> End {
    if let Some(stop) = failure.downcast_ref::<Stop>() {
        return match stop {
            Stop::Wall(_) | Stop::Processor(_) => End::new(
                State::TimedOut,
                3,
                Some(error("TimeLimit", stop.to_string())),
            ),
            Stop::Cancelled => End::new(
                State::Cancelled,
                130,
                Some(error("Cancelled", "the run was cancelled".into())),
            ),
            Stop::Violation(_) => End::failed(4, error("SandboxViolation", stop.to_string())),
        };
    }
    if let Some(I32Exit(status)) = failure.downcast_ref::<I32Exit>() {
        // `os._exit`: no outcome, no flush, as asked for.
        return match status {
            0 => End::new(State::Succeeded, 0, None),
            status => End::failed(1, error("SystemExit", format!("exit status {status}"))),
        };
    }
    if denied {
        return End::failed(
            6,
            error("MemoryError", "the run's memory is used up".into()),
        );
    }
    match failure.downcast_ref::<Trap>() {
        Some(trap) => End::failed(
            4,
            error(
                "SandboxViolation",
                format!("the interpreter trapped: {trap}"),
            ),
        ),
        None => End::failed(
            4,
            error(
                "SandboxViolation",
                "the interpreter broke a rule of its host".into(),
            ),
        ),
    }
}

fn error(kind: &str, message: String) -> ScriptError {
    ScriptError {
        kind: kind.into(),
        message,
        line: None,
        traceback: None,
        code: None,
    }
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(error: &str) -> String {
        format!(r#"{{"result":"1","result_type":"int","exit":null,"error":{error}}}"#)
    }

    #[test]
    fn tells_exit_codes_by_the_uncaught_error() {
        let raised = |kind: &str, code: &str| {
            outcome(&format!(
                r#"{{"type":"{kind}","message":"","line":1,"traceback":"","code":{code}}}"#
            ))
        };
        for (kind, code, exit_code) in [
            ("ValueError", "null", 1),
            ("RateLimited", "\"provider_rate_limited\"", 1),
            ("PolicyDenied", "\"policy_denied\"", 1),
            ("LimitExceeded", "null", 1),
            ("LimitExceeded", "\"limit_exceeded\"", 6),
            ("MemoryError", "null", 1),
        ] {
            assert_eq!(
                end_of_outcome(&raised(kind, code), false).exit_code,
                exit_code,
                "{kind}"
            );
        }
        assert_eq!(
            end_of_outcome(&raised("MemoryError", "null"), true).exit_code,
            6
        );
    }

    #[test]
    fn a_forged_outcome_is_a_violation() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"result":"x","result_type":"int","exit":null,"error":null}"#,
            r#"{"result":"1","result_type":"int","exit":3,"error":null}"#,
        ] {
            assert_eq!(end_of_outcome(text, false).exit_code, 4, "{text}");
        }
    }

    #[test]
    fn a_result_over_its_cap_is_a_limit() {
        let text = serde_json::json!({"result": format!("\"{}\"", "x".repeat(LIMITS.result_bytes_max)), "result_type": "str", "exit": null, "error": null});
        assert_eq!(end_of_outcome(&text.to_string(), false).exit_code, 6);
    }

    #[test]
    fn a_trap_after_a_denied_page_is_a_limit_and_else_a_violation() {
        let trap = Error::from(Trap::UnreachableCodeReached);
        assert_eq!(end_of_failure(&trap, true).exit_code, 6);
        assert_eq!(end_of_failure(&trap, false).exit_code, 4);
    }
}
