//! Tokens that are signed here, taken and refused.

use std::fs;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::json;

use super::*;

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Somebody who signs, and their public key.
struct Signer(Ed25519KeyPair);

impl Signer {
    fn new() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
    }

    fn key(&self, id: &str) -> Value {
        let x = encode(self.0.public_key().as_ref());
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": x })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        format!("{signed}.{}", encode(self.0.sign(signed.as_bytes())))
    }
}

/// A file of keys, and who is expected.
struct Place {
    path: PathBuf,
    jwt: Jwt,
}

impl Place {
    fn new(name: &str, keys: &[Value]) -> Self {
        let file = format!("modelwright-{name}-{}.json", std::process::id());
        let path = std::env::temp_dir().join(file);
        fs::write(&path, json!({ "keys": keys }).to_string()).unwrap();
        let jwt = Jwt::open(JwtSettings {
            keys: path.clone(),
            issuer: "https://id.example".to_owned(),
            audience: "models".to_owned(),
            scope_claim: "scope".to_owned(),
            scopes: JwtSettings::default_scopes(),
            rate: None,
            at_once: None,
            models_claim: None,
        });
        Self { path, jwt: jwt.unwrap() }
    }

    /// The same with limits.
    fn limited(mut self, rate: f64, models_claim: &str) -> Self {
        let models_claim = Some(models_claim.to_owned());
        let settings =
            JwtSettings { rate: Some(rate), models_claim, ..self.jwt.0.settings.clone() };
        self.jwt = Jwt::open(settings).unwrap();
        self
    }

    fn says(&self, token: &str) -> String {
        self.jwt.find(token.as_bytes()).err().unwrap_or_else(|| "fine".to_owned())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn now() -> f64 {
    clock::unix_micros() as f64 / 1e6
}

fn claims() -> Value {
    json!({ "iss": "https://id.example", "aud": ["other", "models"], "sub": "shop",
            "scope": "openid modelwright:predict", "exp": now() + 600.0 })
}

#[test]
fn a_token_of_a_known_key_says_who_asks_and_what_is_allowed() {
    let signer = Signer::new();
    let place = Place::new("jwt-taken", &[signer.key("a")]);
    let token = signer.sign(&json!({ "alg": "EdDSA", "kid": "a", "typ": "at+jwt" }), &claims());
    // The second time it is remembered.
    for _ in 0..2 {
        let known = place.jwt.find(token.as_bytes()).unwrap();
        assert_eq!((known.name.as_str(), known.scopes()), ("shop", vec!["predict"]));
        assert!(known.admit(Scope::Predict).is_ok() && known.admit(Scope::Admin).is_err());
    }
    assert!(Jwt::is_token(token.as_bytes()) && !Jwt::is_token(b"mw_0123"));
    // Without a key id every key of the set is tried.
    assert_eq!(place.says(&signer.sign(&json!({ "alg": "EdDSA" }), &claims())), "fine");
}

#[test]
fn signatures_of_elliptic_curves_are_verified() {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
    let point = pair.public_key().as_ref();
    let key = json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]),
                      "y": encode(&point[33..]) });
    let place = Place::new("jwt-curves", &[key]);
    let head = encode(json!({ "alg": "ES256" }).to_string());
    let signed = format!("{head}.{}", encode(claims().to_string()));
    let signature = encode(pair.sign(&random, signed.as_bytes()).unwrap());
    assert_eq!(place.says(&format!("{signed}.{signature}")), "fine");
    assert!(place.says(&format!("{signed}.{}", encode([1; 64]))).contains("signature"));
}

#[test]
fn whatever_is_not_proved_is_refused_with_its_reason() {
    let (signer, other) = (Signer::new(), Signer::new());
    let place = Place::new("jwt-refused", &[signer.key("a")]);
    let header = json!({ "alg": "EdDSA", "kid": "a" });
    let but = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        signer.sign(&header, &claims)
    };
    let head = |header: Value| signer.sign(&header, &claims());
    // A shared secret that is the public key, as careless verifiers take it.
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, signer.0.public_key().as_ref());
    let signed = format!("{}.{}", encode(r#"{"alg":"HS256"}"#), encode(claims().to_string()));
    let shared = format!("{signed}.{}", encode(ring::hmac::sign(&secret, signed.as_bytes())));
    let none = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(claims().to_string()));
    let fine = signer.sign(&header, &claims());
    let [start, _, end] = fine.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    let mut more = claims();
    more["scope"] = "admin".into();
    let raised = format!("{start}.{}.{end}", encode(more.to_string()));
    for (token, says) in [
        (but("exp", (now() - 61.0).into()), "expired"),
        (but("exp", "tomorrow".into()), "`exp` is no time"),
        (but("exp", Value::Null), "`exp` is no time"),
        (but("nbf", (now() + 90.0).into()), "nbf"),
        (but("nbf", "now".into()), "`nbf` is no time"),
        (but("iss", "https://id.example.evil".into()), "issuer"),
        (but("aud", "others".into()), "audience"),
        (but("aud", Value::Null), "audience"),
        (none, "its algorithm is none of"),
        (shared, "its algorithm is none of"),
        (head(json!({ "alg": "RS256", "kid": "a" })), "does not fit its key"),
        (head(json!({ "alg": "EdDSA", "kid": "b" })), "not in the key set"),
        (head(json!({ "alg": "EdDSA", "crit": ["b64"], "b64": false })), "crit"),
        (head(json!({ "alg": "EdDSA", "typ": "logout+jwt" })), "another type"),
        (head(json!({ "kid": "a" })), "header"),
        (other.sign(&header, &claims()), "signature"),
        (raised, "signature"),
        (format!("{fine}A"), "its signature is wrong"),
        ("eyJ..".to_owned(), "header"),
        ("eyJhbGci".to_owned(), "form"),
        ("x".repeat(20_000), "too long"),
    ] {
        let said = place.says(&token);
        assert!(said.contains(says) || said.contains("form"), "{said}: {says}");
        assert_ne!(said, "fine");
    }
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove("exp");
    assert!(place.says(&signer.sign(&header, &claims)).contains("when it expires"));
}

