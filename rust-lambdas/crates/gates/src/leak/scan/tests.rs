use proptest::prelude::*;

use super::*;

const RANDOM: &str = "q7Zp2LmX9vKc4RtB8nWy5HsD3fGjA6eU1oTi";

fn scored(text: &str) -> Leaks {
    leak_2(text.as_bytes(), &mut Pace::unlimited()).expect("all the time")
}

fn hits(text: &str) -> (u32, u32, u32) {
    let Leaks { cards, ibans, keys } = scored(text);
    (cards, ibans, keys)
}

/// The text in pieces: what was let go, what was found, and the most that was held back.
fn streamed(pieces: &[&[u8]]) -> (Vec<u8>, Leaks, usize) {
    let (mut held, mut sent, mut most) = (Vec::new(), Vec::new(), 0);
    let (mut leaks, mut context) = (Leaks::default(), Context::Free);
    for (index, piece) in pieces.iter().enumerate() {
        held.extend_from_slice(piece);
        let is_last = index + 1 == pieces.len();
        let found = scan(&held, context, is_last, &mut Pace::unlimited()).expect("all the time");
        leaks.cards += found.leaks.cards;
        leaks.ibans += found.leaks.ibans;
        leaks.keys += found.leaks.keys;
        if found.leaks == Leaks::default() && leaks == Leaks::default() {
            sent.extend_from_slice(&held[..found.released]);
        }
        held.drain(..found.released);
        context = found.context;
        most = most.max(held.len());
    }
    (sent, leaks, most)
}

#[test]
fn finds_what_is_written_as_cards_are() {
    for text in [
        "4111111111111111",
        "pay 4111 1111 1111 1111.",
        "(5500-0000-0000-0004)",
        "378282246310005",
        "3782 822463 10005",
        "3056 930902 5904",
        "é 6011000990139424",
        "6304000000000000000",
        "4111 1111 1111 1111 12 27",
        "2223003122003222",
        "id,4111111111111111,x",
        "3530111333300000",
    ] {
        assert_eq!(hits(text), (1, 0, 0), "{text}");
    }
}

#[test]
fn leaves_numbers_that_no_card_has() {
    for text in [
        "4111111111111112",        // check digit
        "4222222222222",           // 13 digits were given up
        "x4111111111111111",       // part of a word
        "4111111111111111x",       // the same
        "5555555555555555",        // one digit
        "41111111111111111111",    // 20 digits
        "4111  1111 1111 1111",    // two spaces
        "41 11 11 11 11 11 11 11", // a row of a table
        "411111 1111111111",       // groups of no card
        "0.4111111111111111",      // behind a decimal point
        "12.4111111111111111 1.5",
        "2014 2015 2016 2017",
        "5812345678901236",   // no network
        "411111111111111116", // 18 digits
    ] {
        assert_eq!(hits(text), (0, 0, 0), "{text}");
    }
    assert_eq!(hits("end. 4111111111111111").0, 1);
    assert_eq!(hits("v.4111111111111111").0, 1);
}

#[test]
fn finds_accounts_and_keys() {
    for text in [
        "DE89370400440532013000",
        "IBAN GB82 WEST 1234 5698 7654 32,",
        "PT50 0002 0123 1234 5678 9015 4",
    ] {
        assert_eq!(hits(text), (0, 1, 0), "{text}");
    }
    for text in [
        "DE89370400440532013001",
        "DE893704004405320130000",
        "DE89  370400440532013000",
        "XX89370400440532013000",
        "DE8",
    ] {
        assert_eq!(hits(text), (0, 0, 0), "{text}");
    }
    for text in [
        format!("ghp_{RANDOM}"),
        format!("key=sk-{RANDOM}{RANDOM}"),
        format!("sk-{}", RANDOM.repeat(20)),
        "AKIAIOSFODNN7EXAMPLE".to_owned(),
        "-----BEGIN PRIVATE KEY-----".to_owned(),
        "-----BEGIN OPENSSH PRIVATE KEY-----\nabc".to_owned(),
    ] {
        assert_eq!(hits(&text), (0, 0, 1), "{text}");
    }
    for text in [
        format!("ghp_{}", "x".repeat(36)),
        format!("ghp_{}", &RANDOM[..35]),
        format!("xghp_{RANDOM}"),
        format!("sk-{}{RANDOM}", "x".repeat(90)),
        "sk-learn is a library".to_owned(),
        "-----BEGIN PUBLIC KEY-----".to_owned(),
        "-----BEGIN ".to_owned(),
        "-------".to_owned(),
    ] {
        assert_eq!(hits(&text), (0, 0, 0), "{text}");
    }
}

