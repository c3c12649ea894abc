use super::*;

/// FNV-1a: enough to notice a change, and needs no crate.
fn digest(values: impl Iterator<Item = u32>) -> u64 {
    values.fold(0xcbf2_9ce4_8422_2325, |hash, value| {
        (hash ^ u64::from(value)).wrapping_mul(0x100_0000_01b3)
    })
}

#[test]
fn what_the_toolchain_says_about_every_character_is_pinned() {
    let kinds = digest(('\0'..=char::MAX).map(|one| kind_of(one) as u32));
    let lower = digest(('\0'..=char::MAX).flat_map(|one| one.to_lowercase().map(|low| low as u32)));
    assert_eq!(
        (kinds, lower),
        (KINDS, LOWER),
        "char::UNICODE_VERSION is {:?}",
        char::UNICODE_VERSION
    );
}

const KINDS: u64 = 5_878_171_503_292_482_169;
const LOWER: u64 = 2_160_255_804_331_133_123;

#[test]
fn only_noise_is_noise() {
    for one in [
        '\0',
        '\u{7F}',
        '\u{86}',
        '\u{AD}',
        '\u{200B}',
        '\u{FEFF}',
        '\u{FFFD}',
        '\u{E000}',
        '\u{1FFFE}',
    ] {
        assert_eq!(kind_of(one), Kind::Noise, "{one:?}");
    }
    for one in ['\n', '\t', ' ', '\u{85}', '\u{A0}', '\u{2028}', '\u{3000}'] {
        assert_eq!(kind_of(one), Kind::Space, "{one:?}");
    }
    for (one, kind) in [
        ('é', Kind::Letter),
        ('ß', Kind::Letter),
        ('5', Kind::Other),
        ('–', Kind::Other),
        ('€', Kind::Symbol),
        ('\u{FE0F}', Kind::Selector),
    ] {
        assert_eq!(kind_of(one), kind, "{one:?}");
    }
}
