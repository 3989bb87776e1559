//! Tokens of an identity provider in place of keys: JSON Web Tokens (RFC 7519), signed.
//!
//! What is proved, in this order: the form; an algorithm of public keys (never `none`, never a
//! shared secret); a signature by a key of the set; issuer, audience and time. Tokens that were
//! proved are remembered by their hash until they expire, as a signature takes longer to verify
//! than most predictions. While tokens come, the file of keys is looked at once a second, so that
//! keys can be exchanged while the server runs; a file that became unreadable changes nothing.
//!
//! Which threats this answers: RFC 8725 ("JSON Web Token Best Current Practices").

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use modelwright_core::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::allowance::Allowance;
use super::jwks::{ALGORITHMS, KeySet};
use super::keys::{Known, Scope};
use crate::clock;
use crate::stamp::FileStamp;

/// Clocks of two machines may differ by so much.
const LEEWAY_S: f64 = 60.0;
/// How often the file of keys is looked at.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// Longer tokens are none.
const TOKEN_BYTES_MAX: usize = 16 << 10;
/// Tokens that are remembered.
const N_REMEMBERED: usize = 4096;
/// The longest name that is taken over from a token into the log.
const NAME_CHARS_MAX: usize = 128;

/// Whose tokens are taken, and as what.
#[derive(Debug, Clone, PartialEq)]
pub struct JwtSettings {
    /// The file of the issuer's public keys: a JSON Web Key Set.
    pub keys: PathBuf,
    /// What the claim `iss` must be.
    pub issuer: String,
    /// What the claim `aud` must be, or hold.
    pub audience: String,
    /// The claim that names scopes: a text of words or a list; with dots, of an object in it.
    pub scope_claim: String,
    /// Which scope each word of the claim stands for.
    pub scopes: Vec<(String, Scope)>,
    /// Requests per second of all tokens of one subject together; `None` is any number.
    pub rate: Option<f64>,
    /// Requests at a time of all tokens of one subject together; `None` is any number.
    pub at_once: Option<usize>,
    /// The claim that names the models that a token is for, in the form of the scopes (`*` is all);
    /// a token without it is then for none. `None` lets every token use every model.
    pub models_claim: Option<String>,
}

impl JwtSettings {
    /// The words that stand for scopes where nothing else is said: their own names, with and
    /// without `modelwright:` before them.
    pub fn default_scopes() -> Vec<(String, Scope)> {
        let all = [Scope::Predict, Scope::Metrics, Scope::Admin];
        let words = |scope: Scope| {
            let name = scope.name();
            [(name.to_owned(), scope), (format!("modelwright:{name}"), scope)]
        };
        all.into_iter().flat_map(words).collect()
    }
}

/// Proves tokens.
#[derive(Debug, Clone)]
pub struct Jwt(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: JwtSettings,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    keys: Arc<KeySet>,
    stamp: Option<FileStamp>,
    looked: Instant,
    /// Why the file of keys, as it is now, is not used, and nobody was told yet.
    trouble: Option<String>,
    remembered: HashMap<[u8; 32], Remembered>,
    /// What each subject may still ask for, whichever of its tokens it shows.
    allowances: HashMap<String, Arc<Allowance>>,
}

impl State {
    fn allowance(&mut self, subject: &str, settings: &JwtSettings) -> Arc<Allowance> {
        let (rate, at_once) = (settings.rate, settings.at_once);
        if rate.is_none() && at_once.is_none() {
            return Arc::default();
        }
        if let Some(known) = self.allowances.get(subject) {
            return known.clone();
        }
        if self.allowances.len() >= N_REMEMBERED {
            // Those whose tokens are remembered, or whose requests are being answered, are in use.
            self.allowances.retain(|_, allowance| Arc::strong_count(allowance) > 1);
        }
        let allowance = Arc::new(Allowance::new(rate, at_once));
        self.allowances.insert(subject.to_owned(), allowance.clone());
        allowance
    }
}

