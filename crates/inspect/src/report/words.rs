//! Names in words: metrics, kinds, alerts, leaks; and how foreign text is quoted.

use modelwright_core::data::Kind;
use modelwright_core::error::shorten;
use modelwright_core::record::{AlertKind, LeakAction, LeakKind, Severity};
use modelwright_core::task::Task;

use super::section::Tone;

/// The longest foreign name that is shown whole, in characters.
const NAME_LENGTH_MAX: usize = 80;

/// Foreign text made harmless to look at: control and direction marks become visible, and it is
/// cut to a length that no layout breaks on.
pub(crate) fn clean(text: &str) -> String {
    let visible: String =
        text.chars().map(|c| if is_invisible(c) { '\u{fffd}' } else { c }).collect();
    shorten(&visible, NAME_LENGTH_MAX)
}

/// Foreign text of any length (evidence, messages), without control and direction marks.
pub(crate) fn sentence(text: &str) -> String {
    text.chars().map(|c| if c == '\n' || c == '\t' { ' ' } else { c }).map(mask).collect()
}

fn mask(c: char) -> char {
    if is_invisible(c) || c.is_control() { '\u{fffd}' } else { c }
}

/// Marks that could make text read differently from what it is (Unicode TR 36, bidi controls).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A foreign name in quotation marks.
pub(crate) fn quoted(name: &str) -> String {
    format!("“{}”", clean(name))
}

/// Names in quotation marks, joined; at most five are named.
pub(crate) fn quoted_list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|n| quoted(n)).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Facts of one line, joined by a dot; empty ones are left out.
pub(crate) fn join(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// The date of an ISO 8601 instant.
pub(crate) fn day(created: &str) -> String {
    clean(created.split('T').next().unwrap_or_default())
}

/// The task in words.
pub(crate) fn task_label(task: Task) -> &'static str {
    match task {
        Task::Binary => "Binary classification",
        Task::Multiclass => "Multiclass classification",
        Task::Regression => "Regression",
    }
}

/// A column's kind in words.
pub(crate) fn kind_label(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "number",
        Kind::IntegerCategory => "integer code",
        Kind::Category => "category",
        Kind::Boolean => "yes / no",
        Kind::Datetime => "date / time",
        Kind::Text => "text",
        Kind::Identifier => "identifier",
        Kind::Constant => "constant",
        Kind::Unsupported => "unsupported",
    }
}

/// A severity in words and tone.
pub(crate) fn severity(severity: Severity) -> (Tone, &'static str) {
    match severity {
        Severity::Info => (Tone::Neutral, "Note"),
        Severity::Warning => (Tone::Warning, "Warning"),
        Severity::Severe => (Tone::Severe, "Severe"),
    }
}

/// An alert in words.
pub(crate) fn alert_label(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Constant => "constant",
        AlertKind::NearConstant => "nearly constant",
        AlertKind::Empty => "empty",
        AlertKind::Missing => "missing values",
        AlertKind::Zeros => "many zeros",
        AlertKind::Infinite => "infinite values",
        AlertKind::IdLike => "looks like an identifier",
        AlertKind::Unique => "every value distinct",
        AlertKind::HighCardinality => "very many categories",
        AlertKind::Skewed => "skewed",
        AlertKind::Imbalanced => "imbalanced",
        AlertKind::DuplicateRows => "duplicate rows",
        AlertKind::DuplicateColumns => "duplicate columns",
        AlertKind::HighCorrelation => "highly correlated",
        AlertKind::MixedTypes => "mixed types",
        AlertKind::DirtyCategories => "spelling variants",
        AlertKind::Sentinel => "stand-in for missing",
        AlertKind::DateAsText => "dates as text",
        AlertKind::ConstantLength => "constant length",
        AlertKind::Uniform => "uniform",
        AlertKind::NonStationary => "level changes along the file",
        AlertKind::Unsupported => "unsupported values",
        AlertKind::RareClass => "rare class",
    }
}

/// A kind of leak in words.
pub(crate) fn leak_label(kind: LeakKind) -> &'static str {
    match kind {
        LeakKind::TargetProxy => "one column nearly gives the target away",
        LeakKind::TargetCopy => "a copy of the target",
        LeakKind::Identifier => "an identifier predicts the target",
        LeakKind::FilledAfterwards => "filled only once the target is known",
        LeakKind::DuplicateAcrossSplit => "the same rows in training and test",
        LeakKind::GroupAcrossSplit => "a group on both sides of the split",
        LeakKind::TimeOrderIgnored => "time order ignored",
    }
}

/// What was done about a leak, in tone and words.
pub(crate) fn leak_action(action: LeakAction) -> (Tone, &'static str) {
    match action {
        LeakAction::Reported => (Tone::Warning, "Only reported"),
        LeakAction::Excluded => (Tone::Good, "Excluded"),
        LeakAction::KeptOnRequest => (Tone::Severe, "Kept on request"),
        LeakAction::RowsKeptTogether => (Tone::Good, "Rows kept together"),
    }
}

