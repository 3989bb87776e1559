//! Scores to start from that are columns, and several quantiles as a parameter.

use modelwright_core::Result;

use super::*;

/// Two features that matter, and a margin that says a part of the target.
fn offset_table(n: usize) -> (FeatureMatrix, Vec<f64>, Vec<f64>) {
    let mut random = Random::new(11);
    let mut columns = vec![Vec::new(); 3];
    let (mut target, mut margin) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let x: Vec<f64> = (0..3).map(|_| random.unit()).collect();
        target.push(40.0 * x[2] + (6.0 * x[0]).sin() + x[1]);
        columns.iter_mut().zip(&x).for_each(|(c, x)| c.push(*x as f32));
        margin.push(f64::from((40.0 * x[2]) as f32));
    }
    columns[2] = margin.iter().map(|m| *m as f32).collect();
    (matrix(columns), target, margin)
}

fn fit_of(
    features: &FeatureMatrix,
    target: &Target,
    validation: &[u32],
    params: &GbdtParams,
    options: &FitOptions<'_>,
) -> Result<GbdtModel> {
    let first = if validation.is_empty() { features.n_rows as u32 } else { validation[0] };
    let rows: Vec<u32> = (0..first).collect();
    let view = TrainView { features, target, weights: None, rows: &rows, validation };
    let params = params.clone().check("gbdt").unwrap();
    Gbdt::fit_with(&view, &params, options, &Context::unlimited(1, 1))
}

fn from_column() -> GbdtParams {
    GbdtParams {
        n_rounds: 40,
        learning_rate: 0.2,
        init_score: "x2".to_owned(),
        ..GbdtParams::default()
    }
}

#[test]
fn a_column_to_start_from_is_a_term_of_the_model_and_never_split() {
    let (features, target, margin) = offset_table(500);
    let target = Target::Real(target);
    let none = FitOptions::default();
    let model = fit_of(&features, &target, &[], &from_column(), &none).unwrap();
    assert_eq!(model.rounds(), 40);
    assert!(model.trees().iter().all(|tree| !tree.features.contains(&2)));
    model.validate().unwrap();
    // The same scores given from outside: the same trees, without the term.
    let without = matrix(features.columns[..2].iter().map(|c| c.values.to_vec()).collect());
    let options = FitOptions { init_scores: Some(&margin), ..none };
    let params =
        GbdtParams { init_score: String::new(), feature_fraction_bynode: 1.0, ..from_column() };
    let outside = fit_of(&without, &target, &[], &params, &options).unwrap();
    let params = GbdtParams { feature_fraction_bynode: 1.0, ..from_column() };
    let inside = fit_of(&features, &target, &[], &params, &none).unwrap();
    let outside = predictions(&outside, &without);
    for ((own, other), margin) in predictions(&inside, &features).iter().zip(&outside).zip(&margin)
    {
        assert!((own - other - margin).abs() < 1e-9, "{own} {other} {margin}");
    }
    let stored: GbdtModel = postcard::from_bytes(&postcard::to_stdvec(&inside).unwrap()).unwrap();
    assert_eq!(predictions(&stored, &features), predictions(&inside, &features));
}

#[test]
fn early_stopping_never_loses_what_rows_start_from() {
    let (features, _, margin) = offset_table(400);
    // Nothing is left to learn.
    let target = Target::Real(margin.clone());
    let rows: Vec<u32> = (300..400).collect();
    let model = fit_of(&features, &target, &rows, &from_column(), &FitOptions::default()).unwrap();
    let said = predictions(&model, &features);
    let worst = said.iter().zip(&margin).map(|(a, b)| (a - b).abs());
    assert!(worst.fold(0.0, f64::max) < 0.1 && model.rounds() >= 1);
    let params = GbdtParams { n_rounds: 0, ..from_column() };
    let model = fit_of(&features, &target, &[], &params, &FitOptions::default()).unwrap();
    assert_eq!(predictions(&model, &features), margin);
}

