//! One model by its name, one text or many: what a program asks for that has no request to answer.

use crate::engine::{Embedded, Engine, EngineOptions, InputType, Truncate};
use crate::error::InferenceError;
use std::sync::atomic::AtomicBool;

/// A text as a vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// `dimension` components.
    pub embedding: Vec<f32>,
    /// The text as it was given, without what the model wants before it.
    pub text: String,
    /// Name of the model.
    pub model: String,
    /// Real tokens, prefix and special ones included.
    pub token_count: u32,
    /// Whether the end of the text was cut.
    pub truncated: bool,
}

/// [`Engine`] under the name of its model. Texts that are too long are cut and say so.
pub struct EmbeddingEngine {
    model: String,
    engine: Engine,
}

impl EmbeddingEngine {
    /// Opens the files of `model`.
    pub fn open(model: impl Into<String>, options: EngineOptions) -> Result<Self, InferenceError> {
        Ok(Self {
            model: model.into(),
            engine: Engine::open(options)?,
        })
    }

    /// Components of a vector.
    pub fn dimension(&self) -> usize {
        self.engine.dimension()
    }

    /// Longest input in tokens.
    pub fn max_tokens(&self) -> usize {
        self.engine.max_tokens()
    }

    /// A text that will be searched for.
    pub fn embed(&self, text: &str) -> Result<Embedding, InferenceError> {
        self.embed_with_type(text, InputType::Document)
    }

    /// A text that searches.
    pub fn embed_query(&self, text: &str) -> Result<Embedding, InferenceError> {
        self.embed_with_type(text, InputType::Query)
    }

    /// One text of any use.
    pub fn embed_with_type(
        &self,
        text: &str,
        input_type: InputType,
    ) -> Result<Embedding, InferenceError> {
        let mut embedded = self.embed_batch_with_type(&[text], input_type)?;
        embedded.pop().ok_or_else(|| InferenceError::Run {
            reason: "no vector came back".to_owned(),
        })
    }

    /// Texts that will be searched for, in their order; none or all.
    pub fn embed_batch(&self, texts: &[impl AsRef<str>]) -> Result<Vec<Embedding>, InferenceError> {
        self.embed_batch_with_type(texts, InputType::Document)
    }

    /// Many texts of any use.
    pub fn embed_batch_with_type(
        &self,
        texts: &[impl AsRef<str>],
        input_type: InputType,
    ) -> Result<Vec<Embedding>, InferenceError> {
        let go_on = AtomicBool::new(false);
        let Embedded {
            vectors,
            tokens,
            truncated,
        } = self
            .engine
            .embed(texts, input_type, Truncate::End, &go_on)?;
        let rows = vectors.chunks_exact(self.dimension());
        let places = (0u32..).zip(texts).zip(rows.zip(tokens));
        Ok(places
            .map(|((at, text), (row, token_count))| Embedding {
                embedding: row.to_vec(),
                text: text.as_ref().to_owned(),
                model: self.model.clone(),
                token_count,
                truncated: truncated.contains(&at),
            })
            .collect())
    }

    /// Embeds one word: whether library, tokenizer and graph still answer with a vector.
    pub fn health_check(&self) -> Result<(), InferenceError> {
        self.embed("health").map(drop)
    }
}
