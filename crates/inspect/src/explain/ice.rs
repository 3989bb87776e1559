//! How differently rows respond to one column: individual conditional expectations, centred.
//!
//! A partial dependence is a mean: half of the rows may rise where the other half falls. Each row's
//! own curve is centred at the first point (c-ICE: Goldstein, Kapelner, Bleich & Pitkin, "Peeking
//! inside the black box", JCGS 24, 2015), so that curves can be laid over each other; what is kept
//! of them is where the middle eight of ten rows lie, which shows no single row.

use serde::{Deserialize, Serialize};

/// Shares of rows below the ends of a band.
const LOW: f64 = 0.1;
const HIGH: f64 = 0.9;

/// Where the curves of rows lie at one point, relative to their own first point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IceBand {
    /// One in ten rows lies below.
    pub low: f64,
    /// Half of them.
    pub median: f64,
    /// Nine in ten.
    pub high: f64,
}

/// The curves of all rows, summed up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ice {
    /// A band for each point of the profile.
    pub bands: Vec<IceBand>,
    /// The share of the movement that all rows have in common, in [0, 1]: the mean curve's squares
    /// over the mean square of all curves. Little of it says that the column acts together with
    /// others. `None` where nothing moves.
    pub common: Option<f64>,
}

impl Ice {
    /// Of predictions `[point][row]`; values that are not finite are left out of a band.
    pub(super) fn of(predicted: &[Vec<f64>]) -> Self {
        let Some(first) = predicted.first() else { return Self::default() };
        let (mut bands, mut of_mean, mut of_all) = (Vec::new(), 0.0, 0.0);
        for point in predicted {
            let moves = point.iter().zip(first).map(|(p, own)| p - own);
            let mut moves: Vec<f64> = moves.filter(|m| m.is_finite()).collect();
            moves.sort_by(f64::total_cmp);
            let n = moves.len().max(1) as f64;
            of_mean += (moves.iter().sum::<f64>() / n).powi(2);
            of_all += moves.iter().map(|m| m * m).sum::<f64>() / n;
            let at = |share| quantile(&moves, share);
            bands.push(IceBand { low: at(LOW), median: at(0.5), high: at(HIGH) });
        }
        let common = (of_all > 0.0).then(|| (of_mean / of_all).clamp(0.0, 1.0));
        Self { bands, common: common.filter(|share| share.is_finite()) }
    }
}

/// The interpolated quantile of ascending values; 0 of none.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = share * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (place - place.floor()) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_curves_have_all_in_common_and_opposite_ones_nothing() {
        let parallel = Ice::of(&[vec![1.0, 5.0, -2.0], vec![2.0, 6.0, -1.0], vec![4.0, 8.0, 1.0]]);
        assert_eq!(parallel.common, Some(1.0));
        let band = |at: f64| IceBand { low: at, median: at, high: at };
        assert_eq!(parallel.bands, [band(0.0), band(1.0), band(3.0)]);
        let opposite = Ice::of(&[vec![0.0, 0.0], vec![1.0, -1.0]]);
        assert_eq!(opposite.common, Some(0.0));
        assert_eq!(opposite.bands[1], IceBand { low: -0.8, median: 0.0, high: 0.8 });
    }

    #[test]
    fn curves_that_do_not_move_or_are_not_there_have_nothing_to_share() {
        assert_eq!(Ice::of(&[vec![1.0, 2.0], vec![1.0, 2.0]]).common, None);
        assert_eq!(Ice::of(&[]), Ice::default());
        let broken = Ice::of(&[vec![f64::INFINITY, 0.0], vec![f64::INFINITY, 2.0]]);
        assert_eq!(broken.bands[1].median, 2.0);
    }
}
