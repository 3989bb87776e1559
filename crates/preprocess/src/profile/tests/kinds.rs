//! The kind of each sort of column, as found in real tables.

use super::*;

fn kind(column: Column) -> Kind {
    profile_of(vec![column]).record.columns[0].kind.kind
}

fn numbers(name: &str, values: impl IntoIterator<Item = usize>) -> Column {
    Column::numbers(name, values.into_iter().map(|v| v as f64).collect::<Vec<f64>>())
}

#[test]
fn quantities_stay_numbers_however_few_values_they_have() {
    assert_eq!(kind(Column::numbers("age", draws(1000, 70, 1))), Kind::Number);
    assert_eq!(kind(Column::numbers("rating", draws(1000, 5, 2))), Kind::Number);
    assert_eq!(kind(Column::numbers("Pclass", draws(700, 3, 3))), Kind::Number);
    assert_eq!(kind(Column::numbers("locCodeAndComment", draws(1000, 40, 4))), Kind::Number);
    assert_eq!(kind(Column::numbers("region-centroid-col", draws(1000, 250, 5))), Kind::Number);
    assert_eq!(kind(Column::numbers("price", normals(1000, 6))), Kind::Number);
    assert_eq!(kind(Column::numbers("amount_paid", draws(100, 1_000_000, 7))), Kind::Number);
    assert_eq!(kind(Column::numbers("y", vec![1.0, 2.0, 1.0])), Kind::Number);
    assert_eq!(kind(Column::numbers("x", vec![1.0, f64::NAN, 1.0])), Kind::Number);
}

#[test]
fn codes_are_categories_when_the_name_says_so() {
    let zips = draws(1000, 70, 1).into_iter().map(|v| 98_000.0 + v).collect::<Vec<f64>>();
    assert_eq!(kind(Column::numbers("zipcode", zips)), Kind::IntegerCategory);
    let ids = draws(1000, 8, 2).into_iter().map(|v| v + 1.0).collect::<Vec<f64>>();
    assert_eq!(kind(Column::numbers("admission_type_id", ids)), Kind::IntegerCategory);
}

#[test]
fn row_numbers_keys_and_hashes_are_identifiers() {
    assert_eq!(kind(numbers("Order", (1..=100).map(|i| i * 5 / 4))), Kind::Identifier);
    assert_eq!(kind(numbers("shuffled", (0..101).map(|i| i * 37 % 101))), Kind::Identifier);
    assert_eq!(kind(numbers("rises", (0..100).map(|i| 5000 + i * 6 + i % 5))), Kind::Identifier);
    assert_eq!(kind(numbers("CustomerId", (0..100).map(|i| i * 7919 % 100_003))), Kind::Identifier);
    let hashes = (0..100_u64).map(|i| Some(format!("{:x}-K", i.wrapping_mul(0x9e37_79b9))));
    assert_eq!(kind(Column::strings("h", hashes)), Kind::Identifier);
    // Distinct values without order or a telling name are measurements.
    assert_eq!(kind(numbers("income", (0..100).map(|i| i * 7919 % 100_003))), Kind::Number);
    // A table that is sorted by a measurement does not make it a row number.
    assert_eq!(kind(numbers("population", (0..100).map(|i| i * i * 1000))), Kind::Number);
    // Too few rows prove nothing.
    assert_eq!(kind(numbers("x", 1..=10)), Kind::Number);
}

#[test]
fn yes_and_no_are_boolean_in_words_and_numbers() {
    assert_eq!(kind(Column::numbers("b", draws(50, 2, 1))), Kind::Boolean);
    assert_eq!(kind(Column::strings("b", words(50, &["Yes", "no"], 1))), Kind::Boolean);
    assert_eq!(kind(Column::strings("b", words(50, &["T", "F"], 1))), Kind::Boolean);
    assert_eq!(kind(Column::strings("b", words(50, &["male", "female"], 1))), Kind::Category);
}

