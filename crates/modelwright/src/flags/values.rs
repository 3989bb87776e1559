//! Values with a syntax of their own: durations, sizes, shares, `column=kind`, `param=value`.
//!
//! A parser says what is wrong and what was expected; the flag's name is added by the caller, so
//! that nobody can forget it.

use modelwright::automl::explain::RowSelection;
use std::path::Path;

use modelwright_core::data::Kind;
use modelwright_core::error::nearest;
use modelwright_core::quantity::bytes;
pub(crate) use modelwright_core::quantity::{duration, size};
use modelwright_core::task::Task;
use modelwright_core::{Error, Result};

/// Below this the engine cannot even hold its own code and a small table.
const MEMORY_MIN_BYTES: u64 = 64 << 20;
/// Beyond is a slip of the keyboard.
const MEMORY_MAX_BYTES: f64 = 1e18;

/// More threads than this is a slip of the finger.
const THREADS_MAX: usize = 1024;

/// Names that other libraries give to learners, without separators, and ours; only for a hint.
const FOREIGN_LEARNERS: [(&str, &[&str]); 6] = [
    (
        "gbdt",
        &[
            "xgboost",
            "xgb",
            "lightgbm",
            "lgbm",
            "lgb",
            "catboost",
            "gbm",
            "boosting",
            "gradientboosting",
            "histgradientboosting",
        ],
    ),
    (
        "linear",
        &["ridge", "lasso", "elasticnet", "logistic", "logisticregression", "linearregression"],
    ),
    ("random_forest", &["rf", "forest", "randomforestclassifier", "randomforestregressor"]),
    ("knn", &["kneighbors", "nearestneighbors", "kneighborsclassifier", "kneighborsregressor"]),
    ("naive_bayes", &["nb", "gaussiannb", "categoricalnb", "bernoullinb"]),
    ("ebm", &["gam", "explainableboostingclassifier", "explainableboostingregressor"]),
];

/// More folds than this take long and judge no better.
const FOLDS_MAX: usize = 1000;

/// What stands between fields: one character, or its name.
pub(crate) fn separator(text: &str) -> Result<char> {
    let named = match text.to_ascii_lowercase().as_str() {
        "tab" | "\\t" => Some('\t'),
        "blank" | "blanks" | "space" => Some(' '),
        "comma" => Some(','),
        "semicolon" => Some(';'),
        "pipe" => Some('|'),
        _ => None,
    };
    let mut letters = text.chars();
    let only = letters.next().filter(|c| c.is_ascii() && letters.next().is_none());
    let usable = |c: &char| !matches!(c, '\n' | '\r' | '"' | '\'') && !c.is_ascii_alphanumeric();
    named.or(only.filter(usable)).ok_or_else(|| {
        Error::input("not a separator")
            .expected("one sign such as ; or :, or its name: tab, blank, comma, semicolon, pipe")
    })
}

/// An encoding, by its proper name.
pub(crate) fn charset(text: &str) -> Result<String> {
    text.parse::<modelwright_io::Encoding>().map(|encoding| encoding.name().to_owned())
}

/// A moment: `2026-03-01T00:00:00Z`.
pub(crate) fn moment(text: &str) -> Result<String> {
    match modelwright_lifecycle::when::moment_seconds(text) {
        Some(seconds) => Ok(modelwright_lifecycle::when::moment_text(seconds)),
        None => Err(Error::input("not a moment").expected("such as 2026-03-01T00:00:00Z, in UTC")),
    }
}

/// A time in which one row shall be predicted: `50us`, `2ms`; in microseconds.
pub(crate) fn latency(text: &str) -> Result<f64> {
    let has_unit = text.ends_with('s');
    let parsed = duration(text).ok().filter(|_| has_unit);
    parsed.map(|time| time.as_secs_f64() * 1e6).filter(|us| *us > 0.0).ok_or_else(|| {
        Error::input("not a time for one row").expected("a number with us or ms (e.g. 50us, 2ms)")
    })
}

/// A share: `0.5%` or `0.005`.
pub(crate) fn share(text: &str) -> Result<f64> {
    let (number, scale) = match text.trim().strip_suffix('%') {
        Some(number) => (number.trim_end(), 0.01),
        None => (text.trim(), 1.0),
    };
    let value = number.parse::<f64>().ok().map(|v| v * scale);
    value.filter(|v| (0.0..=1.0).contains(v)).ok_or_else(|| {
        let error = Error::input("not a share")
            .expected("a percentage, or a number from 0 to 1 (e.g. 0.5%, 0.005)");
        match value {
            Some(v) if v > 1.0 && v <= 100.0 => error.hint(format!("did you mean `{v}%`?")),
            _ => error,
        }
    })
}

