//! For whom, and since when: quality, calibration and decisions by group and by period, on rows
//! whose answers are known.
//!
//! The groups are those of the columns that the fit was told are sensitive, and of columns that the
//! user names. The audit of sensitive columns is that of `audit` ([`modelwright_automl::audit`]).

use modelwright_automl::audit::{AuditInput, MIN_GROUP, audit};
use modelwright_core::Context;
use modelwright_core::data::{MISSING_INSTANT, instant_text};
use modelwright_core::record::{
    Disparity, FairnessRecord, Interval, Judgement, MetricValue, OverTimeRecord, PeriodRecord,
    SliceRecord,
};
use modelwright_core::task::Target;
use modelwright_evaluate::distribution::student_quantile;
use modelwright_evaluate::fairness::{Grouping, Groups};
use modelwright_evaluate::resample::{Drawing, Mix};
use modelwright_evaluate::{MetricInput, bootstrap_intervals, metric_or_default};
use modelwright_inspect::drift::benjamini_hochberg;

use super::serial::{share_of, share_of_losses};
use super::side::Side;
use super::{LEVEL, Watched, blocks};

/// Rows of a period, at least, and periods at most.
const PERIOD_ROWS_MIN: usize = 100;
const PERIODS_MAX: usize = 12;

/// Resamples of an interval.
const N_RESAMPLES: usize = 400;

/// Probabilities that are wrong by less on average are not worth a word; of numbers, a bias of less
/// than this many standard deviations of the answers.
const BIAS_MIN: f64 = 0.05;

/// The half-width of a 95 % interval in standard deviations.
const Z_975: f64 = 1.96;

/// Looks at groups and periods; nothing where too few answers are known. What could not be looked
/// at is said in `notes`. It is a test at the share `spent` of the level (see [`super::looks`]).
pub(super) fn look(
    watched: &Watched<'_>,
    current: &Side<'_>,
    spent: f64,
    notes: &mut Vec<String>,
    ctx: &Context,
) -> Option<OverTimeRecord> {
    let n_rows = current.answers.truth.n_rows();
    if n_rows < MIN_GROUP {
        return None;
    }
    let rows = Answered::new(watched, current);
    let groups: Vec<Groups> = rows.groups();
    let mut slices: Vec<SliceRecord> = Vec::new();
    let all: Vec<u32> = (0..n_rows as u32).collect();
    for (groups, group, own) in members(&groups, &all) {
        let mut slice = rows.slice(groups, group, &own);
        slice.metric = slice.is_judged.then(|| rows.metric(&own, ctx));
        slices.push(slice);
    }
    rows.judge(&mut slices, spent);
    let (order, by) = rows.order(current);
    let n_periods = (n_rows / PERIOD_ROWS_MIN).min(PERIODS_MAX);
    let bounds = |period: usize| period * n_rows / n_periods;
    let period = |period: usize| {
        let own = &order[bounds(period)..bounds(period + 1)];
        rows.period(current, own, by.is_some(), bounds(period), &groups, ctx)
    };
    let periods = if n_periods >= 2 { (0..n_periods).map(period).collect() } else { Vec::new() };
    let fairness = rows.fairness(notes, ctx);
    notes.extend(current.answers.absent().map(|column| {
        format!("groups of `{column}` are not looked at: the new rows lack the column")
    }));
    Some(OverTimeRecord { min_group: MIN_GROUP, fairness, slices, by, periods })
}

