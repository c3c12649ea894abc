use std::io::{Read, Write};
use std::net::TcpStream;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::request::Incoming;
use crate::{Environment, InvalidRequest, StartError, log};

/// What a handler may know of the invocation beside its payload.
#[derive(Debug, Clone)]
pub struct Call {
    /// AWS's id of the invocation.
    pub request_id: String,
    /// Lambda ends the invocation here.
    pub deadline: Instant,
    /// The alias that the caller named; what may be asked can depend on it, since each has a permission of its own.
    pub alias: Option<String>,
}

impl Call {
    /// Of a function's ARN: `arn:aws:lambda:<region>:<account>:function:<name>[:<alias>]`.
    fn alias_of(arn: &str) -> Option<String> {
        let alias = arn.split(':').nth(7)?;
        (!alias.is_empty() && alias != "$LATEST").then(|| alias.to_owned())
    }
}

/// An error that Lambda shows as `errorType`, by which callers tell it from others.
pub trait Failure: std::error::Error + From<InvalidRequest> {
    /// Stable, in the form of a type's name.
    fn name(&self) -> &'static str;
}

/// The whole of a Lambda: starts the log, makes the context, and answers one invocation after the other until Lambda ends
/// the process. A context that cannot be made ends it at once, with the reason in the log and in Lambda's init error.
///
/// A panic of the handler is an error of that invocation (`Panic`) and never more.
pub async fn run<C, Q, A, E>(
    make_context: impl FnOnce(&Environment) -> Result<C, StartError>,
    handle: impl AsyncFn(&C, Q, &Call) -> Result<A, E>,
) -> ExitCode
where
    Q: DeserializeOwned,
    A: Serialize,
    E: Failure,
{
    let environment = Environment::of_process();
    log::start(environment.get("AWS_LAMBDA_LOG_LEVEL"));
    let context = match make_context(&environment) {
        Ok(context) => context,
        Err(error) => return refuse_start(&environment, &error),
    };
    let service = service_fn(|event: LambdaEvent<Incoming<Q>>| answer(&context, &handle, event));
    match lambda_runtime::run(service).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the runtime ended");
            ExitCode::FAILURE
        }
    }
}

async fn answer<C, Q, A, E: Failure>(
    context: &C,
    handle: &impl AsyncFn(&C, Q, &Call) -> Result<A, E>,
    event: LambdaEvent<Incoming<Q>>,
) -> Result<A, Diagnostic> {
    let (Incoming(request), facts) = event.into_parts();
    let left = facts.deadline().duration_since(SystemTime::now());
    let call = Call {
        request_id: facts.request_id,
        deadline: Instant::now() + left.unwrap_or(Duration::ZERO),
        alias: Call::alias_of(&facts.invoked_function_arn),
    };
    let outcome = match request {
        Ok(request) => AssertUnwindSafe(handle(context, request, &call))
            .catch_unwind()
            .await
            .map_err(|_| diagnostic("Panic", "a bug of this function, described in its log"))
            .and_then(|handled| handled.map_err(|error| shown(&error))),
        Err(invalid) => Err(shown(&E::from(invalid))),
    };
    outcome.inspect_err(
        |Diagnostic {
             error_type,
             error_message,
         }| {
            tracing::error!(error_type, error_message, "the invocation failed");
        },
    )
}

fn shown(error: &impl Failure) -> Diagnostic {
    diagnostic(error.name(), &error.to_string())
}

fn diagnostic(name: &str, message: &str) -> Diagnostic {
    Diagnostic {
        error_type: name.to_owned(),
        error_message: message.to_owned(),
    }
}

fn refuse_start(environment: &Environment, reason: &StartError) -> ExitCode {
    tracing::error!(error_message = %reason, "refused to start");
    if let Some(runtime_api) = environment.get("AWS_LAMBDA_RUNTIME_API")
        && let Err(error) = report_start(runtime_api, &reason.to_string())
    {
        tracing::error!(error_message = %error, "the refusal was not reported");
    }
    ExitCode::FAILURE
}

/// `lambda_runtime` has this call to itself. Reported, the caller sees the reason and not only that the process ended.
fn report_start(runtime_api: &str, message: &str) -> std::io::Result<()> {
    let body =
        serde_json::json!({ "errorType": "StartError", "errorMessage": message, "stackTrace": [] })
            .to_string();
    let mut stream = TcpStream::connect(runtime_api)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    write!(
        stream,
        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nhost: {runtime_api}\r\nconnection: close\r\n\
         lambda-runtime-function-error-type: Function.StartError\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    // The answer says nothing that could be acted on; without reading it the call might be lost.
    stream.read(&mut [0; 64]).map(|_| ())
}

#[cfg(test)]
mod tests;
