//! Two models on rows that came after both, row by row, as two bets that may be looked at any time.
//!
//! Of each row there is a number in [-1, 1], above zero where the newer model is better: see
//! [`gains`](super::gains).
//!
//! Where the models were fitted with `--group`, rows of a group are no independent witnesses, and a
//! bet on each of them would win by one patient's many visits. A stake is then laid on whole
//! groups: on the mean over the rows of a group that come at once in one file.
//!
//! The bets go on from look to look ([`Bets`]): each row is taken once, in the order in which it
//! was first seen with its answer, also where it comes again in another file
//! ([`known`](super::known)). Files that nothing is new in are not read again.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use modelwright_core::context::Event;
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, ErrorKind, Result};
use modelwright_lifecycle::watch::{Bets, Counted, Duel, Had};

use super::files::{DataFile, SERVED};
use super::gains::{Loss, gains_of};
use super::known::{FileRows, KnownRows};
use super::there::first_new;
use crate::Model;
use crate::labelled::{Labelled, predict_answered};

/// What two models say of the rows of a file whose answers are known.
struct Told<'a> {
    /// The places of the rows in the file.
    rows: &'a [u32],
    truth: &'a Target,
    newer: &'a Predictions,
    older: &'a Predictions,
    /// Which rows belong together.
    groups: Option<&'a [u32]>,
    loss: Loss,
}

/// The rows that do not count.
pub(super) struct Past<'a> {
    /// Of files that were there when the duel began, by path.
    pub(super) had: &'a BTreeMap<String, Had>,
    /// By what is in them; `None` where that is not known.
    pub(super) known: Option<&'a mut KnownRows>,
    /// The folder of new models, with the copies of the serving log: each of its rows is one
    /// request, also where two are equal.
    pub(super) out: &'a Path,
}

/// What came of a duel so far.
pub(super) struct Found {
    /// `None` where the models cannot be held against each other.
    pub(super) duel: Option<Duel>,
    /// Files that cannot be read, by their SHA-256, and why.
    pub(super) unreadable: Vec<(String, String)>,
}

/// Goes on with the bets on files that came after: those of their rows are taken that were not
/// before, and are not among those that were there when the duel began. A file that cannot be read
/// does not hide the others.
///
/// # Errors
/// What is about something else than a file.
pub(super) fn duel(
    models: (&Model, &Model),
    files: &[&DataFile],
    past: &mut Past<'_>,
    bets: &mut Bets,
    ctx: &Context,
) -> Result<Found> {
    let (newer, older) = models;
    let (classes, others) = (&newer.predictor.classes, &older.predictor.classes);
    if classes != others {
        ctx.tell(Event::Warning(format!(
            "the two models cannot be held against each other: one knows {}, the other {}",
            classes.join(", "),
            others.join(", ")
        )));
        return Ok(Found { duel: None, unreadable: Vec::new() });
    }
    let mut unreadable = Vec::new();
    for file in files {
        let Some(mut counted) = opened(bets, file) else { continue };
        match read(models, file, past, (bets, &mut counted), ctx) {
            Ok(()) => {
                bets.files.insert(file.path.to_string_lossy().into_owned(), counted);
            }
            Err(error) if error.kind() == ErrorKind::Input => {
                unreadable.push((file.sha256.clone(), error.to_string()));
            }
            Err(error) => return Err(error),
        }
    }
    let duel = Duel {
        n_rows: bets.n_rows,
        gain: (bets.n_rows > 0).then(|| bets.gains / bets.n_rows as f64),
        p_better: bets.better.p_value(),
        p_worse: bets.worse.p_value(),
        method: method(older, bets),
    };
    Ok(Found { duel: Some(duel), unreadable })
}

/// What is compared, in words.
fn method(model: &Model, bets: &Bets) -> String {
    let metric = &model.predictor.metric;
    let (loss, is_own) = Loss::of(metric, model.predictor.classes.len());
    let stands_in = if is_own { String::new() } else { format!(" (in place of {metric})") };
    let unit = if bets.by_group { ", a group of rows at a time" } else { "" };
    format!("a bet on differences of {}{stands_in}{unit}", loss.words())
}

/// What was taken of a file so far; `None` where nothing is new in it.
fn opened(bets: &mut Bets, file: &DataFile) -> Option<Counted> {
    let path = file.path.to_string_lossy().into_owned();
    // The same bytes are the same rows, also under another name.
    if let Some(known) = bets.files.values().find(|known| known.sha256 == file.sha256).cloned() {
        bets.files.insert(path, known);
        return None;
    }
    let rows = bets.files.get(&path).map_or(Vec::new(), |known| known.rows.clone());
    Some(Counted { sha256: file.sha256.clone(), rows })
}

/// Goes on with the rows of one file.
fn read(
    (newer, older): (&Model, &Model),
    file: &DataFile,
    past: &mut Past<'_>,
    (bets, counted): (&mut Bets, &mut Counted),
    ctx: &Context,
) -> Result<()> {
    let had = past.had.get(&*file.path.to_string_lossy());
    let Some(first) = first_new(older, &file.path, had, ctx)? else { return Ok(()) };
    let Some(of_older) = predict_answered(older, &file.path, ctx)? else { return Ok(()) };
    let Some(of_newer) = predict_answered(newer, &file.path, ctx)? else { return Ok(()) };
    let (places, others) = in_both(&of_older, &of_newer);
    let rows: Vec<u32> = places.iter().map(|place| of_older.rows[*place as usize]).collect();
    let groups_of = |of: &Labelled, places: &[u32]| -> Option<Vec<u32>> {
        let groups = of.groups.as_ref()?;
        Some(places.iter().map(|place| groups[*place as usize]).collect())
    };
    let groups = groups_of(&of_older, &places).or_else(|| groups_of(&of_newer, &others));
    let told = Told {
        rows: &rows,
        truth: &of_older.truth.select(&places),
        newer: &of_newer.predictions.select(&others),
        older: &of_older.predictions.select(&places),
        groups: groups.as_deref(),
        loss: Loss::of(&older.predictor.metric, older.predictor.classes.len()).0,
    };
    let is_served = file.path.starts_with(past.out.join(SERVED));
    let known = past.known.as_deref_mut().filter(|_| !is_served);
    let of_file = known.is_some().then(|| FileRows::read(older, &file.path, ctx)).transpose()?;
    let of_file = of_file.filter(FileRows::tell_apart);
    take(bets, counted, &told, (first, known.zip(of_file.as_ref())));
    Ok(())
}

