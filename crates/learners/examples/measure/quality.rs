//! Test scores, defined as in `bench/trees/tables.py`.

use modelwright_core::task::{Predictions, Target, Task};

/// Name and value of the score: ROC AUC, log loss or RMSE.
pub(crate) fn quality(target: &Target, predicted: &Predictions) -> (&'static str, f64) {
    let n = target.n_rows() as f64;
    match (target.task(), target) {
        (Task::Regression, Target::Real(y)) => {
            let squares: f64 = y.iter().zip(&predicted.values).map(|(y, p)| (y - p).powi(2)).sum();
            ("rmse", (squares / n).sqrt())
        }
        (Task::Binary, Target::Class { codes, .. }) => ("auc", auc(codes, &predicted.values)),
        (_, Target::Class { codes, .. }) => {
            let logs = codes.iter().enumerate();
            let sum: f64 = logs.map(|(i, c)| -predicted.row(i)[*c as usize].max(1e-15).ln()).sum();
            ("log_loss", sum / n)
        }
        _ => ("none", f64::NAN),
    }
}

/// The area under the ROC curve by mean ranks.
fn auc(codes: &[u32], scores: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..codes.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let mut rank_sum = 0.0;
    let mut start = 0;
    while start < order.len() {
        let score = scores[order[start]];
        let tied = order[start..].iter().take_while(|i| scores[**i] == score).count();
        let rank = start as f64 + f64::midpoint(tied as f64, 1.0);
        let positives = order[start..start + tied].iter().filter(|i| codes[**i] == 1).count();
        rank_sum += rank * positives as f64;
        start += tied;
    }
    let positives = codes.iter().filter(|c| **c == 1).count() as f64;
    let negatives = codes.len() as f64 - positives;
    (rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives)
}
