//! Whether a store may have changed, without opening it.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::open::DATABASE;

/// What the files of a store's database look like from outside. Every change of the store changes
/// it, except one within the grain of the file system's clock (some milliseconds) after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreStamp {
    /// Of the database and of its log of changes: time of the last change, and bytes.
    files: [Option<(SystemTime, u64)>; 2],
}

impl StoreStamp {
    /// Of the store in a folder now; `None` of a store on a server, of which nothing is seen from
    /// outside.
    pub fn of(place: &Path) -> Option<Self> {
        if super::db::is_address(place) {
            return None;
        }
        let look = |name: String| {
            let meta = fs::metadata(place.join(name)).ok()?;
            Some((meta.modified().ok()?, meta.len()))
        };
        Some(Self { files: [look(DATABASE.to_owned()), look(format!("{DATABASE}-wal"))] })
    }

    /// When one of the files last changed; `None` without a store.
    pub fn changed(&self) -> Option<SystemTime> {
        self.files.iter().flatten().map(|(changed, _)| *changed).max()
    }
}
