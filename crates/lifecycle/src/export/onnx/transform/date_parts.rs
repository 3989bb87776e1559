//! The parts of a date or time, by whole-number arithmetic.
//!
//! The calendar is Hinnant's ("chrono-Compatible Low-Level Date Algorithms", 2013), as in
//! `core::data::civil_from_days`. Divisions round down: a remainder that has the divisor's sign is
//! taken off first.

use std::collections::BTreeMap;

use modelwright_core::Result;
use modelwright_preprocess::encode::PartView;
use modelwright_preprocess::transform::date_parts::{FittedDateParts, Part};

use super::super::columns::Column;
use super::super::constant::i64s;
use super::super::encoder::Piece;
use super::super::graph::{Graph, Value};
use super::super::proto::DataType;
use super::scaled_number::{scaled, smooth_clip};
use super::{fitted, no_number};

const MICROS_PER_DAY: i64 = 86_400_000_000;
const MICROS_PER_HOUR: i64 = 3_600_000_000;
const MICROS_PER_MINUTE: i64 = 60_000_000;

pub(super) fn write(
    graph: &mut Graph,
    column: &Column,
    part: &PartView<'_>,
) -> Option<Result<Piece>> {
    let own = fitted::<FittedDateParts>(part)?;
    let Column::Instant(value) = column else { return Some(Err(no_number())) };
    let missing = column.is_missing(graph);
    let reference = graph.i64(own.reference());
    let known = graph.choose(&missing, &reference, value);
    let mut moment = Moment { graph, known, days: BTreeMap::new() };
    let mut features = Vec::new();
    for (i, part) in own.parts().iter().enumerate() {
        let number = moment.number(*part, own.reference());
        let nothing = moment.graph.f64(f64::NAN);
        let number = moment.graph.choose(&missing, &nothing, &number);
        features.extend(match (own.scales().get(i), part.period()) {
            (None, _) => vec![moment.graph.saturated(&number)],
            (Some(scale), None) => {
                let z = scaled(moment.graph, &number, &[*scale]);
                let z = smooth_clip(moment.graph, &z);
                vec![moment.graph.saturated(&z)]
            }
            (Some(_), Some(period)) => moment.circle(&number, period, &missing),
        });
    }
    if own.tells_missing() {
        features.push(graph.zero_one(&missing));
    }
    let kept: Vec<Value> = part.kept.iter().map(|k| features[*k as usize].clone()).collect();
    Some(Ok(Piece::Table(graph.side_by_side(&kept), kept.len())))
}

/// Instants that are known, int64 `[rows, 1]`, and what was found out of them.
struct Moment<'g> {
    graph: &'g mut Graph,
    known: Value,
    days: BTreeMap<&'static str, Value>,
}

