//! Text to token ids, with the tokenizer file that came with the weights.

use crate::engine::Truncate;
use crate::error::InferenceError;
use std::path::Path;
use tokenizers::{Encoding, Tokenizer};

/// The ids of one text, special tokens included, padding never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub ids: Vec<u32>,
    pub is_truncated: bool,
}

/// What the engine puts before a text, and how many tokens that is when no text follows (special ones included).
pub(crate) struct Prefix {
    text: String,
    tokens: usize,
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

    /// Measures a prefix once, for `tokenise`.
    pub fn prefix(&self, text: &str) -> Result<Prefix, InferenceError> {
        Ok(Prefix {
            text: text.to_owned(),
            tokens: self.encode(text)?.len(),
        })
    }

    /// `prefix` stays whole; when the text is too long, its last tokens go and the special tokens behind them stay.
    pub fn tokenise(
        &self,
        index: usize,
        prefix: &Prefix,
        text: &str,
        truncate: Truncate,
    ) -> Result<Tokens, InferenceError> {
        if text.trim().is_empty() {
            return Err(InferenceError::EmptyText { index });
        }
        let encoding = if prefix.text.is_empty() {
            self.encode(text)
        } else {
            self.encode(&format!("{}{text}", prefix.text))
        };
        let encoding = encoding?;
        // Control characters and the like vanish in normalisation: then the prefix is all there is.
        if encoding.len() <= prefix.tokens {
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
        let tail = encoding
            .get_special_tokens_mask()
            .iter()
            .rev()
            .take_while(|flag| **flag == 1)
            .count();
        let mut kept = ids[..self.max_tokens - tail].to_vec();
        kept.extend_from_slice(&ids[ids.len() - tail..]);
        Ok(Tokens {
            ids: kept,
            is_truncated: true,
        })
    }

    fn encode(&self, text: &str) -> Result<Encoding, InferenceError> {
        let encoding = self.tokenizer.encode_fast(text, true);
        encoding.map_err(|error| InferenceError::Run {
            reason: error.to_string(),
        })
    }
}
