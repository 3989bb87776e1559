//! `compare --scores`: learners by their scores on several data sets, or on the folds of one.

use std::fmt::Write;
use std::path::Path;

use clap::Args;
use modelwright::studying::{StudyOptions, study_scores};
use modelwright_core::record::Interval;
use modelwright_core::{Error, Result};
use modelwright_evaluate::compare::study::{Pair, Study};
use modelwright_io::{ReadOptions, read_path};

use super::WIDTH;
use crate::flags::values;
use crate::output::{self, TextTable, number, wrap};
use crate::session::{Limits, Session};

/// How scores are compared.
#[derive(Debug, Clone, Args)]
pub(crate) struct ScoreFlags {
    /// Smaller scores are better (errors, losses)
    #[arg(long)]
    smaller_is_better: bool,
    /// The rows are folds of one data set: test rows over training rows, 0.111 for ten folds
    #[arg(long, value_name = "RATIO", value_parser = values::factor)]
    test_to_train: Option<f64>,
    /// The rows are five repetitions of two-fold cross-validation, the two folds of each one after
    /// the other: the 5×2cv F test
    #[arg(long, conflicts_with = "test_to_train")]
    five_by_two: bool,
}

impl ScoreFlags {
    /// Refuses flags that say how to read scores where there are none.
    pub(super) fn check_unused(&self) -> Result<()> {
        let flag = match (self.smaller_is_better, self.test_to_train) {
            (true, _) => "--smaller-is-better",
            (_, Some(_)) => "--test-to-train",
            _ if self.five_by_two => "--five-by-two",
            _ => return Ok(()),
        };
        Err(Error::input(format!("`{flag}` needs `--scores`"))
            .at(flag)
            .expected("--scores FILE beside it, in place of two models"))
    }

    /// Reads the table, compares its learners and prints.
    pub(super) fn run(&self, path: &Path, rope: Option<f64>, session: &Session) -> Result<()> {
        let ctx = session.context(Limits::default())?;
        let table = read_path(path, &ReadOptions::default(), &ctx)?.table;
        let options = StudyOptions {
            smaller_is_better: self.smaller_is_better,
            rope,
            test_to_train: self.test_to_train,
            five_by_two: self.five_by_two,
        };
        let found = study_scores(&table, options).map_err(|e| e.at(path.display().to_string()))?;
        drop(ctx);
        if session.global.json {
            return output::print_json(&found);
        }
        output::print(&text(&found, self.five_by_two))
    }
}

fn text(found: &Study, is_five_by_two: bool) -> String {
    let mut learners = TextTable::new(&["learner", ">mean rank", ">mean score"]);
    for l in &found.learners {
        learners.row(vec![l.name.clone(), number(l.mean_rank), number(l.mean)]);
    }
    let mut text = format!("{}\n{}\n", wrap(&found.verdict, 0, WIDTH), learners.render());
    if found.pairs.is_empty() {
        return text;
    }
    text += &pairs(&found.pairs).render();
    if let Some(all) = &found.all_alike {
        let _ = writeln!(
            text,
            "\nall alike? Friedman {:.2} ({}), {}",
            all.friedman,
            p_words(all.friedman_p),
            match all.iman_davenport.zip(all.iman_davenport_p) {
                Some((f, p)) => format!("Iman and Davenport {f:.2} ({})", p_words(p)),
                None => "no Iman and Davenport: all data sets rank alike".to_owned(),
            }
        );
        text += "pairs: Wilcoxon's signed ranks, corrected by Holm; Nemenyi beside it\n";
        text += &wrapped(
            "intervals and probabilities: paired t over the data sets, of a pair alone; they hold \
             if the data sets are a random sample and the differences nearly normal, which few \
             data sets cannot show",
        );
    } else if is_five_by_two {
        text += "\npairs: 5×2cv F test (Alpaydın), corrected by Holm\n";
        text += &wrapped(
            "intervals and probabilities: corrected resampled t (Nadeau and Bengio) of a pair \
             alone, which may differ from the F test",
        );
    } else {
        text += "\npairs: corrected resampled t (Nadeau and Bengio), corrected by Holm; Bayesian \
                 correlated t beside it\n";
    }
    if found.pairs.iter().any(|p| p.probabilities.is_some()) {
        let rope = number(found.rope);
        let _ = writeln!(
            text,
            "equal: the probability that the difference is within {rope} (ROPE); A better: that it \
             is larger"
        );
    }
    text
}

fn wrapped(text: &str) -> String {
    wrap(text, 0, WIDTH) + "\n"
}

/// A p-value, which is never 0.
fn p_words(p: f64) -> String {
    if p < 0.0001 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") }
}

fn pairs(pairs: &[Pair]) -> TextTable {
    let has_interval = pairs.iter().any(|p| p.ci95.is_some());
    let is_ranked = pairs.iter().any(|p| p.p_nemenyi.is_some());
    let mut titles = vec!["A", "B", ">A - B"];
    titles.extend(has_interval.then_some("95 % interval"));
    titles.extend([">p", ">Holm p"]);
    titles.extend(is_ranked.then_some(">Nemenyi p"));
    if has_interval {
        titles.extend([">equal", ">A better"]);
    }
    let mut table = TextTable::new(&titles);
    for p in pairs {
        let mut row = vec![p.a.clone(), p.b.clone(), number(p.difference)];
        if has_interval {
            let text = |ci: Interval| format!("{} to {}", number(ci.low), number(ci.high));
            row.push(p.ci95.map_or("-".to_owned(), text));
        }
        row.extend([format!("{:.4}", p.p_value), format!("{:.4}", p.p_holm)]);
        if is_ranked {
            row.push(p.p_nemenyi.map_or("-".to_owned(), |p| format!("{p:.4}")));
        }
        if has_interval {
            let percent = |share: f64| format!("{:.1} %", 100.0 * share);
            let none = || ["-".to_owned(), "-".to_owned()];
            row.extend(p.probabilities.map_or_else(none, |[_, e, b]| [percent(e), percent(b)]));
        }
        table.row(row);
    }
    table
}
