//! Keys of an API: what each allows, how often; and new ones.
//!
//! Keys are 256 random bits, so that their plain hash, which is all that is stored, cannot be
//! searched.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use modelwright_core::{Error, Result};
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

/// Who asks, when that is known.
#[derive(Debug)]
pub(crate) struct Known {
    /// The key's name.
    pub(crate) name: String,
    scopes: Vec<Scope>,
    /// The models that it is for; `None` is all.
    models: Option<Vec<String>>,
    allowance: Arc<Allowance>,
    /// Set when the key no longer stands in the file as it did; who holds it on asks in vain.
    has_gone: AtomicBool,
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
    /// For `models` (all, where that is `None`), as much as `allowance` gives.
    pub(super) fn new(
        name: String,
        scopes: Vec<Scope>,
        models: Option<Vec<String>>,
        allowance: Arc<Allowance>,
    ) -> Self {
        Self { name, scopes, models, allowance, has_gone: AtomicBool::new(false) }
    }

    /// Whether the key allows this now; the request counts until its turn is dropped.
    pub(crate) fn admit(&self, scope: Scope) -> std::result::Result<Turn, Refused> {
        self.must_count()?;
        if !self.scopes.contains(&scope) {
            return Err(Refused::Forbidden);
        }
        self.allowance.take(clock::now())
    }

    /// A turn of a request that was admitted before, of which only the place was given back.
    pub(crate) fn admit_again(&self) -> std::result::Result<Turn, Refused> {
        self.must_count()?;
        self.allowance.take_place()
    }

    /// The key does not stand in the file any more, or otherwise.
    pub(super) fn end(&self) {
        self.has_gone.store(true, Ordering::Relaxed);
    }

    /// The same with at most `n_max` requests at a time, where nothing else was said.
    pub(super) fn or_at_once(&self, n_max: usize) -> Self {
        let allowance = Arc::new(self.allowance.or_at_once(n_max));
        Self::new(self.name.clone(), self.scopes.clone(), self.models.clone(), allowance)
    }

    fn must_count(&self) -> std::result::Result<(), Refused> {
        if self.has_gone.load(Ordering::Relaxed) { Err(Refused::Unknown) } else { Ok(()) }
    }

    /// Whether both allow the same.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.name == other.name
            && self.scopes == other.scopes
            && self.models == other.models
            && self.allowance.is_like(&other.allowance)
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
    use super::super::Keys;
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
}
