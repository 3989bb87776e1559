//! Each kind's promise, on small tables and on awkward ones.

use super::*;

fn ctx() -> Context {
    Context::unlimited(7, 1)
}

fn classes(codes: Vec<u32>, n_classes: usize) -> Target {
    Target::Class { codes, n_classes }
}

fn is_partition(fold: &Fold, n_rows: usize) {
    let mut all: Vec<u32> = fold.train.iter().chain(&fold.validation).copied().collect();
    all.sort_unstable();
    assert_eq!(all, (0..n_rows as u32).collect::<Vec<_>>());
    assert!(fold.train.is_sorted() && fold.validation.is_sorted());
    assert!(!fold.train.is_empty() && !fold.validation.is_empty());
}

fn judged_once(folds: &[Fold], n_rows: usize) {
    let mut all: Vec<u32> = folds.iter().flat_map(|f| f.validation.clone()).collect();
    all.sort_unstable();
    assert_eq!(all, (0..n_rows as u32).collect::<Vec<_>>());
    for fold in folds {
        is_partition(fold, n_rows);
    }
}

#[test]
fn random_parts_have_the_asked_size_and_depend_on_the_seed() {
    let input = SplitInput { n_rows: 101, ..SplitInput::default() };
    let fold = holdout(SplitKind::Random, &input, 0.2, &ctx()).unwrap();
    is_partition(&fold, 101);
    assert_eq!(fold.validation.len(), 20);
    let other = holdout(SplitKind::Random, &input, 0.2, &Context::unlimited(8, 1)).unwrap();
    assert_ne!(fold, other);
    let folds = k_folds(SplitKind::Random, &input, 5, &ctx()).unwrap();
    judged_once(&folds, 101);
    assert!(folds.iter().all(|f| [20, 21].contains(&f.validation.len())));
}

#[test]
fn a_class_of_two_rows_is_on_both_sides_of_a_stratified_holdout() {
    let mut codes = vec![0; 90];
    codes.extend([1, 1, 2, 2, 3]);
    let target = classes(codes.clone(), 5);
    let input = SplitInput { n_rows: 95, target: Some(&target), ..SplitInput::default() };
    let fold = holdout(SplitKind::Stratified, &input, 0.2, &ctx()).unwrap();
    is_partition(&fold, 95);
    for class in [1, 2] {
        for part in [&fold.train, &fold.validation] {
            assert_eq!(part.iter().filter(|r| codes[**r as usize] == class).count(), 1);
        }
    }
    assert!(fold.train.contains(&94), "a single row is learned from");
    assert_eq!(fold.validation.len(), 20);
}

#[test]
fn stratified_folds_keep_every_class_of_two_rows_in_every_train_part() {
    let mut codes = vec![0; 47];
    codes.extend([1; 31]);
    codes.extend([2, 2, 3, 3, 4, 4]);
    let n_rows = codes.len();
    let target = classes(codes.clone(), 5);
    let input = SplitInput { n_rows, target: Some(&target), ..SplitInput::default() };
    for k in 2..=10 {
        let folds = k_folds(SplitKind::Stratified, &input, k, &ctx()).unwrap();
        judged_once(&folds, n_rows);
        for fold in &folds {
            for class in 0..5 {
                assert!(fold.train.iter().any(|r| codes[*r as usize] == class));
            }
            let ones = fold.validation.iter().filter(|r| codes[**r as usize] == 1).count();
            assert!([31 / k, 31_usize.div_ceil(k)].contains(&ones));
        }
    }
}

#[test]
fn stratified_regression_folds_have_equal_means() {
    let values: Vec<f64> = (0..1000).map(|i| f64::from(i).powi(3)).collect();
    let mean = values.iter().sum::<f64>() / 1000.0;
    let target = Target::Real(values.clone());
    let input = SplitInput { n_rows: 1000, target: Some(&target), ..SplitInput::default() };
    let mut folds = k_folds(SplitKind::Stratified, &input, 5, &ctx()).unwrap();
    judged_once(&folds, 1000);
    folds.push(holdout(SplitKind::Stratified, &input, 0.2, &ctx()).unwrap());
    for fold in folds {
        assert_eq!(fold.validation.len(), 200);
        let own = fold.validation.iter().map(|r| values[*r as usize]).sum::<f64>() / 200.0;
        assert!((own / mean - 1.0).abs() < 0.02, "{own} {mean}");
    }
}

#[test]
fn a_stratified_holdout_keeps_its_share_however_small_or_large() {
    let target = Target::Real((0..5000).map(f64::from).collect());
    let input = SplitInput { n_rows: 5000, target: Some(&target), ..SplitInput::default() };
    for share in [0.0001, 0.01, 0.05, 0.33, 0.9, 0.99, 0.9999] {
        let fold = holdout(SplitKind::Stratified, &input, share, &ctx()).unwrap();
        let expected = (5000.0 * share).round().clamp(1.0, 4999.0);
        assert!((fold.validation.len() as f64 - expected).abs() <= 2.0, "{share}");
        is_partition(&fold, 5000);
    }
}

