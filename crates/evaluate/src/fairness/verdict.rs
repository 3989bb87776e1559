//! What an audit comes to, in words.

use modelwright_core::record::{Disparity, GroupAudit, Judgement};

use super::definition::measures_behind;
use crate::compare::adjust::holm;

/// The four-fifths rule: a group that is selected less than this as often as another one.
const FOUR_FIFTHS: f64 = 0.8;

/// Rates that differ by no more than this are called alike.
const RATES_ALIKE: f64 = 0.1;

/// Mean residuals that differ by no more than this share of the RMSE are called alike (a small
/// effect by Cohen's convention).
const RESIDUALS_ALIKE: f64 = 0.2;

/// The level below which a disparity counts as no chance.
const LEVEL: f64 = 0.05;

/// The measures by which groups are judged, of classes and of numbers.
const JUDGED_OF_CLASSES: [&str; 3] =
    ["selection_rate", "true_positive_rate", "false_positive_rate"];
const JUDGED_OF_NUMBERS: [&str; 2] = ["mean_residual", "rmse"];

/// Judges audits of the same rows together: who asks about six columns and four classes asks many
/// questions, of which chance alone answers one in twenty with yes. Holm's correction over all of
/// them keeps the chance of any false finding at 5 %. Returns the number of questions.
pub fn judge_together(audits: &mut [GroupAudit], min_group: usize) -> usize {
    let is_judged =
        |name: &str| JUDGED_OF_CLASSES.contains(&name) || JUDGED_OF_NUMBERS.contains(&name);
    let mut asked: Vec<&mut Disparity> = audits
        .iter_mut()
        .flat_map(|audit| &mut audit.disparities)
        .filter(|d| is_judged(&d.name) && d.p_value.is_some())
        .collect();
    let p_values: Vec<f64> = asked.iter().filter_map(|d| d.p_value).collect();
    for (of, p) in asked.iter_mut().zip(holm(&p_values)) {
        of.p_holm = Some(p);
    }
    let n_questions = asked.len();
    for audit in audits {
        correct_definitions(audit);
        (audit.judgement, audit.verdict) = self::of(audit, min_group);
    }
    n_questions
}

/// Gives definitions the corrected p-values of what is judged of their measures. One that looks at
/// two measures is no chance where either is none: the smaller of the two.
fn correct_definitions(audit: &mut GroupAudit) {
    let GroupAudit { disparities, definitions, .. } = audit;
    for definition in definitions.iter_mut().filter(|d| d.p_value.is_some()) {
        let corrected = |name: &&str| disparities.iter().find(|d| d.name == *name)?.p_holm;
        let behind = measures_behind(&definition.name);
        let all: Option<Vec<f64>> = behind.iter().map(corrected).collect();
        definition.p_holm = all.and_then(|all| all.into_iter().min_by(f64::total_cmp));
    }
}

/// One question about the groups, answered.
struct Answer {
    judgement: Judgement,
    text: String,
}

/// The judgement and its words.
pub(super) fn of(audit: &GroupAudit, min_group: usize) -> (Judgement, String) {
    let judged = audit.groups.iter().filter(|g| g.is_judged).count();
    if judged < 2 {
        let text = format!(
            "Not judged: of {} group{} {judged} {} at least {min_group} rows, and two are needed.",
            audit.groups.len(),
            if audit.groups.len() == 1 { "" } else { "s" },
            if judged == 1 { "has" } else { "have" },
        );
        return (Judgement::NotJudged, text);
    }
    let answers = if audit.positive.is_some() {
        vec![selection(audit), rates(audit), missing_class(audit)]
    } else {
        vec![residuals(audit), errors(audit)]
    };
    let answers: Vec<Answer> = answers.into_iter().flatten().collect();
    let judgement = answers.iter().map(|a| a.judgement).max().unwrap_or_default();
    let mut text: Vec<String> = answers.into_iter().map(|a| a.text).collect();
    if text.is_empty() {
        text.push("Not judged: no rate is defined in two groups.".to_owned());
    }
    let small = audit.groups.len() - judged;
    if small > 0 {
        text.push(format!(
            "{small} group{} with fewer than {min_group} rows {} not judged.",
            if small == 1 { "" } else { "s" },
            if small == 1 { "is" } else { "are" }
        ));
    }
    (judgement, text.join(" "))
}

