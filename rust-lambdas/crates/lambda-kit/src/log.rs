use std::panic::{self, PanicHookInfo};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;

/// Where the runtime says in its own words what `run` has said with the name of the failure.
const FAILED_TWICE: &str = "lambda_runtime::layers::panic";

/// One JSON object a line on standard output, as Lambda's log groups take it; `info` and above, or what
/// `AWS_LAMBDA_LOG_LEVEL` (Lambda's own variable) says.
pub(crate) fn start(level: Option<&str>) {
    let level = match level.unwrap_or_default().to_ascii_uppercase().as_str() {
        "TRACE" | "DEBUG" => tracing::Level::DEBUG,
        "WARN" => tracing::Level::WARN,
        "ERROR" | "FATAL" => tracing::Level::ERROR,
        _ => tracing::Level::INFO,
    };
    // Not `trace`: the runtime's own events of that level hold payloads.
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(level)
        .finish()
        .with(
            Targets::new()
                .with_default(level)
                .with_target(FAILED_TWICE, LevelFilter::OFF),
        );
    // A second start in one process (tests) keeps the first subscriber.
    let _ = tracing::subscriber::set_global_default(subscriber);
    panic::set_hook(Box::new(|facts| {
        tracing::error!(at = %place(facts), message = literal(facts), "panic");
    }));
}

fn place(facts: &PanicHookInfo<'_>) -> String {
    facts
        .location()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// A formatted message may quote what was being worked on; a literal cannot.
fn literal(facts: &PanicHookInfo<'_>) -> &'static str {
    facts
        .payload()
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(with values, not shown)")
}
