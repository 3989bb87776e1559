//! Help, version, pipes: how the binary behaves as a command among commands.

use std::process::Stdio;

use crate::harness::Folder;

const VERBS: [&str; 8] =
    ["profile", "fit", "predict", "evaluate", "compare", "inspect", "report", "replay"];

#[test]
fn help_goes_to_stdout_and_every_command_has_examples() {
    let folder = Folder::new();
    let help = folder.run(&["--help"]).done();
    for verb in VERBS {
        assert!(help.contains(verb), "--help must list {verb}");
        let help = folder.run(&[verb, "--help"]).done();
        assert!(help.contains("Examples:") && help.contains("--json"), "{verb}:\n{help}");
        assert!(help.lines().all(|l| l.chars().count() <= 100), "{verb}: lines of 100 at most");
    }
}

#[test]
fn the_version_is_one_line() {
    let version = Folder::new().run(&["--version"]).done();
    assert_eq!(version, format!("modelwright {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = Folder::new();
    let mut child =
        folder.command(&["--help"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_table_beyond_the_memory_limit_is_refused_before_it_is_read() {
    let folder = Folder::new();
    // A file with a hole: as long as a table of 200 MB, and never read.
    std::fs::File::create(folder.path().join("big.csv")).unwrap().set_len(200_000_000).unwrap();
    let ran = folder.run(&["fit", "big.csv", "--target", "y", "--memory", "64MiB", "--out", "m"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    for part in ["does not fit under the memory limit", "big.csv", "expected", "hint"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert_eq!(folder.names(), ["big.csv"]);
}