/// The memory that a run may use: `4GiB`, `500MB`, `2G`, plain bytes.
pub(crate) fn memory(text: &str) -> Result<u64> {
    let bytes = bytes(text).ok_or_else(|| {
        Error::input("not a size of memory")
            .expected("a number of bytes, or a number with MB, GB, MiB or GiB (e.g. 500MB, 4GiB)")
    })?;
    if bytes < MEMORY_MIN_BYTES as f64 || bytes > MEMORY_MAX_BYTES {
        return Err(Error::input("a size of memory that cannot be right")
            .expected("at least 64MiB, at most 1000000TB")
            .hint("write the unit, e.g. 4GiB; a plain number is bytes"));
    }
    Ok(bytes as u64)
}

/// Worker threads.
pub(crate) fn threads(text: &str) -> Result<usize> {
    text.parse().ok().filter(|n| (1..=THREADS_MAX).contains(n)).ok_or_else(|| {
        Error::input("not a number of threads")
            .expected(format!("a whole number from 1 to {THREADS_MAX}"))
            .hint("leave --threads out to use all processors")
    })
}

/// A seed.
pub(crate) fn seed(text: &str) -> Result<u64> {
    text.parse().map_err(|_| {
        Error::input("not a seed").expected(format!("a whole number from 0 to {}", u64::MAX))
    })
}

/// The share of rows that is held out.
pub(crate) fn holdout(text: &str) -> Result<f64> {
    text.parse().ok().filter(|share| (0.01..=0.9).contains(share)).ok_or_else(|| {
        Error::input("not a share of rows")
            .expected("a number from 0.01 to 0.9 (0.2 holds out every fifth row)")
    })
}

/// What columns cost: `column=cost,…`, or a file that says so.
pub(crate) fn feature_costs(text: &str) -> Result<Costs> {
    if !text.contains('=') || Path::new(text).is_file() {
        return modelwright::feature_costs_of(Path::new(text)).map(Costs);
    }
    costs(text)
        .map_err(|e| e.hint("COLUMN=COST,…, or a file with a column of names and one of costs"))
}

/// The most that something may cost.
pub(crate) fn cost_limit(text: &str) -> Result<f64> {
    text.parse()
        .ok()
        .filter(|cost: &f64| cost.is_finite() && *cost >= 0.0)
        .ok_or_else(|| Error::input("not a cost").expected("a number from 0, such as 2.5"))
}

/// A share of columns.
pub(crate) fn share_of_columns(text: &str) -> Result<f64> {
    text.parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| Error::input("not a share").expected("a number from 0 to 1, such as 0.5"))
}

/// How many times more of something.
pub(crate) fn factor(text: &str) -> Result<f64> {
    text.parse()
        .ok()
        .filter(|factor| (0.01..=1e6).contains(factor))
        .ok_or_else(|| Error::input("not a factor").expected("a number above 0, such as 2"))
}

/// A share of rows that intervals are to hold; none for no intervals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Level(pub(crate) Option<f64>);

/// A level of intervals: a share of rows, or `none`.
pub(crate) fn level(text: &str) -> Result<Level> {
    if text == "none" {
        return Ok(Level(None));
    }
    let share = text.parse().ok().filter(|share: &f64| *share > 0.0 && *share < 1.0);
    share.map(|share| Level(Some(share))).ok_or_else(|| {
        Error::input("not a level of intervals")
            .expected("a share of rows between 0 and 1 (0.9 holds nine of ten), or none")
    })
}

/// What decisions cost, by name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Costs(pub(crate) Vec<(String, f64)>);

