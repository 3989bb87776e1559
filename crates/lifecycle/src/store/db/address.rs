//! The URL of a server: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…&schema=…`.
//!
//! What PostgreSQL's own programs understand is understood, and three parameters more:
//! `sslrootcert`, a file of certificates to trust, `schema`, where the tables are, and `cache`, the
//! folder where copies of files are kept near. The password
//! is better given in `PGPASSWORD`, which no list of processes shows. Unlike with those programs an
//! encrypted connection always verifies whom it talks to, and a server elsewhere is not talked to
//! unencrypted unless `sslmode=disable` says so.

use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};
use postgres::config::{Config, Host, SslMode};

use crate::digest::sha256_hex;

/// What URLs begin with.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Where the tables are, if nothing else is said.
const SCHEMA: &str = "modelwright";

/// How long a connection may take.
const CONNECT_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(10);

/// A server, a database on it, and how to reach them.
#[derive(Clone)]
pub(in crate::store) struct Address {
    pub(super) config: Config,
    pub(super) schema: String,
    /// Certificates to trust, in place of the machine's.
    pub(super) roots: Option<PathBuf>,
    cache: Option<PathBuf>,
}

/// Whether a store is on a server, rather than in a folder.
pub(crate) fn is_address(place: &Path) -> bool {
    place.to_str().is_some_and(|text| SCHEMES.iter().any(|scheme| text.starts_with(scheme)))
}

/// The name of a store as it may be shown: without a password.
pub(in crate::store) fn shown(place: &Path) -> String {
    match Address::parse(place) {
        Ok(Some(address)) => address.shown(),
        Ok(None) => place.display().to_string(),
        // What cannot be understood may hold a password anywhere.
        Err(_) => "postgres://…".to_owned(),
    }
}

impl Address {
    /// Reads a URL; `None` for a folder.
    ///
    /// # Errors
    /// Input error for a URL that names no server.
    pub(in crate::store) fn parse(place: &Path) -> Result<Option<Self>> {
        let Some(text) = place.to_str().filter(|_| is_address(place)) else { return Ok(None) };
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut schema, mut roots, mut cache, mut mode) = (SCHEMA.to_owned(), None, None, None);
        let mut rest = Vec::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("schema", name)) => name.clone_into(&mut schema),
                Some(("sslrootcert", file)) => roots = Some(PathBuf::from(file)),
                Some(("cache", folder)) => cache = Some(PathBuf::from(folder)),
                Some(("sslmode", name)) => mode = Some(mode_of(name)?),
                _ => rest.push(part),
            }
        }
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if schema.is_empty() || schema.len() > 60 || !schema.chars().all(is_name) {
            return Err(Error::input("the schema of the store cannot be named so")
                .got(schema)
                .expected("small letters, digits and `_`"));
        }
        let mut config: Config = format!("{base}?{}", rest.join("&")).parse().map_err(|e| {
            wrong("the URL of the store cannot be understood").because(without_url(&e))
        })?;
        if config.get_hosts().is_empty() {
            return Err(wrong("the URL of the store names no server").at("--store"));
        }
        if config.get_password().is_none()
            && let Some(password) = std::env::var_os("PGPASSWORD").filter(|p| !p.is_empty())
        {
            config.password(password.as_encoded_bytes());
        }
        let is_here = config.get_hosts().iter().all(is_this_machine);
        let default = if is_here { SslMode::Disable } else { SslMode::Require };
        config.ssl_mode(mode.unwrap_or(default));
        config.application_name("modelwright").connect_timeout(CONNECT_TIME_MAX);
        Ok(Some(Self { config, schema, roots, cache }))
    }

    /// The address without the password.
    pub(super) fn shown(&self) -> String {
        let user = self.config.get_user().map_or_else(String::new, |user| format!("{user}@"));
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        });
        let hosts: Vec<String> = hosts.collect();
        let ports: Vec<String> = self.config.get_ports().iter().map(u16::to_string).collect();
        let port = if ports.is_empty() { "5432".to_owned() } else { ports.join(",") };
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or_default();
        let schema =
            if self.schema == SCHEMA { String::new() } else { format!("?schema={}", self.schema) };
        format!("postgres://{user}{}:{port}/{database}{schema}", hosts.join(","))
    }

    /// The folder where files of the store are kept near.
    pub(super) fn cache(&self) -> PathBuf {
        if let Some(folder) = &self.cache {
            return folder.clone();
        }
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = || set("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let above = set("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        let above = above.unwrap_or_else(std::env::temp_dir).join("modelwright");
        above.join(&sha256_hex(self.shown().as_bytes())[..16])
    }
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn mode_of(name: &str) -> Result<SslMode> {
    match name {
        "disable" => Ok(SslMode::Disable),
        "require" | "verify-ca" | "verify-full" => Ok(SslMode::Require),
        other => Err(Error::input("unknown sslmode in the URL of the store")
            .got(other)
            .expected("`disable`, or `require`, which verifies the server's certificate")
            .suggest(other, ["disable", "require", "verify-full"])),
    }
}

fn wrong(what: &str) -> Error {
    Error::input(what).expected("postgres://USER:PASSWORD@HOST:PORT/DATABASE")
}

/// What was wrong, without the text that it was found in: it may hold the password.
fn without_url(error: &postgres::Error) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| "it is no URL".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Address {
        Address::parse(Path::new(text)).unwrap().unwrap()
    }

    #[test]
    fn a_url_is_shown_without_its_password() {
        let address = parsed("postgres://ada:s%40fe@db.example:6432/team?sslmode=require");
        assert_eq!(address.config.get_password(), Some("s@fe".as_bytes()));
        assert_eq!(address.shown(), "postgres://ada@db.example:6432/team");
        assert_eq!(shown(Path::new("postgres://ada:pw@h/d?sslmode=no")), "postgres://…");
        assert_eq!(shown(Path::new("some/folder")), "some/folder");
        let other = parsed("postgresql://ada@db.example/team?schema=b");
        assert_eq!(other.shown(), "postgres://ada@db.example:5432/team?schema=b");
    }

    #[test]
    fn a_server_elsewhere_is_talked_to_encrypted_unless_said_otherwise() {
        let mode = |text: &str| parsed(text).config.get_ssl_mode();
        assert_eq!(mode("postgres://a@db.example/x"), SslMode::Require);
        assert_eq!(mode("postgres://a@db.example/x?sslmode=disable"), SslMode::Disable);
        assert_eq!(mode("postgres://a@localhost/x"), SslMode::Disable);
        assert_eq!(mode("postgres://a@%2Frun%2Fpg/x"), SslMode::Disable);
    }

    #[test]
    fn a_url_that_names_no_server_or_asks_for_something_unknown_is_refused() {
        let refused = |text: &str| Address::parse(Path::new(text)).err().unwrap().to_string();
        assert!(refused("postgres:///x").contains("names no server"));
        let text = refused("postgres://a:secret@h:no/x");
        assert!(text.contains("cannot be understood") && !text.contains("secret"), "{text}");
        assert!(refused("postgres://h/x?sslmode=requires").contains("did you mean `require`"));
        assert!(refused("postgres://h/x?schema=a;b").contains("small letters"));
        assert!(Address::parse(Path::new("a/postgres")).unwrap().is_none());
    }
}
