use std::collections::HashMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use inference::{Engine, EngineOptions, Prefixes};
use lambda_kit::{Environment, StartError};
use serde::Deserialize;

use crate::EmbedError;

const RUNTIME_LIBRARY: &str = "/opt/lib/libonnxruntime.so.1";
const MODELS: &str = "/opt/models";

/// The bounds of one request and one reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) texts_max: usize,
    pub(crate) text_bytes_max: usize,
    /// Lambda takes 6 MiB back; vectors grow by a third in base64, token counts stand beside them.
    pub(crate) vector_bytes_max: usize,
}

pub(crate) const LIMITS: Limits = Limits {
    texts_max: 2048,
    text_bytes_max: 2 * 1024 * 1024,
    vector_bytes_max: 4 * 1024 * 1024,
};

/// One model. Its default precision is opened at the start, which is what a cold start is for; another by its first text.
pub struct Context {
    pub(crate) model: ModelFacts,
    folder: PathBuf,
    runtime_library: PathBuf,
    engines: Mutex<HashMap<String, Arc<Engine>>>,
}

/// What a built model folder says about itself in `model.json`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ModelFacts {
    pub(crate) id: String,
    pub(crate) weights_sha256: String,
    pub(crate) dimension: usize,
    max_tokens: usize,
    pooling: String,
    normalize: bool,
    prefixes: PrefixFacts,
    output: String,
    pub(crate) precisions: Vec<Precision>,
    pub(crate) default_precision: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Precision {
    pub(crate) name: String,
    file: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct PrefixFacts {
    query: String,
    document: String,
    clustering: String,
    classification: String,
}

impl Context {
    /// `SIGNET_ORT_LIB` and `SIGNET_MODEL_DIR`, else the library and the only model of the layers.
    pub fn from_environment(environment: &Environment) -> Result<Self, StartError> {
        let folder = match environment.get("SIGNET_MODEL_DIR") {
            Some(folder) => folder.into(),
            None => only_folder_in(Path::new(MODELS))?,
        };
        let mut model = ModelFacts::read(&folder)?;
        if let Some(wanted) = environment.get("SIGNET_EMBED_PRECISION")
            && wanted != "model"
        {
            model.default_precision = wanted.to_owned();
        }
        let context = Self {
            runtime_library: environment.path("SIGNET_ORT_LIB", RUNTIME_LIBRARY),
            folder,
            model,
            engines: Mutex::default(),
        };
        context
            .engine(&context.model.default_precision)
            .map_err(|error| StartError::Unopened(error.to_string()))?;
        Ok(context)
    }

    /// The engine of a precision that the model has, opened once.
    pub(crate) fn engine(&self, precision: &str) -> Result<Arc<Engine>, EmbedError> {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engines.get(precision) {
            return Ok(engine.clone());
        }
        let engine = Arc::new(self.open(precision)?);
        engines.insert(precision.to_owned(), engine.clone());
        Ok(engine)
    }

    fn open(&self, precision: &str) -> Result<Engine, EmbedError> {
        let model = &self.model;
        let facts = model.precisions.iter().find(|one| one.name == precision);
        let facts = facts.ok_or_else(|| EmbedError::OtherPrecision(model.precision_names()))?;
        let pooling = model.pooling.parse().map_err(EmbedError::Unusable)?;
        Engine::open(EngineOptions {
            runtime_library: self.runtime_library.clone(),
            model: self.folder.join(&facts.file),
            tokenizer: self.folder.join("tokenizer.json"),
            dimension: model.dimension,
            max_tokens: model.max_tokens,
            pooling,
            normalize: model.normalize,
            prefixes: Prefixes {
                query: model.prefixes.query.clone(),
                document: model.prefixes.document.clone(),
                clustering: model.prefixes.clustering.clone(),
                classification: model.prefixes.classification.clone(),
            },
            output: model.output.clone(),
            threads: available_parallelism().unwrap_or(NonZeroUsize::MIN),
        })
        .map_err(EmbedError::Failed)
    }
}

impl ModelFacts {
    fn read(folder: &Path) -> Result<Self, StartError> {
        let path = folder.join("model.json");
        let unusable =
            |reason: String| StartError::Unopened(format!("`{}`: {reason}", path.display()));
        let text = fs::read(&path).map_err(|error| unusable(error.to_string()))?;
        serde_json::from_slice(&text).map_err(|error| unusable(error.to_string()))
    }

    fn precision_names(&self) -> String {
        let names: Vec<&str> = self
            .precisions
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        names.join(", ")
    }
}

fn only_folder_in(models: &Path) -> Result<PathBuf, StartError> {
    let folders: Vec<PathBuf> = fs::read_dir(models)
        .map(|entries| {
            entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.join("model.json").is_file())
                .collect()
        })
        .unwrap_or_default();
    <[PathBuf; 1]>::try_from(folders)
        .map(|[folder]| folder)
        .map_err(|folders| {
            StartError::Unopened(format!(
                "expected one model in `{}`, got {}; `SIGNET_MODEL_DIR` names one of several",
                models.display(),
                folders.len()
            ))
        })
}

#[cfg(test)]
mod tests;
