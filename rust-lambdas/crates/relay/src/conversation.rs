//! What goes on between a sandbox and the orchestrator while a script runs.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use crate::completion::{self, End};
use crate::frames::{self, NO_TOKEN, Said};
use crate::json::{self, Object};
use crate::keeper::Taken;
use crate::limits::LIMITS;
use crate::orchestrator::{Answer, Orchestrator};
use crate::output::{Output, Stream};
use crate::question::Question;
use crate::sandbox::{Heard, NoGreeting};
use crate::start::Start;

const METHOD_BYTES_MAX: usize = 128;

/// One run's calls, in sequence, and its output.
pub(crate) struct Conversation<'a> {
    orchestrator: &'a Orchestrator<'a>,
    start: &'a Start,
    output: Output,
    /// Of the last call; 0 before the first.
    seq: u64,
}

/// Why it is over.
pub(crate) enum Stop {
    /// `ScriptCompletion`, JSON, as the sandbox said it.
    Completed(String),
    Ended(End),
    /// The orchestrator does not want to hear of this run from us.
    NotOurs,
}

impl<'a> Conversation<'a> {
    pub(crate) fn new(orchestrator: &'a Orchestrator<'a>, start: &'a Start) -> Self {
        let (output, seq) = (Output::default(), 0);
        Self {
            orchestrator,
            start,
            output,
            seq,
        }
    }

    /// Starts the script and relays until it ended, or must.
    pub(crate) async fn until_stopped(&mut self, taken: &mut Taken, work_until: Instant) -> Stop {
        match self.relay(taken, work_until).await {
            Ok(never) => match never {},
            Err(stop) => stop,
        }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.seq
    }

    /// Adds what was printed, if there is some and no other body carries it.
    pub(crate) fn with_output(&mut self, body: Object) -> (String, bool) {
        match self.output.attach() {
            Some(pieces) => (body.text("output", &pieces).finish(), true),
            None => (body.finish(), false),
        }
    }

    /// Sends what the last body, the completion's, has no room for.
    pub(crate) async fn flush_output(&mut self, until: Instant) {
        self.output.in_doubt();
        while self.output.is_long() {
            let (body, _) = self.with_output(Object::of_kind("watch"));
            match self.orchestrator.deliver(body, until, read_watched).await {
                Answer::Taken(_) => self.output.confirm(),
                // The completion, which is next, finds out the same and says it.
                _ => return self.output.in_doubt(),
            }
        }
    }

    async fn relay(&mut self, taken: &mut Taken, work_until: Instant) -> Result<Never, Stop> {
        let times = self.orchestrator.times;
        let greeting_until = work_until.min(Instant::now() + times.greeting);
        taken
            .sandbox
            .greeted(greeting_until)
            .await
            .map_err(not_ready)?;
        taken.sandbox.send(frames::start(self.start));
        let mut end = self.last_end(work_until);
        let mut ticks = every(times.watch);
        let mut call = Question::none();
        let mut watch = Question::none();
        loop {
            tokio::select! {
                biased;
                () = sleep_until(end.at) => return Err(Stop::Ended(end.end)),
                answer = call.answered() => {
                    self.settle(call.close(), &answer);
                    let reply = self.reply_of(answer, &end)?;
                    taken.sandbox.send(frames::reply(&self.start.run_id, self.seq, &reply));
                }
                answer = watch.answered() => {
                    self.settle(watch.close(), &answer);
                    if is_cancelled(&answer)? && end.end != End::Cancelled {
                        taken.sandbox.send(frames::cancel(&self.start.run_id));
                        end = LastEnd { at: end.at.min(Instant::now() + times.silence), end: End::Cancelled };
                    }
                }
                heard = taken.sandbox.next() => {
                    if let Some(body) = self.hear(heard, call.is_open())? {
                        call = self.ask(body, end.at, read_reply);
                    }
                    if self.output.is_urgent() {
                        ticks.reset_immediately();
                    }
                }
                _ = ticks.tick(), if !watch.is_open() => {
                    watch = self.ask(Object::of_kind("watch"), Instant::now() + times.quiet, read_watched);
                }
            }
        }
    }

    /// The end that comes if no other does first.
    fn last_end(&self, work_until: Instant) -> LastEnd {
        let wall_ms = self.start.limits.wall_ms;
        let at = Instant::now() + Duration::from_millis(wall_ms) + self.orchestrator.times.silence;
        if at <= work_until {
            let end = End::Overdue(wall_ms);
            return LastEnd { at, end };
        }
        let (at, end) = (work_until, End::OutOfTime);
        LastEnd { at, end }
    }

