//! What is read from its end waits in a file without a name: nothing is left of it when the request
//! is over, or the process, however that ends.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::problem::Problem;

/// The file may be so many times the largest body that is taken into memory.
const BYTES_PER_BODY: u64 = 16;

/// The system's folder for what may not fit in memory; where `/tmp` is memory, this is not.
const ON_DISK: &str = "/var/tmp";

/// Takes all that comes.
///
/// # Errors
/// Problem 413 for more than a limit, 400 for a body that broke off, 507 without a place.
pub(super) fn take(reader: impl Read, body_bytes_max: usize) -> Result<File, Problem> {
    let n_max = (body_bytes_max as u64).saturating_mul(BYTES_PER_BODY);
    let full = |cause: io::Error| {
        Problem::new(507, "no-place", "the server has no place for the file")
            .got(&cause.to_string())
    };
    let mut file = create().map_err(full)?;
    let mut reader = Source { reader: reader.take(n_max.saturating_add(1)), failed: None };
    let n = io::copy(&mut reader, &mut file);
    if let Some(cause) = reader.failed {
        return Err(Problem::malformed(cause.to_string()));
    }
    if n.map_err(full)? > n_max {
        return Err(Problem::new(413, "body-too-large", "the file is too large")
            .expected(format!("at most {n_max} bytes"))
            .hint("send it in parts, as CSV, JSON Lines or an Arrow stream"));
    }
    Ok(file)
}

/// In `TMPDIR` if that is set, else on the disk, else wherever the system has it.
fn create() -> io::Result<File> {
    let on_disk = Path::new(ON_DISK);
    if env::var_os("TMPDIR").is_none_or(|folder| folder.is_empty())
        && on_disk.is_dir()
        && let Ok(file) = tempfile::tempfile_in(on_disk)
    {
        return Ok(file);
    }
    tempfile::tempfile()
}

/// Tells the trouble of who sends from that of the disk.
struct Source<R> {
    reader: R,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.reader.read(out).map_err(|cause| {
            let kind = cause.kind();
            if kind != io::ErrorKind::Interrupted {
                self.failed = Some(cause);
            }
            kind.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Seek;

    use super::*;

    #[test]
    fn what_waits_has_no_name_and_no_more_than_a_limit() {
        let mut file = take(&b"1234"[..], 1).unwrap();
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "1234");
        #[cfg(target_os = "linux")]
        {
            use std::os::unix::fs::MetadataExt;
            assert_eq!(file.metadata().unwrap().nlink(), 0, "no folder has it");
        }
        assert_eq!(take(&[0; 17][..], 1).unwrap_err().status, 413);
    }
}
