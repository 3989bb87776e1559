//! What a table looks like: the name, storage and kind of every column.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How the values of a column are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// 64-bit floating point numbers.
    Number,
    /// Microseconds since 1970 UTC.
    Instant,
    /// Strings.
    String,
}

/// What a column means, which decides how it is prepared for learning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A quantity: order and distance mean something.
    Number,
    /// Whole numbers that are names (codes, postal areas): no order.
    IntegerCategory,
    /// Few or many distinct strings without order.
    Category,
    /// Two values that mean yes and no.
    Boolean,
    /// A date or a point in time.
    Datetime,
    /// Free text: words, sentences.
    Text,
    /// A name of the row itself (key, number, hash): nothing to learn from.
    Identifier,
    /// One value (or only missing values): nothing to learn from.
    Constant,
    /// Nested or binary values that cannot be used.
    Unsupported,
}

impl Kind {
    /// All kinds, in the order in which they are documented.
    pub const ALL: [Self; 9] = [
        Self::Number,
        Self::IntegerCategory,
        Self::Category,
        Self::Boolean,
        Self::Datetime,
        Self::Text,
        Self::Identifier,
        Self::Constant,
        Self::Unsupported,
    ];

    /// The name used in flags, records and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::IntegerCategory => "integer_category",
            Self::Category => "category",
            Self::Boolean => "boolean",
            Self::Datetime => "datetime",
            Self::Text => "text",
            Self::Identifier => "identifier",
            Self::Constant => "constant",
            Self::Unsupported => "unsupported",
        }
    }

    /// Whether columns of this kind feed the learners.
    pub fn is_usable(self) -> bool {
        !matches!(self, Self::Identifier | Self::Constant | Self::Unsupported)
    }
}

impl std::str::FromStr for Kind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name).ok_or_else(|| {
            Error::input("unknown column kind").got(name).suggest(name, Self::ALL.map(Kind::name))
        })
    }
}

/// How numbers of a text column are written, so that serving parses them as training did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberFormat {
    /// `,` is the decimal sign (and `.` or a blank the thousands separator).
    pub decimal_comma: bool,
    /// Thousands separators occur.
    pub thousands: bool,
    /// A percent sign follows; values are kept as written (`12 %` is 12).
    pub percent: bool,
    /// What stands beside the numbers and is left off: the sign or code of a currency (`€`, `USD`),
    /// the unit of every value (`kg`), or the form of times and durations, `hh:mm` (read as
    /// minutes), `hh:mm:ss` or `1h 20m` (both as seconds). Later values in another one are refused.
    pub currency: Option<String>,
    /// Words beside the numbers (`unknown`, `> 80`) that were so rare in training that they were
    /// taken as missing; any other word is refused.
    ///
    /// Text (`record.json`) has them; bytes do not, so that those of a schema stay what they ever
    /// were: a predictor stores them behind.
    #[serde(default, with = "words", skip_serializing_if = "Vec::is_empty")]
    pub missing_words: Vec<String>,
}

/// Words that only text holds.
mod words {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(words: &[String], to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { words.serialize(to) } else { ().serialize(to) }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
        if from.is_human_readable() {
            return Vec::deserialize(from);
        }
        <()>::deserialize(from).map(|()| Vec::new())
    }
}

/// One column of a schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The column's name.
    pub name: String,
    /// How its values are held.
    pub storage: Storage,
    /// What it means.
    pub kind: Kind,
    /// How its numbers are written, when not plainly.
    #[serde(default)]
    pub number_format: NumberFormat,
    /// The order of day and month in its dates is day first; `None` where it does not matter.
    #[serde(default)]
    pub day_first: Option<bool>,
    /// Whether prediction works without it (it is then taken as missing).
    #[serde(default)]
    pub optional: bool,
}

impl Field {
    /// A field with plain formats.
    pub fn new(name: impl Into<String>, storage: Storage, kind: Kind) -> Self {
        Self {
            name: name.into(),
            storage,
            kind,
            number_format: NumberFormat::default(),
            day_first: None,
            optional: false,
        }
    }
}

/// The columns of a table, in file order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// The columns.
    pub fields: Vec<Field>,
}

impl Schema {
    /// The position of the column `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == name)
    }

    /// The column `name`.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }
}
