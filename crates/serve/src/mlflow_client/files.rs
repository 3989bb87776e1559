//! Files up to where a URI says.

use modelwright_core::Result;

use super::server::{Line, encoded};

/// What URIs of files begin with that the server keeps itself.
const SCHEME: &str = "mlflow-artifacts:";

impl Line<'_> {
    /// Uploads a file below a URI; `false` when the server does not keep the files of that URI.
    pub(super) fn upload(&self, uri: &str, name: &str, bytes: &[u8]) -> Result<bool> {
        let Some(folder) = folder_of(uri) else { return Ok(false) };
        let parts = folder.split('/').chain(name.split('/')).filter(|part| !part.is_empty());
        let path: Vec<String> = parts.map(encoded).collect();
        let path = format!("/api/2.0/mlflow-artifacts/artifacts/{}", path.join("/"));
        let sent = self.ask("PUT", &path, "application/octet-stream", bytes);
        sent.map_err(|refused| refused.error(self.server))?;
        Ok(true)
    }
}

/// The folder that a URI names on the server itself; a host in it is the server's own name.
fn folder_of(uri: &str) -> Option<&str> {
    let rest = uri.strip_prefix(SCHEME)?;
    Some(match rest.strip_prefix("//") {
        Some(with_host) => with_host.split_once('/').map_or("", |(_, path)| path),
        None => rest.trim_start_matches('/'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_the_server_keeps_have_a_folder_there() {
        assert_eq!(folder_of("mlflow-artifacts:/1/r/artifacts"), Some("1/r/artifacts"));
        assert_eq!(folder_of("mlflow-artifacts://host:1/1/r"), Some("1/r"));
        assert_eq!(folder_of("s3://bucket/1"), None);
        assert_eq!(folder_of("/mlruns/1"), None);
    }
}
