//! The categories that LightGBM's Python package writes below the model, and the features they
//! belong to.
//!
//! The last line, `pandas_categorical:[[…], …]`, has one list per column of pandas' dtype
//! `category`, in the columns' order, and does not name them. They are the categorical features,
//! unless the user chose those himself or a category was ordered (it is then compared as a
//! number). Where the counts differ the caller must name the columns: a guess would give wrong
//! predictions without a word.

use modelwright_core::data::number_text;
use modelwright_core::{Error, Result};
use serde_json::Value;

use super::fields::Lines;
use crate::import::foreign::{ForeignFeature, ForeignModel, Levels, Reading};

const KEY: &str = "pandas_categorical:";
const PARAMETER: &str = "[categorical_feature: ";

/// What the remarks below the trees say of categories.
#[derive(Debug, Default)]
pub(super) struct Categories {
    /// The levels of each column.
    lists: Vec<Vec<Value>>,
    line: u64,
    /// Positions of the categorical features, where the parameters name them.
    chosen: Option<Vec<usize>>,
}

impl Categories {
    /// Reads the rest of the file.
    pub(super) fn read(lines: &mut Lines<'_>) -> Result<Self> {
        let mut found = Self::default();
        for line in lines {
            if let Some(list) = line.text.strip_prefix(PARAMETER) {
                let words = list.trim_end_matches(']').split(',').filter(|w| !w.is_empty());
                found.chosen = words.map(|w| w.trim().parse().ok()).collect();
            } else if let Some(json) = line.text.strip_prefix(KEY) {
                found.line = line.number;
                found.lists = serde_json::from_str::<Option<Vec<Vec<Value>>>>(json)
                    .map_err(|e| {
                        Error::input("the LightGBM model is broken")
                            .at("pandas_categorical")
                            .line(line.number)
                            .expected("a list of lists of categories")
                            .because(e)
                    })?
                    .unwrap_or_default();
            }
        }
        Ok(found)
    }

    /// Gives the features their levels, and all features the ranges that the file tells.
    pub(super) fn tell(
        self,
        model: &mut ForeignModel,
        infos: &[String],
        named: Option<&[String]>,
    ) -> Result<()> {
        for (feature, info) in model.features.iter_mut().zip(infos) {
            feature.range = range(info);
        }
        let columns = match named {
            Some(names) => self.by_name(names, &model.features)?,
            None => self.by_count(&model.features, infos)?,
        };
        let mut has_flags = false;
        for (column, levels) in columns.into_iter().zip(self.lists) {
            let feature = &mut model.features[column];
            let largest = infos.get(column).and_then(|info| largest_level(info));
            if let Some(level) = largest.filter(|level| *level >= levels.len()) {
                return Err(Error::input("the model has a level that its categories do not name")
                    .column(&feature.name)
                    .line(self.line)
                    .expected(format!("{} levels or more", level + 1))
                    .got(format!("{} levels", levels.len()))
                    .hint("name the columns of dtype category, in order, with --categories"));
            }
            if feature.zero_is_missing() {
                return Err(Error::input("the first level of a category is a missing value")
                    .column(&feature.name)
                    .hint("train without zero_as_missing"));
            }
            has_flags |= levels.iter().any(Value::is_boolean);
            feature.range = None;
            feature.reading = Reading::Levels(Levels {
                names: levels.iter().map(text).collect(),
                are_numbers: levels.iter().all(Value::is_number),
                unlisted_is_missing: true,
            });
        }
        if has_flags {
            model.notes.push("boolean categories are written `True` and `False`".to_owned());
        }
        Ok(())
    }

    fn by_name(&self, names: &[String], features: &[ForeignFeature]) -> Result<Vec<usize>> {
        if names.len() != self.lists.len() {
            return Err(Error::input("another number of columns was named than has categories")
                .at("pandas_categorical")
                .line(self.line)
                .expected(format!("{} columns", self.lists.len()))
                .got(names.join(",")));
        }
        if let Some(twice) = (1..names.len()).find(|i| names[..*i].contains(&names[*i])) {
            return Err(Error::input("a column is named twice")
                .at("--categories")
                .expected("each column of dtype category once, in the training table's order")
                .got(&names[twice]));
        }
        let position = |name: &String| {
            features.iter().position(|f| f.name == *name).ok_or_else(|| {
                Error::input("the model has no such feature")
                    .column(name)
                    .suggest(name, features.iter().map(|f| f.name.as_str()))
            })
        };
        names.iter().map(position).collect()
    }

    fn by_count(&self, features: &[ForeignFeature], infos: &[String]) -> Result<Vec<usize>> {
        if self.lists.is_empty() {
            return Ok(Vec::new());
        }
        let n_lists = self.lists.len();
        let of_infos: Vec<usize> =
            (0..infos.len()).filter(|i| largest_level(&infos[*i]).is_some()).collect();
        let known = |columns: &Vec<usize>| {
            columns.len() == n_lists && columns.iter().all(|c| *c < features.len())
        };
        // The parameters also name columns that turned out constant; the infos cannot.
        match self.chosen.clone().filter(known) {
            Some(columns) => Ok(columns),
            None if self.chosen.is_none() && known(&of_infos) => Ok(of_infos),
            None => Err(Error::input("the file does not say which columns have categories")
                .at("pandas_categorical")
                .line(self.line)
                .expected(format!("{n_lists} categorical features, as there are lists of levels"))
                .got(format!("{}", self.chosen.as_ref().unwrap_or(&of_infos).len()))
                .hint(
                    "name the columns of dtype category, in the training table's order, with \
                     --categories",
                )),
        }
    }
}

/// A level as a table writes it.
fn text(level: &Value) -> String {
    match level {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(n) if n.is_f64() => n.as_f64().map_or(n.to_string(), number_text),
        other => other.to_string(),
    }
}

/// Of `[-1.5:3]` the two numbers.
fn range(info: &str) -> Option<(f64, f64)> {
    let (low, high) = info.strip_prefix('[')?.strip_suffix(']')?.split_once(':')?;
    let range: (f64, f64) = (low.parse().ok()?, high.parse().ok()?);
    (range.0.is_finite() && range.1.is_finite()).then_some(range)
}

/// Of `-1:2:0` (the levels of a categorical feature, `-1` is missing) the largest.
fn largest_level(info: &str) -> Option<usize> {
    if info.starts_with('[') || info == "none" {
        return None;
    }
    let levels: Option<Vec<i64>> = info.split(':').map(|level| level.parse().ok()).collect();
    usize::try_from(levels?.into_iter().max()?).ok()
}
