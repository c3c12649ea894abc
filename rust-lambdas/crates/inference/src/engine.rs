//! The engine: one model, opened once, used by many threads.

use crate::error::{InferenceError, caught};
use crate::pack::pack;
use crate::pool::{Pooling, normalise, pool};
use crate::runtime::{RuntimeInfo, load_runtime};
use crate::session::{SharedSession, TokenInput};
use crate::tokenise::{Prefix, TextTokenizer, Tokens};
use crate::turns::Turns;
use ort::value::Tensor;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What a model folder and the machine say about a model.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Shared library of ONNX Runtime.
    pub runtime_library: PathBuf,
    /// The graph, `.onnx`: int64 token tensors in, `[batch, tokens, dimension]` float32 out.
    pub model: PathBuf,
    /// `tokenizer.json` of the weights.
    pub tokenizer: PathBuf,
    /// Components of a vector.
    pub dimension: usize,
    /// Longest input in tokens, special ones and prefix included.
    pub max_tokens: usize,
    /// Token rows to one row.
    pub pooling: Pooling,
    /// Scale each vector to length 1.
    pub normalize: bool,
    /// What the model was trained to see before a text, by its use.
    pub prefixes: Prefixes,
    /// Name of the graph's output that holds the token rows.
    pub output: String,
    /// Batches that run at once, each on a thread of its own: the processors of the machine, unless somebody knows better.
    pub threads: NonZeroUsize,
}

/// Empty where the model wants none.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "each is named after its input type")]
pub struct Prefixes {
    pub query: String,
    pub document: String,
    pub clustering: String,
    pub classification: String,
}

/// What the text is for; decides the prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum InputType {
    Query,
    Document,
    Clustering,
    Classification,
}

impl FromStr for InputType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "query" | "search_query" => Ok(Self::Query),
            "document" | "search_document" => Ok(Self::Document),
            "clustering" => Ok(Self::Clustering),
            "classification" => Ok(Self::Classification),
            _ => Err(format!(
                "expected `query`, `document`, `clustering` or `classification`, got `{text}`"
            )),
        }
    }
}

/// What happens to a text that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncate {
    /// Its last tokens are dropped and its index is reported.
    End,
    /// The whole request is refused.
    Error,
}

impl FromStr for Truncate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "end" => Ok(Self::End),
            "error" => Ok(Self::Error),
            _ => Err(format!("expected truncate `end` or `error`, got `{text}`")),
        }
    }
}

/// Vectors in the order of the texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// texts x dimension, row-major.
    pub vectors: Vec<f32>,
    /// Real tokens of each text: prefix and special ones counted, padding not.
    pub tokens: Vec<u32>,
    /// Indexes of the texts that were cut, ascending.
    pub truncated: Vec<u32>,
}

/// One model, opened.
///
/// ```no_run
/// use inference::{Engine, EngineOptions, InputType, Pooling, Prefixes, Truncate};
/// use std::sync::atomic::AtomicBool;
///
/// let engine = Engine::open(EngineOptions {
///     runtime_library: "libonnxruntime.so.1".into(),
///     model: "all-MiniLM-L6-v2/model.fp32.onnx".into(),
///     tokenizer: "all-MiniLM-L6-v2/tokenizer.json".into(),
///     dimension: 384,
///     max_tokens: 256,
///     pooling: Pooling::Mean,
///     normalize: true,
///     prefixes: Prefixes::default(),
///     output: "last_hidden_state".into(),
///     threads: std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN),
/// })?;
/// let embedded = engine.embed(&["hello"], InputType::Document, Truncate::End, &AtomicBool::new(false))?;
/// assert_eq!(embedded.vectors.len(), 384);
/// # Ok::<(), inference::InferenceError>(())
/// ```
pub struct Engine {
    options: EngineOptions,
    runtime: RuntimeInfo,
    tokenizer: TextTokenizer,
    no_prefix: Prefix,
    query_prefix: Prefix,
    document_prefix: Prefix,
    clustering_prefix: Prefix,
    classification_prefix: Prefix,
    session: SharedSession,
    turns: Turns,
}

