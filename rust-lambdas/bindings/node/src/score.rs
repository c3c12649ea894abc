//! Exact scoring over typed arrays that Node lends without a copy.
