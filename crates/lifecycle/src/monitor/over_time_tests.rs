//! Groups and periods: what is off is found, and what chance or memory makes is not.

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
    side.finish(&ctx);
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
    side.finish(&ctx);
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
    let (by_rows, in_time) = (off(0.97, 0.0, false), off(0.97, 0.0, true));
    let shorter = off(0.8, 0.0, true);
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
    println!("{by_rows} by rows, {in_time} in time, {shorter} of a shorter memory");
    println!("{fresh} fresh, {looked} in six looks; {seen} and {known} are seen");
    // The level is 5 %: three standard deviations are 9 of 200 more.
    assert!(shorter <= 19 && fresh <= 19 && looked <= 19, "{shorter}, {fresh} and {looked}");
    // With a memory of 33 rows, 1,200 rows hold 18 lives of it: too few to be sure how long it is,
    // so that more than the level are flagged (27 of 200), less than half of those by rows (60).
    assert!(by_rows > 38 && 2 * in_time < by_rows, "{by_rows} and {in_time}");
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
