//! Writes the miniature model of the tests: `cargo run --release -p inference --example tiny_model FOLDER`.

#[path = "../tests/tiny/mod.rs"]
mod tiny;

fn main() -> std::io::Result<()> {
    let folder = std::env::args()
        .nth(1)
        .ok_or_else(|| std::io::Error::other("usage: tiny_model FOLDER"))?;
    tiny::write(folder.as_ref(), false)
}
