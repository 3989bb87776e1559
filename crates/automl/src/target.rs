//! The target in numbers: which label has which class index, and which class is positive.
//!
//! Labels are the values as people write them (`1`, not `1.0`). Their order is numeric when all
//! are numbers, else alphabetical, as in scikit-learn. For a binary task the second label is the
//! positive class; the user's choice, or a plain word for yes, moves to the second place.

use std::collections::HashMap;

use modelwright_core::context::Event;
use modelwright_core::data::{
    Column, ColumnData, Field, Kind, MISSING_CODE, Storage, Table, number_text,
};
use modelwright_core::task::{Target, Task};
use modelwright_core::{Context, Error, Result};

use crate::input::FitInput;

/// Words that mean yes, in lower case.
const POSITIVE_WORDS: [&str; 19] = [
    "1", "yes", "y", "true", "t", "positive", "pos", "yes.", "true.", "on", "ja", "oui", "si",
    "sí", "sì", "sim", "tak", "да", "是",
];

/// The most classes a classification may have.
pub const N_CLASSES_MAX: usize = 1000;

/// More distinct numbers than this are rather a quantity than classes.
const N_CLASSES_OF_NUMBERS: usize = 20;

/// The labels of a classification target, in class order.
///
/// # Errors
/// Input error when there are fewer than two or more than [`N_CLASSES_MAX`] labels, when the task
/// is binary and there are not two, or when `positive` is not a label.
pub fn labels(column: &Column, task: Task, positive: Option<&str>) -> Result<Vec<String>> {
    let mut labels = distinct_labels(column);
    let is_number = matches!(column.data, ColumnData::Number(_));
    let error = |what: &str| Error::input(what).column(&column.name);
    if labels.len() < 2 {
        return Err(error("the target has only one value")
            .expected("at least two different values")
            .got(labels.first().map_or("only missing values", String::as_str))
            .hint("check that --target names the column to predict"));
    }
    if labels.len() > N_CLASSES_MAX {
        return Err(error("the target has too many classes")
            .expected(format!("at most {N_CLASSES_MAX} classes"))
            .got(format!("{} distinct values", labels.len()))
            .hint("use --task regression for a number, or merge rare classes"));
    }
    if task == Task::Binary && labels.len() != 2 {
        return Err(error("a binary task needs a target with two values")
            .expected("two distinct values")
            .got(format!("{} distinct values", labels.len()))
            .hint(if labels.len() > N_CLASSES_OF_NUMBERS && is_number {
                "use --task regression"
            } else {
                "use --task multiclass"
            }));
    }
    if let Some(positive) = positive {
        let Some(at) = class_of(&labels, positive).map(|class| class as usize) else {
            return Err(error("--positive is not a value of the target")
                .got(positive)
                .suggest(positive, labels.iter().map(String::as_str)));
        };
        if labels.len() != 2 {
            return Err(error("--positive is for a target with two values")
                .got(format!("{} distinct values", labels.len())));
        }
        if at == 0 {
            labels.swap(0, 1);
        }
    } else if labels.len() == 2 && means_yes(&labels[0]) && !means_yes(&labels[1]) {
        labels.swap(0, 1);
    }
    Ok(labels)
}

/// As [`labels`], where the classes are known already: a class may have no rows here.
///
/// # Errors
/// As [`labels`], and input error for a value that is none of `known`.
pub fn labels_within(column: &Column, task: Task, known: &[String]) -> Result<Vec<String>> {
    let found = distinct_labels(column);
    if found.len() < 2 {
        return labels(column, task, None);
    }
    match found.iter().find(|label| class_of(known, label).is_none()) {
        None => Ok(known.to_vec()),
        Some(other) => Err(Error::input("the target has a value that is none of the classes")
            .column(&column.name)
            .expected(format!("one of {}", known.join(", ")))
            .got(other)),
    }
}

/// The target of every row by the given labels (none for regression).
///
/// # Errors
/// Input error with the row for a missing, unknown, infinite or immense value.
pub fn encode(column: &Column, labels: &[String], task: Task) -> Result<Target> {
    if task.is_classification() { encode_classes(column, labels) } else { encode_numbers(column) }
}

