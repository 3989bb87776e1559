//! A report as data: a [`Document`] of [`Section`]s made of [`Block`]s; never HTML.
//!
//! Section authors write words and numbers; every renderer decides how they look. Strings are
//! plain text: renderers escape them, so a column named `<script>` is only ever a name.

use modelwright_core::record::Interval;
use serde::Serialize;

use super::chart::Chart;
pub use super::thresholds::{ThresholdPoint, Thresholds};

/// A whole page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// What sort of page it is, e.g. `Model report`.
    pub kind: &'static str,
    /// The headline.
    pub title: String,
    /// One line of facts under it.
    pub subtitle: String,
    /// Who made it, in one line.
    pub footer: String,
    /// The sections in reading order.
    pub sections: Vec<Section>,
}

/// The part of a report that a section belongs to; parts group the table of contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The decision in words.
    Answer,
    /// How good the model is.
    Quality,
    /// What it was learned from.
    Data,
    /// How it was found.
    Search,
    /// How to repeat it.
    Record,
}

impl Part {
    /// The heading in the table of contents.
    pub fn title(self) -> &'static str {
        match self {
            Self::Answer => "The answer",
            Self::Quality => "How good it is",
            Self::Data => "The data",
            Self::Search => "How it was found",
            Self::Record => "The record",
        }
    }
}

/// What is fixed about a section.
#[derive(Debug, PartialEq, Eq)]
pub struct Spec {
    /// Anchor and JSON key; lower-case words joined by `-`.
    pub id: &'static str,
    /// Where it stands.
    pub part: Part,
    /// Its heading.
    pub title: &'static str,
}

/// One topic of a report: a finding in one sentence, and what supports it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// Anchor and JSON key.
    pub id: &'static str,
    /// Where it stands.
    pub part: Part,
    /// Its heading.
    pub title: &'static str,
    /// What was found, in one sentence that can be read alone.
    pub finding: String,
    /// The support, in reading order.
    pub blocks: Vec<Block>,
    /// What a reader must keep in mind before using the finding.
    pub caveats: Vec<String>,
}

impl Section {
    /// A section with a finding and no support yet.
    pub fn new(spec: &Spec, finding: impl Into<String>) -> Self {
        Self {
            id: spec.id,
            part: spec.part,
            title: spec.title,
            finding: finding.into(),
            blocks: Vec::new(),
            caveats: Vec::new(),
        }
    }

    /// Adds a block.
    #[must_use]
    pub fn block(mut self, block: impl Into<Block>) -> Self {
        self.blocks.push(block.into());
        self
    }

    /// Adds the block, if there is one.
    #[must_use]
    pub fn maybe<B: Into<Block>>(mut self, block: Option<B>) -> Self {
        self.blocks.extend(block.map(Into::into));
        self
    }

    /// Adds a caveat.
    #[must_use]
    pub fn caveat(mut self, caveat: impl Into<String>) -> Self {
        self.caveats.push(caveat.into());
        self
    }
}

/// How much attention something deserves; shown by a word and a mark as well as by colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// As it should be.
    Good,
    /// Neither good nor bad.
    Neutral,
    /// Look at it.
    Warning,
    /// Act on it.
    Severe,
}

impl Tone {
    /// The mark that carries the meaning without colour.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Neutral => "•",
            Self::Warning => "▲",
            Self::Severe => "✕",
        }
    }
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A sentence that must not be overlooked.
    Callout(Callout),
    /// A few headline numbers.
    Figures(Vec<Figure>),
    /// Names and values.
    Facts(Vec<Fact>),
    /// A table.
    Table(Table),
    /// A chart.
    Chart(Chart),
    /// A titled list of sentences.
    List {
        /// What they are.
        title: String,
        /// The sentences.
        items: Vec<String>,
    },
    /// What follows from every threshold on a probability.
    Thresholds(Thresholds),
    /// Command lines to copy.
    Commands(Vec<String>),
    /// Depth that is folded away until asked for.
    Details {
        /// What is inside.
        summary: String,
        /// The folded blocks.
        blocks: Vec<Block>,
    },
}

