//! The file of keys: who may predict, read metrics, change models; how often.
//!
//! It holds no key, only the SHA-256 of each. They come as `Authorization: Bearer KEY` or
//! `X-Api-Key: KEY`.
//!
//! ```toml
//! [[key]]
//! name = "shop"
//! sha256 = "9f86d08…"
//! scopes = ["predict"]
//! requests_per_second = 500
//! requests_at_once = 32
//! models = ["churn"]
//! ```

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use modelwright_core::{Error, Result};
use modelwright_lifecycle::toml_file::{self, About};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::allowance::Allowance;
use super::keys::{Known, Scope};
use crate::stamp::FileStamp;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    key: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    sha256: String,
    scopes: Vec<Scope>,
    requests_per_second: Option<f64>,
    requests_at_once: Option<i64>,
    #[serde(default)]
    models: Vec<String>,
}

/// The SHA-256 of a key.
type Hash = [u8; 32];
/// All keys.
type All = HashMap<Hash, Arc<Known>>;

/// All keys by their hash; clones are the same ones.
#[derive(Debug, Clone, Default)]
pub struct Keys(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    origin: Origin,
    all: RwLock<Arc<All>>,
    /// The file as it was when it was last read.
    seen: Mutex<Option<FileStamp>>,
}

/// Where keys come from.
#[derive(Debug, Clone, Default)]
struct Origin {
    file: Option<PathBuf>,
    /// One beside those of the file, which allows everything.
    plain: Option<Hash>,
    /// How many requests are answered at a time of a key that says nothing of that.
    n_at_once: Option<usize>,
}

impl Keys {
    /// Reads the text of a file of keys.
    ///
    /// # Errors
    /// Input error when the text is no such file, or a key in it is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        Origin::default().keys(text, None)
    }

    /// Reads the keys of a file: see [`Self::parse`].
    ///
    /// # Errors
    /// Input error when it cannot be read, or is no such file.
    pub fn read(path: &Path) -> Result<Self> {
        let seen = FileStamp::of(path);
        let origin = Origin { file: Some(path.to_owned()), ..Origin::default() };
        origin.keys(&text_of(path)?, seen).map_err(|e| e.at(path.display().to_string()))
    }

    /// With a key that allows everything, given as it is: from an environment, not from a file.
    #[must_use]
    pub fn with_plain(self, key: &str) -> Self {
        let plain = Some(Sha256::digest(key.as_bytes()).into());
        self.with(|origin| origin.plain = plain)
    }

    /// With at most `n_max` requests at a time of each key that says nothing else of that.
    #[must_use]
    pub fn with_at_once(self, n_max: usize) -> Self {
        self.with(|origin| origin.n_at_once = Some(n_max))
    }

    fn with(self, change: impl FnOnce(&mut Origin)) -> Self {
        let mut origin = self.0.origin.clone();
        change(&mut origin);
        let all = origin.complete(All::clone(&self.all()));
        let seen = Mutex::new(*self.seen());
        Self(Arc::new(Inner { origin, all: RwLock::new(Arc::new(all)), seen }))
    }

    /// Whose key this is.
    pub(crate) fn find(&self, key: &[u8]) -> Option<Arc<Known>> {
        self.all().get(&Hash::from(Sha256::digest(key))).cloned()
    }

    /// Reads the file again if it changed, and in any case with `again`; `None` if not. Keys that
    /// stand there as before count on with what they have used up; requests that are being answered
    /// are answered to their end.
    ///
    /// # Errors
    /// Input error for what is no file of keys: those before count on.
    pub(crate) fn renew(&self, again: bool) -> Option<Result<()>> {
        let path = self.0.origin.file.as_ref()?;
        let (mut seen, now) = (self.seen(), FileStamp::of(path));
        if *seen == now && !again {
            return None;
        }
        *seen = now;
        let read = text_of(path).and_then(|text| parse(&text)).map_err(|error| {
            let hint = "the keys of before count on";
            error.at(path.display().to_string()).hint(hint)
        });
        Some(read.map(|fresh| self.exchange(self.0.origin.complete(fresh))))
    }

    fn exchange(&self, mut fresh: All) {
        let mut all = self.0.all.write().unwrap_or_else(PoisonError::into_inner);
        #[expect(clippy::iter_over_hash_type, reason = "each key by itself: the order is nothing")]
        for (hash, before) in all.iter() {
            match fresh.get_mut(hash).filter(|now| now.is_like(before)) {
                Some(now) => *now = before.clone(),
                None => before.end(),
            }
        }
        *all = Arc::new(fresh);
    }

    fn all(&self) -> Arc<All> {
        self.0.all.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Option<FileStamp>> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Origin {
    fn keys(self, text: &str, seen: Option<FileStamp>) -> Result<Keys> {
        let all = RwLock::new(Arc::new(self.complete(parse(text)?)));
        Ok(Keys(Arc::new(Inner { origin: self, all, seen: Mutex::new(seen) })))
    }

    /// With what goes beside the keys of the file.
    fn complete(&self, mut all: All) -> All {
        if let Some(hash) = self.plain {
            let scopes = vec![Scope::Predict, Scope::Metrics, Scope::Admin];
            let known = Known::new("api-key".to_owned(), scopes, None, Arc::default());
            all.insert(hash, Arc::new(known));
        }
        let Some(n_max) = self.n_at_once else { return all };
        all.into_iter().map(|(hash, known)| (hash, Arc::new(known.or_at_once(n_max)))).collect()
    }
}

fn text_of(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| {
        Error::input("cannot read the file of keys").at(path.display().to_string()).because(e)
    })
}