/// What is news about groups, in words: treated unequally now and not at the fit, or predictions
/// that are off.
pub(super) fn words(watched: &Watched<'_>, found: &OverTimeRecord, spent: f64) -> Vec<String> {
    let mut lines = Vec::new();
    let is_unequal = |columns: &[String], of: Option<&FairnessRecord>| {
        of.is_some_and(|record| {
            let mut audits = record.audits.iter().filter(|a| a.columns == columns);
            audits.any(|audit| audit.judgement == Judgement::Unequal)
        })
    };
    for audit in found.fairness.iter().flat_map(|f| &f.audits) {
        let was = is_unequal(&audit.columns, watched.record.fairness.as_ref());
        let gaps = || audit.disparities.iter().chain(&audit.definitions);
        let p_of = |gap: &Disparity| gap.p_holm.or(gap.p_value);
        let is_sure = spent >= 1.0 || gaps().filter_map(p_of).any(|p| p < spent * LEVEL);
        if audit.judgement == Judgement::Unequal && is_sure && !was {
            let columns = audit.columns.join(" × ");
            lines.push(format!(
                "the groups of `{columns}` are treated unequally: {}",
                audit.verdict
            ));
        }
    }
    for slice in found.slices.iter().filter(|slice| slice.is_off) {
        let (column, group) = (&slice.column, &slice.group);
        let bias = slice.bias.as_ref().and_then(|bias| bias.value.zip(bias.ci95));
        let Some((bias, ci95)) = bias else { continue };
        let how = if bias > 0.0 { "high" } else { "low" };
        lines.push(format!(
            "predictions are too {how} by {:.3} ({:.3} to {:.3}) on the {} rows with `{column}` = \
             `{group}`",
            bias.abs(),
            ci95.low.abs().min(ci95.high.abs()),
            ci95.low.abs().max(ci95.high.abs()),
            slice.n_rows
        ));
    }
    lines
}

/// The rows of every group among `rows`.
fn members<'g>(
    all: &'g [Groups],
    rows: &[u32],
) -> impl Iterator<Item = (&'g Groups, usize, Vec<u32>)> {
    all.iter().flat_map(move |groups| {
        let mut of_groups = vec![Vec::new(); groups.names.len()];
        for row in rows {
            of_groups[groups.codes[*row as usize] as usize].push(*row);
        }
        of_groups.into_iter().enumerate().map(move |(group, own)| (groups, group, own))
    })
}

/// Rows with answers, and what is measured of each.
struct Answered<'a> {
    watched: &'a Watched<'a>,
    side: &'a Side<'a>,
    /// By how much each prediction is too high.
    biases: Vec<f64>,
    /// The variance of each if predictions are right: of a class by its probability, of a number
    /// that of all rows.
    expected: Vec<f64>,
    /// Whether each row is decided to be positive; none but with two classes.
    selected: Vec<bool>,
    /// Which rows belong together: a group of the fit, or a block of rows that follow each other
    /// in time, where those are alike. `None` of independent rows.
    units: Option<Vec<u32>>,
}

impl<'a> Answered<'a> {
    fn new(watched: &'a Watched<'a>, side: &'a Side<'a>) -> Self {
        let answers = &side.answers;
        let said = &answers.predictions;
        let n_rows = answers.truth.n_rows();
        let decided = match &answers.truth {
            Target::Class { .. } => watched.predictor.decide(&answers.by, said),
            Target::Real(_) => Vec::new(),
        };
        // Thresholds of groups need the columns of the groups.
        let lacks = answers.truth.codes().is_some() && decided.len() != n_rows;
        let decided = if lacks { said.classes(watched.predictor.threshold) } else { decided };
        let bias = |row: usize| match &answers.truth {
            Target::Real(values) => said.row(row)[0] - values[row],
            Target::Class { codes, .. } if said.n_outputs == 1 => {
                said.row(row)[0] - f64::from(codes[row] == 1)
            }
            Target::Class { codes, .. } => {
                let of_chosen = said.row(row).get(decided[row] as usize).copied();
                of_chosen.unwrap_or(0.0) - f64::from(codes[row] == decided[row])
            }
        };
        let biases: Vec<f64> = (0..n_rows).map(bias).collect();
        let whole = variance(&biases);
        let expected = (0..n_rows).map(|row| match &answers.truth {
            Target::Real(_) => whole,
            Target::Class { .. } if said.n_outputs == 1 => of_chance(said.row(row)[0]),
            Target::Class { .. } => {
                of_chance(said.row(row).get(decided[row] as usize).copied().unwrap_or(0.0))
            }
        });
        let expected = expected.collect();
        let is_binary = said.n_outputs == 1 && answers.truth.codes().is_some();
        let selected =
            if is_binary { decided.iter().map(|class| *class == 1).collect() } else { Vec::new() };
        let units = units(side, &biases, &selected);
        Self { watched, side, biases, expected, selected, units }
    }

