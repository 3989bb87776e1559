//! What a model may not do: features that act in one direction, features that may not meet.
//!
//! Directions and groups are given as text, by the names of features or of the raw columns they
//! were made from ([`Constraints::parse`]); growers ask for them by position.
//!
//! A feature of direction +1 never lowers a score when it grows, and -1 never raises it, whatever
//! the other features are. Features may share a path from root to leaf only when some group holds
//! them all; those that no group names form a further one, as in scikit-learn.

use modelwright_core::data::{FeatureColumn, FeatureMatrix};
use modelwright_core::{Error, Result};

/// Groups of features as the bits of one number.
pub type Groups = u64;
/// The most groups, the one of unnamed features included.
const MAX_GROUPS: usize = 64;

/// Directions and groups of the features of a matrix, or of the features that trees use.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Constraints {
    /// -1, 0 or 1 for each feature; empty when all are 0.
    directions: Vec<i8>,
    /// The groups of each feature; empty when all may meet.
    groups: Vec<Groups>,
}

impl Constraints {
    /// Reads `monotone`, such as `age:+1,price:-1`, and `interactions`, such as
    /// `age,income|hours,age`.
    ///
    /// A name is that of a feature, of a raw column (all its features; for a direction it must be
    /// the only one), or a position from 0. Names with `,`, `:` or `|` stand in double quotes.
    ///
    /// # Errors
    /// Input error that names the parameter and the feature.
    pub fn parse(monotone: &str, interactions: &str, matrix: &FeatureMatrix) -> Result<Self> {
        let directions = directions(monotone, &matrix.columns)?;
        let groups = groups(interactions, &matrix.columns)?;
        Ok(Self { directions, groups })
    }

    /// The constraints of some of the features, in that order.
    #[must_use]
    pub fn select(&self, features: impl Iterator<Item = usize> + Clone) -> Self {
        let directions = features.clone().filter_map(|f| self.directions.get(f).copied()).collect();
        let groups = features.filter_map(|f| self.groups.get(f).copied()).collect();
        Self { directions, groups }
    }

    /// Whether some feature has a direction.
    pub fn is_monotone(&self) -> bool {
        !self.directions.is_empty()
    }

    /// The direction of a feature.
    pub fn direction(&self, feature: usize) -> i8 {
        self.directions.get(feature).copied().unwrap_or(0)
    }

    /// The groups that still hold all features of a path once `feature` joins it.
    pub fn narrow(&self, path: Groups, feature: usize) -> Groups {
        path & self.groups.get(feature).copied().unwrap_or(Groups::MAX)
    }

    /// Takes away the features that may not join a path.
    pub fn forbid(&self, path: Groups, allowed: &mut [bool]) {
        for (allowed, groups) in allowed.iter_mut().zip(&self.groups) {
            *allowed &= groups & path != 0;
        }
    }

    /// Whether paths have to be watched.
    pub fn has_groups(&self) -> bool {
        !self.groups.is_empty()
    }
}

/// The features that a parameter names in a list, each by its own name or as the only one of a raw
/// column; none of an empty text.
///
/// # Errors
/// Input error that names the parameter and the feature.
pub fn named_features(param: &str, text: &str, columns: &[FeatureColumn]) -> Result<Vec<usize>> {
    let of = |item: &str| {
        let name = unquoted(item);
        match find(param, &name, columns)?[..] {
            [feature] => Ok(feature),
            ref several => Err(Error::input(format!(
                "parameter `{param}` names a column that becomes {} features",
                several.len()
            ))
            .column(name)
            .expected("a column of numbers")),
        }
    };
    split(text, ',').into_iter().map(of).collect()
}

/// The names in a list of them; those with `,`, `:` or `|` stand in double quotes.
pub fn listed(text: &str) -> Vec<String> {
    split(text, ',').into_iter().map(unquoted).collect()
}

fn directions(text: &str, columns: &[FeatureColumn]) -> Result<Vec<i8>> {
    const PARAM: &str = "monotone";
    let mut directions = vec![0; columns.len()];
    for item in split(text, ',') {
        let parts = split(item, ':');
        let direction = parts.last().and_then(|last| match last.trim() {
            "1" | "+1" => Some(1),
            "-1" => Some(-1),
            "0" => Some(0),
            _ => None,
        });
        let (Some(direction), true) = (direction, parts.len() > 1) else {
            return Err(malformed(PARAM, "name:+1, name:-1 or name:0, separated by commas", item));
        };
        let end = item.len() - parts.last().map_or(0, |last| last.len()) - 1;
        let name = unquoted(&item[..end]);
        match find(PARAM, &name, columns)?[..] {
            [feature] if direction != 0 && columns[feature].is_category => {
                return Err(Error::input(format!("parameter `{PARAM}` names a category"))
                    .column(name)
                    .expected("a feature whose values have an order")
                    .hint("leave it out, or make the column a number"));
            }
            [feature] => directions[feature] = direction,
            ref several => {
                let names = several.iter().map(|f| columns[*f].name.as_ref());
                return Err(Error::input(format!(
                    "parameter `{PARAM}` names a column that becomes {} features",
                    several.len()
                ))
                .column(name)
                .expected(names.take(12).collect::<Vec<_>>().join(", "))
                .hint("give the direction to one of these features, or make the column a number"));
            }
        }
    }
    Ok(if directions.iter().all(|d| *d == 0) { Vec::new() } else { directions })
}

