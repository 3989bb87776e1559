//! Memory and time are kept while a file is read, not only afterwards: what is too large becomes a
//! sample that can be repeated, or is refused in good time.

use std::fmt::Write;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Folder, Ran};

/// The smallest limit that is taken.
const LIMIT: &str = "64MiB";
const LIMIT_BYTES: u64 = 64 << 20;

/// A folder with a table that is about as large in memory as the limit: 16 numbers, a group, a
/// weight, a time and an answer; in three formats.
fn large() -> &'static Folder {
    static LARGE: OnceLock<Folder> = OnceLock::new();
    LARGE.get_or_init(|| {
        let folder = Folder::new();
        let names: Vec<String> = (0..16).map(|c| format!("c{c},")).collect();
        let mut text = names.concat();
        text.push_str("group,weight,day,y\n");
        let mut lines = String::new();
        for i in 0..320_000_u64 {
            let mut state = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut sum = 0;
            for _ in 0..16 {
                state = (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let value = (state >> 40) % 1000;
                sum += value;
                write!(text, "{value},").unwrap();
            }
            let y = if sum > 8000 { "yes" } else { "no" };
            writeln!(text, "g{},{},{},{y}", i % 500, 1 + i % 3, i / 100).unwrap();
            if i % 3 == 0 {
                writeln!(lines, "{{\"a\": {sum}, \"b\": {}, \"y\": \"{y}\"}}", i % 77).unwrap();
            }
        }
        folder.write("large.jsonl", lines);
        folder.write("large.csv", text);
        folder
    })
}

/// Runs to the end, and the most memory that the process had.
fn peak_of(mut command: Command, args: &[&str]) -> (Ran, u64) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let watching = std::thread::spawn(move || {
        let mut peak = 0;
        // The peak only rises, so what the last look misses is what the last moment added.
        while let Some(kib) = fs::read_to_string(&status).ok().and_then(|s| peak_kib(&s)) {
            peak = kib * 1024;
            std::thread::sleep(Duration::from_millis(1));
        }
        peak
    });
    let output = child.wait_with_output().unwrap();
    (Ran::of(args, &output), watching.join().unwrap())
}

fn peak_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Runs in the folder of the large table under the limit; asserts that it was kept.
fn within_limit(line: &str) -> Ran {
    let args: Vec<&str> = line.split(' ').chain(["--memory", LIMIT, "--threads", "2"]).collect();
    let (ran, peak) = peak_of(large().command(&args), &args);
    if cfg!(target_os = "linux") {
        assert!(peak > 1 << 20, "the peak was seen: {peak}");
        assert!(peak <= LIMIT_BYTES, "`{line}` took {:.1} MiB", peak as f64 / 1_048_576.0);
    }
    ran
}

fn record(out: &str) -> Value {
    let path = large().path().join(out).join("record.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_fit_reads_no_more_than_its_memory_holds_and_a_replay_reads_the_same() {
    let fit = "fit large.csv --target y --time 20 --preset quick --out by-memory --json";
    let ran = within_limit(fit);
    assert!(ran.stderr.contains("the memory limit"), "it says so:\n{}", ran.stderr);
    ran.done();
    let record = record("by-memory");
    let sample = &record["data"]["sample"];
    assert!(sample["n_rows_seen"].as_u64() > record["data"]["n_rows"].as_u64());
    assert!(sample["row_share"].as_f64().unwrap() < 1.0);
    assert!(record["decisions"]["chosen"]["read:row-share"].is_u64());
    let model = fs::read(large().path().join("by-memory/model.mw")).unwrap();
    for threads in ["1", "4"] {
        let line = "replay by-memory large.csv --out by-memory-again -q --threads";
        let args: Vec<&str> = line.split(' ').chain([threads]).collect();
        large().run(&args).done();
        let again = fs::read(large().path().join("by-memory-again/model.mw")).unwrap();
        assert!(model == again, "{threads} threads made another model.mw");
    }
}

#[test]
fn groups_times_weights_and_test_files_go_with_a_sample() {
    for (out, flags) in [
        ("g", "--split group --group group --weight weight --exclude day"),
        ("t", "--split time --time-column day --exclude group"),
        ("f", "--test large.csv --exclude group"),
    ] {
        let fit = "fit large.csv --target y --time 10 --preset quick -q";
        within_limit(&format!("{fit} --out by-memory-{out} {flags}")).done();
        let record = record(&format!("by-memory-{out}"));
        assert!(record["data"]["sample"].is_object(), "{out}");
        assert_eq!(record["test_data"]["sample"].is_object(), out == "f");
        assert!(record["evaluation"]["n_rows"].as_u64() > Some(500), "{out}");
    }
}

#[test]
fn a_profile_of_what_does_not_fit_is_one_of_a_sample_and_says_so() {
    let ran = within_limit("profile large.csv --json");
    assert!(ran.stderr.contains("warning"), "{}", ran.stderr);
    let document: Value = serde_json::from_str(&ran.done()).unwrap();
    assert_eq!(document["source"]["sample"]["n_rows_seen"], 320_000);
    within_limit("profile large.jsonl").done();
}

#[test]
fn any_number_of_rows_is_predicted_and_evaluated_under_the_limit() {
    within_limit("fit large.jsonl --target y --time 10 --preset quick --out small -q").done();
    within_limit("predict small large.jsonl -o large-predicted.csv").done();
    let measured = within_limit("evaluate small large.jsonl --json").done();
    let document: Value = serde_json::from_str(&measured).unwrap();
    assert_eq!(document["n_rows"], 106_667);
}

#[test]
fn a_table_whose_least_sample_does_not_fit_is_refused() {
    let folder = Folder::new();
    let row = |cell: &dyn Fn(usize) -> String| (0..16_000).map(cell).collect::<Vec<_>>().join(",");
    let mut text = row(&|c| format!("column {c}")) + "\n";
    for i in 0..500 {
        text += &(row(&|c| format!("{}", (i * 31 + c) % 10)) + "\n");
    }
    folder.write("wide.csv", text);
    let line = "fit wide.csv --target y --memory 64MiB --threads 2";
    let args: Vec<&str> = line.split(' ').collect();
    let (ran, peak) = peak_of(folder.command(&args), &args);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("memory limit is too small"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint:") && ran.stdout.is_empty(), "{}", ran.stderr);
    assert!(peak <= LIMIT_BYTES, "{peak}");
}

#[test]
fn a_file_that_cannot_be_read_in_time_is_read_in_parts() {
    // A tenth of a second is less than the reading takes, in any build.
    let args = "fit large.csv --target y --time 0.1 --preset quick --out by-time -q";
    let args: Vec<&str> = args.split(' ').collect();
    large().run(&args).done();
    let record = record("by-time");
    let sample = &record["data"]["sample"];
    let account = sample["account"].as_str().unwrap();
    assert!(account.contains("the time limit"), "{account}");
    let model = fs::read(large().path().join("by-time/model.mw")).unwrap();
    for threads in ["1", "4"] {
        let line = "replay by-time large.csv --out by-time-again -q --threads";
        let args: Vec<&str> = line.split(' ').chain([threads]).collect();
        large().run(&args).done();
        assert!(model == fs::read(large().path().join("by-time-again/model.mw")).unwrap());
    }
}
