//! Which vector unit this machine has: asked once, used by all kernels.
//!
//! `vectorised!` writes, for one generic function, a public function that calls the copy of it
//! compiled for the widest unit at hand. All copies give the same bits (see the crate's text).

use std::sync::OnceLock;

/// The vector units that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// What every machine of this architecture has (SSE2 on x86-64).
    Portable,
    /// 128-bit integers and floats, fused multiplication and addition: every AArch64 machine.
    Neon,
    /// 256-bit integers and floats, fused multiplication and addition.
    Avx2,
    /// 512-bit registers with masks (F, BW, CD, DQ, VL).
    Avx512,
}

impl Isa {
    /// The name used in records and benchmarks.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

/// The widest unit of this machine.
pub fn isa() -> Isa {
    static FOUND: OnceLock<Isa> = OnceLock::new();
    *FOUND.get_or_init(detect)
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Isa {
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("lzcnt");
    match (avx512 && avx2, avx2) {
        (true, _) => Isa::Avx512,
        (_, true) => Isa::Avx2,
        _ => Isa::Portable,
    }
}

// NEON belongs to the architecture's base, so that code without intrinsics is compiled for it too.
#[cfg(target_arch = "aarch64")]
fn detect() -> Isa {
    Isa::Neon
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn detect() -> Isa {
    Isa::Portable
}

/// Writes a public function that runs `$generic` compiled for the widest vector unit at hand.
///
/// `$generic` must be `#[inline(always)]`, or the copies would share one portable body.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)?
        = $generic:path) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
                fn avx512($($arg: $ty),*) $(-> $ret)? {
                    $generic($($arg),*)
                }
                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
                fn avx2($($arg: $ty),*) $(-> $ret)? {
                    $generic($($arg),*)
                }
                match $crate::dispatch::isa() {
                    // SAFETY: `isa` has detected every feature that the function enables.
                    $crate::dispatch::Isa::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::dispatch::Isa::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::dispatch::Isa::Neon | $crate::dispatch::Isa::Portable => {}
                }
            }
            $generic($($arg),*)
        }
    };
}

pub(crate) use vectorised;
