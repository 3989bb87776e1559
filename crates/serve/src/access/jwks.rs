//! The public keys of those who sign tokens: a JSON Web Key Set (RFC 7517) in a file.
//!
//! Only public keys of signatures are taken: RSA, elliptic curves (P-256, P-384) and Ed25519. What
//! a key can verify follows from its type and never from what a token says of itself, so that a
//! public key cannot be passed off as a shared secret.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use modelwright_core::{Error, Result};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;

/// The algorithms that tokens may be signed by; `none` and shared secrets (HS256 …) are not.
pub(crate) const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// RSA keys of fewer bytes are too weak (2,048 bits).
const RSA_BYTES_MIN: usize = 256;

/// Public keys.
#[derive(Debug)]
pub(crate) struct KeySet(Vec<PublicKey>);

#[derive(Debug)]
struct PublicKey {
    id: Option<String>,
    /// The one algorithm that it is for, if it says so.
    algorithm: Option<String>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct File {
    keys: Vec<serde_json::Value>,
}

/// The members of a key that matter here (RFC 7518, section 6; RFC 8037).
#[derive(Deserialize)]
struct Entry {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// Of a private key, or a shared secret.
    d: Option<serde::de::IgnoredAny>,
}

impl KeySet {
    /// Reads a key set. Keys of unknown types and for other uses are left out, as the RFC has it.
    ///
    /// # Errors
    /// Input error for a text that is no key set, a private key, a key that is broken or too weak,
    /// or when none is left.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let file: File = serde_json::from_str(text).map_err(|e| {
            Error::input("not a JSON Web Key Set")
                .expected("{\"keys\": [{\"kty\": \"RSA\", \"kid\": …, \"n\": …, \"e\": …}, …]}")
                .because(e)
        })?;
        let mut keys = Vec::new();
        for (i, value) in file.keys.into_iter().enumerate() {
            let at = |error: Error| error.at(format!("key {} of the set", i + 1));
            let entry: Entry = serde_json::from_value(value)
                .map_err(|e| at(Error::input("not a JSON Web Key").because(e)))?;
            if entry.d.is_some() {
                return Err(at(Error::input("the set holds a private key")
                    .expected("public keys alone")
                    .hint("whoever has this file can sign tokens; take the issuer's jwks_uri")));
            }
            keys.extend(entry.key().map_err(at)?);
        }
        if keys.is_empty() {
            return Err(Error::input("the set has no key that tokens could be verified by")
                .expected("public keys of RSA, P-256, P-384 or Ed25519 for signatures"));
        }
        Ok(Self(keys))
    }

    /// Whether the signature is that of a key of the set. With a key id only that key counts.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn verify(
        &self,
        algorithm: &str,
        id: Option<&str>,
        signed: &[u8],
        signature: &[u8],
    ) -> std::result::Result<(), &'static str> {
        let is_named = |key: &&PublicKey| id.is_none() || key.id.as_deref() == id;
        let mut named = self.0.iter().filter(is_named).peekable();
        if named.peek().is_none() {
            return Err("it is signed by a key that is not in the key set");
        }
        let mut fitting = named.filter(|key| key.is_for(algorithm)).peekable();
        if fitting.peek().is_none() {
            return Err("its algorithm does not fit its key");
        }
        if fitting.any(|key| key.material.verify(algorithm, signed, signature)) {
            return Ok(());
        }
        Err("its signature is wrong")
    }
}

impl Entry {
    fn key(self) -> Result<Option<PublicKey>> {
        if self.r#use.as_deref().is_some_and(|purpose| purpose != "sig") {
            return Ok(None);
        }
        let bytes = |name: &str, text: &Option<String>| {
            let decoded = text.as_ref().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
            decoded.ok_or_else(|| {
                Error::input(format!("the member `{name}` of the key is wrong"))
                    .expected("base64url without padding")
            })
        };
        let coordinate = |name: &str, text: &Option<String>, n: usize| {
            let decoded = bytes(name, text)?;
            if decoded.len() == n {
                return Ok(decoded);
            }
            Err(Error::input(format!("the member `{name}` of the key is wrong"))
                .expected(format!("{n} bytes"))
                .got(format!("{} bytes", decoded.len())))
        };
        let point = |n: usize| -> Result<Vec<u8>> {
            Ok([&[4], &*coordinate("x", &self.x, n)?, &*coordinate("y", &self.y, n)?].concat())
        };
        let material = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => {
                let (n, e) = (bytes("n", &self.n)?, bytes("e", &self.e)?);
                let start = n.iter().position(|byte| *byte != 0).unwrap_or(n.len());
                if n.len() - start < RSA_BYTES_MIN {
                    return Err(Error::input("a key of RSA is too weak")
                        .expected("at least 2048 bits")
                        .got(format!("{} bits", 8 * (n.len() - start))));
                }
                Material::Rsa { n: n[start..].to_vec(), e }
            }
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(coordinate("x", &self.x, 32)?),
            _ => return Ok(None),
        };
        Ok(Some(PublicKey { id: self.kid, algorithm: self.alg, material }))
    }
}

