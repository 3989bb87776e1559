//! The parts of a date or time that can matter: calendar, cyclic, elapsed.
//!
//! Days elapsed since the earliest training value; year, month, day of month, weekday (Monday 0),
//! day of year, hour and minute, in UTC. `cyclic` writes the periodic ones as sine and cosine,
//! robustly scales the others and fills missing with 0 plus an indicator, for learners that sum
//! features. Parts that do not vary over the training rows are left out. O(rows).

use modelwright_core::data::{Column, Kind, MISSING_INSTANT, RawValue, civil_from_days};
use modelwright_core::declare_params;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::robust_scale::RobustScale;
use super::transformer::{
    Encoded, Fitted, TransformInput, Transformer, TransformerSpec, broken, instants, saturate,
};

const MICROS_PER_DAY: i64 = 86_400_000_000;

declare_params! {
    /// Parameters of [`DateParts`].
    pub struct DatePartsParams {
        /// Whether periodic parts become sine and cosine and the others are scaled.
        cyclic: bool = false, Domain::Flag;
    }
}

/// A part of an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Days since the reference, with fractions.
    ElapsedDays,
    /// Year.
    Year,
    /// Month, 1 to 12.
    Month,
    /// Day of the month, 1 to 31.
    Day,
    /// Day of the week, Monday is 0.
    Weekday,
    /// Day of the year, 1 to 366.
    DayOfYear,
    /// Hour of the day, 0 to 23.
    Hour,
    /// Minute of the hour, 0 to 59.
    Minute,
}

impl Part {
    const ALL: [Self; 8] = [
        Self::ElapsedDays,
        Self::Year,
        Self::Month,
        Self::Day,
        Self::Weekday,
        Self::DayOfYear,
        Self::Hour,
        Self::Minute,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::ElapsedDays => "elapsed_days",
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Weekday => "weekday",
            Self::DayOfYear => "day_of_year",
            Self::Hour => "hour",
            Self::Minute => "minute",
        }
    }

    /// After how many units it begins again; `None` for a part that never does.
    pub fn period(self) -> Option<f64> {
        match self {
            Self::ElapsedDays | Self::Year => None,
            Self::Month => Some(12.0),
            Self::Day => Some(31.0),
            Self::Weekday => Some(7.0),
            Self::DayOfYear => Some(365.25),
            Self::Hour => Some(24.0),
            Self::Minute => Some(60.0),
        }
    }

    /// The part of an instant; NaN for missing.
    fn of(self, micros: i64, reference: i64) -> f64 {
        if micros == MISSING_INSTANT {
            return f64::NAN;
        }
        let days = micros.div_euclid(MICROS_PER_DAY);
        let of_day = micros.rem_euclid(MICROS_PER_DAY);
        match self {
            Self::ElapsedDays => (micros as f64 - reference as f64) / MICROS_PER_DAY as f64,
            Self::Year => civil_from_days(days).0 as f64,
            Self::Month => f64::from(civil_from_days(days).1),
            Self::Day => f64::from(civil_from_days(days).2),
            // 1970-01-01 was a Thursday.
            Self::Weekday => (days + 3).rem_euclid(7) as f64,
            Self::DayOfYear => day_of_year(days),
            Self::Hour => (of_day / 3_600_000_000) as f64,
            Self::Minute => (of_day / 60_000_000 % 60) as f64,
        }
    }
}

fn day_of_year(days: i64) -> f64 {
    let (year, month, day) = civil_from_days(days);
    let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let leap_day = u32::from(is_leap && month > 2);
    f64::from(before[month as usize - 1] + day + leap_day)
}

/// See the module's text.
#[derive(Debug)]
pub struct DateParts;

/// Which parts vary, and how they are scaled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedDateParts {
    /// Earliest training value, microseconds since 1970.
    reference: i64,
    parts: Vec<Part>,
    /// One per part when cyclic (unused for periodic parts), else empty.
    scales: Vec<RobustScale>,
    indicator: bool,
}