fn parse(text: &str) -> Result<All> {
    const ABOUT: About =
        About { name: "the file of keys", holds: "[[key]] with name, sha256 and scopes" };
    let file: File = toml_file::parse(text, ABOUT)
        .map_err(|e| e.hint("`modelwright serve --new-key NAME` prints such an entry"))?;
    let mut keys = All::new();
    for entry in file.key {
        let name = entry.name.clone();
        let (hash, known) = entry.known().map_err(|e| e.at(format!("key `{name}`")))?;
        if keys.insert(hash, Arc::new(known)).is_some() {
            return Err(Error::input("a key occurs twice").got(name));
        }
    }
    Ok(keys)
}

impl Entry {
    fn known(self) -> Result<(Hash, Known)> {
        let hash = parse_hash(&self.sha256)
            .ok_or_else(|| Error::input("the hash of a key is wrong").expected("64 hex digits"))?;
        let rate = self.requests_per_second;
        if let Some(rate) = rate.filter(|rate| !(*rate > 0.0 && rate.is_finite())) {
            return Err(Error::input("requests_per_second is wrong")
                .expected("a number above 0")
                .got(rate.to_string()));
        }
        let places = |n: i64| {
            usize::try_from(n).ok().filter(|n| *n > 0).ok_or_else(|| {
                Error::input("requests_at_once is wrong")
                    .expected("a whole number from 1")
                    .got(n.to_string())
            })
        };
        let at_once = self.requests_at_once.map(places).transpose()?;
        let allowance = Arc::new(Allowance::new(rate, at_once));
        let models = Some(self.models).filter(|models| !models.is_empty());
        Ok((hash, Known::new(self.name, self.scopes, models, allowance)))
    }
}

fn parse_hash(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::super::{NewKey, Refused};
    use super::*;

    #[test]
    fn a_file_that_changes_counts_from_then_on_and_a_wrong_one_changes_nothing() {
        let path = std::env::temp_dir().join(format!("mw-keys-{}.toml", std::process::id()));
        let (one, two) = (NewKey::make("one").unwrap(), NewKey::make("two").unwrap());
        let limited = format!("{}requests_per_second = 2.0\n", one.entry);
        std::fs::write(&path, &limited).unwrap();
        let keys = Keys::read(&path).unwrap().with_plain("0123456789abcdef").with_at_once(7);
        let find = |key: &NewKey| keys.find(key.key.as_bytes());
        let held = find(&one).unwrap();
        assert!(held.admit(Scope::Predict).is_ok() && held.admit(Scope::Predict).is_ok());
        assert!(keys.renew(false).is_none(), "nothing changed");
        std::fs::write(&path, "nonsense").unwrap();
        let error = keys.renew(false).unwrap().unwrap_err().to_string();
        assert!(error.contains("count on") && error.contains("mw-keys"), "{error}");
        assert!(find(&one).is_some() && keys.renew(false).is_none(), "told once");
        // Another beside it: what the first has used up stays used up.
        std::fs::write(&path, format!("{}{limited}", two.entry)).unwrap();
        assert!(keys.renew(false).unwrap().is_ok());
        assert!(Arc::ptr_eq(&find(&one).unwrap(), &held));
        assert!(matches!(held.admit(Scope::Predict), Err(Refused::TooOften(_))));
        let turns: Vec<_> = (0..8).map(|_| find(&two).unwrap().admit(Scope::Predict)).collect();
        assert_eq!(turns[7].as_ref().err(), Some(&Refused::TooManyAtOnce(7)), "as at the start");
        // And without the first: it counts no more, for those either who hold it on.
        std::fs::write(&path, &two.entry).unwrap();
        assert!(keys.renew(false).unwrap().is_ok());
        assert!(find(&one).is_none() && find(&two).is_some());
        assert_eq!(held.admit_again().err(), Some(Refused::Unknown));
        assert!(keys.find(b"0123456789abcdef").is_some(), "the one of the environment");
        std::fs::remove_file(&path).unwrap();
        assert!(keys.renew(true).unwrap().is_err() && find(&two).is_some());
    }

    #[test]
    fn a_limit_for_all_keys_holds_for_those_without_their_own() {
        let (one, two) = (NewKey::make("one").unwrap(), NewKey::make("two").unwrap());
        let text = format!("{}requests_at_once = 2\n{}", one.entry, two.entry);
        let keys = Keys::parse(&text).unwrap().with_at_once(1);
        for (key, n) in [(&one, 2), (&two, 1)] {
            let known = keys.find(key.key.as_bytes()).unwrap();
            let turns: Vec<_> = (0..5).map(|_| known.admit(Scope::Predict)).collect();
            assert_eq!(turns.iter().filter(|turn| turn.is_ok()).count(), n);
            assert_eq!(turns[4].as_ref().err(), Some(&Refused::TooManyAtOnce(n)));
        }
    }

    #[test]
    fn a_wrong_file_says_what_is_wrong() {
        let hash = "00".repeat(32);
        for (text, says) in [
            ("[[key]]\nname = \"a\"\nsha256 = \"12\"\nscopes = []", "64 hex digits"),
            ("x = 1", "[[key]]"),
            (&format!("[[key]]\nname=\"a\"\nsha256=\"{hash}\"\nscopes=[\"all\"]"), "predict"),
            (
                &format!(
                    "[[key]]\nname=\"a\"\nsha256=\"{hash}\"\nscopes=[]\nrequests_per_second=0"
                ),
                "above 0",
            ),
            (
                &format!("[[key]]\nname=\"a\"\nsha256=\"{hash}\"\nscopes=[]\nrequests_at_once=0"),
                "from 1",
            ),
        ] {
            let error = Keys::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
