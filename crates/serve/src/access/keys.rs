//! Keys of an API: who may predict, read metrics, change models; how often.
//!
//! The file holds no key, only the SHA-256 of each: keys are 256 random bits, so that a plain
//! hash cannot be searched. They come as `Authorization: Bearer KEY` or `X-Api-Key: KEY`.
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
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use modelwright_core::{Error, Result};
use modelwright_lifecycle::toml_file::{self, About};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::allowance::{Allowance, Turn};
use crate::clock;

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Predictions, and what a model says of itself.
    Predict,
    /// Metrics and statistics; of `ui`, everything that is read.
    Metrics,
    /// Loading, unloading, rolling back; of `ui`, everything that changes the store.
    Admin,
}

impl std::str::FromStr for Scope {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let all = [Self::Predict, Self::Metrics, Self::Admin];
        all.into_iter().find(|scope| scope.name() == name).ok_or_else(|| {
            Error::input("unknown scope").got(name).suggest(name, all.map(Self::name))
        })
    }
}

impl Scope {
    /// The name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Predict => "predict",
            Self::Metrics => "metrics",
            Self::Admin => "admin",
        }
    }
}

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

/// Who asks, when that is known.
#[derive(Debug)]
pub(crate) struct Known {
    /// The key's name.
    pub(crate) name: String,
    scopes: Vec<Scope>,
    /// The models that it is for; `None` is all.
    models: Option<Vec<String>>,
    allowance: Arc<Allowance>,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No key, or none that is known.
    Unknown,
    /// A key that does not allow this.
    Forbidden,
    /// Too many requests; the next may come after so many seconds.
    TooOften(u32),
    /// So many requests are being answered already.
    TooManyAtOnce(usize),
}

impl Known {
    /// Who has a token: for `models` (all, where that is `None`), as much as `allowance` gives.
    pub(super) fn of_token(
        name: String,
        scopes: Vec<Scope>,
        models: Option<Vec<String>>,
        allowance: Arc<Allowance>,
    ) -> Self {
        Self { name, scopes, models, allowance }
    }

    /// Whether the key allows this now; the request counts until its turn is dropped.
    pub(crate) fn admit(&self, scope: Scope) -> std::result::Result<Turn, Refused> {
        if !self.scopes.contains(&scope) {
            return Err(Refused::Forbidden);
        }
        self.allowance.take(clock::now())
    }

    /// The names of what the key allows.
    pub(crate) fn scopes(&self) -> Vec<&'static str> {
        self.scopes.iter().map(|scope| scope.name()).collect()
    }

    /// Whether the key may use a model.
    pub(crate) fn may_use(&self, model: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.iter().any(|m| m == model))
    }
}

/// All keys by their hash.
#[derive(Debug, Clone, Default)]
pub struct Keys(Arc<HashMap<[u8; 32], Arc<Known>>>);

