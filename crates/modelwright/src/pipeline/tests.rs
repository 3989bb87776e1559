//! A project that is run, changed and run again.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use modelwright_core::Context;
use modelwright_lifecycle::store::{Location, RunFilter, RunRow, Store};

use super::*;

struct Project(PathBuf);

impl Project {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mw-run-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn run(&self) -> Result<Vec<Outcome>> {
        let begun = RefCell::new(Vec::new());
        let world = Surroundings {
            now: &|| "2026-03-01T00:00:00Z".to_owned(),
            context: &|_: Option<Duration>| Ok(Context::unlimited(0, 2)),
            store: Some(self.0.join("store")),
            begins: &|step, _| begun.borrow_mut().push(step.to_owned()),
            account: &|kind, asked, output| {
                let location = Location { place: self.0.join("store"), is_named: true };
                let at = "2026-03-01T00:00:00Z";
                RunAccount::begin(Some(location), (kind, asked), Some(output), at, &|_| {})
            },
            says: &|_| {},
            warns: &|_| {},
        };
        Pipeline::read(&self.0)?.run(false, &world)
    }

    fn store(&self) -> Store {
        Store::read(&self.0.join("store")).unwrap()
    }

    /// What is written down, the first run first.
    fn runs(&self) -> Vec<RunRow> {
        let mut runs = self.store().runs(&RunFilter::default()).unwrap();
        runs.sort_by_key(|run| run.id);
        runs
    }

