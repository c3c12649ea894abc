//! See the crate name.
