//! How long the relay waits for whom.

use std::time::Duration;

/// Tests take shorter ones.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Between two questions whether the run was cancelled; what the script printed travels with them.
    pub watch: Duration,
    /// An orchestrator that is at work sends white space every 10 s. One that is silent for longer is asked again.
    pub quiet: Duration,
    /// Between two attempts: a random part of what doubles from the first to the second.
    pub retry: (Duration, Duration),
    /// A process that was started, until it greets: 48 MB of code from a cold disk.
    pub greeting: Duration,
    /// From the invocation until the script is here. Whoever invoked looks at the run again after that.
    pub fetch: Duration,
    /// A run that is past its wall limit, or that was cancelled, has this long to say so itself.
    pub silence: Duration,
    /// Kept back of the invocation's time, so that a completion can still be delivered.
    pub delivery: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            watch: Duration::from_secs(2),
            quiet: Duration::from_secs(35),
            retry: (Duration::from_millis(200), Duration::from_secs(5)),
            greeting: Duration::from_secs(30),
            fetch: Duration::from_secs(60),
            silence: Duration::from_secs(1),
            delivery: Duration::from_secs(10),
        }
    }
}
