//! Black-box tests of the binary: arguments in, stdout, stderr, files and exit codes out.

#[path = "cli/bad_flags.rs"]
mod bad_flags;
#[path = "cli/harness.rs"]
mod harness;
#[path = "cli/manners.rs"]
mod manners;