/// `error=cost,…`; a name may hold commas and equals signs, because it ends at a number.
pub(crate) fn costs(text: &str) -> Result<Costs> {
    let form = || {
        Error::input("a cost needs an error and a number")
            .expected("fp=1,fn=5, or ACTUAL:PREDICTED=COST,…")
    };
    let mut costs: Vec<(String, f64)> = Vec::new();
    let mut name = String::new();
    for piece in text.split(',') {
        let whole = if name.is_empty() { piece.to_owned() } else { format!("{name},{piece}") };
        let parsed = whole.rsplit_once('=').and_then(|(n, c)| Some((n, c.trim().parse().ok()?)));
        let Some((error, cost)): Option<(&str, f64)> = parsed else {
            name = whole;
            continue;
        };
        let error = error.trim();
        if !(cost.is_finite() && cost >= 0.0) {
            return Err(Error::input("a cost cannot be negative or endless")
                .expected("a number from 0")
                .got(format!("{error}={cost}")));
        }
        if error.is_empty() {
            return Err(form());
        }
        if costs.iter().any(|(known, _)| known == error) {
            return Err(Error::input("an error has two costs").expected("one").got(error));
        }
        costs.push((error.to_owned(), cost));
        name.clear();
    }
    if name.is_empty() && !costs.is_empty() { Ok(Costs(costs)) } else { Err(form()) }
}

/// `column=kind`.
pub(crate) fn column_kind(text: &str) -> Result<(String, Kind)> {
    let (column, kind) = text.rsplit_once('=').filter(|(c, _)| !c.is_empty()).ok_or_else(|| {
        Error::input("a kind needs a column and a kind")
            .expected("COLUMN=KIND, e.g. --kind zip=category")
            .hint(format!("kinds: {}", Kind::ALL.map(Kind::name).join(", ")))
    })?;
    let kind = kind.trim().parse::<Kind>().map_err(|e| {
        let known = format!("a kind: {}", Kind::ALL.map(Kind::name).join(", "));
        match e.hint_text() {
            Some(hint) => Error::input(e.what()).expected(known).hint(hint),
            None => Error::input(e.what()).expected(known),
        }
    })?;
    Ok((column.to_owned(), kind))
}

/// A task's name.
pub(crate) fn task(text: &str) -> Result<Task> {
    text.parse::<Task>().map_err(|e| {
        Error::input(e.what())
            .expected(format!("one of: {}", Task::ALL.map(Task::name).join(", ")))
            .suggest(text, Task::ALL.map(Task::name))
    })
}

/// The name of a learner.
pub(crate) fn learner(text: &str) -> Result<String> {
    if modelwright::learners::learner(text).is_ok() {
        return Ok(text.to_owned());
    }
    let error = Error::input("unknown learner").expected(format!("one of: {}", learner_names()));
    let looks_like_a_file = text.contains(['.', '/', '\\']);
    Err(if looks_like_a_file {
        error.hint("the learner stands before DATA: modelwright train LEARNER DATA --target COLUMN")
    } else {
        let known: Vec<&str> = all_learners().map(|e| e.spec.name).collect();
        let ours = FOREIGN_LEARNERS.iter().find(|(_, foreign)| {
            foreign.iter().any(|f| f.eq_ignore_ascii_case(&text.replace(['_', '-'], "")))
        });
        match ours.map(|(ours, _)| *ours).filter(|o| known.contains(o)).or(nearest(text, &known)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error,
        }
    })
}

/// The names of all learners, joined.
pub(crate) fn learner_names() -> String {
    all_learners().map(|e| e.spec.name).collect::<Vec<_>>().join(", ")
}

fn all_learners() -> impl Iterator<Item = &'static modelwright::learners::Entry> {
    use modelwright::learners::{LEARNERS, UNLABELLED};
    LEARNERS.iter().chain(UNLABELLED)
}

