use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use inference::{Embedded, Engine, InferenceError, InputType, Truncate};
use lambda_kit::{Call, Floats};
use serde::{Deserialize, Serialize};

use crate::context::{LIMITS, ModelFacts};
use crate::{Context, EmbedError};

/// Left of an invocation when embedding is given up. Being ended by Lambda would cost the next caller a cold start.
const MARGIN: Duration = Duration::from_millis(500);

#[derive(Debug, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs, reason = "shared/schemas/embed-text.json describes them")]
pub enum Request {
    Embed {
        model: String,
        precision: Option<PrecisionName>,
        texts: Vec<String>,
        input_type: InputTypeName,
        truncate: TruncateName,
    },
    Describe {},
}

/// What the texts are for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of `inference::InputType`")]
pub enum InputTypeName {
    Query,
    Document,
    Clustering,
    Classification,
}

/// Of the model's files; absent means its default.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of the registry")]
pub enum PrecisionName {
    Fp32,
    Int8,
}

/// What happens to a text that is too long.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of `inference::Truncate`")]
pub enum TruncateName {
    End,
    Error,
}

/// What comes back.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "shared/schemas/embed-text.json describes them")]
pub enum Reply {
    Embedded {
        ok: bool,
        dimension: usize,
        vectors: Floats,
        tokens: Vec<u32>,
        truncated: Vec<u32>,
    },
    Refused {
        ok: bool,
        code: &'static str,
        index: usize,
        message: String,
        facts: LengthFacts,
    },
    Described {
        models: Vec<Description>,
    },
}

/// Of a text that is too long; empty for another refusal.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct LengthFacts {
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<usize>,
}

/// What a receipt says about the model that answered.
#[derive(Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "shared/schemas/embed-text.json describes them")]
pub struct Description {
    pub id: String,
    pub weights_sha256: String,
    pub precisions: Vec<String>,
    pub default_precision: String,
    pub dimension: usize,
}

/// All texts or none.
pub async fn answer(context: &Context, request: Request, call: &Call) -> Result<Reply, EmbedError> {
    let (model, precision, texts, input_type, truncate) = match request {
        Request::Describe {} => return Ok(describe(context)),
        Request::Embed {
            model,
            precision,
            texts,
            input_type,
            truncate,
        } => (model, precision, texts, input_type.into(), truncate.into()),
    };
    check(&context.model, &model, &texts)?;
    let engine = context.engine(match precision {
        None => &context.model.default_precision,
        Some(PrecisionName::Fp32) => "fp32",
        Some(PrecisionName::Int8) => "int8",
    })?;
    match embed(engine, texts, input_type, truncate, call).await {
        Ok(embedded) => Ok(Reply::Embedded {
            ok: true,
            dimension: context.model.dimension,
            vectors: Floats(embedded.vectors),
            tokens: embedded.tokens,
            truncated: embedded.truncated,
        }),
        Err(error) => refusal(error),
    }
}

fn describe(context: &Context) -> Reply {
    let model = &context.model;
    Reply::Described {
        models: vec![Description {
            id: model.id.clone(),
            weights_sha256: model.weights_sha256.clone(),
            precisions: model
                .precisions
                .iter()
                .map(|one| one.name.clone())
                .collect(),
            default_precision: model.default_precision.clone(),
            dimension: model.dimension,
        }],
    }
}

fn check(model: &ModelFacts, asked: &str, texts: &[String]) -> Result<(), EmbedError> {
    if asked != model.id {
        return Err(EmbedError::OtherModel(model.id.clone()));
    }
    let too_much = |expected, got| Err(EmbedError::TooMuch { expected, got });
    let texts_max = LIMITS
        .texts_max
        .min(LIMITS.vector_bytes_max / (model.dimension * 4));
    if texts.len() > texts_max {
        return too_much(format!("at most {texts_max} texts"), texts.len());
    }
    let bytes = texts.iter().map(String::len).sum();
    if bytes > LIMITS.text_bytes_max {
        return too_much(
            format!("texts of at most {} bytes together", LIMITS.text_bytes_max),
            bytes,
        );
    }
    Ok(())
}

/// On a thread of its own, so that the clock of the invocation is looked at meanwhile.
async fn embed(
    engine: Arc<Engine>,
    texts: Vec<String>,
    input_type: InputType,
    truncate: Truncate,
    call: &Call,
) -> Result<Embedded, InferenceError> {
    let is_cancelled = Arc::new(AtomicBool::new(false));
    let flag = is_cancelled.clone();
    let mut work =
        tokio::task::spawn_blocking(move || engine.embed(&texts, input_type, truncate, &flag));
    let end = call.deadline.checked_sub(MARGIN).unwrap_or(call.deadline);
    let embedded = match tokio::time::timeout_at(end.into(), &mut work).await {
        Ok(embedded) => embedded,
        Err(_) => {
            is_cancelled.store(true, Ordering::Relaxed);
            work.await
        }
    };
    embedded.unwrap_or_else(|_| {
        Err(InferenceError::Panic {
            reason: "the worker ended".to_owned(),
        })
    })
}

fn refusal(error: InferenceError) -> Result<Reply, EmbedError> {
    let (index, facts) = match error {
        InferenceError::EmptyText { index } => (index, LengthFacts::default()),
        InferenceError::InputTooLong { index, tokens, max } => (
            index,
            LengthFacts {
                tokens: Some(tokens),
                max: Some(max),
            },
        ),
        InferenceError::Cancelled => return Err(EmbedError::OutOfTime),
        error => return Err(EmbedError::Failed(error)),
    };
    Ok(Reply::Refused {
        ok: false,
        code: error.code(),
        index,
        message: error.to_string(),
        facts,
    })
}

impl From<InputTypeName> for InputType {
    fn from(name: InputTypeName) -> Self {
        match name {
            InputTypeName::Query => Self::Query,
            InputTypeName::Document => Self::Document,
            InputTypeName::Clustering => Self::Clustering,
            InputTypeName::Classification => Self::Classification,
        }
    }
}

impl From<TruncateName> for Truncate {
    fn from(name: TruncateName) -> Self {
        match name {
            TruncateName::End => Self::End,
            TruncateName::Error => Self::Error,
        }
    }
}

#[cfg(test)]
mod tests;
