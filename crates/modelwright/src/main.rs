//! The binary: see [`modelwright::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    modelwright::cli::main()
}
