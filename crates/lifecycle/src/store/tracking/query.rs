//! Conditions and orders as SQL, for everything that can be searched.
//!
//! What an attribute, metric, parameter or tag of a thing is, is one SQL expression each, kept in
//! a [`Searchable`]; a comparison with a value that is not there lets nothing through. Keys and
//! values are always bound, never pasted.

use super::Answer;
use crate::store::db::{Db, DbResult, FromValue, Value};

/// What a condition is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// One of [`Searchable::attributes`].
    Attribute(String),
    /// The latest value of a metric.
    Metric(String),
    /// A parameter.
    Param(String),
    /// A tag.
    Tag(String),
    /// `name`, `digest` or `context` of any data set that the run used.
    Dataset(String),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Are they equal, do they differ, or which is larger?
    Is(&'static str),
    /// Does a pattern with `%` and `_` fit?
    Like,
    /// The same, with large and small letters alike.
    LikeAnyCase,
    /// Is it one of a list?
    In,
    /// Is it there, but none of a list?
    NotIn,
    /// Is it absent?
    IsNull,
    /// Is it there?
    IsNotNull,
}

/// What is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// Nothing.
    None,
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Several texts.
    List(Vec<String>),
}

/// One of several conditions that must all hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What it is about.
    pub subject: Subject,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub operand: Operand,
}

/// What is put first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub subject: Subject,
    /// Small values first. Absent ones come last either way.
    pub ascending: bool,
}

/// What is searched for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// The first counts most.
    pub order: Vec<Order>,
    /// At most so many.
    pub n_max: usize,
    /// So many are left out before.
    pub offset: usize,
}

/// A part of what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// This part.
    pub items: Vec<T>,
    /// Where the next part begins, if there is one.
    pub next: Option<usize>,
}

impl<T> Page<T> {
    /// Everything of the page, looked up.
    pub(super) fn try_map<U>(self, look_up: impl FnMut(T) -> Answer<U>) -> Answer<Page<U>> {
        let items = self.items.into_iter().map(look_up).collect::<Answer<_>>()?;
        Ok(Page { items, next: self.next })
    }
}

/// An attribute that can be searched for.
#[derive(Debug)]
pub struct Attribute {
    /// Its names.
    pub names: &'static [&'static str],
    /// Whether it is a number.
    pub is_number: bool,
    /// Whether conditions may name it.
    pub in_filter: bool,
    /// Whether orders may name it.
    pub in_order: bool,
    sql: &'static str,
}

const fn text(names: &'static [&'static str], sql: &'static str) -> Attribute {
    Attribute { names, is_number: false, in_filter: true, in_order: true, sql }
}

const fn number(names: &'static [&'static str], sql: &'static str) -> Attribute {
    Attribute { names, is_number: true, in_filter: true, in_order: true, sql }
}

/// What can be searched, and where its values are.
#[derive(Debug)]
pub struct Searchable {
    /// Its attributes.
    pub attributes: &'static [Attribute],
    /// Attributes that may be compared with a list.
    pub lists: &'static [&'static str],
    /// Whether `IS NULL` may be asked of tags and parameters.
    pub asks_for_null: bool,
    from: &'static str,
    metric: Option<&'static str>,
    param: Option<&'static str>,
    tag: &'static str,
    dataset: Option<&'static str>,
    /// After everything that was asked for.
    order: &'static str,
}

/// Runs.
pub const RUNS: Searchable = Searchable {
    attributes: &[
        text(&["run_id"], "e.run_id"),
        text(&["run_name", "run name", "Run name", "Run Name"], "e.name"),
        text(&["status"], "e.status"),
        text(&["user_id"], "e.user"),
        text(&["artifact_uri"], "e.artifact_uri"),
        number(&["start_time", "created", "Created"], "e.start_ms"),
        number(&["end_time"], "e.end_ms"),
    ],
    lists: &["run_id"],
    asks_for_null: true,
    from: "SELECT e.id FROM tracked_runs e",
    metric: Some("(SELECT value FROM measured WHERE run = e.id AND name = ?)"),
    param: Some(
        "(SELECT CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'
         WHEN 'null' THEN NULL ELSE CAST(value AS TEXT) END
         FROM json_each(e.parameters) WHERE key = ?)",
    ),
    tag: "(SELECT value FROM tracked_tags WHERE run = e.id AND key = ? LIMIT 1)",
    dataset: Some("SELECT 1 FROM datasets d WHERE d.run = e.id AND d."),
    order: "e.start_ms DESC, e.id DESC",
};