    fn groups(&self) -> Vec<Groups> {
        let columns = self.side.answers.by.columns();
        columns.iter().map(|column| Grouping::of(column).groups(column)).collect()
    }

    fn slice(&self, groups: &Groups, group: usize, own: &[u32]) -> SliceRecord {
        let is_judged = own.len() >= MIN_GROUP;
        SliceRecord {
            column: groups.columns.first().cloned().unwrap_or_default(),
            group: groups.names[group].clone(),
            n_rows: own.len(),
            is_judged,
            metric: None,
            bias: is_judged.then(|| self.bias(own)),
            selected: (is_judged && !self.selected.is_empty()).then(|| self.selected(own)),
            p_adjusted: None,
            is_off: false,
        }
    }

    /// The mean bias of rows with its interval. Rows that belong together count as one.
    fn bias(&self, own: &[u32]) -> MetricValue {
        let clusters = self.units.as_deref();
        let of = |row: &u32| {
            let place = *row as usize;
            let cluster = clusters.map_or(*row, |clusters| clusters[place]);
            (self.biases[place], self.expected[place], cluster)
        };
        let (mean, error) = mean_and_error(own.iter().map(of));
        let ci95 = Interval { low: mean - Z_975 * error, high: mean + Z_975 * error };
        let name = "bias".to_owned();
        MetricValue { name, value: Some(mean), ci95: Some(ci95), note: None }
    }

    fn selected(&self, own: &[u32]) -> MetricValue {
        let share = own.iter().filter(|row| self.selected[**row as usize]).count() as f64;
        let share = share / own.len() as f64;
        let n = self.n_independent(own, share);
        // Wilson, JASA 22, 1927.
        let z = Z_975 * Z_975 / n;
        let centre = (share + z / 2.0) / (1.0 + z);
        let half = (z * (share * (1.0 - share) + z / 4.0)).sqrt() / (1.0 + z);
        MetricValue {
            name: "selection_rate".to_owned(),
            value: Some(share),
            ci95: Some(Interval { low: (centre - half).max(0.0), high: (centre + half).min(1.0) }),
            note: None,
        }
    }

    /// As how many independent rows these are worth in the share of those decided to be positive,
    /// by the design effect of their units (Kish, "Survey Sampling", 1965).
    fn n_independent(&self, own: &[u32], share: f64) -> f64 {
        let n = own.len() as f64;
        let Some(units) = &self.units else { return n };
        let of = |row: &u32| {
            let place = *row as usize;
            (f64::from(u8::from(self.selected[place])), of_chance(share), units[place])
        };
        let (_, error) = mean_and_error(own.iter().map(of));
        // The error is no less than that of independent rows.
        if error > 0.0 { (of_chance(share) / (error * error)).clamp(1.0, n) } else { n }
    }

    fn metric(&self, own: &[u32], ctx: &Context) -> MetricValue {
        let answers = &self.side.answers;
        let predictor = self.watched.predictor;
        let (truth, predictions) = (answers.truth.select(own), answers.predictions.select(own));
        let of_rows =
            |values: &[f64]| -> Vec<f64> { own.iter().map(|row| values[*row as usize]).collect() };
        let weights = answers.usable_weights().map(of_rows);
        let weights = weights.filter(|weights| weights.iter().any(|w| *w > 0.0));
        let clusters: Option<Vec<u32>> =
            self.units.as_ref().map(|of| own.iter().map(|row| of[*row as usize]).collect());
        let input = MetricInput {
            truth: &truth,
            predictions: &predictions,
            weights: weights.as_deref(),
            threshold: predictor.threshold,
        };
        let groups = clusters.as_deref();
        let drawing = Drawing { n_resamples: N_RESAMPLES, mix: Mix::Drawn, groups };
        let metric = metric_or_default(&predictor.metric, predictor.task);
        bootstrap_intervals(&[metric], &input, drawing, ctx).swap_remove(0)
    }

