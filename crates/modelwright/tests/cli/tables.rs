//! Small tables for the tests, and one fitted model that all tests share.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use crate::harness::Folder;

/// Customers who stay or leave: numbers, categories, a date, missing values. Every third of the
/// rows comes from another stretch of a fixed sequence, so tables of different `from` differ.
pub(crate) fn customers(from: usize, n_rows: usize) -> String {
    let mut text = String::from("age,plan,visits,joined,income,left\n");
    for i in from..from + n_rows {
        // A multiplicative sequence: spread evenly, the same on every machine.
        let noise = (i * 7919 + 13) % 101;
        let age = 18 + (i * 37) % 60;
        let plan = ["basic", "plus", "pro"][(i * 5 + noise) % 3];
        let visits = (i * 11) % 23;
        let income = if noise % 9 == 0 { String::new() } else { format!("{}", 1000 + noise * 31) };
        let (month, day) = (1 + i % 12, 1 + (i * 3) % 28);
        let left = age + noise / 2 + usize::from(plan == "basic") * 30 > 85;
        let answer = if left { "yes" } else { "no" };
        let _ = writeln!(text, "{age},{plan},{visits},2023-{month:02}-{day:02},{income},{answer}");
    }
    text
}

/// The same customers without their answers.
pub(crate) fn questions(from: usize, n_rows: usize) -> String {
    let without = |line: &str| line.rsplit_once(',').map(|(head, _)| format!("{head}\n"));
    customers(from, n_rows).lines().filter_map(without).collect()
}

/// A folder with `train.csv`, and `model/` as `fit` left it; made once for all tests.
pub(crate) fn fitted() -> &'static Path {
    static FITTED: OnceLock<Folder> = OnceLock::new();
    let folder = FITTED.get_or_init(|| {
        let folder = Folder::new();
        folder.write("train.csv", customers(0, 400));
        let args = "fit train.csv --target left --time 20s --preset quick --out model -q";
        let args: Vec<&str> = args.split(' ').collect();
        folder.run(&args).done();
        folder
    });
    folder.path()
}

/// A folder with `train.csv`, and a booster of 20 rounds in `model/`.
pub(crate) fn with_trees() -> Folder {
    let folder = Folder::new();
    folder.write("train.csv", customers(0, 400));
    let args = "train gbdt train.csv --target left --param n_rounds=20 --out model -q";
    folder.run(&args.split(' ').collect::<Vec<&str>>()).done();
    folder
}

/// A folder of its own with a copy of the fitted one.
pub(crate) fn with_model() -> Folder {
    let folder = Folder::new();
    for name in ["train.csv", "model/model.mw", "model/report.html", "model/record.json"] {
        folder.write(name, fs::read(fitted().join(name)).unwrap());
    }
    folder
}
