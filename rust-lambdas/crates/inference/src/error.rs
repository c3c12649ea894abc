use std::path::PathBuf;

/// Why a model could not be opened or a text not be embedded.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// The shared library of ONNX Runtime is missing, is something else, or is too old.
    #[error("ONNX Runtime cannot be used from `{}`: {reason}", path.display())]
    Runtime {
        /// Where it was looked for.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The graph cannot be read or is not one that this engine can drive.
    #[error("model `{}`: {reason}", path.display())]
    Model {
        /// The graph's file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `tokenizer.json` cannot be read.
    #[error("tokenizer `{}`: {reason}", path.display())]
    Tokenizer {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The text is blank, or nothing of it is left after normalisation: there is nothing to embed.
    #[error("text {index} is empty")]
    EmptyText {
        /// Its place in the list.
        index: usize,
    },
    /// The text is longer than the model reads, and the caller asked not to cut it.
    #[error("text {index} has {tokens} tokens, the model reads at most {max}")]
    InputTooLong {
        /// Its place in the list.
        index: usize,
        /// Tokens with prefix and special tokens.
        tokens: usize,
        /// What the model reads.
        max: usize,
    },
    /// ONNX Runtime refused a run, or the graph answered something that is no vector.
    #[error("the model run failed: {reason}")]
    Run {
        /// What it said.
        reason: String,
    },
    /// The caller asked to stop; batches that had not started were not run.
    #[error("cancelled")]
    Cancelled,
    /// A bug of ours or of a library, caught at the border of the crate.
    #[error("a panic was caught: {reason}")]
    Panic {
        /// The panic's message.
        reason: String,
    },
}

impl InferenceError {
    /// A stable name for other languages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Runtime { .. } => "runtime_unavailable",
            Self::Model { .. } => "model_unreadable",
            Self::Tokenizer { .. } => "tokenizer_unreadable",
            Self::EmptyText { .. } => "empty_text",
            Self::InputTooLong { .. } => "input_too_long",
            Self::Run { .. } => "run_failed",
            Self::Cancelled => "cancelled",
            Self::Panic { .. } => "panic",
        }
    }
}

/// Runs `work` and turns a panic into an error: the crate is called from threads of other languages.
pub(crate) fn caught<T>(
    work: impl FnOnce() -> Result<T, InferenceError>,
) -> Result<T, InferenceError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned());
        let reason = text
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "unknown".to_owned());
        Err(InferenceError::Panic { reason })
    })
}
