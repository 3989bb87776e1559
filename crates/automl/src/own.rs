//! Parts of a fit that are code of the caller's own: what models are judged by, and on which rows.
//!
//! They stand beside the [`Options`], which are data: the record
//! names them there, and a run with such parts is repeated only where they are given again
//! (see [`Own::check`]).

use std::sync::Arc;

use modelwright_core::context::Event;
use modelwright_core::data::{Column, Fold, Table};
use modelwright_core::params::ParamMap;
use modelwright_core::record::{Options, OwnKind, OwnPart, Plan, PlannedTrial};
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::MetricInput;
use modelwright_evaluate::metric::{METRICS, MetricEntry, OwnMetric};
use modelwright_learners::gbdt::{Gbdt, GbdtModel, Objective};
use modelwright_learners::own::Named;
use modelwright_learners::{Learner, OWN};
use modelwright_preprocess::EncodingSpec;
use modelwright_preprocess::encode::Prepared;

use crate::boosting::{Earlier, as_before};
use crate::distill::is_student;
use crate::predictor::Predictor;
use crate::target;

/// See the module's text; empty for most runs.
#[derive(Clone, Default)]
pub struct Own {
    /// What models are judged by, and what the record says of it.
    pub metric: Option<(Arc<dyn OwnMetric>, OwnPart)>,
    /// Which rows are learned from and which are judged, and what the record says of it.
    pub split: Option<(OwnSplit, OwnPart)>,
    /// Candidates of the search beside those of the catalog, and what the record says of them.
    pub learners: Vec<(Named, OwnPart)>,
    /// What boosters minimise in place of the loss of the task, and what the record says of it.
    pub loss: Option<(LossOf, OwnPart)>,
    /// The booster that a run adds rounds to.
    pub continued: Option<Earlier>,
}

/// A loss for a number of classes, which is 0 in a regression. Its predictions are those of the
/// task: a value, the probability of the second of two classes, or one of every class.
pub type LossOf = Arc<dyn Fn(usize) -> Arc<dyn Objective> + Send + Sync>;

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.parts()).finish()
    }
}

impl Own {
    /// What the record says of the parts.
    pub fn parts(&self) -> Vec<OwnPart> {
        let metric = self.metric.iter().map(|m| &m.1);
        let learners = self.learners.iter().map(|l| &l.1);
        let beside = self.split.iter().map(|s| &s.1).chain(self.loss.iter().map(|l| &l.1));
        metric.chain(beside).chain(learners).cloned().collect()
    }

    /// Makes sure that the parts are those that the options name: what a record names must be
    /// given again to repeat its run.
    ///
    /// # Errors
    /// Input error that says which part is missing, is too many, or is another one.
    pub(crate) fn check(&self, named: &[OwnPart]) -> Result<()> {
        let given = self.parts();
        if let Some(part) = named.iter().find(|part| !given.iter().any(|g| stands_for(g, part))) {
            let kind = part.kind.name();
            let error = Error::input(format!("the run had a {kind} of its user's own"));
            return Err(error.at(kind).expected(format!("{}, given again", part.name)).hint(
                "such a run is fitted and repeated from Python alone: \
                     modelwright.replay(record, data, …)",
            ));
        }
        for part in &given {
            let kind = part.kind.name();
            let Some(known) = named.iter().find(|n| stands_for(part, n)) else {
                return Err(Error::input(format!("the run had no {kind} of its user's own"))
                    .at(kind)
                    .got(&part.name));
            };
            if (&known.name, &known.sha256) != (&part.name, &part.sha256) {
                return Err(Error::input(format!("this is not the {kind} of the run"))
                    .at(kind)
                    .expected(&known.name)
                    .got(match (known.name == part.name, part.kind) {
                        (false, _) => &part.name,
                        (true, OwnKind::Learner) => "other parameters",
                        (true, _) => "other rows",
                    }));
            }
        }
        let name = self.metric.as_ref().map(|m| m.0.name());
        if let Some(known) = METRICS.iter().find(|m| Some(m.spec.name) == name) {
            return Err(Error::input("a metric of one's own has the name of another")
                .at("metric")
                .expected("a name that is not one of the catalog")
                .got(known.spec.name));
        }
        Ok(())
    }
}

