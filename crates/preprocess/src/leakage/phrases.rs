//! A text in which one word names a class: written, or chosen from set phrases, when the class was
//! known.
//!
//! On one half of the rows the word is found that goes with each class best, by its being there or
//! not; the other half says whether it tells the class from the others in nearly all rows, both
//! ways. Honest texts speak of the class in many words, none of which every author uses.

use std::collections::{HashMap, HashSet};

use modelwright_core::Context;
use modelwright_core::data::{Column, ColumnData, Kind, MISSING_CODE};
use modelwright_core::record::{LeakAction, LeakFinding, LeakKind};
use modelwright_core::task::Target;

use super::study::Study;
use crate::profile::wording::{count, percent, share};
use crate::transform::tokens;

/// Precision and recall of a class by its word, at least.
const AGREE_MIN: f64 = 0.98;
/// Fewer rows of a class, or of the others, than this in a half show nothing.
const SIDE_ROWS_MIN: usize = 30;
/// A column with no more values than this holds no texts.
const VALUES_MIN: usize = 40;

/// Texts among columns other than the `known` ones; reported, never excluded.
pub(super) fn check(study: &Study<'_>, known: &[String], ctx: &Context) -> Vec<LeakFinding> {
    let Target::Class { codes, n_classes } = &study.target else { return Vec::new() };
    let is_open = |(column, kind): &(&Column, Kind)| {
        matches!(kind, Kind::Text | Kind::Identifier | Kind::Category)
            && !known.contains(&column.name)
    };
    let columns: Vec<(&Column, Kind)> = study.columns().into_iter().filter(is_open).collect();
    let found = ctx.map(columns.len(), |i| {
        let texts = Texts::of(study, columns[i].0)?;
        let evidence = (0..*n_classes).find_map(|class| texts.evidence(codes, class as u32))?;
        Some(LeakFinding {
            kind: LeakKind::FilledAfterwards,
            columns: vec![columns[i].0.name.clone()],
            confidence: 0.9,
            share_of_test: None,
            evidence,
            action: LeakAction::Reported,
        })
    });
    found.into_iter().flatten().collect()
}

/// The words of a column's rows.
struct Texts<'a> {
    name: &'a str,
    /// The different words of each row that was looked at, as numbers.
    rows: Vec<Vec<u32>>,
    words: Vec<String>,
    halves: &'a [bool],
}

/// Rows with a word, of a class and of the others.
#[derive(Clone, Copy, Default)]
struct Counts {
    n_class: usize,
    n_others: usize,
}

impl Counts {
    fn add(&mut self, is_of_class: bool) {
        if is_of_class {
            self.n_class += 1;
        } else {
            self.n_others += 1;
        }
    }

    fn without(self, with: Self) -> Self {
        let (n_class, n_others) = (self.n_class - with.n_class, self.n_others - with.n_others);
        Self { n_class, n_others }
    }
}

impl<'a> Texts<'a> {
    /// `None` for a column that holds no texts of several words.
    fn of(study: &'a Study<'_>, column: &'a Column) -> Option<Self> {
        let ColumnData::String { codes, dictionary } = &column.data else { return None };
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut known: Vec<String> = Vec::new();
        let mut of_code: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut rows = Vec::with_capacity(study.rows.len());
        for row in &study.rows {
            let code = codes[*row as usize];
            if code == MISSING_CODE {
                rows.push(Vec::new());
                continue;
            }
            let words = of_code.entry(code).or_insert_with(|| {
                let mut distinct = HashSet::new();
                tokens::words(dictionary.get(code), |word| {
                    let number = numbers.get(word).copied().unwrap_or_else(|| {
                        numbers.insert(word.to_owned(), known.len() as u32);
                        known.push(word.to_owned());
                        known.len() as u32 - 1
                    });
                    distinct.insert(number);
                });
                distinct.into_iter().collect()
            });
            rows.push(words.clone());
        }
        // What has few values is judged by them.
        if of_code.len() <= VALUES_MIN {
            return None;
        }
        let n_several = rows.iter().filter(|words| words.len() > 1).count();
        let halves = &study.halves;
        (2 * n_several > rows.len()).then_some(Self {
            name: &column.name,
            rows,
            words: known,
            halves,
        })
    }

    /// Why the class may be told by a word; `None` when it is not.
    fn evidence(&self, codes: &[u32], class: u32) -> Option<String> {
        // Counting words is what takes time: not for each of a thousand rare classes.
        let n_class = codes.iter().filter(|code| **code == class).count();
        if n_class < 2 * SIDE_ROWS_MIN {
            return None;
        }
        let (of_words, all) = self.counts(codes, class, false);
        if all.n_class.min(all.n_others) < SIDE_ROWS_MIN {
            return None;
        }
        // How far the rows with a word are from being those of the class: its errors.
        let errors = |word: usize, is_there: bool| {
            let Counts { n_class, n_others } = of_words[word];
            let wrong = (all.n_class - n_class) + n_others;
            if is_there { wrong } else { all.n_class + all.n_others - wrong }
        };
        let ways = (0..self.words.len()).flat_map(|word| [(word, true), (word, false)]);
        let (word, is_there) = ways.min_by_key(|(word, is)| (errors(*word, *is), *word))?;
        let (of_words, all) = self.counts(codes, class, true);
        let with = of_words[word];
        let said = if is_there { with } else { all.without(with) };
        let agree =
            share(said.n_class, all.n_class).min(share(said.n_class, said.n_class + said.n_others));
        (agree >= AGREE_MIN && all.n_class.min(all.n_others) >= SIDE_ROWS_MIN).then(|| {
            format!(
                "the word “{}” {} `{}` in {} of the rows of one class, and hardly in others \
                 ({} rows looked at): the text seems to be written when the class is known",
                self.words[word],
                if is_there { "is in" } else { "is missing from" },
                self.name,
                percent(share(said.n_class, all.n_class)),
                count(self.rows.len())
            )
        })
    }

    /// Rows of one half with each word, and all of them.
    fn counts(&self, codes: &[u32], class: u32, half: bool) -> (Vec<Counts>, Counts) {
        let mut of_words = vec![Counts::default(); self.words.len()];
        let mut all = Counts::default();
        for ((words, code), in_half) in self.rows.iter().zip(codes).zip(self.halves) {
            if *in_half != half {
                continue;
            }
            all.add(*code == class);
            for word in words {
                of_words[*word as usize].add(*code == class);
            }
        }
        (of_words, all)
    }
}
