use serde_json::{Value, json};
use signing::Reject;

use super::json_texts::canonical_text;
use super::with_outcome;

/// RFC 8785, appendix B: the bits of a double, and what it is written as. What is none is refused where JSON could say
/// it (`1e400`); NaN has no text at all.
const APPENDIX_B: [(u64, &str); 23] = [
    (0x0000000000000000, "0"),
    (0x0000000000000001, "5e-324"),
    (0x8000000000000001, "-5e-324"),
    (0x7fefffffffffffff, "1.7976931348623157e+308"),
    (0xffefffffffffffff, "-1.7976931348623157e+308"),
    (0x4340000000000000, "9007199254740992"),
    (0xc340000000000000, "-9007199254740992"),
    (0x4430000000000000, "295147905179352830000"),
    (0x44b52d02c7e14af5, "9.999999999999997e+22"),
    (0x44b52d02c7e14af6, "1e+23"),
    (0x44b52d02c7e14af7, "1.0000000000000001e+23"),
    (0x444b1ae4d6e2ef4e, "999999999999999700000"),
    (0x444b1ae4d6e2ef4f, "999999999999999900000"),
    (0x444b1ae4d6e2ef50, "1e+21"),
    (0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"),
    (0x3eb0c6f7a0b5ed8d, "0.000001"),
    (0x41b3de4355555553, "333333333.3333332"),
    (0x41b3de4355555554, "333333333.33333325"),
    (0x41b3de4355555555, "333333333.3333333"),
    (0x41b3de4355555556, "333333333.3333334"),
    (0x41b3de4355555557, "333333333.33333343"),
    (0xbecbf647612f3696, "-0.0000033333333333333333"),
    (0x43143ff3c1cb0959, "1424953923781206.2"),
];

/// Doubles by their bits (`ieee`), read from a spelling that no canonical text has. Integers beyond 2^53 - 1 are refused
/// by our profile; how RFC 8785 writes them is in `es6` all the same, for whoever checks a formatter.
pub fn cases() -> Vec<Value> {
    let appendix = APPENDIX_B.iter().map(|(bits, text)| {
        assert_eq!(
            ryu_js::Buffer::new().format_finite(f64::from_bits(*bits)),
            *text
        );
        (format!("RFC 8785 appendix B: {text}"), *bits)
    });
    let powers_of_ten = (-30..=30).flat_map(|exponent| {
        let bits = 10f64.powi(exponent).to_bits();
        [-1i64, 0, 1].map(|ulps| {
            (
                format!("10^{exponent} and {ulps}"),
                bits.wrapping_add_signed(ulps),
            )
        })
    });
    let powers_of_two = (-1074..=1023).step_by(37).map(|exponent: i32| {
        // Below 2^-1022 the exponent is spent and only the fraction moves.
        let bits = match exponent {
            ..-1022 => 1 << (exponent + 1074),
            _ => ((exponent + 1023) as u64) << 52,
        };
        (format!("2^{exponent}"), bits)
    });
    let mut state = 8785;
    let drawn = (0..400).map(move |index| {
        state = next(state);
        (format!("drawn {index}"), state)
    });
    appendix
        .chain(powers_of_ten)
        .chain(powers_of_two)
        .chain(drawn)
        .filter(|(_, bits)| f64::from_bits(*bits).is_finite())
        .map(|(name, bits)| case(name, bits))
        .collect()
}

fn case(name: String, bits: u64) -> Value {
    let value = f64::from_bits(bits);
    // 17 digits tell every double from its neighbours.
    let text = format!("{value:.16e}");
    let is_integer = value.fract() == 0.0 && value.abs() < 1e21;
    let stated =
        (is_integer && value.abs() > 9_007_199_254_740_991.0).then_some(Reject::JsonNumber);
    let es6 = ryu_js::Buffer::new().format_finite(value).to_owned();
    let case = json!({ "name": name, "ieee": format!("{bits:016x}"), "text": text, "es6": es6 });
    let outcome = canonical_text(text.as_bytes());
    if let Ok(canonical) = &outcome {
        assert_eq!(canonical["canonical"], es6, "{case}");
    }
    with_outcome(case, stated, outcome)
}

/// SplitMix64.
fn next(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
