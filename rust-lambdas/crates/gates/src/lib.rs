//! Gate scorers: pure functions (text) to basis points 0 to 10,000, rounding down, in integers only, so that every build
//! answers with equal bytes. A scorer that would answer otherwise is a new version under a new name; old ones stay.
//!
//! What a version depends on stands in `parameters/<scorer>.json`; a constitution names the SHA-256 of that text, and the
//! text names the digests of the lists. Nothing here reads a clock, a store or a claim of a caller.

mod characters;
mod excellence;
mod function_words;
mod ground;
mod inject;
mod intern;
mod leak;
mod log2;
mod lz78;
mod pace;
mod scorers;
mod snr;
mod words;

pub use excellence::{Attainment, excellence};
pub use ground::{Citations, citations, ground};
pub use inject::{Injections, inject, inject_2};
pub use leak::{Context, HELD_MAX, Leaks, Scan, leak, leak_2, scan};
pub use log2::{exp2_floor, log2_table};
pub use pace::{Late, Pace};
pub use scorers::{List, Scorer, lists, scorers};
pub use snr::{Features, Snr, Unscored, snr};

/// Full marks: 100 %.
pub const FULL: u32 = 10_000;
