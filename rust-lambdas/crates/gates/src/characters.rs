//! What kind a character is. White space, letters and lower case come from the standard library, whose Unicode version
//! is that of the pinned toolchain; a test pins the digest of what they say about every character, so that a toolchain
//! which says otherwise is noticed before it makes other scores.

/// How a scorer takes a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Parts words (Unicode `White_Space`).
    Space,
    /// Control, invisible, private-use, U+FFFD and noncharacters: part of no word.
    Noise,
    /// An emoji's presentation selector: neither text nor noise.
    Selector,
    /// Alphabetic.
    Letter,
    /// Neither letter, digit nor the punctuation of prose.
    Symbol,
    /// Digits, punctuation, marks.
    Other,
}

pub(crate) fn kind_of(character: char) -> Kind {
    if character.is_ascii() {
        return ascii_kind(character as u8);
    }
    if character.is_whitespace() {
        Kind::Space
    } else if character == '\u{FE0F}' {
        Kind::Selector
    } else if is_noise(character) {
        Kind::Noise
    } else if character.is_alphabetic() {
        Kind::Letter
    } else if is_symbol(character) {
        Kind::Symbol
    } else {
        Kind::Other
    }
}

/// Direction overrides, tag characters and what takes no room: where text is hidden from the eye. Joiners are left out,
/// because scripts and emoji need them, and so are soft hyphens and a byte order mark.
pub(crate) fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{200B}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}'
            | '\u{E0000}'..='\u{E007F}' | '\u{E0100}'..='\u{E01EF}'
    )
}

/// Written in letters of the script that the pinned word lists are in.
pub(crate) fn is_latin(character: char) -> bool {
    matches!(
        character,
        'A'..='Z' | 'a'..='z' | 'ª' | 'º' | '\u{C0}'..='\u{24F}' | '\u{250}'..='\u{2AF}' | '\u{1E00}'..='\u{1EFF}'
            | '\u{2C60}'..='\u{2C7F}' | '\u{A720}'..='\u{A7FF}' | '\u{AB30}'..='\u{AB6F}' | '\u{FB00}'..='\u{FB06}'
            | '\u{FF21}'..='\u{FF3A}' | '\u{FF41}'..='\u{FF5A}'
    )
}

fn ascii_kind(byte: u8) -> Kind {
    match byte {
        b'\t' | b'\n' | 0x0B | 0x0C | b'\r' | b' ' => Kind::Space,
        0..=0x1F | 0x7F => Kind::Noise,
        b'a'..=b'z' | b'A'..=b'Z' => Kind::Letter,
        // Not those that Markdown writes text with: ` * _ | > [ ] belong to the form that is judged.
        b'#' | b'$' | b'%' | b'&' | b'+' | b'<' | b'=' | b'@' | b'\\' | b'^' | b'{' | b'}'
        | b'~' => Kind::Symbol,
        _ => Kind::Other,
    }
}

/// Cc, Cf, Co, other default-ignorable characters, noncharacters and the replacement character.
fn is_noise(character: char) -> bool {
    character as u32 & 0xFFFE == 0xFFFE
        || matches!(
            character,
            '\u{80}'..='\u{9F}' | '\u{AD}' | '\u{34F}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}'
                | '\u{890}' | '\u{891}' | '\u{8E2}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
                | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{E000}'..='\u{F8FF}' | '\u{FDD0}'..='\u{FDEF}'
                | '\u{FE00}'..='\u{FE0E}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{FFFD}'
                | '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}' | '\u{F0000}'..='\u{10FFFF}'
        )
}

/// Currency, arrows, operators, boxes, shapes, pictures.
fn is_symbol(character: char) -> bool {
    matches!(
        character,
        '\u{A2}'..='\u{A6}' | '\u{A8}' | '\u{A9}' | '\u{AC}' | '\u{AE}'..='\u{B1}' | '\u{B4}' | '\u{D7}' | '\u{F7}'
            | '\u{20A0}'..='\u{20CF}' | '\u{2100}'..='\u{214F}' | '\u{2190}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FBFF}'
    )
}

#[cfg(test)]
mod tests;
