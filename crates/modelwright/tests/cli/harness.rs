//! Runs the binary in a folder of its own and looks at what came out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of one test, removed at its end; commands run inside it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("modelwright-cli-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// A command that is ready to run in this folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modelwright"));
        command
            .args(args)
            .current_dir(&self.0)
            .env("NO_COLOR", "1")
            .env_remove("MODELWRIGHT_STORE")
            .env("XDG_DATA_HOME", self.0.join(".data"))
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(args, &self.command(args).output().unwrap())
    }

    /// Names in the folder, hidden ones too.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What came out of a run.
pub(crate) struct Ran {
    pub(crate) args: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(args: &[&str], output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let ran = Self {
            args: args.join(" "),
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        };
        for word in ["panicked", "RUST_BACKTRACE", "internal error"] {
            assert!(!ran.stderr.contains(word), "`{}` panicked:\n{}", ran.args, ran.stderr);
        }
        ran
    }

    /// Asserts success and returns stdout.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, Some(0), "`{}` failed:\n{}", self.args, self.stderr);
        self.stdout
    }

    /// Asserts that it was refused as bad input, saying all of `words` and nothing on stdout.
    pub(crate) fn refused(self, words: &[&str]) -> String {
        let faults = self.faults_of_refusal(words);
        assert!(faults.is_empty(), "{faults}");
        self.stderr
    }

    /// What is wrong with a refusal as bad input that should say all of `words`; empty when
    /// nothing is.
    pub(crate) fn faults_of_refusal(&self, words: &[&str]) -> String {
        let mut faults = Vec::new();
        if self.code != Some(2) {
            faults.push(format!("exit code {:?} instead of 2", self.code));
        }
        if !self.stdout.is_empty() {
            faults.push("it printed a result".to_owned());
        }
        if !self.stderr.contains("error: ") {
            faults.push("no error was said".to_owned());
        }
        if !["hint:", "expected:"].iter().any(|part| self.stderr.contains(part)) {
            faults.push("it does not say how to fix it".to_owned());
        }
        let silent = words.iter().filter(|word| !self.stderr.contains(**word));
        faults.extend(silent.map(|word| format!("it does not say {word:?}")));
        if faults.is_empty() {
            return String::new();
        }
        format!("`{}`: {}\n{}\n", self.args, faults.join("; "), self.stderr)
    }
}
