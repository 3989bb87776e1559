//! The beam over changes, and what is made of its finds.

use std::collections::BTreeMap;

use modelwright_core::task::Predictions;
use modelwright_core::{Context, Result};

use super::moves::{Changes, Moves};
use super::{Change, Counterfactual, CounterfactualOptions, Counterfactuals, Goal};
use crate::explain::shapley::value_text;

/// Unfinished changes that are carried on, and those of one set of columns among them.
const BEAM: usize = 16;
const BEAM_PER_SET: usize = 2;
/// What a change costs in nearness when unfinished changes are compared.
const PRICE: f64 = 0.05;

pub(super) fn run(
    moves: &Moves<'_>,
    goal: &dyn Goal,
    options: &CounterfactualOptions,
    ctx: &Context,
) -> Result<Counterfactuals> {
    let now = moves.predict(&[Vec::new()], ctx)?;
    let prediction = now.values.clone();
    if goal.is_reached(&now)[0] {
        return Ok(Counterfactuals { prediction, is_reached: true, answers: Vec::new() });
    }
    let mut found: BTreeMap<Vec<usize>, Changes> = BTreeMap::new();
    let mut beam: Vec<Changes> = vec![Vec::new()];
    for _ in 0..options.n_changes_max {
        if found.len() >= options.n_answers || !ctx.proceed() {
            break;
        }
        let next = further(moves, &beam, &found);
        if next.is_empty() {
            break;
        }
        let predictions = moves.predict(&next, ctx)?;
        let reached = goal.is_reached(&predictions);
        let mut unfinished = Vec::new();
        for ((i, changes), is_reached) in next.into_iter().enumerate().zip(reached) {
            if is_reached {
                let best = found.entry(columns(&changes)).or_insert_with(|| changes.clone());
                if moves.cost(&changes) < moves.cost(best) {
                    *best = changes;
                }
            } else {
                let worth = goal.nearness(predictions.row(i)) - PRICE * moves.cost(&changes);
                unfinished.push((worth, changes));
            }
        }
        beam = best_of(unfinished);
    }
    let mut nearer: BTreeMap<Vec<usize>, Changes> = BTreeMap::new();
    for changes in found.into_values() {
        let changes = moved_back(moves, goal, changes, ctx)?;
        nearer.entry(columns(&changes)).or_insert(changes);
    }
    let finds: Vec<Changes> = nearer.into_values().collect();
    let answers = answers(moves, goal, &finds, options.n_answers, ctx)?;
    Ok(Counterfactuals { prediction, is_reached: false, answers })
}

fn columns(changes: &Changes) -> Vec<usize> {
    changes.iter().map(|(column, _)| *column).collect()
}

/// Each of the beam with one change more; sets of columns that already hold an answer are left.
fn further(
    moves: &Moves<'_>,
    beam: &[Changes],
    found: &BTreeMap<Vec<usize>, Changes>,
) -> Vec<Changes> {
    let mut next = std::collections::BTreeSet::new();
    for changes in beam {
        for (column, rows) in moves.candidates.iter().enumerate() {
            let is_changed = |c: &usize| *c == column || moves.carried[*c].contains(&column);
            if changes.iter().any(|(c, _)| is_changed(c)) {
                continue;
            }
            let mut set = columns(changes);
            set.push(column);
            let holds_answer = found.keys().any(|f| f.iter().all(|c| set.contains(c)));
            if holds_answer {
                continue;
            }
            for row in rows {
                let mut more = changes.clone();
                more.push((column, *row));
                more.sort_unstable();
                next.insert(more);
            }
        }
    }
    next.into_iter().collect()
}

/// The most promising, few of each set of columns.
fn best_of(mut unfinished: Vec<(f64, Changes)>) -> Vec<Changes> {
    unfinished.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut of_set: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
    let mut beam = Vec::new();
    for (_, changes) in unfinished {
        let n = of_set.entry(columns(&changes)).or_insert(0);
        *n += 1;
        if *n <= BEAM_PER_SET {
            beam.push(changes);
        }
        if beam.len() == BEAM {
            break;
        }
    }
    beam
}

/// The changes without those that are not needed, each as near to the row as it can be.
fn moved_back(
    moves: &Moves<'_>,
    goal: &dyn Goal,
    mut changes: Changes,
    ctx: &Context,
) -> Result<Changes> {
    let mut i = 0;
    while changes.len() > 1 && i < changes.len() {
        let mut without = changes.clone();
        without.remove(i);
        let is_reached = goal.is_reached(&moves.predict(&[without.clone()], ctx)?)[0];
        if is_reached {
            changes = without;
        } else {
            i += 1;
        }
    }
    for i in 0..changes.len() {
        let (column, to) = changes[i];
        let nearer = moves.between(column, to);
        if nearer.is_empty() {
            continue;
        }
        let with = |row: u32| {
            let mut changed = changes.clone();
            changed[i].1 = row;
            changed
        };
        let tried: Vec<Changes> = nearer.iter().map(|row| with(*row)).collect();
        let reached = goal.is_reached(&moves.predict(&tried, ctx)?);
        if let Some(first) = reached.iter().position(|yes| *yes) {
            changes.clone_from(&tried[first]);
        }
    }
    Ok(changes)
}

/// The best finds as answers, each predicted once more.
fn answers(
    moves: &Moves<'_>,
    goal: &dyn Goal,
    finds: &[Changes],
    n: usize,
    ctx: &Context,
) -> Result<Vec<Counterfactual>> {
    if finds.is_empty() {
        return Ok(Vec::new());
    }
    let predictions: Predictions = moves.predict(finds, ctx)?;
    let reached = goal.is_reached(&predictions);
    let mut answers: Vec<Counterfactual> = finds
        .iter()
        .enumerate()
        .filter(|(i, _)| reached[*i])
        .map(|(i, changes)| Counterfactual {
            changes: moved(moves, changes),
            prediction: predictions.row(i).to_vec(),
            cost: moves.cost(changes),
            distance: moves.distance(changes),
        })
        .collect();
    answers.sort_by(|a, b| {
        let key = |c: &Counterfactual| c.cost + c.distance;
        a.changes.len().cmp(&b.changes.len()).then(key(a).total_cmp(&key(b)))
    });
    answers.truncate(n);
    Ok(answers)
}

/// What an answer changes: what it was about first, then what goes with it.
fn moved(moves: &Moves<'_>, changes: &Changes) -> Vec<Change> {
    let is_own = |column: usize| changes.iter().any(|(c, _)| *c == column);
    let (own, carried): (Vec<_>, Vec<_>) =
        moves.moved(changes).into_iter().partition(|(column, _)| is_own(*column));
    own.into_iter().chain(carried).map(|(column, to)| change(moves, column, to)).collect()
}

fn change(moves: &Moves<'_>, column: usize, to: u32) -> Change {
    let of = moves.column(column);
    Change {
        column: of.name.clone(),
        from: value_text(of, moves.row as usize),
        to: value_text(of, to as usize),
    }
}
