//! Finding runs: `kind = fit and metrics.roc_auc > 0.9 and target like "chur%"`.

use super::Store;
use super::db::Value;
use super::runs::{COLUMNS, RunRow};
use modelwright_core::{Error, Result};

/// Fields that are columns of a run: numbers, and texts.
const NUMBERS: [&str; 3] = ["id", "duration_s", "n_rows"];
const TEXTS: [&str; 11] = [
    "kind",
    "status",
    "started",
    "ended",
    "host",
    "target",
    "task",
    "metric",
    "data_name",
    "data_sha256",
    "git_commit",
];

/// Comparisons, longer ones first.
const OPERATORS: [&str; 7] = ["!=", ">=", "<=", "=", ">", "<", "like"];

/// Parameters that are an object, one by one.
const PARAMETERS: &str =
    "json_each(CASE WHEN substr(parameters, 1, 1) = '{' THEN parameters ELSE '{}' END) AS e";

/// A parameter as a text.
const TEXT: &str = "CASE e.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' \
     ELSE CAST(e.value AS TEXT) END";

/// Stands for a parameter as a number, which the databases write in different ways. MLflow keeps
/// all parameters as texts: a text that is a number counts as one.
const NUMBER: &str = "NUMBER_OF_PARAMETER";
const NUMBER_OF_SQLITE: &str = "CASE WHEN e.type IN ('integer', 'real') THEN e.value \
     WHEN e.type = 'text' AND json_valid(e.value) THEN \
     CASE WHEN json_type(e.value) IN ('integer', 'real') THEN CAST(e.value AS REAL) END END";
const NUMBER_OF_SERVER: &str = "CASE WHEN e.type IN ('number', 'string') AND e.value ~ \
     '^-{0,1}[0-9]+([.][0-9]+){0,1}([eE][-+]{0,1}[0-9]+){0,1}$' \
     THEN CAST(e.value AS DOUBLE PRECISION) END";

/// What an MLflow client called its run, and the experiment that it is in.
const NAME: &str = "(SELECT t.name FROM tracked_runs t WHERE t.id = runs.id)";
const EXPERIMENT: &str = "(SELECT x.name FROM tracked_runs t JOIN experiments x \
     ON x.id = t.experiment WHERE t.id = runs.id)";

/// More conditions than anybody writes; SQLite takes a thousand.
const CONDITIONS_MAX: usize = 100;

/// Which runs are wanted; the default is all of them.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    conditions: Vec<(String, Vec<Value>)>,
    n_max: usize,
    by_metric: Option<(String, bool)>,
}

impl RunFilter {
    /// The filter that a text asks for: conditions joined by `and`, on a run's fields, its `name`
    /// and `experiment`, on `metrics.NAME`, `parameters.NAME` or `tags.NAME`.
    ///
    /// # Errors
    /// Input error that says what cannot be understood.
    pub fn parse(text: &str) -> Result<Self> {
        let words = split(text)?;
        let mut filter = Self::default();
        for condition in words.split(|w| w.eq_ignore_ascii_case("and")) {
            filter.conditions.push(parse_condition(condition, text)?);
        }
        if filter.conditions.len() > CONDITIONS_MAX {
            return Err(broken("too many conditions", text)
                .got(format!("{} conditions", filter.conditions.len()))
                .expected(format!("at most {CONDITIONS_MAX}")));
        }
        Ok(filter)
    }

    /// No more than so many; 0 is all.
    #[must_use]
    pub fn at_most(self, n_max: usize) -> Self {
        Self { n_max, ..self }
    }

    /// The best by a metric come first, in place of the newest.
    #[must_use]
    pub fn best_first(self, metric: &str, larger_is_better: bool) -> Self {
        Self { by_metric: Some((metric.to_owned(), larger_is_better)), ..self }
    }
}

impl Store {
    /// The runs that a filter lets through.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>> {
        let mut values: Vec<Value> = Vec::new();
        // What an MLflow client deleted can be restored by it; until then it is hidden.
        let mut query = format!(
            "SELECT {COLUMNS} FROM runs WHERE id NOT IN
             (SELECT run FROM tracked WHERE deleted_ms IS NOT NULL)"
        );
        for (condition, of) in &filter.conditions {
            query += " AND ";
            query += condition;
            values.extend(of.iter().cloned());
        }
        match &filter.by_metric {
            None => query += " ORDER BY id DESC",
            Some((name, larger_is_better)) => {
                let way = if *larger_is_better { "DESC" } else { "ASC" };
                query += " ORDER BY (SELECT value FROM metrics WHERE run = runs.id AND name = ?
                           ORDER BY place LIMIT 1) ";
                query += way;
                query += " NULLS LAST, id DESC";
                values.push(Value::Text(name.clone()));
            }
        }
        if filter.n_max > 0 {
            query += " LIMIT ?";
            values.push(Value::Integer(super::whole(filter.n_max)));
        }
        let number = if self.db.is_server() { NUMBER_OF_SERVER } else { NUMBER_OF_SQLITE };
        query = query.replace(NUMBER, number);
        self.rows(&query, &values)
    }
}

