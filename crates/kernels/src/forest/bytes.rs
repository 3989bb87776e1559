//! Vectors of bytes, one per row: the few operations that [`super::planes`] needs.
//!
//! The compiler does not find these by itself (it keeps the state of a loop over bytes in memory),
//! so each vector unit spells them out once; the algorithm is written once over the trait.

#[cfg(target_arch = "x86_64")]
pub(super) mod x86_64;

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

    /// Without the bits of `kill` where the code is above the rank.
    ///
    /// # Safety
    /// As the trait.
    unsafe fn without(self, kill: Self, codes: Self, rank: Self) -> Self;

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

    /// `out[i] += values[indices[i]]`.
    ///
    /// # Safety
    /// As the trait; every index is in range, and there are as many indices as sums.
    #[inline(always)]
    unsafe fn add_values(indices: &[u8], values: &[f64], out: &mut [f64]) {
        for (out, index) in out.iter_mut().zip(indices) {
            // SAFETY: the caller promises it.
            *out += unsafe { *values.get_unchecked(*index as usize) };
        }
    }

    /// Sums of two vectors.
    ///
    /// # Safety
    /// As the trait.
    unsafe fn plus(self, other: Self) -> Self;
}

/// What the compiler makes of arrays: 128-bit vectors on x86-64 and AArch64.
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