#[derive(Debug, Clone)]
struct Remembered {
    known: Arc<Known>,
    /// Unix seconds between which the token counts.
    not_before: f64,
    expires: f64,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

/// Why a token is refused.
type Refusal = String;

impl Jwt {
    /// Reads the keys.
    ///
    /// # Errors
    /// Input error when the file cannot be read, or is no set of public keys.
    pub fn open(settings: JwtSettings) -> Result<Self> {
        let stamp = FileStamp::of(&settings.keys);
        let keys = Arc::new(read(&settings.keys)?);
        let (looked, remembered, allowances) = (clock::now(), HashMap::new(), HashMap::new());
        let state = State { keys, stamp, looked, trouble: None, remembered, allowances };
        let state = Mutex::new(state);
        Ok(Self(Arc::new(Inner { settings, state })))
    }

    /// Whether a text has the form of a token, and not that of a key.
    pub(crate) fn is_token(text: &[u8]) -> bool {
        text.starts_with(b"eyJ") && text.split(|byte| *byte == b'.').count() == 3
    }

    /// Why the file of keys, as it is now, is not used, once; the keys before count on.
    pub(crate) fn take_trouble(&self) -> Option<String> {
        self.state().trouble.take()
    }

    /// Whose token this is.
    ///
    /// # Errors
    /// Why it is refused.
    pub(crate) fn find(&self, token: &[u8]) -> std::result::Result<Arc<Known>, Refusal> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err("it is too long".to_owned());
        }
        let hash: [u8; 32] = Sha256::digest(token).into();
        let now = clock::unix_micros() as f64 / 1e6;
        let keys = {
            let mut state = self.state();
            self.look(&mut state);
            if let Some(found) = state.remembered.get(&hash) {
                in_time(found.not_before, found.expires, now)?;
                return Ok(found.known.clone());
            }
            state.keys.clone()
        };
        let found = self.prove(token, &keys, now)?;
        let known = found.known.clone();
        let mut state = self.state();
        // What was proved by keys that have gone in the meantime is not remembered.
        if Arc::ptr_eq(&state.keys, &keys) {
            if state.remembered.len() >= N_REMEMBERED {
                state.remembered.clear();
            }
            state.remembered.insert(hash, found);
        }
        Ok(known)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes newer keys, if there are any and nobody looked just now.
    fn look(&self, state: &mut State) {
        if state.looked.elapsed() < LOOK_PAUSE {
            return;
        }
        if let Some(Err(error)) = self.take_newer(state, false) {
            state.trouble = Some(error.to_string());
        }
    }

    /// Takes the keys of the file if it changed, and in any case with `again`; `None` if not.
    ///
    /// # Errors
    /// Input error for a file that is no set of public keys: those before count on.
    pub(crate) fn renew(&self, again: bool) -> Option<Result<()>> {
        self.take_newer(&mut self.state(), again)
    }

    fn take_newer(&self, state: &mut State, again: bool) -> Option<Result<()>> {
        state.looked = clock::now();
        let path = &self.0.settings.keys;
        let stamp = FileStamp::of(path);
        if stamp == state.stamp && !again {
            return None;
        }
        state.stamp = stamp;
        let take = |keys| {
            state.keys = Arc::new(keys);
            state.remembered.clear();
            state.trouble = None;
        };
        Some(read(path).map(take))
    }

