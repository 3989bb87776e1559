//! Words and character n-grams of a text, as 64-bit hashes.
//!
//! A word is a maximal run of alphanumeric characters (Unicode), in lower case. A token's hash is
//! FNV-1a over its UTF-8 bytes, started with the number of its family (1 word, 2 pair of words,
//! 3 character n-gram), then mixed with MurmurHash3's 64-bit finaliser. The hash is part of the
//! format of stored models and never changes.

/// Calls `found` with each word of `text`, in lower case.
pub fn words(text: &str, mut found: impl FnMut(&str)) {
    let mut word = String::new();
    for c in text.chars() {
        if c.is_ascii() {
            if c.is_ascii_alphanumeric() {
                word.push(c.to_ascii_lowercase());
                continue;
            }
        } else if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
            continue;
        }
        if !word.is_empty() {
            found(&word);
            word.clear();
        }
    }
    if !word.is_empty() {
        found(&word);
    }
}

/// Calls `found` with the hash of each word and each pair of neighbouring words.
pub fn word_hashes(text: &str, mut found: impl FnMut(u64)) {
    let mut previous = None;
    words(text, |word| {
        let raw = fnv(1, word.as_bytes());
        found(mix(raw));
        if let Some(before) = previous {
            found(mix(fnv_on(fnv_on(fnv(2, &[]), u64::to_le_bytes(before)), raw.to_le_bytes())));
        }
        previous = Some(raw);
    });
}

/// Calls `found` with the hash of each run of 3 to 5 characters inside ` word `: the blank at
/// each end tells beginnings and ends from middles.
pub fn character_hashes(text: &str, mut found: impl FnMut(u64)) {
    let mut padded = String::new();
    let mut starts: Vec<usize> = Vec::new();
    words(text, |word| {
        padded.clear();
        padded.push(' ');
        padded.push_str(word);
        padded.push(' ');
        starts.clear();
        starts.extend(padded.char_indices().map(|(at, _)| at));
        starts.push(padded.len());
        for first in 0..starts.len() - 1 {
            let mut hash = fnv(3, &[]);
            let mut from = starts[first];
            for (n, end) in starts[first + 1..].iter().take(5).enumerate() {
                hash = fnv_slice(hash, &padded.as_bytes()[from..*end]);
                from = *end;
                if n >= 2 {
                    found(mix(hash));
                }
            }
        }
    });
}

fn fnv(family: u8, bytes: &[u8]) -> u64 {
    fnv_slice(fnv_on(0xcbf2_9ce4_8422_2325, [family]), bytes)
}

fn fnv_on<const N: usize>(hash: u64, bytes: [u8; N]) -> u64 {
    fnv_slice(hash, &bytes)
}

fn fnv_slice(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn mix(mut h: u64) -> u64 {
    h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lower_case_runs_of_letters_and_digits() {
        let mut found = Vec::new();
        words("Don't PANIC, Žluťoučký 42!", |w| found.push(w.to_owned()));
        assert_eq!(found, ["don", "t", "panic", "žluťoučký", "42"]);
    }

    #[test]
    fn n_grams_are_counted_and_their_hashes_never_change() {
        let mut hashes = Vec::new();
        character_hashes("abc", |h| hashes.push(h));
        assert_eq!(hashes.len(), 6); // " ab" " abc" " abc " "abc" "abc " "bc "
        let mut hashes = Vec::new();
        word_hashes("Good day", |h| hashes.push(h));
        assert_eq!(hashes.len(), 3);
        assert_eq!(hashes[0], mix(fnv(1, b"good")));
    }
}
