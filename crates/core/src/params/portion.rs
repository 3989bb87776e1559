//! How many of a whole are meant: a share of it, or a count, as scikit-learn's `max_features` has
//! both. A share has a decimal point, a count has none: `1.0` is all, `1` is one.

/// A part of some whole whose size is not known yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Portion {
    /// A share, above 0 and at most 1.
    Share(f64),
    /// So many, from 1.
    Count(usize),
}

impl Portion {
    /// What is meant, in words.
    pub const FORM: &str = "a share above 0.0 up to 1.0, or a whole number from 1";

    /// Reads `0.25`, `1.0`, `3e-1` as shares and `7` as a count; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().ok().filter(|n| *n >= 1).map(Self::Count);
        }
        let share: f64 = text.parse().ok()?;
        (share > 0.0 && share <= 1.0).then_some(Self::Share(share))
    }

    /// How many of `n`, not rounded; a count may be more than there are.
    pub fn of(self, n: usize) -> f64 {
        match self {
            Self::Share(share) => share * n as f64,
            Self::Count(count) => count as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_point_makes_a_share() {
        assert_eq!(Portion::parse("1.0"), Some(Portion::Share(1.0)));
        assert_eq!(Portion::parse("3e-1"), Some(Portion::Share(0.3)));
        assert_eq!(Portion::parse("1"), Some(Portion::Count(1)));
        for wrong in ["", "0", "0.0", "1.5", "-1", "nan", "inf", "many", "99999999999999999999"] {
            assert_eq!(Portion::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_portion_of_a_whole() {
        assert_eq!(Portion::Share(0.25).of(8), 2.0);
        assert_eq!(Portion::Count(3).of(8), 3.0);
    }
}
