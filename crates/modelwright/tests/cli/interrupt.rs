//! Ctrl-C: once ends a fit with the best model so far, twice ends the process at once.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::harness::Folder;
use crate::tables::customers;

/// A fit that would run for minutes, stopped when its search has a first result.
fn searching(folder: &Folder) -> (Child, BufReader<ChildStderr>) {
    folder.write("t.csv", customers(0, 30_000));
    let args = ["fit", "t.csv", "--target", "left", "--time", "10m", "--preset", "best"];
    let mut child =
        folder.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("best so far") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "the fit ended before its first trial");
    }
    (child, stderr)
}

fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}

#[test]
fn once_finishes_with_the_best_model_so_far() {
    let folder = Folder::new();
    let (mut child, mut stderr) = searching(&folder);
    interrupt(&child);
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    assert!(said.contains("finishing with the best model so far"), "{said}");
    assert!(said.contains("ended early on request"), "{said}");
    folder.run(&["evaluate", "modelwright-out", "t.csv", "-q"]).done();
    // What the user's impatience decided is in the record, and repeats.
    folder.run(&["replay", "modelwright-out", "t.csv", "--out", "again", "-q"]).done();
    let read = |name: &str| std::fs::read(folder.path().join(name).join("model.mw")).unwrap();
    assert!(read("modelwright-out") == read("again"), "an interrupted run must repeat");
}

#[test]
fn a_training_keeps_what_it_has_learned_with_and_without_folds() {
    for folds in ["0", "4"] {
        let folder = Folder::new();
        folder.write("t.csv", customers(0, 30_000));
        let line = "train gbdt t.csv --target left -p n_rounds=100000 -p learning_rate=0.001";
        let args: Vec<&str> = line.split(' ').chain(["--folds", folds]).collect();
        let mut child =
            folder.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let begun = if folds == "0" { "fit gbdt" } else { "train" };
        let mut line = String::new();
        while !line.contains(begun) {
            line.clear();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended before it began");
        }
        // Time for some rounds of the tens of thousands.
        std::thread::sleep(std::time::Duration::from_millis(1500));
        interrupt(&child);
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
        assert!(said.contains("ended early on request"), "{said}");
        let inspected = folder.run(&["report", "modelwright-out", "--format", "markdown"]).done();
        assert!(inspected.contains("The training of gbdt ended early, after"), "{inspected}");
        folder.run(&["replay", "modelwright-out", "t.csv", "--out", "again", "-q"]).done();
        let read = |name: &str| std::fs::read(folder.path().join(name).join("model.mw")).unwrap();
        assert!(read("modelwright-out") == read("again"), "{folds} folds: it must repeat");
    }
}

#[test]
fn twice_ends_at_once_and_leaves_nothing() {
    let folder = Folder::new();
    let (mut child, mut stderr) = searching(&folder);
    interrupt(&child);
    let mut line = String::new();
    while !line.contains("finishing") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "the first signal must be answered");
    }
    interrupt(&child);
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert_eq!(folder.names(), ["t.csv"], "nothing is left");
}

#[test]
fn a_comparison_of_a_stream_that_is_ended_leaves_no_rows() {
    use std::io::Write;
    let folder = crate::tables::with_model();
    let temporary = folder.path().join("temporary");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = folder.command(&["compare", "model", "model", "-", "-q"]);
    command.env("TMPDIR", &temporary).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut rows = child.stdin.take().unwrap();
    rows.write_all(customers(400, 80).as_bytes()).unwrap();
    let n_kept = || std::fs::read_dir(&temporary).unwrap().count();
    for _ in 0..600 {
        if n_kept() > 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(n_kept(), 1, "rows are kept while more may come");
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(n_kept(), 0, "rows of people are not left");
}

#[test]
fn a_server_that_is_told_twice_to_end_waits_for_no_slow_client() {
    use std::io::Write;
    let folder = crate::tables::with_model();
    let args = ["serve", "model", "--port", "0", "--drain-time", "1h"];
    let mut child =
        folder.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    assert!(stderr.read_line(&mut line).unwrap() > 0);
    let address = line.trim().rsplit("http://").next().unwrap();
    let mut slow = std::net::TcpStream::connect(address).unwrap();
    let head = format!("POST /predict HTTP/1.1\r\nhost: {address}\r\ncontent-length: 9\r\n\r\n");
    slow.write_all(head.as_bytes()).unwrap();
    let pause = || std::thread::sleep(std::time::Duration::from_millis(500));
    pause();
    interrupt(&child);
    pause();
    assert!(child.try_wait().unwrap().is_none(), "it answers what it has");
    for _ in 0..100 {
        interrupt(&child);
        pause();
        if child.try_wait().unwrap().is_some() {
            return;
        }
    }
    child.kill().unwrap();
    panic!("it waited for the client");
}
