use super::*;

fn snr(text: &[u8]) -> Result<Snr, Unscored> {
    super::snr(text, &mut Pace::unlimited()).expect("all the time")
}

const PROSE: &str = "The old harbour had been quiet for years when the first boats came back. Nobody had asked them to \
    return, and for a while people only watched from behind their windows. Then a baker brought bread down to the \
    quay, and the next morning there was coffee too, and by the end of the week it was almost a market again.";

#[test]
fn prose_has_all_that_prose_has() {
    let scored = snr(PROSE.as_bytes()).unwrap();
    assert_eq!(scored.language, "en");
    assert!(scored.score >= 8500, "{scored:?}");
}

#[test]
fn fewer_than_twenty_words_are_not_scored() {
    let words: Vec<&str> = PROSE.split(' ').filter(|word| !word.is_empty()).collect();
    assert_eq!(snr(words[..19].join(" ").as_bytes()), Err(Unscored::Short));
    assert_eq!(snr(b""), Err(Unscored::Short));
    assert_eq!(snr(b" \n\t "), Err(Unscored::Short));
    let scored = snr(words[..20].join(" ").as_bytes()).unwrap();
    assert_eq!((scored.words, scored.at_word), (20, 20));
}

#[test]
fn a_script_without_a_list_is_not_scored_and_cannot_hide_what_is() {
    let foreign = "Жили были старик со старухой у самого синего моря и ловил старик неводом рыбу а старуха пряла \
        свою пряжу и вот однажды он закинул в море невод";
    assert_eq!(snr(foreign.as_bytes()), Err(Unscored::Language));
    let garbage = "xqz vbn ".repeat(60);
    assert_eq!(
        snr(format!("{garbage} {foreign} {foreign} {foreign}").as_bytes())
            .unwrap()
            .score,
        0
    );
    assert_eq!(
        snr(format!("{foreign} {garbage}").as_bytes())
            .unwrap()
            .score,
        0
    );
}

#[test]
fn garbage_has_no_score() {
    for garbage in [
        "word ".repeat(30),
        "qwx zvk ".repeat(20),
        "a ".repeat(40),
        "#$% ".repeat(40),
    ] {
        assert_eq!(snr(garbage.as_bytes()).unwrap().score, 0, "{garbage}");
    }
    let bytes: Vec<u8> = (0..4000u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    assert_eq!(snr(&bytes).unwrap().score, 0);
}

#[test]
fn what_is_appended_never_raises() {
    let repeated = format!("{PROSE} {PROSE} {PROSE}");
    let low = snr(repeated.as_bytes()).unwrap().score;
    assert!(low < 8500);
    for more in [
        " \u{1}",
        " fresh words follow here and they are of a kind that was not there before",
        "\n\n",
    ] {
        assert!(snr(format!("{repeated}{more}").as_bytes()).unwrap().score <= low);
    }
}

#[test]
fn noise_anywhere_never_raises() {
    let score = snr(PROSE.as_bytes()).unwrap().score;
    for (at, _) in PROSE.char_indices().step_by(7) {
        for noise in ["\u{0}", "\u{200B}", "\u{FFFD}"] {
            let noisy = format!("{}{noise}{}", &PROSE[..at], &PROSE[at..]);
            assert!(snr(noisy.as_bytes()).unwrap().score <= score);
        }
    }
}

/// Text whose words follow each other as chance has it: few words, so that n-grams of every length repeat.
fn babble(seed: u64, words: usize, choices: u64) -> String {
    let mut state = seed;
    let mut text = String::new();
    for _ in 0..words {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let choice = (state >> 33) % choices;
        let gap = if (state >> 50).is_multiple_of(9) {
            "\n"
        } else {
            " "
        };
        text.push_str(
            [
                "the",
                "of",
                "water",
                "Ünder",
                "a\u{200B}b",
                "it's",
                "5",
                "#",
                "river",
                "and",
            ][choice as usize],
        );
        text.push_str(gap);
    }
    text
}

#[test]
fn counts_what_the_plain_twin_counts() {
    for seed in 0..400 {
        let text = babble(seed, 20 + seed as usize % 180, 1 + seed % 10);
        let words = twin::words(&text);
        let mut scoring = Scoring::new(seed_of(text.as_bytes()));
        // Judging may end the reading early; the counts are what is compared.
        let mut reader = Counting(&mut scoring);
        read(&text, &mut reader, &mut Pace::unlimited()).expect("all the time");
        assert_eq!(scoring.count as usize, words.len());
        for n in 2..=4 {
            assert_eq!(
                scoring.top[n - 2],
                twin::top(&words, n),
                "top {n} of {text:?}"
            );
        }
        for n in 5..=10 {
            assert_eq!(
                scoring.copied[n - 5].characters,
                twin::copied(&words, n),
                "copies {n} of {text:?}"
            );
        }
        assert_eq!(
            scoring.lines.repeated,
            twin::repeated_lines(&text),
            "{text:?}"
        );
        assert_eq!(scoring.windows.phrases(), twin::phrases(&words));
    }
}

/// Reads on where a score of 0 would end it.
struct Counting<'s>(&'s mut Scoring);