impl Own {
    /// Makes sure that the booster to add rounds to is the one that the options name.
    ///
    /// # Errors
    /// Input error that says whether it is missing, is too many, or is another one.
    pub(crate) fn check_continued(&self, options: &Options) -> Result<()> {
        let wrong = |what: &str| Error::input(what).at("--continue");
        match (&self.continued, &options.continued) {
            (None, None) => Ok(()),
            (Some(given), Some(named)) if given.named.sha256 == named.sha256 => Ok(()),
            (Some(given), Some(named)) => {
                Err(wrong("this is not the model that the run continued")
                    .expected(format!("{} with SHA-256 {}", named.name, named.sha256))
                    .got(format!("SHA-256 {}", given.named.sha256)))
            }
            (None, Some(named)) => Err(wrong("the run continued a model, and none was given")
                .expected(format!("--continue with the bytes of {}", named.name))),
            (Some(_), None) => {
                Err(wrong("the run continued no model").hint("leave --continue out"))
            }
        }
    }
}

/// The values of a metric of the caller's own may take this share of the time.
const SHARE_OF_TIME: f64 = 0.2;

/// Resamples of the interval that a report shows first.
const N_RESAMPLES: usize = 1_000;

/// How many values of the metric a run has time for, by the time that one takes of perfect
/// predictions of the rows whose answers are `known`; `None` without a time limit.
///
/// # Errors
/// Input error when the answers are none of the task.
pub(crate) fn calls(
    metric: &Arc<dyn OwnMetric>,
    (task, classes): (Task, &[String]),
    known: &Column,
    ctx: &Context,
) -> Result<Option<u64>> {
    let truth = target::encode(known, classes, task)?;
    let predictions = perfect(&truth);
    let entry = MetricEntry::of_own(metric.clone(), task, classes);
    let mut took = None;
    let calls = ctx.decide("own_metric/calls", || {
        let Some(left) = ctx.remaining() else { return u64::MAX };
        // The first call may load what later ones have; a value that it has none of is none that
        // costs: what it raises matters later.
        let seconds = [(); 2].map(|()| {
            let before = ctx.elapsed();
            let _ = entry.value(&MetricInput::new(&truth, &predictions));
            ctx.elapsed().saturating_sub(before).as_secs_f64()
        });
        let took_s = seconds[0].min(seconds[1]);
        took = Some(took_s);
        (SHARE_OF_TIME * left.as_secs_f64() / took_s.max(1e-6)) as u64
    });
    let calls = (calls < u64::MAX).then_some(calls);
    let spared = MetricEntry::of_own_within(metric.clone(), task, classes, calls);
    if spared.is_spared() {
        let took = took.map_or(String::new(), |s| format!(" {:.1} ms", s * 1e3));
        let text = format!(
            "a value of {} takes{took} on {} rows: within the time it has fewer resamples than \
             usual, or no interval, and members of the ensemble are chosen in fewer rounds",
            metric.name(),
            truth.n_rows()
        );
        let has_interval = spared.resamples(N_RESAMPLES) > 0;
        ctx.tell(if has_interval { Event::Note(text) } else { Event::Warning(text) });
    }
    Ok(calls)
}

/// Predictions that are the answers.
fn perfect(truth: &Target) -> Predictions {
    match truth {
        Target::Real(values) => Predictions::new(1, values.clone()),
        Target::Class { codes, n_classes: 0..=2 } => {
            Predictions::new(1, codes.iter().map(|c| f64::from(*c)).collect())
        }
        Target::Class { codes, n_classes } => {
            let mut predictions = Predictions::zeros(codes.len(), *n_classes);
            for (row, code) in codes.iter().enumerate() {
                predictions.values[row * n_classes + *code as usize] = 1.0;
            }
            predictions
        }
    }
}

