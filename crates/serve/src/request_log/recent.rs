//! The labels that were taken last, so that one that comes again is told from a new one.
//!
//! Hashes of a bounded number of them: the requests themselves are not looked up.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::Label;

/// Rows whose labels are remembered.
pub(crate) const LABELS_REMEMBERED: usize = 1 << 16;

/// How many labels came again.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Again {
    /// That say what is known.
    pub(crate) n_repeated: usize,
    /// That say something else than the last one of the same row.
    pub(crate) n_contradicting: usize,
}

/// See the module's text.
#[derive(Default)]
pub(super) struct Recent {
    /// By the row, what was said of it.
    said: HashMap<u64, u64, FixedState>,
    /// The rows, oldest first.
    order: VecDeque<u64>,
}

impl Recent {
    /// Remembers labels; counts those of rows that had one.
    pub(super) fn take(&mut self, labels: &[Label]) -> Again {
        let hasher = FixedState::with_seed(23);
        let mut again = Again::default();
        for (id, row, label) in labels {
            let key = hasher.hash_one((id.as_str(), row.to_bits()));
            let answer = hasher.hash_one(label.as_str());
            match self.said.insert(key, answer) {
                Some(before) if before == answer => again.n_repeated += 1,
                Some(_) => again.n_contradicting += 1,
                None => self.order.push_back(key),
            }
            if self.order.len() > LABELS_REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.said.remove(&oldest);
            }
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(id: usize, text: &str) -> Label {
        (id.to_string(), 1.0, text.to_owned())
    }

    #[test]
    fn labels_that_come_again_are_counted_within_a_body_and_across_bodies() {
        let mut recent = Recent::default();
        let first = recent.take(&[label(1, "yes"), label(2, "no"), label(1, "yes")]);
        assert_eq!(first, Again { n_repeated: 1, n_contradicting: 0 });
        let second = recent.take(&[label(1, "no"), label(2, "no"), label(3, "no")]);
        assert_eq!(second, Again { n_repeated: 1, n_contradicting: 1 });
        let other_row = ("1".to_owned(), 2.0, "no".to_owned());
        assert_eq!(recent.take(&[other_row]), Again::default());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut recent = Recent::default();
        let many: Vec<Label> = (0..LABELS_REMEMBERED + 10).map(|i| label(i, "yes")).collect();
        recent.take(&many);
        assert_eq!((recent.said.len(), recent.order.len()), (LABELS_REMEMBERED, LABELS_REMEMBERED));
        assert_eq!(recent.take(&[label(0, "yes")]), Again::default(), "the oldest is forgotten");
        let last = label(LABELS_REMEMBERED + 9, "yes");
        assert_eq!(recent.take(&[last]).n_repeated, 1);
    }
}
