//! How far ahead memory is asked for.

/// Distances in bytes; 0 asks for nothing and leaves it to the hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// `scan_f32`, `scan_f16`.
    pub scan_ahead_bytes: usize,
    /// `scan_i8`.
    pub scan_i8_ahead_bytes: usize,
    /// `lut_scan`.
    pub lut_ahead_bytes: usize,
}

#[inline]
pub(crate) fn tuning() -> Tuning {
    Tuning {
        scan_ahead_bytes: 0,
        scan_i8_ahead_bytes: 0,
        lut_ahead_bytes: 0,
    }
}
