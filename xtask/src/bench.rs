//! `cargo xtask bench <what>`: measurements by hand, never part of the tests.

use crate::command::{self, Outcome};
use crate::peers;

/// Runs `bench/<what>.py` with the release build and the peers' environment.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let known = ["fit", "predict"];
    let Some(what) = arguments.first().filter(|a| known.contains(&a.as_str())) else {
        return Err(format!("cargo xtask bench <{}> [arguments]", known.join("|")));
    };
    command::run("cargo", &["build", "--release", "--locked"])?;
    let python = peers::environment()?;
    let script = format!("bench/{what}.py");
    let mut words = vec![script.as_str()];
    words.extend(arguments[1..].iter().map(String::as_str));
    command::run(&python, &words)
}