/// Beyond this, errors are no 32-bit numbers any more, by which boosters and nets learn.
pub const LARGEST: f64 = 1e30;

/// The same for numbers that differ by less than this.
const SMALLEST_SPREAD: f64 = 1e-30;

/// Whether a number can be a target: finite, and no larger than [`LARGEST`].
pub fn is_usable(value: f64) -> bool {
    value.abs() <= LARGEST
}

/// The rows whose target is known, ascending.
pub fn rows_with_target(column: &Column) -> Vec<u32> {
    (0..column.n_rows()).filter(|r| !column.is_missing(*r)).map(|r| r as u32).collect()
}

/// Refuses numbers that differ, but by too little to learn from.
///
/// # Errors
/// Input error with the spread.
pub(crate) fn check_spread(target: &Target, name: &str) -> Result<()> {
    let Target::Real(values) = target else { return Ok(()) };
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let spread = high - low;
    if spread > 0.0 && spread < SMALLEST_SPREAD {
        return Err(Error::input("the target's numbers hardly differ: too little to learn from")
            .column(name)
            .expected(format!("differences of {SMALLEST_SPREAD:e} and more"))
            .got(format!("numbers from {low:e} to {high:e}"))
            .hint("multiply the column by a power of ten"));
    }
    Ok(())
}

fn encode_classes(column: &Column, labels: &[String]) -> Result<Target> {
    let class_of = |row: usize, label: &str| -> Result<u32> {
        class_of(labels, label).ok_or_else(|| {
            Error::input("the target has a value that the model does not know")
                .column(&column.name)
                .row(row as u64 + 1)
                .expected(format!("one of {}", labels.join(", ")))
                .got(label)
        })
    };
    let missing =
        |row: usize| Error::input("the target is missing").column(&column.name).row(row as u64 + 1);
    // A label is written out once per distinct value, not once per row.
    let mut known: HashMap<u64, u32> = HashMap::new();
    let mut codes = Vec::with_capacity(column.n_rows());
    for row in 0..column.n_rows() {
        let key = column.key(row);
        let class = match known.get(&key) {
            Some(class) => *class,
            None => class_of(row, &column.display(row).ok_or_else(|| missing(row))?)?,
        };
        known.insert(key, class);
        codes.push(class);
    }
    Ok(Target::Class { codes, n_classes: labels.len() })
}

pub(crate) fn class_of(labels: &[String], label: &str) -> Option<u32> {
    let same_word = |l: &String| {
        // `True` of a CSV that Python wrote is the `true` of a Parquet file.
        ["true", "false"].iter().any(|w| l.eq_ignore_ascii_case(w) && label.eq_ignore_ascii_case(w))
    };
    let exact = labels.iter().position(|l| l == label);
    let found = exact.or_else(|| labels.iter().position(same_word));
    found.or_else(|| class_of_bit(labels, label)).map(|c| c as u32)
}

/// Two labels `0` and `1` are what other files call `false` and `true`, and `1.0` is a `1`.
fn class_of_bit(labels: &[String], label: &str) -> Option<usize> {
    let [_, _] = labels else { return None };
    let bit = |word: &str| match word.to_ascii_lowercase().as_str() {
        "false" => Some(false),
        "true" => Some(true),
        word => match word.parse::<f64>() {
            Ok(0.0) => Some(false),
            Ok(1.0) => Some(true),
            _ => None,
        },
    };
    let wanted = bit(label)?;
    let own: Vec<bool> = labels.iter().map(|l| bit(l)).collect::<Option<_>>()?;
    if own[0] == own[1] { None } else { own.iter().position(|bit| *bit == wanted) }
}

