//! RFC 8785, the JSON Canonicalization Scheme: members in UTF-16 order, numbers as ECMAScript writes them, no space.

use crate::Reject;
use crate::json::{self, Member, Value};

/// Text that is only canonicalised may be as long as the largest body it can stem from.
pub const TEXT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The canonical form of strict JSON text.
///
/// ```
/// let canonical = signing::jcs::canonicalise(br#"{ "b": 1e2, "a": "\u20ac" }"#).unwrap();
/// assert_eq!(canonical, r#"{"a":"€","b":100}"#.as_bytes());
/// ```
pub fn canonicalise(text: &[u8]) -> Result<Vec<u8>, Reject> {
    let value = json::parse(text, TEXT_BYTES_MAX)?;
    let mut canonical = Vec::with_capacity(text.len());
    write_value(&value, &mut canonical);
    Ok(canonical)
}

/// Appends the canonical form of a parsed value.
pub fn write_value(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => {
            out.extend_from_slice(ryu_js::Buffer::new().format_finite(*number).as_bytes())
        }
        Value::String(text) => write_string(text.as_bytes(), out),
        Value::Array(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(value, out);
            }
            out.push(b']');
        }
        Value::Object(members) => write_members(members.iter(), out),
    }
}

/// Appends an object of these members, which must come in the order of [`json::utf16_order`].
pub fn write_members<'m, 'a: 'm>(members: impl Iterator<Item = &'m Member<'a>>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, member) in members.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(member.name.as_bytes(), out);
        out.push(b':');
        write_value(&member.value, out);
    }
    out.push(b'}');
}

/// Appends a quoted string. Runs without escapes, nearly all of them, are copied whole.
pub fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut copied = 0;
    for (at, byte) in text.iter().enumerate() {
        if !matches!(byte, b'"' | b'\\' | 0..=0x1f) {
            continue;
        }
        out.extend_from_slice(&text[copied..at]);
        copied = at + 1;
        match byte {
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&text[copied..]);
    out.push(b'"');
}