    fn plan(&self) -> Vec<(String, bool, String)> {
        let plan = Pipeline::read(&self.0).unwrap().plan().unwrap();
        plan.into_iter().map(|o| (o.step, o.done, o.reason)).collect()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn rows(from: usize, n: usize) -> String {
    let mut text = String::from("x,z,y\n");
    for i in from..from + n {
        let (x, z) = ((i * 7919) % 1009, (i * 31) % 97);
        let _ = writeln!(text, "{x},{z},{}", if x + z > 550 { "yes" } else { "no" });
    }
    text
}

const TOML: &str = r#"
[source]
run = "cat raw.csv > train.csv"
inputs = ["raw.csv"]
outputs = ["train.csv"]
[data]
train = "train.csv"
test = "test.csv"
[fit]
target = "y"
preset = "quick"
time = "20s"
[[gate]]
metric = "roc_auc"
at_least = 0.7
[[gate]]
not_worse_than = "shop@champion"
max_bytes = 50_000_000
[register]
name = "shop"
alias = "champion"
"#;

fn done(outcomes: &[Outcome]) -> Vec<&str> {
    outcomes.iter().filter(|o| o.done).map(|o| o.step.as_str()).collect()
}

#[test]
fn a_project_does_what_changed_and_nothing_else() {
    let project = Project::new("changes");
    project.write(PROJECT_FILE, TOML);
    project.write("raw.csv", &rows(0, 240));
    project.write("test.csv", &rows(1000, 120));
    let plan = project.plan();
    assert!(plan.iter().all(|step| step.1), "{plan:?}");
    assert_eq!(plan[1].2, "`train.csv` is made anew");
    let first = project.run().unwrap();
    assert_eq!(done(&first), ["source", "fit", "gate", "register"]);
    assert!(first[2].said.contains("there is no shop@champion yet"), "{first:?}");
    assert_eq!(first[3].said, "shop@champion is version 1");
    assert!(done(&project.run().unwrap()).is_empty(), "nothing changed");
    // Another bound: only the gates are asked again.
    project.write(PROJECT_FILE, &TOML.replace("0.7", "0.75"));
    assert_eq!(project.plan()[2].2, "its settings changed");
    assert_eq!(done(&project.run().unwrap()), ["gate"]);
    // A model that somebody removed is made again, and comes out the same: nothing after it moves.
    fs::remove_file(project.0.join("model/model.mw")).unwrap();
    assert_eq!(project.plan()[1].2, "`model/model.mw` is gone");
    // A gate that does not hold stops what comes after it.
    project.write(PROJECT_FILE, &TOML.replace("at_least = 0.7", "at_least = 1.01"));
    let error = project.run().err().unwrap().to_string();
    assert!(error.contains("a gate does not hold") && error.contains("1.01"), "{error}");
    let plan = project.plan();
    assert!(!plan[1].1, "the fit before it is done: {plan:?}");
    assert!(plan[2].1, "the gate is asked again: {plan:?}");
}

#[test]
fn what_a_project_fits_and_watches_is_written_down_as_runs() {
    let project = Project::new("runs");
    let watched = "[monitor]\ncurrent = \"test.csv\"\n";
    project.write(PROJECT_FILE, &format!("{TOML}{watched}"));
    project.write("raw.csv", &rows(0, 240));
    project.write("test.csv", &rows(1000, 120));
    project.run().unwrap();
    let runs = project.runs();
    let kinds: Vec<(&str, &str)> =
        runs.iter().map(|run| (run.kind.as_str(), run.status.name())).collect();
    assert_eq!(kinds, [("fit", "finished"), ("monitor", "finished")]);
    assert_eq!(project.store().version("shop", "champion").unwrap().run, Some(runs[0].id));
    assert!(project.store().run_record(runs[0].id).is_ok());
    assert!(project.store().run_monitor(runs[1].id).is_ok());
    assert_eq!(runs[0].model_sha256, runs[1].model_sha256);
    // What fails is written down with why.
    project.write(PROJECT_FILE, &TOML.replace("target = \"y\"", "target = \"w\""));
    project.run().err().unwrap();
    let failed = project.runs().pop().unwrap();
    assert_eq!((failed.kind.as_str(), failed.status.name()), ("fit", "failed"));
}

#[test]
fn a_step_that_stopped_half_way_is_done_again_and_a_dead_process_holds_nothing() {
    let project = Project::new("killed");
    project.write("raw.csv", &rows(0, 240));
    project.write("test.csv", &rows(1000, 120));
    // The command makes its file and fails: as if it had been killed after half of its work.
    project.write(PROJECT_FILE, &TOML.replace("> train.csv", "> train.csv; exit 3"));
    let error = project.run().err().unwrap().to_string();
    assert!(error.contains("the command failed") && error.contains("[source]"), "{error}");
    project.write(".modelwright/lock", "999999 1");
    project.write(PROJECT_FILE, TOML);
    assert_eq!(project.plan()[0].2, "it was not done before, or not to its end");
    assert_eq!(done(&project.run().unwrap()).len(), 4);
    let held = Lock::take(&project.0).unwrap();
    let error = project.run().err().unwrap().to_string();
    assert!(error.contains("another process works on this project"), "{error}");
    assert!(error.contains(&std::process::id().to_string()), "{error}");
    drop(held);
    assert!(done(&project.run().unwrap()).is_empty(), "and nothing changed");
}

#[test]
fn what_changes_while_a_step_reads_it_is_a_change() {
    let project = Project::new("meanwhile");
    project.write("raw.csv", "old");
    project.write("test.csv", &rows(1000, 120));
    // Somebody adds to the file while the command works on it; what the command makes is no table.
    let meanwhile = "> train.csv; echo new >> raw.csv";
    project.write(PROJECT_FILE, &TOML.replace("> train.csv", meanwhile));
    project.run().err().unwrap();
    assert_eq!(project.plan()[0].2, "`raw.csv` changed");
    fs::remove_file(project.0.join("raw.csv")).unwrap();
    let error = project.run().err().unwrap().to_string();
    assert!(error.contains("is not there") && error.contains("raw.csv"), "{error}");
}

#[test]
fn project_files_that_cannot_work_are_refused_with_a_reason() {
    let refused = |text: &str, words: &str| {
        let error = PipelineConfig::parse(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    };
    let data = "[data]\ntrain = \"a.csv\"\n";
    refused("", "cannot be understood");
    refused(&format!("{data}[fit]\n"), "target");
    refused(&format!("{data}[fit]\ntarget = \"y\"\ntme = \"3s\""), "did you mean `time`");
    refused(&format!("{data}[fit]\ntarget = \"y\"\ntime = \"soon\""), "duration");
    refused(&format!("{data}[fit]\ntarget = \"y\"\n[[gate]]\n"), "asks nothing");
    refused(
        &format!("{data}[fit]\ntarget = \"y\"\n[[gate]]\nmetric = \"auc\"\nat_least = 1"),
        "metric",
    );
    let other = "[[gate]]\nnot_worse_than = \"a@b\"";
    refused(&format!("{data}[fit]\ntarget = \"y\"\n{other}"), "test rows");
    let absent = Pipeline::read(Path::new("no-such-folder")).err().unwrap().to_string();
    assert!(absent.contains("cannot read the project file"), "{absent}");
}

#[test]
fn a_folder_for_the_model_among_the_flags_of_the_fit_is_refused() {
    let text = "[data]\ntrain = \"t.csv\"\n[fit]\ntarget = \"y\"\nout = \"elsewhere\"\n";
    let refused = PipelineConfig::parse(text).unwrap_err().to_string();
    assert!(refused.contains("fit.out") && refused.contains("above the first table"), "{refused}");
}
