//! The engine: one model, opened once, used by many threads.

use crate::error::{InferenceError, caught};
use crate::pack::pack;
use crate::pool::{Pooling, normalise, pool};
use crate::runtime::{RuntimeInfo, load_runtime};
use crate::tokenise::{Prefix, TextTokenizer, Tokens};
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{Tensor, ValueType};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

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
    inputs: Vec<TokenInput>,
    // `ort` runs a session through `&mut`. The lock is held for one batch, so a short text waits for at most one batch
    // of a long request and not for all of it.
    session: Mutex<Session>,
}

/// The inputs that a graph may declare; only the declared ones are fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenInput {
    Ids,
    Mask,
    Types,
}

impl TokenInput {
    fn name(self) -> &'static str {
        match self {
            Self::Ids => "input_ids",
            Self::Mask => "attention_mask",
            Self::Types => "token_type_ids",
        }
    }
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
                let session = open_session(&options.model);
                (tokenizer.join(), session)
            });
            let tokenizer = tokenizer.unwrap_or_else(|panic| resume_unwind(panic))?;
            let session = session?;
            let refuse = |reason| InferenceError::Model {
                path: options.model.clone(),
                reason,
            };
            let inputs = declared_inputs(&session).map_err(refuse)?;
            check_output(&session, &options).map_err(refuse)?;
            let prefixes = &options.prefixes;
            Ok(Self {
                no_prefix: tokenizer.prefix("")?,
                query_prefix: tokenizer.prefix(&prefixes.query)?,
                document_prefix: tokenizer.prefix(&prefixes.document)?,
                clustering_prefix: tokenizer.prefix(&prefixes.clustering)?,
                classification_prefix: tokenizer.prefix(&prefixes.classification)?,
                options,
                runtime,
                tokenizer,
                inputs,
                session: Mutex::new(session),
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
            let mut vectors = vec![0.0; texts.len() * self.options.dimension];
            for batch in pack(&lengths) {
                stop_if(is_cancelled)?;
                self.run_batch(&tokens, &batch, &mut vectors)?;
            }
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

    /// Runs the texts of one batch together and writes each vector to its own place in `vectors`.
    fn run_batch(
        &self,
        tokens: &[Tokens],
        batch: &[usize],
        vectors: &mut [f32],
    ) -> Result<(), InferenceError> {
        let run_failed = |error: ort::Error| InferenceError::Run {
            reason: error.to_string(),
        };
        let dimension = self.options.dimension;
        let longest = batch
            .iter()
            .map(|index| tokens[*index].ids.len())
            .max()
            .unwrap_or(0);
        let mut feeds = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            let values = padded(*input, tokens, batch, longest);
            let tensor =
                Tensor::from_array(([batch.len(), longest], values)).map_err(run_failed)?;
            feeds.push((input.name(), tensor));
        }
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = session.run(feeds).map_err(run_failed)?;
        let hidden = outputs
            .get(&self.options.output)
            .ok_or_else(|| wrong_output("the named output is missing"))?;
        let (shape, rows) = hidden.try_extract_tensor::<f32>().map_err(run_failed)?;
        if **shape != [batch.len() as i64, longest as i64, dimension as i64] {
            return Err(wrong_output(&format!(
                "shape {shape} for {} texts of {longest} tokens",
                batch.len()
            )));
        }
        for (rows, index) in rows.chunks_exact(longest * dimension).zip(batch) {
            let out = &mut vectors[index * dimension..][..dimension];
            pool(
                self.options.pooling,
                &rows[..tokens[*index].ids.len() * dimension],
                out,
            );
            if self.options.normalize {
                normalise(out).ok_or_else(|| wrong_output("a vector without a direction"))?;
            }
            if out.iter().any(|value| !value.is_finite()) {
                return Err(wrong_output("a number that is not finite"));
            }
        }
        Ok(())
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

fn open_session(model: &Path) -> Result<Session, InferenceError> {
    let refuse = |reason: String| InferenceError::Model {
        path: model.to_owned(),
        reason,
    };
    let options = || -> Result<_, ort::Error> {
        let builder = Session::builder()?
            // Threads are ours: one request, one thread. More requests make more threads, not more of them each.
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            .with_intra_op_spinning(false)?
            .with_inter_op_spinning(false)?
            // Every batch has another shape; a plan per shape would be kept for good and never be used again.
            .with_memory_pattern(false)?
            .with_optimization_level(GraphOptimizationLevel::All)?;
        Ok(builder)
    };
    options()
        .and_then(|mut builder| builder.commit_from_file(model))
        .map_err(|error| refuse(error.to_string()))
}

fn declared_inputs(session: &Session) -> Result<Vec<TokenInput>, String> {
    let known = [TokenInput::Ids, TokenInput::Mask, TokenInput::Types];
    let find = |name: &str| {
        let found = known.into_iter().find(|input| input.name() == name);
        found.ok_or_else(|| format!("its input `{name}` is none that this engine can feed"))
    };
    let inputs = session
        .inputs()
        .iter()
        .map(|input| find(input.name()))
        .collect::<Result<Vec<_>, _>>()?;
    if !inputs.contains(&TokenInput::Ids) || !inputs.contains(&TokenInput::Mask) {
        return Err("expected the inputs `input_ids` and `attention_mask`".to_owned());
    }
    Ok(inputs)
}

fn check_output(session: &Session, options: &EngineOptions) -> Result<(), String> {
    let output = session
        .outputs()
        .iter()
        .find(|output| output.name() == options.output);
    let output = output.ok_or_else(|| format!("it has no output `{}`", options.output))?;
    let ValueType::Tensor { shape, .. } = output.dtype() else {
        return Err(format!("its output `{}` is no tensor", options.output));
    };
    let dimension = options.dimension as i64;
    match **shape {
        [_, _, found] if found == dimension || found == -1 => Ok(()),
        _ => Err(format!(
            "expected an output of shape [batch, tokens, {dimension}], got {shape}"
        )),
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
