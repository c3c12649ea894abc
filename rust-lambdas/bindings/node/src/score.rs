//! Exact scoring over typed arrays that Node lends without a copy.
//!
//! Small requests are answered on the event loop, where they cost less than the way to a worker and back; large ones on a
//! libuv worker, so that the loop stays free. The adapter chooses.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kernels::{Hit, Metric, NonFinite, TopK};
use napi::bindgen_prelude::{AsyncTask, Float32Array, Uint32Array};
use napi::{Env, Error, Result, Task};
use napi_derive::napi;

/// The best rows, or where a number is not finite.
#[napi(object, object_from_js = false)]
pub struct TopKAnswer {
    /// Best first.
    pub rows: Uint32Array,
    /// One for each row.
    pub scores: Float32Array,
    /// Index in the query.
    #[napi(js_name = "non_finite_query")]
    pub non_finite_query: Option<u32>,
    /// Number of the row.
    #[napi(js_name = "non_finite_row")]
    pub non_finite_row: Option<u32>,
}

/// Scores on the calling thread.
#[napi(js_name = "topK")]
pub fn top_k(metric: u32, query: &[f32], rows: &[f32], k: u32) -> Result<TopKAnswer> {
    best_rows(metric, query, rows, k).map(answer_of)
}

/// Scores on a worker. The arrays are kept alive and must not be written until the promise settles.
#[napi(js_name = "topKInWorker")]
pub fn top_k_in_worker(
    metric: u32,
    query: Float32Array,
    rows: Float32Array,
    k: u32,
) -> AsyncTask<TopKTask> {
    AsyncTask::new(TopKTask {
        metric,
        query,
        rows,
        k,
    })
}

/// What a worker needs for one scoring.
pub struct TopKTask {
    metric: u32,
    query: Float32Array,
    rows: Float32Array,
    k: u32,
}

impl Task for TopKTask {
    type Output = std::result::Result<Vec<Hit>, NonFinite>;
    type JsValue = TopKAnswer;

    fn compute(&mut self) -> Result<Self::Output> {
        best_rows(self.metric, &self.query, &self.rows, self.k)
    }

    fn resolve(&mut self, _: Env, found: Self::Output) -> Result<TopKAnswer> {
        Ok(answer_of(found))
    }
}

fn best_rows(
    metric: u32,
    query: &[f32],
    rows: &[f32],
    k: u32,
) -> Result<std::result::Result<Vec<Hit>, NonFinite>> {
    let metric = Metric::from_u32(metric).filter(|_| !query.is_empty());
    let metric = metric
        .ok_or_else(|| Error::from_reason("no metric has this number, or the query is empty"))?;
    let scored = catch_unwind(AssertUnwindSafe(|| {
        let mut top_k = TopK::new(metric, query, k as usize, rows.len() / query.len())?;
        top_k.add_rows(rows)?;
        Ok(top_k.finish())
    }));
    scored.map_err(|_| Error::from_reason("the compute panicked"))
}

fn answer_of(found: std::result::Result<Vec<Hit>, NonFinite>) -> TopKAnswer {
    let (hits, fault) = match found {
        Ok(hits) => (hits, None),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    TopKAnswer {
        rows: hits.iter().map(|hit| hit.row).collect::<Vec<u32>>().into(),
        scores: hits
            .iter()
            .map(|hit| hit.score)
            .collect::<Vec<f32>>()
            .into(),
        non_finite_query: fault.and_then(|fault| {
            if let NonFinite::Query(at) = fault {
                Some(at)
            } else {
                None
            }
        }),
        non_finite_row: fault.and_then(|fault| {
            if let NonFinite::Row(at) = fault {
                Some(at)
            } else {
                None
            }
        }),
    }
}