    fn prove(
        &self,
        token: &[u8],
        keys: &KeySet,
        now: f64,
    ) -> std::result::Result<Remembered, Refusal> {
        let form = || "it is not of the form header.claims.signature".to_owned();
        let text = std::str::from_utf8(token).map_err(|_| form())?;
        let (signed, signature) = text.rsplit_once('.').ok_or_else(form)?;
        let (header, claims) = signed.split_once('.').ok_or_else(form)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| form());
        let header: Header =
            serde_json::from_slice(&decode(header)?).map_err(|_| "its header is wrong")?;
        // Before anything of it is believed.
        if !ALGORITHMS.contains(&header.alg.as_str()) {
            return Err(format!("its algorithm is none of {}", ALGORITHMS.join(", ")));
        }
        if header.crit.is_some() {
            return Err("it demands extensions (`crit`) that are not known here".to_owned());
        }
        let is_access = |typ: &str| {
            ["jwt", "at+jwt", "application/at+jwt"].iter().any(|t| t.eq_ignore_ascii_case(typ))
        };
        if !header.typ.as_deref().is_none_or(is_access) {
            return Err("it is a token of another type".to_owned());
        }
        let kid = header.kid.as_deref();
        keys.verify(&header.alg, kid, signed.as_bytes(), &decode(signature)?)?;
        let claims: Map<String, Value> =
            serde_json::from_slice(&decode(claims)?).map_err(|_| "its claims are no object")?;
        self.claims(&claims, now)
    }

    /// Who asks, by claims that are proved to be the issuer's own.
    fn claims(
        &self,
        claims: &Map<String, Value>,
        now: f64,
    ) -> std::result::Result<Remembered, Refusal> {
        let settings = &self.0.settings;
        if claims.get("iss").and_then(Value::as_str) != Some(&settings.issuer) {
            return Err(format!("its issuer is not `{}`", settings.issuer));
        }
        let is_ours = |value: &Value| value.as_str() == Some(&settings.audience);
        let audience = claims.get("aud").unwrap_or(&Value::Null);
        if !is_ours(audience) && !audience.as_array().is_some_and(|all| all.iter().any(is_ours)) {
            return Err(format!("its audience is not `{}`", settings.audience));
        }
        let time = |name: &str| match claims.get(name) {
            None => Ok(None),
            Some(value) => {
                let seconds = value.as_f64().filter(|t| t.is_finite());
                seconds.map(Some).ok_or_else(|| format!("its claim `{name}` is no time"))
            }
        };
        let expires = time("exp")?.ok_or("it does not say when it expires (`exp`)")?;
        let not_before = time("nbf")?.unwrap_or(f64::NEG_INFINITY);
        in_time(not_before, expires, now)?;
        let subject = ["sub", "client_id", "azp"].iter().find_map(|n| claims.get(*n)?.as_str());
        let subject = subject.unwrap_or("token");
        let name: String = subject.chars().take(NAME_CHARS_MAX).collect();
        let words = words(claims, &settings.scope_claim);
        let is_named = |(word, _): &&(String, Scope)| words.contains(&word.as_str());
        let scopes = settings.scopes.iter().filter(is_named).map(|(_, scope)| *scope).collect();
        let allowance = self.state().allowance(subject, settings);
        let models = settings.models_claim.as_ref().map(|claim| words_of(claims, claim));
        let models = models.filter(|models| !models.iter().any(|model| model == "*"));
        let known = Arc::new(Known::new(name, scopes, models, allowance));
        Ok(Remembered { known, not_before, expires })
    }
}

fn in_time(not_before: f64, expires: f64, now: f64) -> std::result::Result<(), Refusal> {
    if now >= expires + LEEWAY_S {
        return Err("it has expired".to_owned());
    }
    if now < not_before - LEEWAY_S {
        return Err("it does not count yet (`nbf`)".to_owned());
    }
    Ok(())
}

/// The same, owned.
fn words_of(claims: &Map<String, Value>, name: &str) -> Vec<String> {
    words(claims, name).into_iter().map(str::to_owned).collect()
}

/// The words of a claim; a name with dots that is no claim is a way into objects.
fn words<'c>(claims: &'c Map<String, Value>, name: &str) -> Vec<&'c str> {
    let nested = || {
        let mut parts = name.split('.');
        let first = claims.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    };
    match claims.get(name).or_else(nested) {
        Some(Value::String(text)) => text.split_whitespace().collect(),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn read(path: &Path) -> Result<KeySet> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::input("cannot read the key set").at(&shown).because(e))?;
    KeySet::parse(&text).map_err(|e| e.at(shown))
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
