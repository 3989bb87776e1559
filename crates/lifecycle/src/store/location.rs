//! Where the store is, and how a registered model is written.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The environment variable that names the store: its folder, or the URL of a database.
const VARIABLE: &str = "MODELWRIGHT_STORE";

/// The place that the user named for this process.
static NAMED: OnceLock<PathBuf> = OnceLock::new();

/// The store of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The folder, or the URL of a database on a server: `postgres://…`.
    pub place: PathBuf,
    /// Whether the user asked for it, by flag or environment.
    pub is_named: bool,
}

/// Takes `place` as the store of this process, as `--store` asks; the first call counts.
pub fn set_location(place: &Path) {
    let _ = NAMED.set(place.to_owned());
}

impl Location {
    /// The store: named by [`set_location`], by the environment, or in the user's data folder;
    /// `None` where there is no such folder.
    pub fn find() -> Option<Self> {
        if let Some(place) = NAMED.get() {
            return Some(Self { place: place.clone(), is_named: true });
        }
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(place) = set(VARIABLE) {
            return Some(Self { place: place.into(), is_named: true });
        }
        let data = set("XDG_DATA_HOME").map(PathBuf::from);
        let home = || set("HOME").map(|home| PathBuf::from(home).join(".local/share"));
        let place = data.or_else(home)?.join("modelwright");
        Some(Self { place, is_named: false })
    }

    /// Whether runs are recorded without being asked: when the user named a store, or made one. A
    /// first fit writes nothing outside of its own folder.
    pub fn records_runs(&self) -> bool {
        self.is_named || self.place.join(super::open::DATABASE).is_file()
    }
}

/// The name of a store's place as it may be shown: a URL without its password.
pub fn shown_place(place: &Path) -> String {
    super::db::shown(place)
}

/// A registered model as users write it, `name@alias` or `name@3`; `None` for other texts.
pub fn parse_reference(text: &str) -> Option<(&str, &str)> {
    let (name, selector) = text.split_once('@')?;
    let is_word = |word: &str| {
        let fits = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        !word.is_empty() && !word.starts_with('.') && word.chars().all(fits)
    };
    (is_word(name) && is_word(selector)).then_some((name, selector))
}