/// What a metric is called and what it means.
pub(crate) struct MetricWords {
    /// The name as written in text.
    pub(crate) label: &'static str,
    /// What it measures, as the end of a sentence that begins with the name.
    pub(crate) meaning: &'static str,
    /// Whether larger is better; `None` when unknown.
    pub(crate) larger_is_better: Option<bool>,
    /// Whether it is in the unit of the target.
    pub(crate) in_target_unit: bool,
}

/// The words of a metric; an unknown metric is called by its name.
pub(crate) fn metric(name: &str) -> MetricWords {
    let up = |label, meaning| MetricWords {
        label,
        meaning,
        larger_is_better: Some(true),
        in_target_unit: false,
    };
    let down = |label, meaning| MetricWords { larger_is_better: Some(false), ..up(label, meaning) };
    let unit = |label, meaning| MetricWords { in_target_unit: true, ..down(label, meaning) };
    match name {
        "roc_auc" | "roc_auc_ovr" | "roc_auc_ovo" => up(
            "ROC AUC",
            "the chance that a positive row is ranked above a negative one; 0.5 is guessing, 1 perfect",
        ),
        "average_precision" => {
            up("Average precision", "the area under the precision–recall curve; 1 is perfect")
        }
        "log_loss" => down(
            "Log loss",
            "how surprised the probabilities were by the truth, in nats; 0 is perfect",
        ),
        "brier_score" => {
            down("Brier score", "the mean squared error of the probabilities; 0 is perfect")
        }
        "accuracy" => up("Accuracy", "the share of rows whose class is right"),
        "balanced_accuracy" => {
            up("Balanced accuracy", "the mean share of right rows over the classes")
        }
        "f1" | "f1_macro" | "f1_weighted" | "f1_micro" => {
            up("F1", "the harmonic mean of precision and recall; 1 is perfect")
        }
        "precision" | "precision_macro" | "precision_weighted" => {
            up("Precision", "the share of predicted positives that are positive")
        }
        "recall" | "recall_macro" | "recall_weighted" => {
            up("Recall", "the share of positives that are found")
        }
        "matthews_corrcoef" => up(
            "Matthews correlation",
            "the correlation of predicted and true class; 0 is guessing, 1 perfect",
        ),
        "cohen_kappa" => up("Cohen's kappa", "agreement beyond chance; 0 is guessing, 1 perfect"),
        "top_k_accuracy" | "top_k" => {
            up("Top-k accuracy", "the share of rows whose class is among the most probable")
        }
        "ndcg" => up("NDCG", "how well the order agrees with the relevance; 1 is perfect"),
        "rmse" => {
            unit("RMSE", "the typical size of an error, large errors counting more; 0 is perfect")
        }
        "mae" => unit("Mean absolute error", "the mean size of an error; 0 is perfect"),
        "medae" => unit("Median absolute error", "half of the errors are smaller; 0 is perfect"),
        "max_error" => unit("Largest error", "the size of the worst error"),
        "pinball_loss" | "pinball" => unit("Pinball loss", "the loss of a quantile; 0 is perfect"),
        "r2" => up("R²", "the share of the target's variance that is explained; 1 is perfect"),
        "explained_variance" => {
            up("Explained variance", "the share of variance explained, apart from a constant bias")
        }
        "mape" => {
            down("Mean absolute percentage error", "the mean error relative to the true value")
        }
        "smape" => down("Symmetric MAPE", "the mean error relative to the size of both values"),
        "rmsle" => down("RMSLE", "the typical error of the logarithm; 0 is perfect"),
        "poisson_deviance" => down("Poisson deviance", "misfit of counts; 0 is perfect"),
        "gamma_deviance" => down("Gamma deviance", "misfit relative to size; 0 is perfect"),
        "tweedie_deviance" => down("Tweedie deviance", "misfit of amounts; 0 is perfect"),
        _ => MetricWords { label: "", meaning: "", larger_is_better: None, in_target_unit: false },
    }
}

/// A metric's label, or its cleaned name when it is not known here.
pub(crate) fn metric_label(name: &str) -> String {
    match metric(name).label {
        "" => clean(name),
        label => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_marks_and_control_characters_become_visible() {
        assert_eq!(clean("a\u{202e}b"), "a\u{fffd}b");
        assert_eq!(clean("a\nb"), "a b");
        assert_eq!(sentence("x\u{0}y\nz"), "x\u{fffd}y z");
        assert_eq!(clean(&"x".repeat(200)).chars().count(), NAME_LENGTH_MAX);
    }

    #[test]
    fn long_lists_are_cut_and_say_so() {
        let names: Vec<String> = (0..7).map(|i| format!("c{i}")).collect();
        assert_eq!(quoted_list(&names), "“c0”, “c1”, “c2”, “c3”, “c4” and 2 more");
        assert_eq!(quoted_list(&names[..1]), "“c0”");
    }
}