    fn ask<T: Send + 'a>(
        &mut self,
        body: Object,
        until: Instant,
        read: fn(&[u8]) -> Option<T>,
    ) -> Question<'a, T> {
        let (body, has_output) = self.with_output(body);
        let answer = self.orchestrator.deliver(body, until, read);
        Question::open(answer, has_output)
    }

    fn settle<T>(&mut self, has_output: bool, answer: &Answer<T>) {
        match answer {
            _ if !has_output => (),
            Answer::Taken(_) | Answer::TooLarge => self.output.confirm(),
            Answer::Gone(_) | Answer::Refused(_) | Answer::Lost => self.output.in_doubt(),
        }
    }

    fn reply_of(&self, answer: Answer<Vec<u8>>, end: &LastEnd) -> Result<Vec<u8>, Stop> {
        match answer {
            Answer::Taken(reply) if reply.len() <= LIMITS.frame_bytes_max => Ok(reply),
            Answer::Taken(_) | Answer::TooLarge => Ok(too_large()),
            Answer::Gone(_) => Err(Stop::NotOurs),
            Answer::Refused(status) => Err(violation(&format!(
                "a call that was refused with status {status}"
            ))),
            Answer::Lost => Err(Stop::Ended(end.end.clone())),
        }
    }

    /// The body of a call, if it was one.
    fn hear(&mut self, heard: Heard, is_asking: bool) -> Result<Option<Object>, Stop> {
        let (said, binary) = match heard {
            Heard::Frame(said, binary) => (said, binary),
            Heard::Broken(reason) => return Err(violation(&reason)),
            Heard::Ended => return Err(Stop::Ended(End::Lost("it ended".into()))),
        };
        match said {
            Said::Hello(_) => Err(violation("a second greeting")),
            Said::Stdout { run_id } => self.print(Stream::Stdout, &run_id, binary),
            Said::Stderr { run_id } => self.print(Stream::Stderr, &run_id, binary),
            Said::Call {
                run_id,
                token,
                seq,
                method,
            } => {
                self.check_run(&run_id)?;
                if token != NO_TOKEN {
                    return Err(violation("a call with another token"));
                }
                if is_asking || seq != self.seq + 1 {
                    return Err(violation("a call out of sequence"));
                }
                if method.len() > METHOD_BYTES_MAX || binary.len() > LIMITS.frame_bytes_max {
                    return Err(violation("a call that is too large"));
                }
                let args = json::object(&binary)
                    .ok_or_else(|| violation("arguments that are not an object"))?;
                self.seq = seq;
                let body = Object::of_kind("call")
                    .member("seq", &seq)
                    .member("method", &method);
                Ok(Some(body.text("args", args)))
            }
            Said::Completion(header) => {
                self.check_run(&header.run_id)?;
                let said = completion::from_frame(&header, &binary);
                Err(said.map_or_else(
                    || violation("a completion that does not add up"),
                    Stop::Completed,
                ))
            }
        }
    }

    fn print(
        &mut self,
        stream: Stream,
        run_id: &str,
        text: Vec<u8>,
    ) -> Result<Option<Object>, Stop> {
        self.check_run(run_id)?;
        let text = String::from_utf8(text).map_err(|_| violation("text that is not UTF-8"))?;
        if !self.output.push(stream, text) {
            return Err(violation("more output than any run prints"));
        }
        Ok(None)
    }

    fn check_run(&self, run_id: &str) -> Result<(), Stop> {
        if run_id == self.start.run_id {
            Ok(())
        } else {
            Err(violation("a frame of another run"))
        }
    }
}

/// Nothing is one.
enum Never {}

struct LastEnd {
    at: Instant,
    end: End,
}

fn not_ready(reason: NoGreeting) -> Stop {
    match reason {
        NoGreeting::Other => violation("no greeting"),
        NoGreeting::Ended => Stop::Ended(End::Lost("it did not start".into())),
        NoGreeting::Late => Stop::Ended(End::Lost("it did not start in time".into())),
    }
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[derive(Deserialize)]
struct Watched {
    cancelled: bool,
}

fn read_watched(bytes: &[u8]) -> Option<Watched> {
    serde_json::from_slice(bytes).ok()
}

fn is_cancelled(answer: &Answer<Watched>) -> Result<bool, Stop> {
    match answer {
        Answer::Taken(Watched { cancelled }) => Ok(*cancelled),
        Answer::Gone(_) => Err(Stop::NotOurs),
        // The next one asks again.
        Answer::Refused(_) | Answer::TooLarge | Answer::Lost => Ok(false),
    }
}

fn read_reply(bytes: &[u8]) -> Option<Vec<u8>> {
    json::object(bytes).map(|text| text.as_bytes().to_vec())
}

/// In the words of the orchestrator's own answers (`ReplyFrame`).
fn too_large() -> Vec<u8> {
    let most = LIMITS.frame_bytes_max;
    let error = serde_json::json!({
        "type": "LimitExceeded",
        "code": "too_large",
        "message": format!("the answer has more than {most} bytes"),
        "retryable": false,
        "facts": {},
    });
    Object::of_kind("error")
        .member("error", &error)
        .finish()
        .into_bytes()
}

fn violation(sent: &str) -> Stop {
    Stop::Ended(End::Violation(sent.to_owned()))
}