impl Transformer for DateParts {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "date_parts",
        title: "Date parts",
        text: "Year, month, day, weekday, hour, elapsed days; sine and cosine for sums.",
        reference: "none",
        kinds: &[Kind::Datetime],
        sees_target: false,
        fills_missing: false,
    };
    type Params = DatePartsParams;
    type Fitted = FittedDateParts;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<DatePartsParams>,
        _: &Context,
    ) -> Result<FittedDateParts> {
        let values = instants(input.column)?;
        let rows = || input.rows.iter().map(|r| values[*r as usize]);
        let known = || rows().filter(|v| *v != MISSING_INSTANT);
        let reference = known().min().unwrap_or(0);
        let mut fitted = FittedDateParts {
            reference,
            parts: Vec::new(),
            scales: Vec::new(),
            indicator: params.cyclic && known().count() < input.rows.len(),
        };
        for part in Part::ALL {
            let first = part.of(reference, reference);
            if known().any(|v| part.of(v, reference) != first) {
                fitted.parts.push(part);
                if params.cyclic {
                    fitted.scales.push(RobustScale::fit(rows().map(|v| part.of(v, reference))));
                }
            }
        }
        Ok(fitted)
    }
}

impl FittedDateParts {
    /// The earliest training value, in microseconds since 1970.
    pub fn reference(&self) -> i64 {
        self.reference
    }

    /// The parts that are written, in feature order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// How each part is scaled where periodic parts are sine and cosine; else none.
    pub fn scales(&self) -> &[RobustScale] {
        &self.scales
    }

    /// Whether the last feature says which values were missing.
    pub fn tells_missing(&self) -> bool {
        self.indicator
    }
}

impl Fitted for FittedDateParts {
    fn features(&self, column: &str) -> Vec<String> {
        let mut names = Vec::new();
        for part in &self.parts {
            let name = format!("{column}:{}", part.name());
            if self.scales.is_empty() || part.period().is_none() {
                names.push(name);
            } else {
                names.extend([format!("{name}_sin"), format!("{name}_cos")]);
            }
        }
        if self.indicator {
            names.push(format!("{column}:missing"));
        }
        names
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let values = instants(column)?;
        let mut columns = Vec::new();
        for (i, part) in self.parts.iter().enumerate() {
            let of = |v: &i64| part.of(*v, self.reference);
            match (self.scales.get(i), part.period()) {
                (None, _) => columns.push(values.iter().map(|v| saturate(of(v))).collect()),
                (Some(scale), None) => {
                    columns.push(values.iter().map(|v| scale.apply(of(v))).collect());
                }
                (Some(_), Some(period)) => {
                    let angle = |v: &i64| of(v) / period * std::f64::consts::TAU;
                    let filled = |x: f64| if x.is_nan() { 0.0 } else { saturate(x) };
                    columns.push(values.iter().map(|v| filled(angle(v).sin())).collect());
                    columns.push(values.iter().map(|v| filled(angle(v).cos())).collect());
                }
            }
        }
        if self.indicator {
            let is_missing = |v: &i64| f32::from(u8::from(*v == MISSING_INSTANT));
            columns.push(values.iter().map(is_missing).collect());
        }
        Ok(Encoded { columns, sparse: None })
    }

    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        let Some(instant) = value.instant() else { return false };
        let mut places = out.iter_mut();
        let mut write = |value: f32| {
            if let Some(place) = places.next() {
                *place = value;
            }
        };
        for (i, part) in self.parts.iter().enumerate() {
            let number = part.of(instant, self.reference);
            match (self.scales.get(i), part.period()) {
                (None, _) => write(saturate(number)),
                (Some(scale), None) => write(scale.apply(number)),
                (Some(_), Some(period)) => {
                    let angle = number / period * std::f64::consts::TAU;
                    for side in [angle.sin(), angle.cos()] {
                        write(if side.is_nan() { 0.0 } else { saturate(side) });
                    }
                }
            }
        }
        if self.indicator {
            write(f32::from(u8::from(instant == MISSING_INSTANT)));
        }
        true
    }

    fn validate(&self) -> Result<()> {
        let fits = self.scales.is_empty() || self.scales.len() == self.parts.len();
        if fits && self.scales.iter().all(RobustScale::is_sound) {
            Ok(())
        } else {
            Err(broken("date_parts", "scales that do not fit the parts"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_those_of_the_calendar() {
        // 2024-02-29T13:45:00Z, a Thursday.
        let micros = 1_709_214_300_000_000;
        let of = |part: Part| part.of(micros, micros - MICROS_PER_DAY);
        let parts = Part::ALL.map(of);
        assert_eq!(parts, [1.0, 2024.0, 2.0, 29.0, 3.0, 60.0, 13.0, 45.0]);
        assert_eq!(Part::DayOfYear.of(1_735_603_200_000_000, 0), 366.0); // 2024-12-31
        assert_eq!(Part::Weekday.of(-MICROS_PER_DAY, 0), 2.0); // 1969-12-31, a Wednesday
        assert!(Part::Hour.of(MISSING_INSTANT, 0).is_nan());
    }
}
