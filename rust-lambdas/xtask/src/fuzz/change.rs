/// Makes inputs out of inputs; the same seed makes the same ones.
pub struct Changes {
    state: u64,
}

/// What parsers branch at.
const TOKENS: [&[u8]; 32] = [
    b"\"",
    b"\\",
    b"\\u",
    b"\\ud800",
    b"\\udc00",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"-",
    b"-0",
    b"e",
    b".",
    b"9007199254740993",
    b"1e309",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\xef\xbf\xbf",
    b"=",
    b"-_",
    b"+/",
    b"\n",
    b"\0",
    b"\x01\0\0\0",
    b"\xff\xff\xff\xff",
    b"\"payload\":",
    b"\"sig\":",
    b"z6Mk",
    b"-----",
];

const BYTES_MAX: usize = 4096;

impl Changes {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// One of the pool after one to four changes.
    pub fn next(&mut self, pool: &[Vec<u8>]) -> Vec<u8> {
        let mut input = pool[self.below(pool.len())].clone();
        for _ in 0..=self.below(4) {
            self.change(&mut input, pool);
        }
        input.truncate(BYTES_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, pool: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let end = at + self.below((input.len() - at).min(16) + 1);
        match self.below(8) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.below(256) as u8,
            2 => drop(input.drain(at..end)),
            3 => input.truncate(at),
            4 => {
                let twice = input[at..end].to_vec();
                input.splice(at..at, twice);
            }
            5 => {
                let other = &pool[self.below(pool.len())];
                let from = self.below(other.len() + 1);
                input.splice(at..end, other[from..].iter().copied().take(64));
            }
            6 if at + 1 < input.len() => {
                let with = self.below(input.len());
                input.swap(at, with);
            }
            _ => {
                let token = TOKENS[self.below(TOKENS.len())];
                input.splice(at..at, token.iter().copied());
            }
        }
    }

    /// SplitMix64; the bias of the remainder is below 2^-50 here.
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}