/// The places of rows that both models could predict, in each of the two.
fn in_both(a: &Labelled, b: &Labelled) -> (Vec<u32>, Vec<u32>) {
    let place_of = |rows: &[u32], row: u32| rows.binary_search(&row).ok().map(|at| at as u32);
    let pair = |(at, row): (u32, &u32)| Some((at, place_of(&b.rows, *row)?));
    (0..).zip(&a.rows).filter_map(pair).unzip()
}

/// Takes the rows of a file from `first` on that were not taken before: by what is in them, where
/// that is `known`, else by their numbers.
fn take(
    bets: &mut Bets,
    counted: &mut Counted,
    told: &Told<'_>,
    (first, known): (u32, Option<(&mut KnownRows, &FileRows)>),
) {
    let n_before = told.rows.partition_point(|row| *row < first);
    let later = &told.rows[n_before..];
    let new = match known {
        None => counted.take(later),
        Some((known, of_file)) => {
            let hash = |row: u32| of_file.hashes.get(row as usize).copied().flatten();
            let is_new = |row: u32| hash(row).is_some_and(|hash| known.is_new(hash));
            let new = taken(later, is_new);
            let rows: Vec<u32> = new.iter().map(|place| later[*place as usize]).collect();
            counted.take(&rows);
            new
        }
    };
    let new: Vec<u32> = new.into_iter().map(|place| place + n_before as u32).collect();
    if new.is_empty() {
        return;
    }
    let groups: Option<Vec<u32>> =
        told.groups.map(|groups| new.iter().map(|place| groups[*place as usize]).collect());
    bets.by_group |= groups.is_some();
    let predictions = (&told.newer.select(&new), &told.older.select(&new));
    add(bets, &told.truth.select(&new), predictions, (told.loss, groups.as_deref()));
}

/// The places of the rows for which something holds, asked once for each, in their order.
fn taken(rows: &[u32], mut holds: impl FnMut(u32) -> bool) -> Vec<u32> {
    (0..).zip(rows).filter(|(_, row)| holds(**row)).map(|(place, _)| place).collect()
}

/// Stakes on rows in their order; `groups` says which of them belong together.
fn add(
    bets: &mut Bets,
    truth: &Target,
    predictions: (&Predictions, &Predictions),
    (loss, groups): (Loss, Option<&[u32]>),
) {
    let gains = gains_of(bets, truth, predictions, loss);
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

fn stake(bets: &mut Bets, gain: f64) {
    bets.better.update(gain);
    bets.worse.update(-gain);
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
        add(&mut bets, &truth, (&good, &bad), (Loss::Brier, None));
        assert!(bets.better.p_value() < 1e-6 && bets.worse.p_value() > 0.5);
        let mut bets = Bets::default();
        add(&mut bets, &truth, (&good, &good), (Loss::Brier, None));
        assert_eq!((bets.better.p_value(), bets.worse.p_value()), (1.0, 1.0));
    }

    #[test]
    fn errors_of_values_are_put_in_proportion() {
        let truth = Target::Real((0..400).map(|i| f64::from(i % 7)).collect());
        let by =
            |shift: f64| Predictions::new(1, (0..400).map(|i| f64::from(i % 7) + shift).collect());
        let mut bets = Bets::default();
        add(&mut bets, &truth, (&by(0.5), &by(1.0)), (Loss::Absolute, None));
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
        add(&mut by_row, &truth, (&newer, &older), (Loss::Brier, None));
        add(&mut by_group, &truth, (&newer, &older), (Loss::Brier, Some(&groups)));
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
                loss: Loss::Absolute,
            };
            take(bets, &mut counted, &told, (0, None));
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
    fn a_row_that_comes_again_in_another_file_or_order_is_staked_once() {
        let (mut bets, mut known) = (Bets::default(), KnownRows::default());
        // The new model has learned from the first ten.
        known.add(&FileRows { hashes: (0..10).map(Some).collect() });
        let mut look = |hashes: &[u64], answered: &[u32]| {
            let of_file = FileRows { hashes: hashes.iter().copied().map(Some).collect() };
            let said = Predictions::new(1, vec![0.5; answered.len()]);
            let told = Told {
                rows: answered,
                truth: &Target::Class { codes: vec![1; answered.len()], n_classes: 2 },
                newer: &said,
                older: &said,
                groups: None,
                loss: Loss::Brier,
            };
            take(&mut bets, &mut Counted::default(), &told, (0, Some((&mut known, &of_file))));
            bets.n_rows
        };
        assert_eq!(look(&[5, 6, 7, 8, 9, 10, 11], &[0, 1, 2, 3, 4, 5, 6]), 2);
        assert_eq!(look(&[12, 11, 10, 9, 8], &[1, 2, 3, 4]), 2, "the newest has no answer yet");
        assert_eq!(look(&[13, 12, 11, 10], &[0, 1, 2, 3]), 4);
    }
}
