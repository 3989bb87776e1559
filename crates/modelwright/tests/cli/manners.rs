//! Help, version, pipes: how the binary behaves as a command among commands.

use std::process::Stdio;

use crate::harness::Folder;

const VERBS: [&str; 9] =
    ["profile", "fit", "train", "predict", "evaluate", "compare", "inspect", "report", "replay"];

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
fn data_beyond_the_memory_limit_that_cannot_be_read_in_parts_are_refused() {
    let folder = Folder::new();
    // An array has no places to cut at, as lines have.
    let objects = "{\"x\": 1, \"y\": 2}, ".repeat(1_500_000);
    folder.write("big.json", format!("[{objects}{{\"x\": 1, \"y\": 3}}]"));
    let ran = folder.run(&["fit", "big.json", "--target", "y", "--memory", "64MiB", "--out", "m"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    for part in ["held in memory as a whole", "big.json", "expected", "hint"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert_eq!(folder.names(), ["big.json"]);
}