impl Brought {
    /// With a booster to add rounds to, if there is one.
    ///
    /// # Errors
    /// Input error when it is not one booster.
    pub(crate) fn continuing(self, earlier: Option<Earlier>) -> Result<Self> {
        let of = |earlier: Earlier| Ok((earlier.booster()?, earlier.predictor));
        Ok(Self { continued: earlier.map(of).transpose()?, ..self })
    }

    /// Features as the booster to add rounds to reads them; `prepared` where there is none.
    ///
    /// # Errors
    /// Input error when the table has not its columns.
    pub(crate) fn read_as_before(
        &self,
        prepared: Prepared,
        table: &Table,
        ctx: &Context,
    ) -> Result<Prepared> {
        match &self.continued {
            None => Ok(prepared),
            Some((_, predictor)) => as_before(prepared, predictor, table, ctx),
        }
    }
}

/// After so many trials of the plan those of the caller's own come: the constant, the linear model
/// and the first booster are an answer for whatever time there is.
const N_BEFORE: usize = 3;

/// What the caller brought to learn with.
#[derive(Clone, Default)]
pub(crate) struct Brought {
    /// Candidates of the search.
    pub learners: Vec<Named>,
    /// What boosters minimise.
    pub loss: Option<Arc<dyn Objective>>,
    /// What boosters begin with, and the model that it was taken from.
    pub continued: Option<(Arc<GbdtModel>, Arc<Predictor>)>,
}

impl Own {
    /// The parts that learn, for a number of classes, which is 0 in a regression.
    pub(crate) fn brought(self, n_classes: usize) -> Brought {
        Brought {
            learners: self.learners.into_iter().map(|(learner, _)| learner).collect(),
            loss: self.loss.map(|(of, _)| of(n_classes)),
            continued: None,
        }
    }

    /// Makes sure that a loss of the caller's own has someone to minimise it.
    ///
    /// # Errors
    /// Input error when no trial of the plan is a booster.
    pub(crate) fn check_loss(&self, plan: &Plan) -> Result<()> {
        let Some((_, part)) = &self.loss else { return Ok(()) };
        if plan.trials.iter().any(|trial| trial.learner == Gbdt::SPEC.name) {
            return Ok(());
        }
        let names: Vec<&str> = plan.trials.iter().map(|t| t.learner.as_str()).collect();
        Err(Error::input("no candidate minimises a loss of one's own")
            .at("loss")
            .expected("a gradient booster (gbdt) among the learners")
            .got(format!("{}, for {}", part.name, names.join(", "))))
    }

    /// Puts the learners among the trials of a plan.
    ///
    /// # Errors
    /// Input error when a name is no name of a trial, or is one already.
    pub(crate) fn join(&self, plan: &mut Plan) -> Result<()> {
        let known: Vec<String> = plan.trials.iter().map(|t| t.name.clone()).collect();
        for (i, (own, _)) in self.learners.iter().enumerate() {
            let earlier = self.learners[..i].iter().map(|(other, _)| &other.name);
            let is_taken = known.iter().chain(earlier).any(|name| *name == own.name);
            let is_odd = |c: char| c.is_control() || c == '/' || c == '~';
            let error = |what: &str| Error::input(what).at("learners").got(&own.name);
            if is_taken {
                return Err(error("two candidates of the search have the same name")
                    .hint("give it another: modelwright.Learner(estimator, name=...)"));
            }
            if own.name.trim().is_empty() || own.name.contains(is_odd) || is_student(&own.name) {
                return Err(error("this cannot be the name of a candidate").expected(
                    "a name without control characters, `/` and `~`, and not of a student",
                ));
            }
            EncodingSpec::named(&own.encoding).map_err(|e| e.at("encoding"))?;
            if matches!(&*own.encoding, "derived" | "levels") {
                return Err(Error::input("a learner of one's own cannot read this encoding")
                    .at("encoding")
                    .expected("linear, trees, network or native")
                    .got(&own.encoding)
                    .hint("columns that are derived and levels that are names are for boosters"));
            }
        }
        let at = plan.trials.len().min(N_BEFORE);
        let trials = self.learners.iter().map(|(own, _)| PlannedTrial {
            name: own.name.clone(),
            learner: OWN.to_owned(),
            encoding: own.encoding.clone(),
            params: ParamMap::new(),
            without: Vec::new(),
            fixed_rounds: false,
            reason: format!("given: {}", own.text),
        });
        plan.trials.splice(at..at, trials);
        Ok(())
    }
}