#[test]
fn sentences_and_names_are_text_and_labels_are_categories() {
    let sentence = |i: usize| Some(format!("the item number {i} arrived late"));
    assert_eq!(kind(Column::strings("s", (0..50).map(sentence))), Kind::Text);
    let tickets = (0..300).map(|i| Some(format!("A/{} {}", i % 7, i * i % 197)));
    assert_eq!(kind(Column::strings("ticket", tickets)), Kind::Text);
    let long = ["Married spouse is absent", "Never married at any time", "Divorced or separated"];
    assert_eq!(kind(Column::strings("c", words(200, &long, 1))), Kind::Category);
    let cjk =
        (0..30_u32).map(|i| Some(format!("日本語の文章{}", char::from_u32(0x4e00 + i).unwrap())));
    assert_eq!(kind(Column::strings("j", cjk)), Kind::Text);
    let dates = (0..60).map(|i| Some(format!("20{i:02}-01-02")));
    assert_ne!(kind(Column::strings("d", dates)), Kind::Identifier);
    let binary = (0..30).map(|i| Some(format!("\u{1}\u{2}{i}")));
    assert_eq!(kind(Column::strings("blob", binary)), Kind::Unsupported);
}

#[test]
fn instants_are_dates_and_unix_times_are_recognised() {
    assert_eq!(kind(Column::instants("t", vec![0, 1, 2])), Kind::Datetime);
    let evidence = |name: &str, scale: f64| {
        let values =
            draws(200, 10_000_000, 3).iter().map(|v| (v + 1.5e9) * scale).collect::<Vec<f64>>();
        profile_of(vec![Column::numbers(name, values)]).record.columns[0].kind.evidence.clone()
    };
    assert!(evidence("created_at", 1.0).contains("Unix time in seconds"));
    assert!(evidence("timestamp", 1000.0).contains("Unix time in milliseconds"));
    assert!(!evidence("population", 1.0).contains("Unix"));
    assert_eq!(kind(Column::numbers("created_at", vec![1.5e9, 1.6e9, 1.55e9])), Kind::Datetime);
    assert_eq!(kind(Column::numbers("created_at", vec![15.0, 16.0, 15.5])), Kind::Number);
    // An event log in the order of time is not thrown away as an identifier.
    let log = (0..200).map(|i| 1.6e9 + 100.0 * f64::from(i)).collect::<Vec<f64>>();
    assert_eq!(kind(Column::numbers("timestamp", log)), Kind::Datetime);
}

#[test]
fn the_users_wish_wins_and_is_marked() {
    let options = ProfileOptions { kinds: [("r".to_owned(), Kind::Category)].into(), target: None };
    let profile = profile_with(vec![Column::numbers("r", draws(100, 4, 1))], &options);
    let guess = &profile.record.columns[0].kind;
    assert_eq!((guess.kind, guess.overridden), (Kind::IntegerCategory, true));
    assert_eq!(profile.schema.fields[0].kind, Kind::IntegerCategory);
}

#[test]
fn the_readers_formats_and_verdict_are_kept() {
    let table = Table::new(vec![
        Column::numbers("p", vec![1.0, f64::NAN, 2.5]),
        Column::strings("nested", [Some("{}"), Some("[]"), Some("{1}")]),
    ])
    .unwrap();
    let mut schema = table.storage_schema();
    schema.fields[0].number_format.percent = true;
    schema.fields[1].kind = Kind::Unsupported;
    let context = Context::unlimited(0, 1);
    let profile = profile_table(&table, &schema, &ProfileOptions::default(), &context).unwrap();
    assert!(profile.schema.fields[0].number_format.percent && profile.schema.fields[0].optional);
    assert!(!profile.schema.fields[1].optional);
    assert_eq!(profile.schema.fields[1].kind, Kind::Unsupported);
    assert!(matches!(table.columns()[1].data, ColumnData::String { .. }));
}