/// Writes `true` and `false` of a target in one way each, where they stand in several (`True`,
/// `TRUE`) and nothing else stands beside them; says so. Files that several programs wrote have
/// such columns, and nobody means four classes.
pub(crate) fn fold_booleans(input: &mut FitInput, ctx: &Context) {
    let name = input.options.target.clone();
    let Some((column, folded)) = input.table.column(&name).and_then(as_booleans) else { return };
    let mut column = Some(column.data);
    let columns = std::mem::take(&mut input.table).into_columns().into_iter().map(|own| {
        if own.name != name {
            return own;
        }
        let data = column.take().unwrap_or(own.data);
        Column { name: own.name, data }
    });
    input.table = Table::new(columns.collect()).unwrap_or_default();
    ctx.tell(Event::Warning(format!("{name} is written in several ways: {}", folded.join(", "))));
}

/// A column of truth values with one spelling for each, the most frequent one, and what was read
/// as what; `None` where there is nothing to fold, or another word beside them.
fn as_booleans(column: &Column) -> Option<(Column, Vec<String>)> {
    let ColumnData::String { codes, dictionary } = &column.data else { return None };
    let mut n_rows = vec![0_usize; dictionary.len()];
    for code in codes.iter().filter(|code| **code != MISSING_CODE) {
        n_rows[*code as usize] += 1;
    }
    let mut spellings: [Vec<(usize, &str)>; 2] = [Vec::new(), Vec::new()];
    for (text, n) in dictionary.iter().zip(&n_rows).filter(|(_, n)| **n > 0) {
        let which = ["false", "true"].iter().position(|word| text.eq_ignore_ascii_case(word))?;
        spellings[which].push((*n, text));
    }
    if spellings.iter().all(|of_word| of_word.len() < 2) {
        return None;
    }
    let mut folded = Vec::new();
    let mut kept = [""; 2];
    for (of_word, kept) in spellings.iter_mut().zip(&mut kept) {
        of_word.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        let Some(((_, first), others)) = of_word.split_first() else { continue };
        *kept = first;
        folded.extend(others.iter().map(|(_, other)| format!("{other} is taken for {first}")));
    }
    let text = |row: usize| {
        let text = column.display(row)?;
        Some(kept[usize::from(text.eq_ignore_ascii_case("true"))])
    };
    Some((Column::strings(&column.name, (0..column.n_rows()).map(text)), folded))
}

/// Reads a target of digits that were too many for exact numbers as numbers all the same, where it
/// cannot be meant as classes; says so.
pub(crate) fn read_as_numbers(input: &mut FitInput, ctx: &Context) {
    let name = input.options.target.clone();
    let asked = input.options.task.map(Task::is_classification);
    let Some(column) = input.table.column(&name) else { return };
    let Some(values) = whole_numbers(column).filter(|_| asked != Some(true)) else { return };
    let n_distinct = distinct_labels(column).len();
    if asked.is_none() && n_distinct <= N_CLASSES_OF_NUMBERS {
        return;
    }
    let test = input.test.as_ref().map(|(table, _)| table.column(&name).and_then(whole_numbers));
    if test == Some(None) {
        return;
    }
    input.table = with_numbers(std::mem::take(&mut input.table), &name, values);
    if let (Some((table, _)), Some(Some(values))) = (&mut input.test, test) {
        *table = with_numbers(std::mem::take(table), &name, values);
    }
    if let Some(field) = input.schema.fields.iter_mut().find(|f| f.name == name) {
        *field = Field::new(name.clone(), Storage::Number, Kind::Number);
    }
    ctx.tell(Event::Warning(format!(
        "{name} holds whole numbers beyond 2^53: they are rounded to about 16 digits"
    )));
}

/// The values of a column of strings that are whole numbers to the last one.
fn whole_numbers(column: &Column) -> Option<Vec<f64>> {
    let ColumnData::String { codes, dictionary } = &column.data else { return None };
    let value = |text: &str| {
        let digits = text.trim().trim_start_matches(['-', '+']);
        let is_whole = !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'));
        text.trim().parse::<f64>().ok().filter(|value| is_whole && value.is_finite())
    };
    let values: Vec<f64> = dictionary.iter().map(value).collect::<Option<_>>()?;
    let of = |code: &u32| if *code == MISSING_CODE { f64::NAN } else { values[*code as usize] };
    Some(codes.iter().map(of).collect())
}

