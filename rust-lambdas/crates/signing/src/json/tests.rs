use super::*;
use crate::jcs;
use proptest::prelude::*;

fn fault(text: &str) -> Reject {
    parse(text.as_bytes(), 1 << 20).unwrap_err()
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn gives_the_first_fault_in_the_order_of_the_profile() {
    let faults: [(Reject, &[u8]); 7] = [
        (Reject::JsonUtf8, b"\"\xff\""),
        (Reject::JsonDepth, nested(33).leak().as_bytes()),
        (Reject::JsonSyntax, b"tru"),
        (Reject::JsonDuplicateKey, br#"{"a":1,"a":1}"#),
        (Reject::JsonString, br#""\ud800""#),
        (Reject::JsonNumber, b"-0"),
        (Reject::JsonSize, &[b' '; 2000]),
    ];
    let order = [
        Reject::JsonSize,
        Reject::JsonUtf8,
        Reject::JsonDepth,
        Reject::JsonSyntax,
        Reject::JsonDuplicateKey,
        Reject::JsonString,
        Reject::JsonNumber,
    ];
    for (first, a) in faults {
        for (second, b) in faults {
            let expected = *order
                .iter()
                .find(|reject| [first, second].contains(reject))
                .unwrap();
            let both = [b"[", a, b",", b, b"]"].concat();
            assert_eq!(parse(&both, 1000), Err(expected), "{first:?} {second:?}");
        }
    }
}

#[test]
fn takes_depth_32_and_refuses_33_even_where_the_syntax_is_wrong() {
    assert!(parse(nested(32).as_bytes(), 1000).is_ok());
    assert_eq!(fault(&nested(33)), Reject::JsonDepth);
    assert_eq!(fault(&"[".repeat(33)), Reject::JsonDepth);
    assert_eq!(fault(&"[".repeat(32)), Reject::JsonSyntax);
    assert!(parse(format!("\"{}\"", "[".repeat(40)).as_bytes(), 1000).is_ok());
    assert!(parse(format!(r#""\"{}""#, "[".repeat(40)).as_bytes(), 1000).is_ok());
}

#[test]
fn refuses_every_fault_of_grammar() {
    let texts = [
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "1e+",
        "0x1",
        "--1",
        "-",
        "NaN",
        "Infinity",
        "nul",
        "True",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\t\"",
        "\"\u{0}\"",
        "1 1",
        "//",
        "/**/1",
        "[1]x",
        "\"a\"\"b\"",
        "\u{a0}1",
    ];
    for text in texts {
        assert_eq!(fault(text), Reject::JsonSyntax, "{text:?}");
    }
}

#[test]
fn finds_duplicates_after_unescaping_at_every_level() {
    for text in [
        r#"{"a":1,"\u0061":2}"#,
        r#"[{"b":{"x":1,"y":2,"x":3}}]"#,
        r#"{"":0,"":0}"#,
        r#"{"\ud800":0,"\uD800":1}"#,
    ] {
        assert_eq!(fault(text), Reject::JsonDuplicateKey, "{text}");
    }
    assert_eq!(fault(r#"{"\ud800":0,"\ud801":1}"#), Reject::JsonString);
}

#[test]
fn refuses_lone_surrogates_and_noncharacters_however_written() {
    for text in [
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        r#""\ud800\u0041""#,
        r#""\uffff""#,
        r#""\ud83f\udfff""#,
        "\"\u{fdd0}\"",
        "\"\u{10fffe}\"",
        "{\"\u{fffe}\":1}",
    ] {
        assert_eq!(fault(text), Reject::JsonString, "{text}");
    }
    assert_eq!(
        parse(r#""\ud83d\ude00 \u00e9""#.as_bytes(), 99)
            .unwrap()
            .as_str(),
        Some("😀 é")
    );
}

#[test]
fn refuses_numbers_that_another_parser_could_read_differently() {
    let refused = [
        "-0",
        "-0.0",
        "-0e9",
        "1e309",
        "-1e309",
        "1e-400",
        "9007199254740992",
        "-9007199254740992",
        "1e16",
        "1e20",
        "9007199254740993.0",
        "1000000000000000000000",
        "0.123456789012345678",
        "1.00000000000000001",
    ];
    for text in refused {
        assert_eq!(fault(text), Reject::JsonNumber, "{text}");
    }
    for text in [
        "0",
        "0.0",
        "0e400",
        "9007199254740991",
        "-9007199254740991",
        "1e21",
        "1e308",
        "5e-324",
        "0.12345678901234567",
        "1.50000000000000000000",
    ] {
        assert!(parse(text.as_bytes(), 99).is_ok(), "{text}");
    }
}

#[test]
fn refuses_a_byte_order_mark_and_overlong_forms() {
    for bytes in [
        &b"\xef\xbb\xbf1"[..],
        b"\"\xc0\xaf\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xf5\x80\x80\x80\"",
        b"\"\xe2\x82",
    ] {
        assert_eq!(parse(bytes, 99), Err(Reject::JsonUtf8));
    }
}

#[test]
fn measures_size_first() {
    assert!(parse(b"[1]", 3).is_ok());
    assert_eq!(parse(b"\xff\xff\xff\xff", 3), Err(Reject::JsonSize));
}

/// JSON values inside the profile.
fn values() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value as Json;
    let is_character =
        |c: &char| u32::from(*c) & 0xfffe != 0xfffe && !matches!(u32::from(*c), 0xfdd0..=0xfdef);
    let texts = prop::collection::vec(any::<char>().prop_filter("a character", is_character), 0..8)
        .prop_map(|text| text.into_iter().collect::<String>());
    let numbers = any::<f64>().prop_filter("in the profile", |x| {
        x.is_finite() && *x != 0.0 && !(x.fract() == 0.0 && x.abs() > INTEGER_MAX && x.abs() < 1e21)
    });
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        numbers.prop_map(Json::from),
        any::<i32>().prop_map(Json::from),
        texts.clone().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec((texts.clone(), inner), 0..6)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn prop_canonical_form_agrees_with_an_independent_library(value in values()) {
        let text = serde_json::to_vec(&value).unwrap();
        let canonical = jcs::canonicalise(&text).unwrap();
        prop_assert_eq!(&canonical, &serde_jcs::to_vec(&value).unwrap());
        prop_assert_eq!(jcs::canonicalise(&canonical).unwrap(), canonical);
    }

    #[test]
    fn prop_takes_no_text_that_an_independent_parser_refuses(value in values(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = serde_json::to_vec(&value).unwrap();
        let at = at.index(text.len());
        text[at] = byte;
        let judged = serde_json::from_slice::<serde_json::Value>(&text);
        match jcs::canonicalise(&text) {
            Ok(canonical) => prop_assert_eq!(canonical, serde_jcs::to_vec(&judged.unwrap()).unwrap()),
            Err(Reject::JsonSyntax | Reject::JsonUtf8) => prop_assert!(judged.is_err()),
            Err(_) => {}
        }
    }

    #[test]
    fn prop_orders_names_by_utf_16(a in any::<String>(), b in any::<String>()) {
        let expected = a.encode_utf16().cmp(b.encode_utf16());
        prop_assert_eq!(utf16_order(a.as_bytes(), b.as_bytes()), expected);
    }

    #[test]
    fn prop_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes, 150);
    }
}
