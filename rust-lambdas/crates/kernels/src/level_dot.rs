use crate::isa::active;

/// Sum of query × (code >> 4), exactly: `plane0` are a row's signs, `planes1_3` its next three planes one after the other.
/// Plane bits: bit i % 8 of byte i / 8 belongs to dimension i; dimensions are a multiple of 64.
pub fn level_dot4(query: &[i8], plane0: &[u8], planes1_3: &[u8]) -> i32 {
    let bytes = plane_bytes(query);
    assert!(
        plane0.len() == bytes && planes1_3.len() == 3 * bytes,
        "planes of {bytes} bytes"
    );
    (active().level_dot4)(
        query,
        [
            plane0,
            &planes1_3[..bytes],
            &planes1_3[bytes..2 * bytes],
            &planes1_3[2 * bytes..],
        ],
    )
}

/// Sum of query × code, exactly; `planes4_7` are the last four planes.
pub fn level_dot8(query: &[i8], plane0: &[u8], planes1_3: &[u8], planes4_7: &[u8]) -> i32 {
    let bytes = plane_bytes(query);
    assert!(
        plane0.len() == bytes && planes1_3.len() == 3 * bytes && planes4_7.len() == 4 * bytes,
        "planes of {bytes}"
    );
    let (high, low) = (
        |at: usize| &planes1_3[at * bytes..][..bytes],
        |at: usize| &planes4_7[at * bytes..][..bytes],
    );
    (active().level_dot8)(
        query,
        [
            plane0,
            high(0),
            high(1),
            high(2),
            low(0),
            low(1),
            low(2),
            low(3),
        ],
    )
}

/// The plain twin of both.
pub fn level_dot_scalar<const PLANES: usize>(query: &[i8], planes: [&[u8]; PLANES]) -> i32 {
    let code = |at: usize| {
        planes.iter().fold(0i32, |code, plane| {
            code << 1 | i32::from(plane[at / 8] >> (at % 8) & 1)
        })
    };
    query
        .iter()
        .enumerate()
        .map(|(at, x)| i32::from(*x) * code(at))
        .sum()
}

/// All eight planes of a row of codes, most significant first, each a bit for each code.
pub fn planes_of(codes: &[u8], planes: &mut [u8]) {
    let bytes = codes.len() / 8;
    assert!(
        codes.len().is_multiple_of(8) && planes.len() == codes.len(),
        "eight planes of whole bytes"
    );
    for (at, codes) in codes.as_chunks::<8>().0.iter().enumerate() {
        let codes = u64::from_le_bytes(*codes);
        for plane in 0..8 {
            // The bit of code i comes to bit 7 of byte i by the shift, and by the product to bit i of the top byte.
            let bits = codes >> (7 - plane) & 0x0101_0101_0101_0101;
            planes[plane * bytes + at] = (bits.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8;
        }
    }
}

fn plane_bytes(query: &[i8]) -> usize {
    assert!(
        query.len().is_multiple_of(64),
        "{} dimensions are padded to 64",
        query.len()
    );
    query.len() / 8
}
