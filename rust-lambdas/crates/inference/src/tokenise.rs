//! Text to token ids, with the tokenizer file that came with the weights.

use crate::engine::Truncate;
use crate::error::InferenceError;
use std::path::Path;
use tokenizers::Tokenizer;

/// The ids of one text, special tokens included, padding never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub ids: Vec<u32>,
    pub is_truncated: bool,
}

pub(crate) struct TextTokenizer {
    tokenizer: Tokenizer,
    max_tokens: usize,
}

impl TextTokenizer {
    /// `max_tokens` counts special tokens and replaces whatever limit the file names.
    pub fn open(path: &Path, max_tokens: usize) -> Result<Self, InferenceError> {
        let refuse = |reason: String| InferenceError::Tokenizer {
            path: path.to_owned(),
            reason,
        };
        let mut tokenizer =
            Tokenizer::from_file(path).map_err(|error| refuse(error.to_string()))?;
        tokenizer
            .with_truncation(None)
            .map_err(|error| refuse(error.to_string()))?;
        tokenizer.with_padding(None);
        Ok(Self {
            tokenizer,
            max_tokens,
        })
    }

    /// `prefix` is the engine's own and stays whole; when the text is too long, its last tokens go and the special
    /// tokens behind them stay.
    pub fn tokenise(
        &self,
        index: usize,
        prefix: &str,
        text: &str,
        truncate: Truncate,
    ) -> Result<Tokens, InferenceError> {
        if text.trim().is_empty() {
            return Err(InferenceError::EmptyText { index });
        }
        let run_failed = |error: tokenizers::Error| InferenceError::Run {
            reason: error.to_string(),
        };
        let encoding = if prefix.is_empty() {
            self.tokenizer.encode_fast(text, true)
        } else {
            self.tokenizer.encode_fast(format!("{prefix}{text}"), true)
        };
        let encoding = encoding.map_err(run_failed)?;
        let special = encoding.get_special_tokens_mask();
        // Control characters and the like vanish in normalisation: then only special tokens (and the prefix) are left.
        if special.iter().all(|flag| *flag == 1) {
            return Err(InferenceError::EmptyText { index });
        }
        let ids = encoding.get_ids();
        if ids.len() <= self.max_tokens {
            return Ok(Tokens {
                ids: ids.to_vec(),
                is_truncated: false,
            });
        }
        if truncate == Truncate::Error {
            return Err(InferenceError::InputTooLong {
                index,
                tokens: ids.len(),
                max: self.max_tokens,
            });
        }
        let tail = special.iter().rev().take_while(|flag| **flag == 1).count();
        let mut kept = ids[..self.max_tokens - tail].to_vec();
        kept.extend_from_slice(&ids[ids.len() - tail..]);
        Ok(Tokens {
            ids: kept,
            is_truncated: true,
        })
    }
}
