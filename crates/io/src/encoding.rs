//! Which encoding a text file has, and its text as UTF-8.
//!
//! A byte order mark decides; without one, zero bytes at every second place are UTF-16, any other
//! zero byte means that the file is no text. All else is taken for UTF-8 until a byte proves
//! otherwise; then the file is read again as Windows-1252, which gives every byte a character.
//! UTF-16 is turned into UTF-8 while it is read; Windows-1252 block by block (separators and
//! line ends are the same bytes in both).

use std::borrow::Cow;
use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::options::Encoding;

/// The encoding that the first bytes show, and the length of their byte order mark; `None` when
/// they are no text. UTF-8 is an assumption unless there is a mark.
pub(crate) fn detect(head: &[u8]) -> Option<(Encoding, usize)> {
    match head {
        [0xef, 0xbb, 0xbf, ..] => return Some((Encoding::Utf8, 3)),
        [0xff, 0xfe, ..] => return Some((Encoding::Utf16Le, 2)),
        [0xfe, 0xff, ..] => return Some((Encoding::Utf16Be, 2)),
        _ => {}
    }
    let sample = &head[..head.len().min(4096)];
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let pairs = sample.len() / 2;
    if even == 0 && odd == 0 && !head.contains(&0) {
        Some((Encoding::Utf8, 0))
    } else if odd * 10 > pairs * 7 && even * 10 < pairs {
        Some((Encoding::Utf16Le, 0))
    } else if even * 10 > pairs * 7 && odd * 10 < pairs {
        Some((Encoding::Utf16Be, 0))
    } else {
        None
    }
}

/// A block of bytes as text; `None` when it is not valid in this encoding.
pub(crate) fn to_text(bytes: &[u8], encoding: Encoding) -> Option<Cow<'_, str>> {
    match encoding {
        Encoding::Windows1252 => Some(WINDOWS_1252.decode_without_bom_handling(bytes).0),
        // UTF-16 has become UTF-8 on its way here.
        _ => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
    }
}

/// The head of a file (behind its byte order mark) as text; a character that is cut at the end
/// is left out unless the head is the whole file. `None` when it is not valid.
pub(crate) fn head_text(raw: &[u8], encoding: Encoding, is_whole: bool) -> Option<String> {
    match encoding {
        Encoding::Utf16Le | Encoding::Utf16Be => {
            let mut bytes = Vec::new();
            Utf16Reader::new(&raw[..raw.len() / 2 * 2], encoding).read_to_end(&mut bytes).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        Encoding::Windows1252 => Some(to_text(raw, encoding)?.into_owned()),
        Encoding::Utf8 => match std::str::from_utf8(raw) {
            Ok(text) => Some(text.to_owned()),
            Err(e) if e.error_len().is_none() && !is_whole => {
                Some(String::from_utf8_lossy(&raw[..e.valid_up_to()]).into_owned())
            }
            Err(_) => None,
        },
    }
}

/// Turns UTF-16 into UTF-8 while reading.
pub(crate) struct Utf16Reader<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: Read> Utf16Reader<R> {
    /// A reader over bytes in UTF-16 (little or big endian), behind their byte order mark.
    pub(crate) fn new(inner: R, encoding: Encoding) -> Self {
        let encoding = if encoding == Encoding::Utf16Be { UTF_16BE } else { UTF_16LE };
        let decoder = encoding.new_decoder_without_bom_handling();
        Self { inner, decoder, raw: Vec::new(), text: Vec::new(), given: 0, ended: false }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.raw.resize(64 << 10, 0);
        let n = self.inner.read(&mut self.raw)?;
        self.ended = n == 0;
        // Three bytes of UTF-8 for each unit of UTF-16, and some for what was left over.
        self.text.resize(3 * (n / 2) + 16, 0);
        let (result, n_read, n_written, _) =
            self.decoder.decode_to_utf8(&self.raw[..n], &mut self.text, self.ended);
        debug_assert!(result == CoderResult::InputEmpty && n_read == n, "the buffer is enough");
        self.text.truncate(n_written);
        self.given = 0;
        Ok(())
    }
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            self.refill()?;
        }
        let n = buffer.len().min(self.text.len() - self.given);
        buffer[..n].copy_from_slice(&self.text[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        let bytes = |u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn utf_16_is_found_with_and_without_a_mark_and_becomes_utf_8() {
        let text = "name;größe\nÅsa;1,5\n😀;2\n".repeat(4000);
        for (encoding, big) in [(Encoding::Utf16Le, false), (Encoding::Utf16Be, true)] {
            let bytes = utf16(&text, big);
            assert_eq!(detect(&bytes), Some((encoding, 0)));
            let mut marked = utf16("\u{feff}", big);
            marked.extend(&bytes);
            assert_eq!(detect(&marked), Some((encoding, 2)));
            let mut read = String::new();
            Utf16Reader::new(&bytes[..], encoding).read_to_string(&mut read).unwrap();
            assert_eq!(read, text);
        }
    }

    #[test]
    fn zero_bytes_elsewhere_are_no_text() {
        assert_eq!(detect(b"a,b\n1,2\n"), Some((Encoding::Utf8, 0)));
        assert_eq!(detect(b"a,b\n1,\0\x01\x02"), None);
        assert_eq!(detect(&[0_u8; 64]), None);
    }
}