/// Are all groups selected equally often?
fn selection(audit: &GroupAudit) -> Option<Answer> {
    let gap = measure(audit, "selection_rate")?;
    let positive = audit.positive.as_deref().unwrap_or_default();
    let (lowest, highest) = (gap.lowest.as_deref()?, gap.highest.as_deref()?);
    let (low, high) = (rate(audit, lowest, &gap.name)?, rate(audit, highest, &gap.name)?);
    let ratio = definition(audit, "demographic_parity_ratio");
    let Some(value) = ratio.and_then(|r| r.value) else {
        let text = format!("No group is ever decided “{positive}”.");
        return Some(Answer { judgement: Judgement::NotJudged, text });
    };
    let (judgement, chance) = judge(
        value < FOUR_FIFTHS,
        ratio.and_then(|r| r.ci95).is_some_and(|ci| ci.low < FOUR_FIFTHS),
        gap,
    );
    let facts = if lowest == highest {
        format!("{} of the rows of every group are decided “{positive}”", percent(low))
    } else {
        format!(
            "“{lowest}” rows are decided “{positive}” {value:.2} times as often as “{highest}” \
             rows ({} against {})",
            percent(low),
            percent(high)
        )
    };
    let text = match judgement {
        Judgement::Unequal => format!("{facts}: below four fifths, and not by chance{chance}."),
        Judgement::Unclear if value < FOUR_FIFTHS => {
            format!("{facts}: below four fifths, but it may be chance{chance}.")
        }
        Judgement::Unclear => {
            format!("{facts}: four fifths are kept, but too few rows to be sure of it.")
        }
        _ => format!("{facts}: four fifths are kept."),
    };
    Some(Answer { judgement, text })
}

/// Are the right rows found, and the wrong ones spared, equally often?
fn rates(audit: &GroupAudit) -> Option<Answer> {
    let positive = audit.positive.as_deref().unwrap_or_default();
    let words = [
        ("true_positive_rate", format!("of rows that are “{positive}”, ")),
        ("false_positive_rate", format!("of rows that are not “{positive}”, ")),
    ];
    let mut answers = words.iter().filter_map(|(name, of)| {
        let gap = measure(audit, name)?;
        let value = gap.value?;
        let (lowest, highest) = (gap.lowest.as_deref()?, gap.highest.as_deref()?);
        let (low, high) = (rate(audit, lowest, name)?, rate(audit, highest, name)?);
        let may_be = gap.ci95.is_some_and(|ci| ci.high > RATES_ALIKE);
        let (judgement, chance) = judge(value > RATES_ALIKE, may_be, gap);
        let facts = if lowest == highest {
            format!("{of}{} are decided so in every group", percent(low))
        } else {
            format!(
                "{of}{} of “{lowest}” and {} of “{highest}” rows are decided so",
                percent(low),
                percent(high)
            )
        };
        let text = match judgement {
            Judgement::Unequal => format!("{facts}: unequal, and not by chance{chance}."),
            Judgement::Unclear if value > RATES_ALIKE => {
                format!("{facts}: unequal, but it may be chance{chance}.")
            }
            Judgement::Unclear => format!("{facts}: close, but too few rows to be sure of it."),
            _ => format!("{facts}: close."),
        };
        Some(Answer { judgement, text: capital(&text) })
    });
    let first = answers.next()?;
    Some(answers.fold(first, |all, more| Answer {
        judgement: all.judgement.max(more.judgement),
        text: format!("{} {}", all.text, more.text),
    }))
}

/// What cannot be judged because all rows are of the class, or none is.
fn missing_class(audit: &GroupAudit) -> Option<Answer> {
    let positive = audit.positive.as_deref()?;
    let share = audit.overall.iter().find(|m| m.name == "base_rate")?.value?;
    let (rows, asked) = if share == 0.0 {
        (format!("No row is “{positive}”"), "such rows are found equally often (true positive rate")
    } else if share == 1.0 {
        (
            format!("Every row is “{positive}”"),
            "other rows are spared equally often (false positive rate",
        )
    } else {
        return None;
    };
    let text = format!(
        "{rows}: whether {asked}), and what needs both classes (equalized odds, ROC AUC), cannot \
         be judged."
    );
    // Half of the question is open, however alike the rest is.
    Some(Answer { judgement: Judgement::Unclear, text })
}

