//! A Lambda of Signet.

fn main() {}
