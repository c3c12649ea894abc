//! Runs Python scripts that nobody trusts.
//!
//! One process serves one tenant. It loads a script image (CPython as a precompiled WebAssembly component, `engine`), puts
//! walls around itself (`walls`), and then takes `start` frames from its standard input (`server`, `frames`). Each run
//! gets a fresh instance (`run`, `guest`) with an empty WASI context, its own clock, random numbers and limits. The one
//! door out of an instance is a host call, which becomes a frame on standard output and waits for its reply.

pub mod engine;
mod frames;
pub mod server;
pub mod walls;

mod clock;
mod guest;
mod limits;
mod meter;
mod output;
mod random;
mod run;
mod settings;
mod strict_json;
