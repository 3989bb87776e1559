//! What is forbidden holds for the whole delivered ensemble.

use modelwright_core::Context;
use modelwright_core::data::{Column, Table};

use super::{FitInput, fit, fit_ok, input, table};

fn asked(target: &str) -> FitInput {
    let mut asked = input(700, target);
    "balanced".clone_into(&mut asked.options.preset);
    asked
}

/// Predictions of some rows with `x` replaced.
fn with_x(rows: &Table, x: f64) -> Table {
    let columns = rows.columns().iter().map(|c| match c.name.as_str() {
        "x" => Column::numbers("x", vec![x; rows.n_rows()]),
        _ => c.clone(),
    });
    Table::new(columns.collect()).unwrap()
}

#[test]
fn a_direction_holds_for_the_delivered_ensemble_on_every_row() {
    // Against what the data say, so that chance does not keep the promise.
    for (target, direction) in [("label", -1.0), ("signal", 1.0)] {
        let mut asked = asked(target);
        asked.options.monotone = Some(format!("x:{direction:+}"));
        let outcome = fit_ok(asked, &Context::unlimited(3, 2));
        let ctx = Context::unlimited(0, 1);
        let rows = table(60);
        let at = |x: f64| outcome.predictor.predict(&with_x(&rows, x), &ctx).unwrap().values;
        let mut before = at(-3.0);
        for step in 1..=24 {
            let now = at(-3.0 + 0.25 * f64::from(step));
            for (was, is) in before.iter().zip(&now) {
                assert!((is - was) * direction >= -1e-12, "{target}: {was} {is}");
            }
            before = now;
        }
        let planned = &outcome.record.plan.trials;
        assert!(
            planned.iter().all(|t| t.learner == "baseline" || t.params.contains_key("monotone"))
        );
    }
}

#[test]
fn one_readable_model_is_delivered_when_that_is_asked() {
    let mut asked = asked("label");
    asked.options.interpretable = true;
    let outcome = fit_ok(asked, &Context::unlimited(3, 2));
    let members: Vec<_> = outcome.predictor.members().collect();
    assert_eq!(members.len(), 1);
    assert!(["linear", "ebm"].contains(&members[0].0) && members[0].2 == 1, "{members:?}");
}

#[test]
fn directions_that_cannot_be_kept_are_refused() {
    for (target, monotone, fragment) in [
        ("grade", "x:+1", "multiclass"),
        ("label", "colour:+1", "numbers"),
        ("label", "height:+1", "height"),
        ("label", "x", "+1"),
        ("label", "0:+1", "no column"),
        ("label", "weight:+1", "weight"),
    ] {
        let mut asked = asked(target);
        asked.options.monotone = Some(monotone.to_owned());
        let refused = fit(asked, &Context::unlimited(0, 2)).err().map(|e| e.to_string());
        let error = refused.unwrap_or_else(|| panic!("{monotone} was taken"));
        assert!(error.contains(fragment), "{monotone}: {error}");
    }
    let mut asked = asked("label");
    asked.options.interpretable = true;
    asked.options.monotone = Some("x:+1".to_owned());
    asked.options.interactions = Some("x,z".to_owned());
    // Whatever is left can keep to both, or the refusal says which flag to leave out.
    if let Err(error) = fit(asked, &Context::unlimited(0, 2)) {
        assert!(error.to_string().contains("--interpretable"), "{error}");
    }
}

#[test]
fn columns_that_may_not_act_together_do_not_in_probabilities_either() {
    let mut asked = asked("label");
    asked.options.interactions = Some("x,colour|z".to_owned());
    let outcome = fit_ok(asked, &Context::unlimited(3, 2));
    // The mean of probabilities of several models is no function of a sum.
    let members: Vec<_> = outcome.predictor.members().collect();
    assert!(members.len() == 1 && members[0].2 == 1, "{members:?}");
    let mut asked = self::asked("signal");
    asked.options.interactions = Some("x,colour|z".to_owned());
    let outcome = fit_ok(asked, &Context::unlimited(3, 2));
    let ctx = Context::unlimited(0, 1);
    let with_z = |rows: &Table, z: f64| {
        let columns = rows.columns().iter().map(|c| match c.name.as_str() {
            "z" => Column::numbers("z", vec![z; rows.n_rows()]),
            _ => c.clone(),
        });
        Table::new(columns.collect()).unwrap()
    };
    let rows = table(60);
    let at = |x: f64, z: f64| {
        let rows = with_z(&with_x(&rows, x), z);
        outcome.predictor.predict(&rows, &ctx).unwrap().values
    };
    let [a, b, c, d] = [at(-1.0, 2.0), at(-1.0, 8.0), at(1.0, 2.0), at(1.0, 8.0)];
    let apart = (0..60).all(|row| (a[row] - b[row] - c[row] + d[row]).abs() < 1e-9);
    assert!(apart, "{a:?} {b:?} {c:?} {d:?}");
}
