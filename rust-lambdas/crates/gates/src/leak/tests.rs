use super::*;

fn scored(text: &[u8]) -> Leaks {
    leak(text, &mut Pace::unlimited()).expect("all the time")
}

fn hits(text: &str) -> (u32, u32, u32) {
    let Leaks { cards, ibans, keys } = scored(text.as_bytes());
    (cards, ibans, keys)
}

#[test]
fn finds_card_numbers_as_they_are_written() {
    for text in [
        "4111111111111111",
        "pay 4111 1111 1111 1111.",
        "(5500-0000-0000-0004)",
        "378282246310005",
        "é 6011000990139424",
    ] {
        assert_eq!(hits(text), (1, 0, 0), "{text}");
    }
}

#[test]
fn leaves_numbers_that_are_no_card() {
    for text in [
        "4111111111111112",     // check digit
        "4444444444444444448x", // part of a word
        "x4111111111111111",
        "1111111111111117",     // no network
        "5555555555555555",     // one digit
        "411111111111",         // 12 digits
        "41111111111111111111", // 20 digits
        "4111  1111 1111 1111", // two spaces
    ] {
        assert_eq!(hits(text), (0, 0, 0), "{text}");
    }
}

#[test]
fn finds_account_numbers_of_the_right_length() {
    for text in [
        "DE89370400440532013000",
        "IBAN GB82 WEST 1234 5698 7654 32,",
        "PT50 0002 0123 1234 5678 9015 4",
        "NO93 8601 1117 947",
    ] {
        assert_eq!(hits(text), (0, 1, 0), "{text}");
    }
    for text in [
        "DE89370400440532013001",
        "DE8937040044053201300",
        "DE893704004405320130000",
        "XX89370400440532013000",
        "de89370400440532013000",
        "DE89  370400440532013000",
    ] {
        assert_eq!(hits(text), (0, 0, 0), "{text}");
    }
}

#[test]
fn finds_keys_by_prefix_and_entropy() {
    let random = "q7Zp2LmX9vKc4RtB8nWy5HsD3fGjA6eU1oTi";
    for text in [
        format!("ghp_{random}"),
        format!("key=sk-{random}{random}"),
        "AKIAIOSFODNN7EXAMPLE".to_owned(),
        "-----BEGIN PRIVATE KEY-----".to_owned(),
        "-----BEGIN OPENSSH PRIVATE KEY-----\nabc".to_owned(),
    ] {
        assert_eq!(hits(&text), (0, 0, 1), "{text}");
    }
    for text in [
        format!("ghp_{}", "x".repeat(36)),
        format!("ghp_{}", "ab".repeat(18)),
        format!("ghp_{}", &random[..35]),
        format!("xghp_{random}"),
        "sk-learn is a library".to_owned(),
        "-----BEGIN PUBLIC KEY-----".to_owned(),
        "-----BEGIN ".to_owned(),
        "".to_owned(),
    ] {
        assert_eq!(hits(&text), (0, 0, 0), "{text}");
    }
}

#[test]
fn counts_each_and_scores_all_or_nothing() {
    assert_eq!(
        hits("4111 1111 1111 1111 5500 0000 0000 0004 12"),
        (2, 0, 0)
    );
    let leaks = scored(b"4111111111111111 and 4111111111111111 and DE89370400440532013000");
    assert_eq!(
        (leaks.cards, leaks.ibans, leaks.keys, leaks.score()),
        (2, 1, 0, 0)
    );
    assert_eq!(scored(b"nothing here").score(), 10_000);
}

#[test]
fn any_bytes_are_read() {
    for length in 0..200u32 {
        let bytes: Vec<u8> = (0..length)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        scored(&bytes);
    }
}