#[test]
fn keys_are_exchanged_in_the_file_and_a_broken_file_changes_nothing() {
    let (old, new) = (Signer::new(), Signer::new());
    let place = Place::new("jwt-rotated", &[old.key("old")]);
    let of_old = old.sign(&json!({ "alg": "EdDSA", "kid": "old" }), &claims());
    let of_new = new.sign(&json!({ "alg": "EdDSA", "kid": "new" }), &claims());
    assert_eq!(place.says(&of_old), "fine");
    assert!(place.says(&of_new).contains("not in the key set"));
    let pause = LOOK_PAUSE + Duration::from_millis(100);
    fs::write(&place.path, "{").unwrap();
    std::thread::sleep(pause);
    assert_eq!(place.says(&of_old), "fine");
    assert!(place.jwt.take_trouble().unwrap().contains("not a JSON Web Key Set"));
    fs::write(&place.path, json!({ "keys": [new.key("new")] }).to_string()).unwrap();
    std::thread::sleep(pause);
    assert_eq!(place.says(&of_new), "fine");
    assert!(place.says(&of_old).contains("not in the key set"), "also a remembered one is gone");
    assert_eq!(place.jwt.take_trouble(), None);
}

#[test]
fn scopes_are_found_as_text_as_list_and_within_objects() {
    let claims = json!({ "scope": "a b", "scp": ["c"], "realm": { "roles": ["d", 1] },
                         "https://x.y/roles": ["e"] });
    let claims = claims.as_object().unwrap();
    assert_eq!(words(claims, "scope"), ["a", "b"]);
    assert_eq!(words(claims, "scp"), ["c"]);
    assert_eq!(words(claims, "realm.roles"), ["d"]);
    assert_eq!(words(claims, "https://x.y/roles"), ["e"]);
    assert!(words(claims, "realm.none.deep").is_empty() && words(claims, "realm").is_empty());
}

#[test]
fn all_tokens_of_a_subject_share_its_rate_and_are_for_the_models_that_they_name() {
    let signer = Signer::new();
    let place = Place::new("jwt-limits", &[signer.key("a")]).limited(2.0, "ml.models");
    let token = |subject: &str, id: u32, models: Value| {
        let mut claims = claims();
        claims["sub"] = subject.into();
        claims["jti"] = id.into();
        claims["ml"] = json!({ "models": models });
        signer.sign(&json!({ "alg": "EdDSA", "kid": "a" }), &claims)
    };
    let known = |token: String| place.jwt.find(token.as_bytes()).unwrap();
    let first = known(token("shop", 1, json!(["churn", "prices"])));
    assert!(first.may_use("churn") && first.may_use("prices") && !first.may_use("wages"));
    assert!(known(token("shop", 2, json!("churn"))).may_use("churn"));
    assert!(known(token("shop", 2, json!("*"))).may_use("wages"));
    assert!(!known(token("shop", 2, Value::Null)).may_use("churn"), "names none");
    assert!(first.admit(Scope::Predict).is_ok());
    let second = known(token("shop", 3, json!("*")));
    assert!(second.admit(Scope::Predict).is_ok());
    let too_often = Some(super::super::keys::Refused::TooOften(1));
    assert_eq!(first.admit(Scope::Predict).err(), too_often);
    assert_eq!(second.admit(Scope::Predict).err(), too_often);
    assert!(known(token("other", 1, json!("*"))).admit(Scope::Predict).is_ok());
}

#[test]
fn all_tokens_of_a_subject_together_are_answered_so_many_requests_at_a_time() {
    let signer = Signer::new();
    let mut place = Place::new("jwt-at-once", &[signer.key("a")]);
    let settings = JwtSettings { at_once: Some(1), ..place.jwt.0.settings.clone() };
    place.jwt = Jwt::open(settings).unwrap();
    let known = |subject: &str, id: u32| {
        let mut claims = claims();
        claims["sub"] = subject.into();
        claims["jti"] = id.into();
        let token = signer.sign(&json!({ "alg": "EdDSA", "kid": "a" }), &claims);
        place.jwt.find(token.as_bytes()).unwrap()
    };
    let turn = known("shop", 1).admit(Scope::Predict).unwrap();
    let refused = known("shop", 2).admit(Scope::Predict).err();
    assert_eq!(refused, Some(super::super::keys::Refused::TooManyAtOnce(1)));
    assert!(known("other", 1).admit(Scope::Predict).is_ok());
    drop(turn);
    assert!(known("shop", 2).admit(Scope::Predict).is_ok());
}
