//! Runs other programs from the workspace's root, saying what is run and how long it took.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// The outcome of a step: nothing, or what to tell the developer.
pub(crate) type Outcome = Result<(), String>;

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or_else(|| manifest.clone(), PathBuf::from)
}

/// Runs `program` with `arguments` in the root; fails when it does.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Outcome {
    run_with(program, arguments, &[])
}

/// As [`run`], with environment variables.
pub(crate) fn run_with(program: &str, arguments: &[&str], env: &[(&str, &str)]) -> Outcome {
    run_in("", program, arguments, env)
}

/// As [`run_with`], in a folder of the workspace.
#[expect(clippy::disallowed_methods, reason = "a developer's tool may look at the clock")]
pub(crate) fn run_in(
    folder: &str,
    program: &str,
    arguments: &[&str],
    env: &[(&str, &str)],
) -> Outcome {
    let line = format!("{program} {}", arguments.join(" "));
    eprintln!("\n==> {line}");
    let begun = Instant::now();
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| of_this_package(name)) {
        command.env_remove(name);
    }
    let status = command
        .args(arguments)
        .envs(env.iter().copied())
        .current_dir(root().join(folder))
        .status()
        .map_err(|e| format!("cannot start `{line}`: {e}"))?;
    eprintln!("    {:.1} s", begun.elapsed().as_secs_f64());
    if status.success() { Ok(()) } else { Err(format!("failed: {line}")) }
}

/// Whether a variable is what cargo says of the package that it runs, this one. Build scripts of
/// others look at some of them, so that with them `cargo test` and `cargo xtask test` would each
/// rebuild what the other has just built.
fn of_this_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_")
}

/// Runs steps in order and stops at the first that fails.
pub(crate) fn steps(steps: &[(&str, &dyn Fn() -> Outcome)]) -> Outcome {
    for (name, step) in steps {
        step().map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(())
}
