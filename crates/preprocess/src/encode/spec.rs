//! Which transformers write which kind of column: an encoding, as data.

use modelwright_core::data::Kind;
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::catalog::transformer;

/// Up to this many levels a category is one-hot for learners that sum features; beyond, its columns
/// are sparse, and target statistics say the same to learners that read no sparse columns.
const ONE_HOT_LEVELS: usize = 32;

/// Up to this many levels trees get a category as one column per level, and no target statistics:
/// the statistics of a level differ from row to row (each sees other rows), and that noise costs
/// more than the order of the levels brings.
pub const ONE_HOT_LEVELS_OF_TREES: usize = 10;

/// Up to this many levels a neural net gets a category as one column per level; beyond, as the
/// number of its level, for a table of embeddings, and as target statistics.
const ONE_HOT_LEVELS_OF_NETWORKS: usize = 9;

/// Up to this many levels a category is the number of its level where learners take that for a
/// name: bins are bytes.
const LEVELS_AS_NAMES: usize = 250;

/// An encoding: the first rule that fits a column decides; a column that none fits is not used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EncodingSpec {
    /// Its name in plans and records.
    pub name: String,
    /// Whether columns are binned.
    pub bins: bool,
    /// The rules, first match wins.
    pub rules: Vec<Rule>,
    /// Whether columns are derived from several raw ones, see [`crate::derive`].
    #[serde(default)]
    pub derives: bool,
}

/// What is done with some columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The kinds of column it is for.
    pub kinds: Vec<Kind>,
    /// At most this many distinct training values; `None` is any number. Only counted for
    /// columns of strings and categories.
    pub max_levels: Option<usize>,
    /// The transformers; each writes its own features from the raw column.
    pub steps: Vec<Step>,
}

/// One transformer of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name in the catalog.
    pub transformer: String,
    /// Parameters that differ from its defaults.
    pub params: ParamMap,
}

