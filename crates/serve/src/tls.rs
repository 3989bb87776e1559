//! Encrypted connections: certificates and keys from files, clients asked for theirs if wished.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use modelwright_core::{Error, Result};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::stamp::FileStamp;

/// Files of a server's identity, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificate, and those between it and a root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Who signs the certificates of clients; without it clients need none.
    pub client_ca: Option<PathBuf>,
}

impl TlsSettings {
    fn stamps(&self) -> [Option<FileStamp>; 3] {
        let of = |path: &PathBuf| FileStamp::of(path);
        [of(&self.certificate), of(&self.key), self.client_ca.as_ref().and_then(of)]
    }

    /// What agrees on keys with clients.
    ///
    /// # Errors
    /// Input error for a file that is not there, or holds something else.
    fn acceptor(&self) -> Result<TlsAcceptor> {
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|e| {
            wrong("the private key cannot be read", &self.key)
                .expected("a key in PEM: -----BEGIN PRIVATE KEY-----")
                .because(e)
        })?;
        let builder = match &self.client_ca {
            None => ServerConfig::builder().with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(path)? {
                    roots.add(certificate).map_err(|e| {
                        wrong("the certificate of clients' signer is wrong", path).because(e)
                    })?;
                }
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
                let verifier = verifier
                    .map_err(|e| wrong("clients cannot be verified by this", path).because(e))?;
                ServerConfig::builder().with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|e| {
            wrong("certificate and key do not go together", &self.certificate).because(e)
        })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// The identity of a running server, exchanged when its files are.
pub(crate) struct Tls {
    settings: TlsSettings,
    current: RwLock<TlsAcceptor>,
    /// The files as they were when they were last read.
    seen: Mutex<[Option<FileStamp>; 3]>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Input error for a file that is not there, or holds something else.
    pub(crate) fn open(settings: TlsSettings) -> Result<Self> {
        let seen = Mutex::new(settings.stamps());
        let current = RwLock::new(settings.acceptor()?);
        Ok(Self { settings, current, seen })
    }

    /// What agrees on keys with the next client.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again if one changed, and in any case with `again`; `None` if not.
    /// Connections that are open stay as they are.
    ///
    /// # Errors
    /// Input error for files that are no good, or do not go together: those before count on.
    pub(crate) fn renew(&self, again: bool) -> Option<Result<()>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.settings.stamps();
        if *seen == now && !again {
            return None;
        }
        *seen = now;
        Some(self.settings.acceptor().map(|fresh| {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }))
    }
}

pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<_>);
    let chain: Vec<_> = read.map_err(|e| {
        wrong("the certificate cannot be read", path)
            .expected("certificates in PEM: -----BEGIN CERTIFICATE-----")
            .because(e)
    })?;
    if chain.is_empty() {
        return Err(wrong("the file holds no certificate", path)
            .expected("certificates in PEM: -----BEGIN CERTIFICATE-----"));
    }
    Ok(chain)
}

fn wrong(what: &str, path: &Path) -> Error {
    Error::input(what).at(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use ring::rand::SystemRandom;
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    /// A value of ASN.1 in DER.
    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let n = content.len();
        assert!(n < 256, "a longer one has its length in two bytes");
        let length = if n < 128 { vec![n as u8] } else { vec![0x81, n as u8] };
        [&[tag], &length[..], &content].concat()
    }

    /// A certificate of a key that it signs itself, and the key, in PEM (RFC 5280, section 4.1).
    fn identity() -> (String, String) {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap();
        let algorithm = der(0x30, &[&[0x06, 3, 0x2b, 0x65, 0x70]]);
        let bits = |bytes: &[u8]| der(0x03, &[&[0], bytes]);
        let (version, serial, name) = (der(0xa0, &[&[2, 1, 2]]), [2, 1, 1], der(0x30, &[]));
        let time = |text: &str| der(0x17, &[text.as_bytes()]);
        let validity = der(0x30, &[&time("200101000000Z"), &time("491231235959Z")]);
        let public = der(0x30, &[&algorithm, &bits(pair.public_key().as_ref())]);
        let own: [&[u8]; 7] = [&version, &serial, &algorithm, &name, &validity, &name, &public];
        let body = der(0x30, &own);
        let signature = bits(pair.sign(&body).as_ref());
        let certificate = der(0x30, &[&body, &algorithm, &signature]);
        let pem = |label: &str, bytes: &[u8]| {
            let text = STANDARD.encode(bytes);
            format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
        };
        (pem("CERTIFICATE", &certificate), pem("PRIVATE KEY", key.as_ref()))
    }

    #[test]
    fn a_certificate_that_changes_counts_once_its_key_fits_and_the_old_one_until_then() {
        let folder = std::env::temp_dir().join(format!("mw-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
        let write = |path: &Path, text: &str| std::fs::write(path, text).unwrap();
        let (old, new) = (identity(), identity());
        write(&certificate, &old.0);
        write(&key, &old.1);
        let (settings, other) = (TlsSettings { certificate, key, client_ca: None }, &new);
        let tls = Tls::open(settings.clone()).unwrap();
        let now = || tls.acceptor().config().clone();
        let first = now();
        assert!(tls.renew(false).is_none(), "nothing changed");
        write(&settings.certificate, &other.0);
        let error = tls.renew(false).unwrap().unwrap_err().to_string();
        assert!(error.contains("do not go together"), "{error}");
        assert!(Arc::ptr_eq(&now(), &first) && tls.renew(false).is_none(), "told once");
        write(&settings.key, &other.1);
        assert!(tls.renew(false).unwrap().is_ok() && !Arc::ptr_eq(&now(), &first));
        std::fs::remove_file(&settings.key).unwrap();
        assert!(tls.renew(false).unwrap().is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
