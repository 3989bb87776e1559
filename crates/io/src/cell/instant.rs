//! Dates and times as files write them, to microseconds since 1970 UTC.
//!
//! Accepted shapes, each alone or followed by a time of day:
//!
//! * year first: `2024-01-02`, `2024/1/2`, `2024.01.02`, `2024-01`, `20240102T030405Z`;
//! * numbers with the year last: `2/1/2024`, `02.01.24`; whether day or month comes first is a
//!   fact of the column (`day_first`), never guessed for one cell;
//! * names of months: `2 Jan 2024`, `02-JAN-24`, `January 2, 2024`, with or without a weekday;
//!   also C's `Tue Jan 02 03:04:05 +0000 2024`.
//!
//! Times: `3:04`, `03:04:05`, `03:04:05.678`, `3:04 PM`; zones `Z`, `UTC`, `GMT`, `+05:30`,
//! `+0530`, `+05`. Without a zone a time is taken as UTC. Digits below a microsecond are cut.
//! Bare numbers are never dates here, and a time alone is no instant.

const MICROS_PER_DAY: i64 = 86_400_000_000;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The instant in a trimmed cell; `None` when it is none.
///
/// `day_first` decides `2/1/2024`: `Some(true)` is the 2nd of January, `Some(false)` the 1st of
/// February, and `None` refuses it.
pub(crate) fn parse(trimmed: &str, day_first: Option<bool>) -> Option<i64> {
    let bytes = trimmed.as_bytes();
    if !(6..=48).contains(&bytes.len()) {
        return None;
    }
    let mut cursor = Cursor { bytes, at: 0 };
    if bytes[0].is_ascii_digit() {
        numeric(&mut cursor, day_first)
    } else if bytes[0].is_ascii_alphabetic() {
        named(&mut cursor)
    } else {
        None
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn eat_any(&mut self, set: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|b| set.contains(b))?;
        self.at += 1;
        Some(byte)
    }

    fn is_done(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Up to `most` digits: their value and how many there were.
    fn digits(&mut self, most: usize) -> Option<(i64, usize)> {
        let start = self.at;
        let mut value = 0;
        while let Some(b @ b'0'..=b'9') = self.peek() {
            if self.at - start == most {
                return None;
            }
            value = value * 10 + i64::from(b - b'0');
            self.at += 1;
        }
        (self.at > start).then_some((value, self.at - start))
    }

    fn word(&mut self) -> &[u8] {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_alphabetic()) {
            self.at += 1;
        }
        &self.bytes[start..self.at]
    }

    /// The month (1–12) that the next word names, in full or by its first letters.
    fn month(&mut self) -> Option<i64> {
        let month = position(&MONTHS, self.word())?;
        self.eat(b'.');
        Some(month + 1)
    }
}

/// The name that a word abbreviates by at least three letters.
fn position(names: &[&str], word: &[u8]) -> Option<i64> {
    let matches = |name: &&str| {
        word.len() >= 3
            && word.len() <= name.len()
            && name.as_bytes()[..word.len()].eq_ignore_ascii_case(word)
    };
    names.iter().zip(0..).find(|(name, _)| matches(name)).map(|(_, i)| i)
}

fn numeric(cursor: &mut Cursor<'_>, day_first: Option<bool>) -> Option<i64> {
    let (first, n_first) = cursor.digits(8)?;
    match n_first {
        4 => {
            let separator = cursor.eat_any(b"-/.")?;
            if cursor.peek()?.is_ascii_alphabetic() {
                let month = cursor.month()?;
                cursor.eat_any(&[separator])?;
                let (day, _) = cursor.digits(2)?;
                return with_time(cursor, days(first, month, day)?);
            }
            let (month, n_month) = cursor.digits(2)?;
            if cursor.is_done() && n_month == 2 && separator == b'-' {
                return Some(days(first, month, 1)? * MICROS_PER_DAY);
            }
            cursor.eat_any(&[separator])?;
            let (day, _) = cursor.digits(2)?;
            with_time(cursor, days(first, month, day)?)
        }
        8 if cursor.peek() == Some(b'T') => {
            let date = days(first / 10_000, first / 100 % 100, first % 100)?;
            with_time(cursor, date)
        }
        1 | 2 => {
            let separator = cursor.eat_any(b"/-. ")?;
            if cursor.peek()?.is_ascii_alphabetic() {
                let month = cursor.month()?;
                cursor.eat_any(b"-/ ,").filter(|s| *s == separator || separator == b' ')?;
                let year = year(cursor, true)?;
                return with_time(cursor, days(year, month, first)?);
            }
            let (second, n_second) = cursor.digits(2)?;
            if separator == b' ' {
                return None;
            }
            cursor.eat_any(&[separator])?;
            let year = year(cursor, n_first == 2 && n_second == 2)?;
            // With points the day always comes first.
            let (day, month) = match day_first? {
                true => (first, second),
                false if separator == b'.' => return None,
                false => (second, first),
            };
            with_time(cursor, days(year, month, day)?)
        }
        _ => None,
    }
}

