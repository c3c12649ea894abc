//! Signing, verifying, hashing: the crate `compute` behind one function over packed frames.
