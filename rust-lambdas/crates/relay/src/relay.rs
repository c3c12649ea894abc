//! One run, from its invocation to the completion that the orchestrator confirmed.

use std::io::{self, Read};

use lambda_kit::HttpsClient;
use tokio::time::Instant;

use crate::completion::{self, End, Measured};
use crate::conversation::{Conversation, Stop};
use crate::invocation::Callback;
use crate::json::Object;
use crate::keeper::Keeper;
use crate::orchestrator::{Answer, Orchestrator};
use crate::start::Start;
use crate::times::Times;

/// How it ended for the relay. The run's own end is in the completion.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The orchestrator has the completion.
    Delivered,
    /// It told us to stop: another worker has the run, or it is over.
    NotOurs,
}

/// Why there is no outcome. Whoever handed the run over takes it for lost when its time is up.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// No process for it.
    #[error("the sandbox cannot be started")]
    Sandbox(#[source] io::Error),
    /// No randomness.
    #[error("the system gives no random bytes")]
    Random(#[source] io::Error),
    /// The orchestrator could not be asked for the script in time.
    #[error("the start of the run did not come in time")]
    Start,
    /// It did not like the question.
    #[error("the start of the run was refused with status {0}")]
    StartRefused(u16),
    /// It has not confirmed the completion in time.
    #[error("the completion of the run was not confirmed in time")]
    Completion,
    /// Not even one that says no more than that it was refused.
    #[error("the completion of the run was refused with status {0}")]
    CompletionRefused(u16),
}

/// Runs the script of one invocation. `until` is the end of the invocation's time.
pub async fn relay(
    keeper: &mut Keeper,
    client: &HttpsClient,
    callback: &Callback,
    times: &Times,
    until: Instant,
) -> Result<Outcome, RelayError> {
    let orchestrator = Orchestrator {
        client,
        callback,
        times,
    };
    let work_until = until.checked_sub(times.delivery).unwrap_or(until);
    let ready_until = work_until.min(Instant::now() + times.greeting);
    keeper
        .warm_up(ready_until)
        .await
        .map_err(RelayError::Sandbox)?;
    let Some(start) = fetch_start(&orchestrator, work_until).await? else {
        return Ok(Outcome::NotOurs);
    };
    let mut taken = keeper.take(&start.tenant).map_err(RelayError::Sandbox)?;
    let began = Instant::now();
    let mut conversation = Conversation::new(&orchestrator, &start);
    let stop = conversation.until_stopped(&mut taken, work_until).await;
    let measured = Measured {
        wall_ms: began.elapsed().as_secs_f64() * 1e3,
        host_calls: conversation.calls(),
        image: keeper.image().to_owned(),
    };
    let said = match stop {
        Stop::NotOurs => return Ok(Outcome::NotOurs),
        Stop::Completed(said) => {
            keeper.give_back(taken);
            said
        }
        Stop::Ended(end) => {
            drop(taken); // it ends before anyone hears that it did
            completion::without_sandbox(&end, &measured)
        }
    };
    conversation.flush_output(until).await;
    deliver_completion(&orchestrator, &mut conversation, (said, &measured), until).await
}

/// Until it is confirmed. One that the orchestrator cannot take is replaced by one that says so.
async fn deliver_completion(
    orchestrator: &Orchestrator<'_>,
    conversation: &mut Conversation<'_>,
    (said, measured): (String, &Measured),
    until: Instant,
) -> Result<Outcome, RelayError> {
    let body = |said: &str| Object::of_kind("completion").text("completion", said);
    let (with_output, _) = conversation.with_output(body(&said));
    let refused = match orchestrator.deliver(with_output, until, taken).await {
        Answer::Taken(()) => return Ok(Outcome::Delivered),
        Answer::Gone(_) => return Ok(Outcome::NotOurs),
        Answer::Refused(status) => status,
        Answer::TooLarge | Answer::Lost => return Err(RelayError::Completion),
    };
    let instead = completion::without_sandbox(&End::Refused(refused), measured);
    match orchestrator
        .deliver(body(&instead).finish(), until, taken)
        .await
    {
        Answer::Taken(()) => Ok(Outcome::Delivered),
        Answer::Gone(_) => Ok(Outcome::NotOurs),
        Answer::Refused(status) => Err(RelayError::CompletionRefused(status)),
        Answer::TooLarge | Answer::Lost => Err(RelayError::Completion),
    }
}

/// The status says it all.
fn taken(_body: &[u8]) -> Option<()> {
    Some(())
}

/// The script, or `None` if another worker has the run. A second delivery of the same invocation is such a worker, which
/// is why the name of the engine is made here and not taken from the invocation.
async fn fetch_start(
    orchestrator: &Orchestrator<'_>,
    until: Instant,
) -> Result<Option<Start>, RelayError> {
    let engine = random_name().map_err(RelayError::Random)?;
    let body = Object::of_kind("start").member("engine", &engine).finish();
    let until = until.min(Instant::now() + orchestrator.times.fetch);
    let read = |bytes: &[u8]| {
        serde_json::from_slice::<Start>(bytes)
            .ok()
            .filter(|start| start.run_id == orchestrator.callback.run_id)
    };
    match orchestrator.deliver(body, until, read).await {
        Answer::Taken(start) => Ok(Some(start)),
        Answer::Gone(_) => Ok(None),
        Answer::Refused(status) => Err(RelayError::StartRefused(status)),
        Answer::TooLarge | Answer::Lost => Err(RelayError::Start),
    }
}

/// 128 random bits, hexadecimal.
fn random_name() -> io::Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