/// Words, operators and quoted texts (with a leading quote, so that they are no operator).
fn split(text: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' || first == '\'' {
            match rest[1..].find(first) {
                Some(end) => end + 2,
                None => {
                    return Err(broken("a quotation mark is not closed", text));
                }
            }
        } else if let Some(operator) = OPERATORS[..6].iter().find(|o| rest.starts_with(**o)) {
            operator.len()
        } else {
            let ends = |c: char| c.is_whitespace() || "!<>=\"'".contains(c);
            rest.find(ends).unwrap_or(rest.len()).max(first.len_utf8())
        };
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    if words.is_empty() { Err(broken("nothing is asked", text)) } else { Ok(words) }
}

fn parse_condition(words: &[String], text: &str) -> Result<(String, Vec<Value>)> {
    let [field, operator, value] = words else {
        return Err(broken("a condition has a field, a comparison and a value", text));
    };
    let operator = operator.to_lowercase();
    if !OPERATORS.contains(&operator.as_str()) {
        return Err(broken("unknown comparison", text).got(operator));
    }
    let text_value = || match &operator[..] {
        "like" => Value::Pattern(unquoted(value).to_owned()),
        _ => Value::Text(unquoted(value).to_owned()),
    };
    let number_value = || {
        number_of(value).filter(|_| operator != "like").ok_or_else(|| {
            broken("the field is a number, the value is none", text)
                .got(format!("{operator} {value}"))
        })
    };
    if let Some(name) = field.strip_prefix("metrics.") {
        let condition = format!(
            "EXISTS (SELECT 1 FROM metrics WHERE run = runs.id AND name = ? AND value {operator} ?)"
        );
        return Ok((condition, vec![Value::Text(name.to_owned()), number_value()?]));
    }
    if let Some(name) = field.strip_prefix("tags.") {
        let condition = format!(
            "EXISTS (SELECT 1 FROM tags WHERE run = runs.id AND key = ? AND value {operator} ?)"
        );
        return Ok((condition, vec![Value::Text(name.to_owned()), text_value()]));
    }
    if let Some(name) = field.strip_prefix("parameters.") {
        let (what, value) = match number_of(value).filter(|_| operator != "like") {
            Some(number) => (NUMBER, number),
            None => (TEXT, text_value()),
        };
        let condition =
            format!("EXISTS (SELECT 1 FROM {PARAMETERS} WHERE e.key = ? AND {what} {operator} ?)");
        return Ok((condition, vec![Value::Text(name.to_owned()), value]));
    }
    let of_client = [("name", NAME), ("experiment", EXPERIMENT)];
    if let Some((_, column)) = of_client.iter().find(|(name, _)| name == field) {
        return Ok((format!("{column} {operator} ?"), vec![text_value()]));
    }
    let condition = format!("{field} {operator} ?");
    match field.as_str() {
        known if NUMBERS.contains(&known) => Ok((condition, vec![number_value()?])),
        known if TEXTS.contains(&known) => Ok((condition, vec![text_value()])),
        _ => Err(broken("a run has no such field", text)
            .suggest(field, NUMBERS.iter().chain(&TEXTS).copied().chain(["name", "experiment"]))),
    }
}

/// A word, or what is between quotation marks.
fn unquoted(word: &str) -> &str {
    if word.starts_with(['"', '\'']) { &word[1..word.len() - 1] } else { word }
}

/// The number that a word without quotation marks is.
fn number_of(word: &str) -> Option<Value> {
    match (word.parse::<i64>(), word.parse::<f64>()) {
        (Ok(whole), _) => Some(Value::Integer(whole)),
        // `nan` and `inf` are words, too.
        (_, Ok(number)) if number.is_finite() => Some(Value::Real(number)),
        _ => None,
    }
}

fn broken(what: &str, text: &str) -> Error {
    Error::input(what)
        .at("the search")
        .got(text)
        .expected("conditions such as: kind = fit and metrics.roc_auc > 0.9")
}
