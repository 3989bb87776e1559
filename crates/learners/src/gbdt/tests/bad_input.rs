//! What is wrong with the input is a clear error, or harmless.

use super::*;
use crate::gbdt::{FitOptions, Objective};

/// 40 rows of two features and a target that follows the first.
fn table() -> (FeatureMatrix, Vec<f64>) {
    let x: Vec<f32> = (0..40).map(|i| i as f32).collect();
    let target = x.iter().map(|x| f64::from(*x) * 0.5).collect();
    (matrix(vec![x, (0..40).map(|i| (i % 3) as f32).collect()]), target)
}

fn attempt(
    features: &FeatureMatrix,
    target: &Target,
    weights: Option<&[f64]>,
    params: &GbdtParams,
    options: &FitOptions<'_>,
) -> Result<GbdtModel> {
    let rows: Vec<u32> = (0..features.n_rows as u32 * 3 / 4).collect();
    let validation: Vec<u32> = (rows.len() as u32..features.n_rows as u32).collect();
    let view = TrainView { features, target, weights, rows: &rows, validation: &validation };
    let params = params.clone().check("gbdt")?;
    Gbdt::fit_with(&view, &params, options, &Context::unlimited(1, 1))
}

/// The error of an attempt on the table whose target, weights or options are as given.
fn refused(target: Vec<f64>, weights: Option<&[f64]>, options: &FitOptions<'_>) -> String {
    let target = Target::Real(target);
    let result = attempt(&table().0, &target, weights, &whole(), options);
    result.err().map_or_else(String::new, |e| e.to_string())
}

fn changed(at: usize, value: f64) -> Vec<f64> {
    let mut target = table().1;
    target[at] = value;
    target
}

#[test]
fn a_target_or_weight_that_is_not_usable_is_refused_by_row() {
    let none = FitOptions::default();
    // Learning and validation rows alike.
    for (at, row) in [(4, "row 5"), (35, "row 36")] {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let text = refused(changed(at, value), None, &none);
            assert!(text.contains(row) && text.contains("target"), "{text}");
        }
        for value in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            let mut weights = vec![1.0; 40];
            weights[at] = value;
            let text = refused(table().1, Some(&weights), &none);
            assert!(text.contains(row) && text.contains("weight"), "{text}");
        }
    }
    assert!(refused(table().1, Some(&[0.0; 40]), &none).contains("zero"));
}

#[test]
fn odd_but_lawful_input_gives_a_valid_model() {
    let (features, target) = table();
    let constant = matrix(vec![vec![2.0; 40], vec![-0.0; 40]]);
    let one = matrix(vec![vec![1.0]]);
    let cases = [
        (&constant, target.clone(), whole()),
        (&features, vec![3.0; 40], whole()),
        (&features, changed(3, 1e300), whole()),
        (&features, target.clone(), GbdtParams { n_rounds: 0, ..whole() }),
        (&features, target.clone(), GbdtParams { max_leaves: 2, ..whole() }),
        (&features, target.clone(), GbdtParams { min_samples_leaf: 1_000_000, ..whole() }),
        // More bins than rows.
        (&features, target.clone(), GbdtParams { min_samples_leaf: 1, l2: 0.0, ..whole() }),
        (&features, target.clone(), GbdtParams { boost_from_average: false, ..whole() }),
        (&one, vec![4.0], whole()),
    ];
    for (features, target, params) in cases {
        let rows: Vec<u32> = (0..features.n_rows as u32).collect();
        for sampling in ["none", "bernoulli", "goss", "mvs", "bayesian"] {
            for loss in ["squared", "absolute", "huber", "fair", "log_cosh", "mape", "quantile"] {
                let params = GbdtParams {
                    sampling: sampling.into(),
                    loss: loss.into(),
                    n_rounds: params.n_rounds.min(15),
                    ..params.clone()
                };
                let target = Target::Real(target.clone());
                let ctx = Context::unlimited(1, 1);
                let model = fit_in(features, &target, None, [&rows, &[]], &params, &ctx);
                model.validate().unwrap();
                let finite = predictions(&model, features).iter().all(|p| p.is_finite());
                assert!(finite, "{sampling} {loss} {params:?}");
            }
        }
    }
}

/// A squared loss that goes wrong as it is told, after some rounds.
struct Wrong {
    what: &'static str,
    calls: std::sync::atomic::AtomicUsize,
}

impl Wrong {
    fn new(what: &'static str) -> Self {
        Self { what, calls: 0.into() }
    }
}