#[test]
fn classes_have_a_column_each_and_a_continued_model_keeps_its_own() {
    let (features, target, _) = offset_table(300);
    let codes = target.iter().map(|y| (*y as u32 / 14).min(2)).collect();
    let target = Target::Class { codes, n_classes: 3 };
    let params = GbdtParams { n_rounds: 6, init_score: "x2,x0,x1".to_owned(), ..from_column() };
    let none = FitOptions::default();
    let model = fit_of(&features, &target, &[], &params, &none).unwrap();
    assert!(model.trees().iter().all(|tree| tree.features.is_empty()), "no feature is left");
    let params = GbdtParams { n_rounds: 6, ..from_column() };
    let error = fit_of(&features, &target, &[], &params, &none).unwrap_err().to_string();
    assert!(error.contains("3 columns"), "{error}");
    let (features, target, _) = offset_table(300);
    let target = Target::Real(target);
    let half = fit_of(&features, &target, &[], &params, &none).unwrap();
    let options = FitOptions { warm_start: Some(&half), ..none };
    let more = fit_of(&features, &target, &[], &params, &options).unwrap();
    let params = GbdtParams { n_rounds: 12, ..from_column() };
    let whole = fit_of(&features, &target, &[], &params, &none).unwrap();
    assert_eq!(predictions(&more, &features), predictions(&whole, &features));
    let plain = GbdtParams { init_score: String::new(), ..params.clone() };
    let plain = fit_of(&features, &target, &[], &plain, &none).unwrap();
    let options = FitOptions { warm_start: Some(&plain), ..none };
    let error = fit_of(&features, &target, &[], &params, &options).unwrap_err().to_string();
    assert!(error.contains("does not start from this column"), "{error}");
}

#[test]
fn init_scores_that_cannot_be_are_refused_with_the_reason() {
    let (features, target, margin) = offset_table(100);
    let target = Target::Real(target);
    let none = FitOptions::default();
    let refused = |params: GbdtParams, options: &FitOptions<'_>| {
        fit_of(&features, &target, &[], &params, options).unwrap_err().to_string()
    };
    let unknown = refused(GbdtParams { init_score: "x3".to_owned(), ..from_column() }, &none);
    assert!(unknown.contains("init_score") && unknown.contains("x3"), "{unknown}");
    let linear = refused(GbdtParams { linear_tree: true, ..from_column() }, &none);
    assert!(linear.contains("linear leaves"), "{linear}");
    let given = FitOptions { init_scores: Some(&margin), ..none };
    assert!(refused(from_column(), &given).contains("other init scores"));
    let mut values = features.columns[2].values.to_vec();
    values[7] = f32::NAN;
    let columns =
        [features.columns[0].values.to_vec(), features.columns[1].values.to_vec(), values];
    let broken = matrix(columns.to_vec());
    let error = fit_of(&broken, &target, &[], &from_column(), &none).unwrap_err().to_string();
    assert!(error.contains("row 8") && error.contains("no init score"), "{error}");
}

#[test]
fn quantiles_of_a_parameter_answer_with_the_middle_one() {
    let (features, target, _) = offset_table(400);
    let target = Target::Real(target);
    let with = |levels: &str| GbdtParams {
        n_rounds: 30,
        learning_rate: 0.2,
        quantiles: levels.to_owned(),
        ..GbdtParams::default()
    };
    let ctx = Context::unlimited(0, 1);
    let view = FeatureView::all(&features);
    for (levels, places) in [("0.1,0.5,0.9", [1, 1]), ("0.25, 0.75", [0, 1]), ("0.8", [0, 0])] {
        let model = fit_of(&features, &target, &[], &with(levels), &FitOptions::default()).unwrap();
        let all = model.predictions_after(30, &view, &ctx).unwrap();
        assert_eq!(all.n_outputs, levels.split(',').count());
        let said = model.predict(&view, &ctx).unwrap();
        assert_eq!(said.n_outputs, 1);
        for row in 0..400 {
            let [low, high] = places.map(|k| all.row(row)[k]);
            assert_eq!(said.values[row], f64::midpoint(low, high));
        }
    }
    for wrong in ["0.5,0.1", "0,0.5", "0.5,", "a"] {
        let refused = fit_of(&features, &target, &[], &with(wrong), &FitOptions::default());
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("quantiles") && error.contains(wrong), "{error}");
    }
    let params = GbdtParams { loss: "huber".to_owned(), ..with("0.1,0.9") };
    let refused = fit_of(&features, &target, &[], &params, &FitOptions::default());
    assert!(refused.unwrap_err().to_string().contains("huber"));
}
