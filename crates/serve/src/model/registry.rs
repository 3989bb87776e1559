//! The store of registered models, asked cheaply and often whether an alias has moved.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use modelwright_core::Error;
use modelwright_lifecycle::store::{Location, StoreStamp};

use crate::clock;

/// A change shows in the times of files before a reader sees it: until the disk has it, which takes
/// seconds where it is busy.
const UNSETTLED: Duration = Duration::from_secs(30);

/// See the module's text.
pub(super) struct Registry {
    /// `None` where there is no store.
    folder: Option<PathBuf>,
    /// What the store looked like before it was last asked, and whether that was settled.
    stamp: Mutex<Option<(StoreStamp, bool)>>,
    /// What was told of the sources that cannot be looked up.
    troubles: Mutex<BTreeMap<PathBuf, String>>,
}

impl Registry {
    /// Of the store at `folder`, or of the user's.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        let folder = folder.or_else(|| Location::find().map(|location| location.place));
        Self { folder, stamp: Mutex::default(), troubles: Mutex::default() }
    }

    /// The folder of the store.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Whether the store may say something else than when this was last asked, and with `again`.
    ///
    /// What changed only a moment before it was asked is asked again, however long that takes.
    pub(super) fn may_have_changed(&self, again: bool) -> bool {
        self.may_have_changed_by(clock::system_now(), again)
    }

    /// The same at a time.
    fn may_have_changed_by(&self, time: SystemTime, again: bool) -> bool {
        let Some(folder) = &self.folder else { return again };
        let Some(now) = StoreStamp::of(folder) else { return true };
        let is_old = now
            .changed()
            .is_none_or(|changed| time.duration_since(changed).is_ok_and(|age| age > UNSETTLED));
        let mut before = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        let is_settled = before.as_ref().is_some_and(|(seen, settled)| *settled && *seen == now);
        *before = Some((now, is_old));
        again || !is_settled
    }

    /// The store could not be asked: the next look asks again, though nothing changed.
    pub(super) fn forget(&self) {
        *self.stamp.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A source could be looked up.
    pub(super) fn is_well(&self, source: &Path) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(source);
    }

    /// A source could not be looked up; whether this was not told yet.
    pub(super) fn is_new_trouble(&self, source: &Path, error: &Error) -> bool {
        let text = error.to_string();
        let mut told = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let before = told.insert(source.to_owned(), text.clone());
        before.is_none_or(|before| before != text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_a_moment_before_it_was_asked_is_asked_again() {
        let folder = std::env::temp_dir().join(format!("modelwright-stamp-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("store.db"), "changed just now").unwrap();
        let registry = Registry::new(Some(folder.clone()));
        let now = clock::system_now();
        let ask = |s: u64, again| registry.may_have_changed_by(now + Duration::from_secs(s), again);
        assert!(ask(0, false), "never asked");
        // A writer whose disk is slow: the files have changed, what is read has not.
        assert!(ask(3, false) && ask(20, false), "it was not settled when it was asked");
        assert!(ask(40, false));
        assert!(!ask(41, false));
        assert!(ask(41, true));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
