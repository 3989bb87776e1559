//! Vectors of bytes, one per row: the few operations that finding exits and adding leaves needs.
//!
//! The compiler does not find these by itself (it keeps the state of a loop over bytes in memory),
//! so each vector unit spells them out once; the algorithms are written once over the trait.

#[cfg(target_arch = "aarch64")]
pub(super) mod aarch64;
#[cfg(target_arch = "x86_64")]
pub(super) mod x86_64;

use std::sync::OnceLock;

use super::leaves::Table;
use super::levels::SMALL;
use super::{LANES, PART};
use crate::dispatch::{Isa, isa};

/// The vector units that are told apart here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unit {
    Portable,
    Neon,
    Avx2,
    Avx512,
    /// AVX-512 that permutes bytes and multiplies them by matrices of bits (VBMI, GFNI).
    Avx512Vbmi,
}

/// The widest unit of this machine.
pub(super) fn unit() -> Unit {
    static FOUND: OnceLock<Unit> = OnceLock::new();
    *FOUND.get_or_init(|| match isa() {
        Isa::Portable => Unit::Portable,
        Isa::Neon => Unit::Neon,
        Isa::Avx2 => Unit::Avx2,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512
            if is_x86_feature_detected!("avx512vbmi") && is_x86_feature_detected!("gfni") =>
        {
            Unit::Avx512Vbmi
        }
        Isa::Avx512 => Unit::Avx512,
    })
}

/// Calls `work(whole, first)` for a block of which `n_rows` rows count: once for a whole block
/// where the unit has registers for it and most rows count, otherwise for each part.
pub(super) fn for_parts(unit: Unit, n_rows: usize, mut work: impl FnMut(bool, usize)) {
    // Registers of 128 bits are too few for the state of a whole block.
    if n_rows > LANES - PART && unit > Unit::Neon {
        return work(true, 0);
    }
    for part in 0..n_rows.div_ceil(PART) {
        work(false, part * PART);
    }
}

/// Writes a function that runs `$generic` over the vectors of the unit that it is given: for a
/// whole block, or for the part that starts at `first`.
///
/// `$generic` is `unsafe fn<V: Bytes, const K: usize>(first, …)`, `#[inline(always)]`, works on the
/// rows `first..first + K * V::N`, and demands only that those lie in a block and that the caller
/// enables the vector unit of `V`.
macro_rules! on_unit {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) = $generic:ident) => {
        $(#[$meta])*
        fn $name(
            unit: $crate::forest::bytes::Unit,
            whole: bool,
            first: usize,
            $($arg: $ty),*
        ) {
            use $crate::forest::bytes;
            let len = if whole { $crate::forest::LANES } else { $crate::forest::PART };
            assert!(first + len <= $crate::forest::LANES, "the rows are in the block");
            assert!(unit <= bytes::unit(), "the machine has the vector unit");
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
                #[target_feature(enable = "avx512vbmi,gfni,avx2,bmi1,bmi2,lzcnt")]
                fn vbmi<const K: usize>(first: usize, $($arg: $ty),*) {
                    // SAFETY: this function enables the vector unit.
                    unsafe { $generic::<bytes::x86_64::Avx512Vbmi, K>(first, $($arg),*) }
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
                fn avx512<const K: usize>(first: usize, $($arg: $ty),*) {
                    // SAFETY: this function enables the vector unit.
                    unsafe { $generic::<bytes::x86_64::Avx512, K>(first, $($arg),*) }
                }
                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
                fn avx2<const K: usize>(first: usize, $($arg: $ty),*) {
                    // SAFETY: this function enables the vector unit.
                    unsafe { $generic::<bytes::x86_64::Avx2, K>(first, $($arg),*) }
                }
                use bytes::Unit;
                // SAFETY: the machine has the unit.
                unsafe {
                    match (unit, whole) {
                        (Unit::Avx512Vbmi, true) => return vbmi::<4>(first, $($arg),*),
                        (Unit::Avx512Vbmi, false) => return vbmi::<1>(first, $($arg),*),
                        (Unit::Avx512, true) => return avx512::<4>(first, $($arg),*),
                        (Unit::Avx512, false) => return avx512::<1>(first, $($arg),*),
                        (Unit::Avx2, true) => return avx2::<8>(first, $($arg),*),
                        (Unit::Avx2, false) => return avx2::<2>(first, $($arg),*),
                        (Unit::Portable | Unit::Neon, _) => {}
                    }
                }
            }
            #[cfg(target_arch = "aarch64")]
            if unit == bytes::Unit::Neon {
                for part in (first..first + len).step_by($crate::forest::PART) {
                    // SAFETY: every machine of this architecture has the vector unit.
                    unsafe { $generic::<bytes::aarch64::Neon, 4>(part, $($arg),*) }
                }
                return;
            }
            for part in (first..first + len).step_by($crate::forest::PART) {
                // SAFETY: these vectors need nothing.
                unsafe { $generic::<bytes::Portable, 4>(part, $($arg),*) }
            }
        }
    };
}
pub(super) use on_unit;

/// A vector of unsigned bytes.
///
/// # Safety
/// Every method may only be called on a machine that has the implementor's vector unit, from a
/// function that enables it (or it would not be inlined).
pub(super) unsafe trait Bytes: Copy {
    /// How many bytes.
    const N: usize;

