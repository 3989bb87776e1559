//! The command lines that repeat a run, or ask the same question again.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use modelwright_core::record::{
    DataSource, Options, OwnKind, OwnPart, RetrainedFile, RetrainedRecord, RunRecord, TextLayout,
};

use crate::report::words;

/// What the tables of another program are called that were handed over in memory.
const IN_MEMORY: [&str; 6] = ["pandas", "polars", "arrow", "numpy", "rows", "columns"];

/// The command that repeats the run byte for byte, with all tables and models that it read.
pub(super) fn replay(record: &RunRecord) -> String {
    let options = &record.options;
    if !options.own.is_empty() || is_in_memory(&record.data) {
        return python_replay(record);
    }
    let mut line = format!("modelwright replay record.json {}", shell(&record.data.name));
    if let Some(test) = &record.test_data {
        let _ = write!(line, " --test {}", shell(&test.name));
    }
    if let Some(earlier) = &options.continued {
        let _ = write!(line, " --continue {}", shell(&earlier.name));
    }
    line
}

fn python_replay(record: &RunRecord) -> String {
    let table = |source: &DataSource| {
        if is_in_memory(source) { "table".to_owned() } else { python(&source.name) }
    };
    let own = &record.options.own;
    let given: BTreeSet<&str> = own.iter().map(|p: &OwnPart| keyword(p.kind)).collect();
    let mut asked = vec!["\"record.json\"".to_owned(), table(&record.data)];
    asked.extend(record.test_data.as_ref().map(|test| match table(test).as_str() {
        "table" => "test=test_table".to_owned(),
        file => format!("test={file}"),
    }));
    asked.extend(given.into_iter().map(str::to_owned));
    format!("python: modelwright.replay({})", asked.join(", "))
}

/// The command that asks the same question of the same file; `None` of a table in memory.
pub(super) fn same_question(record: &RunRecord) -> Option<String> {
    if is_in_memory(&record.data) {
        return None;
    }
    let verb = match &record.options.single {
        Some(one) => format!("train {}", shell(&one.learner)),
        None => "fit".to_owned(),
    };
    let data = shell(&record.data.name);
    let mut line = format!("modelwright {verb} {data} {}", flags(&record.options));
    if let Some(test) = &record.test_data {
        let _ = write!(line, " --test {}", shell(&test.name));
    }
    Some(line)
}

/// The command that retrains the same earlier model on the same files.
pub(super) fn retrain(retrained: &RetrainedRecord, options: &Options) -> String {
    let mut line = "modelwright retrain EARLIER.mw".to_owned();
    let mut add = |flag: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(line, " --{flag} {}", shell(&value));
        }
    };
    add("plan", Some(retrained.plan.clone()).filter(|plan| plan != "search"));
    add("judge", Some(retrained.judged_share.to_string()));
    add("time-column", retrained.time_column.clone());
    add("time", options.time_limit_s.map(|s| format!("{s}s")));
    add("seed", Some(options.seed.to_string()));
    let file = |file: &RetrainedFile| shell(&file.name);
    let files: Vec<String> = retrained.files.iter().map(file).collect();
    // Last, because any number of names may follow it.
    line + " --data " + &files.join(" ")
}

fn is_in_memory(source: &DataSource) -> bool {
    source.name == "table" && IN_MEMORY.contains(&source.format.as_str())
}

/// A file's name as a text of Python.
fn python(name: &str) -> String {
    format!("\"{}\"", words::sentence(name).replace('\\', "\\\\").replace('"', "\\\""))
}

/// The keyword of Python that takes a part of the user's own.
fn keyword(kind: OwnKind) -> &'static str {
    match kind {
        OwnKind::Metric => "metric=…",
        OwnKind::Split => "split=…",
        OwnKind::Learner => "learners=[…]",
        OwnKind::Loss => "loss=…",
    }
}

/// The flags without a value.
fn switches(options: &Options) -> Vec<&'static str> {
    let all = [
        ("interpretable", options.interpretable),
        ("prefer-simple", options.prefer_simple),
        ("distill", options.distill),
        ("no-second-level", !options.second_level),
        ("keep-leaks", options.keep_leaks),
        ("with-rows", options.with_rows),
        ("no-header", options.text.header == Some(false)),
    ];
    all.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name).collect()
}

