//! How to repeat the run, and what fixes its result.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use modelwright_core::record::{ContinuedRecord, Options, OwnKind, OwnPart, RunRecord};

use crate::report::section::{Block, Fact, Part, Section, Spec};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "reproduce", part: Part::Record, title: "How to reproduce" };

/// Always applies.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    if let Some(last) = record.continued.last() {
        return Some(continued(record, last));
    }
    let decisions = record.decisions.stopped_after.len() + record.decisions.chosen.len();
    let mut finding = format!(
        "The record repeats the run bit for bit, for any number of threads: it holds seed {} and \
         {} of the clock or the machine.",
        record.options.seed,
        number::counted(decisions, "decision", "decisions")
    );
    if !record.options.own.is_empty() {
        let of = |part: &OwnPart| format!("{} {}", part.kind.name(), words::clean(&part.name));
        let own: Vec<String> = record.options.own.iter().map(of).collect();
        let _ = write!(
            finding,
            " It had code of its user's own ({}), which no record holds: it is repeated from \
             Python, with the same given again, as far as that code does the same again.",
            own.join(", ")
        );
    }
    let data = shell(&record.data.name);
    let test = record.test_data.as_ref();
    let verb = match &record.options.single {
        Some(one) => format!("train {}", shell(&one.learner)),
        None => "fit".to_owned(),
    };
    let mut fit = format!("modelwright {verb} {data} {}", flags(&record.options));
    if let Some(test) = test {
        let _ = write!(fit, " --test {}", shell(&test.name));
    }
    let again = if record.options.own.is_empty() {
        format!("modelwright replay record.json {data}")
    } else {
        let given: BTreeSet<&str> = record.options.own.iter().map(|p| keyword(p.kind)).collect();
        let given: Vec<&str> = given.into_iter().collect();
        format!("python: modelwright.replay(\"record.json\", {data}, {})", given.join(", "))
    };
    let commands = vec![
        "# the same model, byte for byte".to_owned(),
        again,
        "# a new run with the same question; the clock decides anew".to_owned(),
        fit,
        "# this report".to_owned(),
        "modelwright report record.json".to_owned(),
    ];
    let mut facts = vec![
        Fact::new("Modelwright", words::clean(&record.engine_version)),
        Fact::new("Record format", record.format_version.to_string()),
        Fact::new("Seed", record.options.seed.to_string()),
        Fact::new("Decisions noted", number::count(decisions)),
        Fact::new("Begun", words::clean(&record.clock.created)),
    ];
    if record.options.single.is_none() {
        facts.insert(3, Fact::new("Preset", words::clean(&record.options.preset)));
    }
    let hash = |name: &str, file: &str| {
        Fact::code(format!("SHA-256 of {}", words::quoted(name)), words::clean(file))
    };
    facts.push(hash(&record.data.name, &record.data.sha256));
    facts.extend(test.map(|t| hash(&t.name, &t.sha256)));
    Some(Section::new(&SPEC, finding).block(Block::Commands(commands)).block(Block::Facts(facts)))
}

/// Of a model whose boosters are those of an earlier one, with more rounds.
fn continued(record: &RunRecord, last: &ContinuedRecord) -> Section {
    let rounds: Vec<String> = last
        .members
        .iter()
        .map(|m| format!("{}: {} + {}", words::clean(&m.trial), m.before, m.added))
        .collect();
    let finding = format!(
        "The model is an earlier one whose boosters learned on ({} rounds), from {} rows, of which \
         {} judged it before. With that model, the same rows and seed it comes out the same.",
        rounds.join(", "),
        number::count(last.n_rows),
        number::count(last.n_judged)
    );
    let data = shell(&record.data.name);
    let seed = record.options.seed;
    let command =
        format!("modelwright retrain EARLIER.mw --data {data} --plan continue --seed {seed}");
    let facts = vec![
        Fact::new("Modelwright", words::clean(&record.engine_version)),
        Fact::code("SHA-256 of the earlier model", words::clean(&last.parent_sha256)),
        Fact::code(
            format!("SHA-256 of {}", words::quoted(&record.data.name)),
            words::clean(&record.data.sha256),
        ),
    ];
    Section::new(&SPEC, finding).block(Block::Commands(vec![command])).block(Block::Facts(facts))
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
    if options.interpretable {
        flags.push("--interpretable".to_owned());
    }
    if options.prefer_simple {
        flags.push("--prefer-simple".to_owned());
    }
    if options.distill {
        flags.push("--distill".to_owned());
    }
    if !options.second_level {
        flags.push("--no-second-level".to_owned());
    }
    if options.keep_leaks {
        flags.push("--keep-leaks".to_owned());
    }
    flags.join(" ")
}

fn list(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| names.join(","))
}

/// A word for a POSIX shell: quoted unless it is plainly harmless.
fn shell(word: &str) -> String {
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
