//! Texts of each class that suites of JSON parsers have: what every parser must take (`y`), what every parser must refuse
//! (`n`), and what RFC 8259 leaves open (`i`) and our profile decides.

use serde_json::{Value, json};
use signing::Reject;

use super::json_texts::canonical_text;
use super::{hex, with_outcome};

pub fn cases() -> Vec<Value> {
    let taken = TAKEN
        .iter()
        .map(|(name, text)| (*name, text.as_bytes().to_vec(), None));
    let refused = REFUSED
        .iter()
        .map(|(name, text)| (*name, text.as_bytes().to_vec(), Some(Reject::JsonSyntax)));
    let open = OPEN
        .iter()
        .map(|(name, text, code)| (*name, text.as_bytes().to_vec(), *code));
    let bytes = BYTES
        .iter()
        .map(|(name, bytes)| (*name, bytes.to_vec(), Some(Reject::JsonUtf8)));
    taken
        .chain(refused)
        .chain(open)
        .chain(bytes)
        .map(|(name, bytes, stated)| case(name.to_owned(), &bytes, stated))
        .chain(noncharacters())
        .chain(nested())
        .collect()
}

fn case(name: String, bytes: &[u8], stated: Option<Reject>) -> Value {
    let case = match std::str::from_utf8(bytes) {
        Ok(text) => json!({ "name": name, "text": text }),
        Err(_) => json!({ "name": name, "hex": hex(bytes) }),
    };
    with_outcome(case, stated, canonical_text(bytes))
}

/// All 66, raw and escaped, as a value and as a name, and the neighbours of each block, which are characters.
fn noncharacters() -> Vec<Value> {
    let blocks = (0xfdd0..=0xfdef)
        .chain((0..=16).flat_map(|plane| [plane << 16 | 0xfffe, plane << 16 | 0xffff]));
    let mut cases = Vec::new();
    for point in blocks {
        let character = char::from_u32(point).expect("noncharacters are scalar values");
        let text = if point % 2 == 0 {
            format!("\"a{character}\"")
        } else {
            format!("{{\"{}\":0}}", escaped(character))
        };
        cases.push(case(
            format!("i_noncharacter_U+{point:04X}"),
            text.as_bytes(),
            Some(Reject::JsonString),
        ));
    }
    for point in [0xfdcf, 0xfdf0, 0xfffd, 0x1_fffd, 0x2_0000, 0x10_fffd] {
        let character = char::from_u32(point).expect("a scalar value");
        let text = format!("[\"{character}\",\"{}\"]", escaped(character));
        cases.push(case(
            format!("y_beside_noncharacters_U+{point:04X}"),
            text.as_bytes(),
            None,
        ));
    }
    cases
}