#[test]
fn a_deadline_ends_it() {
    assert_eq!(leak_2(b"a", &mut Pace::until(&|| true)), Err(Late));
    let looks = std::cell::Cell::new(0);
    let third = || {
        looks.set(looks.get() + 1);
        looks.get() > 2
    };
    let text = "word ".repeat(10_000);
    assert_eq!(leak_2(text.as_bytes(), &mut Pace::until(&third)), Err(Late));
}

#[test]
fn holds_back_no_more_than_it_must() {
    for text in [
        format!("github_pat_{}", RANDOM.repeat(9)),
        format!("sk-{}", "x".repeat(400)),
        "GB82 WEST 1234 5698 7654 32".to_owned(),
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1".to_owned(),
        "5555 5555 5555 5555 555".to_owned(),
        "MT84 M A L T 0 1 1 0 0 0 0 1 2 3 4 5 M T L C A S T 0 0 1 S".to_owned(),
    ] {
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        let (_, _, most) = streamed(&pieces);
        assert!(most <= HELD_MAX, "{text}: {most}");
    }
    // Ordinary words are not held at all.
    let scan = scan(
        b"an ordinary sentence",
        Context::Free,
        false,
        &mut Pace::unlimited(),
    );
    assert_eq!(scan.expect("all the time").released, 20);
}

#[test]
fn contexts_have_numbers() {
    for number in 0..4 {
        assert_eq!(
            Context::from_u32(number).map(|one| one as u32),
            Some(number)
        );
    }
    assert_eq!(Context::from_u32(4), None);
}

/// Texts in which matches, near misses and their neighbours are frequent.
fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("4111111111111111".to_owned()),
        Just("4111 1111 1111 1111".to_owned()),
        Just("3782 822463 10005".to_owned()),
        Just("4111111111111112".to_owned()),
        Just("DE89370400440532013000".to_owned()),
        Just("GB82 WEST 1234 5698 7654 32".to_owned()),
        Just(format!("ghp_{RANDOM}")),
        Just(format!("sk-{}", RANDOM.repeat(4))),
        Just(format!("sk-{}", "x".repeat(150))),
        Just("-----BEGIN EC PRIVATE KEY-----".to_owned()),
        Just("-----BEGIN".to_owned()),
        "[0-9 .-]{1,30}",
        "[A-Z0-9 ]{1,20}",
        "[a-zé_.-]{1,12}",
        Just(" ".to_owned()),
        Just("\n".to_owned()),
        any::<String>(),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn prop_pieces_are_scored_as_the_whole(text in texts(), cuts in prop::collection::vec(0..400usize, 0..12)) {
        let bytes = text.as_bytes();
        let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for end in ends {
            pieces.push(&bytes[from..end]);
            from = end;
        }
        let (sent, leaks, most) = streamed(&pieces);
        let whole = scored(&text);
        prop_assert_eq!(leaks, whole);
        prop_assert!(most <= HELD_MAX);
        if whole == Leaks::default() {
            prop_assert_eq!(sent.as_slice(), bytes);
        } else {
            // What was let go is what stands before the first match: with any of its bytes the scan would find less behind it.
            prop_assert!(bytes.starts_with(&sent));
            prop_assert!(sent.len() <= first_match(bytes));
        }
    }

    #[test]
    fn prop_every_cut_in_two(text in texts()) {
        let bytes = text.as_bytes();
        let whole = scored(&text);
        for cut in 0..=bytes.len() {
            let (sent, leaks, _) = streamed(&[&bytes[..cut], &bytes[cut..]]);
            prop_assert_eq!(leaks, whole, "cut at {}", cut);
            prop_assert!(whole == Leaks::default() || sent.len() <= first_match(bytes));
        }
    }
}

/// Where the first match begins: the longest text without one, less what a match that is cut off there would hold.
fn first_match(bytes: &[u8]) -> usize {
    let mut at = 0;
    let (mut context, mut start) = (Context::Free, 0);
    while at < bytes.len() {
        // Byte by byte: what is released before the byte that completes a match is what stands before it.
        let scan =
            scan(&bytes[start..=at], context, false, &mut Pace::unlimited()).expect("all the time");
        if scan.leaks != Leaks::default() {
            return start;
        }
        (context, start) = (scan.context, start + scan.released);
        at += 1;
    }
    start
}
