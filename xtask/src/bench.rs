//! `cargo xtask bench <what>`: measurements by hand, never part of the tests.

use crate::command::{self, Outcome, run_with};
use crate::peers;

/// Crates whose examples the measurements of the tree engine run.
const TREE_EXAMPLES: [&str; 3] =
    ["modelwright-kernels", "modelwright-learners", "modelwright-lifecycle"];

/// Runs a measurement with release builds and the peers' environment.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    match arguments.first().map(String::as_str) {
        Some(what @ ("coverage" | "fit" | "predict" | "quality" | "leaks" | "labels")) => {
            script(what, &arguments[1..])
        }
        Some("trees") => trees(&arguments[1..]),
        Some("store") => store(&arguments[1..]),
        _ => {
            let known = "coverage|fit|predict|quality|leaks|labels|store|trees";
            Err(format!("cargo xtask bench <{known}> [arguments]"))
        }
    }
}

/// What a store survives: kills at random moments, and writers and readers for minutes. `kill` or
/// `load` alone does one of them; further arguments are its own.
fn store(arguments: &[String]) -> Outcome {
    command::run("cargo", &["build", "--release", "--locked"])?;
    let python = peers::tests_environment()?;
    let program = "target/release/modelwright";
    let (only, more) = match arguments.split_first() {
        Some((what, more)) if ["kill", "load"].contains(&what.as_str()) => (what.as_str(), more),
        _ => ("", arguments),
    };
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    if only != "load" {
        let folder = format!("target/bench-store-{}", std::process::id());
        let words = [&["bench/store/kill.py", program, folder.as_str()], more.as_slice()].concat();
        let done = command::run(&python, &words);
        // What is left of a failure is worth a look.
        if done.is_ok() {
            let _ = std::fs::remove_dir_all(&folder);
        }
        done?;
    }
    if only == "kill" {
        return Ok(());
    }
    command::run(
        &python,
        &[&["bench/store/load.py", "--binary", program], more.as_slice()].concat(),
    )
}

/// Runs `bench/<what>.py`.
fn script(what: &str, arguments: &[String]) -> Outcome {
    command::run("cargo", &["build", "--release", "--locked"])?;
    let python = peers::tests_environment()?;
    let script = format!("bench/{what}.py");
    let mut words = vec![script.as_str()];
    words.extend(arguments.iter().map(String::as_str));
    command::run(&python, &words)
}

/// Runs the package `bench/trees`.
fn trees(arguments: &[String]) -> Outcome {
    // The program itself takes minutes to build and is measured only there.
    if arguments.iter().any(|word| word == "accuracy") {
        command::run("cargo", &["build", "--release", "--locked"])?;
    }
    let mut words = vec!["build", "--release", "--locked", "--examples"];
    words.extend(TREE_EXAMPLES.iter().flat_map(|name| ["-p", name]));
    command::run("cargo", &words)?;
    let python = peers::environment("bench/trees/requirements.txt", "peers-trees")?;
    let mut words = vec!["-m", "trees"];
    words.extend(arguments.iter().map(String::as_str));
    run_with(&python, &words, &[("PYTHONPATH", "bench")])
}
