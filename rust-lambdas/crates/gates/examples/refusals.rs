//! How many texts the gates of the newest scorers would refuse, by class: the share of false refusals when the texts are
//! ordinary ones. Paths are read from the standard input; with `--list` each refused file is named.
//!
//! `git ls-files | cargo run --release -p gates --example refusals -- --list`

use std::io::BufRead;

use gates::{FULL, Injections, Leaks, Pace, inject_2, leak_2};

/// Longer ones are no message of a chat.
const BYTES_MAX: usize = 262_144;

fn main() {
    let names = std::env::args().any(|argument| argument == "--list");
    let mut counts = Counts::default();
    for path in std::io::stdin().lock().lines() {
        let path = path.expect("paths in UTF-8");
        let Ok(text) = std::fs::read(&path) else {
            continue;
        };
        if text.len() > BYTES_MAX || std::str::from_utf8(&text).is_err() {
            continue;
        }
        let classes = counts.add(&text);
        if names && !classes.is_empty() {
            println!("{}\t{path}", classes.join(","));
        }
    }
    println!("{counts:#?}");
}

#[derive(Debug, Default)]
struct Counts {
    files: u32,
    refused_leaks: u32,
    refused_injections: u32,
    cards: u32,
    ibans: u32,
    keys: u32,
    overrides: u32,
    hidden: u32,
    links: u32,
    runs: u32,
}

impl Counts {
    /// Names of the classes that the text has hits of.
    fn add(&mut self, text: &[u8]) -> Vec<&'static str> {
        let leaks = leak_2(text, &mut Pace::unlimited()).expect("all the time");
        let injections = inject_2(text, &mut Pace::unlimited()).expect("all the time");
        self.files += 1;
        self.refused_leaks += u32::from(leaks.score() < FULL);
        self.refused_injections += u32::from(injections.score() < FULL);
        let Leaks { cards, ibans, keys } = leaks;
        let Injections {
            overrides,
            hidden,
            links,
            runs,
        } = injections;
        let classes = [
            ("cards", cards, &mut self.cards),
            ("ibans", ibans, &mut self.ibans),
            ("keys", keys, &mut self.keys),
            ("overrides", overrides, &mut self.overrides),
            ("hidden", hidden, &mut self.hidden),
            ("links", links, &mut self.links),
            ("runs", runs, &mut self.runs),
        ];
        classes
            .into_iter()
            .filter(|(_, hits, _)| *hits > 0)
            .map(|(name, _, count)| {
                *count += 1;
                name
            })
            .collect()
    }
}