/// The flags that differ from the defaults.
fn flags(options: &Options) -> String {
    let default = Options::new("");
    let target = Some(&options.target).filter(|target| !target.is_empty());
    let mut flags: Vec<String> =
        target.iter().map(|target| format!("--target {}", shell(target))).collect();
    let mut add = |flag: &str, value: Option<String>| {
        flags.extend(value.map(|v| format!("--{flag} {}", shell(&v))));
    };
    add("task", options.task.map(|t| t.name().to_owned()));
    add("metric", options.metric.clone());
    add("time", options.time_limit_s.map(|s| format!("{s}s")));
    add("memory", options.memory_limit_bytes.map(|b| b.to_string()));
    add("preset", Some(options.preset.clone()).filter(|p| *p != default.preset));
    add("learners", list(&options.learners));
    let has_refit = options.refit != default.refit;
    add("refit", has_refit.then(|| options.refit.clone()));
    add("monotone", options.monotone.clone());
    add("interactions", options.interactions.clone());
    add("max-latency", options.max_latency_us.map(|us| format!("{us}us")));
    let costs: Vec<String> =
        options.feature_cost.iter().map(|(name, cost)| format!("{name}={cost}")).collect();
    add("feature-cost", (!costs.is_empty()).then(|| costs.join(",")));
    add("max-feature-cost", options.max_feature_cost.map(|cost| cost.to_string()));
    add("max-size", options.max_size_bytes.map(|bytes| bytes.to_string()));
    add("nested", options.nested.map(|k| k.to_string()));
    add("seed", Some(options.seed.to_string()));
    add(
        "holdout",
        Some(options.holdout.to_string()).filter(|_| options.holdout != default.holdout),
    );
    add("split", options.split.clone());
    add("group", options.group.clone());
    add("time-column", options.time_column.clone());
    add("weight", options.weight.clone());
    add("exclude", list(&options.exclude));
    add("sensitive", list(&options.sensitive));
    add("fair", options.fair.clone());
    add("max-gap", options.max_gap.map(|gap| gap.to_string()));
    add("mitigation", options.mitigation.clone());
    add("positive", options.positive.clone());
    let costs: Vec<String> =
        options.cost.iter().map(|(error, cost)| format!("{error}={cost}")).collect();
    add("cost", (!costs.is_empty()).then(|| costs.join(",")));
    add("intervals", options.intervals.as_ref().map(|levels| levels_of(levels)));
    add("group-coverage", options.group_coverage.clone());
    for (flag, value) in of_text(&options.text) {
        add(flag, value);
    }
    for (column, kind) in &options.kinds {
        add("kind", Some(format!("{column}={}", kind.name())));
    }
    if let Some(one) = &options.single {
        for (name, value) in &one.params {
            add("param", Some(format!("{name}={value}")));
        }
        add("continue", options.continued.as_ref().map(|earlier| earlier.name.clone()));
        add("encoding", one.encoding.clone());
        add("folds", one.n_folds.map(|n| n.to_string()));
    }
    flags.extend(switches(options).into_iter().map(|switch| format!("--{switch}")));
    flags.join(" ")
}

fn levels_of(levels: &[f64]) -> String {
    let all: Vec<String> = levels.iter().map(f64::to_string).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(",") }
}

/// What was said of the text of the tables.
fn of_text(text: &TextLayout) -> [(&'static str, Option<String>); 3] {
    let separator = text.separator.map(|c| match c {
        '\t' => "tab".to_owned(),
        ' ' => "blank".to_owned(),
        c => c.to_string(),
    });
    let sign = |is_comma: bool| if is_comma { "comma" } else { "point" }.to_owned();
    [
        ("separator", separator),
        ("decimal", text.decimal_comma.map(sign)),
        ("charset", text.encoding.clone()),
    ]
}

fn list(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| names.join(","))
}

/// A word for a POSIX shell: quoted unless it is plainly harmless.
pub(super) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/=,:+".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", words::sentence(word).replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use modelwright_core::params::ParamValue;
    use modelwright_core::record::Single;

    use super::*;

    #[test]
    fn a_hostile_name_stays_one_word_of_the_shell() {
        assert_eq!(shell("adult.csv.gz"), "adult.csv.gz");
        assert_eq!(shell("a b"), "'a b'");
        assert_eq!(shell("x'; rm -rf ~"), "'x'\\''; rm -rf ~'");
        assert_eq!(shell("-n"), "'-n'");
    }

    #[test]
    fn only_flags_that_were_set_are_repeated() {
        let mut options = Options::new("y");
        assert_eq!(flags(&options), "--target y --seed 0");
        options.time_limit_s = Some(30.0);
        options.exclude = vec!["a".into(), "b c".into()];
        assert_eq!(flags(&options), "--target y --time 30s --seed 0 --exclude 'a,b c'");
        let mut options = Options::new("y");
        options.single = Some(Single {
            learner: "gbdt".into(),
            params: [("n_rounds".to_owned(), ParamValue::Int(30))].into(),
            encoding: None,
            n_folds: Some(0),
        });
        assert_eq!(flags(&options), "--target y --seed 0 --param n_rounds=30 --folds 0");
    }
}