impl Objective for Wrong {
    fn base_scores(&self, _: &[f64], _: &[f32]) -> Vec<f64> {
        match self.what {
            "no base" => vec![],
            "base is NaN" => vec![f64::NAN],
            _ => vec![1.0],
        }
    }

    fn gradients(&self, targets: &[f64], scores: &[Vec<f64>]) -> Vec<Vec<[f64; 2]>> {
        let rows = targets.iter().zip(&scores[0]);
        let mut out: Vec<[f64; 2]> = rows.map(|(y, s)| [s - y, 1.0]).collect();
        if self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 2 {
            match self.what {
                "gradient is NaN" => out[6][0] = f64::NAN,
                "gradient is infinite" => out[6][0] = f64::INFINITY,
                "gradient overflows" => out[6][0] = 1e300,
                "Hessian is NaN" => out[6][1] = f64::NAN,
                "Hessian is negative" => out[6][1] = -1.0,
                "too short" => out.truncate(6),
                "no outputs" => return vec![],
                _ => {}
            }
        }
        vec![out]
    }

    fn losses(&self, targets: &[f64], scores: &[Vec<f64>]) -> Vec<f64> {
        let rows = targets.iter().zip(&scores[0]);
        let mut out: Vec<f64> = rows.map(|(y, s)| (s - y).powi(2)).collect();
        let late = self.calls.load(std::sync::atomic::Ordering::Relaxed) >= 3;
        match self.what {
            "loss is NaN" if late => out[6] = f64::NAN,
            "losses too long" if late => out.push(0.0),
            _ => {}
        }
        out
    }
}

#[test]
fn a_custom_loss_that_goes_wrong_is_named_with_row_and_round() {
    let cases = [
        ("no base", vec!["base score"]),
        ("base is NaN", vec!["base score", "NaN"]),
        ("gradient is NaN", vec!["gradient", "round 3", "row 7", "NaN"]),
        ("gradient is infinite", vec!["gradient", "round 3", "row 7", "inf"]),
        ("gradient overflows", vec!["gradient", "round 3", "row 7"]),
        ("Hessian is NaN", vec!["Hessian", "round 3", "row 7", "NaN"]),
        ("Hessian is negative", vec!["Hessian", "round 3", "row 7", "-1"]),
        ("too short", vec!["number of gradients", "round 3", "30", "6"]),
        ("no outputs", vec!["outputs", "round 3"]),
        // Row 7 of the validation rows.
        ("loss is NaN", vec!["loss", "round 3", "row 37", "NaN"]),
        ("losses too long", vec!["number of losses", "round 3", "10", "11"]),
    ];
    for (what, parts) in cases {
        let wrong = Wrong::new(what);
        let options = FitOptions { objective: Some(&wrong), ..FitOptions::default() };
        let text = refused(table().1, None, &options);
        assert!(parts.iter().all(|part| text.contains(part)), "{what}: {text}");
    }
    let fine = Wrong::new("nothing");
    let options = FitOptions { objective: Some(&fine), ..FitOptions::default() };
    assert_eq!(refused(table().1, None, &options), "");
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let (features, target) = table();
    let model = fit(&features, &Target::Real(target.clone()), &plain());
    let narrow = fit(&matrix(vec![vec![1.0, 2.0]]), &Target::Real(vec![1.0, 2.0]), &plain());
    let scores = vec![0.0; 40];
    let none = FitOptions::default();
    let cases = [
        (FitOptions { init_scores: Some(&scores[..39]), ..none }, "wrong length"),
        (FitOptions { init_scores: Some(&scores), warm_start: Some(&model), ..none }, "both"),
        (FitOptions { warm_start: Some(&narrow), ..none }, "features"),
        (
            FitOptions { warm_start: Some(&model), quantile_levels: Some(&[0.1, 0.9]), ..none },
            "loss",
        ),
        (FitOptions { quantile_levels: Some(&[0.9, 0.1]), ..none }, "ascending"),
        (FitOptions { quantile_levels: Some(&[]), ..none }, "ascending"),
    ];
    for (options, part) in cases {
        let text = refused(target.clone(), None, &options);
        assert!(text.contains(part), "{part}: {text}");
    }
    let mut broken = scores.clone();
    broken[36] = f64::NAN;
    let options = FitOptions { init_scores: Some(&broken), ..none };
    assert!(refused(target, None, &options).contains("row 37"));
}
