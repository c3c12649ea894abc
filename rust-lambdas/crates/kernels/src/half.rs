//! f16 (IEEE binary16) as the bits of a `u16`, without an instruction for it: the same bits on every machine.

use crate::isa::active;

/// The nearest f16, ties to even; beyond ±65,504 infinity.
pub fn f16_of(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    if magnitude >= 0x4780_0000 {
        // 65,536 and more, infinity, NaN.
        return sign
            | if magnitude > 0x7f80_0000 {
                0x7e00
            } else {
                0x7c00
            };
    }
    if magnitude < 0x3880_0000 {
        // Subnormal: adding 0.5 moves the last bit of f16 to the last bit of f32, and the addition rounds as it must.
        let rounded = f32::from_bits(magnitude) + 0.5;
        return sign | (rounded.to_bits() - 0x3f00_0000) as u16;
    }
    let is_odd = (magnitude >> 13) & 1;
    let rounded = magnitude + 0xfff + is_odd - 0x3800_0000;
    sign | (rounded >> 13) as u16
}

/// Exact.
#[inline(always)]
pub fn f32_of(half: u16) -> f32 {
    let magnitude = u32::from(half & 0x7fff) << 13;
    let sign = u32::from(half & 0x8000) << 16;
    // The exponents differ by 112; the product is exact also where the f16 is subnormal.
    let scaled = f32::from_bits(magnitude) * f32::from_bits((127 + 112) << 23);
    // The highest exponent of f16 is that of infinity and NaN. No branch: a loop of these vectorises.
    let special = u32::from(magnitude >= 0x7c00 << 13) * 0x7f80_0000;
    f32::from_bits(scaled.to_bits() | special | sign)
}

/// Exact, each.
pub fn widen_f16(halves: &[u16], floats: &mut [f32]) {
    assert_eq!(halves.len(), floats.len(), "one float for each half");
    (active().widen)(halves, floats);
}

#[inline(always)]
pub(crate) fn widen_in(halves: &[u16], floats: &mut [f32]) {
    for (float, half) in floats.iter_mut().zip(halves) {
        *float = f32_of(*half);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition: sign, exponent, fraction.
    fn f32_by_definition(half: u16) -> f64 {
        let sign = if half & 0x8000 == 0 { 1.0 } else { -1.0 };
        let (exponent, fraction) = (i32::from(half >> 10 & 31), f64::from(half & 1023));
        match exponent {
            0 => sign * fraction * 2f64.powi(-24),
            _ => sign * (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
        }
    }

    #[test]
    fn every_f16_is_read_exactly_and_written_back() {
        for half in 0..=u16::MAX {
            let float = f32_of(half);
            if half & 0x7c00 == 0x7c00 {
                assert_eq!(float.is_nan(), half & 1023 != 0, "{half:#x}");
                assert_eq!(float.is_infinite(), half & 1023 == 0, "{half:#x}");
                continue;
            }
            assert_eq!(f64::from(float), f32_by_definition(half), "{half:#x}");
            assert_eq!(f16_of(float), half, "{half:#x}");
        }
    }

    #[test]
    fn rounds_to_the_nearest_and_ties_to_even() {
        for half in 0..0x7bffu16 {
            let (low, high) = (f32_of(half), f32_of(half + 1));
            let middle = f64::midpoint(f64::from(low), f64::from(high)) as f32;
            assert_eq!(f16_of(middle), half + (half & 1), "{half:#x}");
            assert_eq!(f16_of(middle.next_down()), half, "{half:#x}");
            assert_eq!(f16_of(middle.next_up()), half + 1, "{half:#x}");
            assert_eq!(f16_of(-middle.next_up()), 0x8000 | (half + 1), "{half:#x}");
        }
        assert_eq!(f16_of(65_519.996), 0x7bff);
        assert_eq!(f16_of(65_520.0), 0x7c00);
        assert_eq!(f16_of(f32::MAX), 0x7c00);
        assert_eq!(f16_of(f32::NEG_INFINITY), 0xfc00);
        assert!(f32_of(f16_of(f32::NAN)).is_nan());
    }
}
