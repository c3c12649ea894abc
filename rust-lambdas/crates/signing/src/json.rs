//! Strict JSON: RFC 8259 in the I-JSON profile of signed payloads.
//!
//! Our own parser, because the profile is about what general ones hide: duplicate members (after unescaping), lone
//! surrogates, the digits a number was written with. An input with several faults is refused for the first of
//! *size, utf8, depth, syntax, duplicate key, string, number*, so that every implementation gives the same reason;
//! the last three are therefore only noted while parsing and judged at the end.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::Reject;

/// Containers inside containers; a scalar has depth 0, `[]` depth 1.
pub const DEPTH_MAX: usize = 32;
/// `2^53 - 1`: beyond it neighbouring integers share a double.
pub const INTEGER_MAX: f64 = 9_007_199_254_740_991.0;
/// More digits than a double can tell apart; another parser may round them to another value.
pub const SIGNIFICANT_DIGITS_MAX: usize = 17;

/// A JSON value that borrows from its text where no escape forces a copy.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// Finite, never `-0`.
    Number(f64),
    /// UTF-8 without lone surrogates and noncharacters.
    String(Text<'a>),
    /// In the order of the text.
    Array(Vec<Value<'a>>),
    /// In the order of RFC 8785 (UTF-16 code units of the names), names unique.
    Object(Vec<Member<'a>>),
}

/// One `name: value` of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Member<'a> {
    /// Unescaped.
    pub name: Text<'a>,
    /// What it names.
    pub value: Value<'a>,
}

/// An unescaped string as bytes: UTF-8 in every value that [`parse`] gives out. (While parsing it may hold a lone
/// surrogate in the three-byte form of WTF-8, so that two such names can still be told apart.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<'a>(pub(crate) Cow<'a, [u8]>);

impl Text<'_> {
    /// The bytes, UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a parsed string is UTF-8")
    }
}

impl<'a> Value<'a> {
    /// The members of an object.
    pub fn as_object(&self) -> Option<&[Member<'a>]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The member `name` of an object; none for anything else.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        let members = self.as_object()?;
        let member = members
            .iter()
            .find(|member| member.name.as_bytes() == name.as_bytes())?;
        Some(&member.value)
    }
}

/// Parses `text`, at most `bytes_max` bytes of it.
///
/// ```
/// use signing::{Reject, json};
/// assert_eq!(json::parse(br#"{"a":1,"\u0061":2}"#, 64), Err(Reject::JsonDuplicateKey));
/// ```
pub fn parse(text: &[u8], bytes_max: usize) -> Result<Value<'_>, Reject> {
    if text.len() > bytes_max {
        return Err(Reject::JsonSize);
    }
    if text.starts_with(b"\xef\xbb\xbf") || std::str::from_utf8(text).is_err() {
        return Err(Reject::JsonUtf8);
    }
    if deepest(text) > DEPTH_MAX {
        return Err(Reject::JsonDepth);
    }
    let mut parser = Parser {
        text,
        at: 0,
        duplicate_key: false,
        bad_string: false,
        bad_number: false,
    };
    let value = parser.document()?;
    if parser.duplicate_key {
        return Err(Reject::JsonDuplicateKey);
    }
    if parser.bad_string {
        return Err(Reject::JsonString);
    }
    if parser.bad_number {
        return Err(Reject::JsonNumber);
    }
    Ok(value)
}

/// The order of RFC 8785: by UTF-16 code units. In UTF-8 that is the order of bytes, except that the leads 0xee and 0xef
/// (U+E000..U+FFFF) sort after 0xf0..0xf4, whose characters start with a surrogate in UTF-16. Such bytes are leads
/// wherever they stand, so the first difference decides.
pub fn utf16_order(a: &[u8], b: &[u8]) -> Ordering {
    let rank = |byte: u8| {
        if matches!(byte, 0xee | 0xef) {
            byte + 0x10
        } else {
            byte
        }
    };
    match a.iter().zip(b).find(|(x, y)| x != y) {
        Some((x, y)) => rank(*x).cmp(&rank(*y)),
        None => a.len().cmp(&b.len()),
    }
}

