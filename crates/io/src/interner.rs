//! Distinct strings to codes, in order of first appearance.
//!
//! Open addressing with linear probing over `u64` slots: the upper half holds hash bits, so that
//! a probe touches the text only when they agree; the lower half holds code + 1 (0 is empty).
//! The hash has a fixed seed: it decides only where a slot lies, never the order of codes.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use modelwright_core::data::Strings;

/// Gives equal strings equal codes.
#[derive(Debug, Clone)]
pub(crate) struct Interner {
    strings: Strings,
    slots: Vec<u64>,
    state: FixedState,
}

impl Default for Interner {
    fn default() -> Self {
        Self { strings: Strings::default(), slots: vec![0; 16], state: FixedState::with_seed(7) }
    }
}

impl Interner {
    /// The code of `text`, which is new or already known.
    #[inline]
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        let hash = self.state.hash_one(text.as_bytes());
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return self.add(text, hash, at);
            }
            if slot >> 32 == hash >> 32 {
                let code = slot as u32 - 1;
                if self.strings.get(code) == text {
                    return code;
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Bytes held in memory.
    pub(crate) fn size_bytes(&self) -> usize {
        self.strings.size_bytes() + self.slots.len() * 8
    }

    /// The strings in code order; forgets the rest.
    pub(crate) fn into_strings(self) -> Strings {
        self.strings
    }

    fn add(&mut self, text: &str, hash: u64, at: usize) -> u32 {
        let code = self.strings.push(text);
        self.slots[at] = (hash >> 32 << 32) | u64::from(code + 1);
        if self.strings.len() * 4 > self.slots.len() * 3 {
            self.grow();
        }
        code
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        self.slots = vec![0; mask + 1];
        for code in 0..self.strings.len() as u32 {
            let hash = self.state.hash_one(self.strings.get(code).as_bytes());
            let mut at = hash as usize & mask;
            while self.slots[at] != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = (hash >> 32 << 32) | u64::from(code + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_share_a_code_and_order_is_first_appearance() {
        let mut interner = Interner::default();
        let words: Vec<String> = (0..5000).map(|i| format!("word {}", i % 1237)).collect();
        for (i, word) in words.iter().enumerate() {
            assert_eq!(interner.intern(word), (i % 1237) as u32);
        }
        assert_eq!(interner.intern(""), 1237);
        assert_eq!(interner.into_strings().len(), 1238);
    }
}
