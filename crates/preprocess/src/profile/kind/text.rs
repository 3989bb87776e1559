//! The kind of a column of strings.

use modelwright_core::data::{Kind, MISSING_CODE, Strings};

use super::{IDENTIFIER_DISTINCT_SHARE, IDENTIFIER_VALUES_MIN, Subject};
use crate::profile::wording;

/// Pairs of words that mean yes and no, lower case.
const YES_NO: [(&str, &str); 16] = [
    ("yes", "no"),
    ("true", "false"),
    ("y", "n"),
    ("t", "f"),
    ("on", "off"),
    ("ja", "nein"),
    ("ja", "nee"),
    ("ja", "nej"),
    ("oui", "non"),
    ("si", "no"),
    ("sí", "no"),
    ("sim", "não"),
    ("tak", "nie"),
    ("да", "нет"),
    ("是", "否"),
    ("1", "0"),
];
/// How many distinct values are looked at for their shape.
const LOOK_MAX: usize = 2000;
/// Fewer blank-separated words than this on average: no sentences, no names.
const ONE_WORD: f64 = 1.2;
/// From this many words on average: sentences, names, titles.
const SENTENCE_WORDS: f64 = 2.5;

pub(super) fn guess(subject: &Subject<'_>, codes: &[u32], dictionary: &Strings) -> (Kind, String) {
    let used = used_values(codes, dictionary);
    if let [a, b] = used[..]
        && is_yes_no(a, b)
    {
        return (Kind::Boolean, format!("only `{a}` and `{b}`"));
    }
    let (n, distinct, share) = (subject.n_present(), subject.n_distinct, subject.distinct_share());
    let words = subject.sketch.texts().and_then(|t| t.words.mean()).unwrap_or(0.0);
    let mean_words = format!("{words:.1}");
    let noun = if mean_words == "1.0" { "word" } else { "words" };
    let facts = format!(
        "{} distinct strings in {} values, {} {noun} on average",
        wording::count(distinct),
        wording::count(n),
        mean_words.trim_end_matches(".0"),
    );
    if share_of(&used, is_binary) > 0.2 {
        return (Kind::Unsupported, format!("{facts}: control characters, so not text"));
    }
    let enough = n >= IDENTIFIER_VALUES_MIN;
    if enough && share >= IDENTIFIER_DISTINCT_SHARE && words < ONE_WORD {
        if share_of(&used, has_ideographs) > 0.5 {
            return (Kind::Text, format!("{facts}: a script without blanks"));
        }
        if share_of(&used, looks_like_date) < 0.9 {
            return (Kind::Identifier, format!("{facts}: nearly all distinct"));
        }
    }
    let wordy = words >= SENTENCE_WORDS && (share >= 0.2 || (distinct > 1000 && share >= 0.05));
    if enough && wordy {
        return (Kind::Text, format!("{facts}: sentences or names"));
    }
    if share >= 0.5 && distinct >= 100 {
        return (Kind::Text, format!("{facts}: too few repeats for categories"));
    }
    (Kind::Category, facts)
}

/// The first distinct values that occur, at most [`LOOK_MAX`] and a few more.
fn used_values<'a>(codes: &[u32], dictionary: &'a Strings) -> Vec<&'a str> {
    let mut seen = vec![false; dictionary.len()];
    let mut used = Vec::new();
    for code in codes.iter().filter(|c| **c != MISSING_CODE) {
        if !std::mem::replace(&mut seen[*code as usize], true) {
            used.push(dictionary.get(*code));
            if used.len() >= LOOK_MAX {
                break;
            }
        }
    }
    used
}

fn share_of(values: &[&str], test: impl Fn(&str) -> bool) -> f64 {
    wording::share(values.iter().filter(|v| test(v)).count(), values.len())
}

fn is_yes_no(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim().to_lowercase(), b.trim().to_lowercase());
    YES_NO.iter().any(|(yes, no)| (a == *yes && b == *no) || (a == *no && b == *yes))
}

fn is_binary(value: &str) -> bool {
    value.chars().any(|c| c == '\u{fffd}' || (c.is_control() && !c.is_whitespace()))
}

fn has_ideographs(value: &str) -> bool {
    // Kana, Chinese characters, Thai.
    let is_one = |c: char| {
        let (kana, han) = ('\u{3040}'..='\u{30ff}', '\u{3400}'..='\u{9fff}');
        kana.contains(&c) || han.contains(&c) || ('\u{e00}'..='\u{e7f}').contains(&c)
    };
    value.chars().any(is_one)
}

/// Whether a string has the shape of a date: three groups of digits (the month may be a word)
/// with one separator, one of the groups a year, and perhaps a time of day behind.
pub(crate) fn looks_like_date(value: &str) -> bool {
    let value = value.trim();
    let Some(end) = value.find(|c: char| !c.is_alphanumeric() && !"-/. ,".contains(c)) else {
        return is_date_part(value);
    };
    // Something else may only begin with the colon of a time of day.
    value[end..].starts_with(':') && is_date_part(value[..end].trim_end_matches(char::is_numeric))
}

fn is_date_part(value: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let value = value.trim_end_matches(['T', ' ']);
    let parts: Vec<&str> =
        value.split(['-', '/', '.', ' ', ',']).filter(|p| !p.is_empty()).collect();
    let [a, b, c, ..] = parts[..] else { return false };
    let month_word = |p: &str| {
        p.len() >= 3 && p.is_char_boundary(3) && MONTHS.contains(&p[..3].to_lowercase().as_str())
    };
    let number = |p: &str| p.parse::<u32>().ok().filter(|_| p.len() <= 4);
    let numbers: Vec<Option<u32>> = [a, b, c].iter().map(|p| number(p)).collect();
    let words = [a, b, c].iter().filter(|p| month_word(p)).count();
    let year =
        |p: &str, n: Option<u32>| p.len() == 4 && n.is_some_and(|n| (1800..2200).contains(&n));
    let years = [a, b, c].iter().zip(&numbers).filter(|(p, n)| year(p, **n)).count();
    let small = numbers.iter().flatten().filter(|n| (1..=31).contains(*n)).count();
    years == 1 && words + small >= 2 && parts.len() <= 4
}

#[cfg(test)]
mod tests {
    use super::looks_like_date;

    #[test]
    fn dates_are_told_from_numbers_and_addresses() {
        for date in [
            "2024-02-29",
            "1/2/2020",
            "12.03.1999",
            "3 Mar 2011",
            "Mar 3, 2011",
            "2020-01-02 10:30",
            "2020-01-02T10:30:00Z",
        ] {
            assert!(looks_like_date(date), "{date}");
        }
        for other in ["", "12-34", "10.0.0.1", "A/5 21171", "2020", "1-2-3", "hello 2 2020 may"] {
            assert!(!looks_like_date(other), "{other}");
        }
    }
}
