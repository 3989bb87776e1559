//! Encrypted connections: certificates and keys from files, clients asked for theirs if wished.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use modelwright_core::{Error, Result};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

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
    /// What agrees on keys with clients.
    ///
    /// # Errors
    /// Input error for a file that is not there, or holds something else.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor> {
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