impl EncodingSpec {
    /// The names that [`Self::named`] knows.
    pub const NAMES: [&'static str; 6] =
        ["trees", "derived", "linear", "network", "native", "levels"];

    /// For learners that split: values as they are, with bins; categories of few levels one-hot
    /// and by their number, others by ordered target statistics and frequency.
    pub fn trees() -> Self {
        let categories = [Kind::Category, Kind::IntegerCategory];
        let statistics = || step("target_statistics");
        Self {
            name: "trees".to_owned(),
            bins: true,
            derives: false,
            rules: vec![
                rule(&[Kind::Number], None, [step("number")]),
                rule(&[Kind::Boolean], None, [step("boolean")]),
                rule(&categories, Some(2), [step("category_code")]),
                rule(
                    &[Kind::IntegerCategory],
                    None,
                    [statistics(), step("category_value"), step("frequency")],
                ),
                rule(
                    &[Kind::Category],
                    Some(ONE_HOT_LEVELS_OF_TREES),
                    [step("one_hot"), step("category_code")],
                ),
                rule(&[Kind::Category], None, [statistics(), step("frequency")]),
                rule(&[Kind::Datetime], None, [step("date_parts")]),
                rule(
                    &[Kind::Text],
                    None,
                    [step("text_target"), step("text_statistics"), step("text_terms")],
                ),
            ],
        }
    }

    /// As [`Self::trees`], and columns derived from several raw ones.
    pub fn derived() -> Self {
        Self { name: "derived".to_owned(), derives: true, ..Self::trees() }
    }

    /// For learners that sum: imputed, scaled, one-hot (sparse where levels are many), cyclic
    /// dates, sparse text.
    pub fn linear() -> Self {
        let categories = [Kind::Category, Kind::IntegerCategory];
        let on = || ParamValue::Flag(true);
        let character = ParamValue::Choice("character".to_owned());
        Self {
            name: "linear".to_owned(),
            bins: false,
            derives: false,
            rules: vec![
                rule(&[Kind::Number], None, [step("scaled_number")]),
                rule(&[Kind::Boolean], None, [step("boolean").with("impute", on())]),
                rule(&categories, Some(ONE_HOT_LEVELS), [step("one_hot")]),
                rule(
                    &categories,
                    None,
                    [
                        step("one_hot_sparse"),
                        step("target_statistics")
                            .with("scaled", on())
                            .with("prior_strength", ParamValue::Real(10.0)),
                    ],
                ),
                rule(&[Kind::Datetime], None, [step("date_parts").with("cyclic", on())]),
                rule(
                    &[Kind::Text],
                    None,
                    [
                        step("text_statistics").with("scaled", on()),
                        step("text_tfidf"),
                        step("text_tfidf").with("analyzer", character),
                    ],
                ),
            ],
        }
    }

    /// For neural nets, which scale numbers and fill missing values themselves: values as they
    /// are, few levels one-hot, many as names with target statistics, cyclic dates, scores of
    /// texts.
    pub fn network() -> Self {
        let on = || ParamValue::Flag(true);
        let statistics =
            || step("target_statistics").with("prior_strength", ParamValue::Real(10.0));
        let categories = [Kind::Category, Kind::IntegerCategory];
        Self {
            name: "network".to_owned(),
            bins: false,
            derives: false,
            rules: vec![
                rule(&[Kind::Number], None, [step("number")]),
                rule(&[Kind::Boolean], None, [step("boolean")]),
                rule(&[Kind::Category], Some(ONE_HOT_LEVELS_OF_NETWORKS), [step("one_hot")]),
                rule(
                    &[Kind::IntegerCategory],
                    Some(ONE_HOT_LEVELS_OF_NETWORKS),
                    [step("one_hot"), step("category_value")],
                ),
                rule(&categories, None, [step("category_level"), statistics(), step("frequency")]),
                rule(&[Kind::Datetime], None, [step("date_parts").with("cyclic", on())]),
                rule(&[Kind::Text], None, [step("text_target"), step("text_statistics")]),
            ],
        }
    }

    /// For learners that add up what each column says: every raw column once, values as they are,
    /// with bins; categories as the number of their level, and beyond what bins can tell apart as
    /// target statistics.
    pub fn native() -> Self {
        let categories = [Kind::Category, Kind::IntegerCategory];
        Self {
            name: "native".to_owned(),
            bins: true,
            derives: false,
            rules: vec![
                rule(&[Kind::Number], None, [step("number")]),
                rule(&[Kind::Boolean], None, [step("boolean")]),
                rule(&categories, Some(LEVELS_AS_NAMES), [step("category_code")]),
                rule(&categories, None, [step("target_statistics")]),
                rule(&[Kind::Datetime], None, [step("date_parts")]),
                rule(&[Kind::Text], None, [step("text_target"), step("text_statistics")]),
            ],
        }
    }

    /// For boosters that split categories by sets of levels: as [`Self::trees`], with the level of
    /// a category as a name, and beyond what bins can tell apart as target statistics.
    pub fn levels() -> Self {
        let categories = [Kind::Category, Kind::IntegerCategory];
        Self {
            name: "levels".to_owned(),
            bins: true,
            derives: false,
            rules: vec![
                rule(&[Kind::Number], None, [step("number")]),
                rule(&[Kind::Boolean], None, [step("boolean")]),
                rule(&categories, Some(LEVELS_AS_NAMES), [step("category_level")]),
                rule(&categories, None, [step("target_statistics"), step("frequency")]),
                rule(&[Kind::Datetime], None, [step("date_parts")]),
                rule(
                    &[Kind::Text],
                    None,
                    [step("text_target"), step("text_statistics"), step("text_terms")],
                ),
            ],
        }
    }

    /// The name of [`Self::unlabelled`], which only a learner without a target reads.
    pub const UNLABELLED: &'static str = "unlabelled";

    /// Without a target: values as they are, categories by how often their level occurs, those of
    /// few levels one-hot as well.
    pub fn unlabelled() -> Self {
        let frequency = || step("frequency");
        Self {
            name: Self::UNLABELLED.to_owned(),
            bins: false,
            derives: false,
            rules: vec![
                rule(&[Kind::Number], None, [step("number")]),
                rule(&[Kind::Boolean], None, [step("boolean")]),
                rule(&[Kind::IntegerCategory], None, [step("category_value"), frequency()]),
                rule(
                    &[Kind::Category],
                    Some(ONE_HOT_LEVELS_OF_TREES),
                    [step("one_hot"), frequency()],
                ),
                rule(&[Kind::Category], None, [frequency()]),
                rule(&[Kind::Datetime], None, [step("date_parts")]),
                rule(&[Kind::Text], None, [step("text_statistics")]),
            ],
        }
    }

    /// The encodings by name: one of [`Self::NAMES`].
    ///
    /// # Errors
    /// Input error for another name.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "trees" => Ok(Self::trees()),
            "derived" => Ok(Self::derived()),
            "linear" => Ok(Self::linear()),
            "network" => Ok(Self::network()),
            "native" => Ok(Self::native()),
            "levels" => Ok(Self::levels()),
            _ => Err(Error::input("unknown encoding").got(name).suggest(name, Self::NAMES)),
        }
    }

    /// Proves that every transformer exists, fits its kinds and has valid parameters.
    ///
    /// # Errors
    /// Input error that names the transformer or parameter.
    pub fn check(&self) -> Result<()> {
        for rule in &self.rules {
            for step in &rule.steps {
                let entry = transformer(&step.transformer)?;
                entry.check_params(&step.params)?;
                if let Some(kind) = rule.kinds.iter().find(|k| !entry.spec.kinds.contains(k)) {
                    return Err(Error::input("a transformer cannot write this kind of column")
                        .at(format!("encoding {}, {}", self.name, step.transformer))
                        .expected(
                            entry
                                .spec
                                .kinds
                                .iter()
                                .map(|k| k.name())
                                .collect::<Vec<_>>()
                                .join(", "),
                        )
                        .got(kind.name()));
                }
            }
        }
        Ok(())
    }

    /// The steps for a column of `kind` with `n_levels` distinct values.
    pub fn steps(&self, kind: Kind, n_levels: usize) -> &[Step] {
        let fits =
            |r: &&Rule| r.kinds.contains(&kind) && r.max_levels.is_none_or(|most| n_levels <= most);
        self.rules.iter().find(fits).map_or(&[], |r| &r.steps)
    }
}

