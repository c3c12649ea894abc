use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use inference::{Engine, EngineOptions, Prefixes};
use lambda_kit::{Environment, StartError};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

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

/// One opened model: opening it is what a cold start is for.
pub struct Context {
    pub(crate) engine: Arc<Engine>,
    pub(crate) model: ModelFacts,
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
    #[serde(rename = "precisions", deserialize_with = "first")]
    pub(crate) precision: Precision,
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
        let model = ModelFacts::read(&folder)?;
        let engine = Engine::open(EngineOptions {
            runtime_library: environment.path("SIGNET_ORT_LIB", RUNTIME_LIBRARY),
            model: folder.join(&model.precision.file),
            tokenizer: folder.join("tokenizer.json"),
            dimension: model.dimension,
            max_tokens: model.max_tokens,
            pooling: model.pooling.parse().map_err(StartError::Unopened)?,
            normalize: model.normalize,
            prefixes: Prefixes {
                query: model.prefixes.query.clone(),
                document: model.prefixes.document.clone(),
                clustering: model.prefixes.clustering.clone(),
                classification: model.prefixes.classification.clone(),
            },
            output: model.output.clone(),
        })
        .map_err(|error| StartError::Unopened(error.to_string()))?;
        Ok(Self {
            engine: Arc::new(engine),
            model,
        })
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
}

/// The one that serves.
fn first<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Precision, D::Error> {
    let mut precisions = Vec::<Precision>::deserialize(deserializer)?.into_iter();
    precisions
        .next()
        .ok_or_else(|| D::Error::custom("it names no precision"))
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
