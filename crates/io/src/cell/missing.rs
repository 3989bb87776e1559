//! The words that files use for "no value here".
//!
//! The list is the one of pandas (`pandas._libs.parsers.STR_NA_VALUES`) with the markers of
//! MySQL (`\N`), SAS (`.`), UCI (`?`), Excel's errors (`#REF!`) and people (`-`, `--`, `n.a.`)
//! added.

/// The longest marker, in bytes.
const LONGEST: usize = 9;

/// Whether a cell (already trimmed) stands for a missing value.
#[inline]
pub(crate) fn is_missing(trimmed: &str) -> bool {
    let bytes = trimmed.as_bytes();
    match bytes.first() {
        None => true,
        // Digits first: the first byte decides nearly always.
        Some(b'?' | b'-' | b'.' | b'#' | b'<' | b'\\' | b'1' | b'N' | b'n') => {
            bytes.len() <= LONGEST && is_marker(bytes)
        }
        Some(_) => false,
    }
}

fn is_marker(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        b"?" | b"-"
            | b"--"
            | b"."
            | b"\\N"
            | b"NA"
            | b"N/A"
            | b"n/a"
            | b"NULL"
            | b"Null"
            | b"null"
            | b"n.a."
            | b"n.a"
            | b"N.A."
            | b"N.A"
            | b"None"
            | b"none"
            | b"NONE"
            | b"NaN"
            | b"nan"
            | b"NAN"
            | b"Nan"
            | b"-NaN"
            | b"-nan"
            | b"<NA>"
            | b"<na>"
            | b"NaT"
            | b"#N/A"
            | b"#NA"
            | b"#N/A N/A"
            | b"#NULL!"
            | b"#VALUE!"
            | b"#DIV/0!"
            | b"#REF!"
            | b"#NAME?"
            | b"#NUM!"
            | b"1.#IND"
            | b"1.#QNAN"
            | b"-1.#IND"
            | b"-1.#QNAN"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_missing_and_values_are_not() {
        for marker in [
            "", "NA", "N/A", "n/a", "null", "None", "nan", "?", "-", "#N/A", "-1.#QNAN", "n.a.",
            "N.A.", "#REF!", "#NAME?", "#NUM!",
        ] {
            assert!(is_missing(marker), "{marker}");
        }
        for value in ["0", "-1", "1", "no", "Nanny", "NAB", "..", "-a", "#1", "Namibia"] {
            assert!(!is_missing(value), "{value}");
        }
    }
}