    /// Corrects for the number of groups, and says where predictions are off.
    fn judge(&self, slices: &mut [SliceRecord], spent: f64) {
        let spread = match &self.side.answers.truth {
            Target::Class { .. } => 1.0,
            Target::Real(values) => {
                let n = values.len() as f64;
                let mean = values.iter().sum::<f64>() / n;
                (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
            }
        };
        let p_of = |slice: &SliceRecord| {
            let bias = slice.bias.as_ref()?;
            let (value, ci95) = bias.value.zip(bias.ci95)?;
            Some(p_value(value, (ci95.high - ci95.low) / (2.0 * Z_975)))
        };
        let judged: Vec<(usize, f64)> =
            slices.iter().enumerate().filter_map(|(i, s)| Some((i, p_of(s)?))).collect();
        let p_values: Vec<f64> = judged.iter().map(|pair| pair.1).collect();
        for ((slice, _), p) in judged.into_iter().zip(benjamini_hochberg(&p_values)) {
            let slice = &mut slices[slice];
            let bias = slice.bias.as_ref().and_then(|bias| bias.value).unwrap_or(0.0);
            slice.p_adjusted = Some(p);
            slice.is_off = p < spent * LEVEL && bias.abs() >= BIAS_MIN * spread;
        }
    }

    /// The rows in the order of time, and the column that says it; without one, as they came.
    fn order(&self, current: &Side<'_>) -> (Vec<u32>, Option<String>) {
        let times = &current.answers.times;
        let mut order: Vec<u32> = (0..self.biases.len() as u32).collect();
        let is_known = times.iter().any(|time| *time != MISSING_INSTANT);
        if times.len() != order.len() || !is_known {
            return (order, None);
        }
        order.sort_by_key(|row| times[*row as usize]);
        (order, current.time_column().map(str::to_owned))
    }

    fn period(
        &self,
        current: &Side<'_>,
        own: &[u32],
        has_times: bool,
        n_before: usize,
        groups: &[Groups],
        ctx: &Context,
    ) -> PeriodRecord {
        let name = |place: usize| {
            if has_times {
                return instant_text(current.answers.times[own[place] as usize]);
            }
            format!("row {}", n_before + place + 1)
        };
        PeriodRecord {
            begin: name(0),
            end: name(own.len() - 1),
            n_rows: own.len(),
            metric: self.metric(own, ctx),
            bias: self.bias(own),
            slices: members(groups, own)
                .map(|(g, group, rows)| self.slice(g, group, &rows))
                .collect(),
        }
    }

    /// The audit of the sensitive columns that the rows have.
    fn fairness(&self, notes: &mut Vec<String>, ctx: &Context) -> Option<FairnessRecord> {
        let answers = &self.side.answers;
        let of_fit = &self.watched.record.options.sensitive;
        let is_there = |name: &&String| answers.by.column(name).is_some();
        let sensitive: Vec<String> = of_fit.iter().filter(is_there).cloned().collect();
        if sensitive.is_empty() {
            return None;
        }
        let input = AuditInput {
            on: "the new rows",
            table: &answers.by,
            truth: &answers.truth,
            predictions: &answers.predictions,
            weights: answers.usable_weights(),
            units: self.units.as_deref(),
            sensitive: &sensitive,
            min_group: MIN_GROUP,
        };
        match audit(self.watched.predictor, &input, ctx) {
            Ok(record) => Some(record),
            Err(error) => {
                notes.push(format!("the sensitive columns are not audited: {}", error.what()));
                None
            }
        }
    }
}

/// Which answered rows belong together; `None` of independent ones.
fn units(side: &Side<'_>, biases: &[f64], selected: &[bool]) -> Option<Vec<u32>> {
    let answers = &side.answers;
    if let Some(groups) = answers.groups() {
        return Some(groups.to_vec());
    }
    let n_rows = biases.len();
    let are_known = answers.times.len() == n_rows && !answers.times.contains(&MISSING_INSTANT);
    if !are_known {
        return None;
    }
    let order = blocks::in_time(n_rows, &answers.times);
    let is_chosen = |row: &u32| selected.get(*row as usize).map(|s| f64::from(u8::from(*s)));
    let of_biases = share_of(order.iter().map(|row| Some(biases[*row as usize])));
    let share = of_biases.min(share_of(order.iter().map(is_chosen))).min(share_of_losses(answers));
    (share < 1.0).then(|| blocks::blocks(&order, share))
}

/// The variance of what a right probability is off by.
fn of_chance(p: f64) -> f64 {
    (p * (1.0 - p)).max(0.0)
}

fn variance(values: &[f64]) -> f64 {
    let n = (values.len() as f64).max(1.0);
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n
}

/// The mean of biases and its standard error: the larger of that of the rows themselves, in which
/// rows of a cluster count as one, and of that if the predictions are right. The first alone is
/// next to nothing where by chance no row of a small group has the rare answer, so that chance
/// would look like certainty (a test by the score, whose spread is that under the hypothesis). Of
/// few clusters it is widened as the t-distribution is beside the normal one.
fn mean_and_error(rows: impl Iterator<Item = (f64, f64, u32)> + Clone) -> (f64, f64) {
    let n = (rows.clone().count() as f64).max(1.0);
    let mean = rows.clone().map(|(bias, _, _)| bias).sum::<f64>() / n;
    let mut sums = std::collections::BTreeMap::<u32, f64>::new();
    let mut expected = 0.0;
    for (bias, variance, cluster) in rows {
        *sums.entry(cluster).or_default() += bias - mean;
        expected += variance;
    }
    let squares: f64 = sums.values().map(|sum| sum * sum).sum();
    let m = sums.len() as f64;
    let of_rows = squares * m / (m - 1.0).max(1.0);
    // Of few units the spread of their sums is itself not known well.
    let of_few = if m < n { student_quantile(0.975, (m - 1.0).max(1.0)) / Z_975 } else { 1.0 };
    (mean, of_few * of_rows.max(expected).sqrt() / n)
}

/// How likely chance alone makes a mean that far from zero, by the normal law.
fn p_value(mean: f64, error: f64) -> f64 {
    if mean == 0.0 {
        return 1.0;
    }
    if error > 0.0 { libm::erfc((mean / error).abs() / std::f64::consts::SQRT_2) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::{Column, ColumnData, Table};
    use modelwright_core::record::{MonitorRecord, RunRecord, Status};

    use super::super::tests::{ctx, model, rows, watched};
    use super::super::{MonitorOptions, Side, Watched, conclude};
    use super::*;

    /// Rows whose green ones all sell from row `turn` on, a row a minute.
    fn turned(n: usize, turn: usize) -> Table {
        let table = rows(n, 77);
        let colours = table.column("colour").unwrap().clone();
        let sells = table.column("sells").unwrap();
        let answer = |row: usize| {
            let is_turned = row >= turn && colours.text(row) == Some("green");
            if is_turned { Some("yes") } else { sells.text(row) }
        };
        let answers: Vec<Option<&str>> = (0..n).map(answer).collect();
        let answers = Column::strings("sells", answers);
        let times = (0_i64..).take(n).map(|row| row * 60_000_000).collect();
        let mut columns: Vec<Column> =
            table.columns().iter().filter(|c| c.name != "sells").cloned().collect();
        columns.extend([answers, Column::instants("at", times)]);
        Table::new(columns).unwrap()
    }

    fn found(record: &RunRecord, options: &MonitorOptions, table: &Table) -> MonitorRecord {
        let Watched { predictor, reference, .. } = watched(model());
        let (watched, ctx) = (Watched { predictor, record, reference }, ctx());
        let mut side = Side::new(&watched, options, &ctx);
        side.begin("new.csv", Vec::new());
        let all: Vec<u32> = (0..table.n_rows() as u32).collect();
        for part in all.chunks(300) {
            side.add(table.select(part), &ctx).unwrap();
        }
        side.finish();
        conclude(&watched, None, &side, options, &ctx).unwrap()
    }

    #[test]
    fn a_group_whose_answers_changed_is_named_and_its_periods_show_since_when() {
        let by = vec!["colour".to_owned()];
        let time_column = Some("at".to_owned());
        let options = MonitorOptions { time_column, by, ..MonitorOptions::default() };
        let record = found(&model().record, &options, &turned(1200, 600));
        let groups = record.over_time.as_ref().unwrap();
        let names: Vec<&str> = groups.slices.iter().map(|s| s.group.as_str()).collect();
        assert_eq!(names, ["blue", "green", "red"]);
        assert_eq!(groups.slices.iter().map(|s| s.n_rows).sum::<usize>(), 1200);
        let off: Vec<bool> = groups.slices.iter().map(|s| s.is_off).collect();
        assert_eq!(off, [false, true, false], "{:#?}", groups.slices);
        assert_ne!(record.verdict.status, Status::Stable);
        let line = record.explanation.iter().find(|line| line.contains("`green`")).unwrap();
        assert!(line.contains("too low"), "{line}");
        assert_eq!((groups.periods.len(), groups.by.as_deref()), (12, Some("at")));
        let bias = |period: usize| groups.periods[period].slices[1].bias.as_ref();
        let low = |period: usize| bias(period).map_or(0.0, |b| b.value.unwrap());
        assert!((0..5).map(low).sum::<f64>() / 5.0 > -0.1);
        assert!((7..12).map(low).sum::<f64>() / 5.0 < -0.25);
        assert_eq!(groups.periods[0].begin, "1970-01-01");
        assert!(groups.fairness.is_none(), "no column is sensitive");
    }

    /// Files of which a group is off, of so many: 40 groups of 32 rows each, of one law.
    fn files_off(n_files: usize, mut law: impl FnMut() -> (f64, f64)) -> usize {
        let off = |_: &usize| {
            let rows: Vec<(f64, f64, u32)> =
                (0..40 * 32).map(|_| law()).zip(0..).map(|((b, v), row)| (b, v, row)).collect();
            let of = |group: &[(f64, f64, u32)]| mean_and_error(group.iter().copied());
            let found: Vec<(f64, f64)> = rows.chunks(32).map(of).collect();
            let p_values: Vec<f64> = found.iter().map(|(m, e)| p_value(*m, *e)).collect();
            benjamini_hochberg(&p_values).iter().any(|p| *p < LEVEL)
        };
        (0..n_files).filter(off).count()
    }

    #[test]
    fn small_groups_without_a_rare_answer_are_not_off() {
        let mut random = modelwright_core::random::Random::stream(5, "monitor/rare", 0);
        let rare = files_off(400, || {
            let p = 0.04 + 0.04 * random.unit();
            (p - f64::from(random.unit() < p), of_chance(p))
        });
        // Numbers of which few are not zero.
        let (share, size) = (0.05, 3.0);
        let variance = share * size * size * (1.0 - share);
        let zeros = files_off(400, || {
            let is_some = random.unit() < share;
            (share * size - if is_some { size } else { 0.0 }, variance)
        });
        println!("{rare} and {zeros} of 400 files");
        // The level is 5 %: 20 are expected, and three standard deviations are 13.
        assert!(rare <= 33 && zeros <= 33, "{rare} and {zeros} of 400 files");
    }

    /// Rows a minute apart of two shops, whose answers have a memory that is like the row before;
    /// those of the shop `a` all sell more by `more`.
    fn of_shops(n: usize, like: f64, more: f64, stream: u64) -> Table {
        let table = rows(n, 50_000 + stream);
        let mut random = modelwright_core::random::Random::stream(9, "monitor/shops", stream);
        let (size, colour) = (table.column("size").unwrap(), table.column("colour").unwrap());
        let ColumnData::Number(sizes) = &size.data else { panic!("sizes are numbers") };
        let (mut noise, mut shops, mut answers) = (random.normal(), Vec::new(), Vec::new());
        for row in 0..n {
            noise = like * noise + (1.0 - like * like).sqrt() * random.normal();
            let shop = ["a", "b"][random.below(2)];
            let red = if colour.text(row) == Some("red") { 1.5 } else { -0.7 };
            let own = if shop == "a" { more } else { 0.0 };
            let score = sizes.at(row) - 10.0 + red + noise + own;
            shops.push(Some(shop));
            answers.push(Some(if score > 0.0 { "yes" } else { "no" }));
        }
        let times = (0_i64..).take(n).map(|row| row * 60_000_000).collect();
        let mut columns: Vec<Column> =
            table.columns().iter().filter(|c| c.name != "sells").cloned().collect();
        columns.push(Column::strings("sells", answers));
        columns.extend([Column::strings("shop", shops), Column::instants("at", times)]);
        Table::new(columns).unwrap()
    }

    /// Whether a shop is found to be off by a test at a share of the level.
    fn is_off(table: &Table, in_time: bool, spent: f64) -> bool {
        let (watched, ctx) = (watched(model()), ctx());
        let time_column = in_time.then(|| "at".to_owned());
        let by = vec!["shop".to_owned()];
        let options = MonitorOptions { time_column, by, ..MonitorOptions::default() };
        let mut side = Side::new(&watched, &options, &ctx);
        side.begin("rows.csv", Vec::new());
        side.add(table.clone(), &ctx).unwrap();
        side.finish();
        let rows = Answered::new(&watched, &side);
        let all: Vec<u32> = (0..table.n_rows() as u32).collect();
        let groups = rows.groups();
        let slices = members(&groups, &all).map(|(of, group, own)| rows.slice(of, group, &own));
        let mut slices: Vec<SliceRecord> = slices.collect();
        rows.judge(&mut slices, spent);
        slices.iter().any(|slice| slice.is_off)
    }

    #[test]
    fn answers_that_linger_are_no_bias_of_groups_however_often_they_are_looked_at() {
        let n = 200;
        let off = |like, more, in_time| {
            let of = |s: &u64| is_off(&of_shops(1_200, like, more, *s), in_time, 1.0);
            (0..n).filter(of).count()
        };
        let (by_rows, in_time) = (off(0.9, 0.0, false), off(0.9, 0.0, true));
        println!("{} at 0.8", off(0.8, 0.0, true));
        let fresh = off(0.0, 0.0, true);
        let (seen, known) = (off(0.5, 1.5, true), off(0.0, 1.0, true));
        // Six looks at rows that grow.
        let looks = |s: &u64| {
            let table = of_shops(600, 0.0, 0.0, 1_000 + s);
            (1..=6_u32).any(|look| {
                let so_far: Vec<u32> = (0..100 * look).collect();
                let spent = crate::monitor::looks::share(Some(u64::from(look)));
                is_off(&table.select(&so_far), true, spent)
            })
        };
        let looked = (0..n).filter(looks).count();
        println!("{by_rows} by rows, {in_time} in time, {fresh} fresh, {looked} in six looks");
        println!("{seen} and {known} are seen");
        // The level is 5 %: three standard deviations are 9 of 200 more.
        assert!(in_time <= 19 && fresh <= 19 && looked <= 19, "{in_time}, {fresh}, {looked}");
        assert!(by_rows >= in_time, "{by_rows} and {in_time}");
        assert!(seen >= 190 && known >= 190, "{seen} and {known} are seen");
    }

    #[test]
    fn sensitive_columns_of_the_fit_are_audited_and_nothing_is_made_of_nothing() {
        let mut record = model().record.clone();
        record.options.sensitive = vec!["colour".to_owned(), "gone".to_owned()];
        let options = MonitorOptions::default();
        let of_null = found(&record, &options, &rows(1500, 78));
        let groups = of_null.over_time.as_ref().unwrap();
        assert!(groups.slices.iter().all(|s| !s.is_off), "{:#?}", groups.slices);
        let audit = &groups.fairness.as_ref().unwrap().audits[0];
        assert_eq!((audit.columns.as_slice(), audit.groups.len()), (&["colour".to_owned()][..], 3));
        assert!(of_null.notes.iter().any(|n| n.contains("`gone`")), "{:?}", of_null.notes);
        // Twenty rows of one colour are counted, and not judged.
        let table = rows(400, 79);
        let ColumnData::String { codes, .. } = &table.column("colour").unwrap().data else {
            panic!("colours are strings");
        };
        let first = codes[0];
        let mut n_kept = 0;
        let kept: Vec<u32> = (0..400_u32)
            .filter(|row| {
                let is_first = codes[*row as usize] == first;
                n_kept += u32::from(is_first);
                !is_first || n_kept <= 20
            })
            .collect();
        let few = found(&record, &options, &table.select(&kept));
        let judged: Vec<bool> = few.over_time.unwrap().slices.iter().map(|s| s.is_judged).collect();
        assert_eq!(judged.iter().filter(|j| !**j).count(), 1, "{judged:?}");
    }
}
