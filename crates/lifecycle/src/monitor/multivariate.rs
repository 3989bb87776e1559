//! Whether new rows can be told from reference rows by all columns together.
//!
//! Our own boosted trees learn which side a row is from; the area under their ROC curve on rows
//! that they did not learn from is 0.5 when nothing moved, also where single columns look the same
//! and only their relation changed. Reference: Lopez-Paz & Oquab, "Revisiting classifier two-sample
//! tests", ICLR 2017. Dates are left out: they always tell the sides apart.
//!
//! Where rows belong to groups, a group is in one fold, on both sides, and the interval is that of
//! groups: who is known again by what is their own is no drift. Where rows are like their
//! neighbours in time, the groups are blocks of rows that follow each other ([`blocks`]).

use modelwright_automl::GroupNumbers;
use modelwright_core::data::{FeatureView, Field, Fold, Kind, Schema, Table, TrainView};
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::record::{Interval, Multivariate};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::compare::clusters::clustered;
use modelwright_evaluate::compare::delong;
use modelwright_learners::learner;
use modelwright_preprocess::{EncodingSpec, PrepareInput, prepare};

use super::reconstruction::{Tested, reconstruct};
use super::season::Seasonal;
use super::side::{GROUP, Side, TIME};
use super::{Watched, blocks, looks};

/// Rows that are told apart from chance on, by the lower end of the interval.
const THRESHOLD: f64 = 0.55;

/// Below so many rows of a side nothing is learned.
const ROWS_MIN: usize = 50;

const N_FOLDS: usize = 3;
const N_ROUNDS: i64 = 60;

/// The half-width of a 95 % interval in standard deviations.
const Z_975: f64 = 1.96;

