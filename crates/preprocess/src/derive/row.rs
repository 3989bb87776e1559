//! A derived column of a single row, made without columns: what a server does for each request.
//!
//! The value is the one that [`Derived::of`] gives for columns of that row, to the bit.

use modelwright_core::data::{RawRow, RawValue};

use super::column::{Derived, days_since, over};
use super::cross::{BETWEEN, PATTERN_SIGNS};
use super::form::{CROSSED_MAX, Form};

impl Derived {
    /// The value, of inputs that are at their positions in `given`, each in the storage of the
    /// kind that it is read as; a text is written to `text`. `None` where an input is held
    /// otherwise: then columns must be asked.
    pub(crate) fn of_row<'t>(&self, given: &RawRow, text: &'t mut String) -> Option<RawValue<'t>> {
        let inputs = self.inputs();
        let value = |i: usize| inputs.get(i).map(|at| given.value(*at as usize));
        let number = |i: usize| value(i)?.number();
        Some(RawValue::Number(match self.form() {
            Form::Difference => number(0)? - number(1)?,
            Form::Sum => number(0)? + number(1)?,
            Form::Product => number(0)? * number(1)?,
            Form::Ratio => over(number(0)?, number(1)?),
            Form::ElapsedDays => days_since(value(0)?.instant()?, value(1)?.instant()?),
            Form::GroupMean => self.mean_of(value(1)?)?,
            Form::OffGroupMean => number(0)? - self.mean_of(value(1)?)?,
            Form::OverGroupMean => over(number(0)?, self.mean_of(value(1)?)?),
            Form::MissingCount => {
                let is_missing = |at: &&u32| given.value(**at as usize).is_missing();
                inputs.iter().filter(is_missing).count() as f64
            }
            Form::Cross => return cross(inputs, given, text),
            Form::MissingPattern => {
                let sign =
                    |at: &u32| PATTERN_SIGNS[usize::from(!given.value(*at as usize).is_missing())];
                text.clear();
                text.extend(inputs.iter().map(sign));
                return Some(RawValue::Text(text));
            }
        }))
    }

    fn mean_of(&self, group: RawValue<'_>) -> Option<f64> {
        let groups = self.groups()?;
        Some(groups.means()[groups.levels().of_value(group)?])
    }
}

/// The levels of several categories as one: see [`super::cross`].
fn cross<'t>(inputs: &[u32], given: &RawRow, text: &'t mut String) -> Option<RawValue<'t>> {
    text.clear();
    let mut is_missing = true;
    for (i, at) in inputs.iter().take(CROSSED_MAX).enumerate() {
        if i > 0 {
            text.push(BETWEEN);
        }
        match given.value(*at as usize) {
            RawValue::Missing => {}
            RawValue::Text(level) => {
                is_missing = false;
                text.push_str(level);
            }
            _ => return None,
        }
    }
    Some(if is_missing { RawValue::Missing } else { RawValue::Text(text) })
}
