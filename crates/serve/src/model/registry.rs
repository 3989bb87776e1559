//! The store of registered models, asked cheaply and often whether an alias has moved.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use modelwright_core::Error;
use modelwright_lifecycle::store::{Location, StoreStamp};

use crate::clock;

/// A change within so much time after another may not show in the times of files.
const GRAIN: Duration = Duration::from_secs(1);

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
    /// What changed only a moment before it was asked is asked once more, however long that takes:
    /// a change shows in the files before a reader sees it.
    pub(super) fn may_have_changed(&self, again: bool) -> bool {
        let Some(folder) = &self.folder else { return again };
        let Some(now) = StoreStamp::of(folder) else { return true };
        let is_old = now.changed().is_none_or(|changed| {
            clock::system_now().duration_since(changed).is_ok_and(|age| age > GRAIN)
        });
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
    fn what_changed_a_moment_before_it_was_asked_is_asked_once_more() {
        let folder = std::env::temp_dir().join(format!("modelwright-stamp-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("store.db"), "changed just now").unwrap();
        let registry = Registry::new(Some(folder.clone()));
        assert!(registry.may_have_changed(false), "never asked");
        std::thread::sleep(GRAIN + GRAIN / 5);
        assert!(registry.may_have_changed(false), "it was not settled when it was asked");
        assert!(!registry.may_have_changed(false));
        assert!(registry.may_have_changed(true));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