/// Learns to tell the sides apart; a note when that could not be done. It is a test at the share
/// `spent` of the level (see [`looks`]).
pub(super) fn classify(
    watched: &Watched<'_>,
    (reference, mix): (Option<&Side<'_>>, Option<&Seasonal>),
    current: &Side<'_>,
    spent: f64,
    ctx: &Context,
) -> (Option<Multivariate>, Option<String>) {
    let Some(reference) = reference else {
        let note = "columns are compared one by one: all together they can be compared only with \
                    the rows of a reference file, and a model keeps no rows";
        return (None, Some(note.to_owned()));
    };
    let (Some(was), Some(is)) = (reference.sample_like(mix), current.sample()) else {
        return (None, None);
    };
    let was = &*was;
    if was.n_rows().min(is.n_rows()) < ROWS_MIN {
        let note = format!("columns are not compared all together: fewer than {ROWS_MIN} rows");
        return (None, Some(note));
    }
    let units = groups(was, is).map(|of| of.or_else(|| in_time((reference, was), (current, is))));
    match units.and_then(|units| tell_apart(watched, (was, is), (units, spent), ctx)) {
        Ok(found) => (Some(found), None),
        Err(error) => {
            (None, Some(format!("columns are not compared all together: {}", error.what())))
        }
    }
}

fn tell_apart(
    watched: &Watched<'_>,
    (was, is): (&Table, &Table),
    (groups, spent): (Option<Vec<u32>>, f64),
    ctx: &Context,
) -> Result<Multivariate> {
    let fits = |f: &&Field| {
        let is_there = was.column(&f.name).is_some() && is.column(&f.name).is_some();
        f.kind != Kind::Datetime && f.kind.is_usable() && is_there
    };
    let fields: Vec<Field> = watched.fields().iter().filter(fits).cloned().collect();
    let mut columns = Vec::new();
    for field in &fields {
        let mut column = was.require(&field.name)?.clone();
        column.append(is.require(&field.name)?)?;
        columns.push(column);
    }
    let table = Table::new(columns)?;
    let n_rows = was.n_rows() + is.n_rows();
    let codes: Vec<u32> = (0..n_rows).map(|row| u32::from(row >= was.n_rows())).collect();
    let folds = match &groups {
        Some(groups) => whole_folds(&codes, groups, ctx)?,
        None => folds(&codes, ctx),
    };
    let target = Target::Class { codes, n_classes: 2 };
    let schema = Schema { fields };
    let scores = out_of_fold(&table, &schema, &target, &folds, ctx)?;
    let codes = target.codes().unwrap_or_default();
    let (roc_auc, ci95) = if let Some(groups) = &groups {
        area_of_groups(codes, &scores, groups)?
    } else {
        let judged = delong(codes, &scores, &vec![0.0; n_rows])?;
        let (roc_auc, half) = (judged.auc[0], Z_975 * judged.variance[0].max(0.0).sqrt());
        (roc_auc, Interval { low: roc_auc - half, high: roc_auc + half })
    };
    let ci95 = Interval { low: ci95.low.max(0.0), high: ci95.high.min(1.0) };
    let low = roc_auc - looks::width(spent) * (roc_auc - ci95.low);
    let sides = (table_of(was, &schema)?, table_of(is, &schema)?);
    Ok(Multivariate {
        roc_auc,
        ci95,
        threshold: THRESHOLD,
        drifted: low > THRESHOLD,
        n_reference: was.n_rows(),
        n_current: is.n_rows(),
        reconstruction: reconstruct(
            &sides.0,
            &sides.1,
            Tested { groups: groups.as_deref(), spent },
            ctx,
        ),
    })
}

/// The columns of one side that are compared.
fn table_of(side: &Table, schema: &Schema) -> Result<Table> {
    let columns = schema.fields.iter().map(|field| side.require(&field.name).cloned());
    Table::new(columns.collect::<Result<_>>()?)
}

/// Folds with even shares of both sides.
fn folds(codes: &[u32], ctx: &Context) -> Vec<Fold> {
    let mut fold_of = vec![0; codes.len()];
    for side in 0..2 {
        let mut rows: Vec<usize> = (0..codes.len()).filter(|row| codes[*row] == side).collect();
        ctx.random("monitor/folds", u64::from(side)).shuffle(&mut rows);
        for (place, row) in rows.into_iter().enumerate() {
            fold_of[row] = place % N_FOLDS;
        }
    }
    let rows = |fold: usize, inside: bool| -> Vec<u32> {
        let is_in = |row: &u32| (fold_of[*row as usize] == fold) == inside;
        (0..codes.len() as u32).filter(is_in).collect()
    };
    (0..N_FOLDS).map(|k| Fold { train: rows(k, false), validation: rows(k, true) }).collect()
}

/// The group of each row of both sides, one after the other, where groups are known of; a group has
/// the same number on both.
fn groups(was: &Table, is: &Table) -> Result<Option<Vec<u32>>> {
    let (Some(was), Some(is)) = (was.column(GROUP), is.column(GROUP)) else { return Ok(None) };
    let mut both = was.clone();
    both.append(is)?;
    let mut numbers = GroupNumbers::default();
    Ok(Some((0..both.n_rows()).map(|row| numbers.of(&both, row)).collect()))
}

/// The block of each row of both sides, where rows of one are like their neighbours in time; no
/// block is on both.
fn in_time(
    (reference, was): (&Side<'_>, &Table),
    (current, is): (&Side<'_>, &Table),
) -> Option<Vec<u32>> {
    let shares = [reference.share_in_time(), current.share_in_time()];
    if shares.iter().all(|share| *share >= 1.0) {
        return None;
    }
    let mut of_rows = blocks::of_sample(was, TIME, shares[0], reference.n_rows());
    let n_before = of_rows.iter().max().map_or(0, |last| last + 1);
    let of_new = blocks::of_sample(is, TIME, shares[1], current.n_rows());
    of_rows.extend(of_new.into_iter().map(|block| n_before + block));
    Some(of_rows)
}

/// Folds of whole groups, with shares of both sides as even as that allows: one group after the
/// other, the largest first, comes to the fold that has the least of what it brings.
fn whole_folds(codes: &[u32], groups: &[u32], ctx: &Context) -> Result<Vec<Fold>> {
    let n_groups = groups.iter().max().map_or(0, |most| *most as usize + 1);
    let mut of_groups = vec![[0.0_f64; 2]; n_groups];
    for (group, code) in groups.iter().zip(codes) {
        of_groups[*group as usize][*code as usize] += 1.0;
    }
    let mut order: Vec<usize> = (0..n_groups).collect();
    ctx.random("monitor/folds", 2).shuffle(&mut order);
    let size = |group: usize| of_groups[group][0] + of_groups[group][1];
    order.sort_by(|a, b| size(*b).total_cmp(&size(*a)));
    let mut loads = [[0.0_f64; 2]; N_FOLDS];
    let mut fold_of = vec![0; n_groups];
    for group in order {
        let brings = of_groups[group];
        let cost = |load: &[f64; 2]| load[0] * brings[0] + load[1] * brings[1];
        let fold = (0..N_FOLDS).min_by(|a, b| cost(&loads[*a]).total_cmp(&cost(&loads[*b])));
        let fold = fold.unwrap_or_default();
        loads[fold].iter_mut().zip(brings).for_each(|(load, more)| *load += more);
        fold_of[group] = fold;
    }
    if loads.iter().flatten().any(|rows| *rows == 0.0) {
        return Err(Error::input(format!("the rows of a side are of fewer than {N_FOLDS} groups")));
    }
    let rows = |fold: usize, inside: bool| -> Vec<u32> {
        let is_in = |row: &u32| (fold_of[groups[*row as usize] as usize] == fold) == inside;
        (0..codes.len() as u32).filter(is_in).collect()
    };
    Ok((0..N_FOLDS).map(|k| Fold { train: rows(k, false), validation: rows(k, true) }).collect())
}

/// The area under the ROC curve and its interval, where groups and not rows are the witnesses: what
/// each row adds to the area (DeLong's components) is summed over its group. Reference: Obuchowski,
/// "Nonparametric analysis of clustered ROC curve data", Biometrics 53, 1997.
fn area_of_groups(codes: &[u32], scores: &[f64], groups: &[u32]) -> Result<(f64, Interval)> {
    let placed = placements(codes, scores);
    let n_of = |side: u32| codes.iter().filter(|code| **code == side).count() as f64;
    let n = [n_of(0), n_of(1)];
    let of_new = placed.iter().zip(codes).filter(|(_, code)| **code == 1).map(|(share, _)| share);
    let area = of_new.sum::<f64>() / n[1];
    let found = clustered(groups, |row| 1.0 / n[codes[row] as usize], |row| placed[row] - area);
    let found = found.ok_or_else(|| Error::input("the rows are of one group"))?;
    Ok((area, found.interval(area)))
}

/// For each row the share of the other side's rows that its score is on the right side of; rows
/// with the same score are half.
fn placements(codes: &[u32], scores: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..codes.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let n_of = |side: u32| codes.iter().filter(|code| **code == side).count() as f64;
    let n = [n_of(0), n_of(1)];
    let mut below = [0.0; 2];
    let mut placed = vec![0.0; codes.len()];
    for ties in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let mut same = [0.0; 2];
        for row in ties {
            same[codes[*row] as usize] += 1.0;
        }
        for row in ties {
            let other = 1 - codes[*row] as usize;
            let share = (below[other] + 0.5 * same[other]) / n[other];
            placed[*row] = if other == 0 { share } else { 1.0 - share };
        }
        below.iter_mut().zip(same).for_each(|(below, same)| *below += same);
    }
    placed
}

fn out_of_fold(
    table: &Table,
    schema: &Schema,
    target: &Target,
    folds: &[Fold],
    ctx: &Context,
) -> Result<Vec<f64>> {
    let input =
        PrepareInput { table, schema, exclude: &[], target, weights: None, folds, like: None };
    let prepared = prepare(&input, &EncodingSpec::trees(), ctx)?;
    let entry = learner("gbdt")?;
    let params = ParamMap::from([("n_rounds".to_owned(), ParamValue::Int(N_ROUNDS))]);
    // A fold has too few rows to keep threads busy by itself.
    let of_fold = |k: usize| -> Result<Predictions> {
        let (features, rows) = (&prepared.folds[k], &folds[k].train);
        let view = TrainView { features, target, weights: None, rows, validation: &[] };
        let fitted = entry.fit(&view, &params, &ctx.scope("monitor"))?;
        fitted.model.predict(&FeatureView::of(features, &folds[k].validation), ctx)
    };
    let mut scores = vec![0.0; target.n_rows()];
    for (fold, said) in folds.iter().zip(ctx.map(folds.len(), of_fold)) {
        for (row, score) in fold.validation.iter().zip(said?.values) {
            scores[*row as usize] = score;
        }
    }
    Ok(scores)
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    #[test]
    fn groups_of_one_row_have_delongs_interval_and_repeated_rows_are_no_surer() {
        let mut random = Random::new(4);
        let codes: Vec<u32> = (0..400).map(|row| u32::from(row % 4 == 0)).collect();
        let score = |code: &u32| ((f64::from(*code) + 2.0 * random.normal()) * 4.0).round();
        let scores: Vec<f64> = codes.iter().map(score).collect();
        let alone: Vec<u32> = (0..400).collect();
        let (area, ci95) = area_of_groups(&codes, &scores, &alone).unwrap();
        let judged = delong(&codes, &scores, &vec![0.0; 400]).unwrap();
        assert!((area - judged.auc[0]).abs() < 1e-12);
        let half = Z_975 * judged.variance[0].sqrt();
        assert!((ci95.high - area - half).abs() < 0.05 * half, "{ci95:?} {half}");
        let often = |values: &[u32]| values.repeat(5);
        let scores = scores.repeat(5);
        let (same, again) = area_of_groups(&often(&codes), &scores, &often(&alone)).unwrap();
        assert!((same - area).abs() < 1e-12 && (again.high - ci95.high).abs() < 1e-9);
    }

    #[test]
    fn folds_hold_whole_groups_of_both_sides_in_even_shares() {
        let codes: Vec<u32> = (0..900).map(|row| u32::from(row >= 600)).collect();
        // Half of the groups are on both sides.
        let group = |row: u32| if row < 600 { row % 60 } else { row % 30 };
        let groups: Vec<u32> = (0..900).map(group).collect();
        let folds = whole_folds(&codes, &groups, &Context::unlimited(1, 1)).unwrap();
        for fold in &folds {
            let of = |rows: &[u32]| -> std::collections::BTreeSet<u32> {
                rows.iter().map(|row| groups[*row as usize]).collect()
            };
            assert!(of(&fold.train).is_disjoint(&of(&fold.validation)));
            let n_new = fold.validation.iter().filter(|row| codes[**row as usize] == 1).count();
            assert!((80..=120).contains(&n_new), "{n_new} of 300");
        }
        assert!(whole_folds(&codes, &vec![7; 900], &Context::unlimited(1, 1)).is_err());
    }
}