impl Engine {
    /// Loads ONNX Runtime, the tokenizer and the graph, and checks that they fit the options. About 0.2 s for 90 MB.
    pub fn open(options: EngineOptions) -> Result<Self, InferenceError> {
        caught(|| {
            let runtime = load_runtime(&options.runtime_library)?;
            // The graph takes eight times as long: beside it the tokenizer costs nothing.
            let (tokenizer, session) = std::thread::scope(|scope| {
                let tokenizer =
                    scope.spawn(|| TextTokenizer::open(&options.tokenizer, options.max_tokens));
                let session =
                    SharedSession::open(&options.model, &options.output, options.dimension);
                (tokenizer.join(), session)
            });
            let tokenizer = tokenizer.unwrap_or_else(|panic| resume_unwind(panic))?;
            let session = session?;
            let prefixes = &options.prefixes;
            Ok(Self {
                no_prefix: tokenizer.prefix("")?,
                query_prefix: tokenizer.prefix(&prefixes.query)?,
                document_prefix: tokenizer.prefix(&prefixes.document)?,
                clustering_prefix: tokenizer.prefix(&prefixes.clustering)?,
                classification_prefix: tokenizer.prefix(&prefixes.classification)?,
                turns: Turns::new(options.threads.get()),
                options,
                runtime,
                tokenizer,
                session,
            })
        })
    }

    /// Components of a vector.
    pub fn dimension(&self) -> usize {
        self.options.dimension
    }

    /// Longest input in tokens.
    pub fn max_tokens(&self) -> usize {
        self.options.max_tokens
    }

    /// The library that runs the graph.
    pub fn runtime(&self) -> &RuntimeInfo {
        &self.runtime
    }

    /// Token ids of each text as the model gets them, without prefix.
    pub fn token_ids(
        &self,
        texts: &[impl AsRef<str>],
        truncate: Truncate,
    ) -> Result<Vec<Vec<u32>>, InferenceError> {
        let tokenise = |(index, text): (usize, _)| {
            self.tokenizer
                .tokenise(index, &self.no_prefix, AsRef::as_ref(text), truncate)
        };
        caught(|| {
            texts
                .iter()
                .enumerate()
                .map(|pair| tokenise(pair).map(|tokens| tokens.ids))
                .collect()
        })
    }

    /// Embeds all texts or none: the first bad text refuses the request with its index. `is_cancelled` is read before
    /// each batch.
    pub fn embed(
        &self,
        texts: &[impl AsRef<str>],
        input_type: InputType,
        truncate: Truncate,
        is_cancelled: &AtomicBool,
    ) -> Result<Embedded, InferenceError> {
        caught(|| {
            let prefix = self.prefix(input_type);
            let tokenise = |(index, text): (usize, _)| {
                stop_if(is_cancelled)?;
                self.tokenizer
                    .tokenise(index, prefix, AsRef::as_ref(text), truncate)
            };
            let tokens = texts
                .iter()
                .enumerate()
                .map(tokenise)
                .collect::<Result<Vec<_>, _>>()?;
            let lengths = tokens
                .iter()
                .map(|tokens| tokens.ids.len())
                .collect::<Vec<_>>();
            let vectors = self.run_all(&tokens, &pack(&lengths), is_cancelled)?;
            Ok(Embedded {
                vectors,
                tokens: lengths.iter().map(|length| *length as u32).collect(),
                truncated: (0u32..)
                    .zip(&tokens)
                    .filter(|(_, tokens)| tokens.is_truncated)
                    .map(|(at, _)| at)
                    .collect(),
            })
        })
    }

    fn prefix(&self, input_type: InputType) -> &Prefix {
        match input_type {
            InputType::Query => &self.query_prefix,
            InputType::Document => &self.document_prefix,
            InputType::Clustering => &self.clustering_prefix,
            InputType::Classification => &self.classification_prefix,
        }
    }