/// Are all groups predicted too high, or too low, alike?
fn residuals(audit: &GroupAudit) -> Option<Answer> {
    let gap = measure(audit, "mean_residual")?;
    let value = gap.value?;
    let (lowest, highest) = (gap.lowest.as_deref()?, gap.highest.as_deref()?);
    let (low, high) = (rate(audit, lowest, &gap.name)?, rate(audit, highest, &gap.name)?);
    let rmse = audit.overall.iter().find(|m| m.name == "rmse").and_then(|m| m.value)?;
    let tolerated = RESIDUALS_ALIKE * rmse;
    let may_be = gap.ci95.is_some_and(|ci| ci.high > tolerated);
    let (judgement, chance) = judge(value > tolerated, may_be, gap);
    let facts = format!(
        "the truth lies {} the prediction for {lowest} rows and {} it for {highest} rows, on \
         average",
        beside(low),
        beside(high)
    );
    let text = match judgement {
        Judgement::Unequal => format!("{facts}: unequal, and not by chance{chance}."),
        Judgement::Unclear if value > tolerated => {
            format!("{facts}: unequal, but it may be chance{chance}.")
        }
        Judgement::Unclear => format!("{facts}: close, but too few rows to be sure of it."),
        _ => format!("{facts}: close, beside an RMSE of {}.", short(rmse)),
    };
    Some(Answer { judgement, text: capital(&text) })
}

/// Are all groups predicted equally well?
fn errors(audit: &GroupAudit) -> Option<Answer> {
    let gap = measure(audit, "rmse")?;
    let ratio = gap.ratio?;
    let (lowest, highest) = (gap.lowest.as_deref()?, gap.highest.as_deref()?);
    let (low, high) = (rate(audit, lowest, "rmse")?, rate(audit, highest, "rmse")?);
    let may_be =
        definition(audit, "rmse_ratio").and_then(|r| r.ci95).is_some_and(|ci| ci.low < FOUR_FIFTHS);
    let (judgement, chance) = judge(ratio < FOUR_FIFTHS, may_be, gap);
    let end = match judgement {
        Judgement::Unequal => format!("predicted less well, and not by chance{chance}"),
        Judgement::Unclear if ratio < FOUR_FIFTHS => {
            format!("predicted less well, but it may be chance{chance}")
        }
        Judgement::Unclear => "close, but too few rows to be sure of it".to_owned(),
        _ => "close".to_owned(),
    };
    let text = format!(
        "The RMSE is {} for {highest} and {} for {lowest} rows: {end}.",
        short(high),
        short(low)
    );
    Some(Answer { judgement, text })
}

/// From size and chance to a judgement, and the chance in words.
fn judge(is_large: bool, may_be_large: bool, gap: &Disparity) -> (Judgement, String) {
    let p_value = gap.p_holm.or(gap.p_value);
    // Tables have the p-value of each line alone beside it.
    let is_corrected = gap.p_holm.is_some_and(|p| Some(p) != gap.p_value);
    let name = if is_corrected { "corrected p" } else { "p" };
    let chance = match p_value {
        Some(p) if p < 0.001 => format!(" ({name} < 0.001)"),
        Some(p) => format!(" ({name} = {p:.3})"),
        None => String::new(),
    };
    let judgement = match (is_large, p_value) {
        (true, Some(p)) if p < LEVEL => Judgement::Unequal,
        (true, _) => Judgement::Unclear,
        (false, _) if may_be_large => Judgement::Unclear,
        _ => Judgement::Alike,
    };
    (judgement, chance)
}

fn measure<'a>(audit: &'a GroupAudit, name: &str) -> Option<&'a Disparity> {
    audit.disparities.iter().find(|d| d.name == name)
}

fn definition<'a>(audit: &'a GroupAudit, name: &str) -> Option<&'a Disparity> {
    audit.definitions.iter().find(|d| d.name == name)
}

fn rate(audit: &GroupAudit, group: &str, name: &str) -> Option<f64> {
    let group = audit.groups.iter().find(|g| g.name == group)?;
    group.measures.iter().find(|m| m.name == name)?.value
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn beside(residual: f64) -> String {
    format!("{} {}", short(residual.abs()), if residual < 0.0 { "below" } else { "above" })
}

fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}
