//! A store where nothing may be written: it is looked at, and changes are refused in plain words.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;

use crate::harness::{Folder, Ran};
use crate::tables::{customers, with_model};

/// A user of no rights.
const NOBODY: u32 = 65_534;

/// Takes the right to write away from everything in a folder, or gives it back.
fn may_write(path: &Path, may: bool) {
    let is_folder = path.is_dir();
    let mode = if is_folder { 0o555 } else { 0o444 };
    if may {
        fs::set_permissions(path, Permissions::from_mode(mode | 0o200)).unwrap();
    }
    if is_folder {
        for entry in fs::read_dir(path).unwrap() {
            may_write(&entry.unwrap().path(), may);
        }
    }
    fs::set_permissions(path, Permissions::from_mode(if may { mode | 0o200 } else { mode }))
        .unwrap();
}

/// Runs as somebody for whom permissions count, which they do not for root.
fn run(folder: &Folder, args: &[&str]) -> Ran {
    let args = [args, &["--store", "store"]].concat();
    let mut command = folder.command(&args);
    let is_root = fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0);
    if is_root && Folder::new().command(&["--version"]).uid(NOBODY).output().is_ok() {
        command.uid(NOBODY);
    }
    Ran::of(&args, &command.output().unwrap())
}

#[test]
fn a_store_that_may_only_be_read_is_read_and_refuses_changes() {
    let folder = with_model();
    folder.write("labelled.csv", customers(400, 60));
    let register = ["models", "register", "churn", "model", "--alias", "champion"];
    folder.run(&[&register[..], &["--store", "store"]].concat()).done();
    folder.run(&["evaluate", "churn@champion", "labelled.csv", "--store", "store", "-q"]).done();
    let store = folder.path().join("store");
    may_write(&store, false);
    assert!(run(&folder, &["runs", "list"]).done().contains("evaluate"));
    assert!(run(&folder, &["models", "list"]).done().contains("champion"));
    run(&folder, &["runs", "show", "1"]).done();
    run(&folder, &["models", "show", "churn@champion"]).done();
    run(&folder, &["inspect", "churn@champion"]).done();
    let looks: [&[&str]; 3] = [&["evaluate"], &["monitor"], &["audit", "--sensitive", "plan"]];
    for look in looks {
        let ran = run(&folder, &[look, &["churn@champion", "labelled.csv"]].concat());
        assert!(ran.stderr.contains("not recorded"), "{}", ran.stderr);
        ran.done();
    }
    let words = ["may only be read", "store.db", "expected: ", "hint: "];
    run(&folder, &["models", "alias", "churn", "other", "1"]).refused(&words);
    run(&folder, &["models", "alias", "churn", "champion", "--remove"]).refused(&words);
    may_write(&store, true);
}