/// `name=value`.
pub(crate) fn param(text: &str) -> Result<(String, String)> {
    let (name, value) = text
        .split_once('=')
        .map(|(name, value)| (name.trim(), value.trim()))
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .ok_or_else(|| {
            Error::input("a parameter needs a name and a value")
                .expected("NAME=VALUE, e.g. --param max_leaves=15")
                .hint("`modelwright train LEARNER --list-params` lists the names")
        })?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The number of folds.
pub(crate) fn folds(text: &str) -> Result<usize> {
    text.parse().ok().filter(|n| *n == 0 || (2..=FOLDS_MAX).contains(n)).ok_or_else(|| {
        Error::input("not a number of folds").expected(format!(
            "a whole number from 2 to {FOLDS_MAX}, or 0 to judge by the held-out rows alone"
        ))
    })
}

/// Outer folds: at least two.
pub(crate) fn outer_folds(text: &str) -> Result<usize> {
    text.parse().ok().filter(|n| (2..=FOLDS_MAX).contains(n)).ok_or_else(|| {
        Error::input("not a number of outer folds")
            .expected(format!("a whole number from 2 to {FOLDS_MAX}"))
    })
}

/// A difference that is not negative.
pub(crate) fn difference(text: &str) -> Result<f64> {
    match text.trim().parse::<f64>() {
        Ok(v) if v.is_finite() && v >= 0.0 => Ok(v),
        _ => Err(Error::input("not a difference").expected("a number from 0, e.g. 0.005")),
    }
}

/// A share from 0 to 1.
pub(crate) fn gap(text: &str) -> Result<f64> {
    match text.trim().parse::<f64>() {
        Ok(v) if (0.0..=1.0).contains(&v) => Ok(v),
        _ => Err(Error::input("not a difference of shares").expected("0 to 1, e.g. 0.05")),
    }
}

/// A number of rows, at least 1.
pub(crate) fn rows(text: &str) -> Result<usize> {
    match text.trim().replace(['_', ','], "").parse() {
        Ok(n) if n >= 1 => Ok(n),
        _ => Err(Error::input("not a number of rows").expected("a whole number from 1, e.g. 30")),
    }
}

/// How many of something, at least one.
pub(crate) fn count(text: &str) -> Result<usize> {
    text.parse()
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| Error::input("not a number of things").expected("a whole number from 1"))
}

/// Rows by their numbers.
pub(crate) fn row_numbers(text: &str) -> Result<RowSelection> {
    text.parse()
}

/// A name of a column, or any other text that must not be empty.
pub(crate) fn name(text: &str) -> Result<String> {
    if text.is_empty() {
        return Err(Error::input("the name is empty").expected("the name of a column"));
    }
    Ok(text.to_owned())
}

/// The name of a registered model: not empty.
pub(crate) fn model_name(text: &str) -> Result<String> {
    if text.trim().is_empty() {
        return Err(Error::input("the name is empty").expected("a name such as churn"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_distinguish_decimal_and_binary_units() {
        for (text, bytes) in [
            ("4GiB", 4_294_967_296),
            ("500MB", 500_000_000),
            ("2g", 2_147_483_648),
            ("1.5 GB", 1_500_000_000),
            ("100000000", 100_000_000),
        ] {
            assert_eq!(memory(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "4XB", "4", "-1GB", "lots"] {
            assert!(memory(text).is_err(), "{text}");
        }
    }

    #[test]
    fn latencies_need_a_unit_and_shares_may_be_per_cent() {
        assert!((latency("50us").unwrap() - 50.0).abs() < 1e-9);
        assert!((latency("2ms").unwrap() - 2000.0).abs() < 1e-9);
        for text in ["", "50", "us", "-1us", "0us"] {
            assert!(latency(text).is_err(), "{text}");
        }
        assert_eq!(share("0.5%").unwrap(), 0.005);
        assert_eq!(share("0.02").unwrap(), 0.02);
        for text in ["", "%", "-1%", "nan", "much"] {
            assert!(share(text).is_err(), "{text}");
        }
        assert_eq!(size("300kB").unwrap(), 300_000);
        assert!(size("0").is_err());
    }

    #[test]
    fn costs_end_at_a_number_so_that_labels_may_hold_anything() {
        let of = |text| costs(text).map(|costs| costs.0);
        let pair = |name: &str, cost| (name.to_owned(), cost);
        assert_eq!(of("fp=1, fn=5").unwrap(), [pair("fp", 1.0), pair("fn", 5.0)]);
        let labels = of("a, b:c=d=2.5,x:y=0").unwrap();
        assert_eq!(labels, [pair("a, b:c=d", 2.5), pair("x:y", 0.0)]);
        for text in ["", "fp", "fp=", "=1", "fp=x", "fp=1,fn", "fp=-1", "fp=inf", "fp=1,fp=2"] {
            assert!(costs(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_level_is_a_share_or_none() {
        assert_eq!(level("0.9").unwrap(), Level(Some(0.9)));
        assert_eq!(level("none").unwrap(), Level(None));
        for text in ["0", "1", "90", "90%", "-0.5", "nan", ""] {
            assert!(level(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_column_may_contain_an_equals_sign() {
        assert_eq!(column_kind("a=b=text").unwrap(), ("a=b".to_owned(), Kind::Text));
        let error = column_kind("zip=categry").unwrap_err();
        assert!(error.hint_text().unwrap().contains("category"), "{error}");
    }
}
