//! `cargo xtask test`: everything a change must pass, in the order in which it fails fastest.

use crate::command::{self, Outcome, run_with, steps};
use crate::{docs, layers, peers, python, tidy};

/// Format, tidy rules, layer law, lints.
pub(crate) fn check() -> Outcome {
    steps(&[
        ("format", &|| command::run("cargo", &["fmt", "--all", "--check"])),
        ("tidy", &tidy::run),
        ("layers", &layers::run),
        ("lints", &lints),
    ])
}

/// All of it. The reference pages are compared by the tests, as every test of the workspace is.
pub(crate) fn run() -> Outcome {
    steps(&[
        ("check", &check),
        ("unit, integration and doc tests", &tests),
        ("API documentation", &docs::api),
        ("release build", &peers::build),
        ("peers", &peers::run),
        ("Python package", &python::run),
    ])
}

fn lints() -> Outcome {
    let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    command::run("cargo", &arguments)
}

fn tests() -> Outcome {
    peers::database();
    run_with("cargo", &["test", "--workspace", "--locked"], &[("RUST_BACKTRACE", "1")])
}
