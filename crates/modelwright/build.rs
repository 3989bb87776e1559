//! Folds functions whose machine code is the same (generic code of different types, mostly): 3 % of
//! the program, and of the module for Python, which is built with this file, too. Only with the
//! linker that rustc brings, which can do it.

use std::path::Path;
use std::process::Command;

const TARGET: &str = "x86_64-unknown-linux-gnu";

fn main() {
    println!("cargo:rerun-if-env-changed=RUSTC");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if is("TARGET", TARGET) && is("PROFILE", "release") && brings_linker() {
        println!("cargo:rustc-link-arg=-Wl,--icf=all");
    }
}

fn brings_linker() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(rustc).args(["--print", "sysroot"]).output();
    asked.is_ok_and(|told| {
        let root = String::from_utf8_lossy(&told.stdout);
        let tools = Path::new(root.trim()).join("lib/rustlib").join(TARGET).join("bin/gcc-ld");
        tools.join("ld.lld").is_file()
    })
}
