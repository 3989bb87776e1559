//! Two models on rows that came after both, row by row, as two bets that may be looked at any time.
//!
//! Of each row there is a number in [-1, 1], above zero where the newer model is better: of classes
//! half the difference of the Brier losses; of values the difference of the absolute errors over
//! four times the mean absolute error of the older model so far, which the next row does not know.
//!
//! Where the models were fitted with `--group`, rows of a group are no independent witnesses, and a
//! bet on each of them would win by one patient's many visits. A stake is then laid on whole
//! groups: on the mean over the rows of a group that come at once in one file.
//!
//! The bets go on from look to look ([`Bets`]): each row is taken once, in the order in which it
//! was first seen with its answer. Files that nothing is new in are not read again.

use std::collections::{BTreeMap, HashMap};

use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};
use modelwright_lifecycle::watch::{Bets, Counted, Duel, Had};

use super::files::DataFile;
use super::there::first_new;
use crate::Model;
use crate::labelled::predict_answered;

/// The scale of differences of errors, in mean absolute errors of the older model.
const ERRORS: f64 = 4.0;

/// What two models say of the rows of a file whose answers are known.
struct Told<'a> {
    /// The places of the rows in the file.
    rows: &'a [u32],
    truth: &'a Target,
    newer: &'a Predictions,
    older: &'a Predictions,
    /// Which rows belong together.
    groups: Option<&'a [u32]>,
}

/// Goes on with the bets on files that came after: those of their rows are taken that were not
/// before, and are not among those that were there when the duel began (`had`).
///
/// # Errors
/// Input error when a file cannot be read, or the models answer other questions.
pub(super) fn duel(
    (newer, older): (&Model, &Model),
    files: &[&DataFile],
    had: &BTreeMap<String, Had>,
    bets: &mut Bets,
    ctx: &Context,
) -> Result<Duel> {
    if newer.predictor.classes != older.predictor.classes {
        return Err(Error::input("the two models have other classes")
            .expected(older.predictor.classes.join(", "))
            .got(newer.predictor.classes.join(", ")));
    }
    for file in files {
        let Some(mut counted) = opened(bets, file) else { continue };
        let path = file.path.to_string_lossy().into_owned();
        if let Some(first) = first_new(older, &file.path, had.get(&path), ctx)?
            && let Some(of_older) = predict_answered(older, &file.path, ctx)?
            && let Some(of_newer) = predict_answered(newer, &file.path, ctx)?
        {
            let told = Told {
                rows: &of_older.rows,
                truth: &of_older.truth,
                newer: &of_newer.predictions,
                older: &of_older.predictions,
                groups: of_older.groups.as_deref().or(of_newer.groups.as_deref()),
            };
            take(bets, &mut counted, &told, first);
        }
        bets.files.insert(path, counted);
    }
    let of = match newer.predictor.classes.len() {
        0 => "differences of absolute errors",
        _ => "differences of Brier losses",
    };
    let unit = if bets.by_group { ", a group of rows at a time" } else { "" };
    Ok(Duel {
        n_rows: bets.n_rows,
        gain: (bets.n_rows > 0).then(|| bets.gains / bets.n_rows as f64),
        p_better: bets.better.p_value(),
        p_worse: bets.worse.p_value(),
        method: format!("a bet on {of}{unit}"),
    })
}

/// What was taken of a file so far; `None` where nothing is new in it.
fn opened(bets: &mut Bets, file: &DataFile) -> Option<Counted> {
    let path = file.path.to_string_lossy().into_owned();
    // The same bytes are the same rows, also under another name.
    if let Some(known) = bets.files.values().find(|known| known.sha256 == file.sha256).cloned() {
        bets.files.insert(path, known);
        return None;
    }
    let rows = bets.files.remove(&path).map_or(Vec::new(), |known| known.rows);
    Some(Counted { sha256: file.sha256.clone(), rows })
}

/// Takes the rows of a file from `first` on that were not taken before.
fn take(bets: &mut Bets, counted: &mut Counted, told: &Told<'_>, first: u32) {
    let n_before = told.rows.partition_point(|row| *row < first);
    let new: Vec<u32> = counted
        .take(&told.rows[n_before..])
        .into_iter()
        .map(|place| place + n_before as u32)
        .collect();
    if new.is_empty() {
        return;
    }
    let groups: Option<Vec<u32>> =
        told.groups.map(|groups| new.iter().map(|place| groups[*place as usize]).collect());
    bets.by_group |= groups.is_some();
    let predictions = (&told.newer.select(&new), &told.older.select(&new));
    add(bets, &told.truth.select(&new), predictions, groups.as_deref());
}

