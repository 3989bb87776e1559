//! One cell of text: is it missing, a number, an instant, or just a string?
//!
//! Nothing here knows a file format. [`decide`] answers for a whole column, the other modules
//! for one cell. All functions are pure, so that any reader on any thread gives the same answer.

mod currency;
pub(crate) mod decide;
pub(crate) mod instant;
pub(crate) mod measure;
pub(crate) mod missing;
pub(crate) mod number;

/// Without blanks on both ends, which never carry meaning in a number, a date or a marker.
pub(crate) fn trim(cell: &str) -> &str {
    let bytes = cell.as_bytes();
    match (bytes.first(), bytes.last()) {
        // The common case without a look at every character: no blank, no non-ASCII space.
        (Some(b'!'..=b'~'), Some(b'!'..=b'~')) => cell,
        _ => cell.trim(),
    }
}