impl PublicKey {
    fn is_for(&self, algorithm: &str) -> bool {
        let of_type = match self.material {
            Material::Rsa { .. } => rsa_parameters(algorithm).is_some(),
            Material::P256(_) => algorithm == "ES256",
            Material::P384(_) => algorithm == "ES384",
            Material::Ed25519(_) => algorithm == "EdDSA",
        };
        let own = self.algorithm.as_deref();
        // `Ed25519` is the newer name of the same (RFC 9864).
        let is_newer = |own: &str| algorithm == "EdDSA" && own == "Ed25519";
        let is_own = own.is_none_or(|own| own == algorithm || is_newer(own));
        of_type && is_own
    }
}

impl Material {
    fn verify(&self, algorithm: &str, signed: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::Rsa { n, e } => {
                let Some(parameters) = rsa_parameters(algorithm) else { return false };
                RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature)
            }
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature)
            }
            Self::P384(point) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(signed, signature)
            }
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(signed, signature),
        };
        verified.is_ok()
    }
}

fn rsa_parameters(algorithm: &str) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        "PS384" => &RSA_PSS_2048_8192_SHA384,
        "PS512" => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.2 and A.4: a key of Ed25519, and a text that it signed.
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const SIGNED: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    const SIGNATURE: &str = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhV\
                             sPt9g7sVvpAr_MuM0KAg";

    #[test]
    fn the_example_of_the_rfc_is_verified_and_nothing_else() {
        let set = format!(
            r#"{{"keys": [{{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "{X}"}},
                {{"kty": "oct", "k": "c2VjcmV0"}}, {{"kty": "RSA", "use": "enc"}}]}}"#
        );
        let set = KeySet::parse(&set).unwrap();
        assert_eq!(set.0.len(), 1);
        let signature = URL_SAFE_NO_PAD.decode(SIGNATURE).unwrap();
        let verify = |algorithm, id, signed: &str| {
            set.verify(algorithm, id, signed.as_bytes(), &signature).err().unwrap_or("fine")
        };
        assert_eq!(verify("EdDSA", None, SIGNED), "fine");
        assert_eq!(verify("EdDSA", Some("a"), SIGNED), "fine");
        assert_eq!(verify("EdDSA", None, &SIGNED[1..]), "its signature is wrong");
        assert!(verify("EdDSA", Some("b"), SIGNED).contains("not in the key set"));
        for algorithm in ["RS256", "ES256", "HS256", "none", ""] {
            assert!(verify(algorithm, None, SIGNED).contains("does not fit"), "{algorithm}");
        }
    }

    #[test]
    fn a_set_that_is_no_good_says_why() {
        let weak = URL_SAFE_NO_PAD.encode([255; 128]);
        let private = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}","d":"AA"}}"#);
        for (keys, says) in [
            ("[]".to_owned(), "no key"),
            (r#"[{"kty":"oct","k":"AA"}]"#.to_owned(), "no key"),
            (format!("[{private}]"), "private key"),
            (r#"[{"kty":"OKP","crv":"Ed25519","x":"AA"}]"#.to_owned(), "32 bytes"),
            (r#"[{"kty":"EC","crv":"P-256","x":"!"}]"#.to_owned(), "base64url"),
            (format!(r#"[{{"kty":"RSA","n":"{weak}","e":"AQAB"}}]"#), "2048 bits"),
            (r#"[{"kid":"a"}]"#.to_owned(), "key 1 of the set"),
            ("1".to_owned(), "not a JSON Web Key Set"),
        ] {
            let error = KeySet::parse(&format!(r#"{{"keys": {keys}}}"#)).unwrap_err().to_string();
            assert!(error.contains(says), "{error}: {says}");
        }
    }
}