/// Experiments.
pub const EXPERIMENTS: Searchable = Searchable {
    attributes: &[
        text(&["name"], "e.name"),
        text(&["experiment_id"], "CAST(e.id AS TEXT)"),
        number(&["creation_time"], "e.created_ms"),
        number(&["last_update_time"], "e.updated_ms"),
    ],
    lists: &["experiment_id"],
    asks_for_null: true,
    from: "SELECT e.id FROM experiments e",
    metric: None,
    param: None,
    tag: "(SELECT value FROM experiment_tags WHERE experiment = e.id AND key = ?)",
    dataset: None,
    order: "e.id DESC",
};

/// Logged models.
pub const LOGGED_MODELS: Searchable = Searchable {
    attributes: &[
        text(&["name"], "e.name"),
        text(&["model_id"], "e.id"),
        text(&["model_type"], "e.type"),
        text(&["status"], "e.status"),
        text(&["source_run_id"], "e.source_run"),
        number(&["creation_timestamp", "creation_time"], "e.created_ms"),
        number(&["last_updated_timestamp", "last_updated_time"], "e.updated_ms"),
    ],
    lists: &["name", "model_id", "model_type", "status", "source_run_id"],
    asks_for_null: false,
    from: "SELECT e.id FROM logged_models e",
    metric: Some(
        "(SELECT CASE WHEN is_nan = 1 THEN NULL ELSE value END FROM logged_model_metrics
         WHERE model = e.id AND name = ? ORDER BY step DESC, at_ms DESC LIMIT 1)",
    ),
    param: Some("(SELECT value FROM logged_model_params WHERE model = e.id AND key = ?)"),
    tag: "(SELECT value FROM logged_model_tags WHERE model = e.id AND key = ?)",
    dataset: None,
    order: "e.created_ms DESC, e.id",
};

const fn order_only(names: &'static [&'static str], sql: &'static str) -> Attribute {
    Attribute { names, is_number: true, in_filter: false, in_order: true, sql }
}

const fn filter_only(names: &'static [&'static str], sql: &'static str) -> Attribute {
    Attribute { names, is_number: false, in_filter: true, in_order: false, sql }
}

/// Registered models.
pub const REGISTERED_MODELS: Searchable = Searchable {
    attributes: &[
        text(&["name"], "e.name"),
        order_only(&["creation_timestamp"], "e.created_ms"),
        order_only(&["last_updated_timestamp", "timestamp"], "e.updated_ms"),
    ],
    lists: &["name"],
    asks_for_null: false,
    from: "SELECT e.id FROM tracked_models e",
    metric: None,
    param: None,
    tag: "(SELECT value FROM model_tags WHERE model = e.id AND key = ?)",
    dataset: None,
    order: "e.name",
};

/// Versions of registered models.
pub const MODEL_VERSIONS: Searchable = Searchable {
    attributes: &[
        text(&["name"], "e.name"),
        filter_only(&["run_id"], "e.run_id"),
        filter_only(&["source_path"], "e.source"),
        number(&["version_number"], "e.number"),
        order_only(&["creation_timestamp"], "e.created_ms"),
        order_only(&["last_updated_timestamp"], "e.updated_ms"),
    ],
    lists: &["name", "run_id"],
    asks_for_null: false,
    from: "SELECT e.id FROM tracked_versions e",
    metric: None,
    param: None,
    tag: "(SELECT value FROM version_tags WHERE model = e.model AND number = e.number AND key = ?)",
    dataset: None,
    order: "e.name, e.number DESC",
};

/// Tags of this key are absent from everything that is no prompt.
const IS_PROMPT: &str = "mlflow.prompt.is_prompt";

