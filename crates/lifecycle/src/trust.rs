//! Whom encrypted connections of ours trust: what the machine trusts, or a file that was named.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::http::trusted_file;

/// What agrees on keys with servers for which a certificate of `file` vouches, or one that the
/// machine trusts (`SSL_CERT_FILE`, or the system's list), or, where it has none, one of Mozilla's.
///
/// # Errors
/// In words, when the file cannot be read or holds no certificate.
pub(crate) fn client_config(file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    match file.map(PathBuf::from).or_else(trusted_file) {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            let wrong = |why: String| format!("{}: {why}", file.display());
            let read = CertificateDer::pem_file_iter(&file).map_err(|e| wrong(e.to_string()))?;
            // A system's list may hold some that are too old to be understood.
            roots.add_parsable_certificates(read.filter_map(Result::ok));
            if roots.is_empty() {
                return Err(wrong("the file holds no certificate".to_owned()));
            }
        }
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
}