fn escaped(character: char) -> String {
    let units = character.encode_utf16(&mut [0; 2]).to_vec();
    units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// Around the border of 32, by each container and by both in turn.
fn nested() -> Vec<Value> {
    let mut cases = Vec::new();
    for depth in [31, 32, 33, 34, 1000] {
        let stated = (depth > 32).then_some(Reject::JsonDepth);
        let arrays = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let objects = format!("{}0{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        let mut mixed = String::from("null");
        for level in 0..depth {
            mixed = if level % 2 == 0 {
                format!("[1,{mixed}]")
            } else {
                format!("{{\"b\":{mixed}}}")
            };
        }
        for (kind, text) in [("arrays", arrays), ("objects", objects), ("mixed", mixed)] {
            cases.push(case(
                format!("i_depth_{depth}_{kind}"),
                text.as_bytes(),
                stated,
            ));
        }
    }
    cases
}

const TAKEN: [(&str, &str); 58] = [
    ("y_array_arrays_with_spaces", "[[]   ]"),
    ("y_array_empty", "[]"),
    ("y_array_empty_string", "[\"\"]"),
    ("y_array_ending_with_newline", "[\"a\"]\n"),
    ("y_array_heterogeneous", "[null, 1, \"1\", {}]"),
    ("y_array_of_null", "[null]"),
    ("y_array_newline_inside", "[1\n,2\r\n,\t3]"),
    ("y_array_leading_space", " [1]"),
    ("y_array_several_nulls", "[1,null,null,null,2]"),
    ("y_array_trailing_space", "[2] "),
    ("y_number", "[123e65]"),
    ("y_number_0e+1", "[0e+1]"),
    ("y_number_0e1", "[0e1]"),
    ("y_number_after_space", "[ 4]"),
    (
        "y_number_close_to_zero",
        "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]",
    ),
    ("y_number_int_with_exp", "[20e1]"),
    ("y_number_negative_int", "[-123]"),
    ("y_number_negative_one", "[-1]"),
    ("y_number_capital_e", "[1E22]"),
    ("y_number_capital_e_neg_exp", "[1E-2]"),
    ("y_number_capital_e_pos_exp", "[1E+2]"),
    ("y_number_exponent", "[123e45]"),
    ("y_number_fraction_exponent", "[123.456e78]"),
    ("y_number_neg_exp", "[1e-2]"),
    ("y_number_pos_exponent", "[1e+2]"),
    ("y_number_simple", "[123]"),
    ("y_number_simple_real", "[123.456789]"),
    ("y_number_exponent_with_leading_zeros", "[1e000002]"),
    ("y_object", "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}"),
    ("y_object_empty", "{}"),
    ("y_object_empty_key", "{\"\":0}"),
    ("y_object_escaped_null_in_key", "{\"foo\\u0000bar\": 42}"),
    (
        "y_object_long_strings",
        "{\"x\":[{\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}], \"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}",
    ),
    (
        "y_object_proto",
        "{\"__proto__\":{\"constructor\":1},\"toString\":2}",
    ),
    ("y_object_with_newlines", "{\n\"a\":\n\"b\"\n}"),
    (
        "y_object_order_by_utf16",
        "{\"\u{1f600}\":1,\"\u{fb33}\":2,\"\u{e000}\":3,\"a\":4,\"\":5}",
    ),
    (
        "y_object_names_in_canonical_equivalence",
        "{\"\u{e9}\":1,\"e\u{301}\":2}",
    ),
    (
        "y_string_1_2_3_byte_sequences",
        "[\"\\u0060\\u012a\\u12AB\"]",
    ),
    ("y_string_accepted_surrogate_pair", "[\"\\uD801\\udc37\"]"),
    (
        "y_string_two_surrogate_pairs",
        "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]",
    ),
    (
        "y_string_allowed_escapes",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
    ),
    ("y_string_backslash_and_u_escaped_zero", "[\"\\\\u0000\"]"),
    ("y_string_backslash_doublequotes", "[\"\\\"\"]"),
    ("y_string_comments", "[\"a/*b*/c/*d//e\"]"),
    ("y_string_double_escape_a", "[\"\\\\a\"]"),
    ("y_string_double_escape_n", "[\"\\\\n\"]"),
    ("y_string_escaped_control_character", "[\"\\u0012\"]"),
    ("y_string_null_escape", "[\"\\u0000\"]"),
    ("y_string_one_byte_del", "[\"\\u007f\u{7f}\"]"),
    ("y_string_pi", "[\"\u{3c0}\"]"),
    ("y_string_u+2028_and_2029", "[\"\u{2028}\u{2029}\"]"),
    ("y_string_byte_order_mark_inside", "[\"\u{feff}\"]"),
    ("y_string_unescaped_beyond_bmp", "[\"\u{1f4a9}\u{10000}\"]"),
    ("y_structure_lonely_false", "false"),
    ("y_structure_lonely_int", "42"),
    ("y_structure_lonely_negative_real", "-0.1"),
    ("y_structure_lonely_string", "\"asd\""),
    ("y_structure_whitespace_around", "\t\r\n {} \t\r\n"),
];

const REFUSED: [(&str, &str); 104] = [
    ("n_array_1_true_without_comma", "[1 true]"),
    ("n_array_colon_instead_of_comma", "[\"\": 1]"),
    ("n_array_comma_after_close", "[\"\"],"),
    ("n_array_comma_and_number", "[,1]"),
    ("n_array_double_comma", "[1,,2]"),
    ("n_array_double_extra_comma", "[\"x\",,]"),
    ("n_array_extra_close", "[\"x\"]]"),
    ("n_array_extra_comma", "[\"\",]"),
    ("n_array_incomplete", "[\"x\""),
    ("n_array_inner_array_no_comma", "[3[4]]"),
    ("n_array_items_separated_by_semicolon", "[1;2]"),
    ("n_array_just_comma", "[,]"),
    ("n_array_just_minus", "[-]"),
    ("n_array_missing_value", "[   , \"\"]"),
    ("n_array_newlines_unclosed", "[\"a\",\n4\n,1,"),
    ("n_array_spaces_vertical_tab", "[\"\u{b}a\"\\f]"),
    ("n_array_star_inside", "[*]"),
    ("n_array_unclosed", "[\"\""),
    ("n_array_unclosed_with_object_inside", "[{}"),
    ("n_incomplete_false", "[fals]"),
    ("n_incomplete_null", "[nul]"),
    ("n_incomplete_true", "[tru]"),
    ("n_capitalised_true", "[True]"),
    ("n_multidigit_number_then_00", "123\u{0}"),
    ("n_number_++", "[++1234]"),
    ("n_number_+1", "[+1]"),
    ("n_number_+Inf", "[+Inf]"),
    ("n_number_-01", "[-01]"),
    ("n_number_-1.0.", "[-1.0.]"),
    ("n_number_-2.", "[-2.]"),
    ("n_number_-NaN", "[-NaN]"),
    ("n_number_.-1", "[.-1]"),
    ("n_number_.2e-3", "[.2e-3]"),
    ("n_number_0.1.2", "[0.1.2]"),
    ("n_number_0.3e", "[0.3e]"),
    ("n_number_0.3e+", "[0.3e+]"),
    ("n_number_0.e1", "[0.e1]"),
    ("n_number_0e", "[0e]"),
    ("n_number_0e+", "[0e+]"),
    ("n_number_1.0e", "[1.0e]"),
    ("n_number_1.0e-", "[1.0e-]"),
    ("n_number_1_000", "[1 000.0]"),
    ("n_number_1eE2", "[1eE2]"),
    ("n_number_2.e+3", "[2.e+3]"),
    ("n_number_9.e+", "[9.e+]"),
    ("n_number_Inf", "[Inf]"),
    ("n_number_NaN", "[NaN]"),
    ("n_number_expression", "[1+2]"),
    ("n_number_full_width_one", "[\u{ff11}]"),
    ("n_number_hex", "[0x42]"),
    ("n_number_infinity", "[Infinity]"),
    ("n_number_invalid+-", "[0e+-1]"),
    ("n_number_minus_space_1", "[- 1]"),
    ("n_number_minus_infinity", "[-Infinity]"),
    ("n_number_neg_with_garbage_at_end", "[-1x]"),
    ("n_number_underscore", "[1_000]"),
    ("n_number_with_alpha", "[1.2a-3]"),
    ("n_number_with_leading_zero", "[012]"),
    ("n_number_two_leading_zeros", "[00]"),
    ("n_object_bad_value", "[\"x\", truth]"),
    ("n_object_bracket_key", "{[: \"x\"}"),
    ("n_object_comma_instead_of_colon", "{\"x\", null}"),
    ("n_object_double_colon", "{\"x\"::\"b\"}"),
    ("n_object_emoji", "{\u{1f1e8}\u{1f1ed}}"),
    ("n_object_garbage_at_end", "{\"a\":\"a\" 123}"),
    ("n_object_key_with_single_quotes", "{key: 'value'}"),
    ("n_object_missing_colon", "{\"a\" b}"),
    ("n_object_missing_key", "{:\"b\"}"),
    ("n_object_missing_semicolon", "{\"a\" \"b\"}"),
    ("n_object_missing_value", "{\"a\":"),
    ("n_object_no_colon", "{\"a\""),
    ("n_object_non_string_key", "{1:1}"),
    ("n_object_null_key", "{null:null,null:null}"),
    ("n_object_several_trailing_commas", "{\"id\":0,,,,,}"),
    ("n_object_single_quote", "{'a':0}"),
    ("n_object_trailing_comma", "{\"id\":0,}"),
    ("n_object_trailing_comment", "{\"a\":\"b\"}/**/"),
    ("n_object_trailing_line_comment", "{\"a\":\"b\"}//"),
    ("n_object_two_commas_in_a_row", "{\"a\":\"b\",,\"c\":\"d\"}"),
    ("n_object_unterminated_value", "{\"a\":\"a"),
    (
        "n_object_with_single_string",
        "{ \"foo\" : \"bar\", \"a\" }",
    ),
    ("n_object_with_trailing_garbage", "{\"a\":\"b\"}#"),
    ("n_single_space", " "),
    ("n_string_surrogate_then_escape_u", "[\"\\uD800\\u\"]"),
    ("n_string_surrogate_then_escape_u1", "[\"\\uD800\\u1\"]"),
    ("n_string_surrogate_then_escape_u1x", "[\"\\uD800\\u1x\"]"),
    ("n_string_accentuated_char_no_quotes", "[\u{e9}]"),
    ("n_string_backslash_00", "[\"\\\u{0}\"]"),
    ("n_string_escape_x", "[\"\\x00\"]"),
    ("n_string_escaped_backslash_bad", "[\"\\\\\\\"]"),
    ("n_string_escaped_tab", "[\"\\\t\"]"),
    ("n_string_escaped_emoji", "[\"\\\u{1f300}\"]"),
    ("n_string_incomplete_escape", "[\"\\\"]"),
    ("n_string_incomplete_escaped_character", "[\"\\u00A\"]"),
    ("n_string_invalid_unicode_escape", "[\"\\uqqqq\"]"),
    ("n_string_capital_u_escape", "[\"\\U0041\"]"),
    ("n_string_single_doublequote", "\""),
    ("n_string_single_quote", "['single quote']"),
    ("n_string_unescaped_newline", "[\"new\nline\"]"),
    ("n_string_unescaped_tab", "[\"\t\"]"),
    ("n_structure_angle_bracket", "<.>"),
    ("n_structure_form_feed", "[\u{c}]"),
    ("n_structure_whitespace_U+2060", "[\u{2060}]"),
    ("n_structure_two_arrays", "[][]"),
];

const OPEN: [(&str, &str, Option<Reject>); 46] = [
    (
        "i_number_double_huge_neg_exp",
        "[123.456e-789]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_huge_exp",
        "[0.4e00669999999999999999999999999999999999999999999999999999999999999999999999999969999999006]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_neg_int_huge_exp",
        "[-1e+9999]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_pos_double_huge_exp",
        "[1.5e+9999]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_real_neg_overflow",
        "[-123123e100000]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_real_underflow",
        "[123e-10000000]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_least_that_is_not_zero",
        "[4.9406564584124654e-324]",
        None,
    ),
    (
        "i_number_half_of_the_least",
        "[2.4703282292062327e-324]",
        Some(Reject::JsonNumber),
    ),
    ("i_number_greatest", "[1.7976931348623157e308]", None),
    (
        "i_number_rounds_to_infinity",
        "[1.7976931348623159e308]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_too_big_neg_int",
        "[-123123123123123123123123123123]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_too_big_pos_int",
        "[100000000000000000000]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_very_big_negative_int",
        "[-237462374673276894279832749832423479823246327846]",
        Some(Reject::JsonNumber),
    ),
    ("i_number_safe_positive", "[9007199254740991]", None),
    ("i_number_safe_negative", "[-9007199254740991]", None),
    (
        "i_number_unsafe_positive",
        "[9007199254740992]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_unsafe_as_fraction",
        "[9007199254740992.0]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_unsafe_by_rounding",
        "[9007199254740991.5]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_unsafe_by_exponent",
        "[9007199254740992e0]",
        Some(Reject::JsonNumber),
    ),
    ("i_number_17_digits", "[1.2345678901234567]", None),
    (
        "i_number_17_digits_behind_zeros",
        "[0.00012345678901234567]",
        None,
    ),
    (
        "i_number_17_digits_before_zeros",
        "[1.234567890123456700000]",
        None,
    ),
    (
        "i_number_18_digits",
        "[1.23456789012345678]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_18_digits_around_a_zero",
        "[1.00000000000000001]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_18_digits_with_exponent",
        "[1.23456789012345678e-5]",
        Some(Reject::JsonNumber),
    ),
    ("i_number_minus_zero", "[-0]", Some(Reject::JsonNumber)),
    (
        "i_number_minus_zero_fraction",
        "[-0.0]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_minus_zero_exponent",
        "[-0E+5]",
        Some(Reject::JsonNumber),
    ),
    (
        "i_number_minus_zero_deep",
        "{\"a\":[{\"b\":-0.00}]}",
        Some(Reject::JsonNumber),
    ),
    ("i_number_zero_fraction", "[0.0]", None),
    (
        "i_object_key_lone_2nd_surrogate",
        "{\"\\uDFAA\":0}",
        Some(Reject::JsonString),
    ),
    (
        "i_string_1st_surrogate_but_2nd_missing",
        "[\"\\uDADA\"]",
        Some(Reject::JsonString),
    ),
    (
        "i_string_1st_valid_surrogate_2nd_invalid",
        "[\"\\uD888\\u1234\"]",
        Some(Reject::JsonString),
    ),
    (
        "i_string_incomplete_surrogate_and_escape_valid",
        "[\"\\uD800\\n\"]",
        Some(Reject::JsonString),
    ),
    (
        "i_string_incomplete_surrogate_pair",
        "[\"\\uDd1ea\"]",
        Some(Reject::JsonString),
    ),
    (
        "i_string_incomplete_surrogates_escape_valid",
        "[\"\\uD800\\uD800\\n\"]",
        Some(Reject::JsonString),
    ),
    (
        "i_string_inverted_surrogates",
        "[\"\\uDd1e\\uD834\"]",
        Some(Reject::JsonString),
    ),
    (
        "i_string_lone_second_surrogate",
        "[\"\\uDFAA\"]",
        Some(Reject::JsonString),
    ),
    (
        "i_object_duplicated_key",
        "{\"a\":\"b\",\"a\":\"c\"}",
        Some(Reject::JsonDuplicateKey),
    ),
    (
        "i_object_duplicated_key_and_value",
        "{\"a\":\"b\",\"a\":\"b\"}",
        Some(Reject::JsonDuplicateKey),
    ),
    (
        "i_object_duplicated_key_escaped_solidus",
        "{\"/\":1,\"\\/\":1}",
        Some(Reject::JsonDuplicateKey),
    ),
    (
        "i_object_duplicated_key_escaped_pair",
        "{\"\u{1f600}\":1,\"\\ud83d\\ude00\":1}",
        Some(Reject::JsonDuplicateKey),
    ),
    (
        "i_object_duplicated_key_hex_case",
        "{\"\\u00e9\":1,\"\\u00E9\":1}",
        Some(Reject::JsonDuplicateKey),
    ),
    (
        "i_object_duplicated_key_far_apart",
        "{\"k\":1,\"b\":2,\"c\":3,\"d\":[],\"e\":{\"k\":0},\"k\":6}",
        Some(Reject::JsonDuplicateKey),
    ),
    (
        "i_object_duplicated_lone_surrogate",
        "{\"\\ud800\":1,\"\\ud800\":1}",
        Some(Reject::JsonDuplicateKey),
    ),
    (
        "i_structure_duplicated_proto",
        "{\"__proto__\":1,\"__proto__\":2}",
        Some(Reject::JsonDuplicateKey),
    ),
];

const BYTES: [(&str, &[u8]); 18] = [
    (
        "i_string_UTF-16LE_with_BOM",
        b"\xff\xfe[\x00\"\x00\xe9\x00\"\x00]\x00",
    ),
    ("i_string_utf16BE_no_BOM", b"\x00[\x00\"\x00\xe9\x00\"\x00]"),
    ("i_string_invalid_utf-8", b"[\"\xff\"]"),
    ("i_string_iso_latin_1", b"[\"\xe9\"]"),
    ("i_string_lone_utf8_continuation_byte", b"[\"\x81\"]"),
    ("i_string_not_in_unicode_range", b"[\"\xf4\xbf\xbf\xbf\"]"),
    ("i_string_overlong_sequence_2_bytes", b"[\"\xc0\xaf\"]"),
    ("i_string_overlong_sequence_3_bytes", b"[\"\xe0\x80\xaf\"]"),
    (
        "i_string_overlong_sequence_4_bytes",
        b"[\"\xf0\x80\x80\xaf\"]",
    ),
    (
        "i_string_overlong_sequence_6_bytes",
        b"[\"\xfc\x83\xbf\xbf\xbf\xbf\"]",
    ),
    ("i_string_overlong_null", b"[\"\xc0\x80\"]"),
    ("i_string_truncated-utf-8", b"[\"\xe0\xff\"]"),
    ("i_string_utf8_surrogate_U+D800", b"[\"\xed\xa0\x80\"]"),
    (
        "i_string_utf8_surrogate_pair",
        b"[\"\xed\xa0\xbd\xed\xb8\x80\"]",
    ),
    ("i_structure_UTF-8_BOM_empty_object", b"\xef\xbb\xbf{}"),
    ("n_structure_lone_invalid_utf-8", b"\xe5"),
    ("n_structure_incomplete_UTF8_BOM", b"\xef\xbb{}"),
    (
        "n_object_lone_continuation_byte_in_key",
        b"{\"\xb9\":\"0\"}",
    ),
];
