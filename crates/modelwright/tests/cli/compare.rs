//! `compare`: two models on the same rows, as each of them decides.

use serde_json::Value;

use crate::harness::Folder;
use crate::tables::{customers, questions};

/// A folder with two linear models, `dear` with costs and `plain` without, and new rows.
fn with_two(extra: &[&str]) -> Folder {
    let folder = Folder::new();
    folder.write("train.csv", customers(0, 600)).write("new.csv", customers(600, 400));
    let train = "train linear train.csv --target left --holdout 0.1 -q --out";
    let of = |name| train.split(' ').chain([name]).collect::<Vec<&str>>();
    folder.run(&of("plain")).done();
    folder.run(&[&of("other")[..], extra].concat()).done();
    folder
}

fn compared(folder: &Folder, line: &str) -> Value {
    let args: Vec<&str> = line.split(' ').chain(["--json", "-q"]).collect();
    serde_json::from_str(&folder.run(&args).done()).unwrap()
}

#[test]
fn costs_are_those_of_the_decisions_that_predict_writes() {
    let folder = with_two(&["--cost", "fp=1,fn=6"]);
    folder.write("asked.csv", questions(600, 400));
    let new = customers(600, 400);
    let truth: Vec<&str> = new.lines().skip(1).filter_map(|l| l.rsplit(',').next()).collect();
    let cost = |model: &str| {
        let args = ["predict", model, "asked.csv", "-o", "-", "-q"];
        let written = folder.run(&args).done();
        let decided = written.lines().skip(1).map(|l| l.split(',').next().unwrap_or_default());
        let of = |(decided, truth): (&str, &&str)| match (decided, *truth) {
            ("yes", "no") => 1.0,
            ("no", "yes") => 6.0,
            _ => 0.0,
        };
        decided.zip(&truth).map(of).sum::<f64>() / truth.len() as f64
    };
    let (plain, other) = (cost("plain"), cost("other"));
    assert!(plain > other, "{plain} {other}");
    for line in ["compare other plain new.csv", "compare plain other new.csv --cost fp=1,fn=6"] {
        let found = compared(&folder, line);
        let first = &found["comparisons"][0];
        assert_eq!(first["metric"], "expected_cost");
        let values = [&first["value_a"], &first["value_b"]].map(|v| v.as_f64().unwrap());
        let expected = if line.contains("other plain") { [other, plain] } else { [plain, other] };
        assert!((values[0] - expected[0]).abs() < 1e-12, "{line}: {values:?} {expected:?}");
        assert!((values[1] - expected[1]).abs() < 1e-12, "{line}: {values:?} {expected:?}");
        assert!(found["verdict"].as_str().unwrap().contains("not fitted with these costs"));
    }
}

#[test]
fn whichever_model_knows_the_groups_rows_of_one_are_one_witness() {
    let folder = with_two(&["--group", "plan"]);
    let one = compared(&folder, "compare other plain new.csv");
    let two = compared(&folder, "compare plain other new.csv");
    for (a, b) in
        one["comparisons"].as_array().unwrap().iter().zip(two["comparisons"].as_array().unwrap())
    {
        assert_eq!(a["metric"], b["metric"]);
        let p = [a, b].map(|c| c["p_value"].as_f64().unwrap());
        assert!((p[0] - p[1]).abs() < 1e-9, "{a} {b}");
        let low_high = (a["ci95"]["low"].as_f64().unwrap(), b["ci95"]["high"].as_f64().unwrap());
        assert!((low_high.0 + low_high.1).abs() < 1e-9, "{a} {b}");
    }
}
