//! The ways to make a column of others: which inputs each takes, and what comes of them.

use modelwright_core::data::Kind;
use serde::{Deserialize, Serialize};

/// How a column is made of its inputs. Stored by its place: new ones come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Form {
    /// The first number minus the second.
    Difference,
    /// The sum of two numbers.
    Sum,
    /// The product of two numbers.
    Product,
    /// The first number over the second; missing where that is 0.
    Ratio,
    /// Days from the second instant to the first.
    ElapsedDays,
    /// The mean of a number among the training rows of the same category.
    GroupMean,
    /// A number minus that mean.
    OffGroupMean,
    /// A number over that mean; missing where that is 0.
    OverGroupMean,
    /// One to three categories as one.
    Cross,
    /// How many of the inputs are missing.
    MissingCount,
    /// Which of the inputs are missing, as a category.
    MissingPattern,
}

/// At most this many categories are crossed.
pub(super) const CROSSED_MAX: usize = 3;

impl Form {
    /// Whether it can be made of inputs of these kinds, in this order.
    pub(super) fn accepts(self, kinds: &[Kind]) -> bool {
        let is_category = |k: &Kind| k.is_usable() && !matches!(k, Kind::Number | Kind::Datetime);
        match (self, kinds) {
            (
                Self::Difference | Self::Sum | Self::Product | Self::Ratio,
                [Kind::Number, Kind::Number],
            )
            | (Self::ElapsedDays, [Kind::Datetime, Kind::Datetime]) => true,
            (Self::GroupMean | Self::OffGroupMean | Self::OverGroupMean, [Kind::Number, group]) => {
                is_category(group)
            }
            (Self::Cross, kinds) => {
                (1..=CROSSED_MAX).contains(&kinds.len()) && kinds.iter().all(is_category)
            }
            (Self::MissingCount | Self::MissingPattern, kinds) => {
                kinds.len() > 1 && kinds.iter().all(|k| k.is_usable())
            }
            _ => false,
        }
    }

    /// Whether it needs what was learned of groups.
    pub(super) fn is_grouped(self) -> bool {
        matches!(self, Self::GroupMean | Self::OffGroupMean | Self::OverGroupMean)
    }

    /// The kind of the column that comes of it.
    pub fn kind(self) -> Kind {
        match self {
            Self::Cross | Self::MissingPattern => Kind::Category,
            _ => Kind::Number,
        }
    }

    /// The name of the column, for reports and explanations.
    pub(super) fn name(self, inputs: &[&str]) -> String {
        match (self, inputs) {
            (Self::Difference | Self::ElapsedDays, [a, b]) => format!("{a} - {b}"),
            (Self::Sum, [a, b]) => format!("{a} + {b}"),
            (Self::Product, [a, b]) => format!("{a} * {b}"),
            (Self::Ratio, [a, b]) => format!("{a} / {b}"),
            (Self::GroupMean, [x, group]) => format!("mean of {x} by {group}"),
            (Self::OffGroupMean, [x, group]) => format!("{x} - its mean by {group}"),
            (Self::OverGroupMean, [x, group]) => format!("{x} / its mean by {group}"),
            (Self::Cross, [x]) => format!("{x} as category"),
            (Self::MissingCount, _) => "number of missing values".to_owned(),
            (Self::MissingPattern, _) => "pattern of missing values".to_owned(),
            (_, inputs) => inputs.join(" & "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_takes_the_kinds_it_can_work_with_and_no_others() {
        use Kind::{Boolean, Category, Datetime, IntegerCategory, Number, Text, Unsupported};
        assert!(Form::Ratio.accepts(&[Number, Number]));
        assert!(Form::ElapsedDays.accepts(&[Datetime, Datetime]));
        assert!(Form::OffGroupMean.accepts(&[Number, IntegerCategory]));
        assert!(Form::Cross.accepts(&[Category, Boolean, Category]));
        assert!(Form::MissingCount.accepts(&[Number, Text]));
        for (form, kinds) in [
            (Form::Ratio, &[Number][..]),
            (Form::Ratio, &[Number, Category]),
            (Form::ElapsedDays, &[Datetime, Number]),
            (Form::GroupMean, &[Category, Number]),
            (Form::Cross, &[]),
            (Form::Cross, &[Category, Number]),
            (Form::Cross, &[Category, Category, Category, Category]),
            (Form::MissingPattern, &[Number]),
            (Form::MissingPattern, &[Number, Unsupported]),
        ] {
            assert!(!form.accepts(kinds), "{form:?} {kinds:?}");
        }
    }
}
