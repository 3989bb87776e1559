//! After how many rounds the model of a fold is judged: as many as the *other* folds like best.
//!
//! A fold that chose the number by its own rows would be flattered by them: after the round that is
//! best for just these rows every model looks better than it is, and on pure noise none ever looks
//! worse than a constant. So fold `k` is judged after the number of rounds that minimises the mean
//! validation loss of all folds but `k`. (Its rows still take part in what the other folds' models
//! learned; that ties them no closer than cross-validation ties its folds anyway.) What is fitted
//! again on all rows does the number that all folds together like best, as the `cv` functions of
//! XGBoost and LightGBM choose it.
//!
//! Reference: Varma & Simon, "Bias in error estimation when using cross-validation for model
//! selection", BMC Bioinformatics 7, 2006: what is chosen must be chosen without the judging rows.

/// How the loss of a fold's validation rows went.
#[derive(Clone, Copy)]
pub(crate) struct OfFold<'a> {
    /// The mean loss after 0, 1, 2, … rounds; empty where nobody looked.
    pub losses: &'a [f64],
    /// The weight of the rows together.
    pub weight: f64,
}

impl OfFold<'_> {
    /// A fold that learned nothing knows nothing.
    fn has_a_say(&self) -> bool {
        self.losses.len() > 1
    }

    fn done(&self) -> usize {
        self.losses.len().saturating_sub(1)
    }
}

/// The number of rounds after which each fold is judged, and the number for a fit on all rows.
///
/// A fold without others to ask chooses by its own rows; one that ended earlier than the others
/// wish is judged as it is.
pub(crate) fn agree(folds: &[OfFold<'_>]) -> (Vec<usize>, usize) {
    let of_fold = |(k, fold): (usize, &OfFold<'_>)| {
        let others = folds.iter().enumerate().filter(|(i, _)| *i != k).map(|(_, f)| f);
        let wished = if others.clone().any(OfFold::has_a_say) {
            best(others)
        } else {
            best(std::iter::once(fold))
        };
        wished.min(fold.done())
    };
    (folds.iter().enumerate().map(of_fold).collect(), best(folds.iter()))
}

/// The first of the numbers of rounds after which the mean loss is least. A fold that ended earlier
/// stays at its last loss: where its rows ended it, that is a loss that no longer fell.
fn best<'a>(folds: impl Iterator<Item = &'a OfFold<'a>> + Clone) -> usize {
    let folds = folds.filter(|fold| fold.has_a_say());
    let longest = folds.clone().map(|f| f.losses.len()).max().unwrap_or(0);
    let after =
        |n: usize| -> f64 { folds.clone().map(|f| f.weight * f.losses[n.min(f.done())]).sum() };
    let mut least = (f64::INFINITY, 0);
    for (n, loss) in (0..longest).map(|n| (n, after(n))) {
        if loss < least.0 {
            least = (loss, n);
        }
    }
    least.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(losses: &[f64]) -> OfFold<'_> {
        OfFold { losses, weight: 1.0 }
    }

    #[test]
    fn the_other_folds_say_after_how_many_rounds_a_fold_is_judged() {
        let folds =
            [of(&[1.0, 0.9, 0.8, 0.7]), of(&[1.0, 0.7, 0.9, 1.0]), of(&[1.0, 0.7, 0.8, 0.9])];
        // The first fold would have liked three rounds; the others like one.
        assert_eq!(agree(&folds), (vec![1, 1, 1], 1));
        let two = [folds[0], folds[1]];
        assert_eq!(agree(&two), (vec![1, 3], 1), "each is judged as the other one likes");
    }

    #[test]
    fn a_heavy_fold_counts_more_and_one_that_ended_early_keeps_its_last_loss() {
        let heavy = OfFold { losses: &[1.0, 0.9, 0.5], weight: 10.0 };
        assert_eq!(agree(&[heavy, of(&[1.0, 0.1, 0.9])]).1, 2);
        let short = of(&[1.0, 0.9]);
        assert_eq!(agree(&[short, of(&[1.0, 0.9, 0.8, 0.9])]), (vec![1, 1], 2));
        // What learned nothing says nothing.
        assert_eq!(agree(&[of(&[f64::INFINITY]), of(&[1.0, 0.9, 0.8])]), (vec![0, 2], 2));
    }

    #[test]
    fn a_single_part_chooses_for_itself_and_no_number_is_never_chosen() {
        assert_eq!(agree(&[of(&[1.0, f64::NAN, 0.5, 0.6])]), (vec![2], 2));
        assert_eq!(agree(&[of(&[f64::NAN, f64::NAN])]), (vec![0], 0));
    }
}
