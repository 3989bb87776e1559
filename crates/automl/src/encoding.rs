//! Which encodings a learner can read, as data: what each encoding writes, and what a learner
//! says that it takes.

use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::{Error, Result};
use modelwright_learners::Entry;
use modelwright_preprocess::EncodingSpec;

/// What an encoding writes.
struct Written {
    name: &'static str,
    /// Whether features may be NaN.
    missing: bool,
    /// Whether every feature has bins.
    bins: bool,
    /// The learners whose default it is, though others could read it.
    made_for: &'static [&'static str],
    /// The only learners that take what it writes for what it means; empty is all.
    only_for: &'static [&'static str],
}

/// The encodings; the first that a learner can read is its default.
const WRITTEN: [Written; EncodingSpec::NAMES.len()] = [
    Written { name: "trees", missing: true, bins: true, made_for: &[], only_for: &[] },
    Written { name: "derived", missing: true, bins: true, made_for: &[], only_for: &[] },
    Written { name: "linear", missing: false, bins: false, made_for: &[], only_for: &[] },
    Written {
        name: "network",
        missing: true,
        bins: false,
        made_for: &["neural_net"],
        only_for: &[],
    },
    // They add up what features say, so that a column that is there twice counts twice.
    Written {
        name: "native",
        missing: true,
        bins: true,
        made_for: &["ebm", "naive_bayes"],
        only_for: &[],
    },
    // Others would take the numbers of levels for sizes.
    Written { name: "levels", missing: true, bins: true, made_for: &[], only_for: &["gbdt"] },
];

/// The names of the encodings that a learner can read, its default first.
pub fn encodings(learner: &Entry) -> Vec<&'static str> {
    let takes = learner.spec.abilities;
    let fits = |w: &&Written| {
        (takes.missing || !w.missing)
            && (w.bins || !takes.bins)
            && (w.only_for.is_empty() || w.only_for.contains(&learner.spec.name))
    };
    let mut fitting: Vec<&Written> = WRITTEN.iter().filter(fits).collect();
    fitting.sort_by_key(|w| !w.made_for.contains(&learner.spec.name));
    fitting.iter().map(|w| w.name).collect()
}

/// The encoding for a learner: the one `asked` for, or its default.
///
/// # Errors
/// Input error when the encoding is unknown or the learner cannot read it.
pub fn encoding_for(learner: &Entry, asked: Option<&str>) -> Result<&'static str> {
    let fitting = encodings(learner);
    let refused = |what: String| {
        Error::input(what).at("--encoding").expected(format!("one of: {}", fitting.join(", ")))
    };
    match asked {
        None => fitting
            .first()
            .copied()
            .ok_or_else(|| refused(format!("no encoding writes what {} reads", learner.spec.name))),
        Some(name) => match fitting.iter().find(|f| **f == name) {
            Some(found) => Ok(found),
            None if EncodingSpec::NAMES.contains(&name) => {
                Err(refused(format!("{} cannot read the encoding `{name}`", learner.spec.name))
                    .hint(if WRITTEN.iter().any(|w| w.name == name && !w.only_for.is_empty()) {
                        "it would take the names of levels, which this encoding writes, for sizes"
                    } else if learner.spec.abilities.bins {
                        "it works on bins of the values, which this encoding does not write"
                    } else {
                        "it cannot work with missing values, which this encoding keeps"
                    }))
            }
            None => Err(refused("unknown encoding".to_owned())
                .got(name)
                .suggest(name, EncodingSpec::NAMES)),
        },
    }
}

/// The parameters with which learners are told what they may do with a column, and what not.
const CONSTRAINTS: [&str; 3] = ["monotone", "interactions", "init_score"];

/// Refuses what would be a promise about a column that a derived one can break: a model that never
/// falls with `age` may well fall with `age / income`.
///
/// # Errors
/// Input error for an encoding that derives columns, together with a constraint.
pub fn check_constraints(encoding: &str, params: &ParamMap) -> Result<()> {
    if !EncodingSpec::named(encoding)?.derives {
        return Ok(());
    }
    let is_set = |name: &&&str| match params.get(**name) {
        Some(ParamValue::Choice(text)) => !text.trim().is_empty(),
        other => other.is_some(),
    };
    match CONSTRAINTS.iter().find(is_set) {
        None => Ok(()),
        Some(name) => Err(Error::input(format!(
            "the encoding `{encoding}` cannot keep what the parameter `{name}` promises"
        ))
        .at("--encoding")
        .hint("it derives columns from several others; `trees` does not")),
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::task::Task;
    use modelwright_learners::{LEARNERS, learner};

    use super::*;
    use crate::plan::Preset;
    use crate::portfolio;

    #[test]
    fn every_encoding_is_described_and_every_learner_can_read_one() {
        assert_eq!(WRITTEN.map(|w| w.name), EncodingSpec::NAMES);
        for entry in LEARNERS {
            assert!(!encodings(entry).is_empty(), "{}", entry.spec.name);
        }
        for name in WRITTEN.iter().flat_map(|w| w.made_for) {
            assert!(learner(name).is_ok(), "an encoding is made for {name}");
        }
        assert_eq!(encodings(learner("ebm").unwrap()), ["native", "trees", "derived"]);
        let of_gbdt = encodings(learner("gbdt").unwrap());
        assert_eq!(of_gbdt, ["trees", "derived", "native", "levels"]);
    }

    #[test]
    fn what_the_portfolio_pairs_can_be_asked_for() {
        for task in Task::ALL {
            for trial in portfolio::candidates(task, Preset::Best, 1000) {
                let entry = learner(&trial.learner).unwrap();
                assert_eq!(encoding_for(entry, Some(&trial.encoding)).unwrap(), trial.encoding);
                let default = encoding_for(entry, None).unwrap();
                let is_default =
                    [default, "derived", portfolio::LEVELS].contains(&&*trial.encoding);
                assert!(is_default, "{}: {default}", trial.name);
            }
        }
    }

    #[test]
    fn an_encoding_that_does_not_fit_is_refused_with_the_reason() {
        for (name, encoding, words) in [
            ("gbdt", "linear", ["cannot read the encoding `linear`", "bins"]),
            ("linear", "trees", ["cannot read the encoding `trees`", "missing values"]),
            ("random_forest", "levels", ["cannot read the encoding `levels`", "for sizes"]),
            ("gbdt", "tree", ["unknown encoding", "did you mean `trees`"]),
        ] {
            let error = encoding_for(learner(name).unwrap(), Some(encoding)).unwrap_err();
            let text = error.to_string();
            assert!(words.iter().all(|w| text.contains(w)), "{text}");
        }
    }

    #[test]
    fn a_constraint_is_not_promised_where_derived_columns_could_break_it() {
        let with = |name: &str, text: &str| {
            ParamMap::from([(name.to_owned(), ParamValue::Choice(text.to_owned()))])
        };
        check_constraints("trees", &with("monotone", "age:+1")).unwrap();
        check_constraints("derived", &with("monotone", " ")).unwrap();
        for name in CONSTRAINTS {
            let text = check_constraints("derived", &with(name, "age:+1")).unwrap_err().to_string();
            assert!(text.contains(name) && text.contains("`trees`"), "{text}");
            let known = learner("gbdt").unwrap().params.iter().any(|p| p.name == name);
            assert!(known, "no learner has {name}");
        }
    }
}
