use serde_json::{Value, json};
use signing::{Reject, jcs};

use super::{hex, with_outcome};

/// Faults of the profile, and what stands just inside it.
pub fn profile() -> Vec<Value> {
    use Reject::{JsonDepth, JsonDuplicateKey, JsonNumber, JsonString, JsonSyntax, JsonUtf8};
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let texts: [(&str, String, Option<Reject>); 52] = [
        ("depth 32", nested(32), None),
        ("depth 33", nested(33), Some(JsonDepth)),
        ("depth 33, never closed", "[".repeat(33), Some(JsonDepth)),
        (
            "brackets in a string have no depth",
            format!("\"{}\"", "[".repeat(40)),
            None,
        ),
        ("nothing", String::new(), Some(JsonSyntax)),
        ("space only", " \n".into(), Some(JsonSyntax)),
        ("two values", "1 1".into(), Some(JsonSyntax)),
        (
            "trailing comma in an array",
            "[1,]".into(),
            Some(JsonSyntax),
        ),
        (
            "trailing comma in an object",
            r#"{"a":1,}"#.into(),
            Some(JsonSyntax),
        ),
        ("unquoted name", "{a:1}".into(), Some(JsonSyntax)),
        ("single quotes", "['a']".into(), Some(JsonSyntax)),
        ("leading zero", "01".into(), Some(JsonSyntax)),
        ("plus sign", "+1".into(), Some(JsonSyntax)),
        ("no digit behind the point", "1.".into(), Some(JsonSyntax)),
        ("no digit before the point", ".5".into(), Some(JsonSyntax)),
        ("empty exponent", "1e".into(), Some(JsonSyntax)),
        ("NaN", "NaN".into(), Some(JsonSyntax)),
        ("Infinity", "-Infinity".into(), Some(JsonSyntax)),
        ("comment", "/**/1".into(), Some(JsonSyntax)),
        ("raw tab in a string", "\"\t\"".into(), Some(JsonSyntax)),
        ("raw NUL in a string", "\"\u{0}\"".into(), Some(JsonSyntax)),
        ("unknown escape", r#""\x41""#.into(), Some(JsonSyntax)),
        ("short escape", r#""\u12""#.into(), Some(JsonSyntax)),
        ("unclosed string", "\"a".into(), Some(JsonSyntax)),
        ("no-break space", "\u{a0}1".into(), Some(JsonSyntax)),
        (
            "duplicate",
            r#"{"a":1,"a":1}"#.into(),
            Some(JsonDuplicateKey),
        ),
        (
            "duplicate after unescaping",
            r#"{"a":1,"\u0061":2}"#.into(),
            Some(JsonDuplicateKey),
        ),
        (
            "duplicate deep inside",
            r#"[{"b":{"x":1,"y":2,"x":3}}]"#.into(),
            Some(JsonDuplicateKey),
        ),
        (
            "duplicate empty name",
            r#"{"":0,"":0}"#.into(),
            Some(JsonDuplicateKey),
        ),
        ("same name at two levels", r#"{"a":{"a":1}}"#.into(), None),
        (
            "duplicate before a lone surrogate",
            r#"{"a":"\ud800","a":1}"#.into(),
            Some(JsonDuplicateKey),
        ),
        (
            "lone high surrogate",
            r#""\ud800""#.into(),
            Some(JsonString),
        ),
        ("lone low surrogate", r#""\udc00""#.into(), Some(JsonString)),
        (
            "surrogates the wrong way round",
            r#""\udc00\ud800""#.into(),
            Some(JsonString),
        ),
        ("surrogate pair", r#""\ud83d\ude00""#.into(), None),
        (
            "noncharacter, escaped",
            r#""\uffff""#.into(),
            Some(JsonString),
        ),
        ("noncharacter, raw", "\"\u{fdd0}\"".into(), Some(JsonString)),
        (
            "noncharacter of plane 16",
            "\"\u{10fffe}\"".into(),
            Some(JsonString),
        ),
        (
            "noncharacter in a name",
            "{\"\u{fffe}\":1}".into(),
            Some(JsonString),
        ),
        ("minus zero", "-0".into(), Some(JsonNumber)),
        (
            "minus zero with an exponent",
            "-0e9".into(),
            Some(JsonNumber),
        ),
        ("too large", "1e309".into(), Some(JsonNumber)),
        (
            "not zero but read as zero",
            "1e-400".into(),
            Some(JsonNumber),
        ),
        ("zero with an exponent", "0e400".into(), None),
        ("2^53 - 1", "9007199254740991".into(), None),
        ("2^53", "9007199254740992".into(), Some(JsonNumber)),
        ("-2^53", "-9007199254740992".into(), Some(JsonNumber)),
        (
            "integer written with an exponent",
            "1e20".into(),
            Some(JsonNumber),
        ),
        ("no longer written as an integer", "1e21".into(), None),
        ("17 digits", "0.12345678901234567".into(), None),
        ("18 digits", "0.123456789012345678".into(), Some(JsonNumber)),
        (
            "zeros behind the digits",
            "1.50000000000000000000".into(),
            None,
        ),
    ];
    let mut cases: Vec<Value> = texts
        .into_iter()
        .map(|(name, text, stated)| {
            let outcome = canonical_text(text.as_bytes());
            with_outcome(json!({ "name": name, "text": text }), stated, outcome)
        })
        .collect();

    let bytes: [(&str, &[u8]); 5] = [
        ("byte order mark", b"\xef\xbb\xbf1"),
        ("overlong form", b"\"\xc0\xaf\""),
        ("surrogate in UTF-8", b"\"\xed\xa0\x80\""),
        ("over U+10FFFF", b"\"\xf5\x80\x80\x80\""),
        ("cut character", b"\"\xe2\x82\""),
    ];
    for (name, bytes) in bytes {
        cases.push(with_outcome(
            json!({ "name": name, "hex": hex(bytes) }),
            Some(JsonUtf8),
            canonical_text(bytes),
        ));
    }
    let times = jcs::TEXT_BYTES_MAX + 1;
    let large = json!({ "name": "one byte too many", "text": " ", "times": times });
    cases.push(with_outcome(
        large,
        Some(Reject::JsonSize),
        canonical_text(&vec![b' '; times]),
    ));
    cases
}

/// The examples of RFC 8785: sections 3.2.2 and 3.2.3, appendix B.
pub fn canonical() -> Vec<Value> {
    let sample = r#"{
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
}"#;
    let sorting = r#"{
  "\u20ac": "Euro Sign",
  "\r": "Carriage Return",
  "\ufb33": "Hebrew Letter Dalet With Dagesh",
  "1": "One",
  "\ud83d\ude00": "Emoji: Grinning Face",
  "\u0080": "Control",
  "\u00f6": "Latin Small Letter O With Diaeresis"
}"#;
    let sample_canonical = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
    let sorting_canonical = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
    let texts = [
        ("RFC 8785 section 3.2.2", sample, sample_canonical),
        ("RFC 8785 section 3.2.3", sorting, sorting_canonical),
        ("appendix B: least", "5e-324", "5e-324"),
        (
            "appendix B: most",
            "1.7976931348623157e308",
            "1.7976931348623157e+308",
        ),
        ("appendix B: 1e+22 written out", "1.0e22", "1e+22"),
        (
            "appendix B: last before 1e+23",
            "9.999999999999997e22",
            "9.999999999999997e+22",
        ),
        ("appendix B: 1e+23", "1e23", "1e+23"),
        (
            "appendix B: first behind 1e+23",
            "1.0000000000000001e23",
            "1.0000000000000001e+23",
        ),
        (
            "appendix B: last before 1e-6",
            "9.999999999999997e-7",
            "9.999999999999997e-7",
        ),
        ("appendix B: 1e-6", "0.000001", "0.000001"),
        (
            "appendix B: thirds",
            "333333333.3333332",
            "333333333.3333332",
        ),
        (
            "appendix B: 333333333.33333325",
            "333333333.33333325",
            "333333333.33333325",
        ),
        (
            "appendix B: ties to even",
            "1424953923781206.2",
            "1424953923781206.2",
        ),
        (
            "empty containers",
            "{ \"a\": [ ], \"b\": { } }",
            "{\"a\":[],\"b\":{}}",
        ),
        (
            "control characters",
            r#""\u0000\b\t\n\f\r\u001f\u007f""#,
            "\"\\u0000\\b\\t\\n\\f\\r\\u001f\u{7f}\"",
        ),
    ];
    texts
        .into_iter()
        .map(|(name, text, expected)| {
            let outcome = canonical_text(text.as_bytes());
            assert_eq!(outcome, Ok(json!({ "canonical": expected })), "{name}");
            with_outcome(json!({ "name": name, "text": text }), None, outcome)
        })
        .collect()
}

pub fn canonical_text(bytes: &[u8]) -> Result<Value, Reject> {
    let canonical = jcs::canonicalise(bytes)?;
    Ok(json!({ "canonical": String::from_utf8(canonical).expect("canonical JSON is UTF-8") }))
}
