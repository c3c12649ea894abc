//! The embedding engine on libuv's worker threads: the event loop only converts arguments and results.

use inference::{Embedded, Engine, EngineOptions, InferenceError, InputType, Prefixes, Truncate};
use napi::bindgen_prelude::{AsyncTask, Either, Float32Array, Uint32Array};
use napi::{Env, Error, Result, Status, Task};
use napi_derive::napi;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;

/// What a model folder says about itself, and where ONNX Runtime is.
#[napi(object, object_to_js = false)]
pub struct EmbedEngineOptions {
    /// Shared library of ONNX Runtime.
    pub ort_lib_path: String,
    /// The graph.
    pub model_path: String,
    /// `tokenizer.json`.
    pub tokenizer_path: String,
    /// Components of a vector.
    pub dimension: u32,
    /// Longest input in tokens.
    pub max_tokens: u32,
    /// `mean`, `cls`, `max` or `last`.
    pub pooling: String,
    /// Scale to length 1.
    pub normalize: bool,
    /// By input type; absent means none.
    pub prefixes: EmbedPrefixes,
    /// The graph's output with the token rows.
    pub output: String,
    /// Batches at once; the processors of this machine when absent.
    pub threads: Option<u32>,
}

/// What the model was trained to see before a text.
#[napi(object, object_to_js = false)]
#[allow(missing_docs, reason = "each is named after its input type")]
pub struct EmbedPrefixes {
    pub query: Option<String>,
    pub document: Option<String>,
    pub clustering: Option<String>,
    pub classification: Option<String>,
}

/// Vectors in the order of the texts.
#[napi(object, object_from_js = false)]
pub struct EmbedResult {
    /// texts x dimension.
    pub vectors: Float32Array,
    /// Real tokens of each text.
    pub tokens: Uint32Array,
    /// Indexes of cut texts.
    pub truncated: Vec<u32>,
}

/// An expected refusal or a failed run; it is returned and not thrown, so its facts need no parsing.
#[napi(object, object_from_js = false)]
pub struct EmbedFailure {
    /// `empty_text`, `input_too_long`, `cancelled`, `run_failed`, `panic`.
    pub code: String,
    /// For people.
    pub message: String,
    /// The text at fault.
    pub index: Option<u32>,
    /// Its tokens, where it is too long.
    pub tokens: Option<u32>,
    /// What the model reads.
    pub max: Option<u32>,
}

/// Stops a request between two batches.
#[napi]
#[derive(Default)]
pub struct CancelFlag(Arc<AtomicBool>);

#[napi]
impl CancelFlag {
    /// Not cancelled yet.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Batches that have not started will not start.
    #[napi]
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One opened model.
#[napi]
pub struct EmbedEngine(Arc<Engine>);

#[napi]
impl EmbedEngine {
    /// Loads library, tokenizer and graph on a worker thread.
    #[napi]
    pub fn open(options: EmbedEngineOptions) -> AsyncTask<OpenTask> {
        AsyncTask::new(OpenTask(options))
    }

    /// Embeds all texts or refuses all. `input_type`: `query`, `document`, `clustering`, `classification`;
    /// `truncate`: `end`, `error`.
    #[napi(js_name = "embed")]
    pub fn embed(
        &self,
        texts: Vec<String>,
        input_type: String,
        truncate: String,
        cancel: &CancelFlag,
    ) -> Result<AsyncTask<EmbedTask>> {
        Ok(AsyncTask::new(EmbedTask {
            engine: self.0.clone(),
            texts,
            input_type: parsed::<InputType>(&input_type)?,
            truncate: parsed::<Truncate>(&truncate)?,
            is_cancelled: cancel.0.clone(),
        }))
    }

    /// ONNX Runtime's description of its build.
    #[napi(getter, js_name = "runtime_build")]
    pub fn runtime_build(&self) -> String {
        self.0.runtime().build.clone()
    }
}

/// Runs [`Engine::open`] off the event loop.
pub struct OpenTask(EmbedEngineOptions);

impl Task for OpenTask {
    type Output = Engine;
    type JsValue = EmbedEngine;

    fn compute(&mut self) -> Result<Engine> {
        let options = &self.0;
        let opened = Engine::open(EngineOptions {
            runtime_library: (&options.ort_lib_path).into(),
            model: (&options.model_path).into(),
            tokenizer: (&options.tokenizer_path).into(),
            dimension: options.dimension as usize,
            max_tokens: options.max_tokens as usize,
            pooling: parsed(&options.pooling)?,
            normalize: options.normalize,
            prefixes: Prefixes {
                query: options.prefixes.query.clone().unwrap_or_default(),
                document: options.prefixes.document.clone().unwrap_or_default(),
                clustering: options.prefixes.clustering.clone().unwrap_or_default(),
                classification: options.prefixes.classification.clone().unwrap_or_default(),
            },
            output: options.output.clone(),
            threads: threads(options.threads),
        });
        opened.map_err(|error| Error::new(Status::GenericFailure, error.to_string()))
    }

    fn resolve(&mut self, _: Env, engine: Engine) -> Result<EmbedEngine> {
        Ok(EmbedEngine(Arc::new(engine)))
    }
}

/// Runs [`Engine::embed`] off the event loop.
pub struct EmbedTask {
    engine: Arc<Engine>,
    texts: Vec<String>,
    input_type: InputType,
    truncate: Truncate,
    is_cancelled: Arc<AtomicBool>,
}

impl Task for EmbedTask {
    type Output = std::result::Result<Embedded, InferenceError>;
    type JsValue = Either<EmbedResult, EmbedFailure>;

    fn compute(&mut self) -> Result<Self::Output> {
        Ok(self.engine.embed(
            &self.texts,
            self.input_type,
            self.truncate,
            &self.is_cancelled,
        ))
    }

    fn resolve(&mut self, _: Env, output: Self::Output) -> Result<Self::JsValue> {
        Ok(match output {
            Ok(embedded) => Either::A(EmbedResult {
                vectors: embedded.vectors.into(),
                tokens: embedded.tokens.into(),
                truncated: embedded.truncated,
            }),
            Err(error) => Either::B(describe(&error)),
        })
    }
}

fn threads(asked: Option<u32>) -> NonZeroUsize {
    asked
        .and_then(|count| NonZeroUsize::new(count as usize))
        .unwrap_or_else(|| available_parallelism().unwrap_or(NonZeroUsize::MIN))
}

fn describe(error: &InferenceError) -> EmbedFailure {
    let count = |value: usize| u32::try_from(value).ok();
    let (index, tokens, max) = match error {
        InferenceError::EmptyText { index } => (count(*index), None, None),
        InferenceError::InputTooLong { index, tokens, max } => {
            (count(*index), count(*tokens), count(*max))
        }
        _ => (None, None, None),
    };
    EmbedFailure {
        code: error.code().to_owned(),
        message: error.to_string(),
        index,
        tokens,
        max,
    }
}

fn parsed<T: FromStr<Err = String>>(text: &str) -> Result<T> {
    text.parse()
        .map_err(|reason| Error::new(Status::InvalidArg, reason))
}