/// Stakes on rows in their order; `groups` says which of them belong together.
fn add(
    bets: &mut Bets,
    truth: &Target,
    (newer, older): (&Predictions, &Predictions),
    groups: Option<&[u32]>,
) {
    let gains = gains_of(bets, truth, newer, older);
    let known = || gains.iter().flatten();
    bets.n_rows += known().count() as u64;
    bets.gains += known().sum::<f64>();
    let Some(groups) = groups else {
        known().for_each(|gain| stake(bets, *gain));
        return;
    };
    // In the order in which groups come first.
    let mut places: HashMap<u32, usize> = HashMap::new();
    let mut sums: Vec<(f64, f64)> = Vec::new();
    for (gain, group) in gains.iter().zip(groups) {
        let Some(gain) = gain else { continue };
        let place = *places.entry(*group).or_insert(sums.len());
        if place == sums.len() {
            sums.push((0.0, 0.0));
        }
        sums[place].0 += gain;
        sums[place].1 += 1.0;
    }
    for (sum, n) in sums {
        stake(bets, sum / n);
    }
}

/// What each row says, cut to [-1, 1]; `None` of a row that only sets the scale, or says nothing.
fn gains_of(
    bets: &mut Bets,
    truth: &Target,
    newer: &Predictions,
    older: &Predictions,
) -> Vec<Option<f64>> {
    match truth {
        Target::Class { codes, .. } => {
            let of = |p: &Predictions, row: usize, code: u32| brier(p.row(row), code as usize);
            let gain = |(row, code): (usize, &u32)| {
                let gain = (of(older, row, *code) - of(newer, row, *code)) / 2.0;
                Some(gain).filter(|gain| gain.is_finite())
            };
            codes.iter().enumerate().map(gain).collect()
        }
        Target::Real(values) => {
            let mut gains = Vec::with_capacity(values.len());
            for (row, value) in values.iter().enumerate() {
                let error = |p: &Predictions| (p.row(row)[0] - value).abs();
                let (old, new) = (error(older), error(newer));
                if !(old.is_finite() && new.is_finite()) {
                    gains.push(None);
                    continue;
                }
                let is_scaled = bets.n_errors > 0.0 && bets.error_sum > 0.0;
                gains.push(is_scaled.then(|| {
                    let scale = ERRORS * bets.error_sum / bets.n_errors;
                    ((old - new) / scale).clamp(-1.0, 1.0)
                }));
                bets.error_sum += old;
                bets.n_errors += 1.0;
            }
            gains
        }
    }
}

fn stake(bets: &mut Bets, gain: f64) {
    bets.better.update(gain);
    bets.worse.update(-gain);
}

