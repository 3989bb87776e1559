//! What the server knows of each file of a model: as it was when it was last read, whether it was
//! sound, and when to try once more what failed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use modelwright_core::{Error, ErrorKind};

use super::repository::Found;
use crate::clock;
use crate::stamp::FileStamp;

/// The pause after the first failure, doubled with each that follows, and the longest.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// A file as it was when it was last read, and whether it was a sound model.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// The name that it is served as.
    pub(super) name: Arc<str>,
    pub(super) stamp: Option<Stamp>,
    pub(super) is_sound: bool,
    /// Set where the fault may pass by itself.
    pub(super) again: Option<Again>,
}

impl Seen {
    /// Whether what failed is to be tried once more now.
    pub(super) fn is_due(&self) -> bool {
        self.again.is_some_and(|again| again.at <= clock::now())
    }
}

/// When to try once more what failed for want of something, such as open files or a mounted disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Again {
    at: Instant,
    n_failures: u32,
}

impl Again {
    /// After a failure that may pass: of the machine, or of the file of a registered version, which
    /// a shared disk may show later than the store.
    pub(super) fn after(error: &Error, stamp: Option<Stamp>, before: Option<Self>) -> Option<Self> {
        let is_registered = matches!(stamp, Some(Stamp::Registered(_)));
        (is_registered || error.kind() == ErrorKind::Work).then(|| {
            let n_failures = before.map_or(0, |again| again.n_failures + 1);
            let pause = (PAUSE_MIN * (1 << n_failures.min(6))).min(PAUSE_MAX);
            Self { at: clock::now() + pause, n_failures }
        })
    }
}

/// What tells one content of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    File(FileStamp),
    /// The version that an alias stands for; its file never changes.
    Registered(Option<u64>),
}

impl Stamp {
    pub(super) fn of(found: &Found) -> Option<Self> {
        if found.reference.is_some() {
            return Some(Self::Registered(found.version));
        }
        FileStamp::of(&found.path).map(Self::File)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_after_growing_pauses() {
        let registered = Some(Stamp::Registered(Some(3)));
        let gone = Error::input("the file of a registered model is gone");
        let full = Error::work("too many open files");
        assert!(Again::after(&gone, None, None).is_none(), "a broken file stays broken");
        assert!(Again::after(&full, None, None).is_some());
        let mut again = Again::after(&gone, registered, None);
        assert!(
            !Seen { name: "m".into(), stamp: registered, is_sound: false, again }.is_due(),
            "not at once"
        );
        for _ in 0..40 {
            again = Again::after(&gone, registered, again);
        }
        let left = again.unwrap().at.duration_since(clock::now());
        assert!(left > PAUSE_MAX / 2 && left <= PAUSE_MAX, "{left:?}");
    }
}