/// Whether a given part is the one that a record names: of learners there may be several.
fn stands_for(given: &OwnPart, named: &OwnPart) -> bool {
    given.kind == named.kind && (given.kind != OwnKind::Learner || given.name == named.name)
}

/// Pairs of rows to learn from and rows to judge, by their positions in the table that is read.
///
/// Where rows are held out, the last pair is what is held out: the delivered model is tested on
/// its judged rows, and no trial sees them. The other pairs judge the trials, as far as their rows
/// are among those that the last one learns from.
#[derive(Debug, Clone)]
pub struct OwnSplit {
    pairs: Vec<Fold>,
}

impl OwnSplit {
    /// Of pairs of rows to learn from and rows to judge, over a table of `n_rows`.
    ///
    /// # Errors
    /// Input error when there is no pair, a row is not there or on both sides of a pair, a side is
    /// empty, or a row is judged by two pairs.
    pub fn new(pairs: Vec<(Vec<u32>, Vec<u32>)>, n_rows: usize) -> Result<Self> {
        let error = |what: &str| Error::input(what).at("split");
        if pairs.is_empty() {
            return Err(error("the split has no pair of rows")
                .expected("pairs of rows to learn from and rows to judge"));
        }
        let mut judged_by: Vec<Option<usize>> = vec![None; n_rows];
        let mut folds = Vec::with_capacity(pairs.len());
        for (k, (train, validation)) in pairs.into_iter().enumerate() {
            let fold = Fold { train: in_order(train), validation: in_order(validation) };
            let place = format!("pair {}", k + 1);
            if fold.train.is_empty() || fold.validation.is_empty() {
                return Err(error("a side of the split has no rows").at(place));
            }
            let last = [&fold.train, &fold.validation].map(|rows| rows.last().copied());
            let last = last.into_iter().flatten().max().unwrap_or(0);
            if last as usize >= n_rows {
                return Err(error("the split names a row that is not there")
                    .at(place)
                    .expected(format!("rows from 0 to {}", n_rows.saturating_sub(1)))
                    .got(last.to_string()));
            }
            for row in &fold.validation {
                if fold.train.binary_search(row).is_ok() {
                    return Err(error("a row of the split is learned from and judged")
                        .at(place)
                        .got(format!("row {row}")));
                }
                if let Some(other) = judged_by[*row as usize].replace(k) {
                    return Err(error("a row of the split is judged twice")
                        .expected("each row in the second part of one pair at most")
                        .got(format!("row {row} in pairs {} and {}", other + 1, k + 1)));
                }
            }
            folds.push(fold);
        }
        Ok(Self { pairs: folds })
    }

    /// The last pair as positions among `rows`, the rows with a known target, which ascend.
    ///
    /// # Errors
    /// Input error when a side would be empty, or no other pair is left to judge the trials.
    pub(crate) fn held_out(&self, rows: &[u32]) -> Result<Fold> {
        let Some((last, [_, ..])) = self.pairs.split_last() else {
            return Err(Error::input("one pair of rows cannot both be held out and judge trials")
                .at("split")
                .expected("at least two pairs")
                .hint("the last pair is held out; with a test table all of them judge"));
        };
        among(last, rows)
    }