fn groups(text: &str, columns: &[FeatureColumn]) -> Result<Vec<Groups>> {
    const PARAM: &str = "interactions";
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut groups: Vec<Groups> = vec![0; columns.len()];
    let lists = split(text, '|');
    if lists.len() >= MAX_GROUPS {
        return Err(malformed(PARAM, "at most 63 groups", &format!("{} groups", lists.len())));
    }
    for (bit, list) in lists.iter().enumerate() {
        for name in split(list, ',') {
            for feature in find(PARAM, &unquoted(name), columns)? {
                groups[feature] |= 1 << bit;
            }
        }
    }
    for unnamed in groups.iter_mut().filter(|g| **g == 0) {
        *unnamed = 1 << lists.len();
    }
    Ok(groups)
}

fn malformed(param: &str, expected: &str, got: &str) -> Error {
    Error::input(format!("parameter `{param}` cannot be read")).expected(expected).got(got)
}

/// The features of that name, or of the raw column of that name, or at that position.
fn find(param: &str, name: &str, columns: &[FeatureColumn]) -> Result<Vec<usize>> {
    let of = |is: &dyn Fn(&FeatureColumn) -> bool| -> Vec<usize> {
        columns.iter().enumerate().filter(|(_, c)| is(c)).map(|(i, _)| i).collect()
    };
    let mut found = of(&|c| *c.name == *name);
    if found.is_empty() {
        found = of(&|c| *c.source == *name);
    }
    if found.is_empty() {
        found.extend(name.parse::<usize>().ok().filter(|position| *position < columns.len()));
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let mut known: Vec<&str> = Vec::new();
    for name in columns.iter().map(|c| &*c.source).chain(columns.iter().map(|c| &*c.name)) {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    Err(Error::input(format!("parameter `{param}` names a feature that does not exist"))
        .column(name)
        .suggest(name, known))
}

/// Parts between separators outside double quotes; none of an empty text.
fn split(text: &str, separator: char) -> Vec<&str> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if c == '"' {
            quoted = !quoted;
        } else if c == separator && !quoted {
            parts.push(&text[start..at]);
            start = at + c.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}

fn unquoted(name: &str) -> String {
    let name = name.trim();
    let inner = name.strip_prefix('"').and_then(|n| n.strip_suffix('"'));
    inner.unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn matrix() -> FeatureMatrix {
        let column = |name: &str, source: &str| FeatureColumn {
            source: Arc::from(source),
            ..FeatureColumn::dense(name, vec![0.0])
        };
        let columns = vec![
            column("age", "age"),
            column("city=Rome", "city"),
            column("city=Oslo", "city"),
            column("a,b", "a,b"),
            column("when:month", "when"),
        ];
        FeatureMatrix::new(1, columns)
    }

    #[test]
    fn a_category_has_no_direction() {
        let mut matrix = matrix();
        matrix.columns[0].is_category = true;
        let error = Constraints::parse("age:1", "", &matrix).unwrap_err().to_string();
        assert!(error.contains("category") && error.contains("`age`"), "{error}");
        assert!(Constraints::parse("age:0", "age|when", &matrix).is_ok());
    }

    fn message(monotone: &str, interactions: &str) -> String {
        Constraints::parse(monotone, interactions, &matrix()).unwrap_err().to_string()
    }

    #[test]
    fn directions_are_read_by_name_by_column_and_by_position() {
        let text = r#" age:+1 , "a,b":-1,when:1,city=Oslo:0"#;
        let parsed = Constraints::parse(text, "", &matrix()).unwrap();
        let directions: Vec<i8> = (0..5).map(|f| parsed.direction(f)).collect();
        assert_eq!(directions, [1, 0, 0, -1, 1]);
        let parsed = Constraints::parse("when:month:-1,0:1", "", &matrix()).unwrap();
        assert_eq!((parsed.direction(0), parsed.direction(4)), (1, -1));
        assert_eq!(parsed.select([4, 0].into_iter()).direction(0), -1);
        assert!(!Constraints::parse("age:0", "", &matrix()).unwrap().is_monotone());
    }

    #[test]
    fn features_meet_when_a_group_holds_them_and_the_unnamed_form_one() {
        let parsed = Constraints::parse("", "age,city|age,when", &matrix()).unwrap();
        let partners = |path: &[usize]| {
            let mut allowed = [true; 5];
            let groups = path.iter().fold(Groups::MAX, |g, f| parsed.narrow(g, *f));
            parsed.forbid(groups, &mut allowed);
            allowed.map(u8::from)
        };
        assert_eq!(partners(&[]), [1, 1, 1, 1, 1]);
        assert_eq!(partners(&[0]), [1, 1, 1, 0, 1]);
        assert_eq!(partners(&[0, 2]), [1, 1, 1, 0, 0]);
        assert_eq!(partners(&[3]), [0, 0, 0, 1, 0]);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_that_names_it_and_suggests() {
        let slip = message("aeg:1", "");
        assert!(slip.contains("did you mean `age`"), "{slip}");
        assert!(message("age:2", "").contains("name:+1"));
        assert!(message("age", "").contains("age"));
        let several = message("city:1", "");
        assert!(several.contains("2 features") && several.contains("city=Oslo"), "{several}");
        assert!(message("", "age|ctiy").contains("did you mean `city`"));
        assert!(message("7:1", "").contains('7'));
        assert!(message("", &vec!["age"; 64].join("|")).contains("63"));
    }
}
