//! The Python package: built, installed and tested as users get it.
//!
//! maturin builds the wheel into `target/wheels` with the crates of the release build; it is
//! installed into the environment of the tests (see [`crate::peers`]), in which pytest runs
//! `python/tests` and the examples in the documentation, and mypy reads the examples.

use std::path::PathBuf;

use crate::command::{self, Outcome, root};
use crate::peers;

/// Builds, installs and tests the package.
pub(crate) fn run() -> Outcome {
    peers::build()?;
    let python = peers::tests_environment()?;
    let wheel = wheel(&python)?;
    let install = ["-m", "pip", "install", "-q", "--force-reinstall", "--no-deps", &wheel];
    command::run(&python, &install)?;
    // From the installed package, not from the sources beside the tests.
    command::run(&python, &["-m", "pytest", "-c", "python/pyproject.toml", "python/tests"])?;
    let strict = ["-m", "mypy", "--config-file", "python/pyproject.toml", "python/examples"];
    command::run(&python, &strict)
}

/// Builds the wheel; returns its path.
fn wheel(python: &str) -> Result<String, String> {
    let folder = root().join("target/wheels");
    // Only the wheel of this build is wanted there.
    let _ = std::fs::remove_dir_all(&folder);
    let out = folder.to_string_lossy().into_owned();
    let maturin = ["-m", "maturin", "build", "--release", "--locked", "--quiet", "--out", &out];
    command::run_in("python", python, &maturin, &[])?;
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("{out}: {e}"))?;
    let wheels: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    match wheels.as_slice() {
        [wheel] => Ok(wheel.to_string_lossy().into_owned()),
        other => Err(format!("{out}: one wheel was expected, {} are there", other.len())),
    }
}