fn named(cursor: &mut Cursor<'_>) -> Option<i64> {
    let start = cursor.at;
    if position(&WEEKDAYS, cursor.word()).is_some() {
        cursor.eat(b'.');
        cursor.eat(b',');
        cursor.eat_any(b" ")?;
    } else {
        cursor.at = start;
    }
    if cursor.peek()?.is_ascii_digit() {
        return numeric(cursor, None);
    }
    let month = cursor.month()?;
    let separator = cursor.eat_any(b" -")?;
    let (day, _) = cursor.digits(2)?;
    cursor.eat(b',');
    cursor.eat_any(&[separator])?;
    // C's order puts the year last: `Jan 02 03:04:05 +0000 2024`.
    if cursor.bytes.get(cursor.at + 2) == Some(&b':') {
        let of_day = time_of_day(cursor)?;
        cursor.eat_any(b" ")?;
        let offset = match cursor.peek()? {
            b'+' | b'-' => {
                let offset = zone(cursor)?;
                cursor.eat_any(b" ")?;
                offset
            }
            _ => 0,
        };
        let year = year(cursor, false)?;
        let date = days(year, month, day)?;
        return cursor.is_done().then_some(date * MICROS_PER_DAY + of_day - offset);
    }
    let year = year(cursor, false)?;
    with_time(cursor, days(year, month, day)?)
}

/// A year of four digits, or of two where allowed (69–99 are 19xx, as in POSIX).
fn year(cursor: &mut Cursor<'_>, two_digits: bool) -> Option<i64> {
    match cursor.digits(4)? {
        (year, 4) => Some(year),
        (year, 2) if two_digits => Some(if year >= 69 { 1900 + year } else { 2000 + year }),
        _ => None,
    }
}

fn with_time(cursor: &mut Cursor<'_>, date: i64) -> Option<i64> {
    let midnight = date * MICROS_PER_DAY;
    if cursor.is_done() {
        return Some(midnight);
    }
    cursor.eat(b',');
    cursor.eat_any(b"Tt ")?;
    let of_day = time_of_day(cursor)?;
    cursor.eat(b' ');
    let offset = zone(cursor)?;
    cursor.is_done().then_some(midnight + of_day - offset)
}