fn with_numbers(table: Table, name: &str, values: Vec<f64>) -> Table {
    let mut values = Some(ColumnData::Number(values.into()));
    let columns = table.into_columns().into_iter().map(|column| match values.take() {
        Some(data) if column.name == name => Column { name: column.name, data },
        kept => {
            values = kept;
            column
        }
    });
    Table::new(columns.collect()).unwrap_or_default()
}

/// The rows whose answer can be encoded by the given labels (none for regression), ascending.
pub fn rows_with_usable_target(column: &Column, labels: &[String], task: Task) -> Vec<u32> {
    if task.is_classification() {
        return rows_of_known_classes(column, labels);
    }
    let ColumnData::Number(values) = &column.data else { return Vec::new() };
    (0..).zip(values).filter(|(_, value)| is_usable(*value)).map(|(row, _)| row).collect()
}

/// The rows whose class is one of `labels`, ascending.
pub(crate) fn rows_of_known_classes(column: &Column, labels: &[String]) -> Vec<u32> {
    let is_known: Box<dyn Fn(usize) -> bool> = match &column.data {
        ColumnData::String { codes, dictionary } => {
            let known = |code| class_of(labels, dictionary.get(code)).is_some();
            let of_code: Vec<bool> = (0..dictionary.len() as u32).map(known).collect();
            Box::new(move |row| of_code.get(codes[row] as usize).is_some_and(|known| *known))
        }
        _ => Box::new(|row| column.display(row).is_some_and(|l| class_of(labels, &l).is_some())),
    };
    (0..column.n_rows()).filter(|row| is_known(*row)).map(|row| row as u32).collect()
}

fn encode_numbers(column: &Column) -> Result<Target> {
    let ColumnData::Number(values) = &column.data else {
        return Err(Error::input("a regression needs a target of numbers")
            .column(&column.name)
            .expected("numbers")
            .got(first_text(column))
            .hint("clean the column, or use --task multiclass"));
    };
    if let Some(row) = values.iter().position(|v| v.is_finite() && !is_usable(v)) {
        return Err(Error::input("the target is too large a number to learn from")
            .column(&column.name)
            .row(row as u64 + 1)
            .expected(format!("numbers between -{LARGEST:e} and {LARGEST:e}"))
            .got(format!("{:e}", values.at(row)))
            .hint("correct the value, or divide the column by a power of ten"));
    }
    if let Some(row) = values.iter().position(|v| !v.is_finite()) {
        return Err(Error::input("the target is not a finite number")
            .column(&column.name)
            .row(row as u64 + 1)
            .expected("a finite number")
            .got(values.at(row).to_string())
            .hint("remove the row or correct the value"));
    }
    Ok(Target::Real(values.to_vec()))
}

fn first_text(column: &Column) -> String {
    (0..column.n_rows()).find_map(|r| column.display(r)).unwrap_or_default()
}

fn means_yes(label: &str) -> bool {
    POSITIVE_WORDS.contains(&label.trim().to_lowercase().as_str())
}

/// Distinct values as text: by number when all are numbers, else alphabetical.
fn distinct_labels(column: &Column) -> Vec<String> {
    match &column.data {
        ColumnData::Number(values) => {
            let mut distinct: Vec<f64> = values.iter().filter(|v| !v.is_nan()).collect();
            distinct.sort_by(f64::total_cmp);
            distinct.dedup();
            distinct.into_iter().map(number_text).collect()
        }
        ColumnData::Instant(_) => {
            let mut distinct: Vec<String> =
                (0..column.n_rows()).filter_map(|r| column.display(r)).collect();
            distinct.sort();
            distinct.dedup();
            distinct
        }
        ColumnData::String { codes, dictionary } => {
            let mut used = vec![false; dictionary.len()];
            for code in codes.iter().filter(|c| **c != MISSING_CODE) {
                used[*code as usize] = true;
            }
            let mut distinct: Vec<String> = (0..dictionary.len())
                .filter(|i| used[*i])
                .map(|i| dictionary.get(i as u32).to_owned())
                .collect();
            sort_labels(&mut distinct);
            distinct
        }
    }
}

