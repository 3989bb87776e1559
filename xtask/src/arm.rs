//! `cargo xtask arm`: the tests of the kernels as an ARM processor runs them.
//!
//! Everything else is the same code on every machine, but kernels have NEON paths. They are built
//! for 64-bit ARM Linux and run by QEMU's user mode, which does every instruction (slowly: it says
//! nothing of speed). On an ARM machine the ordinary tests do the same without QEMU.

use crate::command::{self, Outcome, run_with};

/// 64-bit ARM with the C library.
const TARGET: &str = "aarch64-unknown-linux-gnu";
/// Where Debian's cross compiler has its libraries.
const SYSROOT: &str = "/usr/aarch64-linux-gnu";
/// What must be there, by Debian's names.
const HINT: &str = "install rustup's target aarch64-unknown-linux-gnu and the packages qemu-user, \
                    gcc-aarch64-linux-gnu and libc6-dev-arm64-cross";

/// Builds and runs them.
pub(crate) fn run() -> Outcome {
    for program in ["qemu-aarch64", "aarch64-linux-gnu-gcc"] {
        command::run(program, &["--version"]).map_err(|e| format!("{e}\n{HINT}"))?;
    }
    let runner = format!("qemu-aarch64 -L {SYSROOT}");
    let arguments = ["test", "--locked", "-p", "modelwright-kernels", "--lib", "--target", TARGET];
    let env = [
        ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc"),
        ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", runner.as_str()),
    ];
    run_with("cargo", &arguments, &env).map_err(|e| format!("{e}\n{HINT}"))
}