impl Step {
    /// The same step with one parameter changed.
    #[must_use]
    pub fn with(mut self, name: &str, value: ParamValue) -> Self {
        self.params.insert(name.to_owned(), value);
        self
    }
}

fn step(transformer: &str) -> Step {
    Step { transformer: transformer.to_owned(), params: ParamMap::new() }
}

fn rule<const N: usize>(kinds: &[Kind], max_levels: Option<usize>, steps: [Step; N]) -> Rule {
    Rule { kinds: kinds.to_vec(), max_levels, steps: steps.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_encodings_are_sound_and_cover_every_usable_kind() {
        for name in EncodingSpec::NAMES {
            let spec = EncodingSpec::named(name).unwrap();
            spec.check().unwrap();
            for kind in Kind::ALL {
                assert_eq!(spec.steps(kind, 1_000_000).is_empty(), !kind.is_usable(), "{kind:?}");
            }
        }
        let error = EncodingSpec::named("tree").unwrap_err().to_string();
        assert!(error.contains("did you mean `trees`"), "{error}");
    }

    #[test]
    fn trees_get_few_levels_one_hot_and_many_as_statistics() {
        let spec = EncodingSpec::trees();
        let names = |n_levels| -> Vec<&str> {
            spec.steps(Kind::Category, n_levels).iter().map(|s| s.transformer.as_str()).collect()
        };
        assert_eq!(names(2), ["category_code"]);
        assert_eq!(names(10), ["one_hot", "category_code"]);
        assert_eq!(names(11), ["target_statistics", "frequency"]);
    }

    #[test]
    fn networks_get_few_levels_one_hot_and_many_as_names() {
        let spec = EncodingSpec::network();
        let names = |n_levels| -> Vec<&str> {
            spec.steps(Kind::Category, n_levels).iter().map(|s| s.transformer.as_str()).collect()
        };
        assert_eq!(names(9), ["one_hot"]);
        assert_eq!(names(10), ["category_level", "target_statistics", "frequency"]);
    }

    #[test]
    fn the_native_encoding_writes_a_category_once() {
        let spec = EncodingSpec::native();
        for (n_levels, wanted) in [(250, "category_code"), (251, "target_statistics")] {
            let steps = spec.steps(Kind::IntegerCategory, n_levels);
            assert!(steps.len() == 1 && steps[0].transformer == wanted, "{n_levels}");
        }
    }

    #[test]
    fn levels_are_names_as_far_as_bins_can_tell_them_apart() {
        let spec = EncodingSpec::levels();
        let names = |n_levels| -> Vec<&str> {
            spec.steps(Kind::Category, n_levels).iter().map(|s| s.transformer.as_str()).collect()
        };
        assert_eq!(names(2), ["category_level"]);
        assert_eq!(names(250), ["category_level"]);
        assert_eq!(names(251), ["target_statistics", "frequency"]);
    }

    #[test]
    fn without_a_target_no_step_sees_one() {
        let spec = EncodingSpec::unlabelled();
        spec.check().unwrap();
        let steps = spec.rules.iter().flat_map(|rule| &rule.steps);
        for step in steps {
            assert!(!transformer(&step.transformer).unwrap().spec.sees_target);
        }
        let is_written = |kind| !spec.steps(kind, 1_000).is_empty();
        assert!(
            [Kind::Number, Kind::Category, Kind::Datetime, Kind::Text].into_iter().all(is_written)
        );
    }

    #[test]
    fn a_wrong_step_is_refused_by_name() {
        let mut spec = EncodingSpec::trees();
        spec.rules[0].steps[0].transformer = "one_hot".to_owned();
        assert!(spec.check().unwrap_err().to_string().contains("one_hot"));
        let mut spec = EncodingSpec::linear();
        spec.rules[2].steps[0].params.insert("max_levels".to_owned(), ParamValue::Int(0));
        assert!(spec.check().unwrap_err().to_string().contains("max_levels"));
    }
}
