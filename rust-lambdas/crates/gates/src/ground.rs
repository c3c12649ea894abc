use crate::FULL;

/// Digests that a text cites, each once, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Citations {
    /// Lower-case hex, 64 digits.
    pub digests: Vec<String>,
    /// More than [`CITATIONS_MAX`] different ones were there.
    pub has_more: bool,
}

/// Each is a look-up of a store.
pub const CITATIONS_MAX: usize = 64;

/// Finds `sha256:` or `blake3:` with 64 hex digits, and 64 hex digits that stand alone.
pub fn citations(text: &str) -> Citations {
    let bytes = text.as_bytes();
    let mut found = Citations::default();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_hexdigit() {
            at += 1;
            continue;
        }
        let length = bytes[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        let end = at + length;
        let is_apart = !before(bytes, at).is_some_and(is_name)
            && !bytes.get(end).copied().is_some_and(is_name);
        if length == 64 && is_apart {
            let digest = text[at..end].to_ascii_lowercase();
            if !found.digests.contains(&digest) {
                if found.digests.len() == CITATIONS_MAX {
                    found.has_more = true;
                    return found;
                }
                found.digests.push(digest);
            }
        }
        at = end;
    }
    found
}

/// `ground/1`: the share of the cited digests that were found; 10,000 when nothing was cited.
pub fn ground(found: u32, cited: u32) -> u32 {
    if cited == 0 {
        return FULL;
    }
    (u64::from(FULL) * u64::from(found.min(cited)) / u64::from(cited)) as u32
}

fn before(bytes: &[u8], at: usize) -> Option<u8> {
    at.checked_sub(1).map(|index| bytes[index])
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_whole_digests_once() {
        let (one, two) = ("a".repeat(64), "0123456789ABCDEF".repeat(4));
        let text = format!(
            "see sha256:{one} and {two}; again blake3:{one}. Not {one}a, x{one}, {}.",
            &one[1..]
        );
        let found = citations(&text);
        assert_eq!(found.digests, [one, two.to_ascii_lowercase()]);
        assert!(!found.has_more);
    }

    #[test]
    fn stops_at_its_limit() {
        let many = |count: u64| (0..count).map(|n| format!("{n:064x} ")).collect::<String>();
        assert_eq!(citations(&many(64)).digests.len(), CITATIONS_MAX);
        assert!(!citations(&many(64)).has_more);
        assert!(citations(&many(65)).has_more);
    }

    #[test]
    fn the_share_is_rounded_down() {
        assert_eq!(ground(0, 0), 10_000);
        assert_eq!(ground(2, 3), 6666);
        assert_eq!(ground(0, 3), 0);
        assert_eq!(ground(9, 3), 10_000);
    }
}
