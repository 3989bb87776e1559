//! The hash of a value: stored sketches rely on it, so it is ours and never changes.
//!
//! Numbers go through the finaliser of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), which is a
//! bijection: distinct numbers never collide. Strings are folded eight bytes at a time into the
//! same finaliser. Not for cryptography.

const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hash of 64 bits.
#[inline]
pub(crate) fn of_bits(bits: u64) -> u64 {
    let mut z = bits.wrapping_add(ODD);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Hash of a number; 0 and −0 are one value.
#[inline]
pub(crate) fn of_number(value: f64) -> u64 {
    of_bits((value + 0.0).to_bits())
}

/// Hash of a string's bytes.
pub(crate) fn of_text(text: &str) -> u64 {
    let mut hash = ODD ^ (text.len() as u64);
    let mut words = text.as_bytes().chunks_exact(8);
    for word in &mut words {
        let word = word.iter().rev().fold(0, |w, byte| (w << 8) | u64::from(*byte));
        hash = fold(hash, word);
    }
    let rest = words.remainder().iter().rev().fold(0, |w, byte| (w << 8) | u64::from(*byte));
    of_bits(fold(hash, rest))
}

/// Hash of a sequence, one more element.
#[inline]
pub(crate) fn fold(hash: u64, word: u64) -> u64 {
    let wide = u128::from(hash ^ word ^ ODD) * u128::from(0xd6e8_feb8_6659_fd93_u64);
    (wide as u64) ^ ((wide >> 64) as u64) ^ hash.rotate_left(23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_frozen_because_stored_sketches_rely_on_it() {
        assert_eq!(of_bits(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(of_number(-0.0), of_number(0.0));
        let texts = ["", "a", "b", "abcdefgh", "abcdefghi", "abcdefgh\0"];
        let hashes: std::collections::BTreeSet<u64> = texts.map(of_text).into();
        assert_eq!(hashes.len(), texts.len());
    }
}