impl From<Callout> for Block {
    fn from(callout: Callout) -> Self {
        Self::Callout(callout)
    }
}

impl From<Table> for Block {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl From<Chart> for Block {
    fn from(chart: Chart) -> Self {
        Self::Chart(chart)
    }
}

/// A sentence that must not be overlooked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Callout {
    /// How urgent.
    pub tone: Tone,
    /// Two or three words.
    pub label: String,
    /// The sentence.
    pub text: String,
}

/// A headline number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What it is.
    pub label: String,
    /// The number with its unit.
    pub value: String,
    /// Its interval, its rows, or what to compare it with.
    pub detail: String,
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether the value is code (a hash, a file name).
    pub code: bool,
}

impl Fact {
    /// A fact in words or numbers.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), code: false }
    }

    /// A fact that is code.
    pub fn code(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), code: true }
    }
}

/// A table; every row has as many cells as there are columns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// What the table shows, with the rows that its numbers rest on.
    pub caption: String,
    /// The columns.
    pub columns: Vec<TableColumn>,
    /// The cells, row after row.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    pub fn new(caption: impl Into<String>, columns: Vec<TableColumn>) -> Self {
        Self { caption: caption.into(), columns, rows: Vec::new() }
    }

    /// Keeps the first `n` rows open and returns the rest as a table of its own.
    #[must_use]
    pub fn split_after(mut self, n: usize) -> (Self, Option<Self>) {
        if self.rows.len() <= n {
            return (self, None);
        }
        let rest = self.rows.split_off(n);
        let rest =
            Self { caption: self.caption.clone(), columns: self.columns.clone(), rows: rest };
        (self, Some(rest))
    }

    /// The first `n` rows open, the rest folded away.
    #[must_use]
    pub fn folded_after(self, n: usize, noun: &str) -> Vec<Block> {
        let (open, rest) = self.split_after(n);
        let mut blocks = vec![Block::Table(open)];
        if let Some(rest) = rest {
            let summary = match rest.rows.len() {
                1 => "One more".to_owned(),
                n => format!("The other {} {noun}", super::number::count(n)),
            };
            blocks.push(Block::Details { summary, blocks: vec![Block::Table(rest)] });
        }
        blocks
    }
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableColumn {
    /// Its heading, with the unit.
    pub name: String,
    /// Whether it holds numbers, which are aligned at their end.
    pub numeric: bool,
    /// The common scale of the intervals drawn in its cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Interval>,
}

impl TableColumn {
    /// A column of words.
    pub fn words(name: impl Into<String>) -> Self {
        Self { name: name.into(), numeric: false, scale: None }
    }

    /// A column of numbers.
    pub fn numbers(name: impl Into<String>) -> Self {
        Self { name: name.into(), numeric: true, scale: None }
    }

    /// A column of intervals that are drawn on one scale.
    pub fn intervals(name: impl Into<String>, scale: Option<Interval>) -> Self {
        Self { name: name.into(), numeric: false, scale }
    }
}

/// A cell: text, and optionally a small drawing of the same value.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Cell {
    /// The text.
    pub text: String,
    /// A second, quieter line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Shown as a mark with this tone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tone: Option<Tone>,
    /// Drawn beside the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graphic: Option<Graphic>,
}

impl Cell {
    /// Text or a number.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A mark.
    pub fn mark(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone: Some(tone), ..Self::new(text) }
    }

    /// With a second line.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With a drawing.
    #[must_use]
    pub fn graphic(mut self, graphic: Graphic) -> Self {
        self.graphic = Some(graphic);
        self
    }
}

/// A drawing that fits in a cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Graphic {
    /// A value and its interval on the column's scale.
    Interval {
        /// The value.
        value: f64,
        /// Its 95 % interval.
        ci95: Option<Interval>,
    },
    /// A share of a whole, in `[0, 1]`.
    Share(f64),
    /// The counts of a histogram's bars, from left to right.
    Histogram(Vec<usize>),
}