/// Counts brackets outside strings, without asking whether they match: depth is judged before syntax.
fn deepest(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut at) = (0usize, 0, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => at = string_end(text, at + 1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// Where the closing quote of the string that starts at `at` stands, or the end of the text.
fn string_end(text: &[u8], mut at: usize) -> usize {
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    duplicate_key: bool,
    bad_string: bool,
    bad_number: bool,
}

impl<'a> Parser<'a> {
    fn document(&mut self) -> Result<Value<'a>, Reject> {
        self.skip_space();
        let value = self.value()?;
        self.skip_space();
        if self.at != self.text.len() {
            return Err(Reject::JsonSyntax);
        }
        Ok(value)
    }

    /// Recursion is bounded: [`deepest`] was judged first.
    fn value(&mut self) -> Result<Value<'a>, Reject> {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => Ok(Value::Number(self.number()?)),
            Some(b't') => self.word(b"true", Value::Bool(true)),
            Some(b'f') => self.word(b"false", Value::Bool(false)),
            Some(b'n') => self.word(b"null", Value::Null),
            _ => Err(Reject::JsonSyntax),
        }
    }

    fn object(&mut self) -> Result<Value<'a>, Reject> {
        self.at += 1;
        let mut members: Vec<Member<'a>> = Vec::new();
        let mut is_sorted = true;
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(Reject::JsonSyntax);
            }
            let name = self.string()?;
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            let value = self.value()?;
            if let Some(last) = members.last() {
                is_sorted &= utf16_order(last.name.as_bytes(), name.as_bytes()) == Ordering::Less;
            }
            members.push(Member { name, value });
            self.skip_space();
            if self.take(b'}') {
                break;
            }
            self.expect(b',')?;
        }
        if !is_sorted {
            members.sort_by(|a, b| utf16_order(a.name.as_bytes(), b.name.as_bytes()));
            self.duplicate_key |= members.windows(2).any(|pair| pair[0].name == pair[1].name);
        }
        Ok(Value::Object(members))
    }

    fn array(&mut self) -> Result<Value<'a>, Reject> {
        self.at += 1;
        let mut values = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::Array(values));
        }
        loop {
            self.skip_space();
            values.push(self.value()?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::Array(values));
            }
            self.expect(b',')?;
        }
    }

    fn string(&mut self) -> Result<Text<'a>, Reject> {
        self.at += 1;
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    let plain = &self.text[start..self.at];
                    self.at += 1;
                    self.bad_string |= has_noncharacter(plain);
                    return Ok(Text(Cow::Borrowed(plain)));
                }
                b'\\' => return self.escaped_string(start),
                0..=0x1f => return Err(Reject::JsonSyntax),
                _ => self.at += 1,
            }
        }
        Err(Reject::JsonSyntax)
    }

    fn escaped_string(&mut self, start: usize) -> Result<Text<'a>, Reject> {
        let mut bytes = self.text[start..self.at].to_vec();
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => {
                    self.bad_string |= has_noncharacter(&bytes);
                    return Ok(Text(Cow::Owned(bytes)));
                }
                b'\\' => self.escape(&mut bytes)?,
                0..=0x1f => return Err(Reject::JsonSyntax),
                _ => bytes.push(byte),
            }
        }
        Err(Reject::JsonSyntax)
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), Reject> {
        let letter = self.peek().ok_or(Reject::JsonSyntax)?;
        self.at += 1;
        bytes.push(match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.unicode_escape(bytes),
            _ => return Err(Reject::JsonSyntax),
        });
        Ok(())
    }

    fn unicode_escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), Reject> {
        let unit = self.four_hex()?;
        let code_point = match unit {
            0xd800..=0xdbff if self.text[self.at..].starts_with(b"\\u") => {
                let after_high = self.at;
                self.at += 2;
                match self.four_hex()? {
                    low @ 0xdc00..=0xdfff => 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00),
                    _ => {
                        self.at = after_high;
                        unit
                    }
                }
            }
            _ => unit,
        };
        match char::from_u32(code_point) {
            Some(character) => {
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes())
            }
            None => {
                self.bad_string = true;
                bytes.extend([
                    0xe0 | (code_point >> 12) as u8,
                    0x80 | ((code_point >> 6) & 0x3f) as u8,
                    0x80 | (code_point & 0x3f) as u8,
                ]);
            }
        }
        Ok(())
    }

    fn four_hex(&mut self) -> Result<u32, Reject> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .ok_or(Reject::JsonSyntax)?;
        self.at += 4;
        digits.iter().try_fold(0, |unit, digit| {
            let value = char::from(*digit).to_digit(16).ok_or(Reject::JsonSyntax)?;
            Ok(unit << 4 | value)
        })
    }

    fn number(&mut self) -> Result<f64, Reject> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        let mantissa_is_integer = !self.take(b'.');
        if !mantissa_is_integer {
            self.digits()?;
        }
        let mantissa = &self.text[start..self.at];
        let has_exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if has_exponent {
            self.at += 1;
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        let token =
            std::str::from_utf8(&self.text[start..self.at]).map_err(|_| Reject::JsonSyntax)?;
        let value: f64 = token.parse().map_err(|_| Reject::JsonSyntax)?;
        self.bad_number |= !is_in_profile(value, mantissa, mantissa_is_integer && !has_exponent);
        Ok(value)
    }

    fn digits(&mut self) -> Result<(), Reject> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            Err(Reject::JsonSyntax)
        } else {
            Ok(())
        }
    }

    fn word(&mut self, word: &[u8], value: Value<'a>) -> Result<Value<'a>, Reject> {
        if !self.text[self.at..].starts_with(word) {
            return Err(Reject::JsonSyntax);
        }
        self.at += word.len();
        Ok(value)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Reject> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(Reject::JsonSyntax)
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

/// `mantissa` is the token without its exponent. A number counts as an integer when it was written as one, or when
/// RFC 8785 writes it as one (below 1e21): so a canonical text always parses again.
fn is_in_profile(value: f64, mantissa: &[u8], is_written_as_integer: bool) -> bool {
    let is_integer = is_written_as_integer || (value.fract() == 0.0 && value.abs() < 1e21);
    let is_zero = mantissa.iter().all(|byte| !matches!(byte, b'1'..=b'9'));
    value.is_finite()
        && (value != 0.0 || (is_zero && value.is_sign_positive()))
        && (!is_integer || value.abs() <= INTEGER_MAX)
        && significant_digits(mantissa) <= SIGNIFICANT_DIGITS_MAX
}

/// From the first to the last digit that is not 0: zeros around them change no value and no rounding.
fn significant_digits(mantissa: &[u8]) -> usize {
    let is_telling = |byte: &u8| matches!(byte, b'1'..=b'9');
    let first = mantissa.iter().position(is_telling);
    let last = mantissa.iter().rposition(is_telling);
    match (first, last) {
        (Some(first), Some(last)) => mantissa[first..=last]
            .iter()
            .filter(|byte| byte.is_ascii_digit())
            .count(),
        _ => 0,
    }
}

/// U+FDD0..U+FDEF and the last two code points of each plane. Their UTF-8 starts at 0xef, so most strings are told by
/// one pass over their bytes.
fn has_noncharacter(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| *byte >= 0xef)
        && std::str::from_utf8(bytes).is_ok_and(|text| {
            text.chars()
                .any(|c| matches!(u32::from(c), 0xfdd0..=0xfdef) || u32::from(c) & 0xfffe == 0xfffe)
        })
}

#[cfg(test)]
mod tests;
