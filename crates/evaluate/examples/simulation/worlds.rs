//! Worlds of which the truth is known: tables of any size with predictions, drawn from laws.

use modelwright_core::random::Random;
use modelwright_core::task::{Predictions, Target};

/// What `of` gives for 1, 2, … `n`, in that order. Plain threads: each table has a pool of its
/// own, and a pool within a pool would nest as deep as there are tables.
pub(crate) fn for_each<T: Send>(n: usize, of: impl Fn(u64) -> T + Sync) -> Vec<T> {
    const THREADS: usize = 2;
    let (part, of) = (n.div_ceil(THREADS), &of);
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..THREADS)
            .map(|t| {
                let tables = (t * part).min(n)..((t + 1) * part).min(n);
                scope.spawn(move || tables.map(|i| of(i as u64 + 1)).collect::<Vec<T>>())
            })
            .collect();
        parts.into_iter().flat_map(|p| p.join().expect("a part ends")).collect()
    })
}

/// A law that rows come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum World {
    /// Three of ten rows are positive; their scores lie so many standard deviations higher.
    Binary(f64),
    /// Three classes of unequal size.
    Three,
    /// Errors with a long tail.
    Numbers,
}

/// Rows of a world with two models' predictions, equally good.
pub(crate) struct Rows {
    /// The answers.
    pub(crate) truth: Target,
    /// The model that is measured.
    pub(crate) a: Predictions,
    /// Another one that errs as much, in part on other rows.
    pub(crate) b: Predictions,
}

impl World {
    /// Draws `n` rows.
    pub(crate) fn draw(self, n: usize, seed: u64) -> Rows {
        let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n as u64);
        match self {
            Self::Binary(shift) => binary(n, shift, &mut random),
            Self::Three => three(n, &mut random),
            Self::Numbers => numbers(n, &mut random),
        }
    }

    /// What the world is called.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Binary(shift) => format!("binary {shift}"),
            Self::Three => "three classes".to_owned(),
            Self::Numbers => "numbers".to_owned(),
        }
    }
}

/// Two scores with a common part, of variance one each.
fn pair(random: &mut Random) -> (f64, f64) {
    let common = 0.7_f64.sqrt() * random.normal();
    let own = 0.3_f64.sqrt();
    (common + own * random.normal(), common + own * random.normal())
}

fn binary(n: usize, shift: f64, random: &mut Random) -> Rows {
    /// Share of positive rows.
    const SHARE: f64 = 0.3;
    let codes: Vec<u32> = (0..n).map(|_| u32::from(random.unit() < SHARE)).collect();
    // The chance of a positive row at a score; a little too sure of itself.
    let chance = |score: f64| {
        let log_odds = (SHARE / (1.0 - SHARE)).ln() + shift * (score - shift / 2.0);
        1.0 / (1.0 + (-1.2 * log_odds).exp())
    };
    let scores: Vec<(f64, f64)> = codes
        .iter()
        .map(|code| {
            let (a, b) = pair(random);
            let place = shift * f64::from(*code);
            (chance(place + a), chance(place + b))
        })
        .collect();
    let of = |pick: fn(&(f64, f64)) -> f64| Predictions::new(1, scores.iter().map(pick).collect());
    let (a, b) = (of(|s| s.0), of(|s| s.1));
    Rows { truth: Target::Class { codes, n_classes: 2 }, a, b }
}

fn three(n: usize, random: &mut Random) -> Rows {
    const SHARES: [f64; 3] = [0.5, 0.3, 0.2];
    let mut values = [Vec::new(), Vec::new()];
    let codes: Vec<u32> = (0..n)
        .map(|_| {
            let unit = random.unit();
            let code = u32::from(unit > SHARES[0]) + u32::from(unit > SHARES[0] + SHARES[1]);
            let mut scores = [[0.0; 3]; 2];
            for class in 0..3_usize {
                let (a, b) = pair(random);
                let place = SHARES[class].ln() + if class == code as usize { 1.5 } else { 0.0 };
                scores[0][class] = (place + a).exp();
                scores[1][class] = (place + b).exp();
            }
            for (values, scores) in values.iter_mut().zip(scores) {
                let sum: f64 = scores.iter().sum();
                values.extend(scores.map(|s| s / sum));
            }
            code
        })
        .collect();
    let [a, b] = values.map(|values| Predictions::new(3, values));
    Rows { truth: Target::Class { codes, n_classes: 3 }, a, b }
}

fn numbers(n: usize, random: &mut Random) -> Rows {
    let mut truth = Vec::with_capacity(n);
    let mut values = [Vec::new(), Vec::new()];
    for _ in 0..n {
        let (a, b) = pair(random);
        let signal = 2.0 * random.normal();
        // A tail: one row of ten is three times as hard.
        let size = if random.unit() < 0.1 { 3.0 } else { 1.0 };
        truth.push(10.0 + signal);
        values[0].push(10.0 + signal + size * a);
        values[1].push(10.0 + signal + size * b);
    }
    let [a, b] = values.map(|values| Predictions::new(1, values));
    Rows { truth: Target::Real(truth), a, b }
}
