//! Search over segments and the rows written since: filters, the cascade over codes, exact scans, words, fusion.
//!
//! A [`View`] is one namespace as of one manifest. It reads segments through their `ByteSource` and does no other I/O.
//! Every allowed row is scored, or is known or estimated not to be among the best, and [`Report`] says which.

mod best;
mod delta;
mod dense;
mod error;
mod filter;
mod levels;
mod lexical;
mod parallel;
mod query;
mod report;
mod view;

pub use delta::Write;
pub use dense::Plan;
pub use error::SearchError;
pub use filter::Filter;
pub use report::{Certainty, Report};
pub use view::{Found, Hit, Mode, Search, SharedSegment, Stored, View};