    /// The first `N` bytes of the slice.
    ///
    /// # Safety
    /// As the trait; the slice has `N` bytes.
    unsafe fn load(from: &[u8]) -> Self;

    /// # Safety
    /// As the trait; the slice has `N` bytes.
    unsafe fn store(self, to: &mut [u8]);

    /// # Safety
    /// As the trait.
    unsafe fn splat(byte: u8) -> Self;

    /// The bits that a test removes, as [`Self::without`] wants them.
    ///
    /// # Safety
    /// As the trait.
    #[inline(always)]
    unsafe fn kill(bits: u8) -> Self {
        // SAFETY: as the caller promises.
        unsafe { Self::splat(bits) }
    }

    /// Without the bits of `kill` where the code is above the rank.
    ///
    /// # Safety
    /// As the trait; `kill` is of [`Self::kill`].
    unsafe fn without(self, kill: Self, codes: Self, rank: Self) -> Self;

    /// With the bit, which it does not have, where the code is above the rank.
    ///
    /// # Safety
    /// As the trait.
    unsafe fn with(self, bit: Self, codes: Self, rank: Self) -> Self;

    /// The bytes of a table at the given places.
    ///
    /// # Safety
    /// As the trait; every place is in the table.
    unsafe fn look_up(table: &[u8; SMALL], places: Self) -> Self;

    /// 1 where the two have no bit in common, 0 elsewhere.
    ///
    /// # Safety
    /// As the trait.
    unsafe fn lacks(self, bits: Self) -> Self;

    /// `new` where `alive` is not zero, `old` elsewhere, for two pairs at once.
    ///
    /// # Safety
    /// As the trait.
    unsafe fn choose(alive: Self, new: [Self; 2], old: [Self; 2]) -> [Self; 2];

    /// The position of the lowest bit of each byte, none of them zero.
    ///
    /// # Safety
    /// As the trait.
    unsafe fn lowest_bit(self) -> Self;

    /// `out[i] += table.values[exits[i]]`.
    ///
    /// # Safety
    /// As the trait; every exit has a value, and there are as many exits as sums, a multiple of
    /// `N`.
    #[inline(always)]
    unsafe fn add_values(exits: &[u8], table: Table<'_>, out: &mut [f64]) {
        for (out, exit) in out.iter_mut().zip(exits) {
            // SAFETY: the caller promises it.
            *out += unsafe { *table.values.get_unchecked(*exit as usize) };
        }
    }

    /// Sums of two vectors.
    ///
    /// # Safety
    /// As the trait.
    unsafe fn plus(self, other: Self) -> Self;
}

/// What the compiler makes of arrays: 128-bit vectors on x86-64.
#[derive(Debug, Clone, Copy)]
pub(super) struct Portable([u8; 16]);

// SAFETY: it needs nothing.
unsafe impl Bytes for Portable {
    const N: usize = 16;

    #[inline(always)]
    unsafe fn load(from: &[u8]) -> Self {
        Self(*from.first_chunk().expect("the caller gives as many"))
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [u8]) {
        to[..16].copy_from_slice(&self.0);
    }

    #[inline(always)]
    unsafe fn splat(byte: u8) -> Self {
        Self([byte; 16])
    }

    #[inline(always)]
    unsafe fn without(mut self, kill: Self, codes: Self, rank: Self) -> Self {
        for i in 0..16 {
            let right = if codes.0[i] > rank.0[i] { u8::MAX } else { 0 };
            self.0[i] &= !(kill.0[i] & right);
        }
        self
    }

    #[inline(always)]
    unsafe fn with(mut self, bit: Self, codes: Self, rank: Self) -> Self {
        for i in 0..16 {
            let right = if codes.0[i] > rank.0[i] { u8::MAX } else { 0 };
            self.0[i] |= bit.0[i] & right;
        }
        self
    }

    #[inline(always)]
    unsafe fn look_up(table: &[u8; SMALL], mut places: Self) -> Self {
        for place in &mut places.0 {
            *place = table[*place as usize % SMALL];
        }
        places
    }

    #[inline(always)]
    unsafe fn lacks(mut self, bits: Self) -> Self {
        for (byte, bit) in self.0.iter_mut().zip(bits.0) {
            *byte = u8::from(*byte & bit == 0);
        }
        self
    }

    #[inline(always)]
    unsafe fn choose(alive: Self, new: [Self; 2], mut old: [Self; 2]) -> [Self; 2] {
        for (old, new) in old.iter_mut().zip(new) {
            for i in 0..16 {
                let dead = if alive.0[i] == 0 { u8::MAX } else { 0 };
                old.0[i] = (old.0[i] & dead) | (new.0[i] & !dead);
            }
        }
        old
    }

    #[inline(always)]
    unsafe fn lowest_bit(mut self) -> Self {
        for byte in &mut self.0 {
            *byte = byte.trailing_zeros() as u8;
        }
        self
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        let mut sum = self;
        for (sum, other) in sum.0.iter_mut().zip(other.0) {
            *sum = sum.wrapping_add(other);
        }
        sum
    }
}
