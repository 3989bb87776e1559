//! Places for the stores of tests: a folder, and a real PostgreSQL server where there is one.
//!
//! The server is Debian's package `postgresql`, started once for all tests of the process with its
//! data in a temporary folder, reached by a socket in that folder alone, and ended with the
//! process: a shell beside it waits for the end of a pipe. It refuses to run as root, so root
//! starts it as the user `postgres`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use super::super::Store;
use crate::outputs::tests::Folder;

/// The place of a test's store, removed at its end.
pub(crate) struct Home {
    folder: Folder,
    place: PathBuf,
}

impl Home {
    /// A store in a folder.
    pub(crate) fn in_folder(name: &str) -> Self {
        let folder = Folder::new(name);
        let place = folder.path().join("store");
        Self { folder, place }
    }

    /// A store on the server; `None` where there is none.
    pub(crate) fn on_server(name: &str) -> Option<Self> {
        let url = server()?;
        let folder = Folder::new(&format!("{name}-server"));
        let schema = name.replace('-', "_");
        let cache = folder.path().join("cache");
        let place = format!("{url}?schema={schema}&cache={}", cache.display()).into();
        Some(Self { folder, place })
    }

    /// A folder for the files of the test.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What names the store.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// The store.
    pub(crate) fn open(&self) -> Store {
        Store::open(&self.place, super::NOW).unwrap()
    }
}

/// Runs a test with a store in a folder, and with one on a server where there is one.
pub(crate) fn on_both(name: &str, test: impl Fn(&Home)) {
    test(&Home::in_folder(name));
    if let Some(home) = Home::on_server(name) {
        println!("{name}: now on a server");
        test(&home);
    }
}

/// The URL of the server of this process, without parameters.
pub(crate) fn server() -> Option<&'static str> {
    static SERVER: OnceLock<Option<(String, Mutex<Child>)>> = OnceLock::new();
    let started = SERVER.get_or_init(|| {
        let programs = programs();
        if programs.is_none() {
            println!("skipped on a server: Debian's package postgresql is not installed");
        }
        Some(start(&programs?))
    });
    started.as_ref().map(|(url, _)| url.as_str())
}

/// The folder of the newest server's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<(u32, PathBuf)> = versions
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .filter(|(_, path)| path.join("bin/initdb").is_file())
        .collect();
    found.sort();
    Some(found.pop()?.1.join("bin"))
}

/// Starts a server; it ends with the pipe to the shell that is returned with its URL.
fn start(programs: &Path) -> (String, Mutex<Child>) {
    let is_root = std::fs::metadata("/proc/self")
        .is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0);
    let script = format!(
        "set -e; D=$(mktemp -d /tmp/mwpg.XXXXXX); cd $D; P={}; \
         $P/initdb -D data -U tester -A trust -E UTF8 --locale=C -N >log 2>&1; \
         $P/postgres -D data -k $D -c listen_addresses= -c fsync=off -c max_connections=200 \
             >>log 2>&1 & S=$!; \
         for i in $(seq 150); do $P/pg_isready -q -h $D && break; sleep 0.1; done; \
         echo $D; cat >/dev/null; kill -INT $S; wait $S || true; rm -rf $D",
        programs.display()
    );
    let mut command = if is_root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh", "-c", &script]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        command
    };
    let piped = command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut line = String::new();
    let mut said = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    let folder = line.trim();
    assert!(!folder.is_empty(), "the server did not start; is its user allowed to?");
    let url = format!("postgres://tester@{}/postgres", folder.replace('/', "%2F"));
    (url, Mutex::new(child))
}
