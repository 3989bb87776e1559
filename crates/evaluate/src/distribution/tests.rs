//! SciPy's values.

use serde::Deserialize;

use super::*;

const GOLDEN: &str = include_str!("../../../../testdata/compare/distributions.toml");

#[derive(Deserialize)]
struct Golden {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    of: String,
    at: Vec<f64>,
    value: f64,
}

#[test]
fn every_distribution_has_scipys_values() {
    let golden: Golden = toml::from_str(GOLDEN).unwrap();
    assert!(golden.case.len() > 60);
    for Case { of, at, value } in golden.case {
        let found = match (of.as_str(), at.as_slice()) {
            ("normal_cdf", [z]) => normal_cdf(*z),
            ("normal_quantile", [p]) => normal_quantile(*p),
            ("student_two_sided", [t, df]) => student_two_sided(*t, *df),
            ("student_cdf", [t, df]) => student_cdf(*t, *df),
            ("student_quantile", [p, df]) => student_quantile(*p, *df),
            ("f_survival", [f, n, d]) => f_survival(*f, *n, *d),
            ("binomial_at_least", [k, n, share]) => binomial_at_least(*k, *n, *share),
            ("chi_square_survival", [x, df]) => chi_square_survival(*x, *df),
            ("studentized_range_survival", [q, k]) => studentized_range_survival(*q, *k as usize),
            other => panic!("{other:?}"),
        };
        // SciPy integrates the range numerically itself.
        let tolerance = if of == "studentized_range_survival" { 1e-9 } else { 1e-10 };
        let off = (found - value).abs();
        assert!(off < tolerance * value.abs().max(1e-3), "{of}{at:?}: {found} not {value}");
    }
}

#[test]
fn tails_and_ends_are_exact() {
    assert!((two_sided_p(Z_975) - 0.05).abs() < 1e-15);
    assert!((two_sided_p(-5.0) / 5.733_031_437_583_866e-7 - 1.0).abs() < 1e-12);
    assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
    assert_eq!(normal_quantile(1.0), f64::INFINITY);
    assert!(normal_quantile(f64::NAN).is_nan() && normal_quantile(1.5).is_nan());
    assert_eq!(student_two_sided(f64::INFINITY, 3.0), 0.0);
    assert_eq!(student_975(0), f64::INFINITY);
    assert!((student_975(4) - 2.776_445_105).abs() < 1e-8, "{}", student_975(4));
    assert_eq!((f_survival(0.0, 2.0, 3.0), f_survival(f64::INFINITY, 2.0, 3.0)), (1.0, 0.0));
    assert_eq!(chi_square_survival(0.0, 2.0), 1.0);
    assert_eq!(studentized_range_survival(0.0, 3), 1.0);
    assert!(chi_square_survival(f64::NAN, 1.0).is_nan());
}
