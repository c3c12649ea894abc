//! A question to the orchestrator while other things go on.

use std::pin::Pin;

use crate::orchestrator::Answer;

/// One that is under way, or none.
pub(crate) struct Question<'a, T> {
    answer: Option<Pin<Box<dyn Future<Output = Answer<T>> + Send + 'a>>>,
    has_output: bool,
}

impl<'a, T> Question<'a, T> {
    pub(crate) fn open(
        answer: impl Future<Output = Answer<T>> + Send + 'a,
        has_output: bool,
    ) -> Self {
        Self {
            answer: Some(Box::pin(answer)),
            has_output,
        }
    }

    pub(crate) fn none() -> Self {
        Self {
            answer: None,
            has_output: false,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.answer.is_some()
    }

    /// Pending for ever where there is none, so that `select!` needs no other case for it.
    pub(crate) async fn answered(&mut self) -> Answer<T> {
        match &mut self.answer {
            Some(answer) => answer.await,
            None => std::future::pending().await,
        }
    }

    /// True if its body carried output.
    pub(crate) fn close(&mut self) -> bool {
        self.answer = None;
        self.has_output
    }
}