    /// The vectors of all texts, in their order. Each thread takes the next batch, the longest first, so that none is left
    /// with a long one at the end; the caller's thread is one of them.
    fn run_all(
        &self,
        tokens: &[Tokens],
        batches: &[Vec<usize>],
        is_cancelled: &AtomicBool,
    ) -> Result<Vec<f32>, InferenceError> {
        let dimension = self.options.dimension;
        let taken = AtomicUsize::new(0);
        let has_failed = AtomicBool::new(false);
        let work = || {
            let mut done = Vec::new();
            while let Some(batch) = batches
                .iter()
                .rev()
                .nth(taken.fetch_add(1, Ordering::Relaxed))
            {
                if has_failed.load(Ordering::Relaxed) {
                    break;
                }
                let outcome = stop_if(is_cancelled)
                    .and_then(|()| self.turns.take(|| caught(|| self.run_batch(tokens, batch))));
                has_failed.fetch_or(outcome.is_err(), Ordering::Relaxed);
                done.push((batch, outcome?));
            }
            Ok(done)
        };
        let others = self.options.threads.get().min(batches.len()).max(1) - 1;
        let parts = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..others).map(|_| scope.spawn(work)).collect();
            let own = work();
            let joined = threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
            std::iter::once(own).chain(joined).collect::<Vec<_>>()
        });
        let mut vectors = vec![0.0; tokens.len() * dimension];
        for part in parts {
            for (batch, rows) in part? {
                for (index, row) in batch.iter().zip(rows.chunks_exact(dimension)) {
                    vectors[index * dimension..][..dimension].copy_from_slice(row);
                }
            }
        }
        Ok(vectors)
    }

    /// Runs the texts of one batch together; one row for each, in the order of `batch`.
    fn run_batch(&self, tokens: &[Tokens], batch: &[usize]) -> Result<Vec<f32>, InferenceError> {
        let run_failed = |error: ort::Error| InferenceError::Run {
            reason: error.to_string(),
        };
        let dimension = self.options.dimension;
        let longest = batch
            .iter()
            .map(|index| tokens[*index].ids.len())
            .max()
            .unwrap_or(0);
        let tensors = self.session.inputs().iter().map(|input| {
            let values = padded(*input, tokens, batch, longest);
            Tensor::from_array(([batch.len(), longest], values))
        });
        let tensors = tensors.collect::<Result<Vec<_>, _>>().map_err(run_failed)?;
        let output = self.session.run(&tensors).map_err(run_failed)?;
        let (shape, hidden) = output.try_extract_tensor::<f32>().map_err(run_failed)?;
        if **shape != [batch.len() as i64, longest as i64, dimension as i64] {
            return Err(wrong_output(&format!(
                "shape {shape} for {} texts of {longest} tokens",
                batch.len()
            )));
        }
        let mut rows = vec![0.0; batch.len() * dimension];
        let texts = hidden.chunks_exact(longest * dimension).zip(batch);
        for ((hidden, index), out) in texts.zip(rows.chunks_exact_mut(dimension)) {
            let own = &hidden[..tokens[*index].ids.len() * dimension];
            pool(self.options.pooling, own, out);
            if self.options.normalize {
                normalise(out).ok_or_else(|| wrong_output("a vector without a direction"))?;
            }
            if out.iter().any(|value| !value.is_finite()) {
                return Err(wrong_output("a number that is not finite"));
            }
        }
        Ok(rows)
    }
}

fn wrong_output(what: &str) -> InferenceError {
    InferenceError::Run {
        reason: format!("the graph answered {what}"),
    }
}

fn stop_if(is_cancelled: &AtomicBool) -> Result<(), InferenceError> {
    if is_cancelled.load(Ordering::Relaxed) {
        Err(InferenceError::Cancelled)
    } else {
        Ok(())
    }
}

/// The batch as one `rows x longest` block: padding is id 0 with mask 0. Which id pads is without effect, for the mask
/// hides it and pooling skips it.
fn padded(input: TokenInput, tokens: &[Tokens], batch: &[usize], longest: usize) -> Vec<i64> {
    let mut block = vec![0; batch.len() * longest];
    for (row, index) in block.chunks_exact_mut(longest.max(1)).zip(batch) {
        let ids = &tokens[*index].ids;
        match input {
            TokenInput::Ids => row
                .iter_mut()
                .zip(ids)
                .for_each(|(slot, id)| *slot = i64::from(*id)),
            TokenInput::Mask => row[..ids.len()].fill(1),
            TokenInput::Types => {}
        }
    }
    block
}
