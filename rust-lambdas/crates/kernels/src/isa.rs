//! Which instructions serve: chosen once, when a kernel is first called.
//!
//! The crate is compiled for the baseline of its target (docs/decisions/0014), so it opens on every machine; what needs
//! more is compiled beside it and only reached through the table of an instruction set that the machine was asked for.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod scalar;
mod table;

pub(crate) use table::Kernels;

use std::str::FromStr;
use std::sync::OnceLock;

/// A path of the kernels, in rising order for each target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// The plain twins.
    Scalar,
    /// `wide` over the baseline of the target: SSE2, NEON, simd128.
    Portable,
    /// NEON with the dot product of int8.
    Neon,
    /// AVX2, FMA, F16C.
    Avx2,
    /// AVX-512 with BW, VL, DQ, VNNI, VPOPCNTDQ.
    Avx512,
}

impl Isa {
    /// All that this machine can run, lowest first.
    pub fn available() -> Vec<Self> {
        [
            Self::Scalar,
            Self::Portable,
            Self::Neon,
            Self::Avx2,
            Self::Avx512,
        ]
        .into_iter()
        .filter(|isa| isa.kernels().is_some())
        .collect()
    }

    /// As in `SIGNET_ISA` and in reports. The portable path is called by what it compiles to.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Portable if cfg!(target_arch = "x86_64") => "sse2",
            Self::Portable if cfg!(target_arch = "wasm32") => "simd128",
            Self::Portable => "portable",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// None where the machine lacks the instructions.
    pub(crate) fn kernels(self) -> Option<&'static Kernels> {
        match self {
            Self::Scalar => Some(&scalar::KERNELS),
            Self::Portable => Some(&table::PORTABLE),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 if has_avx2() => Some(&table::AVX2),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if has_avx2() && has_avx512() => Some(&table::AVX512),
            #[cfg(target_arch = "aarch64")]
            Self::Neon if std::arch::is_aarch64_feature_detected!("dotprod") => Some(&table::NEON),
            _ => None,
        }
    }
}

impl FromStr for Isa {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [
            Self::Scalar,
            Self::Portable,
            Self::Neon,
            Self::Avx2,
            Self::Avx512,
        ]
        .into_iter()
        .find(|isa| isa.name() == name)
        .ok_or(())
    }
}

/// The path that serves: the best that the machine has, or the one that `SIGNET_ISA` names where it is lower.
pub fn isa() -> Isa {
    active().isa
}

#[inline]
pub(crate) fn active() -> &'static Kernels {
    static ACTIVE: OnceLock<&'static Kernels> = OnceLock::new();
    ACTIVE.get_or_init(|| {
        let asked = std::env::var("SIGNET_ISA")
            .ok()
            .and_then(|name| name.parse().ok());
        chosen(asked)
    })
}

fn chosen(asked: Option<Isa>) -> &'static Kernels {
    let best = Isa::available()
        .into_iter()
        .rev()
        .find(|isa| asked.is_none_or(|asked| *isa <= asked));
    best.and_then(Isa::kernels).unwrap_or(&scalar::KERNELS)
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("popcnt")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vnni")
        && is_x86_feature_detected!("avx512vpopcntdq")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lower_path_can_be_forced_and_a_higher_one_falls_to_what_is_there() {
        for isa in Isa::available() {
            assert_eq!(chosen(Some(isa)).isa, isa);
            assert_eq!(isa.name().parse(), Ok(isa));
        }
        let best = Isa::available().into_iter().next_back();
        assert_eq!(Some(chosen(None).isa), best);
        assert_eq!(Some(chosen(Some(Isa::Avx512)).isa), best);
        assert_eq!("avx1024".parse::<Isa>(), Err(()));
    }
}