impl Moment<'_> {
    /// A part as a double.
    fn number(&mut self, part: Part, reference: i64) -> Value {
        let known = self.known.clone();
        if part == Part::ElapsedDays {
            let micros = self.graph.cast(&known, DataType::Double);
            let since = self.graph.f64(reference as f64);
            let micros = self.graph.op("Sub", &[&micros, &since]);
            let day = self.graph.f64(MICROS_PER_DAY as f64);
            return self.graph.op("Div", &[&micros, &day]);
        }
        let of_day = self.rest(&known, MICROS_PER_DAY);
        let whole = match part {
            Part::Hour => self.over(&of_day, MICROS_PER_HOUR),
            Part::Minute => {
                let minutes = self.over(&of_day, MICROS_PER_MINUTE);
                self.rest(&minutes, 60)
            }
            Part::Weekday => {
                // 1970-01-01 was a Thursday, and Monday is 0.
                let days = self.over(&known, MICROS_PER_DAY);
                let days = self.plus(&days, 3);
                self.rest(&days, 7)
            }
            Part::Year => self.civil("year"),
            Part::Month => self.civil("month"),
            Part::Day => self.civil("day"),
            Part::DayOfYear => self.day_of_year(),
            Part::ElapsedDays => known,
        };
        self.graph.cast(&whole, DataType::Double)
    }

    /// Sine and cosine of a periodic part; 0 where it is missing.
    fn circle(&mut self, number: &Value, period: f64, missing: &Value) -> Vec<Value> {
        let (length, turn) = (self.graph.f64(period), self.graph.f64(std::f64::consts::TAU));
        let turns = self.graph.op("Div", &[number, &length]);
        let angle = self.graph.op("Mul", &[&turns, &turn]);
        let zero = self.graph.f64(0.0);
        let angle = self.graph.choose(missing, &zero, &angle);
        // Double precision cosines are not in every runtime: cos a = sin (a + ¼ turn).
        let quarter = self.graph.plus(&angle, std::f64::consts::FRAC_PI_2);
        [angle, quarter]
            .map(|angle| {
                let wave = self.graph.op("Sin", &[&angle]);
                let filled = self.graph.choose(missing, &zero, &wave);
                self.graph.cast(&filled, DataType::Float)
            })
            .to_vec()
    }

    fn civil(&mut self, what: &'static str) -> Value {
        if let Some(value) = self.days.get(what) {
            return value.clone();
        }
        let known = self.known.clone();
        let days = self.over(&known, MICROS_PER_DAY);
        // Days since 0000-03-01; eras of 400 years, years that begin in March.
        let days = self.plus(&days, 719_468);
        let era = self.over(&days, 146_097);
        let of_era = self.rest(&days, 146_097);
        let corrections = [(1460, -1), (36_524, 1), (146_096, -1)];
        let mut corrected = of_era.clone();
        for (every, sign) in corrections {
            let n = self.over(&of_era, every);
            let n = self.times(&n, sign);
            corrected = self.graph.op("Add", &[&corrected, &n]);
        }
        let year_of_era = self.over(&corrected, 365);
        let leap_days = {
            let fours = self.over(&year_of_era, 4);
            let hundreds = self.over(&year_of_era, 100);
            self.graph.op("Sub", &[&fours, &hundreds])
        };
        let before = self.times(&year_of_era, 365);
        let before = self.graph.op("Add", &[&before, &leap_days]);
        let of_year = self.graph.op("Sub", &[&of_era, &before]);
        let month = self.times(&of_year, 5);
        let month = self.plus(&month, 2);
        let month = self.over(&month, 153);
        let first = self.times(&month, 153);
        let first = self.plus(&first, 2);
        let first = self.over(&first, 5);
        let day = self.graph.op("Sub", &[&of_year, &first]);
        let day = self.plus(&day, 1);
        // March is 0: ten months on, within the year.
        let shifted = self.plus(&month, 2);
        let from_zero = self.rest(&shifted, 12);
        let civil_month = self.plus(&from_zero, 1);
        let next = self.over(&shifted, 12);
        let year = self.times(&era, 400);
        let year = self.graph.op("Add", &[&year, &year_of_era]);
        let year = self.graph.op("Add", &[&year, &next]);
        self.days.extend([("year", year), ("month", civil_month), ("day", day)]);
        self.days[what].clone()
    }

    fn day_of_year(&mut self) -> Value {
        let (year, month, day) = (self.civil("year"), self.civil("month"), self.civil("day"));
        let before = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let table = self.graph.constant(i64s(&before, &[before.len()]));
        let before = self.graph.gather(&table, &month, 0);
        let days = self.graph.op("Add", &[&before, &day]);
        let zero = self.graph.i64(0);
        let [by_4, by_100, by_400] = [4, 100, 400].map(|n| {
            let rest = self.rest(&year, n);
            self.graph.op("Equal", &[&rest, &zero])
        });
        let not_by_100 = self.graph.op("Not", &[&by_100]);
        let century = self.graph.op("Or", &[&not_by_100, &by_400]);
        let leap = self.graph.op("And", &[&by_4, &century]);
        let february = self.graph.i64(2);
        let late = self.graph.op("Greater", &[&month, &february]);
        let more = self.graph.op("And", &[&leap, &late]);
        let more = self.graph.cast(&more, DataType::Int64);
        self.graph.op("Add", &[&days, &more])
    }

    fn rest(&mut self, x: &Value, n: i64) -> Value {
        let n = self.graph.i64(n);
        self.graph.op("Mod", &[x, &n])
    }

    /// The quotient, rounded down.
    fn over(&mut self, x: &Value, n: i64) -> Value {
        let rest = self.rest(x, n);
        let whole = self.graph.op("Sub", &[x, &rest]);
        let n = self.graph.i64(n);
        self.graph.op("Div", &[&whole, &n])
    }

    fn plus(&mut self, x: &Value, n: i64) -> Value {
        let n = self.graph.i64(n);
        self.graph.op("Add", &[x, &n])
    }

    fn times(&mut self, x: &Value, n: i64) -> Value {
        let n = self.graph.i64(n);
        self.graph.op("Mul", &[x, &n])
    }
}
