use kernels::{Metric, NonFinite, TopK};
use lambda_kit::{Call, Floats};
use serde::{Deserialize, Serialize};

use crate::{Context, ScoreError};

/// Exact scoring of `rows` (n × `dimension`, row-major) against `query`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "shared/schemas/score-vectors.json describes them"
)]
pub struct Request {
    pub metric: MetricName,
    pub dimension: usize,
    pub k: usize,
    pub query: Floats,
    pub rows: Floats,
}

/// A metric by its name.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of `kernels::Metric`")]
pub enum MetricName {
    Cosine,
    DotProduct,
    Euclidean,
    SquaredEuclidean,
}

/// What comes back.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(
    missing_docs,
    reason = "shared/schemas/score-vectors.json describes them"
)]
pub enum Reply {
    Scored {
        ok: bool,
        rows: Vec<u32>,
        scores: Floats,
    },
    Refused {
        ok: bool,
        code: &'static str,
        index: u32,
        message: String,
        facts: Place,
    },
}

/// Where a number is that cannot be scored.
#[derive(Debug, PartialEq, Serialize)]
pub struct Place {
    r#in: &'static str,
}

/// Best first, equal scores by lower row, min(k, n) of them.
pub async fn score(context: &Context, request: Request, _: &Call) -> Result<Reply, ScoreError> {
    check(context, &request)?;
    let Request {
        metric,
        k,
        query: Floats(query),
        rows: Floats(rows),
        ..
    } = request;
    let best = TopK::new(metric.into(), &query, k, rows.len() / query.len())
        .and_then(|mut top_k| top_k.add_rows(&rows).map(|()| top_k.finish()));
    Ok(match best {
        Ok(hits) => Reply::Scored {
            ok: true,
            rows: hits.iter().map(|hit| hit.row).collect(),
            scores: Floats(hits.iter().map(|hit| hit.score).collect()),
        },
        Err(NonFinite::Query(at)) => refused("query", at, "number"),
        Err(NonFinite::Row(at)) => refused("rows", at, "row"),
    })
}

fn check(context: &Context, request: &Request) -> Result<(), ScoreError> {
    let Context {
        dimension_max,
        k_max,
        rows_max,
    } = *context;
    let Request {
        dimension,
        k,
        ref query,
        ref rows,
        ..
    } = *request;
    if dimension == 0 || dimension > dimension_max {
        return Err(unfit(
            format!("`dimension` from 1 to {dimension_max}"),
            dimension,
        ));
    }
    if k == 0 || k > k_max {
        return Err(unfit(format!("`k` from 1 to {k_max}"), k));
    }
    let (query, numbers) = (query.0.len(), rows.0.len());
    if query != dimension {
        return Err(unfit(format!("`query` to have {dimension} numbers"), query));
    }
    if !numbers.is_multiple_of(dimension) {
        return Err(unfit(
            format!("`rows` to have a multiple of {dimension} numbers"),
            numbers,
        ));
    }
    if numbers / dimension > rows_max {
        return Err(unfit(
            format!("at most {rows_max} rows"),
            numbers / dimension,
        ));
    }
    Ok(())
}

fn unfit(expected: String, got: usize) -> ScoreError {
    ScoreError::Unfit { expected, got }
}

fn refused(place: &'static str, index: u32, what: &str) -> Reply {
    Reply::Refused {
        ok: false,
        code: "non_finite",
        index,
        message: format!("{what} {index} of `{place}` is not finite"),
        facts: Place { r#in: place },
    }
}

impl From<MetricName> for Metric {
    fn from(name: MetricName) -> Self {
        match name {
            MetricName::Cosine => Self::Cosine,
            MetricName::DotProduct => Self::DotProduct,
            MetricName::Euclidean => Self::Euclidean,
            MetricName::SquaredEuclidean => Self::SquaredEuclidean,
        }
    }
}

#[cfg(test)]
mod tests;