impl Searchable {
    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.names.contains(&name))
    }

    /// Whether it has metrics.
    pub fn has_metrics(&self) -> bool {
        self.metric.is_some()
    }

    /// Whether it has parameters.
    pub fn has_params(&self) -> bool {
        self.param.is_some()
    }

    /// Whether it used data sets.
    pub fn has_datasets(&self) -> bool {
        self.dataset.is_some()
    }

    /// Keys of what a search finds; `also` are further conditions.
    pub(super) fn page<K: FromValue>(
        &self,
        db: &Db,
        also: &[&str],
        search: &Search,
    ) -> DbResult<Page<K>> {
        let mut values = Vec::new();
        let mut conditions: Vec<String> = also.iter().map(|&c| c.to_owned()).collect();
        for condition in &search.conditions {
            conditions.push(self.condition(condition, &mut values));
        }
        let mut query = self.from.to_owned();
        if !conditions.is_empty() {
            query += " WHERE ";
            query += &conditions.join(" AND ");
        }
        query += " ORDER BY ";
        for order in &search.order {
            let way = if order.ascending { " ASC" } else { " DESC" };
            query += &self.value(&order.subject, &mut values);
            query += way;
            query += " NULLS LAST, ";
        }
        query += self.order;
        query += " LIMIT ? OFFSET ?";
        values.push(Value::Integer(super::super::whole(search.n_max.saturating_add(1))));
        values.push(Value::Integer(super::super::whole(search.offset)));
        let statement = db.prepare_cached(&query)?;
        let rows = statement.query_map(&values, |r| r.get(0))?;
        let mut items = rows.collect::<DbResult<Vec<K>>>()?;
        let has_more = items.len() > search.n_max;
        items.truncate(search.n_max);
        Ok(Page { items, next: has_more.then_some(search.offset + search.n_max) })
    }

    /// The expression of a subject, its key bound.
    fn value(&self, subject: &Subject, values: &mut Vec<Value>) -> String {
        let (sql, key) = match subject {
            Subject::Attribute(name) => {
                return self.attribute(name).map_or("NULL", |attribute| attribute.sql).to_owned();
            }
            Subject::Metric(key) => (self.metric, key),
            Subject::Param(key) => (self.param, key),
            Subject::Tag(key) => (Some(self.tag), key),
            Subject::Dataset(_) => return "NULL".to_owned(),
        };
        let Some(sql) = sql else { return "NULL".to_owned() };
        values.push(Value::Text(key.clone()));
        if key == IS_PROMPT { format!("coalesce({sql}, 'false')") } else { sql.to_owned() }
    }

    fn condition(&self, condition: &Condition, values: &mut Vec<Value>) -> String {
        if let (Subject::Dataset(key), Some(of)) = (&condition.subject, self.dataset) {
            let column = match key.as_str() {
                "digest" => "digest",
                "context" => "context",
                _ => "name",
            };
            return format!("EXISTS ({of}{})", compared(column, condition, values));
        }
        let value = self.value(&condition.subject, values);
        compared(&value, condition, values)
    }
}

/// An expression compared with an operand.
fn compared(value: &str, condition: &Condition, values: &mut Vec<Value>) -> String {
    let bound = |text: &str| Value::Text(text.to_owned());
    let operand = match &condition.operand {
        Operand::None => Value::Null,
        Operand::Number(number) => Value::Real(*number),
        Operand::Text(text) if condition.comparison == Comparison::Like => {
            Value::ExactPattern(text.clone())
        }
        Operand::Text(text) if condition.comparison == Comparison::LikeAnyCase => {
            Value::Pattern(text.clone())
        }
        Operand::Text(text) => bound(text),
        Operand::List(list) => {
            values.extend(list.iter().map(|text| bound(text)));
            let places = vec!["?"; list.len()].join(", ");
            let not = if condition.comparison == Comparison::NotIn { "NOT " } else { "" };
            return format!("{value} {not}IN ({places})");
        }
    };
    let how = match condition.comparison {
        Comparison::IsNull => return format!("{value} IS NULL"),
        Comparison::IsNotNull => return format!("{value} IS NOT NULL"),
        Comparison::Is(how) => how,
        Comparison::Like => "GLOB",
        Comparison::LikeAnyCase => "LIKE",
        Comparison::In => "=",
        Comparison::NotIn => "<>",
    };
    values.push(operand);
    format!("{value} {how} ?")
}