    /// The pairs that judge the trials, as positions among `rows`; all of them where nothing of
    /// them is held out.
    ///
    /// # Errors
    /// Input error when a side would be empty.
    pub(crate) fn folds(&self, rows: &[u32], is_held_out: bool) -> Result<Vec<Fold>> {
        let n = self.pairs.len() - usize::from(is_held_out);
        self.pairs[..n].iter().map(|pair| among(pair, rows)).collect()
    }
}

/// Each row once, ascending.
fn in_order(mut rows: Vec<u32>) -> Vec<u32> {
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// A pair as positions among `rows`, which ascend.
fn among(pair: &Fold, rows: &[u32]) -> Result<Fold> {
    let places = |wanted: &[u32]| -> Vec<u32> {
        wanted.iter().filter_map(|row| rows.binary_search(row).ok()).map(|at| at as u32).collect()
    };
    let fold = Fold { train: places(&pair.train), validation: places(&pair.validation) };
    if fold.train.is_empty() || fold.validation.is_empty() {
        return Err(Error::input("a side of the split has no rows left").at("split").expected(
            "rows with a known target that are not held out, on both sides of each pair",
        ));
    }
    Ok(fold)
}

/// What the record says of a part of this kind and name, for tests and callers without more to say.
pub fn named(kind: OwnKind, name: impl Into<String>) -> OwnPart {
    OwnPart { kind, name: name.into(), sha256: None, needs: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pairs: &[(&[u32], &[u32])], n_rows: usize) -> Result<OwnSplit> {
        OwnSplit::new(pairs.iter().map(|(a, b)| (a.to_vec(), b.to_vec())).collect(), n_rows)
    }

    #[test]
    fn the_last_pair_is_held_out_and_the_others_judge_what_it_learns_from() {
        let forward = split(&[(&[0, 1], &[2, 3]), (&[3, 2, 1, 0], &[5, 4])], 6).unwrap();
        let held = forward.held_out(&[0, 1, 2, 3, 4, 5]).unwrap();
        assert_eq!((&held.train[..], &held.validation[..]), (&[0, 1, 2, 3][..], &[4, 5][..]));
        let folds = forward.folds(&held.train, true).unwrap();
        assert_eq!(folds.len(), 1);
        assert_eq!(folds[0].validation, [2, 3]);
        // Row 1 has no target: what follows it moves up.
        let folds = forward.folds(&[0, 2, 3], true).unwrap();
        assert_eq!((&folds[0].train[..], &folds[0].validation[..]), (&[0][..], &[1, 2][..]));
        assert_eq!(forward.folds(&[0, 1, 2, 3, 4, 5], false).unwrap().len(), 2);
    }

    #[test]
    fn pairs_that_cannot_judge_are_refused_with_their_number() {
        for (pairs, says) in [
            (&[][..], "no pair"),
            (&[(&[0_u32][..], &[][..])][..], "no rows"),
            (&[(&[0][..], &[9][..])][..], "rows from 0 to 5"),
            (&[(&[0, 1][..], &[1][..])][..], "learned from and judged"),
            (&[(&[0][..], &[1][..]), (&[0][..], &[1][..])][..], "pairs 1 and 2"),
        ] {
            let error = split(pairs, 6).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let one = split(&[(&[0], &[1])], 2).unwrap();
        assert!(one.held_out(&[0, 1]).unwrap_err().to_string().contains("two pairs"));
        assert!(one.folds(&[0], false).unwrap_err().to_string().contains("no rows left"));
    }

    #[test]
    fn a_recorded_part_must_be_given_again() {
        let own = Own {
            split: Some((split(&[(&[0], &[1])], 2).unwrap(), named(OwnKind::Split, "mine"))),
            ..Own::default()
        };
        own.check(&own.parts()).unwrap();
        for (named, says) in [
            (vec![], "had no split"),
            (vec![named(OwnKind::Metric, "profit")], "had a metric"),
            (vec![named(OwnKind::Split, "another")], "not the split"),
        ] {
            let error = own.check(&named).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert!(Own::default().check(&[]).is_ok());
    }
}
