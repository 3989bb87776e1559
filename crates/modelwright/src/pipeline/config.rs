//! What a project file says.
//!
//! ```toml
//! [source]                         # optional: how the rows come to be
//! run = "python extract.py"
//! inputs = ["extract.py"]
//! outputs = ["train.csv", "test.csv"]
//!
//! [data]
//! train = "train.csv"
//! test = "test.csv"                # optional
//!
//! [fit]                            # every flag of `fit`, by its name
//! target = "churned"
//! time = "60s"
//!
//! [[gate]]                         # what must hold before anything comes into use
//! metric = "roc_auc"
//! at_least = 0.8
//!
//! [[gate]]
//! not_worse_than = "churn@champion"
//!
//! [register]
//! name = "churn"
//! alias = "champion"               # what is served: modelwright serve churn@champion
//!
//! [monitor]                        # optional: new rows beside the model
//! current = "this_week.csv"
//! fail_on_alarm = true
//! ```

use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};
use modelwright_lifecycle::toml_file::{self, About};
use serde::{Deserialize, Serialize};

/// A project.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineConfig {
    /// How the rows come to be.
    pub source: Option<SourcePart>,
    /// The rows.
    pub data: DataPart,
    /// What is asked of the fit: its flags, by name.
    pub fit: toml::Table,
    /// The folder of the model.
    #[serde(default = "model_folder")]
    pub out: PathBuf,
    /// What must hold.
    #[serde(default, rename = "gate")]
    pub gates: Vec<GatePart>,
    /// Under which name it is kept.
    pub register: Option<RegisterPart>,
    /// New rows beside it.
    pub monitor: Option<MonitorPart>,
}

/// A command that makes files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcePart {
    /// What the shell runs, in the project's folder.
    pub run: String,
    /// Files that it reads.
    #[serde(default)]
    pub inputs: Vec<PathBuf>,
    /// Files that it makes.
    pub outputs: Vec<PathBuf>,
}

/// The rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataPart {
    /// To learn from.
    pub train: PathBuf,
    /// To test with; a part of the training rows if absent.
    pub test: Option<PathBuf>,
}

/// Something that must hold of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatePart {
    /// A metric on the untouched rows.
    pub metric: Option<String>,
    /// Its least value.
    pub at_least: Option<f64>,
    /// Its largest value.
    pub at_most: Option<f64>,
    /// A model, often NAME@ALIAS, that must not be better beyond chance on the test rows. A name
    /// that is not registered yet is no obstacle.
    pub not_worse_than: Option<String>,
    /// The largest size of the model file in bytes.
    pub max_bytes: Option<u64>,
}

/// Under which name the model is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterPart {
    /// The name.
    pub name: String,
    /// The alias that moves to it; none if absent.
    pub alias: Option<String>,
}

/// New rows beside the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonitorPart {
    /// The rows.
    pub current: PathBuf,
    /// The page about them.
    #[serde(default = "monitor_page")]
    pub report: PathBuf,
    /// Whether an alarm fails the run.
    #[serde(default)]
    pub fail_on_alarm: bool,
}

fn model_folder() -> PathBuf {
    PathBuf::from("model")
}

fn monitor_page() -> PathBuf {
    PathBuf::from("monitor.html")
}

/// What errors call the file.
const ABOUT: About = About {
    name: "the project file",
    holds: "tables [data] and [fit]; [source], [[gate]], [register], [monitor]",
};

impl PipelineConfig {
    /// Reads a project file.
    ///
    /// # Errors
    /// Input error that says what is wrong, and where.
    pub fn read(file: &Path) -> Result<Self> {
        let text = toml_file::read_text(file, ABOUT)?;
        Self::parse(&text).map_err(|e| toml_file::in_file(e, file))
    }

    /// The project of a text.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(text: &str) -> Result<Self> {
        let config: Self = toml_file::parse(text, ABOUT)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if let Some(out) = self.fit.get("out") {
            return Err(Error::input(
                "a project says where its model goes beside [fit], not in it",
            )
            .at("fit.out")
            .expected("out = \"FOLDER\" above the first table")
            .got(out.type_str()));
        }
        crate::asked::options("fit", &self.fit_flags()?)?;
        for gate in &self.gates {
            let is_bounded = gate.at_least.is_some() || gate.at_most.is_some();
            if gate.metric.is_some() != is_bounded {
                return Err(Error::input("a gate about a metric is not complete")
                    .expected("metric, and at_least or at_most"));
            }
            if let Some(name) = &gate.metric {
                modelwright_evaluate::metric(name).map_err(|e| e.at("[[gate]]"))?;
            }
            if gate.metric.is_none() && gate.not_worse_than.is_none() && gate.max_bytes.is_none() {
                return Err(Error::input("a gate asks nothing")
                    .expected("metric, not_worse_than or max_bytes"));
            }
            if gate.not_worse_than.is_some() && self.data.test.is_none() {
                return Err(Error::input("two models can be compared on test rows only")
                    .at("not_worse_than")
                    .expected("test in [data]"));
            }
        }
        Ok(())
    }

    /// The flags of `fit`, as `asked` takes them.
    ///
    /// # Errors
    /// Input error for a value that no flag can have.
    pub(super) fn fit_flags(&self) -> Result<Vec<(String, Option<String>)>> {
        let mut flags = Vec::new();
        for (name, value) in &self.fit {
            let name = name.replace('-', "_");
            match value {
                toml::Value::Boolean(false) => {}
                toml::Value::Boolean(true) => flags.push((name, None)),
                toml::Value::Array(values) => {
                    for value in values {
                        flags.push((name.clone(), Some(text_of(&name, value)?)));
                    }
                }
                value => {
                    let text = text_of(&name, value)?;
                    flags.push((name, Some(text)));
                }
            }
        }
        Ok(flags)
    }
}

fn text_of(name: &str, value: &toml::Value) -> Result<String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(n) => Ok(n.to_string()),
        toml::Value::Float(n) => Ok(n.to_string()),
        other => Err(Error::input("the setting cannot be used")
            .at(format!("fit.{name}"))
            .expected("a text, a number, true, or a list of texts")
            .got(other.type_str())),
    }
}