impl Reader for Counting<'_> {
    fn character(&mut self, lower: char) {
        self.0.character(lower);
    }
    fn word(&mut self, word: &str, run: &Run) -> bool {
        self.0.word(word, run);
        true
    }
    fn line(&mut self) {
        self.0.line();
    }
}

/// Each measure as its description reads, in quadratic time.
mod twin {
    use super::super::{Phrases, WINDOW};
    use crate::characters::{Kind, kind_of};
    use std::collections::{HashMap, HashSet};

    pub(super) fn words(text: &str) -> Vec<String> {
        let clean = |word: &str| {
            let kept = word
                .chars()
                .filter(|one| !matches!(kind_of(*one), Kind::Noise | Kind::Selector));
            kept.flat_map(char::to_lowercase).collect::<String>()
        };
        text.split_whitespace()
            .map(clean)
            .filter(|word| !word.is_empty())
            .collect()
    }

    fn length(words: &[String]) -> u32 {
        words.iter().map(|word| word.chars().count() as u32).sum()
    }

    pub(super) fn top(words: &[String], n: usize) -> u32 {
        let covered = |gram: &[String]| {
            let (mut at, mut count) = (0, 0);
            while at + n <= words.len() {
                let is_it = words[at..at + n] == *gram;
                count += u32::from(is_it);
                at += if is_it { n } else { 1 };
            }
            if count < 2 { 0 } else { count * length(gram) }
        };
        words.windows(n).map(covered).max().unwrap_or(0)
    }

    pub(super) fn copied(words: &[String], n: usize) -> u32 {
        let mut is_copied = vec![false; words.len()];
        for end in n..=words.len() {
            let gram = &words[end - n..end];
            if words[..end - 1].windows(n).any(|earlier| earlier == gram) {
                is_copied[end - n..end].fill(true);
            }
        }
        words
            .iter()
            .zip(is_copied)
            .filter(|(_, copied)| *copied)
            .map(|(word, _)| length(std::slice::from_ref(word)))
            .sum()
    }

    pub(super) fn repeated_lines(text: &str) -> u32 {
        let mut seen = HashSet::new();
        let ended = text.rsplit_once('\n').map_or("", |(ended, _)| ended);
        let lines = ended.split('\n').map(words).filter(|line| !line.is_empty());
        lines
            .filter(|line| !seen.insert(line.clone()))
            .map(|line| length(&line))
            .sum()
    }

    pub(super) fn phrases(words: &[String]) -> Phrases {
        let text: Vec<char> = words
            .iter()
            .flat_map(|word| word.chars().chain([' ']))
            .collect();
        let count = |window: &[char]| {
            let mut dictionary: HashMap<Vec<char>, ()> = HashMap::new();
            let (mut phrase, mut ended) = (Vec::new(), 0);
            for one in window {
                phrase.push(*one);
                if dictionary.insert(phrase.clone(), ()).is_none() {
                    ended += 1;
                    phrase.clear();
                }
            }
            ended + u32::from(!phrase.is_empty())
        };
        let windows = text.chunks_exact(WINDOW as usize);
        let open = windows.remainder();
        Phrases {
            full_windows: windows.len() as u32,
            in_full: windows.map(count).sum(),
            filled: open.len() as u32,
            in_open: count(open),
        }
    }
}
