//! Developer commands: `cargo xtask <command>`.
//!
//! Tidiness and the layer law are code here, not opinion. Each command is one file.

mod arm;
mod bench;
mod command;
mod docs;
mod layers;
mod peers;
mod python;
mod test;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask <command>

  test     everything: format, tidy, layers, lints, builds, all tests, peers as oracles, the Python
           package
  check    the quick part of it: format, tidy, layers, lints
  layers   the law of dependencies: a crate may use lower layers only
  tidy     file, function and line lengths, module texts, forbidden words
  docs     API documentation without broken links, and the generated reference pages
  peers    only the tests against other people's programs
  arm      the tests of the kernels on 64-bit ARM, emulated by QEMU
  python   build the Python package and run its tests
  bench    measure against peers:
           `cargo xtask bench <fit|predict|quality|leaks|labels|store|trees>`";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.first().map(String::as_str) {
        Some("test") => test::run(),
        Some("check") => test::check(),
        Some("layers") => layers::run(),
        Some("tidy") => tidy::run(),
        Some("docs") => docs::run(),
        Some("peers") => peers::run(),
        Some("arm") => arm::run(),
        Some("python") => python::run(),
        Some("bench") => bench::run(&arguments[1..]),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
