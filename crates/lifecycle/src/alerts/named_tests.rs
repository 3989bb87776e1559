//! What a rule about a column is held against, and what notices are called.

use super::tests::{DAY, RULES, Remembering, clock, found, store};
use super::*;
use crate::outputs::tests::Folder;

#[test]
fn a_bound_of_distances_is_not_held_against_a_p_value_and_a_name_with_a_slip_is_said() {
    let rules = AlertRules::parse(
        "[[rule]]\nname = \"age\"\nwhen = \"column\"\ncolumn = \"age\"\nabove = 0.1\n\
         [[rule]]\nname = \"slip\"\nwhen = \"column\"\ncolumn = \"agee\"\n\
         [[sink]]\nname = \"s\"\nkind = \"webhook\"\nurl = \"http://x\"\n",
    )
    .unwrap();
    let fires = |measure: &str, score: f64, drifted: bool| {
        let mut found = found(drifted, None);
        let column = &mut found.columns[0];
        column.column = "age".to_owned();
        (column.measure, column.score) = (Some(measure.to_owned()), Some(score));
        judge(&rules, &found)[0].fires
    };
    assert_eq!((fires("ks", 1.0, false), fires("ks", 0.0, true)), (Some(false), Some(true)));
    assert_eq!(fires("wasserstein", 0.2, false), Some(true));
    assert_eq!(fires("wasserstein", 0.05, true), Some(false));
    let folder = Folder::new("alerts-slip");
    let mut store = store(&folder);
    let mut found = found(false, None);
    found.columns[0].column = "age".to_owned();
    let seen = observe(&mut store, &rules, "m", &found, DAY[0]).unwrap();
    assert_eq!(seen.unknown, [("slip".to_owned(), "agee".to_owned())]);
}

#[test]
fn notices_of_two_stores_have_ids_of_their_own_and_those_of_an_alert_begin_alike() {
    let rules = AlertRules::parse(RULES).unwrap();
    let ids = |name: &str| {
        let folder = Folder::new(name);
        let mut store = store(&folder);
        let network = Remembering::default();
        let mut ids = Vec::new();
        for (day, drifts) in [(DAY[0], true), (DAY[1], false)] {
            observe(&mut store, &rules, "m", &found(drifts, None), day).unwrap();
            deliver(&mut store, &rules, Whose::All, &network, &clock(day)).unwrap();
            let taken = network.taken().into_iter().filter(|(url, _)| url.contains("pager"));
            ids.extend(taken.map(|(_, body)| body["id"].as_str().unwrap().to_owned()));
        }
        ids
    };
    let (one, other) = (ids("alerts-ids-1"), ids("alerts-ids-2"));
    assert!(one.iter().all(|id| !other.contains(id)), "{one:?} {other:?}");
    let thread = |id: &String| id.split_once("-notice-").unwrap().0.to_owned();
    assert_eq!(one.len(), 2);
    assert_eq!(thread(&one[0]), thread(&one[1]));
    assert_ne!(one[0], one[1]);
}
