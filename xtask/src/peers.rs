//! Tests against other people's programs: the real peer as oracle.
//!
//! A virtual environment below `target/` gets the packages in `tests/peers/requirements.txt`
//! (kept while that file does not change), then pytest runs `tests/peers`.

use crate::command::{self, Outcome, root};

/// Installs the peers where needed and runs the tests.
pub(crate) fn run() -> Outcome {
    build()?;
    let python = tests_environment()?;
    // Of its own: it wants other versions of what other peers bring.
    environment("tests/peers/kserve/requirements.txt", "peers-kserve")?;
    browser();
    database();
    command::run(&python, &["-m", "pytest", "-q", "tests/peers"])
}

/// Installs the browser that looks at reports, where it is missing and Debian's packages can be
/// installed; without one its tests are skipped, and say so.
fn browser() {
    let has = |name: &str| std::process::Command::new(name).arg("--version").output().is_ok();
    if has("chromium") || has("chromium-browser") {
        return;
    }
    let install = "apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium";
    if let Err(reason) = command::run("sh", &["-c", install]) {
        eprintln!("    reports are not looked at in a browser: {reason}");
    }
}

/// Installs the server that a team's store may be on, where it is missing and Debian's packages can
/// be installed; without one the tests of such a store are skipped, and say so.
pub(crate) fn database() {
    let has =
        std::fs::read_dir("/usr/lib/postgresql").is_ok_and(|mut found| found.next().is_some());
    if has {
        return;
    }
    let install = "apt-get -qq update && apt-get -qq install -y --no-install-recommends postgresql";
    if let Err(reason) = command::run("sh", &["-c", install]) {
        eprintln!("    stores on a server are not tested: {reason}");
    }
}

/// Builds what is shipped: the binary, and with it all that the Python package needs, so that both
/// share every crate below them.
pub(crate) fn build() -> Outcome {
    let binding = "modelwright-python";
    let feature = "modelwright-python/extension-module";
    let packages = ["-p", "modelwright", "-p", binding, "--features", feature];
    command::run("cargo", &[&["build", "--release", "--locked"][..], &packages].concat())
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