impl Keys {
    /// Reads a file of keys.
    ///
    /// # Errors
    /// Input error when the text is no such file, or a key in it is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        const ABOUT: About =
            About { name: "the file of keys", holds: "[[key]] with name, sha256 and scopes" };
        let file: File = toml_file::parse(text, ABOUT)
            .map_err(|e| e.hint("`modelwright serve --new-key NAME` prints such an entry"))?;
        let mut keys = HashMap::new();
        for entry in file.key {
            let wrong = |what: &str| Error::input(what).at(format!("key `{}`", entry.name));
            let hash = parse_hash(&entry.sha256)
                .ok_or_else(|| wrong("the hash of a key is wrong").expected("64 hex digits"))?;
            let rate = entry.requests_per_second;
            if let Some(rate) = rate.filter(|rate| !(*rate > 0.0 && rate.is_finite())) {
                return Err(wrong("requests_per_second is wrong")
                    .expected("a number above 0")
                    .got(rate.to_string()));
            }
            let at_once = match entry.requests_at_once {
                None => None,
                Some(n) => match usize::try_from(n) {
                    Ok(n) if n > 0 => Some(n),
                    _ => {
                        return Err(wrong("requests_at_once is wrong")
                            .expected("a whole number from 1")
                            .got(n.to_string()));
                    }
                },
            };
            let allowance = Arc::new(Allowance::new(rate, at_once));
            let (name, scopes) = (entry.name.clone(), entry.scopes);
            let models = Some(entry.models).filter(|models| !models.is_empty());
            let known = Known { name, scopes, models, allowance };
            if keys.insert(hash, Arc::new(known)).is_some() {
                return Err(Error::input("a key occurs twice").got(entry.name));
            }
        }
        Ok(Self(Arc::new(keys)))
    }

    /// Reads the keys of a file: see [`Self::parse`].
    ///
    /// # Errors
    /// Input error when it cannot be read, or is no such file.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::input("cannot read the file of keys").at(&shown).because(e))?;
        Self::parse(&text).map_err(|e| e.at(shown))
    }

    /// With a key that allows everything, given as it is: from an environment, not from a file.
    #[must_use]
    pub fn with_plain(self, key: &str) -> Self {
        let mut keys = HashMap::clone(&self.0);
        let scopes = vec![Scope::Predict, Scope::Metrics, Scope::Admin];
        let (name, models) = ("api-key".to_owned(), None);
        let known = Known { name, scopes, models, allowance: Arc::default() };
        keys.insert(Sha256::digest(key.as_bytes()).into(), Arc::new(known));
        Self(Arc::new(keys))
    }

    /// With at most `n_max` requests at a time of each key that says nothing else of that.
    #[must_use]
    pub fn with_at_once(self, n_max: usize) -> Self {
        let limited = |(hash, known): (&[u8; 32], &Arc<Known>)| {
            let Known { name, scopes, models, allowance } = &**known;
            let (name, scopes, models) = (name.clone(), scopes.clone(), models.clone());
            let allowance = Arc::new(allowance.or_at_once(n_max));
            (*hash, Arc::new(Known { name, scopes, models, allowance }))
        };
        Self(Arc::new(self.0.iter().map(limited).collect()))
    }

    /// Whose key this is.
    pub(crate) fn find(&self, key: &[u8]) -> Option<&Arc<Known>> {
        self.0.get(&<[u8; 32]>::from(Sha256::digest(key)))
    }
}

fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(hash)
}

/// A key that was just made.
#[derive(Debug)]
pub struct NewKey {
    /// The key, to be given to who will use it; nobody can find it out later.
    pub key: String,
    /// Its entry for the file of keys.
    pub entry: String,
}

impl NewKey {
    /// Makes a key of 256 random bits.
    ///
    /// # Errors
    /// Work error when the system has no randomness to give.
    pub fn make(name: &str) -> Result<Self> {
        let mut bits = [0; 32];
        getrandom::fill(&mut bits)
            .map_err(|e| Error::work("the system gives no random numbers").because(e))?;
        let key = format!("mw_{}", hex(&bits));
        let hash = hex(&Sha256::digest(key.as_bytes()));
        // Texts of JSON are texts of TOML.
        let name = serde_json::Value::from(name);
        let entry =
            format!("[[key]]\nname = {name}\nsha256 = \"{hash}\"\nscopes = [\"predict\"]\n");
        Ok(Self { key, entry })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_found_by_its_entry_and_the_entry_does_not_hold_it() {
        let new = NewKey::make("shop \"1\"").unwrap();
        assert!(!new.entry.contains(&new.key));
        let keys = Keys::parse(&new.entry).unwrap();
        let known = keys.find(new.key.as_bytes()).unwrap();
        assert_eq!(known.name, "shop \"1\"");
        assert!(known.admit(Scope::Predict).is_ok());
        assert_eq!(known.admit(Scope::Admin).err(), Some(Refused::Forbidden));
        assert!(keys.find(b"mw_other").is_none());
        assert_ne!(NewKey::make("shop").unwrap().key, new.key);
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
