//! One learner that nothing judged before the untouched rows, continued since.

use modelwright_core::record::{ContinuedMember, ContinuedRecord, RunRecord};

use super::single;

/// One learner with a fixed number of rounds and no folds, ended early.
pub(crate) fn unjudged() -> RunRecord {
    let mut record = single();
    record.continued = vec![ContinuedRecord {
        parent_sha256: "c0ffee".into(),
        n_rows: 41_000,
        n_judged: 9_000,
        members: vec![ContinuedMember { trial: "gbdt".into(), before: 120, added: 31 }],
    }];
    record.plan.n_folds = 0;
    record.plan.validation_share = 0.0;
    record.split.n_folds = 0;
    for trial in record.plan.trials.iter_mut().chain(record.trials.iter_mut().map(|t| &mut t.trial))
    {
        trial.fixed_rounds = true;
    }
    record.trials[0].score = None;
    record.trials[0].ci95 = None;
    record.trials[0].rounds = vec![];
    record.ensemble.score = None;
    record.ensemble.corrected_score = None;
    record.ensemble.corrected_ci95 = None;
    record.warnings = vec!["the training of gbdt ended early, after 405 rounds".into()];
    record
}