/// The Brier loss of a row, in [0, 2]: of binary tasks both classes count.
pub(super) fn brier(row: &[f64], code: usize) -> f64 {
    if let [positive] = row {
        let error = positive - f64::from(u8::from(code == 1));
        return 2.0 * error * error;
    }
    let square = |(class, p): (usize, &f64)| {
        let error = p - f64::from(u8::from(class == code));
        error * error
    };
    row.iter().enumerate().map(square).sum()
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    #[test]
    fn the_better_of_two_models_wins_and_equal_ones_do_not() {
        let mut random = Random::stream(1, "duel", 0);
        let (mut codes, mut good, mut bad) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..2000 {
            let code = u32::from(random.unit() < 0.5);
            codes.push(code);
            let toward = if code == 1 { 0.75 } else { 0.25 };
            good.push(toward);
            bad.push(0.5 + 0.2 * (toward - 0.5) + 0.2 * (random.unit() - 0.5));
        }
        let truth = Target::Class { codes, n_classes: 2 };
        let (good, bad) = (Predictions::new(1, good), Predictions::new(1, bad));
        let mut bets = Bets::default();
        add(&mut bets, &truth, (&good, &bad), None);
        assert!(bets.better.p_value() < 1e-6 && bets.worse.p_value() > 0.5);
        let mut bets = Bets::default();
        add(&mut bets, &truth, (&good, &good), None);
        assert_eq!((bets.better.p_value(), bets.worse.p_value()), (1.0, 1.0));
    }

    #[test]
    fn errors_of_values_are_put_in_proportion() {
        let truth = Target::Real((0..400).map(|i| f64::from(i % 7)).collect());
        let by =
            |shift: f64| Predictions::new(1, (0..400).map(|i| f64::from(i % 7) + shift).collect());
        let mut bets = Bets::default();
        add(&mut bets, &truth, (&by(0.5), &by(1.0)), None);
        assert_eq!(bets.better.n(), 399, "the first row only sets the scale");
        assert!(bets.better.p_value() < 1e-4);
        assert!((bets.better.mean().unwrap() - 0.125).abs() < 1e-12);
    }

    #[test]
    fn many_rows_of_few_groups_win_nothing_that_the_groups_do_not() {
        // Three patients with 200 visits each, of whom the newer model knows two better.
        let codes = vec![1; 600];
        let by = |of: [f64; 3]| Predictions::new(1, (0..600).map(|row| of[row / 200]).collect());
        let (newer, older) = (by([0.9, 0.9, 0.5]), by([0.6, 0.6, 0.6]));
        let truth = Target::Class { codes, n_classes: 2 };
        let groups: Vec<u32> = (0..600).map(|row| row / 200).collect();
        let (mut by_row, mut by_group) = (Bets::default(), Bets::default());
        add(&mut by_row, &truth, (&newer, &older), None);
        add(&mut by_group, &truth, (&newer, &older), Some(&groups));
        assert!(by_row.better.p_value() < 1e-4);
        assert!(by_group.better.p_value() > 0.5, "{}", by_group.better.p_value());
        assert_eq!((by_group.n_rows, by_group.better.n()), (600, 3));
        assert!((by_group.gains - by_row.gains).abs() < 1e-12);
    }

    /// A look at files: the name, SHA-256 and rows of each that have an answer by then.
    fn look(bets: &mut Bets, files: &[(&str, &str, &[u32])]) {
        for (path, sha256, rows) in files {
            let file = DataFile { path: path.into(), sha256: (*sha256).to_owned() };
            let Some(mut counted) = opened(bets, &file) else { continue };
            let value = |row: &u32| Random::stream(3, "duel/look", u64::from(*row)).unit();
            let predictions = |shift: f64| {
                Predictions::new(1, rows.iter().map(|row| value(row) * shift).collect())
            };
            let told = Told {
                rows,
                truth: &Target::Real(vec![0.0; rows.len()]),
                newer: &predictions(0.9),
                older: &predictions(1.0),
                groups: None,
            };
            take(bets, &mut counted, &told, 0);
            bets.files.insert((*path).to_owned(), counted);
        }
    }

    #[test]
    fn a_bet_goes_on_from_look_to_look_in_the_order_in_which_rows_came() {
        let all = |n: u32| (0..n).collect::<Vec<u32>>();
        let mut once = Bets::default();
        look(&mut once, &[("rows-9", "a", &all(50))]);
        look(&mut once, &[("rows-10", "b", &all(30))]);
        // By path, the newer file comes first; what was bet before stays as it was.
        let mut twice = Bets::default();
        look(&mut twice, &[("rows-9", "a", &all(50))]);
        let before = twice.clone();
        look(&mut twice, &[("rows-9", "a", &all(50))]);
        assert_eq!(twice, before, "nothing is counted twice");
        look(&mut twice, &[("rows-10", "b", &all(30)), ("rows-9", "a", &all(50))]);
        assert_eq!(twice, once);
        // A file that grows, answers that come late, another name.
        let mut parts = Bets::default();
        look(&mut parts, &[("rows-9", "c", &all(20))]);
        look(&mut parts, &[("rows-9", "d", &[&all(20)[..], &[25, 40]].concat())]);
        assert_eq!(parts.n_rows, 21, "the very first row only sets the scale");
        look(&mut parts, &[("moved", "d", &[&all(20)[..], &[25, 40]].concat())]);
        look(&mut parts, &[("rows-9", "a", &all(50))]);
        assert_eq!((parts.n_rows, parts.files["rows-9"].rows.clone()), (49, vec![(0, 49)]));
        let text = serde_json::to_string(&parts).unwrap();
        assert_eq!(serde_json::from_str::<Bets>(&text).unwrap(), parts, "kept to the last bit");
    }

    #[test]
    fn the_loss_of_a_row_lies_between_zero_and_two() {
        assert_eq!((brier(&[1.0], 1), brier(&[1.0], 0)), (0.0, 2.0));
        assert_eq!(brier(&[0.0, 1.0, 0.0], 0), 2.0);
    }
}
