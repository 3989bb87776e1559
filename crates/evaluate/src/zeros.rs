//! What relative errors make of true values of 0.

use modelwright_core::record::MetricValue;
use modelwright_core::task::Target;

/// The metric whose denominators are the true values.
const RELATIVE: &str = "mape";

/// Says beside the metric of relative errors how rows count whose true value is 0.
pub(crate) fn note(values: &mut [MetricValue], truth: &Target) {
    let Some(truth) = truth.values() else { return };
    let n_zero = truth.iter().filter(|y| y.abs() < f64::EPSILON).count();
    if n_zero == 0 {
        return;
    }
    let has = if n_zero == 1 { "1 row has".to_owned() } else { format!("{n_zero} rows have") };
    let text = format!(
        "{has} a true value of 0, where the error is divided by {:.1e} instead (as scikit-learn \
         does): such a row outweighs all others unless it is hit exactly; look at mae or smape",
        f64::EPSILON
    );
    for value in values.iter_mut().filter(|v| v.name == RELATIVE) {
        value.note = Some(match value.note.take() {
            Some(other) => format!("{text}; {other}"),
            None => text.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_errors_say_how_zeros_count() {
        let value = |name: &str, note: Option<&str>| MetricValue {
            name: name.to_owned(),
            value: Some(1.0),
            ci95: None,
            note: note.map(str::to_owned),
        };
        let mut values = [value("mae", None), value("mape", None), value("mape", Some("why"))];
        note(&mut values, &Target::Real(vec![1.0, 2.0]));
        assert!(values[0].note.is_none() && values[1].note.is_none());
        note(&mut values, &Target::Real(vec![0.0, 2.0, -0.0]));
        let notes = values.each_ref().map(|v| v.note.as_deref().unwrap_or_default());
        assert!(notes[0].is_empty() && notes[1].starts_with("2 rows have a true value of 0"));
        assert!(notes[1].contains("divided by 2.2e-16") && notes[2].ends_with("; why"));
    }
}
