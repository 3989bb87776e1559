//! Tests against other people's programs: the real peer as oracle.
//!
//! A virtual environment below `target/` gets the packages in `tests/peers/requirements.txt`
//! (kept while that file does not change), then pytest runs `tests/peers`.

use crate::command::{self, Outcome, root};

/// Installs the peers where needed and runs the tests.
pub(crate) fn run() -> Outcome {
    command::run("cargo", &["build", "--release", "--locked"])?;
    let python = tests_environment()?;
    command::run(&python, &["-m", "pytest", "-q", "tests/peers"])
}

/// The interpreter of the environment of the tests.
pub(crate) fn tests_environment() -> Result<String, String> {
    environment("tests/peers/requirements.txt", "peers")
}

/// The interpreter of an environment `target/<name>` that has what a requirements file names.
pub(crate) fn environment(requirements: &str, name: &str) -> Result<String, String> {
    let requirements = root().join(requirements);
    let wanted = std::fs::read_to_string(&requirements)
        .map_err(|e| format!("{}: {e}", requirements.display()))?;
    let folder = root().join("target").join(name);
    let stamp = folder.join("installed.txt");
    let python = folder.join("bin/python").to_string_lossy().into_owned();
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let folder_text = folder.to_string_lossy().into_owned();
    command::run("python3", &["-m", "venv", "--clear", &folder_text])?;
    let requirements = requirements.to_string_lossy().into_owned();
    command::run(&python, &["-m", "pip", "install", "-q", "-r", &requirements])?;
    std::fs::write(&stamp, wanted).map_err(|e| format!("{}: {e}", stamp.display()))?;
    Ok(python)
}
