//! Rows that are all of one class: what they cannot say.

use modelwright_core::record::{Evaluation, RunRecord};

use crate::report::{number, words};

/// The class of all tested rows, where there is but one.
fn only_class(evaluation: &Evaluation) -> Option<&str> {
    let matrix = evaluation.confusion.as_ref()?;
    let rows = matrix.counts.iter().zip(&matrix.classes);
    let mut seen = rows.filter(|(row, _)| row.iter().any(|n| *n > 0));
    match (seen.next(), seen.next()) {
        (Some((_, class)), None) => Some(class),
        _ => None,
    }
}

/// That all tested rows are of one class, so that they do not judge a model.
pub(super) fn sentence(record: &RunRecord) -> Option<String> {
    let evaluation = record.evaluation.as_ref()?;
    let class = words::quoted(only_class(evaluation)?);
    Some(format!(
        "All {} are {class}: how well the model tells classes apart cannot be judged.",
        number::rows(evaluation.n_rows)
    ))
}

#[cfg(test)]
mod tests {
    use super::super::{decision, discrimination, performance};
    use crate::report::canonical;
    use crate::report::render::markdown;

    #[test]
    fn rows_of_one_class_are_said_to_be_and_judge_nothing() {
        let mut record = canonical::binary();
        let evaluation = record.evaluation.as_mut().expect("it was tested");
        evaluation.confusion.as_mut().expect("it has classes").counts[0] = vec![0, 0];
        let first = markdown::section(&decision::build(&record).expect("it always applies"));
        assert!(first.contains("rows are “\\>50K”: how well the model tells"), "{first}");
        assert!(first.contains("Not tested") && !first.contains("better than"), "{first}");
        assert!(discrimination::build(&record).is_none(), "nothing is said of the others");
        let scores = markdown::section(&performance::build(&record).expect("there are scores"));
        assert!(scores.contains("cannot be judged") && !scores.contains("worse"), "{scores}");
    }
}