#[test]
fn groups_are_never_on_both_sides_and_sizes_and_classes_are_balanced() {
    let mut random = ctx().random("test", 0);
    let groups: Vec<u32> = (0..2000).map(|_| random.below(90) as u32 * 3).collect();
    let codes: Vec<u32> = groups.iter().map(|g| u32::from(g % 5 == 0)).collect();
    let positives = codes.iter().sum::<u32>() as usize;
    let target = classes(codes.clone(), 2);
    let input = SplitInput {
        n_rows: 2000,
        target: Some(&target),
        groups: Some(&groups),
        ..SplitInput::default()
    };
    let folds = k_folds(SplitKind::Group, &input, 5, &ctx()).unwrap();
    judged_once(&folds, 2000);
    for fold in &folds {
        let train: std::collections::BTreeSet<u32> =
            fold.train.iter().map(|r| groups[*r as usize]).collect();
        assert!(fold.validation.iter().all(|r| !train.contains(&groups[*r as usize])));
        assert!(fold.validation.len().abs_diff(400) < 40, "{}", fold.validation.len());
        let own = fold.validation.iter().filter(|r| codes[**r as usize] == 1).count();
        assert!(own.abs_diff(positives / 5) < 30, "{own} {positives}");
    }
    let fold = holdout(SplitKind::Group, &input, 0.25, &ctx()).unwrap();
    is_partition(&fold, 2000);
    assert!(fold.validation.len().abs_diff(500) < 40);
}

#[test]
fn a_giant_group_leaves_no_part_empty() {
    let groups = [vec![9; 95], vec![1, 1, 2, 2, 3]].concat();
    let input = SplitInput { n_rows: 100, groups: Some(&groups), ..SplitInput::default() };
    judged_once(&k_folds(SplitKind::Group, &input, 4, &ctx()).unwrap(), 100);
    let fold = holdout(SplitKind::Group, &input, 0.2, &ctx()).unwrap();
    assert_eq!(fold.validation.len(), 5);
    let error = k_folds(SplitKind::Group, &input, 5, &ctx()).unwrap_err();
    assert_eq!(error.got_text(), Some("4 groups"));
}

#[test]
fn time_folds_learn_from_the_past_only_and_keep_an_instant_together() {
    let times: Vec<f64> = (0..100).map(|row| f64::from((row * 37) % 100 / 7)).collect();
    let input = SplitInput { n_rows: 100, times: Some(&times), ..SplitInput::default() };
    let time = |rows: &[u32]| -> Vec<f64> { rows.iter().map(|r| times[*r as usize]).collect() };
    let folds = k_folds(SplitKind::Time, &input, 4, &ctx()).unwrap();
    let last = holdout(SplitKind::Time, &input, 0.2, &ctx()).unwrap();
    is_partition(&last, 100);
    assert!(last.validation.len().abs_diff(20) <= 7);
    assert!(folds.is_sorted_by(|a, b| a.train.len() < b.train.len()));
    for fold in folds.iter().chain([&last]) {
        let latest = time(&fold.train).into_iter().fold(f64::NEG_INFINITY, f64::max);
        assert!(time(&fold.validation).into_iter().all(|t| t > latest));
        assert!(!fold.validation.is_empty());
    }
}

#[test]
fn as_many_instants_as_spans_are_enough_for_time_folds() {
    let times = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0];
    let input = SplitInput { n_rows: 8, times: Some(&times), ..SplitInput::default() };
    let folds = k_folds(SplitKind::Time, &input, 3, &ctx()).unwrap();
    let judged: Vec<Vec<u32>> = folds.into_iter().map(|f| f.validation).collect();
    assert_eq!(judged, [[5], [6], [7]]);
    assert!(k_folds(SplitKind::Time, &input, 4, &ctx()).is_err());
}

#[test]
fn unusable_input_is_refused_with_a_reason() {
    let input = SplitInput { n_rows: 10, ..SplitInput::default() };
    for kind in [SplitKind::Stratified, SplitKind::Group, SplitKind::Time] {
        assert!(holdout(kind, &input, 0.2, &ctx()).is_err());
    }
    for share in [0.0, 1.0, f64::NAN, -1.0] {
        assert!(holdout(SplitKind::Random, &input, share, &ctx()).is_err());
    }
    assert!(k_folds(SplitKind::Random, &input, 1, &ctx()).is_err());
    assert!(k_folds(SplitKind::Random, &input, 11, &ctx()).is_err());
    let times = [0.0, f64::NAN];
    let input = SplitInput { n_rows: 2, times: Some(&times), ..SplitInput::default() };
    let error = holdout(SplitKind::Time, &input, 0.2, &ctx()).unwrap_err();
    assert_eq!(error.place().row, Some(2));
    let input = SplitInput { n_rows: 3, times: Some(&times), ..SplitInput::default() };
    assert!(holdout(SplitKind::Time, &input, 0.2, &ctx()).is_err());
    let target = classes(vec![0, 1, 5], 2);
    let input = SplitInput {
        n_rows: 3,
        target: Some(&target),
        groups: Some(&[0, 1, 2]),
        ..SplitInput::default()
    };
    for kind in [SplitKind::Stratified, SplitKind::Group] {
        let error = k_folds(kind, &input, 2, &ctx()).unwrap_err();
        assert_eq!(error.place().row, Some(3));
    }
    let error = "stratifed".parse::<SplitKind>().unwrap_err();
    assert_eq!(error.hint_text(), Some("did you mean `stratified`?"));
}

#[test]
fn tiny_tables_of_single_row_classes_still_split() {
    let target = classes(vec![0, 1, 2], 3);
    let input = SplitInput { n_rows: 3, target: Some(&target), ..SplitInput::default() };
    is_partition(&holdout(SplitKind::Stratified, &input, 0.3, &ctx()).unwrap(), 3);
    judged_once(&k_folds(SplitKind::Stratified, &input, 3, &ctx()).unwrap(), 3);
}