fn time_of_day(cursor: &mut Cursor<'_>) -> Option<i64> {
    let (mut hour, n_hour) = cursor.digits(6)?;
    let minute;
    let (mut second, mut micros) = (0, 0);
    match n_hour {
        // ISO's basic form without colons.
        6 => (hour, minute, second) = (hour / 10_000, hour / 100 % 100, hour % 100),
        4 => (hour, minute) = (hour / 100, hour % 100),
        1 | 2 => {
            cursor.eat_any(b":")?;
            minute = cursor.digits(2).filter(|(_, n)| *n == 2)?.0;
            if cursor.eat(b':') {
                second = cursor.digits(2).filter(|(_, n)| *n == 2)?.0;
            }
        }
        _ => return None,
    }
    if matches!(cursor.peek(), Some(b'.' | b','))
        && cursor.bytes.get(cursor.at + 1).is_some_and(u8::is_ascii_digit)
    {
        cursor.at += 1;
        let mut scale = 100_000;
        while let Some(b @ b'0'..=b'9') = cursor.peek() {
            micros += i64::from(b - b'0') * scale;
            scale /= 10;
            cursor.at += 1;
        }
    }
    let before = cursor.at;
    cursor.eat(b' ');
    match cursor.word() {
        w if w.eq_ignore_ascii_case(b"am") => hour = half_day(hour, 0)?,
        w if w.eq_ignore_ascii_case(b"pm") => hour = half_day(hour, 12)?,
        _ => cursor.at = before,
    }
    let in_range = hour < 24 && minute < 60 && second <= 60;
    in_range.then_some(((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

fn half_day(hour: i64, add: i64) -> Option<i64> {
    (1..=12).contains(&hour).then_some(hour % 12 + add)
}

/// The zone's offset to UTC in microseconds; 0 when there is none.
fn zone(cursor: &mut Cursor<'_>) -> Option<i64> {
    match cursor.peek() {
        None => Some(0),
        Some(b'+' | b'-') => {
            let sign = if cursor.eat(b'-') { -1 } else { 1 };
            cursor.eat(b'+');
            let (hours, minutes) = match cursor.digits(4)? {
                (n, 4) => (n / 100, n % 100),
                (n, 2) if cursor.eat(b':') => (n, cursor.digits(2)?.0),
                (n, 2) => (n, 0),
                _ => return None,
            };
            let in_range = hours <= 15 && minutes < 60;
            in_range.then_some(sign * (hours * 60 + minutes) * 60_000_000)
        }
        Some(_) => matches!(cursor.word(), b"Z" | b"z" | b"UTC" | b"GMT").then_some(0),
    }
}

/// Days since 1970 of a civil date that exists (H. Hinnant, 2013; the inverse of
/// `modelwright_core::data::civil_from_days`).
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=9999).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    let y = year - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::instant_text;

    use super::*;

    fn text(cell: &str, day_first: Option<bool>) -> Option<String> {
        parse(cell, day_first).map(instant_text)
    }

    #[test]
    fn iso_dates_times_and_zones_are_read() {
        for (cell, expected) in [
            ("2024-01-02", "2024-01-02"),
            ("2024/1/2", "2024-01-02"),
            ("2024-01", "2024-01-01"),
            ("1969-12-31", "1969-12-31"),
            ("2024-02-29 03:04", "2024-02-29T03:04:00Z"),
            ("2024-01-02 03:04:05.678", "2024-01-02T03:04:05.678000Z"),
            ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
            ("2024-01-02T03:04:05+05:30", "2024-01-01T21:34:05Z"),
            ("2024-01-02 03:04:05-0800", "2024-01-02T11:04:05Z"),
            ("2024-01-02 03:04:05.123456789 UTC", "2024-01-02T03:04:05.123456Z"),
            ("20240102T030405Z", "2024-01-02T03:04:05Z"),
            ("0001-01-01", "0001-01-01"),
            ("9999-12-31", "9999-12-31"),
        ] {
            assert_eq!(text(cell, None).as_deref(), Some(expected), "{cell}");
        }
    }

    #[test]
    fn day_and_month_follow_the_column() {
        assert_eq!(text("2/1/2024", Some(true)).unwrap(), "2024-01-02");
        assert_eq!(text("2/1/2024", Some(false)).unwrap(), "2024-02-01");
        assert_eq!(text("2/1/2024", None), None);
        assert_eq!(text("13/1/2024", Some(false)), None);
        assert_eq!(text("02.01.24", Some(true)).unwrap(), "2024-01-02");
        assert_eq!(text("12/31/1999 11:59 PM", Some(false)).unwrap(), "1999-12-31T23:59:00Z");
        assert_eq!(text("12/31/99 12:00:00 am", Some(false)).unwrap(), "1999-12-31");
    }

    #[test]
    fn month_names_are_read() {
        for cell in [
            "2 Jan 2024",
            "02-Jan-2024",
            "02-JAN-24",
            "January 2, 2024",
            "Jan 2 2024",
            "Tue, 02 Jan 2024",
            "Tuesday, January 2, 2024",
            "2 January 2024",
            "2024-Jan-02",
        ] {
            assert_eq!(text(cell, None).as_deref(), Some("2024-01-02"), "{cell}");
        }
        for cell in ["Tue Jan 02 03:04:05 +0000 2024", "Tue, 02 Jan 2024 03:04:05 GMT"] {
            assert_eq!(text(cell, None).as_deref(), Some("2024-01-02T03:04:05Z"), "{cell}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for cell in [
            "20240102",
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "1.2.34",
            "10.0.0.1",
            "1-2-3",
            "2024-01-02x",
            "2024-01-02 25:00",
            "03:04:05",
            "1704164645",
            "Jan",
            "May be",
            "12-34",
            "2024",
            "2024-01-02 3",
            "Marching 2, 2024",
            "2024-01-02T03:04:05+99:00",
        ] {
            for order in [None, Some(true), Some(false)] {
                assert_eq!(text(cell, order), None, "{cell}");
            }
        }
    }
}