fn sort_labels(labels: &mut [String]) {
    let numbers: Option<Vec<f64>> = labels.iter().map(|l| l.trim().parse().ok()).collect();
    if numbers.is_some() {
        let key = |l: &String| l.trim().parse::<f64>().unwrap_or(f64::NAN);
        labels.sort_by(|a, b| key(a).total_cmp(&key(b)).then_with(|| a.cmp(b)));
    } else {
        labels.sort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(values: &[&str]) -> Column {
        Column::strings("y", values.iter().map(|v| Some(*v)))
    }

    #[test]
    fn labels_are_sorted_as_numbers_or_words_and_yes_is_positive() {
        let get = |c: &Column, t| labels(c, t, None).unwrap();
        assert_eq!(get(&strings(&["10", "9", "10"]), Task::Binary), ["9", "10"]);
        assert_eq!(get(&strings(&["yes", "zero"]), Task::Binary), ["zero", "yes"]);
        assert_eq!(get(&strings(&["Ja", "Nein"]), Task::Binary), ["Nein", "Ja"]);
        assert_eq!(get(&Column::numbers("y", vec![2.0, 0.5]), Task::Binary), ["0.5", "2"]);
    }

    #[test]
    fn the_user_chooses_the_positive_class() {
        let column = strings(&["bad", "good"]);
        assert_eq!(labels(&column, Task::Binary, Some("bad")).unwrap(), ["good", "bad"]);
        let error = labels(&column, Task::Binary, Some("baad")).unwrap_err();
        assert!(error.to_string().contains("did you mean `bad`"), "{error}");
    }

    #[test]
    fn one_value_is_refused_with_a_hint() {
        let error = labels(&strings(&["a", "a"]), Task::Binary, None).unwrap_err();
        assert!(error.to_string().contains("only one value"), "{error}");
    }

    #[test]
    fn a_class_that_is_known_may_have_no_rows_and_an_unknown_one_is_refused() {
        let known = ["a", "b", "c"].map(str::to_owned);
        let within = |values: &[&str]| labels_within(&strings(values), Task::Multiclass, &known);
        assert_eq!(within(&["c", "a", "a"]).unwrap(), known);
        assert!(within(&["c", "d"]).unwrap_err().to_string().contains("got:      d"));
        assert!(within(&["c", "c"]).unwrap_err().to_string().contains("only one value"));
        let usable =
            |values: &[&str]| rows_with_usable_target(&strings(values), &known, Task::Multiclass);
        assert_eq!(usable(&["c", "d", "a"]), [0, 2]);
        let numbers = Column::numbers("y", vec![1.0, f64::NAN, f64::INFINITY, 1e31, -2.0]);
        assert_eq!(rows_with_usable_target(&numbers, &[], Task::Regression), [0, 4]);
    }

    #[test]
    fn an_unknown_label_names_its_row() {
        let column = strings(&["a", "c"]);
        let error = encode(&column, &["a".into(), "b".into()], Task::Binary).unwrap_err();
        assert_eq!(error.place().row, Some(2));
    }

    #[test]
    fn zero_and_one_are_false_and_true_of_other_files() {
        let codes = |labels: [&str; 2], values: &[&str]| {
            let labels = labels.map(str::to_owned);
            encode(&strings(values), &labels, Task::Binary).map(|t| t.codes().unwrap().to_vec())
        };
        assert_eq!(codes(["0", "1"], &["True", "false", "1.0", "0"]).unwrap(), [1, 0, 1, 0]);
        assert_eq!(codes(["false", "true"], &["1", "0"]).unwrap(), [1, 0]);
        assert_eq!(codes(["true", "false"], &["1", "0"]).unwrap(), [0, 1]);
        assert!(codes(["0", "1"], &["2"]).is_err());
        assert!(codes(["1", "2"], &["true"]).is_err());
        assert!(codes(["no", "yes"], &["1"]).is_err());
    }

    #[test]
    fn a_target_of_large_whole_numbers_is_one_of_numbers() {
        use modelwright_core::data::Schema;
        use modelwright_core::record::{DataSource, Options};
        let input = |n: u64, task| {
            let y = (0..100).map(|i| Some(format!("{}", 12_620_944_505_382_697 + (i % n) * 7919)));
            let table = Table::new(vec![Column::strings("y", y)]).unwrap();
            FitInput {
                table,
                schema: Schema { fields: vec![Field::new("y", Storage::String, Kind::Category)] },
                source: DataSource::default(),
                test: None,
                options: Options { task, ..Options::new("y") },
                own: crate::own::Own::default(),
                all_rows: None,
            }
        };
        let is_number = |n, task| {
            let mut input = input(n, task);
            read_as_numbers(&mut input, &Context::unlimited(0, 1));
            let is_number = matches!(input.table.columns()[0].data, ColumnData::Number(_));
            assert_eq!(input.schema.fields[0].storage == Storage::Number, is_number);
            is_number
        };
        assert!(is_number(100, None));
        assert!(!is_number(5, None), "five of them are classes");
        assert!(is_number(5, Some(Task::Regression)));
        assert!(!is_number(100, Some(Task::Multiclass)));
    }

    #[test]
    fn truth_values_in_several_spellings_are_two_classes() {
        let spelled = ["true", "TRUE", "False", "true", "false", "false"];
        let column = Column::strings("y", spelled.iter().map(|v| Some(*v)).chain([None]));
        let (folded, said) = as_booleans(&column).unwrap();
        assert_eq!(labels(&folded, Task::Binary, None).unwrap(), ["false", "true"]);
        assert_eq!(said, ["False is taken for false", "TRUE is taken for true"]);
        assert!(folded.is_missing(6));
        assert_eq!(
            encode(&folded.clone(), &["false".into(), "true".into()], Task::Binary)
                .unwrap_err()
                .place()
                .row,
            Some(7),
            "missing ones are left out before"
        );
        for plain in [
            &["true", "false"][..],
            &["True", "true", "maybe", "false"],
            &["YES", "yes", "no"],
            &["true", "TRUE", "1", "0"],
        ] {
            assert!(as_booleans(&strings(plain)).is_none(), "{plain:?}");
        }
    }

    #[test]
    fn true_and_false_are_known_in_any_case_and_other_words_are_not() {
        let labels = ["false".to_owned(), "true".to_owned()];
        let encoded = encode(&strings(&["True", "FALSE", "true"]), &labels, Task::Binary).unwrap();
        assert_eq!(encoded.codes().unwrap(), [1, 0, 1]);
        assert!(encode(&strings(&["Yes"]), &["yes".into()], Task::Binary).is_err());
    }

    #[test]
    fn infinite_targets_are_refused_by_row() {
        let column = Column::numbers("y", vec![1.0, f64::INFINITY]);
        let error = encode(&column, &[], Task::Regression).unwrap_err();
        assert_eq!(error.place().row, Some(2));
    }

    #[test]
    fn targets_whose_squares_overflow_are_refused_by_row() {
        let column = Column::numbers("y", vec![1.0, 2.0, -1e200]);
        let error = encode(&column, &[], Task::Regression).unwrap_err();
        assert_eq!((error.place().row, error.got_text()), (Some(3), Some("-1e200")));
        let column = Column::numbers("y", vec![1e30, -1e30]);
        assert!(encode(&column, &[], Task::Regression).is_ok());
    }

    #[test]
    fn targets_that_hardly_differ_are_refused_and_constants_are_not() {
        let tiny = Target::Real(vec![3e-40, 1e-40]);
        let error = check_spread(&tiny, "y").unwrap_err().to_string();
        assert!(error.contains("power of ten"), "{error}");
        for fine in [vec![1e-29, 3e-29], vec![5.0, 5.0], vec![0.0, 1.0]] {
            assert!(check_spread(&Target::Real(fine), "y").is_ok());
        }
    }
}
