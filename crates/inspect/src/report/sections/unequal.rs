//! That groups of people are decided unequally, in words for the first screen: how far apart they
//! are, of a hundred rows each, and what to do about it.

use modelwright_core::record::{GroupAudit, GroupMeasures, Judgement, RunRecord};
use modelwright_core::task::Task;

use super::{kept, mitigation};
use crate::report::{number, words};

/// The sensitive columns whose groups are treated unequally beyond chance; `None` for none. Where
/// a limit was set to one kind of inequality, that one counts ([`super::kept`]): no decisions are
/// equal by all definitions at once.
pub(super) fn columns(record: &RunRecord) -> Option<String> {
    let open = audits(record).filter(|a| !kept::is_of_limited(record, a));
    let mut columns: Vec<String> = open.flat_map(|a| a.columns.clone()).collect();
    columns.dedup();
    (!columns.is_empty()).then(|| words::quoted_list(&columns))
}

/// The audits of single columns that found groups unequal.
fn audits(record: &RunRecord) -> impl Iterator<Item = &GroupAudit> {
    let all = record.fairness.iter().flat_map(|f| &f.audits);
    all.filter(|a| a.judgement == Judgement::Unequal && a.columns.len() == 1)
}

/// `Of 100 “Female” rows 13 are decided “>50K”, of 100 “Male” rows 44.`: the widest gap of
/// decisions; `None` where there is none, such as in a regression.
pub(super) fn risk(record: &RunRecord) -> Option<String> {
    let of = |audit| gap(audit).map(|(gap, said)| (gap, said, kept::is_of_limited(record, audit)));
    let (_, said, is_limited) = audits(record).filter_map(of).max_by(|a, b| a.0.total_cmp(&b.0))?;
    let constraint = record.mitigation.as_ref().map_or("", |made| made.constraint.as_str());
    Some(match (is_limited, constraint) {
        (true, "demographic_parity") | (false, _) => said,
        (true, other) => format!(
            "{said} Alike {} were asked for, not alike shares of decisions.",
            mitigation::rates(other)
        ),
    })
}

/// The gap of the shares that are decided for, and the sentence about it.
fn gap(audit: &GroupAudit) -> Option<(f64, String)> {
    let positive = audit.positive.as_ref()?;
    let share = |group: &GroupMeasures| {
        let measure = group.measures.iter().find(|m| m.name == "selection_rate")?;
        Some((words::quoted(&words::group(&group.name)), measure.value?))
    };
    let mut shares: Vec<(String, f64)> =
        audit.groups.iter().filter(|g| g.is_judged).filter_map(share).collect();
    shares.sort_by(|a, b| a.1.total_cmp(&b.1));
    let ((low_name, low), (high_name, high)) = (shares.first()?, shares.last()?);
    let of_hundred = |share: f64| number::fixed(share * 100.0, usize::from(share < 0.01));
    let sentence = format!(
        "Of 100 {low_name} rows {} are decided {}, of 100 {high_name} rows {} ({}).",
        of_hundred(*low),
        words::quoted(positive),
        of_hundred(*high),
        words::quoted_list(&audit.columns)
    );
    (high > low).then_some((high - low, sentence))
}

/// What is done to rows: of numbers nothing is decided.
pub(super) fn done(record: &RunRecord) -> &'static str {
    if record.task.task == Task::Regression { "predicted" } else { "decided" }
}

/// What to do about it.
pub(super) fn step(record: &RunRecord) -> Option<String> {
    let columns = columns(record)?;
    let how = if record.task.task == Task::Binary && record.mitigation.is_none() {
        "; if not, “modelwright fit … --fair equalized_odds --max-gap 0.05” keeps the difference \
         within a limit"
    } else {
        ""
    };
    let done = match done(record) {
        "decided" => "treated",
        other => other,
    };
    Some(format!(
        "Decide whether groups of {columns} may be {done} so differently (see “Groups side by \
         side”){how}."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canonical;
    use crate::report::sections::headline::{self, Headline};

    #[test]
    fn unequal_groups_are_told_of_a_hundred_rows_each_with_what_to_do() {
        let mut all = canonical::all();
        let limited = all[0].1.clone();
        for (_, record) in &mut all {
            record.mitigation = None;
        }
        let found: Vec<_> = all.iter().filter(|(_, r)| columns(r).is_some()).collect();
        assert!(!found.is_empty(), "a canonical record has unequal groups");
        for (name, record) in found {
            assert!(step(record).unwrap().contains("Groups side by side"), "{name}");
            let risk = risk(record);
            let says = |r: &String| r.starts_with("Of 100 “") && r.contains("are decided “");
            assert!(risk.as_ref().is_none_or(says), "{name}: {risk:?}");
        }
        assert!(all.iter().any(|(_, r)| risk(r).is_some()));
        // Where a limit was set, that one is judged; the others are what could go wrong.
        assert!(limited.mitigation.is_some());
        assert_eq!((columns(&limited), step(&limited)), (None, None));
        let said = risk(&limited).unwrap();
        assert!(said.ends_with("rates were asked for, not alike shares of decisions."), "{said}");
        let mut of_numbers = all.iter().find(|(_, r)| columns(r).is_some()).unwrap().1.clone();
        assert_eq!(done(&of_numbers), "decided");
        of_numbers.task.task = Task::Regression;
        let cares = headline::cares(&of_numbers, &Headline::of(&of_numbers));
        assert!(cares.iter().any(|c| c.contains("are predicted unequally")), "{cares:?}");
        assert!(step(&of_numbers).unwrap().contains("may be predicted so differently"));
        let (_, alike) = all.iter().find(|(_, r)| r.fairness.is_none()).unwrap();
        assert_eq!((columns(alike), risk(alike), step(alike)), (None, None, None));
    }
}
